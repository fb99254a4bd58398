"""Bounds of what a kernel computes, where all is known of a value is between which two it lies.

The bounds are expressions of the model themselves, of whole numbers in 64 bits, so that they can be
computed where the kernel is. They hold for what the processor computes, not for what mathematics
would: whole numbers that might wrap around have all numbers of their type for bounds, and floating
point operations that are rounded correctly never turn an order around. A bound of floating point
that is NaN says nothing; a value that is NaN lies between any bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial, reduce

from ..model import expr as ex
from ..model.dtypes import BOOL, INT32, INT64, is_float
from ..model.expr import Expr
from ..model.kernel import Kernel


@dataclass(frozen=True)
class Range:
    """The lowest and the highest number that a value can be."""

    low: Expr
    high: Expr


@dataclass(frozen=True)
class Truth:
    """Whether something can hold, and whether it can fail to."""

    may: Expr
    may_not: Expr


TRUE, FALSE = ex.const(True), ex.const(False)
_ANYTHING = Truth(TRUE, TRUE)

#: The highest numbers that 32 bits hold; that two products, and two sums, are in 64 bits.
_LARGEST_32, _FACTOR, _SUMMAND = 2**31 - 1, 2**31, 2**62

#: Functions whose results are never in another order than their arguments.
_MONOTONE = ("ceil", "floor", "trunc")


class Intervals:
    """The bounds of a kernel's expressions.

    Parameters
    ----------
    kernel : Kernel
    ranges : mapping of str to Range
        Of given values that are not one number each, in 64 bits.
    numbers : collection of str
        Arrays that hold the numbers of their elements.
    """

    def __init__(
        self, kernel: Kernel, ranges: Mapping[str, Range], numbers: Collection[str] = ()
    ) -> None:
        self._kernel, self._ranges, self._numbers = kernel, ranges, numbers
        self._varies: dict[int, bool] = {}
        self._found: dict[int, Range | Truth | None] = {}

    def may_hold(self, condition: Expr) -> Expr:
        """Whether a condition can hold for any of the values; it does not if this is false."""
        for node in ex.walk([condition], lambda node: node.serial in self._found):
            self._varies[node.serial] = self._is_varying(node)
            self._found[node.serial] = self._bounds(node)
        return self._truth(condition).may

    # -- what is one number ----------------------------------------------------
    def _is_varying(self, node: Expr) -> bool:
        match node.op:
            case "random" | "user" | "table":
                return True
            case "given":
                return node.attr in self._ranges
            case "load":
                return self._reaches_a_range(node.attr)
        return any(self._varies[arg.serial] for arg in node.args)

    def _reaches_a_range(self, name: str) -> bool:
        """Whether a variable is looked up by a given value that is not one number."""
        index = self._kernel.accesses[name].index
        while index is not None and index not in self._kernel.given:
            if index not in self._kernel.accesses:
                return True  # the element itself
            index = self._kernel.accesses[index].index
        return index in self._ranges

    # -- bounds ----------------------------------------------------------------
    def _truth(self, node: Expr) -> Truth:
        found = self._found[node.serial]
        return found if isinstance(found, Truth) else _ANYTHING

    def _range(self, node: Expr) -> Range | None:
        found = self._found[node.serial]
        return found if isinstance(found, Range) else None

    def _bounds(self, node: Expr) -> Range | Truth | None:
        if node.dtype == BOOL:
            return self._truth_of(node)
        if not (is_float(node.dtype) or node.dtype in (INT32, INT64)):
            return None
        if not self._varies[node.serial]:
            value = node if is_float(node.dtype) else ex.cast(node, INT64)
            return Range(value, value)
        return self._range_of(node)

    def _truth_of(self, node: Expr) -> Truth:
        if not self._varies[node.serial]:
            return Truth(node, negation(node))
        parts = [self._truth(arg) for arg in node.args]
        match node.op:
            case "and":
                may, may_not = [one.may for one in parts], [one.may_not for one in parts]
                return Truth(conjunction(*may), disjunction(*may_not))
            case "or":
                may, may_not = [one.may for one in parts], [one.may_not for one in parts]
                return Truth(disjunction(*may), conjunction(*may_not))
            case "not":
                return Truth(parts[0].may_not, parts[0].may)
            case "select":
                yes, no = parts[1:]
                return Truth(disjunction(yes.may, no.may), disjunction(yes.may_not, no.may_not))
            case op if op in ex.COMPARISONS:
                left, right = (self._range(arg) for arg in node.args)
                if left is not None and right is not None:
                    return _compared(op, left, right)
        return _ANYTHING

    def _range_of(self, node: Expr) -> Range | None:
        match node.op:
            case "given":
                return self._ranges[node.attr]
            case "load":
                return self._number(node)
            case "random" if node.attr.kind == "rand":
                return Range(ex.const(0.0, node.dtype), ex.const(1.0, node.dtype))
            case "cast" if node.args[0].dtype == BOOL:
                truth, numbers = self._truth(node.args[0]), _in_bounds(node.dtype)
                zero, one = ex.const(0, numbers), ex.const(1, numbers)
                return Range(ex.select(truth.may_not, zero, one), ex.select(truth.may, one, zero))
        ranges = [self._range(arg) for arg in node.args]
        of_numbers = ranges[1:] if node.op == "select" else ranges
        if not of_numbers or any(one is None for one in of_numbers):
            return None
        of = [one for one in of_numbers if one is not None]
        match node.op:
            case "select":
                return _hull(of[0].low, of[1].low, of[0].high, of[1].high)
            case "cast":
                return _cast(of[0], node.args[0].dtype, node.dtype)
            case "add" | "sub" | "neg" | "mul":
                return _arithmetic(node.op, of, node.dtype)
            case "div" if is_float(node.dtype) and not self._varies[node.args[1].serial]:
                ends = [ex.binary("div", end, of[1].low) for end in (of[0].low, of[0].high)]
                return _hull(*ends, *ends)
            case "floordiv" | "mod" if not (
                is_float(node.dtype) or self._varies[node.args[1].serial]
            ):
                return _divided(node.op, of[0], of[1].low, node.dtype)
            case "call":
                return _function(node, of)
        return None

    def _number(self, node: Expr) -> Range | None:
        """The bounds of a variable: known where elements are looked up that hold their numbers."""
        access = self._kernel.accesses[node.attr]
        return self._ranges.get(str(access.index)) if access.array in self._numbers else None


# -- operations on bounds ----------------------------------------------------------
def conjunction(*conditions: Expr) -> Expr:
    """Whether all of some conditions hold."""
    return _joined("and", FALSE, TRUE, conditions)


def disjunction(*conditions: Expr) -> Expr:
    """Whether one of some conditions holds."""
    return _joined("or", TRUE, FALSE, conditions)


def negation(condition: Expr) -> Expr:
    """Whether a condition fails."""
    if condition.op == "const":
        return ex.const(not condition.attr)
    return condition.args[0] if condition.op == "not" else ex.logical("not", condition)


def _joined(op: str, decides: Expr, says_nothing: Expr, conditions: Collection[Expr]) -> Expr:
    if decides in conditions:
        return decides
    left = [one for one in dict.fromkeys(conditions) if one is not says_nothing]
    return reduce(partial(ex.logical, op), left) if left else says_nothing


def _in_bounds(dtype: str) -> str:
    """The type in which the bounds of a type are."""
    return dtype if is_float(dtype) else INT64


def _compared(op: str, left: Range, right: Range) -> Truth:
    if op in ("gt", "ge"):
        return _compared({"gt": "lt", "ge": "le"}[op], right, left)
    is_real = is_float(left.low.dtype)
    # what compares with NaN fails, as a comparison: so it is what must be false that is asked
    if op in ("lt", "le"):
        fails, is_sure = {"lt": ("ge", "lt"), "le": ("gt", "le")}[op]
        may = negation(ex.compare(fails, left.low, right.high))
        # one of the numbers may be NaN
        may_not = TRUE if is_real else negation(ex.compare(is_sure, left.high, right.low))
        return Truth(may, may_not)
    apart = disjunction(
        ex.compare("gt", left.low, right.high), ex.compare("gt", right.low, left.high)
    )
    equal = Truth(negation(apart), TRUE)
    return equal if op == "eq" else Truth(equal.may_not, equal.may)


def _extreme(op: str, one: Expr, other: Expr) -> Expr:
    """The lower (``le``) or the higher (``ge``) of two bounds; NaN if one is."""
    if one is other:
        return one
    if not is_float(one.dtype):
        return ex.select(ex.compare(op, one, other), one, other)
    incomparable = ex.binary("add", one, other)
    rest = ex.select(ex.compare(op, other, one), other, incomparable)
    return ex.select(ex.compare(op, one, other), one, rest)


_least: Callable[[Expr, Expr], Expr] = partial(_extreme, "le")
_greatest: Callable[[Expr, Expr], Expr] = partial(_extreme, "ge")


def _hull(low: Expr, other_low: Expr, high: Expr, other_high: Expr) -> Range:
    return Range(_least(low, other_low), _greatest(high, other_high))


def _all_of(dtype: str) -> Range:
    """All whole numbers of a type."""
    if dtype == INT32:
        return Range(ex.const(-_LARGEST_32 - 1, INT64), ex.const(_LARGEST_32, INT64))
    largest = ex.const(2**63 - 1, INT64)
    # the lowest one is not a number that C can write
    lowest = ex.binary("sub", ex.const(-(2**63) + 1, INT64), ex.const(1, INT64))
    return Range(lowest, largest)


def _if(condition: Expr, found: Range, otherwise: Range) -> Range:
    return Range(
        ex.select(condition, found.low, otherwise.low),
        ex.select(condition, found.high, otherwise.high),
    )


def _within(found: Range, dtype: str) -> Range:
    """Bounds of whole numbers, if none of them wraps around in 32 bits."""
    if dtype == INT64:
        return found
    every = _all_of(dtype)
    fits = conjunction(
        ex.compare("ge", found.low, every.low), ex.compare("le", found.high, every.high)
    )
    return _if(fits, found, every)


def _cast(found: Range, before: str, after: str) -> Range | None:
    if is_float(after):
        return Range(ex.cast(found.low, after), ex.cast(found.high, after))
    return None if is_float(before) else _within(found, after)


def _arithmetic(op: str, of: list[Range], dtype: str) -> Range:
    if is_float(dtype):
        return _plain(op, of)
    if dtype == INT32:  # in 64 bits, nothing is too large
        return _within(_plain(op, of), INT32)
    limit = ex.const(_FACTOR if op == "mul" else _SUMMAND, INT64)
    below = ex.const(-limit.attr, INT64)
    small = conjunction(
        *(ex.compare("ge", one.low, below) for one in of),
        *(ex.compare("le", one.high, limit) for one in of),
    )
    return _if(small, _plain(op, of), _all_of(INT64))


def _plain(op: str, of: list[Range]) -> Range:
    """Bounds of a result that is not too large."""
    if op == "neg":
        return Range(_negative(of[0].high), _negative(of[0].low))
    left, right = of
    if op == "add":
        return Range(ex.binary(op, left.low, right.low), ex.binary(op, left.high, right.high))
    if op == "sub":
        return Range(ex.binary(op, left.low, right.high), ex.binary(op, left.high, right.low))
    corners = dict.fromkeys(
        ex.binary("mul", one, other)
        for one in (left.low, left.high)
        for other in (right.low, right.high)
    )
    return Range(reduce(_least, corners), reduce(_greatest, corners))


def _negative(value: Expr) -> Expr:
    return ex.make("neg", (value,), dtype=value.dtype)


def _divided(op: str, of: Range, divisor: Expr, dtype: str) -> Range:
    """Bounds of quotients and remainders by a number, if it is positive."""
    positive = ex.compare("gt", divisor, ex.const(0, INT64))
    by = ex.select(positive, divisor, ex.const(1, INT64))
    quotients = Range(ex.binary("floordiv", of.low, by), ex.binary("floordiv", of.high, by))
    if op == "floordiv":
        return _if(positive, quotients, _all_of(dtype))
    rests = Range(ex.binary("mod", of.low, by), ex.binary("mod", of.high, by))
    largest = ex.binary("sub", by, ex.const(1, INT64))
    ascend = ex.compare("eq", quotients.low, quotients.high)
    found = _if(ascend, rests, Range(ex.const(0, INT64), largest))
    return _if(positive, found, _all_of(dtype))


def _function(node: Expr, of: list[Range]) -> Range | None:
    (first, *_) = of
    if node.args[0].dtype != node.dtype:
        return None
    if node.attr == "abs":
        if node.dtype == INT64:
            return None  # the lowest number has no absolute value
        zero = ex.const(0, _in_bounds(node.dtype))
        above = _greatest(first.low, _negative(first.high))
        found = Range(_greatest(zero, above), _greatest(first.high, _negative(first.low)))
        return found if is_float(node.dtype) else _within(found, node.dtype)
    if node.attr == "sqrt" and is_float(node.dtype):
        # of what is negative there is none
        low = _greatest(first.low, ex.const(0.0, node.dtype))
        return Range(ex.call("sqrt", [low], node.dtype), ex.call("sqrt", [first.high], node.dtype))
    if node.attr in _MONOTONE and is_float(node.dtype):
        ends = (ex.call(node.attr, [end], node.dtype) for end in (first.low, first.high))
        return Range(*ends)
    return None
