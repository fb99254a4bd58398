"""Many short runs of one network: ``python -m benchmarks.short_runs --help``.

What a run of one millisecond takes besides the millisecond: preparing it. Each loop restores the
network, changes something, and runs. Devices take turns, each in a process of its own, and show the
median over their runs in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DEVICES = ("genn", "numpy", "cython")
ROOT = Path(__file__).parents[1]


def fit() -> Callable[[int], None]:
    """Fitting: parameters are variables of the neurons, the input is a table of time."""
    import numpy as np
    from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, TimedArray, ms

    current = TimedArray(np.sin(np.arange(100)), dt=0.1 * ms)
    neurons = NeuronGroup(
        50,
        """
        dv/dt = (current(t) + gain*w - v)/(10*ms) : 1
        dw/dt = (a*v - w)/tau : 1
        gain : 1 (constant)
        a : 1 (constant)
        tau : second (constant)
        """,
        threshold="v > 0.3",
        reset="v = 0; w += 0.1",
        method="exponential_euler",
    )
    spikes, trace = SpikeMonitor(neurons), StateMonitor(neurons, "v", record=True)
    network = Network(neurons, spikes, trace)
    network.store()

    def run(number: int) -> None:
        network.restore()
        neurons.gain = np.linspace(0, 1 + number, 50)
        neurons.a = 0.1
        neurons.tau = (20 + number % 10) * ms
        network.run(1 * ms, namespace={"current": current})

    return run


def sweep() -> Callable[[int], None]:
    """A sweep: numbers of the script are other ones in each run of a recurrent network."""
    from benchmarks.networks import cuba
    from brian2 import Network, mV, ms

    parts = cuba.build(n_neurons=400)
    network = Network(*(parts[name] for name in ("neurons", "excitatory", "inhibitory", "spikes")))
    network.store()

    def run(number: int) -> None:
        network.restore()
        network.run(1 * ms, namespace={**parts, "w_e": (1 + 0.01 * number) * mV})

    return run


LOOPS = {"fit": fit, "sweep": sweep}


def measure(loop: str, device: str, runs: int) -> float:
    """The median of seconds a run, after a few runs that compile."""
    from benchmarks.worker import DEVICES as USE
    from brian2 import BrianLogger

    BrianLogger.suppress_name("method_choice")
    with tempfile.TemporaryDirectory() as directory:
        USE[device](directory)
        run = LOOPS[loop]()
        for number in range(3):
            run(number)
        seconds = []
        for number in range(runs):
            began = time.perf_counter()
            run(number)
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main() -> None:
    """Let the devices take turns, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.short_runs")
    parser.add_argument("--runs", type=int, default=50, help="timed runs in a process (50)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each device (3)")
    parser.add_argument("--devices", default=",".join(DEVICES), help="of genn, numpy, cython")
    parser.add_argument("--worker", nargs=2, metavar=("LOOP", "DEVICE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(measure(*options.worker, options.runs)))
        return
    command = [sys.executable, "-m", "benchmarks.short_runs", "--runs", str(options.runs)]
    print("milliseconds a run: median of the medians (each)")
    for loop in LOOPS:
        found: dict[str, list[float]] = {device: [] for device in options.devices.split(",")}
        for _ in range(options.rounds):
            for device, medians in found.items():
                done = subprocess.run(
                    [*command, "--worker", loop, device],
                    cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )  # fmt: skip
                medians.append(1e3 * json.loads(done.stdout.splitlines()[-1]))
        for device, medians in found.items():
            each = ", ".join(f"{value:.1f}" for value in medians)
            print(f"{loop:8} {device:8} {statistics.median(medians):8.1f}   ({each})")


if __name__ == "__main__":
    main()
