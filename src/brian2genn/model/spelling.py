"""Messages about names that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The known name nearest to `name`, as a question with a space ahead; empty if none is near."""
    lower = {candidate.lower(): candidate for candidate in known}
    nearest = get_close_matches(str(name).lower(), lower, n=1, cutoff=0.6)
    return f" Did you mean '{lower[nearest[0]]}'?" if nearest else ""


def listed(names: Iterable[str]) -> str:
    """Names in quotes, with commas between them."""
    return ", ".join(f"'{name}'" for name in sorted(names))
