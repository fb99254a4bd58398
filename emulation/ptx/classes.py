"""Which part of a GPU executes an instruction."""

from __future__ import annotations

from .instructions import Parts

#: The classes, in the order in which they are shown.
CLASSES = (
    "fp64",
    "fp32",
    "integer",
    "memory",
    "atomics",
    "special",
    "division",
    "control",
    "moves",
)

_MOVES = {"mov", "cvta", "mapa"}
_CONTROL = {"bra", "ret", "exit", "call", "bar", "barrier", "membar", "fence", "nanosleep", "trap"}
_SPECIAL = {
    "ex2",
    "lg2",
    "sin",
    "cos",
    "tanh",
    "rsqrt",
    "popc",
    "clz",
    "bfind",
    "brev",
    "vote",
    "shfl",
}


def instruction_class(parts: Parts) -> str:
    """The class of an instruction.

    ``special`` is what a quarter or less of the usual number of units executes: approximations,
    conversions to and from floating point numbers, bit counts, and what the threads of a warp do
    together. ``division`` are divisions and roots, which the assembler makes many instructions of.
    ``moves`` are copies of registers, loads of constants and parameters: the assembler leaves few
    of them.
    """
    name, kind = parts.name, parts.kind
    if name in ("ld", "st"):
        outside = {"const", "param"} & set(parts.modifiers)
        return "moves" if outside else "memory"
    if name in ("atom", "red"):
        return "atomics"
    if name in _CONTROL:
        return "control"
    if name in _MOVES:
        return "moves"
    if name in ("div", "rem", "sqrt") or (name == "rcp" and "rn" in parts.modifiers):
        return "division"
    if name in _SPECIAL or name == "rcp":
        return "special"
    if name == "cvt":
        types = (kind, parts.modifiers[-1])
        return "special" if any(one.startswith("f") for one in types) else "integer"
    return {"f64": "fp64", "f32": "fp32"}.get(kind, "integer")
