"""A smaller network with the same trouble: parts are left out as long as it stays."""

import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tests.random_networks.description import Description


def smaller(
    description: Description, still_wrong: Callable[[Description], bool], seconds: float
) -> Description:
    """What is left when nothing more can be left out, or the time is over."""
    until = time.monotonic() + seconds
    found = True
    while found:
        found = False
        for attempt in without_a_part(description):
            if time.monotonic() > until:
                return description
            if still_wrong(attempt):
                description, found = attempt, True
                break
    return description


def without_a_part(thing: Any) -> Iterator[Any]:
    """The same without one element of one of its tuples, at any depth; the large parts first.

    What is left out may be needed by the rest. Then both devices end with an error, and the
    trouble is gone.
    """
    tuples = [
        (field.name, value)
        for field in fields(thing)
        if field.name != "hazards" and isinstance(value := getattr(thing, field.name), tuple)
    ]
    for name, value in tuples:
        for k in range(len(value) - 1, -1, -1):
            yield replace(thing, **{name: value[:k] + value[k + 1 :]})
    for name, value in tuples:
        for k, element in enumerate(value):
            if is_dataclass(element):
                for attempt in without_a_part(element):
                    yield replace(thing, **{name: (*value[:k], attempt, *value[k + 1 :])})
