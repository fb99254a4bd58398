"""Which functions of a program's text loops may call for several elements at once."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Calls of our header's functions that are exponentials.
EXPONENTIAL = re.compile(r"\bb2g_(?:inverse_)?exp\w*\(")

#: Calls of functions that have vector versions; a letter behind them says that of a float.
_IN_VECTORS = re.compile(
    r"\b(?:(log|sin|cos|pow|log1p|log10|tan|sinh|cosh|tanh|asin|acos|atan)f?"
    r"|b2g_(exp|expm1)_f\d\d|b2g_(?:inverse_)?(exprel)_f\d\d)\("
)


def called_in_vectors(texts: Iterable[str]) -> list[str]:
    """Functions of the C library that texts call, and that loops may have in vectors."""
    found = {name for text in texts for call in _IN_VECTORS.findall(text) for name in call if name}
    return sorted({"expm1" if name == "exprel" else name for name in found})
