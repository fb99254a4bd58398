"""Operations of the model as C text, where it does not matter what they stand in."""

from __future__ import annotations

from ...model.dtypes import FLOAT32, FLOAT64, INT32, INT64, is_float
from ...model.expr import Expr
from ..dialect import Dialect

#: What whole numbers do modulo 2**32 or 2**64.
_WRAPPING = {"add": "+", "sub": "-", "mul": "*", "neg": "-"}

#: Functions of our header, one version for every type.
OWN_FUNCTIONS = ("sign", "clip", "exp", "expm1", "exprel", "inverse_exprel", "latest")

_SUFFIX = {FLOAT64: "_f64", FLOAT32: "_f32", INT64: "_i64"}


def operation(node: Expr, args: list[str], dialect: Dialect) -> str:
    """C text of an operation, whose operands are `args`."""
    if node.op in _WRAPPING and node.dtype in (INT32, INT64):
        # NumPy's integers wrap around; in C, those with a sign must not overflow
        whole = dialect.types[node.dtype]
        terms = [f"(u{whole}){arg}" for arg in (["0", *args] if node.op == "neg" else args)]
        return f"({whole})({terms[0]} {_WRAPPING[node.op]} {terms[1]})"
    if operator := dialect.infix.get(node.op):
        return f"{args[0]} {operator} {args[1]}"
    match node.op:
        case "neg":
            return f"-{args[0]}"
        case "not":
            return f"!{args[0]}"
        case "cast" if is_float(node.args[0].dtype) and node.dtype in (INT32, INT64):
            return f"b2g_whole{_SUFFIX.get(node.dtype, '_i32')}({args[0]})"
        case "cast":
            return f"({dialect.types[node.dtype]}){args[0]}"
        case "select":
            return f"{args[0]} ? {args[1]} : {args[2]}"
        case "pow" if is_float(node.dtype):
            return f"{_function('pow', node.dtype)}({args[0]}, {args[1]})"
        case "pow" | "mod" | "floordiv":
            return f"b2g_{node.op}{_SUFFIX.get(node.dtype, '_i32')}({', '.join(args)})"
        case "call":
            return f"{_function(node.attr, node.dtype)}({', '.join(args)})"
    raise AssertionError(f"no C text for '{node.op}'")


def _function(name: str, dtype: str) -> str:
    suffix = _SUFFIX.get(dtype, "_i32")
    if name in OWN_FUNCTIONS or (name == "abs" and not is_float(dtype)):
        return f"b2g_{name}{suffix}"
    if name == "abs":
        name = "fabs"
    return f"{name}f" if dtype == FLOAT32 else name
