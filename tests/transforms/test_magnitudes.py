"""Constants may be collected only where that neither overflows nor vanishes.

Every rule that moves constants, with numbers of all magnitudes in the places of constants and
variables: what the simplified kernel computes is what the kernel computes as it is written,
wherever all values on the way are normal numbers of the type.
"""

import itertools

import numpy as np
import pytest

from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT32, FLOAT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.transforms import magnitudes
from brian2genn.transforms.regroup import _MOVABLE
from brian2genn.transforms.simplify import simplify_kernel

#: A and B are parameters or literals, x and y variables.
TEXTS = [
    "x*A*B", "A*x*B", "A*B*x", "x/A/B", "x*A/B", "A*x/B", "x/(A*B)", "x/(A/B)", "A/x*B", "A/(x*B)",
    "A/(B/x)", "-x*A*B", "x*A*y*B", "A*x*y/B", "(A*x)*(B*y)", "(A*x)/(B*y)", "A*x/y*B", "x/y/A/B",
    "A/(B*x*y)", "x/A*(y/B)", "x/(A*y)/B", "x/y*A", "x/(y/A)", "(x/A)/(y/B)", "A/(x*B)/y",
    "x*(A/y)*B", "A*(B*(x*y))", "x*y/A/B", "x*2*A", "x*0.001/A", "A/(0.001*x*y)", "3*x*A*y*2",
    "A*x - B*x", "x*A + y*B - x/A", "(x + A) - B", "A + x - B + y", "x - A*y - B",
    "x*A*B + x*A", "x*exp(-y)*A/B", "A*x/exprel(y)/B", "x*A**2*B", "(x/A)**2*B", "sqrt(x/A)*B",
    "x*sqrt(-A*B)", "A*x/exp(y)/B", "A/exp(y)/B", "x/(A*exprel(y))", "A/(0.01*x*exprel(y))",
]  # fmt: skip
LIMITS = {FLOAT64: [1e-300, 1e-160, 3e-20, 0.7, 5e18, 1e155, 1e300],
          FLOAT32: [1e-35, 1e-21, 3e-9, 0.7, 5e8, 1e19, 1e35]}  # fmt: skip

FUNCTIONS = {
    "exp": np.exp, "sqrt": np.sqrt,
    "exprel": lambda x: np.expm1(x) / x, "inverse_exprel": lambda x: x / np.expm1(x),
}  # fmt: skip
OPERATORS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.power,
}  # fmt: skip


def kernel_of(text, dtype, literals):
    def lookup(name):
        if name in literals:
            return ex.const(literals[name], dtype)
        if name in "AB":
            return ex.make("param", attr=name, dtype=dtype)
        return ex.make("load", attr=name, dtype=dtype)

    reader = ExpressionReader(lookup, lambda name, args: None, dtype)
    kernel = Kernel("test", "test")
    kernel.accesses = {name: Access(name, name, dtype) for name in "xyz"}
    kernel.stores = [Store("z", ex.cast(reader.read(text), dtype))]
    return kernel


class Evaluation:
    """A kernel's value, every operation in its type.

    `normal` says where all values on the way are, with so many powers of two to spare.
    """

    def __init__(self, kernel, values, margin=0.0):
        self.values = values
        self.margin = 2.0**margin
        self.largest = np.zeros(values["x"].shape)  # of all that is added
        self.normal = np.ones(values["x"].shape, bool)
        self.known = {}
        self.result = np.broadcast_to(self.of(kernel.stores[0].value), self.normal.shape)

    def of(self, node):
        if node.serial not in self.known:
            self.known[node.serial] = value = self.compute(node)
            if value.dtype.kind == "f":
                limits, size = np.finfo(value.dtype), np.abs(value).astype(float)
                self.normal &= size >= limits.tiny * self.margin
                self.normal &= size <= float(limits.max) / self.margin
        return self.known[node.serial]

    def compute(self, node):
        dtype = np.dtype(node.dtype)
        if node.op == "const":
            return np.asarray(node.attr, dtype)
        if node.op in ("param", "load"):
            return np.asarray(self.values[node.attr], dtype)
        args = [self.of(arg) for arg in node.args]
        if node.op == "cast":
            return args[0].astype(dtype)
        if node.op in ("add", "sub"):
            self.largest = np.maximum(self.largest, np.maximum(np.abs(args[0]), np.abs(args[1])))
        function = FUNCTIONS[node.attr] if node.op == "call" else OPERATORS[node.op]
        return np.asarray(function(*args)).astype(dtype)


