"""Values of synapses in the order in which a pathway delivers, on the device."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..device.driver import Driver, Module
from .image import Image
from .ordering import ROWS, take
from .queue import DeviceQueue

#: Copies take at most this part of what is free.
_PART = 0.25


@dataclass
class _Copy:
    """The values of one array: where they are, and of which queue and array they were made."""

    driver: Driver
    address: int = 0
    nbytes: int = 0
    of: tuple[int, int] = (-1, -1)
    _finalizer: weakref.finalize | None = field(default=None)

    def reserve(self, nbytes: int) -> None:
        """Have memory of this size."""
        if nbytes == self.nbytes:
            return
        if self._finalizer is not None:
            self._finalizer()
        self.address = self.nbytes = 0
        self.of, self._finalizer = (-1, -1), None
        if nbytes:
            self.address, self.nbytes = self.driver.allocate(max(nbytes, 16)), nbytes
            self._finalizer = weakref.finalize(self, self.driver.free, self.address)


class ArrangedValues:
    """Copies of arrays, of which an element for each synapse is only read.

    The synapses of a run are anywhere in Brian's order: a GPU fetches 32 bytes and more for each
    number, and where arrays are large, it has to find out where these are. In the order of
    delivery they are neighbours, and their numbers need not be read first.

    Parameters
    ----------
    driver : Driver
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._copies: weakref.WeakKeyDictionary[
            DeviceQueue, weakref.WeakKeyDictionary[Image, _Copy]
        ] = weakref.WeakKeyDictionary()

    def addresses(
        self, queue: DeviceQueue, order: Image | None, images: Sequence[Image], module: Module
    ) -> list[int]:
        """Where the values of arrays are, which are current on the device.

        Parameters
        ----------
        queue : DeviceQueue
            Tells the order.
        order : Image or None
            The numbers of the synapses in that order; None where they are 0, 1, 2, ...
        images : sequence of Image
        module : Module
            A program with the kernels of ``brian2genn_rows.h``.

        Returns
        -------
        list of int
            All of them are 0 if there is no need of copies, or not so much memory.
        """
        none = [0] * len(images)
        copies = self._copies.setdefault(queue, weakref.WeakKeyDictionary())
        arrangement = queue.arrangement
        if order is None or arrangement is None or arrangement.n_synapses == 0:
            self._copies.pop(queue)
            return none
        n = arrangement.n_synapses
        found = [copies.setdefault(image, _Copy(self._driver)) for image in images]
        sizes = [n * image.dtype.itemsize for image in images]
        new = sum(size for copy, size in zip(found, sizes, strict=True) if size != copy.nbytes)
        if new > _PART * self._driver.memory()[0]:
            self._copies.pop(queue)
            return none
        try:
            for copy, size in zip(found, sizes, strict=True):
                copy.reserve(size)
        except MemoryError:  # what is free is in pieces
            self._copies.pop(queue)
            return none
        for copy, image in zip(found, images, strict=True):
            key = queue.version, image.version
            if copy.of != key:
                self._fill(copy, image, order, n, module)
                copy.of = key
        return [copy.address for copy in found]

    def _fill(self, copy: _Copy, image: Image, order: Image, n: int, module: Module) -> None:
        rows = np.zeros((), dtype=ROWS)
        rows["places"], rows["n"] = order.address, n
        rows["column"], rows["column_after"] = image.address, copy.address
        rows["bytes"] = image.dtype.itemsize
        take(self._driver, module, rows)
