"""The passes over the model: the same value, at less cost."""

import math

import numpy as np
import pytest

from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.transforms.simplify import simplify_kernel
from brian2genn.transforms.specialise import specialise_kernel

#: What names in the expressions below stand for: numbers of the run start with
#: a capital, conditions with "is", everything else differs between elements.
PARAMS = {"El": -0.06, "VT": -0.063, "Tau": 0.01, "G": 3.5}
ELEMENTS = {
    "v": np.linspace(-0.09, 0.04, 7),
    "x": np.array([0.1, -2.5, 0.3, 4.0, -1e-3, 0.7, 2.0]),
    "y": np.array([1.5, 0.5, -0.25, 2.0, 3.0, -4.0, 0.125]),
    "is_on": np.array([True, False, True, True, False, False, True]),
}


def kernel_of(text: str) -> Kernel:
    """A kernel that stores the value of an expression."""

    def lookup(name: str) -> ex.Expr:
        if name in PARAMS:
            return ex.make("param", attr=name)
        dtype = BOOL if name.startswith("is") else FLOAT64
        return ex.make("load", attr=name, dtype=dtype)

    def function(name: str, args: list[ex.Expr]) -> ex.Expr | None:
        return ex.select(*args) if name == "select" else None

    reader = ExpressionReader(lookup, function)
    kernel = Kernel("test", "test")
    kernel.accesses = {
        name: Access(name, name, BOOL if name.startswith("is") else FLOAT64) for name in ELEMENTS
    }
    kernel.stores = [Store("y", reader.read(text))]
    return kernel


FUNCTIONS = {
    "exp": np.exp,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "abs": np.abs,
    "trunc": np.trunc,
    "exprel": lambda x: np.where(x == 0, 1.0, np.expm1(x) / np.where(x == 0, 1, x)),
    "inverse_exprel": lambda x: np.where(x == 0, 1.0, x / np.where(x == 0, 1, np.expm1(x))),
}
OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.power, "lt": np.less, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
    "not": np.logical_not, "and": np.logical_and, "or": np.logical_or, "select": np.where,
    "ne": np.not_equal, "le": np.less_equal, "mod": np.mod, "floordiv": np.floor_divide,
}  # fmt: skip


def evaluate(node: ex.Expr) -> np.ndarray:
    args = [evaluate(arg) for arg in node.args]
    match node.op:
        case "const":
            return np.asarray(node.attr)
        case "param":
            return np.asarray(PARAMS[node.attr])
        case "load":
            return ELEMENTS[node.attr]
        case "cast":
            return args[0].astype(node.dtype)
        case "call":
            return FUNCTIONS[node.attr](*args)
    return OPERATORS[node.op](*args)


def counts(kernel: Kernel) -> dict[str, int]:
    """How often the costly operations occur for every element."""
    from brian2genn.transforms.rates import ELEMENT_RATE, Rates

    rates = Rates(kernel)
    result: dict[str, int] = {}
    for node in ex.walk(kernel.roots()):
        if rates.of(node) == ELEMENT_RATE:
            name = node.attr if node.op == "call" else node.op
            result[name] = result.get(name, 0) + 1
    return result


CASES = [
    # text, what remains for every element
    ("x + 0", {}),
    ("1*x/1", {}),
    ("x**3", {"mul": 2}),
    ("x**4", {"mul": 2}),
    ("x**-2", {"mul": 1, "div": 1}),
    ("abs(x)**0.5", {"abs": 1, "sqrt": 1}),
    ("x**2.5*0 + x**17", None),
    ("x/Tau/G", {"mul": 1}),
    ("(x - El)/(Tau*G)*2", {"mul": 1}),
    ("El + x - VT + y - 3", {"add": 2}),
    ("-(x - y)*G", {"mul": 1}),
    ("exp(v/Tau)**(1/18)", {"exp": 1, "mul": 1}),
    ("x/exp(v/Tau)", {"exp": 1, "mul": 2}),
    ("exp(-v/18) + 1/exp(v*(1/18))", {"exp": 1, "mul": 1, "add": 1}),
    ("x/exprel(v/Tau)", {"inverse_exprel": 1, "mul": 2}),
    ("G/(Tau*exprel(El/Tau - v/Tau)*x)", {"inverse_exprel": 1, "div": 1}),
    ("x*G/y - G*x/y", None),
    ("3*4*x*5", {"mul": 1}),
    ("x % 2 + x // 2", None),
    ("sin(2.0) + x", {"add": 1}),
    ("-x*-y", {"mul": 1}),
    ("x - -y", {"add": 1}),
    ("(x*2)*(x*2)", None),
    ("select(is_on, v*exp(-Tau*is_on), v)", {"select": 1, "mul": 1}),
    ("exp(-Tau*is_on)*x", {"select": 1, "mul": 1}),
    ("select(is_on, select(is_on, x, y), y)", {"select": 1}),
    ("select(not is_on, x/(1 - is_on), y)", None),
]


@pytest.mark.parametrize(("text", "remains"), CASES, ids=[text for text, _ in CASES])
def test_same_value_at_less_cost(text, remains):
    kernel = kernel_of(text)
    with np.errstate(all="ignore"):
        before = np.broadcast_to(evaluate(kernel.stores[0].value), 7)
        specialise_kernel(kernel)
        simplify_kernel(kernel)
        after = np.broadcast_to(evaluate(kernel.stores[0].value), 7)
    np.testing.assert_allclose(after, before, rtol=1e-13, atol=2e-15)
    found = counts(kernel)
    for name, number in (remains or {}).items():
        assert found.get(name, 0) <= number, (name, kernel.stores[0].value)


def test_random_numbers_are_not_merged():
    """Two calls are two numbers, also where the text is the same."""
    from brian2genn.model.kernel import RandomSite

    first, second = (ex.make("random", attr=RandomSite("rand", k)) for k in (0, 1))
    kernel = Kernel("test", "test", {"y": Access("y", "y", FLOAT64)})
    kernel.stores = [Store("y", ex.binary("sub", first, second))]
    simplify_kernel(kernel)
    assert sum(node.op == "random" for node in ex.walk(kernel.roots())) == 2


def test_interning():
    x = ex.make("load", attr="x")
    assert ex.binary("add", x, ex.const(1.0)) is ex.binary("add", x, ex.const(1.0))
    assert ex.const(1) is not ex.const(1.0)
    assert ex.const(0.0) is not ex.const(-0.0)
    assert ex.const(True) is not ex.const(1)
    assert math.isnan(ex.const(math.nan).attr)
