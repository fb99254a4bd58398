"""What is asked for while nobody writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Reading:
    """A memory that tells whoever only reads from whoever may write."""

    def __init__(self) -> None:
        self._only_reading = False

    @contextmanager
    def only_reading(self) -> Iterator[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        before, self._only_reading = self._only_reading, True
        try:
            yield
        finally:
            self._only_reading = before
