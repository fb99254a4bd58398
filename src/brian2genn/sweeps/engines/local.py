"""Processes of this machine, through joblib's loky.

A pool of loky's is broken as a whole when one of its processes dies, and does not tell which run it
was at. So each worker is a pool of one process: one that dies takes its own run along, and one that
hangs is ended alone. A worker has a second run waiting, so that it never waits itself.
"""

from __future__ import annotations

import os
import queue
import re
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ..cards import VARIABLE as CARDS
from ..cards import card_for
from ..extras import need
from ..grid import Run
from ..sending import Parcel
from ..work import Task, execute
from .interface import EngineFailed, Lost, Outcome

#: Seconds that a worker without work waits for another sweep.
IDLE = 60

#: Seconds that workers have to be gone after they were killed.
_ENDING = 5.0

#: Runs that a worker has: the one that it executes, and those that wait.
_DEPTH = 2

#: So many workers in a row that do not start are too many.
_FALSE_STARTS = 4

#: How libraries are told the number of their threads.
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip


# -- in the worker ----------------------------------------------------------------------


def begin(parent: int) -> None:
    """What a worker does first.

    Ctrl-C is for the process that has started it, which then ends it. If that process is gone, so
    is the worker.
    """
    from brian2 import BrianLogger, prefs

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    BrianLogger.log_level_warn()  # what each worker says is said as many times as there are workers
    prefs["devices.genn.progress"] = False  # the sweep has a bar of its own
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End with the parent; and when the worker is to end, whatever threads a run has left."""
    has_parent = True
    while has_parent and threading.main_thread().is_alive():
        time.sleep(1)
        has_parent = os.name == "nt" or os.getppid() == parent
    os._exit(1)


def hello() -> int:
    """The number of the worker's process."""
    return os.getpid()


# -- in the process that calls sweep --------------------------------------------------


@dataclass(eq=False)
class _Worker:
    pool: Any
    number: int
    #: with the future of each run
    runs: deque[tuple[Run, Any]] = field(default_factory=deque)
    is_ready: bool = False
    has_order: bool = False
    deadline: float | None = None
    reason: str = ""


#: Pools that wait for another sweep: by process, threads and card.
_waiting: dict[tuple[int, int, str | None], list[Any]] = {}


