"""Rewrite expressions into cheaper ones of the same value (up to rounding).

What it does, node by node from the leaves: folds constants, removes neutral
elements, turns integer powers into products, ``exp(a)**b`` into ``exp(a*b)``, and
divisions by ``exp`` into products. Then `regroup` collects what does not change during
a run, so that it is computed once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..model import expr as ex
from ..model.dtypes import BOOL, INT64, is_float, is_integer
from ..model.expr import Expr
from ..model.kernel import Kernel
from ..model.mishap import working_on
from ..model.network import Network
from .regroup import Regroup, overflows_with_inverse
from .widen import widen, widen_constants

_FOLDABLE_CALLS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
    "expm1": math.expm1, "log1p": math.log1p, "abs": abs,
}  # fmt: skip

#: Largest integer exponent that becomes a chain of products.
_LARGEST_POWER = 16


def simplify(network: Network) -> None:
    """Simplify every kernel of `network` in place."""
    for step in network.steps:
        with working_on(step):
            for kernel in step.kernels():
                simplify_kernel(kernel)


def simplify_kernel(kernel: Kernel) -> None:
    """Simplify the expressions of one kernel in place."""
    if kernel.careful:
        widen(kernel)
    local = _Local()
    widen_constants(kernel)
    kernel.rewrite(local.rule)
    written = kernel.shared_stores, kernel.stores, kernel.outputs
    regroup = _regroup(kernel, local)
    if regroup.failed:
        # double precision has the literal that single precision has not
        kernel.shared_stores, kernel.stores, kernel.outputs = written
        widen(kernel)
        regroup = _regroup(kernel, local)
    used = {node.serial for node in ex.walk(kernel.roots())}
    kernel.collected = [node for node in regroup.collected if node.serial in used]


def _regroup(kernel: Kernel, local: _Local) -> Regroup:
    regroup = Regroup(kernel)
    kernel.rewrite(lambda old, args: regroup.apply(old, local.rule(old, args)))
    return regroup


def _is_const(node: Expr, value: float) -> bool:
    return node.op == "const" and node.dtype != BOOL and node.attr == value


class _Local:
    """Rules that look at one node and its operands."""

    def rule(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        folded = _fold(old, args)
        if folded is not None:
            return folded
        method = getattr(self, f"rule_{old.op}", None)
        if method is not None:
            result: Expr | None = method(old, args)
            if result is not None:
                return result
        return ex.make(old.op, args, old.attr, old.dtype)

    def rule_cast(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        value = args[0]
        if not is_float(old.dtype):
            return ex.cast(value, old.dtype)
        # int(condition) as a factor: processors select a number sooner than they convert one
        if value.op == "select" and all(arg.op == "const" for arg in value.args[1:]):
            return ex.select(value.args[0], *(ex.cast(arg, old.dtype) for arg in value.args[1:]))
        truth = value
        while truth.op == "cast" and is_integer(truth.dtype):
            truth = truth.args[0]
        if truth.dtype == BOOL:
            return ex.select(truth, ex.const(1.0, old.dtype), ex.const(0.0, old.dtype))
        return ex.cast(value, old.dtype)

    def rule_add(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        left, right = args
        if _is_const(left, 0):
            return right
        return left if _is_const(right, 0) else None

    def rule_sub(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        return args[0] if _is_const(args[1], 0) else None

    def rule_mul(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        left, right = args
        if _is_const(left, 1):
            return right
        return left if _is_const(right, 1) else None

    def rule_div(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        left, right = args
        if _is_const(right, 1):
            return left
        if right.op == "call" and right.attr == "exp" and overflows_with_inverse(left):
            return ex.make("mul", (left, _exp(_neg(right.args[0]))), dtype=old.dtype)
        return None

    def rule_neg(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        return args[0].args[0] if args[0].op == "neg" else None

    def rule_not(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        return args[0].args[0] if args[0].op == "not" else None

    def rule_select(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        return ex.select(*args)

    def rule_pow(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        base, exponent = args
        if exponent.op != "const":
            return None
        power = exponent.attr
        if not math.isfinite(power):
            return None
        if base.op == "call" and base.attr == "exp" and power != 0:
            return _exp(ex.binary("mul", base.args[0], ex.cast(exponent, base.dtype)))
        if power == 0.5 and is_float(base.dtype):
            return ex.call("sqrt", [base], base.dtype)
        if power != int(power) or abs(power) > _LARGEST_POWER:
            return None
        if power < 0:
            if not is_float(base.dtype):
                return None
            one = ex.const(1.0, base.dtype)
            return ex.make("div", (one, _power(base, int(-power))), dtype=base.dtype)
        return _power(base, int(power))

    def _compare(self, old: Expr, args: tuple[Expr, ...]) -> Expr | None:
        # whole numbers of steps compare the same before they become integers, if those that do not
        # fit (an infinite refractory period) are what they would become
        inner = [arg.args[0] if arg.op == "cast" else None for arg in args]
        if all(
            arg.dtype == INT64
            and value is not None
            and value.op == "call"
            and value.attr == "trunc"
            for arg, value in zip(args, inner, strict=True)
        ):
            fitting = [_as_int64(value) for value in inner if value is not None]
            return ex.make(old.op, fitting, dtype=BOOL)
        return None

    rule_lt = rule_le = rule_gt = rule_ge = rule_eq = rule_ne = _compare


def _as_int64(value: Expr) -> Expr:
    """A whole number as it is once it was a 64-bit integer: what does not fit is the smallest."""
    fits = ex.compare("lt", ex.call("abs", [value], value.dtype), ex.const(2.0**63, value.dtype))
    return ex.select(fits, value, ex.const(-(2.0**63), value.dtype))


def _exp(argument: Expr) -> Expr:
    return ex.call("exp", [argument], argument.dtype)


def _neg(value: Expr) -> Expr:
    if value.op == "const":
        return ex.const(-value.attr, value.dtype)
    return value.args[0] if value.op == "neg" else ex.make("neg", (value,), dtype=value.dtype)


def _power(base: Expr, exponent: int) -> Expr:
    """``base**exponent`` by repeated squaring."""
    if exponent == 0:
        return ex.const(1, base.dtype)
    result: Expr | None = None
    square = base
    while exponent:
        if exponent & 1:
            result = square if result is None else ex.binary("mul", result, square)
        exponent >>= 1
        if exponent:
            square = ex.binary("mul", square, square)
    assert result is not None
    return result


def _fold(old: Expr, args: tuple[Expr, ...]) -> Expr | None:
    """The value of an operation on constants, if that can be known now."""
    if not args or any(arg.op != "const" for arg in args) or old.dtype == BOOL:
        return None
    values = [arg.attr for arg in args]
    try:
        match old.op:
            case "add":
                value = values[0] + values[1]
            case "sub":
                value = values[0] - values[1]
            case "mul":
                value = values[0] * values[1]
            case "div":
                value = values[0] / values[1]
            case "neg":
                value = -values[0]
            case "pow":
                value = values[0] ** values[1]
            case "call" if old.attr in _FOLDABLE_CALLS:
                value = _FOLDABLE_CALLS[old.attr](values[0])
            case _:
                return None
    except (ArithmeticError, ValueError):
        return None  # the running program gives what C gives: an infinity or NaN
    if isinstance(value, complex) or (is_integer(old.dtype) and abs(value) >= 2**31):
        return None
    return ex.const(value, old.dtype)
