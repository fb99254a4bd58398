"""What a kind of network is, and the list of all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Namespace = dict[str, Any]
Builder = Callable[..., Namespace]


@dataclass(frozen=True)
class Kind:
    """A kind of network: how to make one, and for how long to run it.

    Parameters
    ----------
    name, title
        For the command line, and for a table.
    build
        Makes the objects for the device that is set, and returns its local variables. Without
        arguments it makes the network at the size that is measured.
    duration
        Biological seconds that take ``cpp_standalone`` a second or so.
    quick
        Arguments for a network that takes a moment.
    quick_duration
        Biological seconds in which something happens in that one.
    random
        Whether Brian draws numbers, so that devices differ.
    """

    name: str
    title: str
    build: Builder
    duration: float
    quick: dict[str, Any] = field(default_factory=dict)
    quick_duration: float = 0.002
    random: bool = False

    def make(self, duration: float, quick: bool = False) -> Namespace:
        """Make the network; one with a stimulus is told for how long."""
        arguments = dict(self.quick) if quick else {}
        if "duration" in inspect.signature(self.build).parameters:
            arguments["duration"] = duration
        return self.build(**arguments)


#: By name, in the order of the table.
KINDS: dict[str, Kind] = {}


def add(new: Kind) -> None:
    """Take a kind into the list."""
    if new.name in KINDS:
        raise ValueError(f"there are two kinds of the name {new.name!r}: give one another name")
    KINDS[new.name] = new


def kind(
    title: str,
    duration: float,
    quick: dict[str, Any],
    quick_duration: float = 0.002,
    random: bool = False,
) -> Callable[[Builder], Builder]:
    """Take the function below into the list, by its name; `Kind` says what is what."""

    def register(build: Builder) -> Builder:
        name = build.__name__  # type: ignore[attr-defined]
        add(Kind(name, title, build, duration, quick, quick_duration, random))
        return build

    return register
