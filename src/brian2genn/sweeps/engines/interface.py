"""What a sweep asks of whoever executes its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..grid import Run
from ..work import Answer


class EngineFailed(RuntimeError):
    """No run can be executed any more."""


@dataclass(frozen=True)
class Lost:
    """A run without an answer.

    Attributes
    ----------
    run : Run
    reason : str
        What happened to its worker.
    is_culprit : bool
        Whether this run may be the reason. One that only happened to wait there is not.
    may_be_repeated : bool
        Whether another try makes sense: not if there were several.
    """

    run: Run
    reason: str
    is_culprit: bool = True
    may_be_repeated: bool = True


#: What comes back: an answer, or the news that there will be none.
Outcome = Answer | Lost


class Engine(Protocol):
    """Executes runs."""

    def has_room(self) -> bool:
        """Whether it wants another run now."""

    def submit(self, run: Run) -> None:
        """Take a run.

        Raises
        ------
        EngineFailed
        """

    def collect(self, seconds: float) -> list[Outcome]:
        """Wait for outcomes, so long at most.

        Raises
        ------
        EngineFailed
        """

    def close(self, at_once: bool) -> None:
        """Let go of everything; `at_once` gives up what is still being executed."""
