"""Run Brian's own example scripts under Brian's runtime and under the device, and compare.

    python -m tests.brian2_examples.run [-k TEXT] [--limit SECONDS] [-n N] [--again] [--write]

What a script gave is kept in the cache folder, so that a second call goes on where the first one
stopped; what agreed before is known from the file beside the table, which names the commits. With
``--again`` all are run. The exit code is 1 if the device fails or differs somewhere.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import brian2
import numpy as np

from tests.brian2_examples import source, table
from tests.brian2_examples.compare import (
    EXACT,
    Comparison,
    compare_samples,
    deviations,
    statistics,
    worst,
)

ROOT = Path(__file__).parents[2]

#: Of every script: one thread, and no GPU.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
TABLE = ROOT / "docs" / "brian2_examples.md"
#: The rows of the table, without the statistics of single runs.
ROWS = TABLE.with_suffix(".json")

REPEATED = "repeats a standalone program by device.run(run_args=...), which Brian's runtime ignores"

#: Not tried, and why.
LEFT_OUT = {
    "advanced/float_32_64_benchmark.py": "measures Brian's own devices, and chooses them itself",
    "advanced/opencv_movie.py": "downloads a film",
    "frompapers/Stimberg_et_al_2019/example_3_bisection_standalone.py": REPEATED,
    "standalone/standalone_multiple_processes.py": REPEATED,
    "standalone/standalone_multiplerun.py": REPEATED,
}

#: How much of every run is left where the whole takes too long.
SCALES = (1.0, 0.1, 0.01)

#: Seconds of real time for one of the processor: others may use it as well.
PATIENCE = 20

#: A difference may be so many times the one that rounding makes in Brian's runtime.
ROUNDING_FACTOR = 20

Outcome = dict[str, Any]


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.brian2_examples.run")
    parser.add_argument("-k", metavar="TEXT", default="", help="only scripts with this in the name")
    parser.add_argument("-n", metavar="N", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument(
        "--limit",
        metavar="SECONDS",
        type=int,
        default=300,
        help="of the processor, for one run of one script",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=5,
        help="for random scripts; twice as many for one that seems to differ",
    )
    parser.add_argument(
        "--scale",
        type=float,
        default=SCALES[0],
        choices=SCALES,
        help="begin with this part of every run, for scripts of which the whole takes too long",
    )
    parser.add_argument("--again", action="store_true", help="do not take earlier results")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    parser.add_argument("--results", type=Path, default=source.cache() / "results")
    return parser.parse_args(given)


class Script:
    """A script of Brian's, run in processes of its own.

    Parameters
    ----------
    path : Path
    limit : int
        For each run, in seconds of the processor.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path, self.limit = path, limit

    def run(
        self,
        device: str,
        seeds: Sequence[int],
        scale: float,
        jitter: bool = False,
        target: str = "numpy",
    ) -> list[Outcome]:
        """Run it once for each seed; `target` is that of Brian's code generation.

        Returns
        -------
        list of dict
            What `Observer.told` tells, ``arrays``, and ``error`` with what the script ended in.
        """
        with tempfile.TemporaryDirectory(prefix="brian2_example_") as scratch:
            folder = Path(scratch) / "script"
            shutil.copytree(self.path.parent, folder)
            command = [sys.executable, "-m", "tests.brian2_examples.script"]
            command += [str(folder / self.path.name), "--device", device, "--scale", str(scale)]
            command += ["--limit", str(self.limit), "--target", target]
            command += ["--results", scratch, "--seeds", *map(str, seeds)]
            command += ["--jitter"] if jitter else []
            with open(Path(scratch) / "output", "w+") as output:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **_ENVIRONMENT},
                )
                try:
                    process.wait(PATIENCE * self.limit * len(seeds))
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    late = {"error": "does not come to an end", "timeout": True}
                    return [late] * len(seeds)
                output.seek(0)
                text = output.read()[-3000:]
            return [self._outcome(Path(scratch) / str(seed), text) for seed in seeds]

    @staticmethod
    def _outcome(result: Path, output: str) -> Outcome:
        told = result.with_suffix(".json")
        if not told.exists():
            return {"error": f"left no results: {output[-300:]}", "lost": True}
        outcome = json.loads(told.read_text())
        if "timeout" in outcome:
            return outcome
        with np.load(result.with_suffix(".npz")) as arrays:
            return outcome | {"arrays": dict(arrays), "output": output}


def examine(script: Script, seeds: int, largest_scale: float = SCALES[0]) -> Outcome:
    """Run a script under both and judge.

    Returns
    -------
    dict
        A row of the table: ``status`` is ``'agrees'``, ``'differs'``, ``'fails'`` or ``'not run'``;
        ``how`` says why.
    """
    for scale in (scale for scale in SCALES if scale <= largest_scale):
        first, second = script.run("runtime", (1, 2), scale)
        if not (first.get("timeout") or second.get("timeout")):
            break
    row: Outcome = {"scale": scale, "error": first["error"]}
    if "lost" in first:
        return row | {"status": "fails", "how": first["error"]}
    if not first.get("arrays"):
        return row | {"status": "not run", "how": first["error"] or "runs no network"}
    row["runtime"] = first["seconds"]
    ours = script.run("genn", (1,), scale)[0]
    row["ours"] = ours.get("seconds")
    row["objects"], row["by_brian"] = ours.get("objects"), ours.get("by_brian")
    if ours["error"] != first["error"]:
        output = ours.get("output", "")
        return row | {"status": "fails", "how": f"{ours['error']}", "output": output}
    if not second.get("arrays"):
        return row | {"status": "not run", "how": f"with another seed: {second['error']}"}
    if worst(deviations(first["arrays"], second["arrays"]))[1] == 0:
        return row | judge_exactly(script, scale, first, ours)
    row["theirs"] = [statistics(first["arrays"]), statistics(second["arrays"])]
    row["ours_too"] = [statistics(ours["arrays"])]
    return judge_statistically(script, row, seeds)


