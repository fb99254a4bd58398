"""What a run of a network was prepared from, and whether it is that still.

Before each run Brian goes through all objects: names are resolved, units checked, code is made.
Mostly nothing has changed since the last run, and to find that out is all that is done here. So it
has to be quick: what objects, groups and preferences hold is compared by identity, container by
container. Something that is equal but not the same counts as changed; then Brian looks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import is_, itemgetter
from typing import Any
from weakref import ref

import numpy as np
from brian2.core.functions import DEFAULT_CONSTANTS, DEFAULT_FUNCTIONS
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable
from brian2.stateupdaters.base import StateUpdateMethod

from ...frontend.labels import own, referent
from ...frontend.recorded import owner_name
from .code import has_named_exponent

#: Attributes of objects that no preparation looks at but that of the object itself, if that is more
#: than checks.
_NO_MATTER = frozenset(("eventspace", "_stored_states", "_previous_dt", "_spikes_changed"))

#: How deep the containers in an attribute are looked into.
_DEPTH = 2

#: Stands for a name that is not there.
_NOTHING = object()

#: Where everybody's names have their meanings.
_DEFAULTS = (DEFAULT_CONSTANTS, DEFAULT_UNITS, DEFAULT_FUNCTIONS)


def is_number(value: Any) -> bool:
    """Whether a value is one number, which may be held by an array."""
    return isinstance(value, float | int | np.generic) or (
        isinstance(value, np.ndarray) and value.shape == ()
    )


def number(value: Any) -> tuple[Any, ...]:
    """Something that compares equal as long as a number is what it is now."""
    # repr knows that nan is nan
    return type(value), getattr(value, "dim", None), repr(np.asarray(value).item())


#: What takes from a dictionary the values that matter.
_Values = Callable[[dict[Any, Any]], Iterable[Any]]


def _values_of(mapping: dict[Any, Any], apart: Collection[str]) -> _Values:
    """What takes all values but those of the keys `apart`."""
    matter = [key for key in mapping if key not in apart]
    if len(matter) == len(mapping) or len(matter) < 2:
        return dict.values
    return itemgetter(*matter)


def _texts(objects: Iterable[Any]) -> Iterator[str]:
    """The texts of which Brian checks the units, beside those of code."""
    for obj in objects:
        yield str(vars(obj).get("equations", ""))
        for variable in vars(obj).get("variables", {}).values():
            yield str(getattr(variable, "expr", ""))


class Witness:
    """Has seen what the preparation of a run depends on.

    Parameters
    ----------
    objects : sequence of BrianObject
        Those of the network.
    codes : iterable of RecordedCode
        Their code.
    names : iterable of str
        Names that the script uses in equations and code.
    """

    def __init__(self, objects: Sequence[Any], codes: Iterable[Any], names: Iterable[str]) -> None:
        self._mappings: list[tuple[dict[Any, Any], tuple[Any, ...], _Values, Any]] = []
        self._lists: list[tuple[list[Any], list[Any]]] = []
        self._sets: list[tuple[set[Any], set[Any]]] = []
        self._numbers: list[tuple[Any, object]] = []
        self._known: set[int] = set()
        clocks: dict[int, Any] = {}
        owners: dict[int, Any] = {}
        for obj in objects:
            for thing in {id(t): t for t in (obj, referent(own(obj, "group") or obj))}.values():
                owners[id(thing)] = None  # the network holds it
                self._watch(vars(thing), _DEPTH + 1, _NO_MATTER)
                variables = vars(thing).get("variables")
                if variables is not None:
                    self._watch(vars(variables), 0)
                    self._watch(variables._variables, 0)
                clock = own(thing, "clock")
                if clock is not None:
                    clocks[id(clock)] = clock
                    owners[id(clock)] = None
        self._preferences = prefs.prefs
        self._watch(self._preferences, _DEPTH)
        self._watch(StateUpdateMethod.stateupdaters, 0)
        self._steps = [
            (clock.variables["dt"], repr(clock.dt_))
            for clock in clocks.values()
            if "dt" in clock.variables
        ]
        for code in codes:
            for variable in code.variables.values():
                if isinstance(variable, ArrayVariable):
                    owner = getattr(variable.owner, "__init__", None)
                    owners.setdefault(id(getattr(owner, "__self__", None)), variable)
        #: one variable of each group that is not part of the network: it may be gone
        self._foreign = [variable for variable in owners.values() if variable is not None]
        self._names = tuple(names)
        self._meanings: list[tuple[Any, ...]] = []
        #: whether units hang on the value of a number
        self._values_matter = any(map(has_named_exponent, _texts(objects)))

    def _watch(self, value: Any, depth: int, apart: Collection[str] = ()) -> None:
        if id(value) in self._known:
            return
        items: Iterable[Any] = ()
        if isinstance(value, dict):
            values = _values_of(value, apart)
            items = tuple(values(value))
            self._mappings.append((value, tuple(value), values, items))
        elif isinstance(value, list):
            items = value
            self._lists.append((value, list(value)))
        elif isinstance(value, tuple):
            items = value
        elif isinstance(value, set):
            self._sets.append((value, set(value)))
        elif isinstance(value, np.ndarray) and value.shape == ():
            self._numbers.append((value, number(value)))
        else:
            return
        self._known.add(id(value))
        if depth:
            for item in items:
                self._watch(item, depth - 1)

    def nothing_has_changed(self) -> bool:
        """Whether objects, their groups, and what is common to all are what they were."""
        for mapping, keys, values, known in self._mappings:
            if tuple(mapping) != keys or not all(map(is_, values(mapping), known)):
                return False
        for sequence, items in self._lists:
            if len(sequence) != len(items) or not all(map(is_, sequence, items)):
                return False
        return (
            prefs.prefs is self._preferences
            and all(now == then for now, then in self._sets)
            and all(number(now) == then for now, then in self._numbers)
            and all(repr(dt.get_value().item()) == then for dt, then in self._steps)
            and all(owner_name(variable) is not None for variable in self._foreign)
        )

    def note_names(self, namespace: Mapping[str, Any]) -> None:
        """Note what the names mean around the call of ``run``."""
        self._meanings = self._look_up(namespace)

    def new_numbers(self, namespace: Mapping[str, Any]) -> set[str] | None:
        """The names that are those of other numbers now.

        Parameters
        ----------
        namespace : mapping
            The names around the call of ``run``.

        Returns
        -------
        set of str or None
            None if a name means something else, or if more depends on the numbers than values.
        """
        changed: set[str] = set()
        now = self._look_up(namespace)
        for name, meanings, known in zip(self._names, now, self._meanings, strict=True):
            if all(map(is_, meanings, known)):
                continue
            (*default, meaning), (*known_default, known_meaning) = meanings, known
            if not all(map(is_, default, known_default)) or not (
                type(meaning) is type(known_meaning) is tuple
            ):
                return None
            if meaning == known_meaning:
                continue
            if meaning[:2] != known_meaning[:2] or self._values_matter:
                return None
            changed.add(name)
        return changed

    def _look_up(self, namespace: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        found = []
        for name in self._names:
            meaning = namespace.get(name, _NOTHING)
            if is_number(meaning):
                meaning = number(meaning)
            elif isinstance(meaning, np.ndarray):
                meaning = ref(meaning)  # the same reference for the same array; it may be large
            found.append((*(names.get(name, _NOTHING) for names in _DEFAULTS), meaning))
        return found
