"""What a thread keeps that takes an element through several steps."""

import pytest

from brian2genn.transforms.forward import forwarded
from tests.transforms.blocks import (
    adds_to,
    becomes,
    monitor,
    network,
    on_events,
    push,
    shares,
    threshold,
    update,
)


def found(*steps):
    """From the names of arrays to those of steps."""
    return {array: step.name for array, step in forwarded(network(*steps).steps).items()}


def second(*body):
    return update(*body, name="second")


def third(*body):
    return update(*body, name="third")


def shared_value(code):
    code["z"] = code.shared("shared")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # written, and read after that
        ((update(becomes("v")), second(becomes("u", "v"))), {"v": "update"}),
        ((update(becomes("v")), on_events(becomes("u", "v"))), {"v": "update"}),
        ((update(becomes("v"), becomes("u")), second(becomes("x", "v", "u"))),
         {"v": "update", "u": "update"}),
        # events, which whoever comes later reads
        ((threshold(), push()), {"events": "above"}),
        ((update(becomes("v")), threshold(), push(), on_events(becomes("u"))),
         {"v": "update", "events": "above"}),
        # what events have changed meanwhile is kept, too
        ((update(becomes("v")), on_events(becomes("v")), second(becomes("u", "v"))),
         {"v": "update"}),
        # written twice, or again
        ((update(becomes("v")), second(becomes("v")), third(becomes("u", "v"))), {"v": "second"}),
        ((update(becomes("v")), second(becomes("u", "v")), third(becomes("v"))), {"v": "update"}),
        # by and for itself
        ((update(becomes("v", "v")), second(becomes("u", "v"))), {}),
        # read before
        ((update(becomes("u", "v")), second(becomes("v")), third(becomes("x", "v"))), {}),
        # nobody reads it, or nobody writes it
        ((update(becomes("v")), second(becomes("u"))), {}),
        ((update(becomes("x", "v")), second(becomes("u", "v"))), {}),
        # some elements only
        ((on_events(becomes("v")), second(becomes("u", "v"))), {}),
        # read at other elements
        ((update(becomes("v")), second(becomes("u", ("v", "other")))), {}),
        ((update(becomes("v")), second(becomes("u", "v")), third(becomes("x", ("v", "other")))),
         {"v": "update"}),
        # written, or added to, at other elements
        ((update(becomes("v")), second(becomes("u", "v")), third(becomes(("v", "other")))), {}),
        ((update(becomes("v")), second(becomes("u", "v")), third(adds_to(("v", "other")))), {}),
        ((update(becomes(("v", "other"))), second(becomes("u", "v"))), {}),
        # shared
        ((update(becomes("v"), shares("shared")), second(shared_value)), {}),
        # counts of anywhere
        ((monitor(), second(becomes("u", "count"))), {}),
    ],
)  # fmt: skip
def test_what_is_kept(steps, expected):
    assert found(*steps) == expected
