"""Native memory that a program appends recorded values to."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence

import numpy as np

from .structures import support


class Recorder:
    """Rows of values, column by column.

    Parameters
    ----------
    columns : sequence of (dtype, int)
        Element type and number of elements added by one row.
    """

    def __init__(self, columns: Sequence[tuple[np.dtype, int]]) -> None:
        self._library = support()
        self._columns = [(np.dtype(dtype), width) for dtype, width in columns]
        items = np.array([dtype.itemsize * width for dtype, width in self._columns], dtype=np.int64)
        self.handle: int = self._library.b2g_recorder_new(len(items), items.ctypes.data)
        if not self.handle:
            raise MemoryError("no memory for a monitor")
        self._lent: dict[int, np.ndarray] = {}
        self._finalizer = weakref.finalize(self, self._library.b2g_recorder_free, self.handle)

    @property
    def rows(self) -> int:
        """How many rows wait here."""
        return int(self._library.b2g_recorder_rows(self.handle))

    def nbytes(self) -> int:
        """How much memory the waiting rows take."""
        return self.rows * sum(dtype.itemsize * width for dtype, width in self._columns)

    def column(self, number: int) -> np.ndarray:
        """A view of one column, shape (rows, width); valid until `clear`."""
        dtype, width = self._columns[number]
        shape = (self.rows, width)
        size = shape[0] * width * dtype.itemsize
        if size == 0:
            return np.empty(shape, dtype=dtype)
        address = self._library.b2g_recorder_data(self.handle, number)
        buffer = (ctypes.c_char * size).from_address(address)
        return np.frombuffer(memoryview(buffer), dtype=dtype).reshape(shape)

    def lend(self, number: int, memory: np.ndarray) -> None:
        """Let a column without rows write into memory that others will read.

        Parameters
        ----------
        number : int
            Of the column.
        memory : array, shape (rows,) or (rows, width)
            Without gaps. If there are more rows, they are in memory of the recorder's own.
        """
        self._library.b2g_recorder_lend(self.handle, number, memory.ctypes.data, memory.nbytes)
        self._lent[number] = memory  # kept as long as it may be written to

    def borrowed(self, number: int) -> np.ndarray | None:
        """The memory that a column's rows are in, if that was lent."""
        lent = self._library.b2g_recorder_is_lent(self.handle, number)
        return self._lent.get(number) if lent else None

    def clear(self) -> None:
        """Forget all rows."""
        self._library.b2g_recorder_clear(self.handle)
        self._lent.clear()