def simplified(text, dtype, literals, params):
    """As a network's kernels are: carefully, where the values of parameters ask for it."""
    kernel = kernel_of(text, dtype, literals)
    simplify_kernel(kernel)
    if magnitudes.awkward(kernel, magnitudes.Magnitudes(params)):
        kernel = kernel_of(text, dtype, literals)
        kernel.careful = True
        simplify_kernel(kernel)
        assert not kernel.collected
    return kernel


def check(text, dtype, literals, params):
    grid = np.array(list(itertools.product(LIMITS[dtype], [*LIMITS[dtype], 2.0, 60.0])))
    values = {"x": grid[:, 0], "y": -grid[:, 1], **params}
    with np.errstate(all="ignore"):
        # literals of a usual size may move past another factor
        margin = _MOVABLE[dtype] if literals or any(c in "123456789" for c in text) else 0
        plain = Evaluation(kernel_of(text, dtype, literals), values, margin)
        found = Evaluation(simplified(text, dtype, literals, params), values)
    expected, result = plain.result.astype(float), found.result.astype(float)
    tolerance = 40 * np.finfo(dtype).eps * np.maximum(np.abs(expected), plain.largest)
    wrong = plain.normal & ~(np.abs(result - expected) <= tolerance)
    assert not wrong.any(), (
        f"{text} with {literals or params}, x and y {grid[wrong][0]}: {expected[wrong][0]},"
        f" not {result[wrong][0]}"
    )
    return plain.normal.any()


def test_what_would_overflow_is_left_as_it_is_written():
    usual = simplified("x*A*B", FLOAT64, {}, {"A": 1e150, "B": 1e150})
    large = simplified("x*A*B", FLOAT64, {}, {"A": 1e155, "B": 1e155})
    assert ex.show(usual.stores[0].value) in ("((A * B) * x)", "((B * A) * x)")
    assert ex.show(large.stores[0].value) == "(B * (A * x))"
    literals = simplified("x*A*B", FLOAT64, {"A": 1e155, "B": 1e155}, {})
    assert ex.show(literals.stores[0].value) == "(1e+155 * (1e+155 * x))"


def test_single_precision_becomes_double_where_it_must():
    """The constant is no single float, but a double."""
    for literals, params in ({}, {"A": 1e-30, "B": 1e-20}), ({"A": 1e-30, "B": 1e-20}, {}):
        usual = simplified("x*A/B*y", FLOAT32, literals, params)
        small = simplified("x*A*B*y", FLOAT32, literals, params)
        assert {node.dtype for node in ex.walk(usual.roots()) if node.op == "mul"} >= {FLOAT32}
        assert {node.dtype for node in ex.walk(small.roots()) if node.op == "mul"} == {FLOAT64}
        assert small.stores[0].value.dtype == FLOAT32


def test_zeros_and_infinities_are_no_reason():
    """They are what they are in any order."""
    for numbers in {"A": 0.0, "B": 2.0}, {"A": np.inf, "B": 2.0}, {"A": 3.0, "B": 0.0}:
        for text in ("x*A*B", "x*A/B", "x/A/B", "A/x/B"):
            kernel = simplified(text, FLOAT64, {}, numbers)
            assert not kernel.careful, (text, numbers)


@pytest.mark.parametrize("dtype", [FLOAT64, FLOAT32])
@pytest.mark.parametrize("kind", ["parameters", "literals", "both"])
@pytest.mark.parametrize("text", TEXTS)
def test_of_all_magnitudes(text, kind, dtype):
    tested = 0
    for a, b in itertools.product(LIMITS[dtype], LIMITS[dtype]):
        numbers = {"A": a, "B": -b}
        literal = {"parameters": "", "literals": "AB", "both": "B"}[kind]
        literals = {name: numbers[name] for name in literal}
        params = {name: numbers[name] for name in "AB" if name not in literal}
        tested += check(text, dtype, literals, params)
    assert tested > 5
