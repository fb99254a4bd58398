"""Whether what has been collected of the constants of a run is a normal number, with their values.

A product of constants may overflow or vanish where the script's own order of operations does not:
``(x*a)*b`` with 1e-200, 1e200 and 1e200 is 1e200, ``x*(a*b)`` is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from ..model.dtypes import BOOL, FLOAT32, is_integer
from ..model.expr import Expr, walk
from ..model.kernel import Kernel

_ARITHMETIC: dict[str, Callable[..., float]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.power, "mod": np.mod, "floordiv": np.floor_divide, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
    "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
    "select": lambda condition, yes, no: yes if condition else no,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "clip": np.clip,
    "exprel": lambda x: np.float64(1.0) if x == 0 else np.expm1(x) / x,
    "inverse_exprel": lambda x: np.float64(1.0) if x == 0 else x / np.expm1(x),
}  # fmt: skip


class Magnitudes:
    """The values of expressions that do not change during a run.

    Parameters
    ----------
    params : mapping
        The parameters' values.
    loads : callable, optional
        The value of a shared variable, by its name in the kernel.
    """

    def __init__(
        self, params: Mapping[str, float], loads: Callable[[str], float] | None = None
    ) -> None:
        self._params = params
        self._loads = loads
        self._values: dict[int, np.float64] = {}
        self._awkward: dict[int, bool] = {}

    def of(self, node: Expr) -> float:
        """The value of an expression."""
        self._evaluate(node)
        return float(self._values[node.serial])

    def awkward(self, node: Expr) -> bool:
        """Whether a product or quotient in it, or the result in its type, is no normal number.

        Zeros, infinities and NaN that a constant has brought in are what they are in any order.
        """
        self._evaluate(node)
        return self._awkward[node.serial]

    def _evaluate(self, root: Expr) -> None:
        if root.serial in self._values:
            return
        with np.errstate(all="ignore"):
            for node in walk([root]):
                if node.serial not in self._values:
                    args = [self._values[arg.serial] for arg in node.args]
                    value = self._values[node.serial] = self._compute(node, args)
                    inner = any(self._awkward[arg.serial] for arg in node.args)
                    self._awkward[node.serial] = inner or not _harmless(node, args, value)

    def _compute(self, node: Expr, args: list[np.float64]) -> np.float64:
        match node.op:
            case "const":
                value: float = node.attr
            case "param":
                value = self._params[node.attr]
            case "load" if self._loads is not None:
                value = self._loads(node.attr)
            case "cast" if node.dtype == FLOAT32:
                value = float(np.float32(args[0]))
            case "cast" if node.dtype == BOOL:
                value = args[0] != 0
            case "cast" if is_integer(node.dtype):
                # C's conversion: towards zero; of what the type does not hold, anything
                limits = np.iinfo(node.dtype)
                fits = limits.min <= args[0] <= limits.max
                value = math.trunc(args[0]) if fits else math.nan
            case "cast":
                value = args[0]
            case "call":
                name = str(node.attr)
                value = (_FUNCTIONS.get(name) or getattr(np, name))(*args)
            case op if op in _ARITHMETIC:
                value = _ARITHMETIC[op](*args)
            case _:  # a user's function
                value = math.nan
        return np.float64(value)


def _harmless(node: Expr, args: list[np.float64], value: np.float64) -> bool:
    if node.op == "user":
        return False
    if node.op in ("add", "sub"):
        return bool(np.isfinite(value) or not np.isfinite(args).all())
    if node.op == "cast" and node.dtype == FLOAT32:
        limits = np.finfo(np.float32)
        exact = args[0] == 0 or not np.isfinite(args[0])
        return bool(exact or limits.tiny <= abs(value) <= limits.max)
    if node.op == "cast" and is_integer(node.dtype):
        return bool(np.isfinite(value))
    if node.op not in ("mul", "div"):
        return True
    if value == 0:
        return bool(args[0] == 0 or (np.isinf(args[1]) if node.op == "div" else args[1] == 0))
    if not np.isfinite(value):
        by_zero = node.op == "div" and args[1] == 0
        return bool(by_zero or not np.isfinite(args).all())
    return bool(abs(value) >= np.finfo(np.float64).tiny)


def awkward(kernel: Kernel, magnitudes: Magnitudes) -> bool:
    """Whether something that has been collected in a kernel is no normal number."""
    return any(magnitudes.awkward(node) for node in kernel.collected)