class LocalEngine:
    """Workers of this machine.

    Parameters
    ----------
    parcel : Parcel
    workers, threads : int
        How many, and how many threads each of them may use.
    timeout : float or None
        Seconds that a run may take.
    """

    def __init__(self, parcel: Parcel, workers: int, threads: int, timeout: float | None) -> None:
        self._loky = need("joblib.externals.loky", "A sweep over the cores of this machine")
        self._parcel, self._threads, self._timeout = parcel, threads, timeout
        self._free = list(range(workers))
        self._workers: list[_Worker] = []
        #: what became of futures: the worker, the run (None for the greeting), the future
        self._done: queue.SimpleQueue[tuple[_Worker, Run | None, Any]] = queue.SimpleQueue()
        self._false_starts = 0

    def has_room(self) -> bool:
        return bool(self._free) or any(len(worker.runs) < _DEPTH for worker in self._workers)

    def submit(self, run: Run) -> None:
        if self._free:
            self._start(self._free.pop(0))
        worker = min(self._workers, key=lambda worker: len(worker.runs))
        self._hand(worker, run)

    def collect(self, seconds: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        deadlines = [worker.deadline for worker in self._workers if worker.deadline is not None]
        patience = min([seconds, *(deadline - time.monotonic() for deadline in deadlines)])
        try:
            event = self._done.get(timeout=max(patience, 0.0))
            while True:
                outcomes += self._look(*event)
                event = self._done.get_nowait()
        except queue.Empty:
            pass
        for worker in list(self._workers):
            if worker.deadline is not None and time.monotonic() >= worker.deadline:
                worker.reason = f"It took longer than {self._timeout:g} s."
                outcomes += self._give_up(worker)
        return outcomes

    def close(self, at_once: bool) -> None:
        ending = []
        for worker in self._workers:
            if at_once or worker.runs or not worker.is_ready:
                ending.append(worker.pool)
            else:
                _waiting.setdefault(self._kind(worker.number), []).append(worker.pool)
        self._workers = []
        _end(ending)

    # -- one worker -----------------------------------------------------------------
    def _kind(self, number: int) -> tuple[int, int, str | None]:
        return os.getpid(), self._threads, card_for(number)

    def _start(self, number: int) -> None:
        waiting = _waiting.get(self._kind(number))
        pool = waiting.pop() if waiting else self._pool(number)
        worker = _Worker(pool, number)
        self._workers.append(worker)
        try:
            self._watch(worker, None, pool.submit(hello))
        except RuntimeError:  # one that waited has ended
            worker.pool = self._pool(number)
            self._watch(worker, None, worker.pool.submit(hello))

    def _pool(self, number: int) -> Any:
        environment = dict.fromkeys(_THREADS, str(self._threads))
        environment["BRIAN2GENN_INHERIT"] = ""  # the order says which device it is to be
        card = card_for(number)
        if card is not None:
            environment[CARDS] = card
        return self._loky.ProcessPoolExecutor(
            max_workers=1,
            timeout=IDLE,
            initializer=begin,
            initargs=(os.getpid(),),
            env=environment,
        )

    def _hand(self, worker: _Worker, run: Run) -> None:
        parcel = self._parcel.without_data() if worker.has_order else self._parcel
        worker.has_order = True
        try:
            future = worker.pool.submit(execute, parcel, Task.of(run))
        except RuntimeError as error:  # it has ended while it had nothing to do
            worker.runs.append((run, None))
            ended: Future[Any] = Future()
            ended.set_exception(error)
            self._done.put((worker, run, ended))
            return
        worker.runs.append((run, future))
        self._set_deadline(worker)
        self._watch(worker, run, future)

    def _watch(self, worker: _Worker, run: Run | None, future: Any) -> None:
        future.add_done_callback(lambda done: self._done.put((worker, run, done)))

    def _set_deadline(self, worker: _Worker, anew: bool = False) -> None:
        if self._timeout is None or not worker.is_ready or not worker.runs:
            worker.deadline = None
        elif worker.deadline is None or anew:
            worker.deadline = time.monotonic() + self._timeout

    def _look(self, worker: _Worker, run: Run | None, future: Any) -> list[Outcome]:
        if worker not in self._workers:
            return []  # given up before
        error = None if future.cancelled() else future.exception()
        if error is not None:
            worker.reason = worker.reason or _why(error)
            return self._give_up(worker)
        if run is None:
            worker.is_ready, self._false_starts = True, 0
            self._set_deadline(worker, anew=True)
            return []
        worker.runs = deque((other, its) for other, its in worker.runs if its is not future)
        self._set_deadline(worker, anew=True)
        answer = future.result()
        if answer.state == "unknown":  # loky has put another process in its place
            worker.has_order = False
            self._hand(worker, run)
            return []
        return [answer]

    def _give_up(self, worker: _Worker) -> list[Outcome]:
        """A worker that has died or hangs: its runs go to others, and it is replaced."""
        self._workers.remove(worker)
        self._free.append(worker.number)
        worker.pool.shutdown(wait=False, kill_workers=True)
        if not worker.is_ready:
            self._false_starts += 1
            if self._false_starts >= _FALSE_STARTS:
                raise EngineFailed(f"Worker processes cannot be started: {worker.reason}")
        outcomes: list[Outcome] = []
        for run, future in worker.runs:
            if future is not None and _has_answered(future):
                outcomes.append(future.result())
            else:
                is_first = not any(isinstance(some, Lost) for some in outcomes)
                had_begun = future is not None and worker.is_ready
                outcomes.append(Lost(run, worker.reason, is_first and had_begun))
        return [some for some in outcomes if isinstance(some, Lost) or some.state != "unknown"]


def _end(pools: Iterable[Any]) -> None:
    """Kill workers, and wait until they are gone, but not for long."""
    everything = {"wait": True, "kill_workers": True}
    threads = [
        threading.Thread(target=pool.shutdown, kwargs=everything, daemon=True) for pool in pools
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + _ENDING
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _has_answered(future: Any) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _why(error: BaseException) -> str:
    """What happened to a worker, in a sentence."""
    text = str(error)
    for sign, reason in (
        ("SIGKILL", "It was killed (SIGKILL), perhaps because memory was used up."),
        ("SIGSEGV", "It died of a segmentation fault (SIGSEGV)."),
        ("SIGABRT", "It was aborted (SIGABRT)."),
    ):
        if sign in text:
            return f"The worker process ended. {reason}"
    exits = re.search(r"EXIT\((\d+)\)", text)
    if exits:
        return f"The worker process ended, with the exit code {exits[1]}."
    signals = re.search(r"\b(SIG[A-Z0-9]+)\b", text)
    if signals:
        return f"The worker process ended. It was sent a signal ({signals[1]})."
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return f"The worker process ended ({first})"
