"""What the dialects of C that programs are written in call types, operators and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..model.dtypes import BOOL, FLOAT32, INT64, is_float

#: Operators that all dialects write in the same way.
_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">",
    "ge": ">=", "eq": "==", "ne": "!=",
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """The words of a dialect.

    Attributes
    ----------
    types : mapping
        From types of the model to those of values in a computation.
    conjunction, disjunction : str
        The operators of logic.
    int64 : callable
        A whole number of 64 bits as text.
    infinity : mapping
        From types of floating point numbers to a positive infinite number.
    nan : mapping
        The same for what is no number.
    """

    types: Mapping[str, str]
    conjunction: str
    disjunction: str
    int64: Callable[[int], str]
    infinity: Mapping[str, str]
    nan: Mapping[str, str]

    @cached_property
    def infix(self) -> dict[str, str]:
        """From operations of the model to operators between two operands."""
        return _INFIX | {"and": self.conjunction, "or": self.disjunction}

    def literal(self, value: float | int | bool, dtype: str) -> str:
        """A constant as text that reads back exactly, in brackets if it has a sign."""
        if dtype == BOOL:
            return "true" if value else "false"
        if dtype == INT64:
            return self.int64(int(value))
        if not is_float(dtype):
            return signed(str(value), value < 0)
        if math.isnan(value):
            return self.nan[dtype]
        if math.isinf(value):
            return signed(("-" if value < 0 else "") + self.infinity[dtype], value < 0)
        text = repr(float(value))
        if "." not in text and "e" not in text:
            text += ".0"
        text += "f" if dtype == FLOAT32 else ""
        return signed(text, math.copysign(1, value) < 0)


def signed(text: str, is_negative: bool) -> str:
    """A number in brackets if it is negative."""
    return f"({text})" if is_negative else text
