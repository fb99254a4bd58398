"""Labels: names of Brian's objects that do not depend on how often Brian has counted."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from .creation import creation

_COUNT = re.compile(r"_(\d+)")


def referent(thing: Any) -> Any:
    """The object itself, where Brian hands out a proxy of it."""
    return getattr(thing.__init__, "__self__", thing)


def own(thing: Any, attribute: str) -> Any:
    """An attribute that an object itself has; None if it has none.

    Groups show their variables as attributes, too, and scripts give these any name.
    """
    try:
        return object.__getattribute__(referent(thing), attribute)
    except AttributeError:
        return None


def natural(name: str) -> tuple[Any, ...]:
    """A key to sort names by, so that ``_9`` comes before ``_10``."""
    return tuple(int(p) if k % 2 else p for k, p in enumerate(_COUNT.split(name)))


@cache
def _default_names(kind: Any) -> frozenset[str]:
    """What Brian makes the names of a class's objects of, if the script gives none."""
    found = {base.__name__.lower() for base in kind.__mro__}
    for base in kind.__mro__:
        initialiser = base.__dict__.get("__init__")
        if initialiser is not None:
            parameter = inspect.signature(initialiser).parameters.get("name")
            default = None if parameter is None else parameter.default
            if isinstance(default, str) and default.endswith("*"):
                found.add(default[:-1].lstrip("_"))
    return frozenset(found)


def _uncounted_name(thing: Any) -> str | None:
    """What Brian made an object's name of; None if the script gave the name, or another object."""
    found = re.fullmatch(r"_*(.*?)(_\d+)?", str(thing.name))
    return found[1] if found is not None and found[1] in _default_names(thing.__class__) else None


def uncounted(thing: Any) -> str:
    """An object's name, but for how far Brian has counted.

    Names are used again when objects have gone, and Python lets them go at one time or another.
    """
    whole = _whole(thing)
    if whole is not None:
        return uncounted(whole) + str(thing.name)[len(str(whole.name)) :]
    return _uncounted_name(thing) or str(thing.name)


def in_order(objects: Iterable[Any]) -> list[Any]:
    """Objects in an order that does not depend on how far Brian has counted.

    First those to which Brian gave the name, in the order in which they were made: it may use the
    names of others again. Then by name, numbers as numbers.
    """

    def key(thing: Any) -> tuple[Any, ...]:
        thing = referent(thing)
        counted = _uncounted_name(thing) is not None
        return not counted, creation(thing) if counted else 0, natural(str(thing.name))

    return sorted(objects, key=key)


class Labels:
    """The labels of the objects of one network.

    Attributes
    ----------
    names : dict
        From labels to what the script calls the objects.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        # with the objects, so that nothing else gets their identity
        self._by_object: dict[int, tuple[str, Any]] = {}

    def of(self, thing: Any) -> str:
        """The label of an object: its name, or what Brian made the name of, numbered anew."""
        thing = referent(thing)
        known = self._by_object.get(id(thing))
        if known is None:
            label = free(self.names, self._wanted(thing))
            self.names[label] = str(thing.name)
            known = self._by_object[id(thing)] = label, thing
        return known[0]

    def sorted(self, objects: Iterable[Any]) -> list[Any]:
        """Objects in an order that does not depend on how far Brian has counted.

        They get their labels: first those that have a name of their own.
        """
        objects = in_order(objects)
        for thing in objects:
            if _whole(thing) is None:
                self.of(thing)
        return sorted(objects, key=lambda thing: natural(self.of(thing)))

    def within(self, name: str) -> str:
        """A name that Brian has made of those of objects, with labels in their place."""
        if not any(real != label and real in name for label, real in self.names.items()):
            return name
        renamed = dict(self._renamed())
        any_name = "|".join(map(re.escape, renamed))
        return re.sub(
            rf"(?<![A-Za-z0-9])({any_name})(?![A-Za-z0-9])", lambda found: renamed[found[1]], name
        )

    def _renamed(self) -> list[tuple[str, str]]:
        """Names and labels where they differ, the longest names first."""
        pairs = [(name, label) for label, name in self.names.items() if name != label]
        return sorted(pairs, key=lambda pair: -len(pair[0]))

    def _wanted(self, thing: Any) -> str:
        name, counted = str(thing.name), _uncounted_name(thing)
        if counted is not None:
            return counted
        whole = _whole(thing)
        if whole is not None:
            return self.of(whole) + _uncounted(name.removeprefix(str(whole.name)))
        # a clock knows nothing of the group that it was made for
        for real, label in self._renamed():
            if name.startswith(f"{real}_"):
                return label + _uncounted(name.removeprefix(real))
        return name


def _whole(thing: Any) -> Any:
    """The group that an object belongs to and has its name from; None if there is none."""
    for attribute in ("group", "source"):
        whole = own(thing, attribute)
        if whole is None or referent(whole) is thing:
            continue
        if str(thing.name).startswith(f"{whole.name}_"):
            return whole
    return None


def _uncounted(rest: str) -> str:
    """What follows a group's name in that of a thing of which it may have many."""
    return re.sub(r"^_(subgroup|clock)_\d+$", r"_\1", rest)


def free(taken: Iterable[str], name: str) -> str:
    """`name`, or where that is taken the first of ``name_2``, ``name_3``, ... that is not."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
