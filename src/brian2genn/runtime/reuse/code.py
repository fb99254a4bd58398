"""Keeping from one run to the next what would be made the same again.

Before each run, Brian makes the code of every object anew: names are resolved, units checked,
equations turned into statements. In a loop of short runs that takes longer than the runs. Here the
code of an object is kept if nothing that it was made of has changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from brian2.core.preferences import prefs
from brian2.core.variables import Constant
from brian2.groups.group import CodeRunner
from brian2.stateupdaters.base import StateUpdateMethod
from brian2.utils.stringtools import get_identifiers

from ...frontend.labels import own
from ...frontend.recorded import of_a_lost_group
from ..code.codeobject import LoopCodeObject
from ..code.depth import as_deep_as_needed

#: Attributes of objects and groups that their code is not made of. Names in a namespace are
#: resolved one by one; the others are Brian's own notes.
_NO_INGREDIENTS = frozenset(
    (
        "_code_objects", "codeobj", "_pushspikes_codeobj", "_network", "_active", "namespace",
        "_stored_states", "eventspace", "create_code_objects", "_genn_prepared",
        "_previous_dt", "_spikes_changed",
    )
)  # fmt: skip

#: An exponent other than a number. Brian looks at its value when it checks units.
_NAMED_EXPONENT = re.compile(r"\*\*\s*(?!\(?\s*-?\s*[\d.])")


def has_named_exponent(text: str) -> bool:
    """Whether units of an expression may depend on the value of a number of the script."""
    return _NAMED_EXPONENT.search(text) is not None


class _Same:
    """Equal to the same object only."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    __hash__ = object.__hash__


