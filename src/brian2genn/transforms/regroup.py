"""Collect what is constant during a run in sums and products of floats.

A sum ``a + x - b + y`` becomes ``(a - b) + x + y``. A product ``a*x/b`` becomes ``(a/b)*x``:
constants that are applied one after the other to one value. Nothing is lost but intermediate
values. Past another factor (``(a*x)*y/b``) only literals of a usual size are moved, because ``x*y``
may be too large or too small for the type where ``a*x*y`` is not.

All that is collected must be a normal number, and all that is computed on the way: a product that
vanishes is not undone by the next factor. Of literals that is seen here. Of the numbers of a run,
which are no part of a program, it is seen when they are known: `Kernel.collected` lists what has
to be looked at, and with `Kernel.careful` they are left where they are written (`magnitudes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..model import expr as ex
from ..model.dtypes import FLOAT32, FLOAT64, is_float
from ..model.expr import Expr
from ..model.kernel import Kernel
from .magnitudes import Magnitudes
from .rates import CONST_RATE, ELEMENT_RATE, RUN_RATE, Rates
from .widen import wide

#: Functions of whose arguments the last digit can be dropped. Others may be steps, as `floor` is:
#: they are given what Brian gives them.
_SMOOTH = frozenset({"cosh", "exp", "expm1", "exprel", "inverse_exprel", "sinh", "tanh"})

#: How far down a sum or a product is taken apart. What lies deeper has been regrouped before.
_DEEPEST = 24

#: The binary order of magnitude up to which a literal moves past other factors. What is left to
#: these is 1e-300 to 1e300, in single precision 1e-35 to 1e35.
_MOVABLE = {"float64": 24.0, "float32": 11.0}


@dataclass
class _Scaled:
    """A value as ``± above/below * body``, or ``± above/below / body``."""

    negative: bool
    above: list[Expr]
    below: list[Expr]
    body: Expr | None
    inverse: bool = False

    @property
    def constants(self) -> list[Expr]:
        return [*self.above, *self.below]

    def literals(self) -> list[Expr]:
        """Those of the constants that are part of the program."""
        return [constant for constant in self.constants if constant.op == "const"]

    def give_literals(self, other: _Scaled, inverted: bool = False) -> None:
        """Let another factor have them."""
        for own, others in (("above", "below" if inverted else "above"),
                            ("below", "above" if inverted else "below")):  # fmt: skip
            given = [factor for factor in getattr(self, own) if factor.op == "const"]
            setattr(self, own, [f for f in getattr(self, own) if f.op != "const"])
            getattr(other, others).extend(given)


class Regroup:
    """The rules for one kernel.

    Parameters
    ----------
    kernel : Kernel
        Only chains whose inner nodes have no other use are taken apart.

    Attributes
    ----------
    collected : list of Expr
        Values of the run that have been made: they must be normal numbers.
    failed : bool
        Whether a literal is no normal number of the kernel's single precision.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.rates = Rates(kernel)
        self.uses = kernel.uses()
        self.careful = kernel.careful
        self.collected: list[Expr] = []
        self.failed = False
        self._literals = Magnitudes({})

    def apply(self, old: Expr, new: Expr) -> Expr:
        """What `old` becomes, of which `new` has been made already."""
        if is_float(new.dtype) and self.rates.of(new) == ELEMENT_RATE:
            # Inner nodes of a chain are regrouped too, on the way up: their grouped
            # form is a chain again, and flattening it loses nothing.
            if new.op in ("add", "sub"):
                new = self.sum(new)
            elif new.op in ("mul", "div", "neg"):
                new = self.product(new)
            elif new.op == "call" and new.attr in _SMOOTH:
                new = ex.call(new.attr, [self.argument(arg) for arg in new.args], new.dtype)
        self.uses[new.serial] = max(self.uses[new.serial], self.uses[old.serial])
        return new

    # -- sums ----------------------------------------------------------------
    def sum(self, node: Expr) -> Expr:
        """Constant terms first, added up."""
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
        terms.sort(key=lambda term: self.rates.of(term[1]))
        constant = [(sign, term) for sign, term in terms if self.rates.of(term) <= RUN_RATE]
        parts = []
        if constant:
            negative, total = self._constant_sum(constant, node.dtype)
            if total is None:
                return node
            parts.append((negative, total))
        for rate in range(RUN_RATE + 1, ELEMENT_RATE + 1):
            group = [(sign, term) for sign, term in terms if self.rates.of(term) == rate]
            if group:
                parts.append(_add_up(group, node.dtype))
        negative, total = _add_up(parts, node.dtype)
        return _neg(total) if negative else total

    def _constant_sum(self, terms: list[tuple[bool, Expr]], dtype: str) -> tuple[bool, Expr | None]:
        if len(terms) == 1:
            return terms[0]
        by_rate = [
            [(sign, wide(term) if dtype == FLOAT32 else term) for sign, term in terms
             if self.rates.of(term) == rate]
            for rate in (CONST_RATE, RUN_RATE)
        ]  # fmt: skip
        parts = [_add_up(group, FLOAT64) for group in by_rate if group]
        negative, total = _add_up(parts, FLOAT64)
        return negative, self._constant(total, dtype)

    def _constant(self, value: Expr, dtype: str) -> Expr | None:
        """A collected value in its type; None if it must not be collected."""
        result = ex.cast(value, dtype)
        if self.rates.of(value) == CONST_RATE:
            if self._literals.awkward(result):
                self.failed |= dtype == FLOAT32
                return None
            number = self._literals.of(value)
            return ex.const(number, dtype)
        if self.careful:
            return None
        if value.op != "param":
            self.collected.append(result)
        return result

    def _may_open(self, inner: Expr, node: Expr) -> bool:
        if inner is node or self.uses[inner.serial] <= 1:
            return True
        # a scaled value: opening it repeats one product that may then vanish
        return inner.op == "mul" and self.rates.of(inner.args[0]) <= RUN_RATE

    # -- products ------------------------------------------------------------
    def product(self, node: Expr) -> Expr:
        """Constants that are applied to one value become one factor."""
        parts = [self._scaled(arg) for arg in node.args]
        if node.op == "neg":
            (whole,) = parts
            whole.negative = not whole.negative
        elif node.op == "mul":
            whole = self._multiplied(node, *parts)
        else:
            whole = self._divided(node, *parts)
        result = self._emit(whole, node.dtype)
        if result is None:  # as it is written, constants first
            backwards = node.op == "mul" and self.rates.of(node.args[1]) <= RUN_RATE
            return ex.make("mul", node.args[::-1], dtype=node.dtype) if backwards else node
        # the sign stays outside: the sum above takes it, and products that
        # differ only in their sign are computed once
        return _neg(result) if whole.negative else result

    def _scaled(self, value: Expr) -> _Scaled:
        """A factor taken apart: one that is constant, or that has been regrouped before."""
        if self.rates.of(value) <= RUN_RATE:
            return self._factors(value)
        if value.op == "neg":
            inner = self._scaled(value.args[0])
            inner.negative = not inner.negative
            return inner
        if value.op in ("mul", "div") and self._was_refused(value.args[1]):
            return _Scaled(False, [], [], value)
        if value.op == "mul" and self.rates.of(value.args[0]) <= RUN_RATE:
            return self._factors(value.args[0], value.args[1])
        if value.op == "div" and self.uses[value.serial] <= 1:
            dividend, divisor = value.args
            if self.rates.of(dividend) <= RUN_RATE:
                return self._factors(dividend, divisor, inverse=True)
            if dividend.op == "mul" and _movable([dividend.args[0]], value.dtype):
                body = ex.make("div", (dividend.args[1], divisor), dtype=value.dtype)
                return self._factors(dividend.args[0], body)
        return _Scaled(False, [], [], value)

    def _was_refused(self, body: Expr) -> bool:
        """Whether a value has a factor that was not collected with the one before it.

        What vanishes there, or overflows, is not undone by the next factor either.
        """
        return body.op == "mul" and self.rates.of(body.args[0]) <= RUN_RATE

    def _factors(self, value: Expr, body: Expr | None = None, inverse: bool = False) -> _Scaled:
        """A constant as factors above and below the line, and what it is a factor of."""
        result = _Scaled(False, [], [], body, inverse)

        def flatten(factor: Expr, below: bool, depth: int = 0) -> None:
            factor = wide(factor) if factor.dtype == FLOAT32 else factor
            if factor.op in ("mul", "div") and depth < _DEEPEST:
                flatten(factor.args[0], below, depth + 1)
                flatten(factor.args[1], below != (factor.op == "div"), depth + 1)
            elif factor.op == "neg" or (factor.op == "const" and factor.attr < 0):
                result.negative = not result.negative
                flatten(_neg(factor), below, depth)
            elif not (factor.op == "const" and factor.attr == 1):
                (result.below if below else result.above).append(factor)

        flatten(value, False)
        return result

    def _multiplied(self, node: Expr, left: _Scaled, right: _Scaled) -> _Scaled:
        negative = left.negative != right.negative
        if left.body is None or right.body is None:
            value = left if right.body is None else right
            above, below = left.above + right.above, left.below + right.below
            return _Scaled(negative, above, below, value.body, value.inverse)
        moved = _Scaled(negative, [], [], None)
        if _movable([*left.literals(), *right.literals()], node.dtype):
            left.give_literals(moved)
            right.give_literals(moved)
            for taker in (left, right):
                if taker.constants:
                    moved.give_literals(taker)
                    break
        factors = [self._emit(part, node.dtype) for part in (left, right)]
        if factors[0] is None or factors[1] is None:
            return _Scaled(False, [], [], node)
        moved.body = _quotient_or_product(factors[0], factors[1])
        return moved

    def _divided(self, node: Expr, left: _Scaled, right: _Scaled) -> _Scaled:
        negative = left.negative != right.negative
        if left.body is None or right.body is None:
            above, below = left.above + right.below, left.below + right.above
            if right.body is None:
                return _Scaled(negative, above, below, left.body, left.inverse)
            return _Scaled(negative, above, below, right.body, not right.inverse)
        if _movable(right.literals(), node.dtype):
            right.give_literals(left, inverted=True)
        moved = _Scaled(negative, [], [], None)
        if left.constants == left.literals() and _movable(left.literals(), node.dtype):
            left.give_literals(moved)
        dividend, divisor = (self._emit(part, node.dtype) for part in (left, right))
        if dividend is None or divisor is None:
            return _Scaled(False, [], [], node)
        inverted = self._inverted(divisor, dividend)
        if inverted is not None:
            moved.body = _quotient_or_product(dividend, inverted)
        elif _is_reciprocal(divisor):
            moved.body = _quotient_or_product(dividend, divisor.args[1])
        else:
            moved.body = ex.make("div", (dividend, divisor), dtype=node.dtype)
        return moved

    def _emit(self, scaled: _Scaled, dtype: str) -> Expr | None:
        """The expression without its sign; None if its constants must not be collected."""
        body, inverse = scaled.body, scaled.inverse
        assert body is not None
        constant: Expr | None = ex.const(1.0, dtype)
        if scaled.constants:
            constant = self._factor(scaled.above, scaled.below, dtype)
        if constant is None:
            return None
        if inverse:
            inverted = self._inverted(body, constant)
            if inverted is None and body.op == "mul" and _movable([constant], dtype):
                # literal/(x*exprel(y)) is literal*inverse_exprel(y)/x
                for other, factor in (body.args, body.args[::-1]):
                    function = self._inverted(factor, other)
                    if function is not None:
                        inverted = ex.make("div", (function, other), dtype=dtype)
                        break
            if inverted is None:
                return ex.make("div", (constant, body), dtype=dtype)
            body = inverted
        if constant.op == "const" and constant.attr == 1:
            return body
        if body.op == "div" and _movable([constant], dtype):
            dividend = self._scaled(body.args[0])
            dividend.above.append(wide(constant))
            top = self._emit(dividend, dtype)
            if top is not None and not dividend.negative:
                return ex.make("div", (top, body.args[1]), dtype=dtype)
        return ex.make("mul", (constant, body), dtype=dtype)

    def _factor(self, above: list[Expr], below: list[Expr], dtype: str) -> Expr | None:
        """Constants as one number, the product of their literals, times what is known later."""
        literal, later = (
            [[factor for factor in factors if (factor.op == "const") is kind]
             for factors in (above, below)]
            for kind in (True, False)
        )  # fmt: skip
        number: Expr | None = None
        if any(literal):
            number = self._constant(_quotient(*literal), dtype if not any(later) else FLOAT64)
            if number is None or not any(later):
                return number
        value = _quotient(*later)
        if number is not None and number.attr != 1:
            value = ex.make("mul", (number, value))
        return self._constant(value, dtype)

    def _inverted(self, value: Expr, dividend: Expr) -> Expr | None:
        """``1/value`` where that is a function, too, and may take its place below a dividend."""
        if value.op == "call" and value.attr == "exp" and overflows_with_inverse(dividend):
            return ex.call("exp", [self.argument(_neg(value.args[0]))], value.dtype)
        if value.op == "call" and value.attr == "exprel":
            return ex.call("inverse_exprel", value.args, value.dtype)
        return None

    def argument(self, value: Expr) -> Expr:
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


