"""What neurons keep in place of their synapses, in the memory of this process."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...model.network import Network
from ...model.traces import TraceEnd, Traces
from ..host.memory import zeros
from ..host.queue import SpikeQueue
from ..host.structures import support
from ..interface import array_of
from .apart import Alone


class Kept:
    """What neurons keep, and the arrays of their synapses.

    Parameters
    ----------
    network : Network or None
        In which neurons keep something, if they do.
    others : Alone
        Knows what other processes have of the synapses.
    """

    def __init__(self, network: Network | None, others: Alone) -> None:
        self._others = others
        self.traces = [] if network is None else network.traces
        arrays = {} if network is None else network.arrays
        self._dtypes = {name: np.dtype(array.dtype) for name, array in arrays.items()}
        #: by their names in the network
        self.arrays: dict[str, np.ndarray] = {}
        #: numbers of runs
        self.params: dict[str, int] = {}

    def unbound(self) -> Kept:
        """The same, without any arrays."""
        other = copy.copy(self)
        other.arrays, other.params = {}, {}
        return other

    def why_not(self, arrays: Mapping[str, Any]) -> str:
        """Why neurons cannot stand for their synapses in a run, for people; empty if they can."""
        others = self._others
        for one in self.traces:
            if not all(map(others.is_whole, one.queues)):
                return "spikes are on their way to single synapses of a neuron"
            for end in one.ends:
                if len(end.queues) > 1 and not all(map(others.has_one_delay, end.queues)):
                    return "several pathways have delays of their own for each synapse"
                if end.size is None:
                    continue
                n_synapses = len(array_of(arrays[one.variables()[0]]))
                n_runs, n_synapses = others.size(one, end, n_synapses)
                if 2 * n_runs > n_synapses:
                    return "few synapses of a neuron have the same delay"
        return ""

    def have_the_same(self, arrays: Mapping[str, Any]) -> bool:
        """Whether all synapses of a neuron, of this process, have the constants that it has."""
        return all(
            np.array_equal(array_of(arrays[name]), self.arrays[own][self.arrays[end.key]])
            for one in self.traces
            for end in one.ends
            for name, own in end.constants.items()
        )

    def make_room(self, arrays: Mapping[str, Any], queues: Sequence[SpikeQueue]) -> None:
        """Make the arrays for the synapses that there are, and number these by neurons."""
        self.arrays = {}
        for one in self.traces:
            n_synapses = len(array_of(arrays[one.variables()[0]]))
            for end in one.ends:
                queue = queues[end.queues[0]]
                self.arrays[end.key] = queue.keys(n_synapses)
                if end.size is not None:
                    self.params[end.size] = queue.n_runs
                for name in end.arrays():
                    self.arrays[name] = zeros((max(queue.n_runs, 1),), self._dtypes[name])
            for name in one.places:
                self.arrays[name] = np.empty(n_synapses, dtype=np.int32)

    def put_in_places(self, queues: Sequence[SpikeQueue]) -> None:
        """Bring the numbers of neurons into the order in which queues, as divided, deliver."""
        for one in self.traces:
            key_of = {end.side: end.key for end in one.ends}
            for name, (side, number) in one.places.items():
                keys, order = self.arrays[key_of[side]], queues[number].divided_order()
                self.arrays[name][:] = keys if order is None else keys[order]

    def take_over(self, arrays: Mapping[str, Any], queues: Sequence[SpikeQueue]) -> None:
        """Take the values from the synapses that were the last to have no event."""
        for one in self.traces:
            for end in one.ends:
                self._take_over(one, end, arrays, queues[end.queues[0]])

    def _take_over(
        self, one: Traces, end: TraceEnd, arrays: Mapping[str, Any], queue: SpikeQueue
    ) -> None:
        keys, numbers = self.arrays[end.key], queue.numbers_in_brian
        stamps = None
        if one.stamp is not None and end.since is not None:
            stamps = array_of(arrays[one.stamp])
        n_runs = len(next(iter(self.arrays[name] for name in end.arrays())))
        chosen = np.empty(n_runs, dtype=np.int32)
        support().b2g_earliest(
            keys.ctypes.data,
            None if stamps is None else stamps.ctypes.data,
            None if numbers is None else numbers.ctypes.data,
            len(keys), n_runs, chosen.ctypes.data,
        )  # fmt: skip
        present = chosen >= 0
        taken = {own: array_of(arrays[name]) for name, own in (end.traces | end.constants).items()}
        if end.since is not None and stamps is not None:
            taken[end.since] = stamps
        values = np.empty((len(taken), np.count_nonzero(present)))
        for row, array in zip(values, taken.values(), strict=True):
            row[:] = array[chosen[present]]
        values = self._others.of_all(one, end, chosen, stamps, values)
        for own, row in zip(taken, values, strict=True):
            self.arrays[own][present] = row
