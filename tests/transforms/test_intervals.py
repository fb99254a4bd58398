"""Bounds of what a kernel computes, seen from what it does compute."""

import numpy as np
import pytest

from brian2genn.model import expr as ex
from brian2genn.model.kernel import Access, Kernel, RandomSite, Table, UserFunction
from brian2genn.transforms.intervals import (
    FALSE,
    TRUE,
    Intervals,
    Range,
    conjunction,
    disjunction,
    negation,
)
from tests.interpreter.values import Values

LOW, HIGH, OTHER = 3, 9, 5

KERNEL = Kernel(
    "k",
    "test",
    {
        access.name: access
        for access in (
            Access("i", "numbers", "int32", "j"),
            Access("x_of_j", "x", "float64", "j"),
            Access("x_of_i", "x", "float64", "i"),
            Access("x_of_k", "x", "float64", "k"),
            Access("number_of_k", "numbers", "int32", "k"),
            Access("other", "others", "int32", "j"),
            Access("own", "x", "float64"),
            Access("shared", "shared", "float64", None),
        )
    },
    given={"j": "int64", "k": "int64", "low": "int64", "high": "int64"},
)


def given(name):
    return ex.make("given", attr=name, dtype="int64")


def load(name):
    return ex.make("load", attr=name, dtype=KERNEL.accesses[name].dtype)


j, k, low, high = (given(name) for name in ("j", "k", "low", "high"))
i = load("i")
rand = ex.make("random", attr=RandomSite("rand", 0))
half, two = ex.const(0.5), ex.const(2)


class Bounds(Values):
    """The values of expressions whose given values are these."""

    def __init__(self, **values):
        arrays = {
            "numbers": np.arange(20, dtype=np.int32),
            "others": np.arange(20, dtype=np.int32)[::-1],
            "x": np.linspace(-1, 1, 20),
            "shared": np.array([0.25]),
        }
        super().__init__(KERNEL, arrays, {"p": 4.5}, np.arange(1), 7, 1, 0)
        self._given = values

    def place(self, access):
        if access.index in KERNEL.given:
            return self._given[access.index]
        return super().place(access)

    def _make(self, node, args):
        return self._given[node.attr] if node.op == "given" else super()._make(node, args)


def may(condition):
    """Whether it may hold for `j` in a range."""
    found = Intervals(KERNEL, {"j": Range(low, high)}, {"numbers"}).may_hold(condition)
    if found in (TRUE, FALSE):
        return bool(found.attr)
    return bool(Bounds(low=LOW, high=HIGH, k=OTHER).of(found))


def does(condition):
    """Whether it does for one of them."""
    one = Bounds(j=np.arange(LOW, HIGH + 1), k=OTHER)
    return bool(np.any(one.of(condition)))


def of(op, *args):
    args = [arg if isinstance(arg, ex.Expr) else ex.const(arg) for arg in args]
    if op in ex.COMPARISONS:
        return ex.compare(op, *args)
    return ex.logical(op, *args) if op in ("and", "or", "not") else ex.binary(op, *args)


def real(value):
    return ex.cast(value, "float64")


def call(name, value):
    return ex.call(name, [value], value.dtype)


