"""The spike queue of a synaptic pathway, with the interface Brian expects."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..interface import Queue
from .delays import of_synapses
from .structures import Brought, support


class SpikeQueue(Queue):
    """Events on their way to synapses.

    Has the methods of Brian's own queue, so that objects that Brian runs can
    use it, and the same state, so that stored networks can be exchanged.

    Parameters
    ----------
    source_start, source_end : int
        The range of source indices (a subgroup has an offset).
    """

    def __init__(self, source_start: int, source_end: int) -> None:
        self._library = support()
        self.handle: int = self._library.b2g_queue_new(source_start, source_end)
        if not self.handle:
            raise MemoryError("no memory for a spike queue")
        self._n_synapses = 0
        #: the numbers that synapses have in Brian, while they have others
        self._numbers: np.ndarray | None = None
        self._finalizer = weakref.finalize(self, self._library.b2g_queue_free, self.handle)
        #: what makes two queues different for Brian's caches
        self._state_tuple = (source_start, source_end, np.int32)

    def __reduce__(self) -> tuple[Any, ...]:
        start, end, _ = self._state_tuple
        return _with_state, (type(self), start, end, self._full_state())

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
        self.restore_numbers()
        delays = np.ascontiguousarray(real_delays, dtype=np.float64)
        sources = np.ascontiguousarray(sources, dtype=np.int32)
        delays = of_synapses(delays, len(sources))
        self._n_synapses = len(sources)
        self._check(
            self._library.b2g_queue_prepare(
                self.handle, delays.ctypes.data, len(delays), float(dt), sources.ctypes.data,
                len(sources),
            )
        )  # fmt: skip

    def divide(self, targets: np.ndarray | None, n_targets: int, parts: int) -> None:
        """Divide the synapses among parts that several threads deliver to.

        Parameters
        ----------
        targets : int32 array, shape (n_synapses,), or None
            For every synapse the place, of `n_targets`, that events at it write to; None if they
            change nothing but the synapse.
        n_targets, parts : int
        """
        where = None if targets is None else targets.ctypes.data
        self._check(self._library.b2g_queue_divide(self.handle, where, n_targets, parts))

    def find_neighbours(self, targets: np.ndarray) -> bool:
        """Find out whether neighbours among the synapses of a run have neighbours for targets.

        Parameters
        ----------
        targets : int32 array, shape (n_synapses,)

        Returns
        -------
        bool
            Whether most of them have: it is made use of when they are delivered.
        """
        return bool(self._library.b2g_queue_find_neighbours(self.handle, targets.ctypes.data))

    def take_all(self, targets: np.ndarray) -> None:
        """Stand for all synapses, which every time step goes through; nothing is put in.

        Parameters
        ----------
        targets : int32 array, shape (n_synapses,)
        """
        self._check(self._library.b2g_queue_all(self.handle, targets.ctypes.data, len(targets)))

    def order(self) -> np.ndarray | None:
        """The synapses in the order in which they are delivered; None if that is their own."""
        return self._synapses_at(self._library.b2g_queue_order(self.handle))

    def order_by_target(self, targets: np.ndarray) -> np.ndarray | None:
        """The same if those of one run are delivered by target; None if that is their own.

        A target gets what is added to it in the same order.

        Parameters
        ----------
        targets : int32 array, shape (n_synapses,)
        """
        targets = np.ascontiguousarray(targets)
        if self._library.b2g_queue_is_sorted(self.handle, targets.ctypes.data):
            return None
        order = np.empty(len(targets), dtype=np.int32)
        self._check(
            self._library.b2g_queue_sort(self.handle, targets.ctypes.data, order.ctypes.data)
        )
        is_own = np.array_equal(order, np.arange(len(order), dtype=np.int32))
        return None if is_own else order

    def divided_order(self) -> np.ndarray | None:
        """The same where synapses are divided among threads: in each run they are sorted."""
        return self._synapses_at(self._library.b2g_queue_divided_order(self.handle))

    def _synapses_at(self, address: int | None) -> np.ndarray | None:
        if not address:
            return None
        buffer = (ctypes.c_int32 * self._n_synapses).from_address(address)
        return np.array(np.frombuffer(memoryview(buffer), dtype=np.int32))

    def renumber(self, numbers: np.ndarray, places: np.ndarray, in_order: bool) -> None:
        """Give synapses other numbers, for a run.

        Parameters
        ----------
        numbers : int32 array
            For each new number the one in Brian.
        places : int32 array
            The inverse.
        in_order : bool
            Whether the new numbers are those of the order of delivery.
        """
        self._numbers = numbers
        self._check(
            self._library.b2g_queue_renumber(
                self.handle, places.ctypes.data, numbers.ctypes.data, in_order
            )
        )

    def restore_numbers(self) -> None:
        """Synapses have the numbers that they have in Brian."""
        self._check(self._library.b2g_queue_restore_numbers(self.handle))
        self._numbers = None

    def bring(self, values: Mapping[int, np.ndarray], size: int) -> None:
        """Let events bring along what their synapses have, where that pays.

        What an event has brought is what it arrives with: whoever changes the arrays has to call
        this again.

        Parameters
        ----------
        values : dict of int to array, shape (n_synapses,)
            In the order of delivery, by where they are in an event; without any, events bring
            nothing. Each value has four or eight bytes.
        size : int
            Bytes of an event; the first four are the queue's.
        """
        brought = (Brought * len(values))(
            *(Brought(array.ctypes.data, array.itemsize, place) for place, array in values.items())
        )
        self._check(
            self._library.b2g_queue_bring(
                self.handle, len(brought), ctypes.addressof(brought), size
            )
        )

    @property
    def brings(self) -> bool:
        """Whether events bring along what their synapses have."""
        return bool(self._library.b2g_queue_brings(self.handle))

    @property
    def n_runs(self) -> int:
        """How many runs of synapses there are, each with one source and one delay."""
        return int(self._library.b2g_queue_runs(self.handle))

    @property
    def n_synapses(self) -> int:
        """How many synapses there are."""
        return self._n_synapses

    @property
    def n_sources(self) -> int:
        """How many neurons there are on the side that events come from."""
        start, stop, _ = self._state_tuple
        return int(stop - start)

    @property
    def numbers_in_brian(self) -> np.ndarray | None:
        """The number in Brian of each synapse; None if they have no others."""
        return self._numbers

    def runs(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Source and delay (in time steps) of each run, and how many runs have synapses."""
        sources, delays = np.empty((2, self.n_runs), dtype=np.int32)
        used = self._library.b2g_queue_runs_of(self.handle, sources.ctypes.data, delays.ctypes.data)
        return sources, delays, int(used)

    def rearranged(self) -> bool:
        """Whether `prepare` has arranged synapses anew since this was last asked."""
        return bool(self._library.b2g_queue_rearranged(self.handle))

    def loosen(self) -> None:
        """Let what is in flight arrive at single synapses, as if they were arranged anew now."""
        self._check(self._library.b2g_queue_loosen(self.handle))

    def is_whole(self) -> bool:
        """Whether what is in flight arrives at all synapses of a run, and not at single ones."""
        return bool(self._library.b2g_queue_is_whole(self.handle))

    def has_one_delay(self) -> bool:
        """Whether a run has all synapses of its source."""
        return bool(self._library.b2g_queue_has_one_delay(self.handle))

    def keys(self, n_synapses: int) -> np.ndarray:
        """The number of each synapse's run."""
        keys = np.empty(n_synapses, dtype=np.int32)
        self._library.b2g_queue_keys(self.handle, keys.ctypes.data)
        return keys

    @staticmethod
    def _check(error: int) -> None:
        if error:
            raise MemoryError("no memory for a spike queue")

    def push(self, spikes: np.ndarray) -> None:
        """Queue the events of this time step (ascending source indices)."""
        spikes = np.ascontiguousarray(spikes, dtype=np.int32)
        self._check(self._library.b2g_queue_push(self.handle, spikes.ctypes.data, len(spikes)))

    def _arriving(self, ahead: int) -> np.ndarray:
        count = self._library.b2g_queue_count(self.handle, ahead)
        synapses = np.empty(count, dtype=np.int32)
        self._library.b2g_queue_synapses(self.handle, ahead, synapses.ctypes.data)
        return synapses

    def peek(self) -> np.ndarray:
        """The synapses whose events arrive now."""
        return self._arriving(0)

    def largest_in_flight(self) -> int:
        """The largest number of a synapse that a spike is on its way to; -1 if there is none."""
        return int(self._library.b2g_queue_largest(self.handle))

    def shortest_delay(self) -> int:
        """The shortest delay in time steps; 2**31 - 1 if there are no synapses."""
        return int(self._library.b2g_queue_shortest(self.handle))

    def advance(self) -> None:
        """Go on to the next time step."""
        self._library.b2g_queue_advance(self.handle)

    def get_capsule(self) -> None:
        """Brian's Cython code would use a capsule; this device never runs that code."""
        return None

    def _full_state(self) -> tuple[int, list[list[int]]]:
        n_slots = self._library.b2g_queue_slots(self.handle)
        # like Brian's: from the beginning of the ring, with the present place
        head = self._library.b2g_queue_head(self.handle)
        slots = [self._arriving((slot - head) % n_slots).tolist() for slot in range(n_slots)]
        return head, slots

    def _restore_from_full_state(self, state: Any) -> None:
        head, slots = (0, []) if state is None else state
        slots = [list(slot) for slot in slots] or [[]]
        self.restore_numbers()
        counts = np.array([len(slot) for slot in slots], dtype=np.int64)
        synapses = np.array([synapse for slot in slots for synapse in slot], dtype=np.int32)
        self._check(
            self._library.b2g_queue_set(
                self.handle, len(slots), int(head), counts.ctypes.data, synapses.ctypes.data
            )
        )
        # the ring may have become shorter than the longest delay
        self._library.b2g_queue_forget(self.handle)


def _with_state(kind: type[SpikeQueue], start: int, end: int, state: Any) -> SpikeQueue:
    """A queue that was copied or pickled."""
    queue = kind(start, end)
    queue._restore_from_full_state(state)
    return queue
