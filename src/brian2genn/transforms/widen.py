"""Compute in double precision what a kernel in single precision computes for all elements at once.

As in Brian, where numbers of the script are doubles (Python's) until they meet a variable: what is
made of them, such as the product of a charge and an area, may be far below the smallest single
float. It costs nothing, as it is computed once.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import expr as ex
from ..model.dtypes import FLOAT32, FLOAT64, is_float
from ..model.expr import Expr
from ..model.kernel import Kernel
from .rates import RUN_RATE, Rates

#: What has the type that it has, whatever its operands are.
_FIXED = frozenset(("random", "user", "table", "load", "given"))


def wide(value: Expr) -> Expr:
    """A value in double precision, before it was rounded if it was."""
    if value.op == "cast" and value.dtype == FLOAT32 and is_float(value.args[0].dtype):
        value = value.args[0]
    if value.op in ("const", "param"):
        return ex.make(value.op, attr=value.attr, dtype=FLOAT64)
    return ex.cast(value, FLOAT64)


def widen_constants(kernel: Kernel) -> None:
    """Compute what does not change during a run as doubles; only the results are rounded."""
    rates = Rates(kernel)

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if args and old.op not in _FIXED and rates.of(old) <= RUN_RATE:
            if old.dtype == FLOAT32:
                return ex.cast(_operation(old, args), FLOAT32)
            if old.op == "cast" or any(arg.dtype == FLOAT32 for arg in args):
                return _operation(old, args)
        return ex.make(old.op, args, old.attr, old.dtype)

    kernel.rewrite(rule)


def _operation(old: Expr, args: tuple[Expr, ...]) -> Expr:
    """The same operation on doubles."""
    args = tuple(wide(arg) if arg.dtype == FLOAT32 else arg for arg in args)
    dtype = FLOAT64 if old.dtype == FLOAT32 else old.dtype
    if old.op == "cast":
        return ex.cast(args[0], dtype)
    return ex.make(old.op, args, old.attr, dtype)


def widen(kernel: Kernel) -> None:
    """Compute everything as doubles; only what is stored or put out is rounded."""

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op in _FIXED:
            args = tuple(
                ex.cast(arg, before.dtype) for arg, before in zip(args, old.args, strict=True)
            )
            node = ex.make(old.op, args, old.attr, old.dtype)
            return ex.cast(node, FLOAT64) if old.dtype == FLOAT32 else node
        if not args:
            return wide(old) if old.dtype == FLOAT32 else old
        return _operation(old, args)

    new = ex.rebuild(kernel.roots(), rule)

    def rounded(old: Expr) -> Expr:
        return ex.cast(new[old.serial], old.dtype)

    kernel.shared_stores = [replace(s, value=rounded(s.value)) for s in kernel.shared_stores]
    kernel.stores = [replace(s, value=rounded(s.value)) for s in kernel.stores]
    kernel.outputs = {name: rounded(value) for name, value in kernel.outputs.items()}