def judge_exactly(script: Script, scale: float, first: Outcome, ours: Outcome) -> Outcome:
    """Compare a deterministic script value by value, and with what rounding does to it."""
    found = deviations(first["arrays"], ours["arrays"])
    name, apart = worst(found)
    if apart <= EXACT:
        return {"status": "agrees", "how": f"exactly (to {apart:.0e})" if apart else "exactly"}
    varied = script.run("runtime", (1, 2, 3), scale, jitter=True)
    varied = [run for run in varied if run.get("arrays")]
    scatter = [deviations(first["arrays"], run["arrays"]) for run in varied]
    bound = {n: max((s.get(n, np.inf) for s in scatter), default=0.0) for n in found}
    beyond = {n: d for n, d in found.items() if d > max(EXACT, ROUNDING_FACTOR * bound[n])}
    if beyond:
        compiled = script.run("runtime", (1,), scale, target="cython")[0]
        others = deviations(compiled.get("arrays", {}), ours["arrays"])
        if worst(others)[1] <= EXACT:
            told = f"exactly (to {worst(others)[1]:.0e}) with Brian's Cython code; NumPy's differs"
            return {"status": "agrees", "how": told}
        name, apart = worst(beyond)
        told = f"{name}: {apart:.0e} apart; {bound[name]:.0e} by rounding in Brian's runtime"
        told += f"; {len(beyond)} of {len(found)} variables differ"
        return {"status": "differs", "how": told}
    if np.isfinite(apart):
        told = f"{name} is {apart:.0e} apart, in Brian's runtime {bound[name]:.0e}"
        return {"status": "agrees", "how": f"as rounding allows ({told} where rounding varies)"}
    theirs = [statistics(run["arrays"]) for run in [first, *varied]]
    known = compare_samples(theirs, [statistics(ours["arrays"])])
    told = f"rounding adds or moves events in Brian's runtime as here; {_told(known)}"
    return {
        "status": "agrees" if known.agree else "differs",
        "how": f"statistically (deterministic, but {told})",
    }


def judge_statistically(script: Script, row: Outcome, seeds: int) -> Outcome:
    """Compare a random script over so many seeds; over twice as many if it seems to differ."""
    theirs, ours = row["theirs"], row["ours_too"]
    for count in (seeds, 2 * seeds):
        for kept, device in ((theirs, "runtime"), (ours, "genn")):
            missing = range(len(kept) + 1, count + 1)
            for run in script.run(device, missing, row["scale"]) if missing else ():
                if not run.get("arrays"):
                    return row | {"status": "fails", "how": f"{device}: {run['error']}"}
                kept.append(statistics(run["arrays"]))
        known = compare_samples(theirs, ours)
        if known.agree:
            break
    status = "agrees" if known.agree else "differs"
    return row | {"status": status, "how": f"statistically ({len(ours)} seeds, {_told(known)})"}


def _told(known: Comparison) -> str:
    text = f"{known.count} statistics"
    if not known.agree:
        text += f"; the worst, {known.name}, {known.value:.4g} for {known.reference:.4g},"
        text += f" has probability {known.chance:.2g}"
    return f"{text}; {100 * known.noticed:.2g} % would be noticed"


def known_rows() -> dict[str, Outcome]:
    """The rows of the table as it is, if they are of the Brian that is installed."""
    kept = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return kept.get("rows", {}) if kept.get("brian2") == brian2.__version__ else {}


def write(rows: dict[str, Outcome]) -> None:
    """Write the table and its rows; of scripts that were not asked for, what is known."""
    dropped = ("theirs", "ours_too", "output")
    short = {n: {k: v for k, v in r.items() if k not in dropped} for n, r in rows.items()}
    rows = dict(sorted((known_rows() | short).items()))
    TABLE.write_text(table.table(rows, brian2.__version__))
    ROWS.write_text(json.dumps({"brian2": brian2.__version__, "rows": rows}, indent=1) + "\n")


def results(options: argparse.Namespace) -> dict[str, Outcome]:
    """Examine all scripts that are asked for, or take what is known of them."""
    folder = source.examples(source.cache())
    names = [name for name in source.scripts(folder) if options.k in name]
    options.results.mkdir(parents=True, exist_ok=True)
    commit = table.git_commit()
    known = {} if options.again else known_rows()

    def one(name: str) -> Outcome:
        if name in LEFT_OUT:
            return {"status": "not run", "how": LEFT_OUT[name]}
        script = Script(folder / name, options.limit)
        kept = options.results / (name.replace("/", "__") + ".json")
        row = None if options.again or not kept.exists() else json.loads(kept.read_text())
        if row is None and known.get(name, {}).get("status") == "agrees":
            return known[name]
        if row is None:
            row = examine(script, options.seeds, options.scale) | {"commit": commit}
        elif len(row.get("ours_too", ())) < options.seeds and "ours_too" in row:
            row = judge_statistically(script, row, options.seeds)
        else:
            return row
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
    print(table.table(rows, brian2.__version__))
    if options.write:
        write(rows)
    return int(any(row["status"] in ("fails", "differs") for row in rows.values()))


if __name__ == "__main__":
    sys.exit(main())
