"""Whether the arrays of a network fit together: what one array holds is a place in another one.

Compiled code does not look. Whatever scripts, stored states or Brian do to arrays, a run begins
only if each array is as long as the step reads it, and each index is inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.devices.device import RuntimeDevice

from ...backends.interface import RawValue
from ...frontend.network import Translation
from ...frontend.setup import SetupTranslation
from ...model.dtypes import is_integer
from ...model.footprint import Kind, Touch, Where, footprint
from ...model.kernel import Kernel
from ...model.names import Names
from ...model.network import (
    Cable,
    Deliver,
    EmitSpikes,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Step,
    Sum,
    Threshold,
    Update,
)
from ...model.setup import ElementStep

#: What may have happened, and what to do.
_WHY = (
    "Look at how these were set. If a state was restored that was stored with a network of another"
    " structure, restore it into one that is made the same way."
)


def reach(indices: np.ndarray) -> tuple[int, int]:
    """A lower limit of some indices, negative if one of them is, and the largest of them.

    (0, -1) if there are none.
    """
    if indices.size == 0:
        return 0, -1
    if indices.dtype == np.int32 and indices.flags.c_contiguous:
        # one pass instead of two, over arrays that may be large
        highest = int(indices.view(np.uint32).max())
        if highest < 2**31:
            return 0, highest
    return int(indices.min()), int(indices.max())


@dataclass(frozen=True)
class Bounds:
    """What was found inside of the arrays of a network, and how far it may go there.

    As long as lengths are the same, only the indices have to be looked at.

    Attributes
    ----------
    params : dict
        The whole numbers among the parameters of the run.
    sizes : list of int
        The lengths of all arrays, in order.
    synapses : list of int
        The numbers of synapses of all queues.
    limits : dict
        From arrays of indices to the lowest and the highest value that they may have.
    events : frozenset of str
        Arrays with a list of events that a step may find.
    """

    params: Mapping[str, float | int]
    sizes: list[int]
    synapses: list[int]
    limits: Mapping[str, tuple[int, int]]
    events: frozenset[str]

    def hold(
        self,
        arrays: Mapping[str, np.ndarray],
        params: Mapping[str, float | int],
        synapses: list[int],
    ) -> bool:
        """Whether everything is sure to be inside still."""
        return (
            [array.size for array in arrays.values()] == self.sizes
            and params == self.params
            and synapses == self.synapses
            and all(_inside(arrays[name], limits) for name, limits in self.limits.items())
            and all(_are_events(arrays[name]) for name in self.events)
        )


def _inside(indices: np.ndarray, limits: tuple[int, int]) -> bool:
    """Whether indices are within limits, both included."""
    if indices.size == 0:
        return True
    lowest, highest = limits
    # the lower limit that `reach` tells may be too low
    found = reach(indices) if lowest <= 0 else (int(indices.min()), int(indices.max()))
    return lowest <= found[0] and found[1] <= highest


def _are_events(space: np.ndarray) -> bool:
    count = int(space[-1])
    if not 0 <= count < space.size:
        return False
    lowest, highest = reach(space[:count])
    return lowest >= 0 and highest < space.size - 1


def check_bounds(
    translation: Translation,
    arrays: Mapping[str, np.ndarray],
    synapses: list[int],
    known: Bounds | None = None,
) -> Bounds:
    """Check that no step of a network reads or writes outside of an array.

    Parameters
    ----------
    translation : Translation
        The network and what its names stand for.
    arrays : mapping
        Those of the network, as the host has them: lengths, and what nothing changes in a run, are
        right.
    synapses : list of int
        How many synapses each queue delivers to.
    known : Bounds, optional
        What was found in the same network before.

    Returns
    -------
    Bounds

    Raises
    ------
    ValueError
        With the two arrays that do not fit together.
    """
    bindings = translation.bindings
    integers = {
        name: bindings.params[name]
        for name, param in translation.network.params.items()
        if is_integer(param.dtype)
    }
    if known is not None and known.hold(arrays, integers, synapses):
        return known
    check = _Check(translation.network, arrays, bindings.params, synapses, bindings.names)
    check.all()
    sizes = [array.size for array in arrays.values()]
    events = frozenset(check.events)
    return Bounds(integers, sizes, synapses, check.limits, events)


def raw_arrays(things: Mapping[str, Any], raw: RawValue) -> dict[str, np.ndarray]:
    """The arrays that names stand for, as the host has them."""
    return {
        name: thing if isinstance(thing, np.ndarray) else raw(thing)
        for name, thing in things.items()
    }


def changing_indices(translation: Translation) -> dict[str, str]:
    """The objects that read or write by indices which change while the network runs.

    Nobody knows before the run whether these will be inside; Brian looks each time.

    Returns
    -------
    dict
        From the names of the objects to the reason why Brian has to run them.
    """
    network, names = translation.network, translation.bindings.names
    written = {array for kernel in network.kernels() for array in kernel.written_arrays()}
    written = {array for array in written if is_integer(network.arrays[array].dtype)}
    if not written:
        return {}
    found = {}
    for step in network.steps:
        for kernel in step.kernels():
            for name in index_arrays(kernel) & written:
                what = names.tell(network.arrays[name].origin)
                found[names.of(step.owner)] = f"it uses indices that change in the run: {what}"
    return found


def index_arrays(kernel: Kernel) -> set[str]:
    """The arrays whose values are places in others."""
    indirect = filter(kernel.has_index_access, kernel.accesses.values())
    return {kernel.accesses[str(access.index)].array for access in indirect}


def check_setup_bounds(translation: SetupTranslation) -> None:
    """Check that set-up code over the elements of a group reads nothing outside of an array.

    A string may name variables of other lengths, as a monitor has them.

    Raises
    ------
    IndexError
        With what does not fit together.
    """
    step, bindings = translation.step, translation.bindings
    if not isinstance(step, ElementStep):
        return
    arrays = {
        # as the host has them: lengths are right, and no device changes indices
        name: thing
        if isinstance(thing, np.ndarray)
        else RuntimeDevice.get_value(thing.device, thing)
        for name, thing in bindings.arrays.items()
    }
    check = _Check(translation.network, arrays, bindings.params, (), bindings.names)
    if step.indices is not None:
        needed = reach(arrays[step.indices])[1] + 1
    else:
        needed = int(bindings.params[str(step.size)])
    try:
        check.elements(step, needed)
    except ValueError as error:
        raise IndexError(str(error)) from None


class _Check:
    def __init__(
        self,
        network: Network,
        arrays: Mapping[str, np.ndarray],
        params: Mapping[str, float | int],
        synapses: Sequence[int],
        names: Names,
    ) -> None:
        self._network = network
        self._arrays = arrays
        self._params = params
        self._synapses = synapses
        self._names = names
        self._reach: dict[str, tuple[int, int]] = {}
        #: how far indices may go, and where events are: for `Bounds`
        self.limits: dict[str, tuple[int, int]] = {}
        self.events: set[str] = set()

    def all(self) -> None:
        """Check all steps."""
        for step in self._network.steps:
            self._step(step)

    # -- what a step needs -----------------------------------------------------
    def _step(self, step: Step) -> None:
        """What the step's footprint asks for, and what it asks for beyond that."""
        if isinstance(step, RecordState):
            self._by_index(step, step.indices)
        else:
            self.elements(step, self._domain(step))
        match step:
            case OnEvents() | Push() | RecordRate():
                self._present_events(step, step.events)
            case RecordEvents():
                stop, start = int(self._params[step.stop]), int(self._params[step.start])
                self._present_events(step, step.events)
                self._length(step, step.events, stop + 1)
                self._length(step, step.count, stop - start)
            case Threshold():
                self._length(step, step.events, int(self._params[step.size]) + 1)
            case EmitSpikes():
                self._length(step, step.events, 1)
                self._same_length(step, step.neurons, step.timebins)
                self._index(step, step.neurons, step.events, spare=1)
                self._index(step, step.lastindex, step.neurons, spare=-1)
            case Sum():
                self._range(step, step.index, step.start, step.target_size, step.target)

    def elements(self, step: Step, needed: int) -> None:
        """What a step asks for that goes through so many elements."""
        for touch in self._touched(step):
            if touch.own:
                self._length(step, str(touch.memory.name), needed)

    def _by_index(self, step: Step, indices: str) -> None:
        """What a step asks for that goes through the elements which an array lists."""
        for touch in self._touched(step):
            if touch.own:
                self._index(step, indices, str(touch.memory.name))

    def _touched(self, step: Step) -> Iterator[Touch]:
        """The arrays that a step touches, but for its list of events; indices are inside."""
        for touch in footprint(step):
            name = str(touch.memory.name)
            if touch.memory.kind is not Kind.ARRAY or name == getattr(step, "events", None):
                continue
            if touch.where is Where.SHARED:
                self._length(step, name, 1)
            elif touch.index is not None:
                self._index(step, touch.index, name)
            yield touch

    def _domain(self, step: Step) -> int:
        """How many elements a step may go through."""
        match step:
            case Update() | Threshold() | Sum() | Cable():
                return int(self._params[step.size])
            case OnEvents() | RecordEvents():
                return max(self._arrays[step.events].size - 1, 0)
            case Deliver():
                return self._synapses[step.queue]
        return 0

    # -- checks ----------------------------------------------------------------
    def _length(self, step: Step, name: str, needed: int) -> None:
        if self._arrays[name].size < needed:
            self._fail(
                step, f"{self._tell(name)} has {self._arrays[name].size} values; {needed} are used"
            )

    def _same_length(self, step: Step, first: str, second: str) -> None:
        sizes = self._arrays[first].size, self._arrays[second].size
        if sizes[0] != sizes[1]:
            self._fail(
                step,
                f"{self._tell(first)} has {sizes[0]} values, and {self._tell(second)} {sizes[1]}",
            )

    def _index(self, step: Step, indices: str, into: str, spare: int = 0) -> None:
        """All of `indices` are elements of `into`, less its last `spare` ones."""
        self._limit(indices, 0, self._arrays[into].size - spare - 1)
        lowest, highest = self._reach_of(indices)
        if lowest < 0 or highest >= self._arrays[into].size - spare:
            self._fail_index(step, indices, lowest if lowest < 0 else highest, into)

    def _range(self, step: Step, index: str, start: str, size: str, into: str) -> None:
        """All of `index` are among so many elements from `start` on, which `into` has."""
        first, end = int(self._params[start]), int(self._params[start]) + int(self._params[size])
        self._length(step, into, end)
        self._limit(index, first, end - 1)
        lowest, highest = self._reach_of(index)
        if first and highest >= 0:  # the lower limit that `reach` tells may be too low
            lowest = int(self._arrays[index].min())
        if highest >= 0 and (lowest < first or highest >= end):
            self._fail(
                step,
                f"{self._tell(index)} has values from {lowest} to {highest}; summed are those from"
                f" {first} to {end - 1}",
            )

    def _present_events(self, step: Step, events: str) -> None:
        """The list of events that a step may find before it is made anew."""
        self._length(step, events, 1)
        self.events.add(events)
        space = self._arrays[events]
        count = int(space[-1])
        if not 0 <= count < space.size:
            self._fail(step, f"{self._tell(events)} says that there are {count} events")
        lowest, highest = reach(space[:count])
        if lowest < 0 or highest >= space.size - 1:
            self._fail_index(step, events, lowest if lowest < 0 else highest, events)

    def _limit(self, indices: str, lowest: int, highest: int) -> None:
        """Note how far indices may go."""
        known = self.limits.get(indices, (lowest, highest))
        self.limits[indices] = max(known[0], lowest), min(known[1], highest)

    def _reach_of(self, name: str) -> tuple[int, int]:
        if name not in self._reach:
            self._reach[name] = reach(self._arrays[name])
        return self._reach[name]

    def _tell(self, name: str) -> str:
        return self._names.tell(self._network.arrays[name].origin)

    def _fail_index(self, step: Step, indices: str, wrong: int, into: str) -> None:
        self._fail(
            step,
            f"{self._tell(indices)} has the value {wrong}, which is no element of"
            f" {self._tell(into)}, which has {self._arrays[into].size} values",
        )

    def _fail(self, step: Step, what: str) -> None:
        raise ValueError(f"The {self._names.tell(step.origin)} cannot run: {what}. {_WHY}")