def _neg(value: Expr) -> Expr:
    if value.op == "const":
        return ex.const(-value.attr, value.dtype)
    if value.op == "cast" and value.dtype == FLOAT32 and is_float(value.args[0].dtype):
        return ex.cast(_neg(value.args[0]), FLOAT32)
    return value.args[0] if value.op == "neg" else ex.make("neg", (value,), dtype=value.dtype)


def _add_up(terms: list[tuple[bool, Expr]], dtype: str) -> tuple[bool, Expr]:
    """Add signed terms; return the sign of the result and its value without it."""
    negative, total = terms[0]
    for sign, term in terms[1:]:
        if sign == negative:
            total = ex.make("add", (total, term), dtype=dtype)
        elif negative:
            negative, total = False, ex.make("sub", (term, total), dtype=dtype)
        else:
            total = ex.make("sub", (total, term), dtype=dtype)
    return negative, total


def _quotient_or_product(left: Expr, right: Expr) -> Expr:
    """The product of two values; ``x*(1/y)`` is ``x/y``."""
    for value, other in ((left, right), (right, left)):
        if _is_reciprocal(other):
            return ex.make("div", (value, other.args[1]), dtype=left.dtype)
    return ex.make("mul", ex.in_order((left, right)), dtype=left.dtype)


def _is_reciprocal(value: Expr) -> bool:
    return value.op == "div" and value.args[0].op == "const" and value.args[0].attr == 1


def _movable(literals: list[Expr], dtype: str) -> bool:
    """Whether all of these are literals, and usual enough to be moved past other factors."""
    total = 0.0
    for literal in literals:
        if literal.op != "const" or literal.attr == 0 or not math.isfinite(literal.attr):
            return False
        total += abs(math.log2(abs(literal.attr)))
    return total <= _MOVABLE[dtype]


def overflows_with_inverse(dividend: Expr) -> bool:
    """Whether a dividend over a number is infinite wherever one over that number is.

    Then an exponential below may be one of the other sign above. What is smaller than 1, or of
    which nothing is known, may be finite over an exponential that is nearly zero.
    """
    return dividend.op == "const" and abs(dividend.attr) >= 1


def _quotient(above: list[Expr], below: list[Expr]) -> Expr:
    """``above/below`` in an order that is always the same, with one division at most."""
    if not below:
        return _product_of(above)
    top = _product_of(above) if above else ex.const(1.0)
    return ex.make("div", (top, _product_of(below)))


def _product_of(factors: list[Expr]) -> Expr:
    result, *rest = ex.in_order(factors)
    for factor in rest:
        result = ex.make("mul", (result, factor))
    return result
