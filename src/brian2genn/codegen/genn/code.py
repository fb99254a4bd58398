"""Kernels as GeNN 5 code strings: C without pointers, in which variables go by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...model import expr as ex
from ...model.dtypes import BOOL, FLOAT32, FLOAT64, INT32, INT64, is_float
from ...model.expr import Expr
from ...model.kernel import Access, Kernel, RandomSite, Store, Table
from ...transforms.hoist import Named
from ..dialect import Dialect

#: Numbers that are too large.
_HUGE, _HUGE_F = "(1.0e300 * 1.0e300)", "(1.0e30f * 1.0e30f)"

#: GeNN's name of a type of the model, for variables and in code.
GENN_TYPE = {
    BOOL: "bool",
    FLOAT32: "float",
    FLOAT64: "double",
    **{f"{u}int{n}": f"{u}int{n}_t" for u in ("", "u") for n in (8, 16, 32, 64)},
}

#: GeNN's scalars are doubles: numbers without a suffix are. Nothing infinite has a name.
GENN = Dialect(
    types=GENN_TYPE,
    conjunction="&&",
    disjunction="||",
    int64=lambda value: f"((int64_t){value})",
    infinity={FLOAT64: _HUGE, FLOAT32: _HUGE_F},
    nan={FLOAT64: f"({_HUGE} - {_HUGE})", FLOAT32: f"({_HUGE_F} - {_HUGE_F})"},
)

#: Functions that GeNN has under the same name.
_FUNCTIONS = frozenset((
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "log10", "expm1", "log1p", "sqrt",
    "ceil", "floor", "asin", "acos", "atan", "trunc", "pow",
))  # fmt: skip

#: Operations whose values always have a name.
_NAMED = frozenset(("random", "select", "table"))


class NotInGenn(Exception):
    """GeNN's language has no words for this; the message is the construct and why."""


class Names(Protocol):
    """How code reaches what lies outside of it."""

    def variable(self, access: Access) -> str:
        """The text that reads or writes a variable.

        Raises
        ------
        NotInGenn
        """

    def param(self, name: str, dtype: str) -> str:
        """The text that reads a parameter of the network."""

    def table(self, table: Table, arguments: list[str]) -> str:
        """The text that reads a function of time."""

    def random(self, site: RandomSite, arguments: list[str]) -> str:
        """The text that draws a random number."""


def literal(value: float | int | bool, dtype: str) -> str:
    """A constant.

    Raises
    ------
    NotInGenn
        GeNN cuts whole numbers in code to 32 bits.
    """
    if not is_float(dtype) and not -(2**31) < value < 2**31:
        raise NotInGenn(f"the number {value}, which needs 64 bits")
    return GENN.literal(value, dtype)


