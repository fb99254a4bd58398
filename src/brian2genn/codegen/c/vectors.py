"""Which functions of a program loops may call for several elements at once."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

#: Functions of our header that are exponentials.
EXPONENTIALS = frozenset(("exp", "expm1", "exprel", "inverse_exprel"))

#: Functions of the C library that have vector versions.
_IN_VECTORS = frozenset(
    (
        "exp", "expm1", "log", "log1p", "log10", "pow", "sin", "cos", "tan", "sinh", "cosh", "tanh",
        "asin", "acos", "atan",
    )
)  # fmt: skip

#: What functions of our header call.
_CALLED_BY = {"exprel": "expm1", "inverse_exprel": "expm1"}


def called_in_vectors(functions: AbstractSet[str]) -> list[str]:
    """Functions of the C library that a program calls, and that loops may have in vectors."""
    return sorted({_CALLED_BY.get(name, name) for name in functions} & _IN_VECTORS)
