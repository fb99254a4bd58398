"""What synapses of a neuron have in common, where several processes have some of them each.

Whether neurons can stand for their synapses, and with which values they begin, one process sees in
all synapses of a neuron.  Where these are apart, the processes find the same together: so results
are those of one process, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...model.traces import TraceEnd, Traces
from ..host.queue import SpikeQueue
from ..interface import Part, Together

#: So many runs are looked at together: what is sent for each takes some tens of bytes.
_PIECE = 1 << 17

_LAST = np.iinfo(np.int64).max


class Alone:
    """A process that has all synapses."""

    def __init__(self) -> None:
        self._queues: Sequence[SpikeQueue] = ()

    def begin(
        self, traces: Sequence[Traces], queues: Sequence[SpikeQueue], parts: Mapping[str, Part]
    ) -> None:
        """A run is about to begin; all processes do this.

        Parameters
        ----------
        traces : sequence of Traces
            What may be kept.
        queues : sequence of SpikeQueue
            Of the network, prepared.
        parts : mapping
            The synapses that processes have some of, by their labels.
        """
        self._queues = queues

    def any(self, here: bool) -> bool:
        """Whether something is so in any process."""
        return here

    def is_whole(self, queue: int) -> bool:
        """Whether what is in flight arrives at all synapses of a run."""
        return self._queues[queue].is_whole()

    def has_one_delay(self, queue: int) -> bool:
        """Whether a run has all synapses of its source."""
        return self._queues[queue].has_one_delay()

    def size(self, one: Traces, end: TraceEnd, n_synapses: int) -> tuple[int, int]:
        """How many runs there are on one side, and how many synapses.

        Parameters
        ----------
        one : Traces
        end : TraceEnd
        n_synapses : int
            How many this process has.
        """
        return self._queues[end.queues[0]].n_runs, n_synapses

    def of_all(
        self,
        one: Traces,
        end: TraceEnd,
        chosen: np.ndarray,
        times: np.ndarray | None,
        values: np.ndarray,
    ) -> np.ndarray:
        """What the first synapse of each run has, of those of all processes.

        Parameters
        ----------
        one : Traces
        end : TraceEnd
        chosen : int32 array
            For each run the first one of this process; -1 for a run without synapses.
        times : array or None
            By which they are in order, of all synapses; None if by their numbers alone.
        values : array, shape (variables, runs with synapses)
            Of those of this process.
        """
        return values


class Apart(Alone):
    """One of several processes.

    Parameters
    ----------
    together : Together
        All of them.
    """

    def __init__(self, together: Together) -> None:
        super().__init__()
        self._together = together
        self._parts: Mapping[str, Part] = {}
        #: by queue: what any process has of it
        self._single: dict[int, bool] = {}
        self._delays: dict[int, tuple[int, int]] = {}

    def begin(
        self, traces: Sequence[Traces], queues: Sequence[SpikeQueue], parts: Mapping[str, Part]
    ) -> None:
        """A run is about to begin."""
        self._queues, self._parts = queues, parts
        known = sorted({number for one in traces for number in one.queues})
        facts = np.array([self._facts(queues[number]) for number in known], dtype=np.int64)
        facts = facts.reshape(len(known), 3)
        self._together.least("spikes on their way", facts)
        for number, (same, shortest, longest) in zip(known, facts.tolist(), strict=True):
            self._delays[number] = shortest, -longest
            if not same:  # one process would have arranged all synapses anew
                queues[number].loosen()
        single = [not queues[number].is_whole() for number in known]
        apart = np.array(single, dtype=np.uint8)
        self._together.united("spikes to single synapses", apart)
        self._single = dict(zip(known, apart.astype(bool).tolist(), strict=True))

    @staticmethod
    def _facts(queue: SpikeQueue) -> tuple[int, int, int]:
        """What the least is asked of: arranged as before, the shortest delay, less the longest."""
        same = not queue.rearranged()
        _, delays, used = queue.runs()
        if used == 0:
            return same, _LAST, _LAST
        return same, queue.shortest_delay(), -int(delays.max())

    def any(self, here: bool) -> bool:
        """Whether something is so in any process."""
        return self._together.any("what neurons keep", here)

    def is_whole(self, queue: int) -> bool:
        """Whether what is in flight arrives at all synapses of a run."""
        return not self._single[queue]

    def has_one_delay(self, queue: int) -> bool:
        """Whether a run has all synapses of its source."""
        shortest, longest = self._delays[queue]
        return shortest >= longest

    def size(self, one: Traces, end: TraceEnd, n_synapses: int) -> tuple[int, int]:
        """How many runs there are on one side, and how many synapses."""
        queue = self._queues[end.queues[0]]
        part = self._parts.get(one.synapses)
        if part is None:
            return queue.n_runs, n_synapses
        sources, _, used = queue.runs()
        counted = np.array([used, n_synapses], dtype=np.int64)
        runs, synapses = np.sum(self._together.gather("how many runs", counted), axis=0).tolist()
        if self.has_one_delay(end.queues[0]):
            runs = queue.n_sources
        elif part.side != end.side:
            runs = 0
            for _, n, places in self._pieces(end, np.arange(len(sources))):
                absent = np.ones(n, dtype=np.uint8)
                absent[places] = 0
                self._together.least("runs", absent)
                runs += n - int(absent.sum())
        return runs, synapses

    def of_all(
        self,
        one: Traces,
        end: TraceEnd,
        chosen: np.ndarray,
        times: np.ndarray | None,
        values: np.ndarray,
    ) -> np.ndarray:
        """What the first synapse of each run has, of those of all processes."""
        part = self._parts.get(one.synapses)
        if part is None or part.side == end.side:
            return values  # all of a neuron's synapses are here
        runs = np.flatnonzero(chosen >= 0)
        in_brian = self._queues[end.queues[0]].numbers_in_brian
        synapses = chosen[runs] if in_brian is None else in_brian[chosen[runs]]
        numbers = part.numbers[synapses]
        first = None if times is None else times[chosen[runs]]
        found = np.empty_like(values)
        for here, n, places in self._pieces(end, runs):
            mine = np.ones(len(places), dtype=bool)
            if first is not None:
                earliest = np.full(n, np.inf)
                earliest[places] = first[here]
                self._together.least("the earliest events", earliest)
                mine = earliest[places] == first[here]
            smallest = np.full(n, _LAST)
            smallest[places[mine]] = numbers[here][mine]
            self._together.least("the first synapses", smallest)
            mine &= smallest[places] == numbers[here]
            bits = np.zeros((len(values), n), dtype=np.uint64)
            bits[:, places[mine]] = np.ascontiguousarray(values[:, here][:, mine]).view(np.uint64)
            self._together.united("values of neurons", bits)
            found[:, here] = bits[:, places].view(np.float64)
        return found

    def _pieces(self, end: TraceEnd, runs: np.ndarray) -> Iterator[tuple[slice, int, np.ndarray]]:
        """The runs of all processes, piece by piece.

        Parameters
        ----------
        end : TraceEnd
        runs : int array
            Some runs of this process, ascending.

        Yields
        ------
        slice, int, int array
            Which of `runs` are in a piece, how long this is, and their places in it.
        """
        queue = self._queues[end.queues[0]]
        shortest, longest = self._delays[end.queues[0]]
        several = max(longest - shortest + 1, 0)
        sources, delays, _ = queue.runs()
        places = sources[runs].astype(np.int64) * several + (delays[runs] - shortest)
        for first in range(0, queue.n_sources * several, _PIECE):
            here = slice(*np.searchsorted(places, [first, first + _PIECE]).tolist())
            n = min(_PIECE, queue.n_sources * several - first)
            yield here, n, places[here] - first
