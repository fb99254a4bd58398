"""The spike queue of a pathway whose synapses live on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...host.delays import in_steps, of_synapses
from ...interface import Queue
from .flights import arriving, expanded
from .sorting import sort_by

#: No time step has this number.
_NEVER = np.iinfo(np.int32).min

#: So many runs may be empty without a thought of the memory they take.
_FEW_RUNS = 1 << 16

#: A queue for longer delays, in time steps, or whose lists take more bytes, has room nowhere.
_MOST_STEPS, _MOST_BYTES = 1 << 27, 1 << 37

#: So many threads share a run, if it is so long, however many synapses each has at once.
_NEIGHBOURS = 8

#: So many values are looked at together.
_CHUNK = 1 << 20


@dataclass
class Arrangement:
    """Synapses by source, and by delay within a source (see ``b2g_queue``).

    Attributes
    ----------
    start : int32 array, shape (n_runs + 1,)
    order : int32 array, shape (n_synapses,), or None
        None where it would be 0, 1, 2, ...
    delays : int32 array, shape (n_delays,)
        The delays that there are, in steps, ascending.
    first_run : int32 array, shape (n_sources + 1,), or None
        None where every source has `n_delays` runs, whether there are synapses in them or not.
    which : int32 array, shape (n_runs,), or None
        Where `first_run` is there, the place of every run's delay in `delays`.
    """

    start: np.ndarray
    order: np.ndarray | None
    delays: np.ndarray
    first_run: np.ndarray | None = None
    which: np.ndarray | None = None

    @property
    def n_delays(self) -> int:
        """How many delays there are."""
        return self.delays.size

    @property
    def n_runs(self) -> int:
        """How many runs there are."""
        return self.start.size - 1

    @property
    def n_synapses(self) -> int:
        """How many synapses there are."""
        return int(self.start[-1])

    def nbytes(self) -> int:
        """How much memory these arrays take."""
        return sum(a.nbytes for a in vars(self).values() if isinstance(a, np.ndarray))

    @cached_property
    def mean_run(self) -> float:
        """Synapses of an average run that has any."""
        lengths = np.diff(self.start)
        filled = int(np.count_nonzero(lengths))
        return self.n_synapses / filled if filled else 0.0

    def runs_of(self, source: int) -> list[tuple[int, int]]:
        """The runs of a source that have synapses, with their delays."""
        if self.first_run is None or self.which is None:
            first = source * self.n_delays
            filled = np.nonzero(np.diff(self.start[first : first + self.n_delays + 1]))[0]
            return [(first + int(k), int(self.delays[k])) for k in filled]
        runs = range(int(self.first_run[source]), int(self.first_run[source + 1]))
        return [(run, int(self.delays[self.which[run]])) for run in runs]

    def runs_of_all(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The runs of some sources, their delays, and the place of each one's source in `sources`.

        Those without synapses may be among them.
        """
        if self.first_run is None or self.which is None:
            runs = (sources[:, None] * self.n_delays + np.arange(self.n_delays)).ravel()
            owners = np.repeat(np.arange(len(sources)), self.n_delays)
            return runs, np.tile(self.delays, len(sources)), owners
        first = self.first_run[sources].astype(np.int64)
        numbers = self.first_run[sources + 1] - first
        runs = expanded(first, numbers)
        owners = np.repeat(np.arange(len(sources)), numbers)
        return runs, self.delays[self.which[runs]], owners

    def by_source(self) -> np.ndarray:
        """Where the synapses of every source begin in `order`, and where the last ones end."""
        firsts = slice(None, None, self.n_delays) if self.first_run is None else self.first_run
        return self.start[firsts]

    def by_synapse(self) -> tuple[np.ndarray, np.ndarray]:
        """The source and the delay of every synapse, int32."""
        lengths = np.diff(self.start)
        if self.first_run is None or self.which is None:
            runs = np.arange(lengths.size, dtype=np.int32)
            sources, delays = runs // self.n_delays, self.delays[runs % self.n_delays]
        else:
            sources = np.repeat(np.arange(self.first_run.size - 1), np.diff(self.first_run))
            delays = self.delays[self.which]
        found = []
        for of_runs in (sources, delays):
            values = np.repeat(of_runs.astype(np.int32), lengths)
            if self.order is not None:
                values[self.order] = values.copy()
            found.append(values)
        return found[0], found[1]

    def by_owner(self, targets: np.ndarray, each: int, n_owners: int) -> dict[str, np.ndarray]:
        """The synapses by who owns their targets, and then by run.

        Parameters
        ----------
        targets : int array, shape (n_synapses,)
            Of every synapse.
        each : int
            How many targets an owner has, one behind the other.
        n_owners : int

        Returns
        -------
        dict
            Fields of a ``b2g_queue``: of every owner, where the synapses of each run begin, and
            the synapses and their targets in this order.
        """
        runs = np.repeat(np.arange(self.n_runs), np.diff(self.start))
        in_order = targets if self.order is None else targets[self.order]
        places, keys = sort_by(in_order.astype(np.int64) // each * self.n_runs + runs)
        start = np.zeros(n_owners * self.n_runs + 1, dtype=np.int32)
        np.cumsum(np.bincount(keys, minlength=start.size - 1), out=start[1:])
        return {
            "owned_start": start,
            "owned_order": places if self.order is None else self.order[places],
            "owned_target": in_order[places].astype(np.int32),
        }

    def width(self, most: int, at_once: int = 1) -> int:
        """How many threads share a run of synapses: a power of two.

        Parameters
        ----------
        most : int
        at_once : int, optional
            Synapses that a thread executes side by side.
        """
        # neighbours lie in one sector of memory: a few threads share it in any case
        wanted = max(self.mean_run / at_once, min(self.mean_run, _NEIGHBOURS))
        width = 1
        while width < most and width < wanted:
            width *= 2
        return width


@dataclass(eq=False)
class DeviceQueue(Queue):
    """Events on their way to synapses, with the interface Brian expects.

    Between two runs of the network, this object holds what is in flight: spikes, as a program has
    given them back, which it takes over again; and lists of synapses, where nobody knows of spikes.
    Spikes become such lists when somebody looks, or when they would arrive elsewhere.

    Parameters
    ----------
    source_start, source_stop : int
        The range of source indices (a subgroup has an offset).
    """

    source_start: int
    source_stop: int
    #: how many time steps there are until what is sent now arrives at the latest, and one
    n_slots: int = 1
    #: the sources that spiked so many steps before the present one, ascending; their synapses are
    #: those of the present arrangement
    spikes: dict[int, np.ndarray] = field(default_factory=dict)
    arrangement: Arrangement | None = None
    #: counts the arrangements, so that a program sees a new one
    version: int = 0
    #: whether something is in flight that no spikes would have put there with the present delays: a
    #: synapse may be there twice in a time step
    mixed: bool = False
    _dt: float = 0.0
    _fingerprint: bytes = b""
    #: what is in flight beside the spikes
    _lists: dict[int, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        #: what makes two queues different for Brian's caches
        self._state_tuple = (self.source_start, self.source_stop, np.int32)

    @property
    def arrivals(self) -> dict[int, np.ndarray]:
        """Synapses by the time steps until their events arrive; only where there are any."""
        if self.spikes:
            arrangement = self.arrangement
            assert arrangement is not None
            for number, synapses in arriving(arrangement, self.spikes).items():
                # what was left before is older
                self._lists[number] = np.concatenate((self._listed(number), synapses))
            self.spikes = {}
        return self._lists

    @arrivals.setter
    def arrivals(self, arrivals: dict[int, np.ndarray]) -> None:
        self.spikes, self._lists = {}, arrivals

    def _listed(self, number: int) -> np.ndarray:
        return self._lists.get(number, np.empty(0, dtype=np.int32))

    # -- Brian's interface ------------------------------------------------------
    def prepare(self, real_delays: np.ndarray, dt: float, sources: np.ndarray) -> None:
        """Arrange the synapses for a run.

        Parameters
        ----------
        real_delays : array, shape (n_synapses,) or (1,)
            In seconds. What is beyond the synapses is left alone.
        dt : float
            Time step of the source in seconds.
        sources : int32 array, shape (n_synapses,)
            Index of every synapse's source neuron.
        """
        delays = of_synapses(np.ascontiguousarray(real_delays, dtype=np.float64), len(sources))
        if _are_all_the_same(delays):
            delays = delays[:1]  # nothing of the number of synapses is made of it
        sources = np.ascontiguousarray(sources, dtype=np.int32)
        digest = hashlib.blake2b(delays.data, digest_size=16)
        digest.update(sources.data)
        digest.update(repr((float(dt), delays.shape, sources.shape)).encode())
        if digest.digest() == self._fingerprint:
            return
        self.arrivals = self.arrivals  # what is in flight arrives where it was sent to
        if self._dt not in (0.0, dt):
            self._rescale(self._dt / dt)
        self._dt = float(dt)
        steps = in_steps(delays, dt)
        longest = int(steps.max(initial=0))
        lists = 4 * longest * (self.source_stop - self.source_start)
        if longest > _MOST_STEPS or lists > _MOST_BYTES:
            self._fingerprint = b""
            raise MemoryError("no memory for a spike queue")
        self.n_slots = max(self.n_slots, longest + 1)
        if self.source_start:
            sources = sources - np.int32(self.source_start)
        self.arrangement = self._arrange(steps, sources)
        self.version += 1
        self._fingerprint = digest.digest()
        self.mixed = not self._comes_from_spikes(sources, np.broadcast_to(steps, sources.shape))

    def _arrange(self, steps: np.ndarray, sources: np.ndarray) -> Arrangement:
        n_sources = self.source_stop - self.source_start
        if steps.size == 1 and _is_ascending(sources):
            start = np.searchsorted(sources, np.arange(n_sources + 1, dtype=sources.dtype))
            return Arrangement(start.astype(np.int32), None, steps)
        if steps.max(initial=0) > max(steps.size, _FEW_RUNS):  # a table would be mostly empty
            delays, which = np.unique(steps, return_inverse=True)
        else:
            there = np.bincount(steps) > 0 if steps.size else np.ones(1, dtype=bool)
            delays = np.nonzero(there)[0].astype(np.int32)
            which = (np.cumsum(there) - 1)[steps]
        n_delays = delays.size
        if n_delays == 1 or n_sources * n_delays <= max(sources.size, _FEW_RUNS):
            runs = sources.astype(np.int64)
            runs *= n_delays
            runs += which
            order = None
            if not _is_ascending(runs):
                order, runs = sort_by(runs)
            all_runs = np.arange(n_sources * n_delays + 1)
            return Arrangement(np.searchsorted(runs, all_runs).astype(np.int32), order, delays)
        order, runs = sort_by(sources.astype(np.int64) * n_delays + which)
        begins = np.ones(order.size, dtype=bool)
        begins[1:] = runs[1:] != runs[:-1]
        first = np.nonzero(begins)[0]
        by_source, by_delay = np.divmod(runs[first], n_delays)
        start = np.append(first, order.size).astype(np.int32)
        first_run = np.searchsorted(by_source, np.arange(n_sources + 1)).astype(np.int32)
        return Arrangement(start, order, delays, first_run, by_delay.astype(np.int32))

    def push(self, spikes: np.ndarray) -> None:
        """Queue the events of this time step (ascending source indices)."""
        spikes = spikes[(spikes >= self.source_start) & (spikes < self.source_stop)]
        for source in spikes - self.source_start:
            for delay, synapses in self._runs_of(int(source)):
                self.arrivals[delay] = np.concatenate((self._arriving(delay), synapses))

    def _runs_of(self, source: int) -> list[tuple[int, np.ndarray]]:
        """The runs of a source: delay and synapses."""
        a = self.arrangement
        if a is None:
            return []
        result = []
        for run, delay in a.runs_of(source):
            first, end = int(a.start[run]), int(a.start[run + 1])
            synapses = np.arange(first, end, dtype=np.int32)
            if a.order is not None:
                synapses = a.order[first:end]
            result.append((delay, synapses))
        return result

    def peek(self) -> np.ndarray:
        """The synapses whose events arrive now."""
        return self._arriving(0)

    def _arriving(self, number: int) -> np.ndarray:
        return self.arrivals.get(number, np.empty(0, dtype=np.int32))

    def largest_in_flight(self) -> int:
        """No event is on its way to a synapse with a larger number; -1 if there are no events."""
        largest = max((int(slot.max(initial=-1)) for slot in self._lists.values()), default=-1)
        if self.spikes and self.arrangement is not None:
            return max(largest, self.arrangement.n_synapses - 1)
        return largest

    def advance(self) -> None:
        """Go on to the next time step."""
        self.arrivals = {number - 1: slot for number, slot in self.arrivals.items() if number > 0}

    def get_capsule(self) -> None:
        """Brian's Cython code would use a capsule; this device never runs that code."""
        return None

    def _full_state(self) -> tuple[int, list[list[int]]]:
        return 0, [self._arriving(number).tolist() for number in range(self.n_slots)]

    def _restore_from_full_state(self, state: Any) -> None:
        head, slots = (0, []) if state is None else state
        self.n_slots = max(len(slots), 1)
        self.arrivals = {
            (place - int(head)) % self.n_slots: np.array(slot, dtype=np.int32)
            for place, slot in enumerate(slots)
            if len(slot)
        }
        # the ring may have become shorter than the longest delay
        self._fingerprint = b""

    # -- what programs need -------------------------------------------------------
    def _comes_from_spikes(self, sources: np.ndarray, delays: np.ndarray) -> bool:
        """Whether what is in flight is all that is under way of some spikes, and nothing else.

        Parameters
        ----------
        sources, delays : int32 arrays, shape (n_synapses,)
            Of every synapse: the source, counted from the first of the queue's, and the delay in
            time steps.
        """
        start, synapses = self.left_over()
        arrangement = self.arrangement
        if synapses.size == 0 or arrangement is None:
            return synapses.size == 0
        arrival = np.repeat(np.arange(len(start) - 1), np.diff(start))
        if np.unique(np.stack((arrival, synapses)), axis=1).shape[1] < synapses.size:
            return False
        spikes = np.stack((arrival - delays[synapses], sources[synapses]))
        # everything that is there is of these spikes; so it is all if it is as much
        spikes = np.unique(spikes, axis=1)
        under_way = 0
        for step, source in spikes.T.tolist():
            for run, delay in arrangement.runs_of(source):
                if step + delay >= 0:
                    under_way += int(arrangement.start[run + 1] - arrangement.start[run])
        return bool(spikes[0].max() < 0) and under_way == synapses.size

    def _rescale(self, factor: float) -> None:
        """Keep the times of arrival after a change of dt, rounded as Brian rounds them.

        Of two time steps that fall together, the later one remains, as with Brian, also if nothing
        arrives in it.
        """

        def rescaled(number: int) -> int:
            return int(number * factor + 0.5)

        self.arrivals = {
            rescaled(number): slot
            for number, slot in self.arrivals.items()
            if number + 1 == self.n_slots or rescaled(number + 1) > rescaled(number)
        }
        self.n_slots = int(self.n_slots * factor) + 1

    def left_over(self) -> tuple[np.ndarray, np.ndarray]:
        """In flight beside `spikes`: offsets by time step, up to the last one, and synapses."""
        numbers = sorted(self._lists)
        sizes = np.zeros(numbers[-1] + 2 if numbers else 2, dtype=np.int64)
        for number in numbers:
            sizes[number + 1] = self._lists[number].size
        parts = [self._lists[number] for number in numbers]
        synapses = np.concatenate(parts) if parts else np.empty(0)
        return np.cumsum(sizes).astype(np.int32), synapses.astype(np.int32)

    def stamps(self, n_slots: int) -> np.ndarray:
        """For a ring of lists, when sources have spiked: what is in flight, unless it is `mixed`.

        Parameters
        ----------
        n_slots : int
            Of the ring; its head is 0.

        Returns
        -------
        int32 array, shape (n_slots, n_sources)
            The number of the time step; negative before the present one, which is 0.
        """
        stamps = np.full((n_slots, self.source_stop - self.source_start), _NEVER, dtype=np.int32)
        start, synapses = self.left_over()
        if self.arrangement is not None and synapses.size and not self.mixed:
            sources, delays = (a[synapses] for a in self.arrangement.by_synapse())
            steps = np.repeat(np.arange(len(start) - 1), np.diff(start)) - delays
            stamps[steps % n_slots, sources] = steps
        for ago, spiked in self.spikes.items():
            stamps[-ago % n_slots, spiked] = -ago
        return stamps

    def take_back(self, ring: Mapping[int, np.ndarray], steps: int) -> None:
        """Hold again what is in flight after a program ran.

        Parameters
        ----------
        ring : mapping from int to int32 array
            The sources that spiked so many steps before the present one.
        steps : int
            How many steps the program ran.
        """
        self._lists = {
            number - steps: slot for number, slot in self._lists.items() if number >= steps
        }
        self.mixed = self.mixed and bool(self._lists)
        longest = -1 if self.arrangement is None else int(self.arrangement.delays[-1])
        self.spikes = {ago: np.sort(ring[ago]) for ago in ring if ago <= longest}


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    """Parts of an array, each with the first value of the next one."""
    return (values[k : k + _CHUNK + 1] for k in range(0, values.size, _CHUNK))


def _is_ascending(values: np.ndarray) -> bool:
    return all(bool(np.all(part[1:] >= part[:-1])) for part in _parts(values))


def _are_all_the_same(values: np.ndarray) -> bool:
    return all(bool(np.all(part[1:] == part[:-1])) for part in _parts(values))
