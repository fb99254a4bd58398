"""The spike queue of a pathway whose synapses live on the device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Arrangement:
    """Synapses by source, and by delay within a source (see ``b2g_queue``).

    Attributes
    ----------
    start : int32 array, shape (n_runs + 1,)
    order : int32 array, shape (n_synapses,), or None
        None where it would be 0, 1, 2, ...
    first_run : int32 array, shape (n_sources + 1,), or None
    delay : int32 array, shape (n_runs,), or None
        In steps; None where all delays are `same_delay`.
    """

    start: np.ndarray
    order: np.ndarray | None
    first_run: np.ndarray | None
    delay: np.ndarray | None
    same_delay: int

    @property
    def n_synapses(self) -> int:
        """How many synapses there are."""
        return int(self.start[-1])

    def nbytes(self) -> int:
        """How much memory these arrays take."""
        return sum(a.nbytes for a in vars(self).values() if isinstance(a, np.ndarray))

    def mean_run(self) -> float:
        """Synapses of an average run that has any."""
        lengths = np.diff(self.start)
        filled = int(np.count_nonzero(lengths))
        return self.n_synapses / filled if filled else 0.0

    def width(self, most: int) -> int:
        """How many threads share a run of synapses, at `most`: a power of two."""
        width = 1
        while width < most and width < self.mean_run():
            width *= 2
        return width


@dataclass(eq=False)
class DeviceQueue:
    """Events on their way to synapses, with the interface Brian expects.

    Between two runs of the network, this object holds what is in flight, as
    lists of synapses; a program takes it over and gives it back.

    Parameters
    ----------
    source_start, source_stop : int
        The range of source indices (a subgroup has an offset).
    """

    source_start: int
    source_stop: int
    #: what arrives in each step, beginning anywhere; `head` is the present step
    slots: list[np.ndarray] = field(default_factory=lambda: [_nothing()])
    head: int = 0
    arrangement: Arrangement | None = None
    #: counts the arrangements, so that a program sees a new one
    version: int = 0
    _dt: float = 0.0
    _fingerprint: bytes = b""

    def __post_init__(self) -> None:
        #: what makes two queues different for Brian's caches
        self._state_tuple = (self.source_start, self.source_stop, np.int32)

    # -- Brian's interface ------------------------------------------------------
    def prepare(self, real_delays: np.ndarray, dt: float, sources: np.ndarray) -> None:
        """Arrange the synapses for a run.

        Parameters
        ----------
        real_delays : array, shape (n_synapses,) or (1,)
            In seconds.
        dt : float
            Time step of the source in seconds.
        sources : int32 array, shape (n_synapses,)
            Index of every synapse's source neuron.
        """
        delays = np.ascontiguousarray(real_delays, dtype=np.float64)
        sources = np.ascontiguousarray(sources, dtype=np.int32)
        digest = hashlib.blake2b(delays.data, digest_size=16)
        digest.update(sources.data)
        digest.update(repr((float(dt), delays.shape, sources.shape)).encode())
        if digest.digest() == self._fingerprint:
            return
        if self._dt not in (0.0, dt):
            self._rescale(self._dt / dt)
        self._dt = float(dt)
        steps = (delays / dt + 0.5).astype(np.int32)
        longest = int(steps.max(initial=0))
        if longest >= len(self.slots):
            self.slots = self._from_head() + [_nothing()] * (longest + 1 - len(self.slots))
            self.head = 0
        self.arrangement = self._arrange(steps, sources - self.source_start)
        self.version += 1
        self._fingerprint = digest.digest()

    def _arrange(self, steps: np.ndarray, sources: np.ndarray) -> Arrangement:
        n_sources = self.source_stop - self.source_start
        in_order = bool(np.all(sources[1:] >= sources[:-1]))
        if steps.size == 0 or int(steps.min()) == int(steps.max()):
            order = None if in_order else np.argsort(sources, kind="stable").astype(np.int32)
            start = np.zeros(n_sources + 1, dtype=np.int32)
            np.cumsum(np.bincount(sources, minlength=n_sources), out=start[1:])
            return Arrangement(start, order, None, None, int(steps.max(initial=0)))
        order = np.lexsort((steps, sources)).astype(np.int32)
        by_source, by_delay = sources[order], steps[order]
        begins = np.ones(order.size, dtype=bool)
        begins[1:] = (np.diff(by_source) != 0) | (np.diff(by_delay) != 0)
        first = np.nonzero(begins)[0].astype(np.int32)
        start = np.append(first, np.int32(order.size)).astype(np.int32)
        first_run = np.searchsorted(by_source[first], np.arange(n_sources + 1)).astype(np.int32)
        return Arrangement(start, order, first_run, by_delay[first].astype(np.int32), 0)

    def push(self, spikes: np.ndarray) -> None:
        """Queue the events of this time step (ascending source indices)."""
        spikes = spikes[(spikes >= self.source_start) & (spikes < self.source_stop)]
        for source in spikes - self.source_start:
            for delay, synapses in self._runs_of(int(source)):
                place = (self.head + delay) % len(self.slots)
                self.slots[place] = np.concatenate((self.slots[place], synapses))

    def _runs_of(self, source: int) -> list[tuple[int, np.ndarray]]:
        """The runs of a source: delay and synapses."""
        a = self.arrangement
        if a is None:
            return []
        runs = range(source, source + 1)
        if a.first_run is not None:
            runs = range(int(a.first_run[source]), int(a.first_run[source + 1]))
        result = []
        for run in runs:
            first, end = int(a.start[run]), int(a.start[run + 1])
            synapses = np.arange(first, end, dtype=np.int32)
            if a.order is not None:
                synapses = a.order[first:end]
            delay = a.same_delay if a.delay is None else int(a.delay[run])
            result.append((delay, synapses))
        return result

    def peek(self) -> np.ndarray:
        """The synapses whose events arrive now."""
        return self.slots[self.head]

    def advance(self) -> None:
        """Go on to the next time step."""
        self.slots[self.head] = _nothing()
        self.head = (self.head + 1) % len(self.slots)

    def get_capsule(self) -> None:
        """Brian's Cython code would use a capsule; this device never runs that code."""
        return None

    def _full_state(self) -> tuple[int, list[list[int]]]:
        return self.head, [slot.tolist() for slot in self.slots]

    def _restore_from_full_state(self, state: Any) -> None:
        head, slots = (0, []) if state is None else state
        self.slots = [np.array(slot, dtype=np.int32) for slot in slots] or [_nothing()]
        self.head = int(head)
        # the ring may have become shorter than the longest delay
        self._fingerprint = b""

    # -- what programs need -------------------------------------------------------
    def _from_head(self) -> list[np.ndarray]:
        return self.slots[self.head :] + self.slots[: self.head]

    def _rescale(self, factor: float) -> None:
        """Keep the times of arrival after a change of dt, rounded as Brian rounds them.

        Of two slots that fall together, the later one remains, as with Brian.
        """
        slots = [_nothing()] * (int(len(self.slots) * factor) + 1)
        for number, slot in enumerate(self._from_head()):
            slots[int(number * factor + 0.5)] = slot
        self.slots, self.head = slots, 0

    def left_over(self) -> tuple[np.ndarray, np.ndarray]:
        """What is in flight: offsets by time step, and synapses."""
        slots = self._from_head()
        start = np.zeros(len(slots) + 1, dtype=np.int32)
        np.cumsum([slot.size for slot in slots], out=start[1:])
        return start, np.concatenate(slots).astype(np.int32)

    def take_back(self, ring: list[np.ndarray], steps: int) -> None:
        """Hold again what is in flight after a program ran.

        Parameters
        ----------
        ring : list of int32 arrays
            The sources that spiked 1, 2, ... steps before the present one.
        steps : int
            How many steps the program ran.
        """
        n_slots = len(self.slots)
        old = self._from_head()[steps:]
        parts: list[list[np.ndarray]] = [[slot] for slot in old]
        parts += [[] for _ in range(n_slots - len(parts))]
        for ago in range(len(ring), 0, -1):
            for source in np.sort(ring[ago - 1]):
                for delay, synapses in self._runs_of(int(source)):
                    if delay >= ago:
                        parts[delay - ago].append(synapses)
        self.head = (self.head + steps) % n_slots
        slots = [np.concatenate(part) if part else _nothing() for part in parts]
        for number, slot in enumerate(slots):
            self.slots[(self.head + number) % n_slots] = slot


def _nothing() -> np.ndarray:
    return np.empty(0, dtype=np.int32)