#: Expressions of whole numbers from 3 to 9, and the least and the largest value of each.
EXPRESSIONS = [
    (j, 3, 9),
    (i, 3, 9),
    (ex.cast(j, "int32"), 3, 9),
    (of("add", j, 4), 7, 13),
    (of("sub", j, k), -2, 4),
    (of("sub", k, j), -4, 2),
    (of("add", i, 4), 7, 13),
    (ex.make("neg", (j,), dtype="int64"), -9, -3),
    (of("mul", j, -2), -18, -6),
    (of("mul", j, of("sub", j, 5)), -18, 36),
    (of("floordiv", j, 2), 1, 4),
    (of("floordiv", j, k), 0, 1),
    (of("mod", j, 20), 3, 9),
    (of("mod", j, 4), 0, 3),
    (ex.select(of("gt", j, 5), of("add", j, 10), of("sub", j, 10)), -7, 19),
    (ex.cast(of("gt", j, 5), "int32"), 0, 1),
    (ex.cast(of("gt", j, 2), "int32"), 1, 1),
    (ex.cast(of("gt", j, 20), "int32"), 0, 0),
    (real(j), 3, 9),
    (of("add", real(j), half), 3.5, 9.5),
    (of("sub", half, real(j)), -8.5, -2.5),
    (of("mul", real(j), ex.const(-0.5)), -4.5, -1.5),
    (of("div", real(j), half), 6, 18),
    (of("div", real(j), ex.const(-0.5)), -18, -6),
    (ex.make("neg", (real(j),)), -9, -3),
    (call("abs", of("sub", real(j), ex.const(5.0))), 0, 4),
    (call("abs", of("sub", real(j), ex.const(12.0))), 3, 9),
    (call("abs", ex.cast(of("sub", j, 5), "int32")), 0, 4),
    (call("sqrt", real(j)), 3**0.5, 3),
    (call("sqrt", of("sub", real(j), ex.const(5.0))), 0, 2),
    (call("floor", of("div", real(j), ex.const(2.0))), 1, 4),
    (call("ceil", of("div", real(j), ex.const(2.0))), 2, 5),
    (call("trunc", of("sub", half, real(j))), -8, -2),
    (rand, 0, 1),
    (of("add", rand, real(j)), 3, 10),
    (of("mul", rand, real(k)), 0, 5),
    (real(k), 5, 5),
]


@pytest.mark.parametrize(("value", "least", "largest"), EXPRESSIONS, ids=lambda one: repr(one)[:40])
def test_bounds_are_as_narrow_as_can_be_told(value, least, largest):
    value = real(value)
    assert not may(of("lt", value, ex.const(float(least))))
    assert may(of("le", value, ex.const(float(least))))
    assert may(of("ge", value, ex.const(float(largest))))
    assert not may(of("gt", value, ex.const(float(largest))))
    assert not may(of("eq", value, ex.const(least - 0.25)))
    assert not may(of("eq", ex.const(largest + 0.25), value))
    assert may(of("eq", value, ex.const((least + largest) / 2)))
    assert may(of("ne", value, ex.const(least - 1.0)))


@pytest.mark.parametrize("op", ex.COMPARISONS)
@pytest.mark.parametrize("limit", [2, 3, 4, 6, 9, 10])
def test_what_holds_may_hold(op, limit):
    for value, _, _ in EXPRESSIONS:
        limits = (ex.const(limit), ex.const(-limit), ex.const(limit / 2))
        for end in limits:
            for condition in (of(op, value, end), of(op, end, value)):
                assert may(condition) or not does(condition), condition


A, B = of("gt", j, 5), of("lt", j, 3)  # may or may not; never
C = of("gt", j, 2)  # always
D = of("gt", k, 2)  # the same for all, and true


@pytest.mark.parametrize(
    ("condition", "expected", "fails"),
    [
        (A, True, True),
        (B, False, True),
        (C, True, False),
        (D, True, False),
        (of("and", A, B), False, True),
        (of("and", A, C), True, True),
        (of("and", C, D), True, False),
        (of("or", A, B), True, True),
        (of("or", B, of("not", D)), False, True),
        (of("or", A, C), True, False),
        (ex.select(A, B, B), False, True),
        (ex.select(A, B, C), True, True),
        (ex.select(A, C, D), True, False),
        (of("eq", i, j), True, True),
        (of("eq", j, 20), False, True),
        (of("ne", j, 20), True, False),
        # numbers that may be none say nothing of failing
        (of("lt", real(j), 20.0), True, True),
        (of("le", j, 9), True, False),
        (of("lt", j, 9), True, True),
        (of("ge", j, 3), True, False),
        (of("gt", j, 3), True, True),
    ],
)
def test_truth(condition, expected, fails):
    assert may(condition) is expected
    assert may(of("not", condition)) is fails


USER = UserFunction("f", "f", "float64", stateless=True, vectorised=False)


@pytest.mark.parametrize(
    "value",
    [
        load("x_of_j"),
        load("x_of_i"),
        load("own"),
        ex.cast(load("other"), "float64"),
        ex.make("random", attr=RandomSite("randn", 0)),
        ex.make("user", (half,), USER),
        ex.make("table", (half,), Table("f", "x", "rows", None, "e", "u")),
        call("exp", real(j)),
        of("div", half, real(j)),
        of("mod", real(j), half),
        of("floordiv", real(j), half),
        real(of("floordiv", two, j)),
        real(of("mod", two, j)),
        real(call("abs", j)),
        real(call("floor", j)),
        real(ex.cast(real(j), "int32")),
        of("add", real(j), load("x_of_j")),
        of("pow", real(j), half),
    ],
    ids=repr,
)
def test_nothing_is_known(value):
    for end in (-1e300, 1e300):
        for op in ("lt", "gt", "eq"):
            assert may(of(op, value, end))
    assert may(of("not", of("lt", value, 1e300)))