def _snapshot(value: Any, depth: int = 2) -> object:
    """Something that compares equal as long as `value` is what it is now."""
    if value is None or isinstance(value, str | bytes | bool | int):
        return type(value), value
    if isinstance(value, float | np.generic) or (
        isinstance(value, np.ndarray) and value.shape == ()
    ):
        # repr knows the unit of a quantity, and that nan is nan
        return type(value), getattr(value, "dim", None), repr(np.asarray(value).item())
    if depth and isinstance(value, dict):
        return {key: _snapshot(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple):
        return type(value), [_snapshot(item, depth - 1) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), frozenset(value)
    return _Same(value)


def _state(thing: Any) -> dict[str, object]:
    attributes: dict[str, Any] = thing.__dict__
    return {
        name: _snapshot(value) for name, value in attributes.items() if name not in _NO_INGREDIENTS
    }


def _surroundings() -> object:
    """What all code depends on: preferences and the integrators that Brian knows."""
    return _snapshot(dict(prefs.prefs)), _snapshot(dict(StateUpdateMethod.stateupdaters))


def _time_steps(obj: Any) -> list[str]:
    """The time steps of an object and its group; integrators look at them."""
    clocks = (obj.clock, own(obj.group, "clock"))
    return [repr(clock.dt_) for clock in clocks if clock is not None and "dt" in clock.variables]


def _texts(value: object) -> Iterator[str]:
    """Every string in `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)


#: Variables of some code, a name, and the number that it means now.
NewValue = tuple[dict[str, Any], str, Any]


class Ingredients:
    """All that the code of one object was made of.

    Parameters
    ----------
    obj : CodeRunner
        Has just made its code.
    codes : sequence of LoopCodeObject
        This code.
    run_namespace : Mapping
        The names around the call of ``run``.
    surroundings : object
        What all code depends on.
    """

    def __init__(
        self,
        obj: Any,
        codes: Sequence[LoopCodeObject],
        run_namespace: Mapping[str, Any],
        surroundings: object,
    ) -> None:
        self._recorded = [code.recorded for code in codes]
        self._surroundings = surroundings
        self._state = _time_steps(obj), _state(obj), _state(obj.group)
        texts = [*_texts(obj.user_code), *_texts(obj.abstract_code)]
        self._may_be_kept = not (
            any(map(has_named_exponent, texts))
            # Brian warns of it in each run
            or any(recorded.depends_on_order for recorded in self._recorded)
        )
        equations = own(obj.group, "equations")
        names = set() if equations is None else set(equations.names) | set(equations.identifiers)
        self._user_names = names.union(*map(get_identifiers, _texts(obj.user_code)))
        #: where names have their meanings, and in which group they get them
        self._meanings = [(recorded.variables, recorded.owner) for recorded in self._recorded]
        self._derived = [
            getattr(variable, "conditional_write", None)
            for variables, _ in self._meanings
            for variable in variables.values()
        ]
        # names in equations that are not in the code that was made of them
        names.difference_update(*(variables for variables, _ in self._meanings))
        others = {name: self._meaning(obj, obj.group, name, run_namespace) for name in names}
        self._meanings.append((others, obj.group))

    @property
    def may_be_kept(self) -> bool:
        """Whether code that is made of the same is the same."""
        return self._may_be_kept

    def names(self) -> set[str]:
        """The names that the script may give, or has given, another meaning."""
        outside = {
            name
            for variables, _ in self._meanings
            for name, variable in variables.items()
            if getattr(variable, "owner", None) is None
        }
        return outside | self._user_names

    def _meaning(self, obj: Any, group: Any, name: str, run_namespace: Mapping[str, Any]) -> Any:
        """The variable or function that `name` means now; None if there is none."""
        try:
            return group._resolve(
                name,
                run_namespace,
                user_identifier=name in self._user_names,
                additional_variables=own(obj, "variables"),
            )
        except KeyError:
            return None

    def same(
        self,
        obj: Any,
        codes: Sequence[LoopCodeObject],
        run_namespace: Mapping[str, Any],
        surroundings: object,
    ) -> bool:
        """Whether the code of `obj` would be made the same again.

        Numbers of the script that have another value are put into the code.
        """
        if not self._may_be_kept or len(codes) != len(self._recorded):
            return False
        for code, recorded in zip(codes, self._recorded, strict=True):
            # what Brian makes of the code holds values of its own
            if code.recorded is not recorded or code.has_brian_version:
                return False
        if self._surroundings != surroundings:
            return False
        if any(of_a_lost_group(recorded.variables) for recorded in self._recorded):
            return False
        if self._state != (_time_steps(obj), _state(obj), _state(obj.group)):
            return False
        new_values = self.new_values(obj, run_namespace)
        if new_values is None:
            return False
        put_in(new_values)
        return True

    def new_values(
        self, obj: Any, run_namespace: Mapping[str, Any], only: Collection[str] | None = None
    ) -> list[NewValue] | None:
        """The numbers of the script that have another value.

        Parameters
        ----------
        obj : CodeRunner
        run_namespace : Mapping
            The names around the call of ``run``.
        only : collection of str, optional
            The names that may mean something else; all by default.

        Returns
        -------
        list or None
            What to `put_in`; None if a name means something that makes other code.
        """
        new_values: list[NewValue] = []
        for variables, group in self._meanings:
            names = variables if only is None else variables.keys() & only
            for name in names:
                known = variables[name]
                now = self._meaning(obj, group, name, run_namespace)
                if now is known or any(known is variable for variable in self._derived):
                    continue
                if not _are_numbers_of_one_kind(known, now):
                    return None
                new_values.append((variables, name, now))
        return new_values


def put_in(new_values: Iterable[NewValue]) -> None:
    """Put numbers into the code that they are used in."""
    for variables, name, now in new_values:
        variables[name] = now


def _are_numbers_of_one_kind(known: Any, now: Any) -> bool:
    """Whether two numbers of the script give the same code, whatever their values."""
    return (
        type(known) is type(now) is Constant
        and known.owner is None
        and now.owner is None
        and known.name == now.name
        and known.dtype == now.dtype
        and (known.dim is now.dim or known.dim == now.dim)
        and (isinstance(known.value, float) or known.value == now.value)
    )


def _codes(obj: Any) -> list[LoopCodeObject]:
    """The code of an object; nothing if the device did not make all of it."""
    codes = list(obj.code_objects)
    return codes if all(isinstance(code, LoopCodeObject) for code in codes) else []


def makes_code_as_brian_does(obj: Any) -> bool:
    """Whether `obj` is of a class of Brian, whose ingredients are known."""
    return isinstance(obj, CodeRunner) and type(obj).__module__.startswith("brian2.")


@contextmanager
def keeping_code(objects: Sequence[Any]) -> Iterator[None]:
    """While Brian prepares a run, let `objects` keep code that would be made the same again.

    Parameters
    ----------
    objects : sequence of BrianObject
        The objects of the network.
    """
    surroundings = _surroundings()

    def keep_or_make(obj: Any, run_namespace: Mapping[str, Any]) -> None:
        codes = _codes(obj)
        known = codes[-1].made_of if codes else None
        if isinstance(known, Ingredients) and known.same(obj, codes, run_namespace, surroundings):
            return
        as_deep_as_needed(lambda: type(obj).create_code_objects(obj, run_namespace))
        codes = _codes(obj)
        if codes:
            codes[-1].made_of = Ingredients(obj, codes, run_namespace, surroundings)

    shadowed = [obj for obj in objects if makes_code_as_brian_does(obj)]
    try:
        for obj in shadowed:
            obj.__dict__["create_code_objects"] = partial(keep_or_make, obj)
        yield
    finally:
        for obj in shadowed:
            obj.__dict__.pop("create_code_objects", None)
