"""The time until the result, without the loop: ``python -m benchmarks.first_result --help``.

From after the imports to the result, minus the loop, of scripts (warm: all that is kept is there;
cold: the cache is empty), and of small things that scripts do often. Beside each number is its
goal; what misses it is marked. Each measurement has a process of its own, devices take turns.

A script should also never be slower as a whole, loop and all: warm, than with Brian's NumPy
target; cold, than with Cython. The scripts that the table has are looked at.
"""

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
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.around import PAIRS, TASKS, Task
from benchmarks.run import ROOT, git_commit, machine
from benchmarks.scripts import SCRIPTS, SYNAPSES

RESULTS = Path(__file__).with_name("results") / "first_result.md"

#: Seconds after which a measurement is given up.
PATIENCE = 600

#: Brian's devices beside scripts, and with which run of ours they are compared.
PEERS = {"numpy": "warm", "cython": "cold"}

#: What a measurement of a script gives: seconds without the loop, and seconds as a whole.
Seconds = tuple[float, float]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_result")
    names = [*SCRIPTS, *TASKS]
    parser.add_argument("--only", help=f"of {', '.join(names)} (all)", metavar="A,B")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each (3)")
    parser.add_argument(
        "--peers", default=",".join(PEERS), help="Brian's devices beside scripts (numpy,cython)"
    )
    parser.add_argument(
        "--synapses", type=float, default=SYNAPSES, help=f"of the column ({SYNAPSES:g})"
    )
    parser.add_argument(
        "--pairs", type=float, default=PAIRS, help=f"of the `connect` by distance ({PAIRS:g})"
    )
    parser.add_argument(
        "--output", type=Path, nargs="?", const=RESULTS, metavar="FILE",
        help="write the tables to a file (if none is named, to results/first_result.md)",
    )  # fmt: skip
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "DEVICE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.names = options.only.split(",") if options.only else names
    options.peers = [peer for peer in options.peers.split(",") if peer]
    for what, known in ((options.names, names), (options.peers, [*PEERS])):
        for name in what:
            if name not in known:
                parser.error(f"{name!r} is not one of {', '.join(known)}")
    return options


def arguments_of(name: str, options: argparse.Namespace) -> list[float]:
    """What a script or a task is called with."""
    return {"column": [options.synapses], "distances": [options.pairs]}.get(name, [])


def measure(name: str, device: str, options: argparse.Namespace) -> Seconds:
    """One measurement, in this process: see `SCRIPTS` and `TASKS`."""
    from brian2 import BrianLogger, get_device, prefs, set_device

    BrianLogger.suppress_name("method_choice")
    if name != "importing":
        if device == "genn":
            import brian2genn

            set_device("genn", backend="cpu")
        else:
            prefs["codegen.target"] = device
            prefs["codegen.runtime.cython.cache_dir"] = os.environ["CYTHON_CACHE"]
    arguments = arguments_of(name, options)
    if name in TASKS:
        value = TASKS[name].measure(*arguments)
        return value, value
    began = time.perf_counter()
    SCRIPTS[name][0](*arguments)
    whole = time.perf_counter() - began
    return whole - float(get_device()._last_run_time), whole


def in_a_process(name: str, device: str, cache: str, options: argparse.Namespace) -> Seconds | None:
    """One measurement in a process of its own; None if it failed or took too long."""
    command = [
        sys.executable, "-m", "benchmarks.first_result", "--worker", name, device,
        "--synapses", str(options.synapses), "--pairs", str(options.pairs),
    ]  # fmt: skip
    # threads are those that a script has which asks for none
    environment = os.environ | {
        "BRIAN2GENN_CACHE_DIR": f"{cache}/genn", "CYTHON_CACHE": f"{cache}/cython",
    }  # fmt: skip
    # packages that are installed have been compiled to bytecode
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
            timeout=PATIENCE,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print(f"{name} with {device} was given up after {PATIENCE} s", file=sys.stderr)
        return None
    except subprocess.CalledProcessError as error:
        print(error.stderr[-2000:], file=sys.stderr)
        return None
    without, whole = json.loads(done.stdout.splitlines()[-1])
    return float(without), float(whole)


def shown(values: Iterable[float | None]) -> tuple[str, float | None]:
    """The median with the lowest and the highest value, for people, and the median."""
    known = [value for value in values if value is not None]
    if not known:
        return "failed", None
    middle = statistics.median(known)
    spread = f" ({min(known):.3g}-{max(known):.3g})" if len(known) > 1 else ""
    return f"{middle:.3g}{spread}", middle


def mark(holds: bool) -> str:
    """What is said of a goal."""
    return "" if holds else " **missed**"