def test_bytes_are_not_looked_at():
    value = ex.make("load", attr="i", dtype="int8")
    assert may(of("gt", value, 100))


@pytest.mark.parametrize("value", [load("x_of_k"), load("shared"), real(load("number_of_k"))])
def test_what_is_one_number_is_compared_as_it_is(value):
    """All is known of it where the kernel is."""
    found = Intervals(KERNEL, {"j": Range(low, high)}, {"numbers"})
    condition = of("lt", value, half)
    assert found.may_hold(condition) is condition


@pytest.mark.parametrize(
    ("value", "is_known"),
    [
        # in 32 bits 9 * 2**28 is too large
        (of("mul", ex.cast(j, "int32"), 2**28), False),
        (of("mul", ex.cast(j, "int32"), 2**27), True),
        (of("add", ex.cast(j, "int32"), 2**31 - 5), False),
        (of("add", ex.cast(j, "int32"), 2**31 - 11), True),
        (of("sub", ex.const(-(2**31) + 8), ex.cast(j, "int32")), False),
        (of("sub", ex.const(-(2**31) + 10), ex.cast(j, "int32")), True),
        (ex.cast(of("mul", j, 2**30), "int32"), False),
        (of("mul", j, of("mul", j, 2**30)), False),
        (of("mul", j, 2**31), True),
        (of("add", j, 2**62 + 1), False),
        (of("add", j, 2**62), True),
        # a divisor that is not positive
        (of("floordiv", j, -2), False),
        (of("mod", j, -2), False),
        (of("mod", j, ex.const(0)), False),
        (of("floordiv", j, 1), True),
    ],
)
def test_numbers_that_may_wrap_around(value, is_known):
    lowest = {"int32": -(2**31), "int64": -(2**63) + 1}[value.dtype]
    highest = {"int32": 2**31 - 1, "int64": 2**63 - 1}[value.dtype]
    ends = [of("le", value, ex.const(lowest, value.dtype)), of("ge", value, ex.const(highest))]
    assert all(map(may, ends)) is not is_known
    assert any(map(may, ends)) is not is_known


@pytest.mark.parametrize(
    ("value", "says_nothing"),
    [
        (lambda r: r, (True, False)),
        (lambda r: ex.make("neg", (r,)), (False, True)),
        (lambda r: of("mul", r, ex.const(2.0)), (True, True)),
        (lambda r: of("div", r, ex.const(-2.0)), (True, True)),
        (lambda r: call("abs", r), (True, True)),
        (lambda r: call("sqrt", r), (True, False)),
        (lambda r: ex.select(A, r, ex.const(0.0)), (True, False)),
    ],
)
def test_bounds_that_are_no_numbers_say_nothing(value, says_nothing):
    """Of a value between NaN and 1: whether it may be very small, and very large."""
    kernel = Kernel("k", "test", given={"r": "float64", "j": "int64"})
    r = value(ex.make("given", attr="r", dtype="float64"))
    ranges = {"r": Range(ex.const(float("nan")), ex.const(1.0)), "j": Range(low, high)}
    conditions = of("lt", r, -1e9), of("gt", r, 1e9)
    found = [Intervals(kernel, ranges).may_hold(condition) for condition in conditions]
    assert tuple(bool(Bounds(low=LOW, high=HIGH).of(one)) for one in found) == says_nothing


def test_joining_conditions():
    assert conjunction() is TRUE
    assert disjunction() is FALSE
    assert conjunction(A, TRUE) is A
    assert conjunction(A, FALSE) is FALSE
    assert disjunction(A, FALSE) is A
    assert disjunction(A, TRUE) is TRUE
    assert conjunction(A, A) is A
    assert conjunction(A, C) is ex.logical("and", A, C)
    assert disjunction(A, C) is ex.logical("or", A, C)
    assert negation(TRUE) is FALSE
    assert negation(negation(A)) is A
    assert negation(A) is ex.logical("not", A)
