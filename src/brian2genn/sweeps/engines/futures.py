"""Pools that others have made: `concurrent.futures`, loky, MPI."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from brian2.utils.logger import get_logger

from ...backends.host.threads import usable_cores
from ..grid import Run
from ..sending import Parcel
from ..work import Task, execute
from .interface import EngineFailed, Lost, Outcome

logger = get_logger("brian2.devices.genn")

#: Seconds that a run may have, beyond twice its time, before nobody waits for its worker any more:
#: before there was any answer, and what is added to the time that the first one took.
_START, _MORE = 300.0, 10.0

#: An order that is larger is not sent with each run, but to those that do not know it.
_LARGE = 100_000


class FuturesEngine:
    """A pool that somebody else has made, or knows how to make.

    Parameters
    ----------
    parcel : Parcel
    executor : Executor or callable
        A callable makes a new pool when one is broken, which those of processes are when one of
        them dies. Nobody tells which run it was. So the runs that were under way are tried again
        one by one.
    timeout : float or None
        Seconds that a run may take. The worker sees to that; if it cannot, nobody waits for it.
    """

    def __init__(
        self, parcel: Parcel, executor: Executor | Callable[[], Executor], timeout: float | None
    ) -> None:
        self._parcel, self._timeout = parcel, timeout
        self._make = None if isinstance(executor, Executor) else executor
        self._executor = executor if isinstance(executor, Executor) else _made(executor)
        self._runs: dict[Future[Any], Run] = {}
        self._began: dict[Future[Any], float] = {}
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._suspects: set[int] = set()
        self._sent = 0
        self._workers = _workers_of(self._executor)
        self._start = time.monotonic()
        #: seconds that workers may take to start; known when there is a first answer
        self._allowance = _START

    def has_room(self) -> bool:
        return len(self._runs) < (1 if self._suspects else 2 * self._workers)

    def submit(self, run: Run) -> None:
        small = len(self._parcel.data or b"") < _LARGE
        self._hand(run, with_data=small or self._sent < 2 * self._workers)
        self._sent += 1

    def _hand(self, run: Run, with_data: bool) -> None:
        parcel = self._parcel if with_data else self._parcel.without_data()
        try:
            future = self._executor.submit(execute, parcel, Task.of(run))
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        except RuntimeError as error:
            raise EngineFailed(f"The executor takes no more runs: {error}") from error
        self._runs[future] = run
        future.add_done_callback(self._done.put)

    def collect(self, seconds: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            future = self._done.get(timeout=seconds if self._timeout is None else min(seconds, 1))
            while True:
                outcomes += self._look(future)
                future = self._done.get_nowait()
        except queue.Empty:
            pass
        return outcomes + self._overdue()

    def _look(self, future: Future[Any]) -> list[Outcome]:
        run = self._runs.pop(future, None)
        self._began.pop(future, None)
        if run is None:
            return []  # nobody waits for it any more
        error = future.exception() if not future.cancelled() else RuntimeError("It was cancelled.")
        if isinstance(error, BrokenExecutor):
            return self._broken(run, error)
        was_suspect = run.number in self._suspects
        self._suspects.discard(run.number)
        if error is not None:
            return [Lost(run, f"The executor gave no result: {type(error).__name__}: {error}")]
        self._allowance = min(self._allowance, 2 * (time.monotonic() - self._start) + _MORE)
        answer = future.result()
        if answer.state == "unknown":
            if was_suspect:
                self._suspects.add(run.number)
            self._hand(run, with_data=True)
            return []
        return [answer]

    def _broken(self, run: Run, error: BrokenExecutor) -> list[Outcome]:
        """A pool of processes has lost one; all that was under way is lost."""
        if self._make is None:
            raise EngineFailed(
                f"The executor is broken ({error}). It belongs to you, so no other one was started."
                " Give a function that makes one, such as executor=lambda: ProcessPoolExecutor(4),"
                " and the sweep goes on with a new one."
            ) from error
        was_alone = not self._runs
        lost = [run, *(other for future, other in self._runs.items() if not _answered(future))]
        answered = [future for future in self._runs if _answered(future)]
        outcomes: list[Outcome] = [future.result() for future in answered]
        self._runs, self._began = {}, {}
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = _made(self._make)
        self._sent = 0
        if was_alone:
            self._suspects.discard(run.number)
            return [*outcomes, Lost(run, f"The worker process ended ({error})")]
        self._suspects |= {other.number for other in lost}
        return [*outcomes, *(Lost(other, "Its pool was broken.", False) for other in lost)]

    def _overdue(self) -> list[Outcome]:
        """Runs that their workers should have ended long ago."""
        if self._timeout is None:
            return []
        now, outcomes = time.monotonic(), list[Outcome]()
        for future, run in list(self._runs.items()):
            if future.running():
                began = self._began.setdefault(future, now)
                if now - began > 2 * self._timeout + self._allowance:
                    del self._runs[future], self._began[future]
                    reason = f"It took longer than {self._timeout:g} s, and its worker hangs."
                    outcomes.append(Lost(run, reason))
        return outcomes

    def close(self, at_once: bool) -> None:
        for future in self._runs:
            future.cancel()
        if self._make is not None:
            self._executor.shutdown(wait=not at_once, cancel_futures=True)
        self._runs = {}


def _answered(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _made(make: Callable[[], Executor]) -> Executor:
    executor = make()
    if not isinstance(executor, Executor):
        raise TypeError(
            f"executor= is a function that returned {executor!r}. It has to return a"
            " concurrent.futures.Executor."
        )
    return executor


def _workers_of(executor: Executor) -> int:
    for name in ("num_workers", "_max_workers"):
        number = getattr(executor, name, None)
        if isinstance(number, int) and number > 0:
            return number
    return usable_cores()
