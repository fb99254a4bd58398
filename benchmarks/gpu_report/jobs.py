"""Processes with a time limit, whose results are collected whatever becomes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from benchmarks.run import ROOT

#: Characters of the output that are kept of a job that failed.
_KEPT = 4000

#: Seconds between asking a process to end, and ending it.
_GRACE = 8.0

Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A process.

    Attributes
    ----------
    name : str
        What the report calls it.
    task : dict
        For `benchmarks.gpu_report.worker`; empty if `command` is something else.
    limit : float
        Seconds.
    command : sequence of str
        Goes before the worker (compute-sanitizer), or stands alone.
    environment : mapping
        On top of this process's.
    cores : sequence of int
        Where it may run; empty for anywhere.
    log : str
        The file that keeps all of its output, in the folder of the report; empty for none.
    without : str
        Why it is not run; empty if it is.
    """

    name: str
    task: Mapping[str, Any] = field(default_factory=dict)
    limit: float = 60.0
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    cores: Sequence[int] = ()
    log: str = ""
    without: str = ""


def run_job(job: Job, limit: float, folder: Path) -> Result:
    """Run a job for at most so many seconds.

    Returns
    -------
    dict
        ``name``, ``outcome`` ("done", "failed" or "out of time"), ``seconds``, ``output`` (its
        end), and under ``result`` what the worker found.
    """
    with tempfile.TemporaryDirectory(prefix="gpu_report_") as scratch:
        found, printed = Path(scratch) / "result.json", Path(scratch) / "output"
        command = list(job.command)
        if job.task:
            worker = [sys.executable, "-m", "benchmarks.gpu_report.worker"]
            command += [*worker, json.dumps(job.task), str(found)]
        # what a job compiles is not there when the next one begins, unless they share a folder
        environment = os.environ | {"BRIAN2GENN_CACHE_DIR": f"{scratch}/cache"} | job.environment
        began = time.perf_counter()
        with printed.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if job.cores and hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(process.pid, job.cores)
            outcome = _wait(process, min(limit, job.limit))
        text = printed.read_text(errors="replace")
        if job.log:
            (folder / job.log).write_text(text)
        result: Result = {
            "name": job.name,
            "outcome": outcome,
            "seconds": round(time.perf_counter() - began, 2),
            "output": text[-_KEPT:],
        }
        if found.exists():
            result["result"] = json.loads(found.read_text())
            if outcome == "done":
                result["output"] = ""
        return result


def _wait(process: subprocess.Popen[bytes], limit: float) -> str:
    """Wait for a process, and end it and all that it has started when its time is over."""
    try:
        status = process.wait(limit)
    except subprocess.TimeoutExpired:
        # pytest tells what it has found so far
        for sign, patience in ((signal.SIGINT, _GRACE), (signal.SIGKILL, None)):
            _signal(process, sign)
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        outcome = "out of time"
    else:
        outcome = "done" if status == 0 else "failed"
    _signal(process, signal.SIGKILL)  # what it has left running
    return outcome


def _signal(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    try:
        os.killpg(process.pid, sign)
    except (ProcessLookupError, PermissionError):
        return


def run_lanes(
    lanes: Sequence[Sequence[Job]], limit: float, folder: Path, note: Callable[[Result], None]
) -> None:
    """Run lanes side by side, the jobs of a lane one after the other.

    Parameters
    ----------
    lanes : sequence of sequence of Job
    limit : float
        Seconds for all of them; jobs that have not begun by then are told as "not begun",
        those that cannot run as "not run".
    folder : Path
        For logs.
    note : callable
        Is given what came of each job as soon as it is known, one at a time.
    """
    end = time.perf_counter() + limit
    one_at_a_time = Lock()

    def run_lane(jobs: Sequence[Job]) -> None:
        for job in jobs:
            rest = end - time.perf_counter()
            result: Result = {"name": job.name, "outcome": "not begun", "seconds": 0.0}
            if job.without:
                result |= {"outcome": "not run", "output": job.without}
            elif rest >= 1:
                result = run_job(job, rest, folder)
                told = f"{result['outcome']}, {result['seconds']:.1f} s"
                print(f"  {job.name}: {told}", flush=True)
            with one_at_a_time:
                note(result)

    with ThreadPoolExecutor(max(len(lanes), 1)) as pool:
        list(pool.map(run_lane, lanes))
