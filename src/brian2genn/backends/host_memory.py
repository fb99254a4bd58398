"""The host's own arrays: for backends that work on nothing else, and who holds them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np


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

    def make_host_current(self) -> None:
        """Nothing has to be made current."""


def _references() -> int:
    """How many references are counted of an array that Brian's device alone has."""
    arrays = {"only": np.empty(0)}
    array = arrays["only"]
    return sys.getrefcount(array)


_REFERENCES = _references()


def is_kept(raw: Callable[[], np.ndarray], holders: int = 0) -> bool:
    """Whether a script has an array itself, and can use it without asking.

    Nobody can say so of memory that Brian shows by another array each time, as Brian 2.10 and
    later do with what belongs to synapses and monitors.

    Parameters
    ----------
    raw : callable
        Returns the array that Brian's device has.
    holders : int, optional
        How many references there are beside that one which are not the script's.
    """
    array = raw()
    return sys.getrefcount(array) > _REFERENCES + holders and raw() is array
