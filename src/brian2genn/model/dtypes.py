"""Number types of the model and their promotion rules.

Types are named as NumPy names them.  Promotion follows C where C and NumPy
agree for the values that occur in Brian models: ``int32`` stays ``int32``,
any float wins over any integer, ``float64`` wins over ``float32``.
"""

from __future__ import annotations

BOOL = "bool"
INT32 = "int32"
INT64 = "int64"
FLOAT32 = "float32"
FLOAT64 = "float64"

FLOATS = (FLOAT32, FLOAT64)
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")

#: The C type that stores one element of an array of a given type.
C_TYPE = {
    BOOL: "uint8_t",
    FLOAT32: "float",
    FLOAT64: "double",
    **{name: f"{name}_t" for name in INTEGERS},
}


def is_float(dtype: str) -> bool:
    """Whether `dtype` is a floating point type."""
    return dtype in FLOATS


def is_integer(dtype: str) -> bool:
    """Whether `dtype` is an integer type (``bool`` is not)."""
    return dtype in INTEGERS


def arithmetic(dtype: str) -> str:
    """The type in which a value of type `dtype` takes part in arithmetic."""
    if is_float(dtype) or dtype in (INT64, "uint64"):
        return INT64 if dtype == "uint64" else dtype
    return INT64 if dtype == "uint32" else INT32


def promote(first: str, second: str) -> str:
    """The type of ``first + second``."""
    first, second = arithmetic(first), arithmetic(second)
    for candidate in (FLOAT64, FLOAT32, INT64):
        if candidate in (first, second):
            return candidate
    return INT32
