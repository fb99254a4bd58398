"""What a kernel in single precision computes in double precision: every operation with its type."""

from dataclasses import dataclass

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT32, FLOAT64, INT64
from brian2genn.model.kernel import Access, Kernel, RandomSite, Store
from brian2genn.transforms.widen import wide, widen, widen_constants


@dataclass(frozen=True)
class Called:
    """A user's function, as far as it matters here."""

    stateless: bool = True
    vectorised: bool = False
    shared: bool = False


LETTER = {FLOAT32: "s", FLOAT64: "d", INT64: "i", BOOL: "b"}


def single(op: str, name: str) -> ex.Expr:
    return ex.make(op, attr=name, dtype=FLOAT32)


A, B = single("param", "A"), single("param", "B")
K = ex.make("param", attr="K", dtype=INT64)
D = ex.make("param", attr="D", dtype=FLOAT64)
x, y = single("load", "x"), single("load", "y")
n = ex.make("load", attr="n", dtype=INT64)
TENTH = ex.const(0.1, FLOAT32)


def mul(one: ex.Expr, other: ex.Expr) -> ex.Expr:
    return ex.binary("mul", one, other)


def user(*args: ex.Expr) -> ex.Expr:
    return ex.make("user", args, attr=Called(), dtype=FLOAT32)


def table(*args: ex.Expr) -> ex.Expr:
    return ex.make("table", args, attr="t", dtype=FLOAT32)


def drawn(*args: ex.Expr) -> ex.Expr:
    return ex.make("random", args, attr=RandomSite("binomial", 0), dtype=FLOAT32)


def typed(node: ex.Expr) -> str:
    """An expression with the type of each part."""
    name = node.attr if node.op in ("const", "param", "load", "call") else node.op
    operands = f"({', '.join(typed(arg) for arg in node.args)})" if node.args else ""
    return f"{name}.{LETTER[node.dtype]}{operands}"


def kernel_of(value: ex.Expr) -> Kernel:
    kernel = Kernel("test", "test")
    kernel.accesses = {name: Access(name, name, FLOAT32) for name in "xyz"}
    kernel.accesses["n"] = Access("n", "n", INT64)
    kernel.stores = [Store("z", value)]
    return kernel


CONSTANTS = [
    (mul(x, y), "mul.s(x.s, y.s)"),
    (mul(x, A), "mul.s(x.s, A.s)"),
    (mul(x, mul(A, B)), "mul.s(x.s, cast.s(mul.d(A.d, B.d)))"),
    (mul(x, mul(mul(A, TENTH), B)), "mul.s(x.s, cast.s(mul.d(mul.d(A.d, 0.1.d), B.d)))"),
    (mul(mul(x, A), B), "mul.s(mul.s(x.s, A.s), B.s)"),
    (mul(x, ex.call("exp", [A], FLOAT32)), "mul.s(x.s, cast.s(exp.d(A.d)))"),
    (mul(x, ex.cast(D, FLOAT32)), "mul.s(x.s, cast.s(D.d))"),
    (mul(x, ex.cast(K, FLOAT32)), "mul.s(x.s, cast.s(cast.d(K.i)))"),
    (ex.cast(mul(A, B), INT64), "cast.i(mul.d(A.d, B.d))"),
    (ex.cast(A, INT64), "cast.i(A.d)"),
    (ex.make("add", (K, K), dtype=INT64), "add.i(K.i, K.i)"),
    (ex.compare("gt", A, mul(A, B)), "gt.b(A.d, mul.d(A.d, B.d))"),
    (ex.compare("gt", x, mul(A, B)), "gt.b(x.s, cast.s(mul.d(A.d, B.d)))"),
    (ex.select(ex.compare("gt", A, B), x, y), "select.s(gt.b(A.d, B.d), x.s, y.s)"),
    (A, "A.s"),
]

#: Of a kernel that is widened as a whole.
EVERYTHING = [
    (x, "cast.s(cast.d(x.s))"),
    (A, "cast.s(A.d)"),
    (TENTH, "0.1.s"),
    (mul(x, y), "cast.s(mul.d(cast.d(x.s), cast.d(y.s)))"),
    (mul(mul(x, A), TENTH), "cast.s(mul.d(mul.d(cast.d(x.s), A.d), 0.1.d))"),
    (mul(x, ex.cast(n, FLOAT32)), "cast.s(mul.d(cast.d(x.s), cast.d(n.i)))"),
    (ex.make("add", (n, K), dtype=INT64), "add.i(n.i, K.i)"),
    (ex.cast(mul(x, y), INT64), "cast.i(mul.d(cast.d(x.s), cast.d(y.s)))"),
    (ex.compare("gt", x, y), "gt.b(cast.d(x.s), cast.d(y.s))"),
    (user(mul(x, y)), "cast.s(cast.d(user.s(cast.s(mul.d(cast.d(x.s), cast.d(y.s))))))"),
    (mul(user(n), x), "cast.s(mul.d(cast.d(user.s(n.i)), cast.d(x.s)))"),
    (table(mul(x, y)), "cast.s(cast.d(table.s(cast.s(mul.d(cast.d(x.s), cast.d(y.s))))))"),
    (drawn(mul(x, y)), "cast.s(cast.d(random.s(cast.s(mul.d(cast.d(x.s), cast.d(y.s))))))"),
]


@pytest.mark.parametrize("value, expected", CONSTANTS, ids=[typed(v) for v, _ in CONSTANTS])
def test_what_does_not_change_is_computed_as_doubles(value, expected):
    kernel = kernel_of(value)
    widen_constants(kernel)
    assert typed(kernel.stores[0].value) == expected


@pytest.mark.parametrize("value, expected", EVERYTHING, ids=[typed(v) for v, _ in EVERYTHING])
def test_everything_is_computed_as_doubles_and_rounded_at_the_end(value, expected):
    kernel = kernel_of(x)
    kernel.stores, kernel.outputs = [Store("z", value)], {"out": value}
    kernel.shared_stores = [Store("z", value)]
    widen(kernel)
    for found in (kernel.stores[0].value, kernel.outputs["out"], kernel.shared_stores[0].value):
        assert typed(found) == expected


def test_functions_of_users_have_the_type_that_they_have():
    kernel = kernel_of(mul(x, user(mul(A, B))))
    kernel.shared_stores = [Store("z", user(mul(A, B)))]
    widen_constants(kernel)
    assert typed(kernel.stores[0].value) == "mul.s(x.s, user.s(cast.s(mul.d(A.d, B.d))))"


def test_what_was_rounded_is_taken_as_it_was_before():
    assert typed(wide(ex.cast(mul(D, D), FLOAT32))) == "mul.d(D.d, D.d)"
    assert typed(wide(ex.cast(K, FLOAT32))) == "cast.d(cast.s(K.i))"
    assert typed(wide(ex.cast(A, INT64))) == "cast.d(cast.i(A.s))"
    assert typed(wide(mul(x, y))) == "cast.d(mul.s(x.s, y.s))"
    assert typed(wide(TENTH)) == "0.1.d"
