"""The time until the result, without the loop: ``python -m benchmarks.first_result --help``.

From after the imports to the result, minus the loop, of scripts (warm: all that is kept is there;
cold: the cache is empty), and of small things that scripts do often. Beside each number is its
goal; what misses it is marked. Each measurement has a process of its own, devices take turns.
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
from collections.abc import Sequence
from pathlib import Path

from benchmarks.around import TASKS
from benchmarks.run import ROOT, git_commit, machine
from benchmarks.scripts import SCRIPTS

RESULTS = Path(__file__).with_name("results")

#: Seconds after which a measurement is given up.
PATIENCE = 600


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_result")
    names = [*SCRIPTS, *TASKS]
    parser.add_argument("--only", help=f"of {', '.join(names)} (all)", metavar="A,B")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each (3)")
    parser.add_argument("--peers", default="numpy", help="Brian's devices beside scripts (numpy)")
    parser.add_argument("--write", action="store_true", help="write the table to results/")
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "DEVICE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.names = options.only.split(",") if options.only else names
    for name in options.names:
        if name not in names:
            parser.error(f"{name!r} is not one of {', '.join(names)}")
    options.peers = [peer for peer in options.peers.split(",") if peer]
    return options


def measure(name: str, device: str) -> float:
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
    if name in TASKS:
        return TASKS[name][0]()
    began = time.perf_counter()
    SCRIPTS[name][0]()
    return time.perf_counter() - began - float(get_device()._last_run_time)


def in_a_process(name: str, device: str, cache: str) -> float | None:
    """One measurement in a process of its own; None if it failed or took too long."""
    command = [sys.executable, "-m", "benchmarks.first_result", "--worker", name, device]
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
        return None
    except subprocess.CalledProcessError as error:
        print(error.stderr[-2000:], file=sys.stderr)
        return None
    return float(json.loads(done.stdout.splitlines()[-1]))


def _shown(values: Sequence[float | None]) -> tuple[str, float | None]:
    known = [value for value in values if value is not None]
    if not known:
        return "failed", None
    middle = statistics.median(known)
    spread = f" ({min(known):.3g}-{max(known):.3g})" if len(known) > 1 else ""
    return f"{middle:.3g}{spread}", middle


def _mark(value: float | None, goal: float) -> str:
    return "" if value is not None and value <= goal else " **missed**"


def scripts_table(options: argparse.Namespace) -> list[str]:
    """Scripts, warm and cold."""
    rows = [
        "| script | warm, s | goal | cold, s | goal | " + " | ".join(options.peers) + " |",
        "|---" * (5 + len(options.peers)) + "|",
    ]
    for name in options.names:
        if name not in SCRIPTS:
            continue
        _, title, warm_goal, cold_goal = SCRIPTS[name]
        cold, warm = [], []
        peers: dict[str, list[float | None]] = {peer: [] for peer in options.peers}
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory(prefix="first_result_") as cache:
                cold.append(in_a_process(name, "genn", cache))
                warm.append(in_a_process(name, "genn", cache))
                for peer, found in peers.items():
                    found.append(in_a_process(name, peer, cache))
        (warm_text, warm_value), (cold_text, cold_value) = _shown(warm), _shown(cold)
        rows.append(
            f"| {title} | {warm_text} | {warm_goal:g}{_mark(warm_value, warm_goal)}"
            f" | {cold_text} | {cold_goal:g}{_mark(cold_value, cold_goal)} | "
            + " | ".join(_shown(found)[0] for found in peers.values())
            + " |"
        )
        print(rows[-1], flush=True)
    return rows if len(rows) > 2 else []


def tasks_table(options: argparse.Namespace) -> list[str]:
    """Small things."""
    rows = ["| | genn | goal | Brian |", "|---|---|---|---|"]
    for name in options.names:
        if name not in TASKS:
            continue
        _, title, unit, goal, peer = TASKS[name]
        ours: list[float | None] = []
        theirs: list[float | None] = []
        with tempfile.TemporaryDirectory(prefix="first_result_") as cache:
            in_a_process(name, "genn", cache)
            for _ in range(options.rounds):
                ours.append(in_a_process(name, "genn", cache))
                if peer:
                    theirs.append(in_a_process(name, peer, cache))
        text, value = _shown(ours)
        if not peer:
            rows.append(f"| {title} | {text} {unit} | {goal:g} {unit}{_mark(value, goal)} | |")
        else:
            ratios = [other / own for other, own in zip(theirs, ours, strict=True) if other and own]
            ratio = statistics.median(ratios) if ratios else 0.0
            missed = "" if ratio >= goal else " **missed**"
            rows.append(
                f"| {title} | {text} {unit} | {goal:g} times as fast as {peer}{missed}"
                f" | {_shown(theirs)[0]} {unit}, {ratio:.2g} times |"
            )
        print(rows[-1], flush=True)
    return rows if len(rows) > 2 else []


def main() -> None:
    """Measure, print and write."""
    options = parse()
    if options.worker:
        print(json.dumps(measure(*options.worker)))
        return
    where, commit = machine(), git_commit()
    tables = [table for table in (scripts_table(options), tasks_table(options)) if table]
    command = shlex.join(["python", "-m", "benchmarks.first_result", *sys.argv[1:]])
    text = "\n\n".join("\n".join(table) for table in tables) + (
        "\n\nScripts: seconds from after the imports to the result, without the loop; the network's"
        f" own time is 0.1 s. Median (minimum-maximum) of {options.rounds} processes; Brian's in"
        f" turn with them. {where['cpu']}, {where['cores']} cores, load {where['load_average']} at"
        f" the start; commit {commit}; `{command}`.\n"
    )
    print("\n" + text)
    if options.write:
        (RESULTS / "first_result.md").write_text(text)


if __name__ == "__main__":
    main()
