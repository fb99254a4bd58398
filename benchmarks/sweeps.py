"""Many short runs in many ways: ``python -m benchmarks.sweeps --help``.

A thousand values of a time constant; a run makes a small network, simulates 100 ms, and counts
spikes. Each way is timed in a process of its own, after Brian was imported: once from nothing (an
empty cache of programs, no workers), once again with other values.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.run import ROOT, git_commit, machine
from benchmarks.turns import RESULTS


def simulate(time_constant):
    """One run: 50 neurons with different inputs."""
    from brian2 import NeuronGroup, SpikeMonitor, ms, run

    neurons = NeuronGroup(
        50, "dv/dt = (2*i/N - v)/tau : 1\ntau : second (shared, constant)",
        threshold="v > 1", reset="v = 0", method="exact",
    )  # fmt: skip
    neurons.tau = time_constant
    spikes = SpikeMonitor(neurons, record=False)
    run(100 * ms)
    return {"spikes": int(spikes.num_spikes)}


def values(runs: int, shift: float):
    """Time constants; all are others with another shift."""
    import numpy as np
    from brian2 import ms

    return (np.linspace(5, 20, runs) + shift) * ms


def loop(cores: int) -> Callable[[int, float], list[int]]:
    """Loops in as many processes as there are cores, which share nothing: what is to be reached."""
    from brian2 import set_device

    import brian2genn

    set_device("genn", backend="cpu", threads=1)

    def runs(number, shift):
        if not gc.get_freeze_count():
            found = [simulate(tau)["spikes"] for tau in values(number, shift)]
            # as in workers of a sweep: a search for garbage need not look at modules each time
            gc.collect()
            gc.freeze()
            return found
        processes = []
        for place in range(cores):
            process = os.fork()
            if not process:
                for tau in values(number, shift + 0.001 * place):
                    simulate(tau)
                os._exit(0)
            processes.append(process)
        assert not any(os.waitpid(process, 0)[1] for process in processes)
        return []

    return runs


def sweep(cores: int) -> Callable[[int, float], list[int]]:
    """brian2genn.sweep."""
    from brian2 import set_device

    import brian2genn

    set_device("genn", backend="cpu")

    def runs(number, shift):
        results = brian2genn.sweep(
            simulate, {"time_constant": values(number, shift)}, workers=cores
        )
        return [run["spikes"] for run in results]

    return runs


def stored(cores: int) -> Callable[[int, float], list[int]]:
    """brian2genn.sweep with a store on the disk."""
    from brian2 import set_device

    import brian2genn

    set_device("genn", backend="cpu")

    def runs(number, shift):
        with tempfile.TemporaryDirectory() as folder:
            results = brian2genn.sweep(
                simulate,
                {"time_constant": values(number, shift)},
                workers=cores,
                store=f"{folder}/store",
            )
            return [run["spikes"] for run in results]

    return runs


def joblib(cores: int) -> Callable[[int, float], list[int]]:
    """joblib by hand, with the device."""
    from brian2 import set_device
    from joblib import Parallel, delayed

    import brian2genn

    set_device("genn", backend="cpu", threads=1)

    def runs(number, shift):
        found = Parallel(cores)(delayed(simulate)(tau) for tau in values(number, shift))
        return [run["spikes"] for run in found]

    return runs


def standalone(cores: int) -> Callable[[int, float], list[int]]:
    """multiprocessing, cpp_standalone and run_args, as in Brian's documentation."""
    from multiprocessing import Pool

    from brian2 import NeuronGroup, SpikeMonitor, device, ms, run, set_device

    state: dict = {}

    def build(folder):
        set_device("cpp_standalone", build_on_run=False)
        neurons = NeuronGroup(
            50, "dv/dt = (2*i/N - v)/tau : 1\ntau : second (shared, constant)",
            threshold="v > 1", reset="v = 0", method="exact",
        )  # fmt: skip
        neurons.tau = 5 * ms
        spikes = SpikeMonitor(neurons, record=False)
        run(100 * ms)
        device.build(directory=folder, run=False)
        state.update(neurons=neurons, spikes=spikes, folder=folder)

    def runs(number, shift):
        if not state:
            build(tempfile.mkdtemp())
        global _run_standalone

        def _run_standalone(task):
            place, tau = task
            device.run(results_directory=f"results_{place}", run_args={state["neurons"].tau: tau})
            return int(state["spikes"].num_spikes)

        with Pool(cores) as pool:  # forked: it has the built device
            return pool.map(_run_standalone, list(enumerate(values(number, shift))))

    return runs


