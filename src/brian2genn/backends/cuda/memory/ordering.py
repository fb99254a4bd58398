"""Puts recorded rows in order on the device, before they are fetched."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np

from ..device.driver import Driver, Launch, Module

#: What ``b2g_rows`` is.
ROWS = np.dtype(
    [
        ("keys", np.uint64),
        ("places", np.uint64),
        ("keys_after", np.uint64),
        ("places_after", np.uint64),
        ("column", np.uint64),
        ("column_after", np.uint64),
        ("n", np.int32),
        ("width", np.int32),
        ("bytes", np.int32),
        ("padding", np.int32),
    ]
)

#: Of fewer rows the host sooner finds the order than the device has been asked for it.
_WORTHWHILE = 1 << 13

#: Blocks for each multiprocessor.
_BLOCKS_EACH = 8


def take(driver: Driver, module: Module, rows: np.ndarray) -> None:
    """Put a column in the order of its places, as `rows` (of `ROWS`) says where all is."""
    driver.upload(module.symbol("b2g_rows_now"), rows)
    blocks = _blocks(driver, int(rows["n"]))
    driver.launch([Launch(module.kernel("take_rows"), blocks, driver.threads)])


def _blocks(driver: Driver, n: int) -> int:
    return min(-(-n // driver.threads), _BLOCKS_EACH * driver.multiprocessors)


class RowOrder:
    """Sorts rows by a column of integers, and hands other columns over in that order.

    The host would need some 50 ns for each row (order, columns in that order, memory that is new).

    Parameters
    ----------
    driver : Driver
    module : callable
        Gives a program with the kernels of ``brian2genn_rows.h``.
    """

    def __init__(self, driver: Driver, module: Callable[[], Module]) -> None:
        self._driver = driver
        self._module = module
        self._now = np.zeros((), dtype=ROWS)
        self._room = 0
        self._scratch = 0
        self._finalizer: weakref.finalize | None = None

    def find(self, keys: int, n: int) -> bool:
        """Find the order of rows; whether that was done.

        Parameters
        ----------
        keys : int
            Address of the column to sort by (int64). It is overwritten.
        n : int
            How many rows there are.
        """
        if n < _WORTHWHILE or not self._has_room(n):
            return False
        driver, module, now = self._driver, self._module(), self._now
        keys_after, places = self._scratch, [self._scratch + 8 * n, self._scratch + 12 * n]
        now["keys"], now["places"] = keys, places[0]
        now["keys_after"], now["places_after"] = keys_after, places[1]
        now["n"], now["width"] = n, 1
        driver.upload(module.symbol("b2g_rows_now"), now)
        merges = max((n - 1).bit_length(), 1)
        one = Launch(module.kernel("merge_rows"), _blocks(driver, n), driver.threads)
        driver.launch([one, Launch(module.kernel("next_merge"), 1, 32)] * merges)
        now["places"] = places[merges % 2]
        return True

    def column(self, values: np.ndarray, address: int) -> None:
        """Fetch a column's values in the order that was found last; they overwrite its keys."""
        driver, module, now = self._driver, self._module(), self._now
        now["column"], now["column_after"] = address, self._scratch
        now["bytes"] = values.itemsize
        take(driver, module, now)
        driver.download(values, self._scratch)

    def _has_room(self, n: int) -> bool:
        """Have memory for so many rows: keys, and twice their places."""
        if n <= self._room:
            return True
        if self._finalizer is not None:
            self._finalizer()
            self._finalizer = None
        self._room = 0
        try:
            self._scratch = self._driver.allocate(16 * n)
        except MemoryError:
            return False  # there is just enough for the network: the host finds the order
        self._finalizer = weakref.finalize(self, self._driver.free, self._scratch)
        self._room = n
        return True
