"""Rows that monitors record, some of them by GeNN and some beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..host.recorder import Recorder


class MixedRecorder:
    """Rows in the order of time.

    Parameters
    ----------
    columns : sequence of (dtype, int)
        Element type and number of elements added by one row.
    """

    def __init__(self, columns: Sequence[tuple[np.dtype, int]]) -> None:
        self._columns = [(np.dtype(dtype), width) for dtype, width in columns]
        self._parts: list[list[np.ndarray]] = [[] for _ in self._columns]
        self._rows = 0
        self.native: Recorder | None = None

    def append(self, rows: int, columns: Sequence[np.ndarray]) -> None:
        """Add rows that GeNN has recorded: arrays of shape (rows, width) or (rows,)."""
        self._absorb()
        self._rows += rows
        for parts, (dtype, width), values in zip(self._parts, self._columns, columns, strict=True):
            parts.append(np.array(values, dtype=dtype).reshape(-1, width))

    def _absorb(self) -> None:
        """Take over what the program beside GeNN has recorded."""
        if self.native is not None and self.native.rows:
            self._rows += self.native.rows
            for number, parts in enumerate(self._parts):
                parts.append(self.native.column(number).copy())
            self.native.clear()

    @property
    def rows(self) -> int:
        """How many rows wait here."""
        self._absorb()
        return self._rows

    def nbytes(self) -> int:
        """How much memory the waiting rows take."""
        return self.rows * sum(dtype.itemsize * width for dtype, width in self._columns)

    def column(self, number: int) -> np.ndarray:
        """One column, shape (rows, width)."""
        self._absorb()
        dtype, width = self._columns[number]
        return np.concatenate([np.empty((0, width), dtype=dtype), *self._parts[number]])

    def clear(self) -> None:
        """Forget all rows."""
        self._parts = [[] for _ in self._columns]
        self._rows = 0
        if self.native is not None:
            self.native.clear()
