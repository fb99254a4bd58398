"""The passes over the model: the same value, at less cost."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from brian2genn.frontend.expressions import ExpressionReader
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT64, INT32, INT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.transforms import regroup, simplify, specialise
from brian2genn.transforms.rates import ELEMENT_RATE, Rates
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
        if name in ("steps", "short"):
            return ex.cast(ex.call("trunc", args, FLOAT64), INT64 if name == "steps" else INT32)
        if name == "whole":
            return ex.cast(args[0], INT64)
        return ex.select(*args) if name == "select" else None

    reader = ExpressionReader(lookup, function)
    kernel = Kernel("test", "test")
    kernel.accesses = {
        name: Access(name, name, BOOL if name.startswith("is") else FLOAT64) for name in ELEMENTS
    }
    kernel.stores = [Store("y", reader.read(text))]
    return kernel


FUNCTIONS = {
    **{name: getattr(np, name) for name in (*simplify._FOLDABLE_CALLS, "trunc")},
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


def counts(kernel: Kernel) -> tuple[dict[str, int], dict[str, int]]:
    """How often operations occur: for every element, and for all elements at once."""
    rates = Rates(kernel)
    result: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for node in ex.walk(kernel.roots()):
        if node.args:
            name = node.attr if node.op == "call" else node.op
            result[rates.of(node) != ELEMENT_RATE][name] += 1
    return dict(result[0]), dict(result[1])


@dataclass(frozen=True)
class Case:
    """A text, and the operations for every element before and after, and those done once after."""

    text: str
    before: dict[str, int]
    after: dict[str, int]
    once: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text

    def check(self) -> None:
        """The same value, by exactly these operations."""
        kernel = kernel_of(self.text)
        with np.errstate(all="ignore"):
            before = np.broadcast_to(evaluate(kernel.stores[0].value), 7)
            assert counts(kernel)[0] == self.before
            specialise_kernel(kernel)
            simplify_kernel(kernel)
            after = np.broadcast_to(evaluate(kernel.stores[0].value), 7)
        np.testing.assert_allclose(after, before, rtol=1e-13, atol=2e-15)
        assert counts(kernel) == (self.after, self.once), kernel.stores[0].value


def _nothing(*arguments: object) -> None:
    """In the place of a rule that is switched off."""


def _as_it_is(self: object, node: ex.Expr) -> ex.Expr:
    return node


#: By rule: where it is, what it is replaced by to switch it off, and what only it does.
RULES: dict[str, tuple[str, Callable[..., object], list[Case]]] = {
    "fold": ("simplify._fold", _nothing, [
        Case("3*4.0 + x", {"add": 1}, {"add": 1}),
        Case("(5 - 3.0)/4 + x", {"add": 1}, {"add": 1}),
        Case("2.0**3 + x", {"add": 1}, {"add": 1}),
        *(Case(f"{name}(0.75) + x", {"add": 1}, {"add": 1}) for name in (
            "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "expm1", "log1p",
            "abs")),
        Case("x > 3 + 4.0", {"gt": 1}, {"gt": 1}),
        Case("x > -(3 + 4.0)", {"gt": 1}, {"gt": 1}),
        Case("x > 2.0**0.3", {"gt": 1}, {"gt": 1}),
    ]),
    "cast": ("simplify._Local.rule_cast", _nothing, [
        Case("x + int(2.0*3)", {"add": 1}, {"add": 1}),
        Case("x*select(is_on, 2, 3)", {"select": 1, "cast": 1, "mul": 1},
             {"select": 1, "mul": 1}),
        Case("x*int(v > y)", {"gt": 1, "cast": 2, "mul": 1}, {"gt": 1, "select": 1, "mul": 1}),
    ]),
    "add": ("simplify._Local.rule_add", _nothing, [
        Case("x + 0", {"add": 1}, {}),
        Case("0 + x*y", {"add": 1, "mul": 1}, {"mul": 1}),
    ]),
    "sub": ("simplify._Local.rule_sub", _nothing, [
        Case("x - 0", {"sub": 1}, {}),
        Case("sin(x - 0.0)", {"sub": 1, "sin": 1}, {"sin": 1}),
    ]),
    "mul": ("simplify._Local.rule_mul", _nothing, [
        Case("sin(El*1) + x", {"add": 1}, {"add": 1}, {"sin": 1}),
        Case("sin(1*El) + x", {"add": 1}, {"add": 1}, {"sin": 1}),
    ]),
    "div": ("simplify._Local.rule_div", _nothing, [
        Case("sin(El/1) + x", {"add": 1}, {"add": 1}, {"sin": 1}),
        Case("sin(2/exp(-El)) + x", {"add": 1}, {"add": 1}, {"exp": 1, "mul": 1, "sin": 1}),
        Case("2/exp(El) + x", {"add": 1}, {"add": 1}, {"neg": 1, "exp": 1, "mul": 1}),
    ]),
    "neg": ("simplify._Local.rule_neg", _nothing, [
        Case("sin(-(-El)) + x", {"add": 1}, {"add": 1}, {"sin": 1}),
    ]),
    "not": ("simplify._Local.rule_not", _nothing, [
        Case("not not is_on", {"not": 2}, {}),
    ]),
    "select": ("simplify._Local.rule_select", _nothing, [
        Case("select(is_on, x + 0, x)", {"add": 1, "select": 1}, {}),
    ]),
    "pow": ("simplify._Local.rule_pow", _nothing, [
        Case("x**0", {"pow": 1}, {}),
        Case("x**1", {"pow": 1}, {}),
        Case("x**3", {"pow": 1}, {"mul": 2}),
        Case("x**4", {"pow": 1}, {"mul": 2}),
        Case("x**16", {"pow": 1}, {"mul": 4}),
        Case("exp(v)**0", {"exp": 1, "pow": 1}, {}),
        Case("x**-2", {"pow": 1}, {"mul": 1, "div": 1}),
        Case("abs(x)**0.5", {"abs": 1, "pow": 1}, {"abs": 1, "sqrt": 1}),
        Case("exp(v)**(1/18)", {"exp": 1, "pow": 1}, {"exp": 1, "mul": 1}),
        Case("(x*G)**2", {"mul": 1, "pow": 1}, {"mul": 2}),
    ]),
    "compare": ("simplify._Local.rule_ge", _nothing, [
        Case("steps(x) >= steps(y)", {"trunc": 2, "cast": 2, "ge": 1},
             {"trunc": 2, "abs": 2, "lt": 2, "select": 2, "ge": 1}),
        # what does not fit into 64 bits is the smallest integer
        Case("steps(x*3e18) >= steps(y*-1e3)", {"mul": 2, "trunc": 2, "cast": 2, "ge": 1},
             {"mul": 2, "neg": 1, "trunc": 2, "abs": 2, "lt": 2, "select": 2, "ge": 1}),
    ]),
    "sum": ("regroup.Regroup.sum", _as_it_is, [
        Case("El + x - VT + y - 3", {"add": 2, "sub": 2}, {"add": 2}, {"sub": 2}),
        Case("(x - El) - (y - VT)", {"sub": 3}, {"sub": 1, "add": 1}, {"sub": 1}),
        Case("x - -y", {"neg": 1, "sub": 1}, {"add": 1}),
        Case("-(G*x) - G*y", {"mul": 2, "neg": 1, "sub": 1}, {"mul": 2, "add": 1, "neg": 1}),
    ]),
    "product": ("regroup.Regroup.product", _as_it_is, [
        Case("x*El*VT", {"mul": 2}, {"mul": 1}, {"mul": 1}),
        Case("x/Tau/G", {"div": 2}, {"mul": 1}, {"mul": 1, "div": 1}),
        Case("El*x/VT", {"mul": 1, "div": 1}, {"mul": 1}, {"div": 1}),
        Case("El/x*VT", {"mul": 1, "div": 1}, {"div": 1}, {"mul": 1}),
        Case("G/(x*Tau)", {"mul": 1, "div": 1}, {"div": 1}, {"div": 1}),
        Case("G/(Tau/x)", {"div": 2}, {"mul": 1}, {"div": 1}),
        Case("(x - El)/(Tau*G)*2", {"sub": 1, "div": 1, "mul": 1}, {"sub": 1, "mul": 1},
             {"mul": 2, "div": 1}),
        Case("x*2*5", {"mul": 2}, {"mul": 1}),
        Case("x/0.001", {"div": 1}, {"mul": 1}),
        Case("-x*-y", {"neg": 2, "mul": 1}, {"mul": 1}),
        Case("x*G/y - G*x/y", {"mul": 2, "div": 2, "sub": 1}, {"mul": 1, "div": 1, "sub": 1}),
        Case("x*(1/y)", {"div": 1, "mul": 1}, {"div": 1}),
        Case("x/(1/y)", {"div": 2}, {"mul": 1}),
    ]),
    "literals past other factors": ("regroup._movable", lambda *arguments: False, [
        Case("(x*2)*(y*3)", {"mul": 3}, {"mul": 2}),
        Case("(3*x)*y*2", {"mul": 3}, {"mul": 2}),
        Case("(G*x)*(2*y)", {"mul": 3}, {"mul": 2}, {"mul": 1}),
        Case("(G*x)/(2*y)", {"mul": 2, "div": 1}, {"mul": 1, "div": 1}, {"mul": 1}),
        Case("3*x/y*2", {"mul": 2, "div": 1}, {"mul": 1, "div": 1}),
        Case("3/(2*x*exprel(y))", {"mul": 2, "exprel": 1, "div": 1},
             {"inverse_exprel": 1, "mul": 1, "div": 1}),
    ]),
    "inverse functions": ("regroup.Regroup._inverted", _nothing, [
        Case("x/exprel(v/Tau)", {"div": 2, "exprel": 1}, {"inverse_exprel": 1, "mul": 2},
             {"div": 1}),
        Case("G/(Tau*exprel(x))", {"mul": 1, "div": 1, "exprel": 1},
             {"inverse_exprel": 1, "mul": 1}, {"div": 1}),
        Case("3/(x*exprel(y))", {"mul": 1, "exprel": 1, "div": 1},
             {"inverse_exprel": 1, "mul": 1, "div": 1}),
        Case("3/(2*exp(x))", {"mul": 1, "div": 1, "exp": 1}, {"neg": 1, "mul": 1, "exp": 1}),
    ]),
    "arguments": ("regroup.Regroup.argument", _as_it_is, [
        *(Case(f"{name}(-(x*G))", {"mul": 1, "neg": 1, name: 1}, {"mul": 1, name: 1}, {"neg": 1})
          for name in ("exp", "expm1", "exprel", "sinh", "cosh", "tanh")),
        Case("exp(-v/18) + 1/exp(v*(1/18))",
             {"neg": 1, "div": 2, "mul": 1, "exp": 2, "add": 1}, {"mul": 1, "exp": 1, "add": 1}),
    ]),
    "what is used more than once": (
        "regroup.Regroup._may_open", lambda self, inner, node: inner is node, [
        Case("El + x - VT + y", {"add": 2, "sub": 1}, {"add": 2}, {"sub": 1}),
    ]),
    "known conditions": ("specialise._Known.rule", lambda self, old, args: ex.make(
        old.op, args, old.attr, old.dtype), [
        Case("select(is_on, select(is_on, x, y), y)", {"select": 2}, {"select": 1}),
        Case("select(is_on, v*exp(-Tau*is_on), v)", {"cast": 1, "mul": 2, "exp": 1, "select": 1},
             {"mul": 1, "select": 1}, {"neg": 1, "exp": 1}),
    ]),
    "choices": ("specialise._Chooser.rule", lambda self, old, args: ex.make(
        old.op, args, old.attr, old.dtype), [
        Case("exp(-Tau*is_on)*x", {"cast": 1, "mul": 2, "exp": 1}, {"select": 1, "mul": 1},
             {"neg": 1, "exp": 2, "mul": 1}),
        Case("exp(-Tau*int(v > y))*x", {"gt": 1, "cast": 2, "mul": 2, "exp": 1},
             {"gt": 1, "select": 1, "mul": 1}, {"neg": 1, "exp": 2, "mul": 1}),
    ]),
}  # fmt: skip

#: What no rule makes cheaper.
KEPT = [
    Case("x % 2 + x // 2", {"mod": 1, "floordiv": 1, "add": 1},
         {"mod": 1, "floordiv": 1, "add": 1}),
    Case("x**17", {"pow": 1}, {"pow": 1}),
    Case("int(v > y) + int(x > y)", {"gt": 2, "cast": 2, "add": 1},
         {"gt": 2, "cast": 2, "add": 1}),
    Case("(0 - 8.0)**0.3 + x", {"add": 1}, {"add": 1}, {"pow": 1}),
    Case("exp(x)**y", {"exp": 1, "pow": 1}, {"exp": 1, "pow": 1}),
    Case("sin(x + El)*(x + El + y + VT)", {"add": 3, "sin": 1, "mul": 1},
         {"add": 3, "sin": 1, "mul": 1}),
    # what may be small over nearly zero is no product with what overflows
    Case("G/exp(El) + x", {"add": 1}, {"add": 1}, {"exp": 1, "div": 1}),
    Case("0.5/exp(El) + x", {"add": 1}, {"add": 1}, {"exp": 1, "div": 1}),
    Case("y/exp(x)", {"exp": 1, "div": 1}, {"exp": 1, "div": 1}),
    Case("G/(Tau*exp(x))", {"mul": 1, "div": 1, "exp": 1}, {"exp": 1, "div": 1}, {"div": 1}),
    Case("exp(v)**1e999", {"exp": 1, "pow": 1}, {"exp": 1, "pow": 1}),
    Case("x**1e999", {"pow": 1}, {"pow": 1}),
    Case("x*select(is_on, steps(y), steps(v))", {"trunc": 2, "cast": 3, "select": 1, "mul": 1},
         {"trunc": 2, "cast": 3, "select": 1, "mul": 1}),
    Case("steps(x) >= 3", {"trunc": 1, "cast": 1, "ge": 1}, {"trunc": 1, "cast": 1, "ge": 1}),
    Case("whole(x) >= whole(y)", {"cast": 2, "ge": 1}, {"cast": 2, "ge": 1}),
    Case("whole(sin(x)) >= whole(sin(y))", {"sin": 2, "cast": 2, "ge": 1},
         {"sin": 2, "cast": 2, "ge": 1}),
    Case("short(x) >= short(y)", {"trunc": 2, "cast": 2, "ge": 1},
         {"trunc": 2, "cast": 2, "ge": 1}),
    Case("exprel(2.0) + x", {"add": 1}, {"add": 1}, {"exprel": 1}),
    Case("x*(3 + 4.0)", {"mul": 1}, {"mul": 1}),
    Case("x*(1e10*1e10)", {"mul": 1}, {"mul": 1}),
    Case("x*(46340*46340)", {"mul": 1}, {"mul": 1}),
    Case("0*x", {}, {}),
    Case("x/y/v", {"div": 2}, {"div": 2}),
    Case("x/(y/v)", {"div": 2}, {"div": 2}),
    Case("(G*x)*(Tau*y)", {"mul": 3}, {"mul": 3}),
    Case("x/(G*y)", {"mul": 1, "div": 1}, {"mul": 1, "div": 1}),
    Case("x*1e300*1e300", {"mul": 2}, {"mul": 2}),
    Case("x*1e30*y*1e-30", {"mul": 3}, {"mul": 3}),
    Case("(x*G + y*G)*2", {"mul": 3, "add": 1}, {"mul": 3, "add": 1}),
]  # fmt: skip

CASES = [case for _, _, cases in RULES.values() for case in cases] + KEPT


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_value_at_less_cost(case):
    case.check()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_switched_off_is_missed(rule, monkeypatch):
    place, replacement, cases = RULES[rule]
    module, _, attribute = place.partition(".")
    owner = {"simplify": simplify, "regroup": regroup, "specialise": specialise}[module]
    *classes, attribute = attribute.split(".")
    for name in classes:
        owner = getattr(owner, name)
    monkeypatch.setattr(owner, attribute, replacement)
    for case in cases:
        with pytest.raises(AssertionError):
            case.check()


def test_every_rule_is_in_the_table():
    """A new rule needs a line; comparisons share one."""
    rules = {name for name in vars(simplify._Local) if name.startswith("rule_")}
    tested = {place.rpartition(".")[2] for place, _, _ in RULES.values()}
    same = {f"rule_{name}" for name in ("lt", "le", "gt", "eq", "ne")}
    assert rules - same <= tested
    assert len({getattr(simplify._Local, name) for name in same | {"rule_ge"}}) == 1


def test_whole_numbers_have_no_inverse():
    kernel = kernel_of("steps(x)")
    power = ex.make("pow", (kernel.stores[0].value, ex.const(-2, INT64)), dtype=INT64)
    kernel.stores = [Store("y", power)]
    simplify_kernel(kernel)
    assert kernel.stores[0].value is power


@pytest.mark.parametrize(
    "first, second, folded", [(46340, 46340, True), (32768, 65536, False), (2**31, 2**40, False)]
)
def test_whole_numbers_of_more_than_31_bits_are_left_to_the_program(first, second, folded):
    product = ex.make("mul", (ex.const(first, INT64), ex.const(second, INT64)), dtype=INT64)
    kernel = kernel_of("x")
    kernel.stores = [Store("y", ex.make("add", (kernel_of("steps(x)").stores[0].value, product),
                                        dtype=INT64))]  # fmt: skip
    simplify_kernel(kernel)
    assert counts(kernel) == ({"trunc": 1, "cast": 1, "add": 1}, {} if folded else {"mul": 1})


@dataclass(frozen=True)
class Called:
    """A function, as far as it matters to how often its values change."""

    shared: bool = False
    stateless: bool = False
    vectorised: bool = False


@pytest.mark.parametrize("op", ["random", "user", "table"])
def test_what_has_a_life_of_its_own_is_no_choice_of_two(op):
    """Not a number drawn where a condition holds, and another one where it does not."""
    kernel = kernel_of("is_on*x")
    chances = ex.cast(ex.make("load", attr="is_on", dtype=BOOL), FLOAT64)
    drawn = ex.make(op, (chances,), attr=Called(), dtype=FLOAT64)
    kernel.stores = [Store("y", drawn)]
    specialise_kernel(kernel)
    assert kernel.stores[0].value is drawn


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
