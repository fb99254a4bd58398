"""Run Brian's own example scripts under Brian's runtime and under the device, and compare.

    python -m tests.brian2_examples.run [-k TEXT] [--limit SECONDS] [-n N] [--again] [--write]

What a script gave is kept in the cache folder, so that a second call goes on where the first one
stopped. The exit code is 1 if the device fails or differs somewhere.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import brian2
import numpy as np

from tests.brian2_examples import source, table
from tests.brian2_examples.compare import EXACT, compare_samples, deviations, worst

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "brian2_examples.md"

#: Not tried, and why.
LEFT_OUT = {
    "advanced/float_32_64_benchmark.py": "measures Brian's own devices, and chooses them itself",
    "advanced/opencv_movie.py": "downloads a film",
}

#: How much of every run is left where the whole takes too long.
SCALES = (1.0, 0.1, 0.01)

#: A difference may be so many times the one that rounding makes in Brian's runtime.
ROUNDING_FACTOR = 20

Outcome = dict[str, Any]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.brian2_examples.run")
    parser.add_argument("-k", metavar="TEXT", default="", help="only scripts with this in the name")
    parser.add_argument("-n", metavar="N", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument(
        "--limit", metavar="SECONDS", type=float, default=300.0, help="for one run of one script"
    )
    parser.add_argument("--seeds", type=int, default=6, help="at most, for random scripts")
    parser.add_argument("--again", action="store_true", help="do not take earlier results")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    parser.add_argument("--results", type=Path, default=source.cache() / "results")
    return parser.parse_args(given)


class Process:
    """One run of one script in a process of its own.

    Parameters
    ----------
    script : Path
    limit : float
        In seconds of real time.
    """

    def __init__(self, script: Path, limit: float) -> None:
        self.script, self.limit = script, limit

    def __call__(self, device: str, seed: int, scale: float, jitter: bool = False) -> Outcome:
        """Run it.

        Returns
        -------
        dict
            What `Observer.told` tells, ``arrays``, and ``error`` with what the script ended in.
        """
        with tempfile.TemporaryDirectory(prefix="brian2_example_") as scratch:
            folder = Path(scratch) / "script"
            shutil.copytree(self.script.parent, folder)
            result = Path(scratch) / "result"
            command = [sys.executable, "-m", "tests.brian2_examples.script"]
            command += [str(folder / self.script.name), "--device", device, "--seed", str(seed)]
            command += ["--scale", str(scale), "--result", str(result)]
            command += ["--jitter"] if jitter else []
            with open(Path(scratch) / "output", "w+") as output:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                )
                try:
                    process.wait(self.limit)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    return {"error": f"takes more than {self.limit:g} s", "timeout": True}
                output.seek(0)
                text = output.read()
            told = result.with_suffix(".json")
            if not told.exists():
                return {
                    "error": f"ended with status {process.returncode}: {text[-300:]}",
                    "lost": 1,
                }
            outcome = json.loads(told.read_text())
            with np.load(result.with_suffix(".npz")) as arrays:
                outcome["arrays"] = dict(arrays)
            outcome["output"] = text[-3000:]
        return outcome


def examine(script: Path, limit: float, seeds: int) -> Outcome:
    """Run a script under both and judge.

    Returns
    -------
    dict
        A row of the table: ``status`` is ``'agrees'``, ``'differs'``, ``'fails'`` or ``'not run'``;
        ``how`` says why.
    """
    process = Process(script, limit)
    for scale in SCALES:
        first = process("runtime", 1, scale)
        if not first.get("timeout"):
            break
    row: Outcome = {"scale": scale, "error": first["error"]}
    if "lost" in first:
        return row | {"status": "fails", "how": first["error"]}
    if not first.get("arrays"):
        return row | {"status": "not run", "how": first["error"] or "runs no network"}
    row["runtime"] = first["seconds"]
    ours = process("genn", 1, scale)
    row["ours"] = ours.get("seconds")
    row["objects"], row["by_brian"] = ours.get("objects"), ours.get("by_brian")
    if ours["error"] != first["error"]:
        output = ours.get("output", "")
        return row | {"status": "fails", "how": f"{ours['error']}", "output": output}
    second = process("runtime", 2, scale)
    if second.get("timeout"):
        return row | {"status": "not run", "how": "a second run takes longer than the limit"}
    if worst(deviations(first["arrays"], second["arrays"]))[1] > 0:
        how = _judge_random(process, scale, seeds, [first, second], ours)
    else:
        how = _judge_exact(process, scale, seeds, first, ours)
    return row | how


def _judge_exact(
    process: Process, scale: float, seeds: int, first: Outcome, ours: Outcome
) -> Outcome:
    found = deviations(first["arrays"], ours["arrays"])
    name, apart = worst(found)
    if apart <= EXACT:
        return {"status": "agrees", "how": f"exactly (to {apart:.0e})" if apart else "exactly"}
    varied = [process("runtime", seed, scale, jitter=True) for seed in range(1, min(seeds, 3) + 1)]
    varied = [run for run in varied if run.get("arrays")]
    scatter = [deviations(first["arrays"], run["arrays"]) for run in varied]
    bound = {n: max((s.get(n, np.inf) for s in scatter), default=0.0) for n in found}
    beyond = {n: d for n, d in found.items() if d > max(EXACT, ROUNDING_FACTOR * bound[n])}
    told = f"{name} is {apart:.0e} apart, and in Brian's runtime {bound[name]:.0e}"
    told += " where its rounding varies"
    if not beyond:
        if np.isfinite(apart):
            return {"status": "agrees", "how": f"as rounding allows ({told})"}
        known = compare_samples([r["arrays"] for r in [first, *varied]], [ours["arrays"]])
        text = (
            f"rounding takes it apart, in Brian's runtime as here; statistically ({_told(known)})"
        )
        return {"status": "agrees" if known.agree else "differs", "how": text}
    name, apart = worst(beyond)
    told = f"{name}: {apart:.0e} apart; {bound[name]:.0e} by rounding in Brian's runtime"
    return {"status": "differs", "how": f"{told}; {len(beyond)} of {len(found)} variables differ"}


def _judge_random(
    process: Process, scale: float, seeds: int, theirs: list[Outcome], ours: Outcome
) -> Outcome:
    us = [ours]
    while len(us) < seeds:
        us.append(process("genn", len(us) + 1, scale))
        if len(theirs) < len(us):
            theirs.append(process("runtime", len(us), scale))
        if not (us[-1].get("arrays") and theirs[-1].get("arrays")):
            return {"status": "fails", "how": f"seed {len(us)}: {us[-1]['error']}"}
        if len(us) < min(3, seeds):
            continue
        known = compare_samples([r["arrays"] for r in theirs], [r["arrays"] for r in us])
        if known.agree:
            break
    status = "agrees" if known.agree else "differs"
    return {"status": status, "how": f"statistically ({_told(known)}, {len(us)} seeds)"}


def _told(known: Any) -> str:
    text = f"{known.count} statistics"
    if known.chance < 1:
        text += f"; the worst, {known.name}, {known.value:.4g} for {known.reference:.4g},"
        text += f" has probability {known.chance:.2g}"
    return text


def results(options: argparse.Namespace) -> dict[str, Outcome]:
    """Examine all scripts that are asked for, or take what is known of them."""
    folder = source.examples(source.cache())
    names = [name for name in source.scripts(folder) if options.k in name]
    options.results.mkdir(parents=True, exist_ok=True)
    commit = table.git_commit()

    def one(name: str) -> Outcome:
        kept = options.results / (name.replace("/", "__") + ".json")
        if kept.exists() and not options.again:
            return json.loads(kept.read_text())
        if name in LEFT_OUT:
            return {"status": "not run", "how": LEFT_OUT[name]}
        row = examine(folder / name, options.limit, options.seeds)
        row |= {"commit": commit, "limit": options.limit}
        kept.write_text(json.dumps(row))
        print(f"{name}: {row['status']}: {row['how']}", flush=True)
        return row

    with ThreadPoolExecutor(options.n) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def main() -> int:
    """Run, compare, and tell."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="brian2genn-examples-") as cache:
        os.environ.setdefault("BRIAN2GENN_CACHE_DIR", cache)
        rows = results(options)
    text = table.table(rows, brian2.__version__)
    print(text)
    if options.write:
        TABLE.write_text(text)
    return int(any(row["status"] in ("fails", "differs") for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
