"""Runs in this process, one after the other: to look into them, and within other runs."""

from __future__ import annotations

from contextlib import ExitStack

from ..grid import Run
from ..sending import Order
from ..work import Answer, Task, execute, in_this_process
from .interface import Outcome


class SerialEngine:
    """Executes a run when it is submitted."""

    def __init__(self, order: Order) -> None:
        self._answers: list[Outcome] = []
        self._around = ExitStack()
        self._parcel = self._around.enter_context(in_this_process(order))

    def has_room(self) -> bool:
        return not self._answers

    def submit(self, run: Run) -> None:
        answer: Answer = execute(self._parcel, Task.of(run))
        self._answers.append(answer)

    def collect(self, seconds: float) -> list[Outcome]:
        found, self._answers = self._answers, []
        return found

    def close(self, at_once: bool) -> None:
        self._around.close()
