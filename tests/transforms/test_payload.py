"""What events may bring along of their synapses."""

from dataclasses import replace

import pytest

from brian2genn.backends.trial.sketch import call, draw
from brian2genn.transforms.payload import MOST, payloads
from tests.transforms.blocks import (
    adds_to,
    arrives,
    becomes,
    network,
    push,
    shares,
    threshold,
    update,
)

CELLS = (update(becomes("v", "v", "g")), threshold(), push())
PRE = arrives(adds_to(("g", "post"), "w"))


def takes_long(code):
    code["g", "post"] = code["g", "post"] + call("exp", code["w"])


def draws(code):
    code["g", "post"] = code["g", "post"] + draw("rand", 0) * code["w"]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((*CELLS, PRE), {"arrives": ["post", "w"]}),
        # no weight, two of them
        ((*CELLS, arrives(adds_to(("g", "post")))), {"arrives": ["post"]}),
        ((*CELLS, arrives(adds_to(("g", "post"), "w", "x"))), {"arrives": ["post", "w", "x"]}),
        # what neurons have is read when the event arrives
        ((*CELLS, arrives(adds_to(("g", "post"), "w", ("u", "pre")))),
         {"arrives": ["pre", "post", "w"]}),
        ((*CELLS, arrives(becomes(("g", "post"), "w"))), {"arrives": ["w", "post"]}),
        # to both neurons
        ((*CELLS, arrives(adds_to(("g", "post"), "w"), adds_to(("u", "pre"), "w"))),
         {"arrives": ["post", "w", "pre"]}),
        # each pathway by itself
        ((*CELLS, PRE, arrives(becomes("x"), name="others", queue=1)),
         {"arrives": ["post", "w"]}),
        # somebody changes it: the pathway, another one, a state update
        ((*CELLS, arrives(adds_to(("g", "post"), "w"), becomes("w", "w"))), {}),
        ((*CELLS, PRE, arrives(becomes("w"), name="others", queue=1)), {}),
        ((*CELLS, PRE, update(becomes("w", "w"), name="decay", size="M")), {}),
        # nothing for anybody else
        ((*CELLS, arrives(becomes("w"))), {}),
        ((*CELLS, arrives(shares("shared"))), {}),
        (CELLS, {}),
        # which synapse it is makes a difference, or it is no great part of the work
        ((*CELLS, arrives(draws)), {}),
        ((*CELLS, arrives(takes_long)), {}),
    ],
)  # fmt: skip
def test_what_nobody_changes(steps, expected):
    found = payloads(network(*steps))
    assert {name: {one.array for one in some} for name, some in found.items()} == {
        name: set(arrays) for name, arrays in expected.items()
    }


def test_only_so_much():
    names = ["w", "x", "z", "u", "v"]
    assert len(names) == MOST
    for n in range(len(names) + 1):
        model = network(arrives(adds_to(("g", "post"), *names[:n])))
        # their targets take one place
        assert len(payloads(model).get("arrives", ())) == (1 + n if n < MOST else 0)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_values_of_four_or_eight_bytes(dtype):
    model = network(PRE)
    kernel = model.steps[0].kernel
    kernel.accesses["w"] = replace(kernel.accesses["w"], dtype=dtype)
    assert bool(payloads(model)) == (dtype != "uint8")
