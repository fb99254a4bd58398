"""Spike queues that remember their delays, and what in them GeNN can take over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..host.delays import in_steps, of_synapses
from ..host.queue import SpikeQueue


class Delays(ABC):
    """What a pathway's queue says of its synapses.

    Attributes
    ----------
    steps, sources : int32 array, shape (n_synapses,)
        Of every synapse, its delay in time steps and its source.
    longest : int
        The longest delay in time steps.
    same_delay : int or None
        The delay of all synapses, or None if there is more than one.
    """

    steps = np.empty(0, dtype=np.int32)
    sources = np.empty(0, dtype=np.int32)
    longest = 0
    same_delay: int | None = 0
    #: how often somebody has set what is in the queue
    restored = 0

    def set_delays(self, real_delays: np.ndarray, dt: float, sources: np.ndarray) -> None:
        """Take the delays, in seconds: one for each synapse, or for all."""
        self.sources = np.array(sources, dtype=np.int32)
        delays = of_synapses(np.asarray(real_delays), len(sources))
        self.steps = np.broadcast_to(in_steps(delays, dt), self.sources.shape).copy()
        self.longest = int(self.steps.max(initial=0))
        self.same_delay = self.longest if np.all(self.steps == self.longest) else None

    @abstractmethod
    def in_flight(self) -> list[np.ndarray]:
        """The synapses whose events arrive now, one step later, ..."""


class Snapshot(Delays):
    """A queue of another kind, as it is now.

    Parameters
    ----------
    queue : object
        With the methods of Brian's own queues.
    """

    def __init__(self, queue: Any) -> None:
        self._state = queue._full_state()

    def in_flight(self) -> list[np.ndarray]:
        """The synapses whose events arrive now, one step later, ..."""
        return _from_head(self._state)


class GennQueue(SpikeQueue, Delays):
    """The CPU backend's spike queue.

    While GeNN runs, spikes are in flight there; before and after, they are here.
    """

    def prepare(self, real_delays: np.ndarray, dt: float, sources: np.ndarray) -> None:
        """Arrange the synapses for a run; see `SpikeQueue.prepare`."""
        super().prepare(real_delays, dt, sources)
        self.set_delays(real_delays, dt, sources)

    def _restore_from_full_state(self, state: Any) -> None:
        super()._restore_from_full_state(state)
        self.restored += 1

    def in_flight(self) -> list[np.ndarray]:
        """The synapses whose events arrive now, one step later, ..."""
        return _from_head(self._full_state())


def _from_head(state: Any) -> list[np.ndarray]:
    head, slots = state
    return [np.array(slot, dtype=np.int64) for slot in [*slots[head:], *slots[:head]]]


def history(queues: Sequence[Delays], longest: int) -> list[np.ndarray] | None:
    """The sources that have spiked `longest`, ..., 2, 1 steps ago, as far as queues show it.

    Parameters
    ----------
    queues : sequence of Delays
        All that are fed by the same events.
    longest : int
        The longest delay of any of them.

    Returns
    -------
    list of int array, or None
        None where no spikes have put what is in the queues there: synapses or delays have changed
        since.
    """
    spikes: list[set[int]] = [set() for _ in range(longest)]
    contents = [queue.in_flight() for queue in queues]
    for queue, slots in zip(queues, contents, strict=True):
        for ahead, synapses in enumerate(slots):
            if synapses.size and synapses.max() >= queue.steps.size:
                return None
            for delay in np.unique(queue.steps[synapses]):
                if delay <= ahead:
                    return None
                chosen = synapses[queue.steps[synapses] == delay]
                spikes[longest - (int(delay) - ahead)].update(queue.sources[chosen].tolist())
    found = [np.array(sorted(one), dtype=np.int64) for one in spikes]
    for queue, slots in zip(queues, contents, strict=True):
        expected = _arriving(queue, found, len(slots))
        for synapses, others in zip(slots, expected, strict=True):
            if not np.array_equal(np.sort(synapses), others):
                return None
    return found


def _arriving(queue: Delays, spikes: list[np.ndarray], n_slots: int) -> list[np.ndarray]:
    """The synapses at which these spikes arrive now, one step later, ...; ascending."""
    parts: list[list[np.ndarray]] = [[] for _ in range(n_slots)]
    spiked = np.zeros(int(queue.sources.max(initial=-1)) + 1, dtype=bool)
    for number, sources in enumerate(spikes):
        sources = sources[sources < spiked.size]
        if not sources.size:
            continue
        spiked[sources] = True
        hit = np.nonzero(spiked[queue.sources])[0]
        spiked[sources] = False
        ahead = queue.steps[hit] - (len(spikes) - number)
        for slot in np.unique(ahead[(ahead >= 0) & (ahead < n_slots)]):
            parts[slot].append(hit[ahead == slot])
    nothing = np.empty(0, dtype=np.int64)
    return [np.sort(np.concatenate([nothing, *part])) for part in parts]
