"""Operands of PTX instructions as C++ expressions."""

from __future__ import annotations

import re
from collections.abc import Container

from .parse import UnknownPtx

#: From PTX's types, without the dot, to those of C++.
CTYPES = {
    **{f"{kind}{8 * n}": f"uint{8 * n}_t" for kind in "ub" for n in (1, 2, 4, 8)},
    **{f"s{8 * n}": f"int{8 * n}_t" for n in (1, 2, 4, 8)},
    "f32": "float",
    "f64": "double",
    "pred": "bool",
}

_SPECIAL = {
    **{f"%tid.{axis}": f"threadIdx.{axis}" for axis in "xyz"},
    **{f"%ntid.{axis}": f"blockDim.{axis}" for axis in "xyz"},
    **{f"%ctaid.{axis}": f"blockIdx.{axis}" for axis in "xyz"},
    **{f"%nctaid.{axis}": f"gridDim.{axis}" for axis in "xyz"},
    "%laneid": "ptx_lane()",
    "WARP_SZ": "32u",
}
_ADDRESS = re.compile(r"\[\s*(?P<base>[%\w$]+)\s*(?:\+\s*(?P<offset>-?\d+))?\s*\]")


def size_of(kind: str) -> int:
    """How many bytes a value of a PTX type takes in memory."""
    return int(kind[1:]) // 8


def is_float(kind: str) -> bool:
    """Whether a PTX type is one of floating point numbers."""
    return kind in ("f32", "f64")


def local_name(register: str) -> str:
    """The C++ name of a register."""
    return "r_" + register.lstrip("%").replace("$", "_")


def time_name(register: str) -> str:
    """The C++ name of the time from which a register's value is there."""
    return "t_" + local_name(register)


def label_name(label: str) -> str:
    """The C++ name of a label."""
    return "l_" + label.replace("$", "_")


def global_name(name: str) -> str:
    """The C++ name of a function or a variable: its own, as others look for it."""
    return name.replace("$", "_")


def is_register(operand: str) -> bool:
    """Whether an operand is a register and not one of the hardware's."""
    return operand not in _SPECIAL and bool(re.fullmatch(r"%\w+|\w*temp_param_reg", operand))


def value(operand: str, kind: str, shared: frozenset[str] = frozenset()) -> str:
    """An operand as a C++ expression of a PTX type.

    Variables in `shared` memory have addresses that count from its beginning.
    """
    ctype = CTYPES[kind]
    if operand in _SPECIAL:
        return f"ptx_get<{ctype}>((uint32_t){_SPECIAL[operand]})"
    if is_register(operand):
        return f"ptx_get<{ctype}>({local_name(operand)})"
    if match := re.fullmatch(r"0[dD]([0-9A-Fa-f]{16})", operand):
        return f"ptx_get<{ctype}>(ptx_cast<double>((uint64_t)0x{match[1]}ull))"
    if match := re.fullmatch(r"0[fF]([0-9A-Fa-f]{8})", operand):
        return f"ptx_get<{ctype}>(ptx_cast<float>((uint32_t)0x{match[1]}u))"
    if match := re.fullmatch(r"(-?)(0[xX][0-9A-Fa-f]+|\d+)U?", operand):
        number = int(match[2], 0) * (-1 if match[1] else 1)
        if kind == "pred":
            return "true" if number else "false"
        if is_float(kind):
            raise UnknownPtx(f"the integer {operand} where a floating point number is expected")
        return f"({ctype}){number % (1 << 64)}ull"
    if match := re.fullmatch(r"([A-Za-z_$][\w$]*)(?:\+(\d+))?", operand):
        place = f"(uint64_t)(uintptr_t)&{global_name(match[1])}"
        if match[1] in shared:
            place = f"{place} - PTX_SHARED_BEGIN"
        return f"ptx_get<{ctype}>({place} + {match[2] or 0})"
    raise UnknownPtx(f"the operand '{operand}'")


def address(operand: str, space: str, names: Container[str]) -> tuple[str, str]:
    """The address in brackets as a C++ expression, and the variable it is in, if it says so.

    Parameters
    ----------
    operand : str
    space : str
        The state space of the instruction.
    names : container of str
        The variables and parameters that can be seen.
    """
    match = _ADDRESS.fullmatch(operand)
    if match is None:
        raise UnknownPtx(f"the address '{operand}'")
    base, offset = match["base"], int(match["offset"] or 0)
    if is_register(base):
        begin = "PTX_SHARED_BEGIN + " if space == "shared" else ""
        return f"({begin}{local_name(base)} + (int64_t){offset})", ""
    if base not in names:
        raise UnknownPtx(f"the address of '{base}', which was not declared")
    return f"((uint64_t)(uintptr_t)&{global_name(base)} + (int64_t){offset})", base


def vector(operand: str) -> list[str]:
    """The parts of ``{a, b}``, or the operand alone."""
    if operand.startswith("{"):
        return [part.strip() for part in operand[1:-1].split(",")]
    return [operand]
