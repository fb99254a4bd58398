"""Names, types and numbers as C text."""

from __future__ import annotations

import math

from ...model.dtypes import BOOL, C_TYPE, FLOAT32, INT64, is_float


def value_type(dtype: str) -> str:
    """The C type that a value of type `dtype` has in a computation."""
    return "bool" if dtype == BOOL else C_TYPE[dtype]


def c_name(name: str) -> str:
    """The C variable that holds the value of a Brian variable.

    As in Brian, the underscore at the end marks a value without units.  No
    keyword, macro, function or variable of a template ends like this, and Brian
    lets no variable do so.
    """
    return f"{name}_"


def literal(value: float | int | bool, dtype: str) -> str:
    """A constant as C text that reads back exactly."""
    if dtype == BOOL:
        return "true" if value else "false"
    if not is_float(dtype):
        text = f"INT64_C({value})" if dtype == INT64 else str(value)
        return f"({text})" if value < 0 else text
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    text = repr(float(value))
    if "." not in text and "e" not in text:
        text += ".0"
    text += "f" if dtype == FLOAT32 else ""
    return f"({text})" if text.startswith("-") else text


def pointer(array: str) -> str:
    """The C name of the pointer to an array."""
    return f"_array_{array}"
