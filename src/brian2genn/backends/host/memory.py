"""The host's own arrays: for backends that work on nothing else, and who holds them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

#: Brian warns of values beyond this.
_VERY_LARGE = 1e50

#: Bytes of a processor's cache line, and of its longest vectors.
_LINE = 64


class _Lines:
    """Memory that begins with a cache line.

    It is no array: NumPy lets slices of what shows an array refer to that array, and those of what
    shows this to what shows it.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        size = math.prod(shape) * dtype.itemsize
        self._memory = np.zeros(size + _LINE, dtype=np.uint8)
        address = self._memory.ctypes.data
        self.__array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (address + -address % _LINE, False),
            "version": 3,
        }


def zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros that begins with a cache line.

    NumPy's own begin anywhere between; then every vector of 64 bytes lies in two lines, and loops
    over neighbours take up to twice as long.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Returns
    -------
    ndarray
        Slices of it have it as their base, as those of other arrays.
    """
    return np.asarray(_Lines(shape, np.dtype(dtype)))


def taken(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The values at these places, in an array that begins with a cache line."""
    result = zeros(places.shape, values.dtype)
    # the mode in which NumPy writes at once, without a copy of its own
    return np.take(values, places, out=result, mode="clip")


class HostMemory:
    """There is one copy of every array, which is always current when Brian is at work."""

    def setup(self) -> None:
        """Nothing but the host's own set-up programs."""
        return None

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        return nullcontext()

    def before_access(self, variable: Any) -> None:
        """Nothing has to be made current."""

    def valid(self, variables: Sequence[Any]) -> list[bool]:
        """Which variables have finite values of a usual size."""
        return [is_usual(variable.get_value()) for variable in variables]

    def exchange_kept(self) -> None:
        """Nothing has to be made current."""

    def make_host_current(self) -> None:
        """Nothing has to be made current."""


def is_usual(values: np.ndarray) -> bool:
    """Whether no value is NaN, or larger than what Brian calls very large."""
    # the maximum of what has a NaN in it is NaN, and comparisons with that are false
    return values.size == 0 or float(np.abs(values).max()) <= _VERY_LARGE


class _Pair:
    """An array that Brian's device alone has, shown by a view of its memory."""

    def __init__(self) -> None:
        self.memory = np.empty(1)
        self.data = self.memory[:]


def _references() -> tuple[int, int]:
    """How many references are counted of what Brian's device alone has: an array, its memory."""
    pair = _Pair()
    array = pair.data
    of_array = sys.getrefcount(array)
    base = array.base
    return of_array, sys.getrefcount(base)


_REFERENCES, _BASE_REFERENCES = _references()


def is_kept(raw: Callable[[], np.ndarray], holders: int = 0) -> bool:
    """Whether a script has an array itself, and can use it without asking.

    Parameters
    ----------
    raw : callable
        Returns the array that Brian's device has. Where that shows other memory, as arrays do that
        can grow, slices of it refer to the memory.
    holders : int, optional
        How many references there are beside that one which are not the script's.
    """
    array = raw()
    if sys.getrefcount(array) > _REFERENCES + holders and raw() is array:
        return True
    base = array.base
    return base is not None and sys.getrefcount(base) > _BASE_REFERENCES
