"""Brian's expression strings as typed expressions.

Brian has checked syntax and units already; here its strings become graphs.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT32, FLOAT64, INT32, INT64, is_float, is_integer, promote
from ..model.expr import Expr
from .doubles import Doubles

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div",
    ast.FloorDiv: "floordiv", ast.Mod: "mod", ast.Pow: "pow",
}  # fmt: skip
#: What Python computes for an operator.
_PYTHON: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Not: operator.not_,
}  # fmt: skip
#: Operations that are the same with a whole number and with the float of its value.
_OF_FLOATS = frozenset(("add", "sub", "mul", "div"))
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip

#: Brian's functions of one float that C has too, by Brian's name.
FLOAT_FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "exp": "exp", "log": "log", "log10": "log10", "expm1": "expm1", "log1p": "log1p",
    "exprel": "exprel", "sqrt": "sqrt", "ceil": "ceil", "floor": "floor",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan",
}  # fmt: skip


#: What Python does to whole numbers.
_WHOLE: dict[str, Callable[[int, int], int]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "pow": operator.pow,
    "floordiv": operator.floordiv, "mod": operator.mod,
}  # fmt: skip


#: Larger powers of whole numbers may have no floating point number.
_MOST_BITS = 1000


class Unsupported(Exception):
    """The compiler cannot take this; Brian will run the object instead."""


def _acts(value: Expr) -> bool:
    """Whether it matters that this is computed: it draws a number, or a function does something."""
    return any(
        node.op == "random" or (node.op == "user" and not node.attr.stateless)
        for node in ex.walk([value])
    )


class ExpressionReader:
    """Turns expression strings into graphs.

    Parameters
    ----------
    lookup : callable
        From an identifier to its expression.
    function : callable
        From a function's name and arguments to an expression, or ``None``
        where the name is one of Brian's own functions.
    float_dtype : str
        Brian's ``core.default_float_dtype``: the type of literals and results.
    literal : callable, optional
        From a floating point number in the text to its expression, where that should not be a
        constant of the program.
    parameter : callable, optional
        From the name of a whole number of the script and a type to a parameter of this type; None
        if it is none, or may not be one.
    """

    def __init__(
        self,
        lookup: Callable[[str], Expr],
        function: Callable[[str, list[Expr]], Expr | None],
        float_dtype: str = FLOAT64,
        literal: Callable[[float], Expr] | None = None,
        parameter: Callable[[str, str], Expr | None] | None = None,
    ) -> None:
        self.lookup = lookup
        self.function = function
        self.float_dtype = float_dtype
        self.literal = literal
        self.parameter = parameter
        #: whole numbers that are made of nothing but literals and numbers of the script
        self._python_integers: set[int] = set()
        self._root: ast.expr = ast.Constant(0)
        #: the values of the nodes of the text that is read that are known from literals alone
        self._literals: dict[int, float] = {}
        self._doubles = Doubles()
        #: whether the text that was read last has whole numbers of more than 64 bits
        self._has_large = False

    def read(self, text: str) -> Expr:
        """The expression written in `text`."""
        self._has_large = False
        root = ast.parse(text.strip(), mode="eval").body
        # a name may be a subexpression, which is read within this
        before, self._literals = self._literals, {}
        try:
            value = self._graph(root)
        finally:
            self._literals = before
        self._root = root
        return value

    def with_parameter(self, value: Expr, dtype: str) -> Expr:
        """`value`, read last, as a parameter if it is nothing but a whole number of the script.

        Parameters
        ----------
        value : Expr
        dtype : str
            The type of the variable that it is given to, or added to.
        """
        return self._parameter(self._root, value, dtype)

    def _graph(self, root: ast.expr) -> Expr:
        """The expression of a syntax tree, which may be deep: a long sum is."""
        waiting = [(root, False)]
        values: list[Expr] = []
        while waiting:
            node, has_operands = waiting.pop()
            node = self._with_sign(node)
            operands = self._operands(node)
            if has_operands:
                first = len(values) - len(operands)
                args = values[first:]
                del values[first:]
                values.append(self._node(node, args))
            else:
                waiting.append((node, True))
                waiting.extend((operand, False) for operand in reversed(operands))
        (value,) = values
        return value

    def _with_sign(self, node: ast.expr) -> ast.expr:
        """A literal with its sign, where it is not known what becomes of it; others as they are."""
        match node:
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=float() as number)) if (
                self.literal
            ):
                return ast.Constant(-number)
        return node

    def _operands(self, node: ast.expr) -> list[ast.expr]:
        """What has to be read before `_node` can make an expression of `node`."""
        match node:
            case ast.Constant() | ast.Name():
                return []
            case ast.BinOp():
                return [node.left, node.right]
            case ast.UnaryOp():
                return [node.operand]
            case ast.BoolOp():
                return node.values
            case ast.Compare() if len(node.ops) == 1:
                return [node.left, node.comparators[0]]
            case ast.Call() if isinstance(node.func, ast.Name) and not node.keywords:
                return node.args
        raise Unsupported(f"the syntax of '{ast.unparse(node)}'")

    def _node(self, node: ast.expr, args: list[Expr]) -> Expr:
        """The expression of a node whose operands are `args`."""
        match node:
            case ast.Constant():
                constant = self._constant(node.value)
                assert isinstance(node.value, bool | int | float)  # it takes nothing else
                self._literals[id(node)] = node.value
                return constant
            case ast.Name():
                return self.lookup(node.id)
            case ast.BinOp():
                op = _BINARY[type(node.op)]
                known = self._of_literals(op, node, args)
                if known is not None:
                    return known
                if op in _OF_FLOATS:
                    args = self._with_parameters([node.left, node.right], args)
                return self.binary(op, *args)
            case ast.UnaryOp():
                if id(node.operand) in self._literals:
                    self._literals[id(node)] = _PYTHON[type(node.op)](
                        self._literals[id(node.operand)]
                    )
                return self._unary(node.op, args[0])
            case ast.BoolOp():
                name = "and" if isinstance(node.op, ast.And) else "or"
                if any(value.dtype != BOOL for value in args):
                    # Brian refuses it, in its own words
                    raise Unsupported(f"'{name}' of what is no boolean")
                result = args[0]
                for value in args[1:]:
                    result = ex.logical(name, result, value)
                return result
            case ast.Compare():
                args = self._with_parameters([node.left, node.comparators[0]], args)
                return self.compare(_COMPARE[type(node.ops[0])], *args)
        assert isinstance(node, ast.Call)
        assert isinstance(node.func, ast.Name)
        return self._call(node.func.id, args)

    def _of_literals(self, op: str, node: ast.BinOp, args: list[Expr]) -> Expr | None:
        """What Brian knows from literals alone, whatever the variables are; None if nothing.

        Its targets are given ``0`` for ``0*x`` and ``0/x``, also where ``x`` is no number, and for
        a whole number to a negative power, which it takes for whole.
        """
        left, right = args
        values = [self._literals.get(id(one)) for one in (node.left, node.right)]
        if values[0] is not None and values[1] is not None:
            self._literals[id(node)] = self._value_of_literals(node.op, values[0], values[1])
            whole = all(arg.op == "const" and is_integer(arg.dtype) for arg in args)
            if op == "pow" and whole and left.attr != 0 and right.attr < 0:
                return ex.const(int(float(left.attr) ** right.attr))
            return self.binary(op, left, right)
        # (False is no zero: Brian converts it)
        zero = [value is not None and not isinstance(value, bool) and value == 0
                for value in values]  # fmt: skip
        if not ((zero[0] and op in ("mul", "div", "floordiv")) or (zero[1] and op == "mul")):
            return None
        result = self.binary(op, left, right)
        # (what draws or calls has to be computed)
        if _acts(left) or _acts(right):
            return None
        self._literals[id(node)] = 0
        return ex.const(0, result.dtype)

    def _value_of_literals(self, op: ast.operator, left: float, right: float) -> float:
        """As Brian evaluates it: in Python, then of the type; NaN if that is an error."""
        try:
            value = _PYTHON[type(op)](left, right)
        except ArithmeticError:
            return math.nan
        if isinstance(value, complex):
            return math.nan
        if isinstance(left, int) and isinstance(right, int) and not isinstance(op, ast.Div):
            return int(value)  # also where a power is none
        with np.errstate(over="ignore"):  # infinite in single precision
            return float(np.dtype(self.float_dtype).type(value))

    def _with_parameters(self, nodes: list[ast.expr], args: list[Expr]) -> list[Expr]:
        """Two operands, of which a whole number of the script beside a variable is a parameter.

        As it is converted anyway, programs of networks with other such numbers are the same.
        """
        pairs = zip(nodes, args, reversed(args), strict=True)
        return [self._parameter(node, arg, other.dtype) if not self._is_python_integer(other)
                else arg for node, arg, other in pairs]  # fmt: skip

    def _parameter(self, node: ast.expr, arg: Expr, beside: str) -> Expr:
        """An operand as a parameter of the type that it has beside a value of type `beside`."""
        if self.parameter is None or arg.op != "const" or not is_integer(arg.dtype):
            return arg
        if not (is_float(beside) or is_integer(beside)):
            return arg
        dtype = self.float_dtype if is_float(beside) else arg.dtype
        match node:
            case ast.Name():
                return self.parameter(node.id, dtype) or arg
            case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=name)):
                found = self.parameter(name, dtype)
                return arg if found is None else ex.make("neg", (found,), dtype=dtype)
        return arg

    def _unary(self, op: ast.unaryop, value: Expr) -> Expr:
        if isinstance(op, ast.Not):
            return ex.logical("not", value)
        if isinstance(op, ast.UAdd):
            return value
        if value.op == "const" and value.dtype != BOOL:
            return ex.const(-value.attr, value.dtype if is_float(value.dtype) else None)
        value = self._widened(value)
        dtype = promote(value.dtype, value.dtype)
        return self._noted(ex.make("neg", (ex.cast(value, dtype),), dtype=dtype), value)

    def _is_python_integer(self, value: Expr) -> bool:
        """Whether Brian computes with this as a Python integer, which has no size."""
        if is_float(value.dtype):
            return False
        return value.op in ("const", "param") or value.serial in self._python_integers

    def _noted(self, result: Expr, *operands: Expr) -> Expr:
        """The same, known to be a Python integer if it is made of nothing else."""
        if all(map(self._is_python_integer, operands)) and not is_float(result.dtype):
            self._python_integers.add(result.serial)
        return result

    def may_be_too_large(self, value: Expr, dtype: str) -> bool:
        """Whether a Python integer may not fit into a variable of this type: Brian then says so.

        Parameters
        ----------
        value : Expr
            What was read last, or a part of it.
        dtype : str
            The variable's type.
        """
        if not np.issubdtype(dtype, np.integer):
            return False
        if self._has_large:
            return True
        if value.op != "const" or not math.isfinite(value.attr):
            return False
        # a float may stand for a whole number that was too large for others
        limits = np.iinfo(INT64 if is_float(value.dtype) else dtype)
        return not limits.min <= int(value.attr) <= limits.max

    def _whole(self, value: int) -> Expr:
        """A whole number; beyond 64 bits, the nearest floating point number, as in Brian."""
        if -(2**63) <= value < 2**63:
            return ex.const(value)
        self._has_large = True
        try:
            return ex.const(float(value))
        except OverflowError:
            raise Unsupported("a whole number that is too large for a float") from None

    def _widened(self, value: Expr) -> Expr:
        """A Python integer with as many bits as there are; others as they are."""
        if value.op == "const" or not self._is_python_integer(value):
            return value
        return self._noted(ex.cast(value, INT64), value)

    def _exact(self, op: str, left: Expr, right: Expr) -> Expr | None:
        """What Python makes of two whole numbers, whatever its size; None if that is not known."""
        if any(arg.op != "const" or is_float(arg.dtype) for arg in (left, right)):
            return None
        a, b = int(left.attr), int(right.attr)
        if op == "pow" and b < 0:
            return None
        if op == "pow" and abs(a) > 1 and a.bit_length() * b > _MOST_BITS:
            # 64 bits would make 0 of it; Brian says what does not fit.
            raise Unsupported(f"the whole number {a}**{b}, which is too large")
        if op in ("floordiv", "mod") and b == 0:
            return None
        if op not in _WHOLE:
            return None
        return self._whole(_WHOLE[op](a, b))

    def _constant(self, value: object) -> Expr:
        if isinstance(value, bool):
            return ex.const(value)
        if isinstance(value, int):
            return self._whole(value)
        if isinstance(value, float):
            return self.literal(value) if self.literal else ex.const(value, self.float_dtype)
        raise Unsupported(f"the literal {value!r}")

    def as_float(self, value: Expr) -> Expr:
        """`value` as a float of at least the default width."""
        return value if is_float(value.dtype) else ex.cast(value, self.float_dtype)

    def binary(self, op: str, left: Expr, right: Expr) -> Expr:
        """An arithmetic operation with Brian's (Python's) meaning of the operators."""
        exact = self._exact(op, left, right)
        if exact is not None:
            return exact
        if self._is_python_integer(left) and self._is_python_integer(right):
            left, right = (self._noted(ex.cast(value, INT64), value) for value in (left, right))
        if op == "div":
            left, right = self.as_float(left), self.as_float(right)
        elif op == "pow":
            small = right.op == "const" and is_integer(right.dtype) and right.attr >= 0
            if not is_float(left.dtype) and not (is_integer(right.dtype) and small):
                left = self.as_float(left)
            if is_float(left.dtype) and right.op == "const" and is_integer(right.dtype):
                # keep integer exponents visible: they become products
                return ex.make("pow", (left, right), dtype=left.dtype)
        elif op in ("mod", "floordiv") and (wide := self._doubles.both(left, right)):
            result = ex.binary(op, *wide)
            is_double = FLOAT64 in (left.dtype, right.dtype)
            return result if is_double else self._doubles.rounded(result)
        return self._noted(ex.binary(op, left, right), left, right)

    def updated(self, op: str, left: Expr, value: Expr) -> Expr:
        """A variable after ``+=`` and the like, with `value` that was read last."""
        if op in _OF_FLOATS and not self._is_python_integer(left):
            value = self.with_parameter(value, left.dtype)
        return self.binary(op, left, value)

    def compare(self, op: str, left: Expr, right: Expr) -> Expr:
        """A comparison."""
        return ex.compare(op, *(self._doubles.both(left, right) or (left, right)))

    def _call(self, name: str, args: list[Expr]) -> Expr:
        user = self.function(name, args)
        if user is not None:
            return user
        return self.builtin(name, args)

    def builtin(self, name: str, args: list[Expr]) -> Expr:
        """A call of one of Brian's own functions."""
        if name in FLOAT_FUNCTIONS:
            (value,) = args
            value = self.as_float(value)
            if name in ("floor", "ceil") and (wide := self._doubles.of(value)):
                return self._doubles.rounded(ex.call(FLOAT_FUNCTIONS[name], [wide], FLOAT64))
            return ex.call(FLOAT_FUNCTIONS[name], [value], value.dtype)
        if name == "int":
            (value,) = args
            value = self._doubles.of(value) or value
            if value.op == "const" and math.isfinite(value.attr) and abs(value.attr) < 2**63:
                return ex.const(int(value.attr))
            return ex.cast(value, INT64 if value.op == "param" else INT32)
        if name in ("abs", "sign"):
            args = [self._widened(args[0])]
            if name == "abs" and args[0].op == "const" and not is_float(args[0].dtype):
                return ex.const(abs(int(args[0].attr)))
            dtype = promote(args[0].dtype, args[0].dtype)
            if name == "sign" and (wide := self._doubles.of(args[0])):
                return self._doubles.rounded(ex.call(name, [wide], FLOAT64))
            return ex.call(name, [ex.cast(args[0], dtype)], dtype)
        if name == "clip":
            value, low, high = args
            dtype = promote(promote(value.dtype, low.dtype), high.dtype)
            return ex.call("clip", [ex.cast(arg, dtype) for arg in args], dtype)
        if name == "timestep":
            return timestep(*(self._doubles.of(arg) or arg for arg in args))
        raise Unsupported(f"the function '{name}'")


def timestep(t: Expr, dt: Expr) -> Expr:
    """Brian's ``timestep``: the whole number of steps in `t`, a little rounded up."""
    t, dt = ex.cast(t, FLOAT64), ex.cast(dt, FLOAT64)
    shifted = ex.binary("add", t, ex.binary("mul", ex.const(1e-3), dt))
    steps = ex.call("trunc", [ex.binary("div", shifted, dt)], FLOAT64)
    return ex.cast(steps, INT64)


def float_name(dtype: object) -> str:
    """The model's name of Brian's default float type."""
    return FLOAT32 if str(dtype) == "float32" else FLOAT64
