"""Brian's own example scripts as wholes: ``python -m benchmarks.whole_scripts --help``.

From after the imports to the end of the script, with everything that it does: making the network,
compiling, the loop, its own analysis; pictures are drawn and not shown. No script should be slower
with this device than with Brian's NumPy target when all that is kept is there (*warm*), nor than
with Brian's Cython target when nothing is (*cold*). Each measurement has a process of its own.

Seconds of the processor, those of compilers included, are given beside those of the clock: they
hardly change with what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run import ROOT, git_commit, machine
from tests.brian2_examples.run import LEFT_OUT
from tests.brian2_examples.source import cache, examples, scripts

RESULTS = Path(__file__).with_name("results") / "whole_scripts.md"

#: What is compared: our run and Brian's.
PAIRS = {"warm": ("genn", "numpy"), "cold": ("genn", "cython")}

#: Seconds after which a script is given up.
PATIENCE = 400


@dataclass(frozen=True)
class Seconds:
    """Of one run of a script."""

    clock: float
    processor: float


def measured(script: Path, device: str, folder: Path) -> Seconds | str:
    """Run a copy of a script in a process of its own; an error is told as text."""
    with tempfile.TemporaryDirectory(prefix="brian2-example-") as scratch:
        copy = Path(scratch) / "script"
        shutil.copytree(script.parent, copy)
        command = [sys.executable, "-m", "benchmarks.whole_scripts", "--worker", device]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
            "MPLBACKEND": "Agg", "BRIAN2GENN_CACHE_DIR": str(folder / "genn"),
            "CYTHON_FOLDER": str(folder / "cython"), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }  # fmt: skip
        try:
            done = subprocess.run(
                [*command, str(copy / script.name)], env=environment, cwd=ROOT,
                capture_output=True, text=True, timeout=PATIENCE, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"more than {PATIENCE} s"
    last = (done.stdout.splitlines() or [""])[-1]
    if done.returncode or not last.startswith("{"):
        return (done.stderr.strip().splitlines() or ["no result"])[-1]
    found = json.loads(last)
    return found["error"] or Seconds(found["clock"], found["processor"])


def worker(device: str, script: Path) -> None:
    """Run a script in this process and print its times."""
    import brian2
    import matplotlib.pyplot

    import brian2genn
    from tests.brian2_examples.script import run

    text = script.read_text(encoding="utf-8")
    if device != "genn":
        # Brian's GSL integrators know no other target of the runtime
        brian2.prefs.codegen.target = "cython" if "gsl" in text else device
    brian2.prefs.codegen.runtime.cython.cache_dir = os.environ["CYTHON_FOLDER"]
    began = time.perf_counter(), _processor()
    error = run(script.resolve(), "genn" if device == "genn" else "runtime")
    clock, processor = time.perf_counter() - began[0], _processor() - began[1]
    print("\n" + json.dumps({"clock": clock, "processor": processor, "error": error}), flush=True)


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def row(folder: Path, name: str, pairs: list[str]) -> tuple[str, dict[str, float]]:
    """One script with all devices: a line of the table, and by how much ours is slower."""
    cells, ratios = [name], {}
    with tempfile.TemporaryDirectory(prefix="brian2-kept-") as kept:
        found = {("cold", "genn"): measured(folder / name, "genn", Path(kept))}
        for how in pairs:
            for device in PAIRS[how]:
                if (how, device) not in found:
                    found[how, device] = measured(folder / name, device, Path(kept))
    for how in pairs:
        mine, brian = (found[how, device] for device in PAIRS[how])
        for one in (mine, brian):
            told = f"{one.clock:.2f} ({one.processor:.2f})" if isinstance(one, Seconds) else one
            cells.append(told)
        if isinstance(mine, Seconds) and isinstance(brian, Seconds):
            ratios[how] = mine.processor / brian.processor
            cells.append(f"{ratios[how]:.2f}" + (" **slower**" if ratios[how] > 1.05 else ""))
        else:
            cells.append("")
    return "| " + " | ".join(cells) + " |", ratios


def main() -> None:
    """Measure the scripts and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_scripts")
    parser.add_argument("names", nargs="*", help="parts of names of scripts (all)")
    parser.add_argument("--only", choices=[*PAIRS], help="one of the comparisons (both)")
    parser.add_argument("--output", type=Path, nargs="?", const=RESULTS, metavar="FILE")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, Path(options.names[0]))
        return
    folder = examples(cache())
    names = [
        name
        for name in scripts(folder)
        if name not in LEFT_OUT
        and (not options.names or any(part in name for part in options.names))
    ]
    pairs = [options.only] if options.only else [*PAIRS]
    heads = [
        f"{ours}, {how} | {theirs}, {how} | ratio" for how in pairs for ours, theirs in [PAIRS[how]]
    ]
    lines = [f"| script | {' | '.join(heads)} |", "|---" * (1 + 3 * len(pairs)) + "|"]
    print("\n".join(lines))
    slower = dict.fromkeys(pairs, 0)
    for name in names:
        line, ratios = row(folder, name, pairs)
        print(line, flush=True)
        lines.append(line)
        for how, ratio in ratios.items():
            slower[how] += ratio > 1.05
    told = ", ".join(f"{how}: {count} of {len(names)} slower" for how, count in slower.items())
    print(told)
    if options.output:
        note = (
            f"{machine()}, commit {git_commit()}, one run of each. Seconds of the clock, in "
            "parentheses those of the processor with compilers; ratios are of the latter."
        )
        options.output.write_text("\n".join([*lines, "", f"{told}.", "", note, ""]))


if __name__ == "__main__":
    main()