def below(value: float | None, goal: float, unit: str = "") -> str:
    """A goal that is not to be exceeded, and whether it is."""
    return f"{goal:g}{unit}{mark(value is not None and value <= goal)}"


def compared(
    ours: Sequence[float | None], theirs: Sequence[float | None], times: float | None
) -> str:
    """How many times as fast as another device we are, and whether that is enough."""
    ratios = [other / own for other, own in zip(theirs, ours, strict=True) if other and own]
    if not ratios:
        return "-" if times is None else f"-{mark(False)}"
    ratio = statistics.median(ratios)
    return f"{ratio:.2g} times{mark(times is None or ratio >= times)}"


def _part(found: Sequence[Seconds | None], which: int) -> list[float | None]:
    return [None if one is None else one[which] for one in found]


def scripts_table(options: argparse.Namespace) -> list[str]:
    """Scripts, warm and cold."""
    heads = [f"whole, {PEERS[peer]}: genn, {peer}, s" for peer in options.peers]
    rows = [
        "| " + " | ".join(["script", "warm, s", "goal", "cold, s", "goal", *heads]) + " |",
        "|---" * (5 + len(heads)) + "|",
    ]
    for name in (name for name in options.names if name in SCRIPTS):
        _, title, warm_goal, cold_goal = SCRIPTS[name]
        found: dict[str, list[Seconds | None]] = {
            way: [] for way in ("cold", "warm", *options.peers)
        }
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(prefix="first_result_") as cache:
                for way, measured in found.items():
                    device = way if way in PEERS else "genn"
                    measured.append(in_a_process(name, device, cache, options))
        cells = [title.format(synapses=f"{options.synapses:.3g}")]
        for way, goal in (("warm", warm_goal), ("cold", cold_goal)):
            text, value = shown(_part(found[way], 0))
            cells += [text, below(value, goal)]
        for peer in options.peers:
            ours, theirs = (_part(found[way], 1) for way in (PEERS[peer], peer))
            ratio = compared(ours, theirs, 1)
            cells.append(f"{shown(ours)[0]}, {shown(theirs)[0]}: {ratio}")
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    return rows if len(rows) > 2 else []


def _goal(task: Task, value: float | None) -> str:
    if task.goal is not None:
        return below(value, task.goal, f" {task.unit}")
    return "" if task.times is None else f"{task.times:g} times as fast as {task.peer}"


def tasks_table(options: argparse.Namespace) -> list[str]:
    """Small things."""
    rows = ["| | genn | goal | Brian |", "|---|---|---|---|"]
    for name in (name for name in options.names if name in TASKS):
        task = TASKS[name]
        devices = ["genn", task.peer] if task.peer else ["genn"]
        found: dict[str, list[Seconds | None]] = {device: [] for device in devices}
        with tempfile.TemporaryDirectory(prefix="first_result_") as cache:
            # compiled before; what NumPy does is not, and may take minutes
            for device in (device for device in devices if device != "numpy"):
                in_a_process(name, device, cache, options)
            for _ in range(options.rounds):
                for device, measured in found.items():
                    measured.append(in_a_process(name, device, cache, options))
        ours = _part(found["genn"], 0)
        text, value = shown(ours)
        cells = [task.title.format(pairs=f"{options.pairs:.3g}"), f"{text} {task.unit}"]
        cells += [_goal(task, value), ""]
        if task.peer:
            theirs = _part(found[task.peer], 0)
            ratio = compared(ours, theirs, task.times)
            cells[-1] = f"{task.peer} {shown(theirs)[0]} {task.unit}: {ratio}"
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], flush=True)
    return rows if len(rows) > 2 else []


def main() -> None:
    """Measure, print and write."""
    options = parse()
    if options.worker:
        print(json.dumps(measure(*options.worker, options)))
        return
    where, commit = machine(), git_commit()
    tables = [table for table in (scripts_table(options), tasks_table(options)) if table]
    command = shlex.join(["python", "-m", "benchmarks.first_result", *sys.argv[1:]])
    text = "\n\n".join("\n".join(table) for table in tables) + (
        "\n\nScripts: seconds from after the imports to the result, without the loop (whole: with"
        " it); the network's own time is 0.1 s. Median (minimum-maximum) of"
        f" {options.rounds} processes; Brian's in turn with them. {where['cpu']},"
        f" {where['cores']} cores, load {where['load_average']} at the start; commit {commit};"
        f" `{command}`.\n"
    )
    missed = sum(row.count("**missed**") for table in tables for row in table)
    print(f"\n{text}\nGoals missed: {missed}")
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
