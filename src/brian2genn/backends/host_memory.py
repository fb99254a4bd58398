"""What backends have in common whose programs work on the host's own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class HostMemory:
    """There is one copy of every array, which is always current when Brian is at work."""

    def setup(self) -> None:
        """Nothing but the host's own set-up programs."""
        return None

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        return nullcontext()

    def before_access(self, variable: Any) -> None:
        """Nothing has to be made current."""

    def valid(self, variables: Sequence[Any]) -> list[bool]:
        """None: whoever wants to know looks at the arrays."""
        return [False for _ in variables]

    def exchange_kept(self) -> None:
        """Nothing has to be made current."""