class GennCode:
    """The code of one kernel.

    Parameters
    ----------
    kernel : Kernel
    names : Names
    number : callable
        Numbers temporaries, each another one within a code string.

    Attributes
    ----------
    lines : list of str
        Statements that compute what `stores` and `value` refer to.
    """

    def __init__(self, kernel: Kernel, names: Names, number: Callable[[], int]) -> None:
        self.kernel = kernel
        self.lines: list[str] = []
        self._names = names
        self._number = number
        self._texts: dict[int, str] = {}
        self._temporaries: set[str] = set()
        self._named = Named(kernel, _NAMED)

    def statements(self, stores: list[Store]) -> tuple[list[str], list[str]]:
        """Assignments: the statements that compute all values, and those that store them."""
        values = [self._temporary(store.value, self.value(store.value)) for store in stores]
        computed, self.lines = self.lines, []
        stored = []
        for store, text in zip(stores, values, strict=True):
            access = self.kernel.accesses[store.name]
            place = self._names.variable(access)
            if GENN_TYPE[access.dtype] != GENN_TYPE[store.value.dtype]:
                text = f"({GENN_TYPE[access.dtype]}){text}"
            stored.append(f"{place} = {text};")
        return computed, stored

    def value(self, node: Expr) -> str:
        """The text of an expression; what it needs is added to `lines`."""
        for below in ex.walk([node], lambda one: one.serial in self._texts):
            text = self._compute(below)
            if below.op not in ("const", "load", "param") and self._named.has(below):
                text = self._temporary(below, text)
            self._texts[below.serial] = text
        return self._texts[node.serial]

    def _temporary(self, node: Expr, text: str) -> str:
        if text in self._temporaries:
            return text
        name = f"tmp{self._number()}"
        self._temporaries.add(name)
        self.lines.append(f"const {GENN_TYPE[node.dtype]} {name} = {text};")
        return name

    def _compute(self, node: Expr) -> str:
        if node.op == "const":
            return literal(node.attr, node.dtype)
        if node.op == "load":
            access = self.kernel.accesses[node.attr]
            text = self._names.variable(access)
            if GENN_TYPE[access.dtype] != GENN_TYPE[node.dtype]:
                return f"(({GENN_TYPE[node.dtype]}){text})"
            return text
        if node.op == "param":
            return self._names.param(node.attr, node.dtype)
        if node.op == "user":
            raise NotInGenn(f"the C++ function '{node.attr.name}'")
        args = [self._texts[arg.serial] for arg in node.args]
        if operator := GENN.infix.get(node.op):
            return f"({args[0]} {operator} {args[1]})"
        match node.op:
            case "neg":
                return f"(-{args[0]})"
            case "not":
                return f"(!{args[0]})"
            case "cast":
                return f"(({GENN_TYPE[node.dtype]}){args[0]})"
            case "select":
                return f"({args[0]} ? {args[1]} : {args[2]})"
            case "random":
                return f"(({GENN_TYPE[node.dtype]}){self._names.random(node.attr, args)})"
            case "table":
                return self._names.table(node.attr, args)
            case "pow" if is_float(node.dtype):
                exponent = node.args[1]
                if not is_float(exponent.dtype):
                    args[1] = f"(({GENN_TYPE[node.dtype]}){args[1]})"
                return f"pow({args[0]}, {args[1]})"
            case "mod" | "floordiv":
                return self._division(node, args)
            case "call":
                return self._call(node, args)
        raise NotInGenn(f"'{node.op}' of {node.dtype} numbers")

    def _once(self, node: Expr, text: str) -> str:
        """A short text for an operand that is used several times."""
        return text if text.isidentifier() else self._temporary(node, text)

    def _division(self, node: Expr, args: list[str]) -> str:
        """Python's ``%`` and ``//``; for integers, 0 by 0, as NumPy and Brian have it."""
        x, y = (self._once(a, text) for a, text in zip(node.args, args, strict=True))
        zero, one = literal(0, node.dtype), literal(1, node.dtype)
        if is_float(node.dtype):
            rest = self._temporary(node, f"fmod({x}, {y})")
        else:
            special = f"({y} == {zero} || {y} == {literal(-1, node.dtype)})"
            rest = self._temporary(node, f"({special} ? {zero} : ({x} % {y}))")
        other_sign = f"({rest} != {zero} && (({rest} < {zero}) != ({y} < {zero})))"
        if is_float(node.dtype):  # as NumPy does it, see brian2genn_modulo.h
            if node.op == "mod":
                signed = f"({other_sign} ? {rest} + {y} : {rest})"
                return f"({rest} == {zero} ? copysign({zero}, {y}) : {signed})"
            whole = f"({x} - {rest}) / {y} - ({other_sign} ? {one} : {zero})"
            whole = self._temporary(node, f"({whole})")
            above = f"({whole} - floor({whole}) > {literal(0.5, node.dtype)} ? {one} : {zero})"
            small = f"copysign({zero}, {x} / {y})"
            quotient = f"({whole} == {zero} ? {small} : floor({whole}) + {above})"
            return f"({y} == {zero} ? {x} / {y} : {quotient})"
        if node.op == "mod":
            return f"({rest} + ({other_sign} ? {y} : {zero}))"
        quotient = f"(({x} - {rest}) / {y} - ({other_sign} ? {one} : {zero}))"
        return f"({y} == {zero} ? {zero} : {quotient})"

    def _call(self, node: Expr, args: list[str]) -> str:
        name, dtype = str(node.attr), node.dtype
        if name in _FUNCTIONS:
            return f"{name}({', '.join(args)})"
        if name == "abs" and is_float(dtype):
            return f"fabs({args[0]})"
        given = [self._once(a, text) for a, text in zip(node.args, args, strict=True)]
        x, zero, one = given[0], literal(0, dtype), literal(1, dtype)
        if name == "abs":
            return f"({x} < {zero} ? -{x} : {x})"
        if name == "sign":
            return f"({x} > {zero} ? {one} : ({x} < {zero} ? {literal(-1, dtype)} : {zero}))"
        if name == "clip":
            raised = self._temporary(node, f"({x} < {given[1]} ? {given[1]} : {x})")
            return f"({raised} > {given[2]} ? {given[2]} : {raised})"
        if name in ("exprel", "inverse_exprel"):
            tiny = literal(1e-16, dtype)
            large = literal(93.0 if dtype == FLOAT32 else 717.0, dtype)
            # expm1(x) / x overflows to what exp(x) is there, and must not become NaN
            if name == "exprel":
                quotient = f"({x} > {large} ? exp({x}) : expm1({x}) / {x})"
            else:
                quotient = f"({x} > {large} ? {zero} : {x} / expm1({x}))"
            return f"(fabs({x}) < {tiny} ? {one} : {quotient})"
        raise NotInGenn(f"the function '{name}'")


def draws(kernel: Kernel) -> bool:
    """Whether a kernel draws random numbers."""
    return any(node.op == "random" for node in ex.walk(kernel.roots()))


def whole(text: str, dtype: str) -> str:
    """A whole number that is held as a floating point number, as an integer."""
    return f"(({GENN_TYPE[dtype if dtype in (INT32, INT64) else INT64]}){text})"
