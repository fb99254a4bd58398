"""Devices take turns at a task, each time in a process of its own; a table of medians is kept."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run import ROOT, git_commit, machine

RESULTS = Path(__file__).with_name("results")

#: Runs in a process before those that are timed.
WARM_UP = 2


@dataclass(frozen=True)
class Task:
    """What is timed.

    Parameters
    ----------
    prepare : callable
        Makes what is needed and returns the timed function, which is given a number that grows.
    description : str
        For people.
    """

    prepare: Callable[[], Callable[[int], object]]
    description: str


def options_of(module: str, devices: Sequence[str], runs: int) -> argparse.ArgumentParser:
    """The options that all such benchmarks have."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--runs", type=int, default=runs, help=f"timed in a process ({runs})")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each device (3)")
    parser.add_argument(
        "--devices", default=",".join(devices), help=f"of {', '.join(devices)} (all)"
    )
    parser.add_argument("--write", action="store_true", help="write the table to results/")
    parser.add_argument("--worker", nargs=2, metavar=("TASK", "DEVICE"), help=argparse.SUPPRESS)
    return parser


def compare(
    module: str,
    title: str,
    tasks: Mapping[str, Task],
    devices: Sequence[str],
    runs: int,
) -> None:
    """Let devices take turns at all tasks; print a table, and write it if asked to.

    Parameters
    ----------
    module : str
        The benchmark's, which starts itself anew for each process.
    title : str
        What the numbers are.
    tasks : mapping of str to Task
    devices : sequence of str
        The first is the one that the others are compared with.
    runs : int
        How many in a process are timed, if nothing else is asked for.
    """
    options = options_of(module, devices, runs).parse_args()
    if options.worker:
        name, device = options.worker
        print(json.dumps(measure(tasks[name], device, options.runs)))
        return
    setting, where = git_commit(), machine()
    chosen = options.devices.split(",")
    rows = [f"| {title} | " + " | ".join(chosen) + " |", "|---" * (len(chosen) + 1) + "|"]
    for name, task in tasks.items():
        found: dict[str, list[float]] = {device: [] for device in chosen}
        for _ in range(options.rounds):
            for device, medians in found.items():
                medians.append(_in_a_process(module, name, device, options.runs))
        ours = found[chosen[0]]
        cells = []
        for medians in found.values():
            ratios = [other / own for other, own in zip(medians, ours, strict=True)]
            cell = f"{statistics.median(medians):.3g} ({min(medians):.3g}-{max(medians):.3g})"
            if medians is not ours:
                cell += f", {statistics.median(ratios):.2g} times"
            cells.append(cell)
        rows.append(f"| {task.description} | " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
    command = shlex.join(["python", "-m", module, *sys.argv[1:]])
    rows += [
        "",
        f"Milliseconds: median (minimum-maximum) of {options.rounds} processes, of each the median"
        f" of {options.runs}; ratios of neighbouring processes. {where['cpu']}, {where['cores']}"
        f" cores, load {where['load_average']} at the start; commit {setting}; `{command}`.",
    ]
    text = "\n".join(rows) + "\n"
    print("\n" + text)
    if options.write:
        (RESULTS / f"{module.rpartition('.')[2]}.md").write_text(text)


def measure(task: Task, device: str, runs: int) -> float:
    """The median of so many runs in milliseconds, after a few that compile."""
    from benchmarks.worker import DEVICES
    from brian2 import BrianLogger

    BrianLogger.suppress_name("method_choice")
    with tempfile.TemporaryDirectory() as directory:
        DEVICES[device](directory)
        run = task.prepare()
        seconds = []
        for number in range(-WARM_UP, runs):
            began = time.perf_counter()
            run(WARM_UP + number)
            if number >= 0:
                seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)


def _in_a_process(module: str, task: str, device: str, runs: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", module, "--runs", str(runs), "--worker", task, device],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return float(json.loads(done.stdout.splitlines()[-1]))
