"""What users' C++ code calls ``brian::...``: arrays of the device, clocks, random numbers.

Programs of Brian's standalone devices have a namespace ``brian`` with all arrays in it, under the
names that ``get_array_name`` gives.  Functions written for them use these names.
"""

from __future__ import annotations

import difflib
import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from brian2.core import clocks
from brian2.core.names import Nameable
from brian2.core.network import Network
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import SynapticPathway

from .labels import own

#: What a name can stand for.
POINTER, SIZE, VECTOR, MATRIX = "pointer", "size", "vector", "matrix"
CLOCK, TABLE, TABLE_SIZE, GENERATORS = "clock", "table", "table_size", "generators"

#: The class of all clocks; before Brian 2.10 there is one kind only.
_CLOCK: Any = getattr(clocks, "BaseClock", clocks.Clock)


class NoSuchName(NameError):
    """A name that users' C++ code looks for in ``brian`` means nothing, or more than one thing."""


@dataclass(frozen=True, eq=False)
class Thing:
    """What a name stands for: a `kind`, and a Brian variable, clock or ``TimedArray``."""

    kind: str
    what: Any = None

    def describe(self) -> str:
        """What it is, for people."""
        if isinstance(self.what, ArrayVariable):
            owner, shape = self.what.owner, np.atleast_1d(self.what.size)
            return (
                f"'{self.what.name}' of the {owner.__class__.__name__} '{owner.name}'"
                f" ({' x '.join(map(str, shape))} elements)"
            )
        return f"the {type(self.what).__name__} '{self.what.name}'"


Index = dict[str, dict[int, Thing]]


class BrianNames:
    """Finds what a name stands for: among the objects of a network first, then among all.

    Parameters
    ----------
    objects : iterable
        The network's objects and clocks, or the group whose code it is.
    variables : iterable
        More variables and functions that this code uses.
    """

    def __init__(self, objects: Iterable[Any] = (), variables: Iterable[Any] = ()) -> None:
        self._objects = objects
        self._variables = variables
        self._far: Index | None = None

    def find(self, name: str) -> Thing | None:
        """What `name` stands for; None if nothing.

        Raises
        ------
        NoSuchName
            If it stands for more than one thing.
        """
        if name == "_random_generators":
            return Thing(GENERATORS)
        found = self._near.get(name)
        if found is None:
            self._far = self._far or _everything()
            found = self._far.get(name, {})
        if len(found) > 1 and name not in self._near:
            del found
            self._far = None
            gc.collect()  # groups that nobody has any more have names still
            self._far = _everything()
            found = self._far.get(name, {})
        things = list(found.values())
        if len(things) > 1:
            meanings = " and ".join(thing.describe() for thing in things)
            raise NoSuchName(
                f"brian::{name} stands for {meanings}. Give them different names"
                " (name='...') where they are made."
            )
        return things[0] if things else None

    @cached_property
    def _near(self) -> Index:
        index: Index = {}
        for variable in self._variables:
            _add_variable(index, variable)
        for obj in self._objects:
            _add_object(index, obj)
        return index

    def error(self, name: str, function: str) -> NoSuchName:
        """The error for a name that stands for nothing."""
        known = _everything()
        unreachable: Iterable[Any] = _instances(Network, SynapticPathway)
        near = difflib.get_close_matches(name, [*self._near, *known], n=4)
        text = f"The C++ function '{function}' uses brian::{name}: "
        if name in _UNREACHABLE:
            text += f"{_UNREACHABLE[name]}."
        elif any(thing.name == name for thing in unreachable):
            text += "networks and pathways cannot be reached from C++ here, only arrays and clocks."
        else:
            text += "there is no array or clock of this name."
        if near:
            text += f" Near it: {', '.join(f'brian::{other}' for other in dict.fromkeys(near))}."
        return NoSuchName(
            f"{text} The name of a variable's array is"
            " get_device().get_array_name(group.variables['...'], access_data=False)."
        )


_UNREACHABLE = {
    "_mersenne_twister_states": (
        "random numbers come from other streams here; draw them with _rand(_vectorisation_idx)"
        " and _randn(_vectorisation_idx), or brian::_random_generators[0].rand()"
    ),
    "results_dir": "nothing is written to a directory of results",
    "set_variable_by_name": "the arrays can be written to as they are",
}


def _instances(*classes: Any) -> Iterator[Any]:
    """All objects of some classes that are alive."""
    for cls in classes:
        for reference in list(cls.__instances__()):
            thing = reference()
            if thing is not None:
                yield thing


def with_relatives(group: Any) -> Iterator[Any]:
    """A group, and the monitors, synapses and others that refer to it."""
    yield group
    for thing in _instances(Nameable):
        ends = (own(thing, name) for name in ("source", "target", "group"))
        if any(_is(end, group) for end in ends):
            yield thing


