"""Rewrite expressions into cheaper ones of the same value (up to rounding).

What it does, node by node from the leaves: folds constants, removes neutral
elements, turns integer powers into products, ``exp(a)**b`` into ``exp(a*b)``,
divisions by ``exp`` and ``exprel`` into products, and regroups sums and products so that what
does not change during a time step (or a run) is collected in one factor that is
computed once.
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
from .rates import ELEMENT_RATE, Rates

_FOLDABLE_CALLS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "log": math.log, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
    "expm1": math.expm1, "log1p": math.log1p, "abs": abs,
}  # fmt: skip

#: Functions of whose arguments the last digit can be dropped. Others may be steps, as `floor` is:
#: they are given what Brian gives them.
_SMOOTH = frozenset({"cosh", "exp", "expm1", "exprel", "inverse_exprel", "sinh", "tanh"})

#: How far down a sum or a product is taken apart. What lies deeper has been regrouped before.
_DEEPEST = 24

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
    kernel.rewrite(_Local().rule)
    kernel.rewrite(_Regroup(kernel).rule)


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
        return ex.cast(args[0], old.dtype)

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
        if right.op == "call" and right.attr == "exp":
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
        if base.op == "call" and base.attr == "exp":
            return _exp(ex.binary("mul", base.args[0], ex.cast(exponent, base.dtype)))
        if exponent.op != "const":
            return None
        power = exponent.attr
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
        # whole numbers of steps compare the same before they become integers
        inner = [arg.args[0] if arg.op == "cast" else None for arg in args]
        if all(
            arg.dtype == INT64
            and value is not None
            and value.op == "call"
            and value.attr == "trunc"
            for arg, value in zip(args, inner, strict=True)
        ):
            return ex.make(old.op, [value for value in inner if value is not None], dtype=BOOL)
        return None

    rule_lt = rule_le = rule_gt = rule_ge = rule_eq = rule_ne = _compare


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


class _Regroup:
    """Collect the constant part of sums and products of floats.

    A sum ``a + x - b + y`` with `a` and `b` constant during a step becomes
    ``(a - b) + x + y``; likewise products and quotients, with one division at
    most.  Only chains whose inner nodes have no other use are taken apart.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.rates = Rates(kernel)
        self.local = _Local()
        self.uses = kernel.uses()

    def rule(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        new = self.local.rule(old, args)
        if is_float(new.dtype) and self.rates.of(new) == ELEMENT_RATE:
            # Inner nodes of a chain are regrouped too, on the way up: their grouped
            # form is a chain again, and flattening it loses nothing.
            if new.op in ("add", "sub"):
                new = self._sum(new)
            elif new.op in ("mul", "div", "neg"):
                new = self._product(new)
            elif new.op == "call" and new.attr in _SMOOTH:
                new = ex.call(new.attr, [self._argument(arg) for arg in new.args], new.dtype)
        self.uses[new.serial] = max(self.uses[new.serial], self.uses[old.serial])
        return new

    def _sum(self, node: Expr) -> Expr:
        terms: list[tuple[bool, Expr]] = []

        def flatten(term: Expr, negative: bool, depth: int) -> None:
            if term.op in ("add", "sub") and depth < _DEEPEST and self._may_open(term, node):
                flatten(term.args[0], negative, depth + 1)
                flatten(term.args[1], negative != (term.op == "sub"), depth + 1)
            elif term.op == "neg":
                flatten(term.args[0], not negative, depth + 1)
            else:
                terms.append((negative, term))

        flatten(node, False, 0)
        groups: dict[int, list[tuple[bool, Expr]]] = {}
        for negative, term in terms:
            groups.setdefault(self.rates.of(term), []).append((negative, term))
        parts = [self._add_up(groups[rate], node.dtype) for rate in sorted(groups)]
        return self._add_up(parts, node.dtype, last=True)[1]

    def _add_up(
        self, terms: list[tuple[bool, Expr]], dtype: str, last: bool = False
    ) -> tuple[bool, Expr]:
        """Add signed terms; the sign of the result is returned unless `last`."""
        negative, total = terms[0]
        for sign, term in terms[1:]:
            if sign == negative:
                total = ex.make("add", (total, term), dtype=dtype)
            elif negative:
                negative, total = False, ex.make("sub", (term, total), dtype=dtype)
            else:
                total = ex.make("sub", (total, term), dtype=dtype)
        if last and negative:
            return False, _neg(total)
        return negative, total

    def _may_open(self, inner: Expr, node: Expr) -> bool:
        if inner is node or self.uses[inner.serial] <= 1:
            return True
        # a scaled value: opening it repeats one product that may then vanish
        return inner.op == "mul" and self.rates.of(inner.args[0]) != ELEMENT_RATE

    def _product(self, node: Expr) -> Expr:
        above: list[Expr] = []
        below: list[Expr] = []
        negative = False

        def flatten(factor: Expr, inverse: bool, depth: int) -> None:
            nonlocal negative
            opens = factor.op in ("mul", "div") and depth < _DEEPEST
            if opens and self._may_open(factor, node):
                flatten(factor.args[0], inverse, depth + 1)
                flatten(factor.args[1], inverse != (factor.op == "div"), depth + 1)
            elif factor.op == "neg":
                negative = not negative
                flatten(factor.args[0], inverse, depth + 1)
            elif inverse and factor.op == "call" and factor.attr == "exp":
                inverted = self._argument(self._product(_neg(factor.args[0])))
                above.append(_exp(inverted))
            elif inverse and factor.op == "call" and factor.attr == "exprel":
                above.append(ex.call("inverse_exprel", factor.args, factor.dtype))
            else:
                (below if inverse else above).append(factor)

        flatten(node, False, 0)
        result: Expr | None = None
        divisor: Expr | None = None
        for rate in sorted({self.rates.of(factor) for factor in above + below}):
            top = _times([f for f in above if self.rates.of(f) == rate])
            bottom = _times([f for f in below if self.rates.of(f) == rate])
            for part in (top, bottom):
                if part is not None and _constant_factor(part) < 0:
                    negative = not negative
            top, bottom = _positive(top), _positive(bottom)
            if rate == ELEMENT_RATE:
                divisor = bottom
            elif bottom is not None:
                one = ex.const(1.0, node.dtype)
                top = ex.make("div", (one if top is None else top, bottom), dtype=node.dtype)
                folded = _fold(top, top.args)
                top = top if folded is None else folded
            if top is not None:
                result = top if result is None else ex.binary("mul", result, top)
        if result is None:
            result = ex.const(1.0, node.dtype)
        if divisor is not None:
            result = ex.make("div", (result, divisor), dtype=node.dtype)
        if result.op == "const" and result.attr < 0:
            result, negative = _neg(result), not negative
        # the sign stays outside: the sum above takes it, and products that
        # differ only in their sign are computed once
        return _neg(result) if negative else result

    def _argument(self, value: Expr) -> Expr:
        """A smooth function's argument: its sign and its number belong together.

        Numbers are rounded to 15 digits, so that ``-v/18`` and ``v*(1/18)``
        differ in nothing but their sign.
        """
        negative = value.op == "neg"
        product = value.args[0] if negative else value
        if product.op not in ("mul", "div") or self.rates.of(product.args[0]) == ELEMENT_RATE:
            return value
        first = product.args[0]
        if first.op == "const":
            first = ex.const(float(f"{first.attr:.15g}"), first.dtype)
        first = _neg(first) if negative else first
        return ex.make(product.op, (first, product.args[1]), dtype=product.dtype)


def _constant_factor(product: Expr) -> float:
    """The number that a product made by `_times` begins with."""
    factors = _factors(product)
    return float(factors[0].attr) if factors[0].op == "const" else 1.0


def _factors(product: Expr) -> list[Expr]:
    """What a product made by `_times` consists of, the number first if there is one."""
    later: list[Expr] = []
    while product.op == "mul" and len(later) < 2 * _DEEPEST:
        later.append(product.args[1])
        product = product.args[0]
    return [product, *reversed(later)]


def _positive(product: Expr | None) -> Expr | None:
    """A product made by `_times` without the sign of its number."""
    if product is None or _constant_factor(product) >= 0:
        return product
    number, *others = _factors(product)
    result = ex.const(-number.attr, number.dtype)
    for factor in others:
        is_one = _is_const(result, 1)
        result = factor if is_one else ex.make("mul", (result, factor), dtype=product.dtype)
    return result


def _times(factors: list[Expr]) -> Expr | None:
    """The product of `factors` in a canonical order, constants folded."""
    if not factors:
        return None
    constant = 1.0
    others = []
    for factor in factors:
        if factor.op == "const":
            constant *= factor.attr
        else:
            others.append(factor)
    others.sort(key=lambda factor: factor.serial)
    if constant != 1.0 or not others:
        others.insert(0, ex.const(constant, factors[0].dtype))
    result = others[0]
    for factor in others[1:]:
        result = ex.make("mul", (result, factor), dtype=result.dtype)
    return result
