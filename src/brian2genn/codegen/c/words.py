"""Names, types and numbers as C text."""

from __future__ import annotations

from ...model.dtypes import BOOL, C_TYPE, FLOAT32, FLOAT64
from ..dialect import Dialect, signed

#: C, and CUDA; both operands of logic are computed.
C = Dialect(
    types=C_TYPE | {BOOL: "bool"},
    conjunction="&",
    disjunction="|",
    int64=lambda value: signed(f"INT64_C({value})", value < 0),
    infinity={FLOAT64: "INFINITY", FLOAT32: "INFINITY"},
    nan={FLOAT64: "NAN", FLOAT32: "NAN"},
)


def c_name(name: str) -> str:
    """The C variable that holds the value of a Brian variable.

    As in Brian, the underscore at the end marks a value without units.  No
    keyword, macro, function or variable of a template ends like this, and Brian
    lets no variable do so.
    """
    return f"{name}_"


def pointer(array: str) -> str:
    """The C name of the pointer to an array."""
    return f"_array_{array}"
