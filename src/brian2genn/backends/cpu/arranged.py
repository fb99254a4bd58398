"""Variables of synapses in the order of delivery, for the time of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...transforms.arrangeable import Arrangement
from ..host.memory import taken
from ..host.queue import SpikeQueue
from ..interface import array_of

#: Copies that take more memory than this are not made.
LARGEST = 1 << 30

#: Where more than this part of the synapses is recorded, they stay where they are: to record
#: neighbours takes less time than to deliver to them saves.
MOST_RECORDED = 0.1


class Arranged:
    """Copies of synapses' variables, in the order in which their main pathway delivers.

    Parameters
    ----------
    arrangements : sequence of Arrangement
        The synapses that may be in another order.
    """

    def __init__(self, arrangements: Sequence[Arrangement]) -> None:
        self._possible = arrangements
        #: which synapses are, and the number that each of them has in Brian
        self._orders: list[tuple[Arrangement, np.ndarray]] = []
        self._queues: list[SpikeQueue] = []
        #: the copies, by their names in the network
        self.arrays: dict[str, np.ndarray] = {}

    @property
    def labels(self) -> list[str]:
        """Of the synapses that are in another order."""
        return [one.synapses for one, _ in self._orders]

    def arrange(
        self, arrays: Mapping[str, Any], queues: Sequence[SpikeQueue], targets: Mapping[int, str]
    ) -> None:
        """Give synapses other numbers where that brings together what is delivered together.

        Parameters
        ----------
        arrays : mapping
        queues : sequence of SpikeQueue
        targets : dict of int to str
            By queues: the array with the targets of the synapses, where several threads share them
            out by target. Then what a thread takes of a run has to be neighbours, too.
        """
        for one in self._possible:
            own = [queues[number] for number in one.queues]
            by_target = targets.get(one.queues[0])
            if by_target is None:
                order = own[0].order()
            else:
                order = own[0].order_by_target(array_of(arrays[by_target]))
            if order is None or self._bytes(one, arrays, len(order)) > LARGEST:
                continue
            recorded = [array_of(arrays[name]) for name in one.recorded]
            if sum(map(len, recorded)) > MOST_RECORDED * len(order):
                continue
            numbers = np.empty_like(order)
            numbers[order] = np.arange(len(order), dtype=order.dtype)
            for queue in own:
                queue.renumber(order, numbers, in_order=queue is own[0])
            self._queues += own
            self._orders.append((one, order))
            self.arrays.update(
                (name, numbers[indices])
                for name, indices in zip(one.recorded, recorded, strict=True)
            )
        self.take_over(arrays)

    @staticmethod
    def _bytes(one: Arrangement, arrays: Mapping[str, Any], n_synapses: int) -> int:
        sizes = (array_of(arrays[name]).itemsize for name in one.arrays)
        return n_synapses * (sum(sizes) + 8 + 4 * len(one.queues))

    def take_over(self, arrays: Mapping[str, Any]) -> None:
        """Copy what Brian's arrays have."""
        for one, order in self._orders:
            for name in one.arrays:
                self.arrays[name] = taken(array_of(arrays[name]), order)

    def differ(self, arrays: Mapping[str, Any]) -> bool:
        """Whether Brian's arrays have other values, bit by bit."""
        return any(
            not np.array_equal(
                array_of(arrays[name])[order].view(np.uint8), self.arrays[name].view(np.uint8)
            )
            for one, order in self._orders
            for name in one.arrays
        )

    def show(self, arrays: Mapping[str, Any], written: set[str]) -> None:
        """Copy the values to Brian's arrays.

        Parameters
        ----------
        arrays : mapping
        written : set of str
            Those that may have changed.
        """
        for one, order in self._orders:
            for name in one.arrays:
                if name in written:
                    array_of(arrays[name])[order] = self.arrays[name]

    def give_back(self) -> None:
        """Synapses have Brian's numbers again."""
        for queue in self._queues:
            queue.restore_numbers()
        self._queues, self._orders, self.arrays = [], [], {}
