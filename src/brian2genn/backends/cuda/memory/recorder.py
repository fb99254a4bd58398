"""Device memory that a program appends recorded values to."""

from __future__ import annotations

import weakref
from contextlib import suppress

import numpy as np

from ..device.driver import CudaLost, Driver
from .ordering import RowOrder

#: Memory for the rows of one recorder, unless a step can fill more.
_BYTES = 16 * 1024 * 1024


class DeviceRecorder:
    """Rows of values, column by column: those on the device and those fetched.

    Parameters
    ----------
    driver : Driver
    columns : sequence of (dtype, int)
        Element type and number of elements added by one row.
    most : int
        Rows that one time step can add, and what was late when it began.
    order : RowOrder or None
        Where a column with the order of the rows is ahead: what puts many rows in order.
    """

    def __init__(
        self,
        driver: Driver,
        columns: list[tuple[np.dtype, int]],
        most: int,
        order: RowOrder | None = None,
    ) -> None:
        self._driver = driver
        self._order = order
        self._sorts = order is not None
        self._columns = [(np.dtype(np.int64), 1)] * self._sorts + columns
        #: so many rows must be free: when the device looks, others may still be busy with the
        #: present time step, and what it has seen is known two time steps later
        self.room = 4 * most
        row = sum(dtype.itemsize * width for dtype, width in self._columns)
        # a multiple of 16 rows: every column begins at a round address
        capacity = max(_BYTES // max(row, 1), 2 * self.room, 16)
        self.capacity = (capacity + 15) // 16 * 16
        #: where the rows are on the device
        self.address = 0
        #: their number (a monitor that only counts has no columns), and the columns
        self._fetched: list[tuple[int, list[np.ndarray]]] = []
        #: rows on the device, as last seen; the program keeps it current
        self.waiting = 0

    def reserve(self) -> None:
        """Reserve the device's memory for rows."""
        self.address = self._driver.allocate(max(self.reserved, 16))
        weakref.finalize(self, self._driver.free, self.address)

    @property
    def reserved(self) -> int:
        """Bytes of the device's memory for rows."""
        return self.capacity * sum(dtype.itemsize * width for dtype, width in self._columns)

    @property
    def rows(self) -> int:
        """How many rows can be had; all are here then."""
        self.fetch()
        return self._fetched_rows()

    def _fetched_rows(self) -> int:
        return sum(rows for rows, _ in self._fetched)

    def nbytes(self) -> int:
        """How much memory the waiting rows take."""
        row = sum(dtype.itemsize * width for dtype, width in self._columns)
        return (self.waiting + self._fetched_rows()) * row

    def fetch(self) -> None:
        """Bring the rows on the device here; the program then forgets them there.

        If the device was lost, so are they; who uses it is told so. Those fetched before remain.
        """
        if self.waiting == 0:
            return
        with suppress(CudaLost):
            self._fetch()
        self.waiting = 0

    def _fetch(self) -> None:
        # memory first: rows remain as they are on the device if there is none
        values = [np.empty((self.waiting, n), dtype=dtype) for dtype, n in self._columns]
        order = self._order
        if order is not None and len(values) > 1 and order.find(self.address, self.waiting):
            del values[0]
            for number, column in enumerate(values, start=1):
                order.column(column, self._place(number))
        else:
            for number, column in enumerate(values):
                if column.size:
                    self._driver.download(column, self._place(number))
            if order is not None:
                keys, *values = values
                by_key = np.argsort(keys[:, 0], kind="stable")
                values = [column[by_key] for column in values]
        self._fetched.append((self.waiting, values))

    def _place(self, number: int) -> int:
        """Where a column is on the device."""
        before = self._columns[:number]
        return self.address + self.capacity * sum(dtype.itemsize * n for dtype, n in before)

    def column(self, number: int) -> np.ndarray:
        """One column, shape (rows, width)."""
        self.fetch()
        dtype, width = self._columns[number + self._sorts]
        parts = [part[number] for _, part in self._fetched]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, width), dtype=dtype)

    def clear(self) -> None:
        """Forget all rows."""
        self.fetch()
        self._fetched = []
