"""The streams of random numbers: their key, and the places in them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np


class RandomStreams:
    """From which place on the random numbers of the next run are taken.

    Attributes
    ----------
    key : int or None
        Made of the seed; None if there is none.
    step : int
        Time steps that have drawn since the seed was set.
    """

    def __init__(self) -> None:
        self.key: int | None = None
        self.step = 0
        self._setup_draws = 0

    @property
    def seeded(self) -> bool:
        """Whether the script has set a seed."""
        return self.key is not None

    def seed(self, seed: int | None) -> None:
        """Begin anew with a seed, or without one."""
        self.step = 0
        self._setup_draws = 0
        self.key = None if seed is None else _key_of(str(int(seed)))

    def run_key(self) -> int:
        """The key of a run: the seed's, or one from NumPy's generator.

        Without a seed, each run that draws takes one, so that NumPy's own seed has its effect, as
        it has in Brian (forked processes seed NumPy to be different, for example).
        """
        if self.key is not None:
            return self.key
        high, low = np.random.randint(0, 2**32, size=2, dtype=np.uint64)
        return int(high) << 32 | int(low)

    def setup_key(self) -> int:
        """A key for each piece of set-up code that draws random numbers."""
        self._setup_draws += 1
        return _key_of(f"{self.run_key()} set-up {self._setup_draws}")

    def state(self) -> tuple[Any, ...]:
        """What `put_back` needs to come to this place again."""
        return self.key, self.step, self._setup_draws

    def put_back(self, state: tuple[Any, ...]) -> None:
        """Go back to a place."""
        self.key, self.step, self._setup_draws = state


def _key_of(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little")