def neurons(cores: int) -> Callable[[int, float], list[int]]:
    """One network with neurons for each value, as brian2modelfitting does it."""
    import numpy as np
    from brian2 import NeuronGroup, SpikeMonitor, ms, run, set_device

    import brian2genn

    set_device("genn", backend="cpu")

    def runs(number, shift):
        cells = NeuronGroup(
            50 * number, "dv/dt = (2*(i % 50)/50 - v)/tau : 1\ntau : second (constant)",
            threshold="v > 1", reset="v = 0", method="exact",
        )  # fmt: skip
        cells.tau = np.repeat(values(number, shift), 50)
        spikes = SpikeMonitor(cells, record=False)
        run(100 * ms)
        return [int(count) for count in spikes.count[:].reshape(number, 50).sum(axis=1)]

    return runs


WAYS = {
    "loop": loop,
    "sweep": sweep,
    "stored": stored,
    "joblib": joblib,
    "standalone": standalone,
    "neurons": neurons,
}


def worker(way: str, runs: int, cores: int) -> dict[str, float]:
    """Seconds for the first time and for the second."""
    from brian2 import BrianLogger

    BrianLogger.log_level_error()
    execute = WAYS[way](cores)
    told = {}
    for name, shift in (("first", 0.0), ("second", 0.003)):
        number = runs if way != "loop" else max(runs // 10, 10)
        began = time.perf_counter()
        spikes = execute(number, shift)
        told[name] = time.perf_counter() - began
        told[f"spikes_{name}"] = sum(spikes)
    return told


def measure(way: str, runs: int, cores: int) -> dict[str, float]:
    """The same in a process with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.sweeps", "--runs", str(runs),
             "--cores", str(cores), "--worker", way],
            cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "BRIAN2GENN_CACHE_DIR": cache},
        )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--ways", default=",".join(WAYS), help=f"of {', '.join(WAYS)}")
    parser.add_argument("--write", action="store_true", help="write the table to results/")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(worker(options.worker, options.runs, options.cores)))
        return
    commit, where = git_commit(), machine()
    ways = options.ways.split(",")
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            found[way].append(measure(way, options.runs, options.cores))
            print(way, found[way][-1], file=sys.stderr, flush=True)
    counts = {told["spikes_first"] for way in ways if way != "loop" for told in found[way]}
    if len(counts) > 1:
        print(f"The ways count different spikes: {counts}", file=sys.stderr)
    factor = options.runs / max(options.runs // 10, 10) / options.cores
    ideal = statistics.median(told["second"] for told in found["loop"]) * factor
    rows = ["| way | first | again | again, of runs / cores |", "|---|---|---|---|"]
    for way in ways:
        times = [[told[name] for told in found[way]] for name in ("first", "second")]
        if way == "loop":
            continue
        ratios = [
            told["second"] / (one["second"] * factor)
            for told, one in zip(found[way], found["loop"], strict=True)
        ]
        cells = [
            f"{statistics.median(some):.1f} ({min(some):.1f}-{max(some):.1f})" for some in times
        ]
        cells.append(f"{statistics.median(ratios):.2f}")
        rows.append(f"| {WAYS[way].__doc__} | {' | '.join(cells)} |")
    command = shlex.join(["python", "-m", "benchmarks.sweeps", *sys.argv[1:]])
    rows += [
        "",
        f"Seconds for {options.runs} runs: median (minimum-maximum) of {options.rounds} processes,"
        " which take turns. *First* from nothing: workers start, a program is compiled. *Again*"
        " with other values in the same process. *Runs / cores* is the time of"
        f" {options.cores} loops that run at once, warm and with what is there before left out of"
        f" searches for garbage: {ideal:.1f} s, or"
        f" {1e3 * ideal * options.cores / options.runs:.0f} ms for a run; ratios are of"
        f" neighbouring processes. {where['cpu']}, load {where['load_average']} at the start;"
        f" commit {commit}; `{command}`.",
    ]
    text = "\n".join(rows) + "\n"
    print(text)
    if options.write:
        (RESULTS / "sweeps.md").write_text(text)


if __name__ == "__main__":
    main()
