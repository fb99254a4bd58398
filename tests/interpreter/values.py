"""Expressions of kernels as NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from brian2.units.unitsafefunctions import exprel

from brian2genn.model.dtypes import BOOL, is_float
from brian2genn.model.expr import Expr, walk
from brian2genn.model.kernel import ELEMENT, Access, Kernel, RandomSite, Table

_BINARY: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "floordiv": np.floor_divide, "mod": np.mod, "pow": np.power,
    "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal,
    "eq": np.equal, "ne": np.not_equal, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip

_CALLS: dict[str, Callable[..., Any]] = {
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "abs": np.abs, "sign": np.sign,
    "exprel": exprel, "inverse_exprel": lambda x: 1 / exprel(x),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "latest": lambda *args: np.vectorize(_latest, otypes=[float])(*args),
}  # fmt: skip


def _latest(rate: float, now: float, steps: float) -> float:
    """The largest number for which ``trunc(rate*(now - number)) >= steps``, by bisection."""

    def at(place: int) -> np.float64:
        """Numbers in their order, by whole numbers."""
        bits = np.int64(place if place >= 0 else place ^ 0x7FFFFFFFFFFFFFFF)
        return bits.view(np.float64)

    low, high = (int(np.float64(end).view(np.int64)) for end in (-np.inf, np.inf))
    low ^= 0x7FFFFFFFFFFFFFFF
    while low + 1 < high:
        middle = (low + high) // 2
        if np.trunc(rate * (now - at(middle))) >= steps:
            low = middle
        else:
            high = middle
    return float(at(low))


_ONES = np.uint64(0xFFFFFFFF)

#: Stands for the element of a number that is the same for all.
_ALL = 0xFFFFFFFF


def _words(elements: Any, shared_by: int, step: int, block: int, stream: int, key: int) -> Any:
    """Philox4x32-10: the four words of the block that so many neighbouring elements share."""
    third = (step >> 32 & 0xFFFF) << 16 | block & 0xFFFF
    counter = elements.astype(np.uint64) // np.uint64(shared_by), step & 0xFFFFFFFF, third, stream
    x = [np.asarray(word, dtype=np.uint64) & _ONES for word in counter]
    for number in range(10):
        one = np.uint64((key + 0x9E3779B9 * number) & 0xFFFFFFFF)
        other = np.uint64(((key >> 32) + 0xBB67AE85 * number) & 0xFFFFFFFF)
        p0, p1 = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [
            p1 >> np.uint64(32) ^ x[1] ^ one, p1 & _ONES,
            p0 >> np.uint64(32) ^ x[3] ^ other, p0 & _ONES,
        ]  # fmt: skip
    return np.broadcast_arrays(*x)


def _unit(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    wide = (high >> np.uint64(5)).astype(float) * 67108864.0
    return (wide + (low >> np.uint64(6)).astype(float)) / 9007199254740992.0


def _rand(elements: Any, *place: int) -> np.ndarray:
    w0, w1, w2, w3 = _words(elements, 2, *place)
    return np.where(elements % 2, _unit(w2, w3), _unit(w0, w1))


def _randf(elements: Any, *place: int) -> np.ndarray:
    words = np.choose(elements % 4, _words(elements, 4, *place))
    return (words >> np.uint64(8)).astype(np.float32) / np.float32(16777216)


def _normal(radius: Any, turn: Any, quarter: Any, second: Any) -> np.ndarray:
    """One of the two numbers of a point: its distance, and its angle in quarters of the circle."""
    sine, cosine = np.sin(np.pi / 2 * turn), np.cos(np.pi / 2 * turn)
    along, across = cosine * radius * (1.0 - (quarter & np.uint64(2))), sine * radius
    return np.where((quarter & np.uint64(1)) != second, across, along)


def _randn(elements: Any, *place: int) -> np.ndarray:
    w0, w1, w2, w3 = _words(elements, 2, *place)
    radius = np.sqrt(-2.0 * np.log(1.0 - _unit(w0, w1)))
    return _normal(radius, _unit(w2, w3) - 0.5, w2, elements % 2 == 1)


def _randnf(elements: Any, *place: int) -> np.ndarray:
    words, high = _words(elements, 4, *place), elements >> 1 & 1
    first, angle = np.where(high, words[2], words[0]), np.where(high, words[3], words[1])
    radius = np.sqrt(-2.0 * np.log((first >> np.uint64(1)).astype(float) / 2**31 + 2.0**-32))
    turn = (angle >> np.uint64(8)).astype(float) / 2**24 - 0.5
    return _normal(radius, turn, angle, elements % 2 == 1)


def below(elements: Any, limit: Any, *place: int) -> np.ndarray:
    """Whether numbers are below others: 16 binary digits tell, or those that follow."""
    step, block, stream, key = place
    shared = elements // 64 * 8 + elements % 8
    words, number = _words(shared, 1, *place), elements % 64 // 8
    word = np.choose(number // 2, words) >> (number % 2 * 16).astype(np.uint64)
    digits = (word & np.uint64(0xFFFF)).astype(float)
    more = _rand(elements, step, block | 0x8000, stream, key)
    limit = limit * 65536.0
    with np.errstate(invalid="ignore"):
        return (digits < limit) & ((digits + 1 <= limit) | (more < limit - digits))


_NUMBERS = {
    ("rand", "float64"): _rand, ("rand", "float32"): _randf,
    ("randn", "float64"): _randn, ("randn", "float32"): _randnf,
}  # fmt: skip


class Values:
    """The values of a kernel's expressions for some elements, as the arrays are now.

    Parameters
    ----------
    kernel : Kernel
    arrays, params : mapping
    elements : int array, shape (n,)
    key, stream, step : int
        Where random numbers come from.
    """

    def __init__(
        self,
        kernel: Kernel,
        arrays: Mapping[str, np.ndarray],
        params: Mapping[str, float | int],
        elements: np.ndarray,
        key: int,
        stream: int,
        step: int,
    ) -> None:
        self._kernel = kernel
        self._arrays = arrays
        self._params = params
        self._elements = elements
        self._random = key, stream, step
        self._known: dict[int, Any] = {}

    def of(self, root: Expr) -> Any:
        """The value of an expression: one for each element, or a single one for all."""
        for node in walk([root], lambda one: one.serial in self._known):
            args = [self._known[arg.serial] for arg in node.args]
            self._known[node.serial] = np.asarray(self._make(node, args), dtype=node.dtype)
        return self._known[root.serial]

    def place(self, access: Access) -> Any:
        """Where an access reads and writes in its array."""
        if access.index is None:
            return 0
        if access.index == ELEMENT:
            return self._elements
        index = self._kernel.accesses[access.index]
        return self._arrays[index.array][self.place(index)]

    def _make(self, node: Expr, args: list[Any]) -> Any:
        match node.op:
            case "const":
                return node.attr
            case "param":
                return self._params[node.attr]
            case "load":
                access = self._kernel.accesses[node.attr]
                value = self._arrays[access.array][self.place(access)]
                return value != 0 if access.dtype == BOOL else value
            case "cast":
                return _cast(args[0], node.args[0].dtype, node.dtype)
            case "neg":
                return -args[0]
            case "not":
                return ~args[0]
            case "select":
                return np.where(*args)
            case "call":
                return _CALLS.get(node.attr, getattr(np, node.attr, None))(*args)
            case "given":
                return self._elements
            case "random":
                return self._draw(node.attr, node.dtype, *args)
            case "table":
                return self._sample(node.attr, *args)
        return _BINARY[node.op](*args)

    def _draw(self, site: RandomSite, dtype: str, *args: Any) -> Any:
        key, stream, step = self._random
        if site.kind == "below":
            elements = np.asarray(self._elements)
            return below(elements, *args, step, site.number, stream, key)
        if site.shared:
            return _NUMBERS[site.kind, dtype](np.array([_ALL]), step, site.number, stream, key)[0]
        elements = np.asarray(self._elements)
        return _NUMBERS[site.kind, dtype](elements, step, site.number, stream, key)

    def _sample(self, table: Table, time: Any, column: Any = None) -> Any:
        epsilon, upsampling, rows = (
            self._params[name] for name in (table.epsilon, table.upsampling, table.rows)
        )
        row = np.trunc((time / epsilon + 0.5) / upsampling).astype(np.int64).clip(0, rows - 1)
        values = self._arrays[table.array]
        if table.columns is None:
            return values[row]
        columns = self._params[table.columns]
        inside = (column >= 0) & (column < columns)
        return np.where(inside, values[row * columns + np.where(inside, column, 0)], np.nan)


def _cast(value: Any, before: str, after: str) -> Any:
    if is_float(before) and not is_float(after) and after != BOOL:
        return np.trunc(value)
    return value
