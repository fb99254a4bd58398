"""Workers of a Dask cluster."""

from __future__ import annotations

import queue
from typing import Any
from uuid import uuid4

from brian2.utils.logger import get_logger

from ..grid import Run
from ..sending import Parcel
from ..work import Answer, Task, execute
from .interface import EngineFailed, Lost, Outcome

logger = get_logger("brian2.devices.genn")


def is_client(executor: object) -> bool:
    """Whether this is a client of Dask; Dask is not imported to find out."""
    return any(
        kind.__module__.partition(".")[0] == "distributed" and kind.__name__ == "Client"
        for kind in type(executor).__mro__
    )


def _same(parcel: Parcel) -> Parcel:
    """A task that makes the order: workers get it from each other, and it can be made anew."""
    return parcel


class DaskEngine:
    """A Dask cluster.

    All runs are submitted at once: a cluster that grows with its work sees how much there is. Dask
    itself tries a run again whose worker was lost, as often as its configuration says
    (``distributed.scheduler.allowed-failures``).

    Parameters
    ----------
    parcel : Parcel
    client : distributed.Client
    """

    def __init__(self, parcel: Parcel, client: Any) -> None:
        if getattr(client, "asynchronous", False):
            raise TypeError("A sweep needs a Client that is not asynchronous.")
        self._client = client
        self._name = f"sweep-{uuid4().hex[:8]}"
        self._order = client.submit(_same, parcel, key=f"{self._name}-order", pure=False)
        self._runs: dict[Any, Run] = {}
        self._tries = 0
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        crowded = [threads for threads in client.nthreads().values() if threads > 1]
        if crowded:
            logger.warn(
                f"{len(crowded)} Dask workers have several threads. Brian has one state in each"
                " process, so their runs come one after the other. Start workers with one thread:"
                " LocalCluster(threads_per_worker=1), or 'dask worker --nthreads 1'.",
                "dask_threads",
                once=True,
            )

    def has_room(self) -> bool:
        return True

    def submit(self, run: Run) -> None:
        self._tries += 1
        key = f"{self._name}-{run.number}-{self._tries}"
        future = self._client.submit(
            execute, self._order, Task.of(run), key=key, pure=False, retries=0
        )
        self._runs[future] = run
        future.add_done_callback(self._done.put)

    def collect(self, seconds: float) -> list[Outcome]:
        futures = []
        try:
            futures.append(self._done.get(timeout=seconds))
            while True:
                futures.append(self._done.get_nowait())
        except queue.Empty:
            pass
        if self._client.status not in ("running", "connecting"):
            raise EngineFailed(f"The Dask client is {self._client.status}.")
        futures = [future for future in futures if future in self._runs]
        finished = [future for future in futures if future.status == "finished"]
        answers: list[Answer] = self._client.gather(finished, errors="skip") if finished else []
        outcomes: list[Outcome] = list(answers)
        answered = {answer.number for answer in answers}
        for future in futures:
            run = self._runs.pop(future)
            if run.number not in answered:
                error = future.exception(timeout=5) if future.status == "error" else None
                tried = type(error).__name__ == "KilledWorker"  # as often as Dask is told to
                outcomes.append(Lost(run, _why(future, error), may_be_repeated=not tried))
            future.release()
        return outcomes

    def close(self, at_once: bool) -> None:
        if self._runs:
            self._client.cancel(list(self._runs))
        self._runs = {}
        self._order.release()


def _why(future: Any, error: BaseException | None) -> str:
    if error is None:
        return f"Dask gave no result (the task is {future.status})."
    return f"Dask gave no result: {type(error).__name__}: {error}"