def _is(end: Any, group: Any) -> bool:
    try:  # these are often proxies, which compare as what they stand for does
        return end is not None and bool(end == group)
    except (ReferenceError, TypeError, ValueError):
        return False


def _everything() -> Index:
    """All that has a name in this process."""
    index: Index = {}
    for thing in _instances(Nameable):
        _add_object(index, thing)
    return index


def _add(index: Index, name: str, kind: str, what: Any) -> None:
    index.setdefault(name, {})[id(what)] = Thing(kind, what)


def _add_object(index: Index, thing: Any) -> None:
    if isinstance(thing, TimedArray):
        _add_variable(index, thing)
        return
    if isinstance(thing, _CLOCK):
        _add(index, thing.name, CLOCK, thing)
    variables: Any = own(thing, "variables")
    for variable in variables.values() if isinstance(variables, Mapping) else ():
        _add_variable(index, variable)


def _add_variable(index: Index, variable: Any) -> None:
    """Add the names that an array, or the values of a ``TimedArray``, have."""
    if isinstance(variable, TimedArray):
        name = f"{variable.name}_values"
        _add(index, name, TABLE, variable)
        _add(index, f"_num_{name}", TABLE_SIZE, variable)
        return
    if not isinstance(variable, ArrayVariable):
        return
    try:
        if getattr(variable.owner, "name", None) is None:
            return  # an array for one piece of code only
        name = variable.device.get_array_name(variable)
    except (ReferenceError, KeyError):  # the group is gone; or it belongs to a standalone device
        return
    if not isinstance(variable, DynamicArrayVariable):
        _add(index, name, POINTER, variable)
        _add(index, f"_num_{name}", SIZE, variable)
        return
    dynamic = variable.device.get_array_name(variable, access_data=False)
    one_dimensional = variable.ndim == 1
    _add(index, dynamic, VECTOR if one_dimensional else MATRIX, variable)
    _add(index, name, POINTER if one_dimensional else MATRIX, variable)


# -- text ----------------------------------------------------------------------

#: Comments and literals: nothing in them is a name.
_SKIPPED = r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![\w'])'(?:\\.|[^'\\\n])+'"""
_BRIAN = r"(?:::\s*)?\bbrian"
_ALIAS = re.compile(rf"\bnamespace\s+(\w+)\s*=\s*{_BRIAN}\s*;")
_USING_ALL = re.compile(rf"\busing\s+namespace\s+{_BRIAN}\s*;")
_USING_ONE = re.compile(rf"\busing\s+{_BRIAN}\s*::\s*(\w+)\s*;")

#: The sizes of a two-dimensional array.
_MEMBER = r"(?P<member>\s*\.\s*[nm]\b(?!\s*\())?"


def with_neutral_names(text: str, look_up: Callable[[str, bool], tuple[str, str] | None]) -> str:
    """C++ text in which all that is in ``brian`` has the names that `look_up` gives.

    Parameters
    ----------
    text : str
    look_up : callable
        Told a name and whether it is surely one in ``brian``; returns its kind and its new name,
        or None to leave it as it is.
    """
    if "brian" not in text:
        return text
    prefixes = ["brian", *_ALIAS.findall(text)]
    text = _ALIAS.sub("", text)
    all_are_known = bool(_USING_ALL.search(text))
    text = _USING_ALL.sub("", text)
    known = set(_USING_ONE.findall(text))
    text = _USING_ONE.sub("", text)

    def replaced(match: re.Match[str]) -> str:
        qualified, bare = match["qualified"], match["bare"]
        if qualified is None and bare is None:
            return match[0]
        if qualified is None and not all_are_known and bare not in known:
            return match[0]
        found = look_up(qualified or bare, qualified is not None or bare in known)
        if found is None:
            return match[0]
        kind, name = found
        place, member = f"brian::{name}", match["member"] or match["bare_member"] or ""
        # sizes change while the network runs, but C++ must see plain integers
        return f"int({place}{member.strip()})" if member and kind == MATRIX else place + member

    spaces = "|".join(map(re.escape, prefixes))
    pattern = (
        rf"{_SKIPPED}|(?<![\w:])(?:::\s*)?(?:{spaces})\s*::\s*(?P<qualified>[A-Za-z_]\w*){_MEMBER}"
        rf"|(?<![\w.])(?<!->)(?<!::)(?P<bare>[A-Za-z_]\w*)"
        rf"{_MEMBER.replace('member', 'bare_member')}"
    )
    return re.sub(pattern, replaced, text, flags=re.DOTALL)
