"""What a program needs of a run, and whether a run has it.

Compiled code does not look: what is not there would be memory of somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.footprint import Kind, footprint, references
from ..model.network import Network, RecordEvents, Step
from .interface import Bound, ClockState, array_of

_TIME, _TIMESTEP = np.dtype(np.float64), np.dtype(np.int64)


class DoesNotFit(TypeError):
    """A run has not what the program needs, or something else: a defect of who binds it."""


class TooShort(ValueError):
    """An array of a run has fewer elements than the program uses: the same."""


@dataclass(frozen=True)
class Needs:
    """What a program needs of a run.

    Attributes
    ----------
    arrays : dict
        From their names to the types of their elements.
    params : dict
        Their names.
    clocks : list of str
        What they are called, for people.
    queues : int
    recorders : list
        For each, its columns: the types of elements, and the arrays with so many as there are in a
        row, None for one. None where the step does not tell.
    lists : list of str
        The arrays that are lists of events.
    lengths : list of (str, str, int)
        Arrays, parameters, and how many elements more than these an array has at least.
    parts : list of (str, str, str)
        Arrays, and the parameters that have the first and the last of what they have an element
        for.
    """

    arrays: dict[str, np.dtype]
    params: dict[str, None]
    clocks: list[str]
    queues: int
    recorders: list[list[tuple[np.dtype, str | None]] | None]
    lists: list[str]
    lengths: list[tuple[str, str, int]]
    parts: list[tuple[str, str, str]]

    @classmethod
    def of(cls, network: Network) -> Needs:
        """What a program needs that executes this network."""
        recorders: list[list[tuple[np.dtype, str | None]] | None] = [None] * network.recorders
        lengths: dict[tuple[str, str, int], None] = {}
        parts: dict[tuple[str, str, str], None] = {}
        for step in network.steps:
            lengths |= dict.fromkeys(_lengths(step))
            if isinstance(step, RecordEvents):
                parts[step.count, step.start, step.stop] = None
            for _, reference, number in references(step):
                row = step.recorded() if reference.kind is Kind.RECORDER else None
                if row is not None:
                    recorders[int(number)] = [(np.dtype(one.dtype), one.width) for one in row]
        return cls(
            {name: np.dtype(array.dtype) for name, array in network.arrays.items()},
            dict.fromkeys(network.params),
            [clock.name for clock in network.clocks],
            network.queues,
            recorders,
            list(dict.fromkeys(name for step in network.steps for name in _lists(step))),
            list(lengths),
            list(parts),
        )

    def check(
        self, bound: Bound, raw: Callable[[Any], np.ndarray] = array_of
    ) -> dict[str, np.ndarray]:
        """Check that a run has all that is needed, and nothing else.

        Parameters
        ----------
        bound : Bound
        raw : callable, optional
            Gives the array behind an entry of `Bound.arrays`.

        Returns
        -------
        dict
            The arrays, by name.

        Raises
        ------
        DoesNotFit
            With what is missing, of another type, or too much.
        TooShort
            With an array that is too short.
        """
        self.check_counts(bound)
        params = bound.params
        arrays = self.take(bound.arrays, raw)
        for number, columns in enumerate(bound.columns):
            self._check_columns(number, columns, arrays)
        for name in self.lists:
            _check_length(name, arrays[name], 1)
        for name, size, more in self.lengths:
            if arrays[name].size < params[size] + more:
                _check_length(name, arrays[name], int(params[size]) + more)
        for name, start, stop in self.parts:
            _check_length(name, arrays[name], int(params[stop]) - int(params[start]))
        return arrays

    def check_counts(self, bound: Bound) -> None:
        """Check only how many clocks, queues and recorders there are; see `check`."""
        _compare("parameter", bound.params, self.params)
        _count("clock", bound.clocks, len(self.clocks))
        _count("queue", bound.queues, self.queues)
        _count("recorder", bound.columns, len(self.recorders))
        for name, clock in zip(self.clocks, bound.clocks, strict=True):
            _check_clock(name, clock)

    def take(
        self, arrays: Mapping[str, Any], raw: Callable[[Any], np.ndarray] = array_of
    ) -> dict[str, np.ndarray]:
        """The arrays behind entries of `Bound.arrays`; see `check`.

        Raises
        ------
        DoesNotFit
            With one that is missing, of another type, or too much.
        """
        _compare("array", arrays, self.arrays)
        taken = {}
        for name, dtype in self.arrays.items():
            array = arrays[name]
            if array is None:
                raise DoesNotFit(f"the program needs the array '{name}', which is None")
            if type(array) is not np.ndarray:
                array = raw(array)
            taken[name] = array
            if array.dtype != dtype:
                raise DoesNotFit(f"the array '{name}' is {array.dtype}; the program needs {dtype}")
        return taken

    def _check_columns(
        self, number: int, columns: Sequence[tuple[Any, int]], arrays: Mapping[str, np.ndarray]
    ) -> None:
        row = self.recorders[number]
        if row is None:
            return
        _count(f"column of recorder {number}", columns, len(row))
        for place, (wanted, (dtype, width)) in enumerate(zip(row, columns, strict=True)):
            expected = 1 if wanted[1] is None else arrays[wanted[1]].size
            # a process that has none of the recorded elements leaves rows as they are
            is_left = expected == 0 and wanted[1] is not None
            if dtype != wanted[0] or (width != expected and not is_left):
                raise DoesNotFit(
                    f"column {place} of recorder {number} has {width} elements of type {dtype} in"
                    f" a row; the program needs {expected} of {wanted[0]}"
                )


def not_bound() -> RuntimeError:
    """The error for who runs a program that is not bound to anything."""
    return RuntimeError("A program runs once it is bound to what a run works with: call `bind`.")


def _lists(step: Step) -> Iterator[str]:
    """The lists of events that a step refers to."""
    return (str(value) for _, reference, value in references(step) if reference.events)


def _lengths(step: Step) -> Iterator[tuple[str, str, int]]:
    """How long the arrays are at least that a step touches at elements of its own."""
    if isinstance(step, RecordEvents):
        yield step.events, step.stop, 1
    size = getattr(step, "size", None)
    if not step.of_all_elements or size is None or not step.kernels():
        return
    # a list of events ends with their number
    lists = set(_lists(step))
    for touch in footprint(step):
        if touch.own and touch.memory.kind is Kind.ARRAY:
            yield str(touch.memory.name), size, int(touch.memory.name in lists)


def _check_length(name: str, array: np.ndarray, needed: int) -> None:
    if array.size < needed:
        raise TooShort(f"the array '{name}' has {array.size} elements; the program needs {needed}")


def _compare(what: str, given: Mapping[str, Any], needed: Mapping[str, object]) -> None:
    if given.keys() == needed.keys():
        return
    for verdict, names in (
        ("is missing", needed.keys() - given.keys()),
        ("is none of the program's", given.keys() - needed.keys()),
    ):
        for name in sorted(names):
            raise DoesNotFit(f"the {what} '{name}' {verdict}")


def _count(what: str, given: Sequence[Any], needed: int) -> None:
    if len(given) != needed:
        one, _, rest = what.partition(" ")
        several = f"{one}{'' if needed == 1 else 's'} {rest}".rstrip()
        raise DoesNotFit(f"the program needs {needed} {several}, and was given {len(given)}")


def _check_clock(name: str, clock: ClockState) -> None:
    for what, array, dtype in (("t", clock.t, _TIME), ("timestep", clock.timestep, _TIMESTEP)):
        if array.dtype != dtype or array.size != 1:
            raise DoesNotFit(
                f"'{what}' of the clock '{name}' is {array.size} elements of type {array.dtype};"
                f" the program needs one of {dtype}"
            )
    if clock.dt is None and clock.times is None:
        raise DoesNotFit(f"the clock '{name}' has neither a time step nor times")
