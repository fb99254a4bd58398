"""What a time step costs on a GPU, counted and, where there is one, measured.

``python -m benchmarks.gpu`` builds each network for the CUDA backend and tells, from the program's
own description, how many kernels a time step launches, how many bytes it moves and how many
operations it does, against the floor: every variable read and written once, in two launches.
Registers and spills are those of NVRTC. This needs no GPU. How many neurons spike is found out by
a short run on the processor. From where that has come to, the code that NVRTC makes can be executed
there for some time steps, too, to count instructions and sectors of memory.

With a GPU, the networks run, too: microseconds for a time step, and the bandwidth that this is,
beside the bandwidth of a copy on the same device. Results are written with machine and commit.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import BrianObject, Network, SpikeMonitor, defaultclock, get_device, second, set_device
from brian2 import seed as set_seed

import brian2genn
from benchmarks import prediction
from benchmarks.execution import Executed, execute
from benchmarks.networks import NETWORKS, USUAL
from benchmarks.run import git_commit, machine
from benchmarks.traffic import Cost, cost_of_step, deliveries_per_step
from brian2genn.backends.cuda.device import compiler, nvidia
from brian2genn.backends.cuda import setup
from brian2genn.backends.cuda.run.options import Execution
from brian2genn.backends.cuda.device.driver import CudaUnavailable, KernelAttributes, Launch
from brian2genn.backends.cuda.device.driver import Meeting, TuningRules

#: Launches of a time step that nothing can do without: neurons, then synapses.
FLOOR_LAUNCHES = 2


class DryModule:
    """A program that was compiled but is on no device."""

    def __init__(self, log: str) -> None:
        self.resources = compiler.resources(log)
        self._symbols: dict[str, np.ndarray] = {}

    def kernel(self, name: str) -> str:
        return name

    def symbol(self, name: str) -> int:
        memory = self._symbols.setdefault(name, np.zeros(1 << 16, dtype=np.uint8))
        return memory.ctypes.data


class DryDriver:
    """Compiles programs and gives them memory, but executes nothing."""

    multiprocessors = 132
    threads = 128
    most_threads = 2048
    rules = TuningRules()

    def __init__(self, architecture: int) -> None:
        self.architecture = architecture
        self.name = self.identity = f"no GPU (compiled for sm_{architecture})"
        self._memory: dict[int, np.ndarray] = {}

    def memory(self) -> tuple[int, int]:
        return 1 << 40, 1 << 40

    def allocate(self, nbytes: int) -> int:
        memory = np.zeros(nbytes, dtype=np.uint8)
        self._memory[memory.ctypes.data] = memory
        return memory.ctypes.data

    def free(self, address: int) -> None:
        del self._memory[address]

    def upload(self, address: int, array: np.ndarray) -> None:
        """Nothing executes, so nothing reads it."""

    def download(self, array: np.ndarray, address: int) -> None:
        array[...] = np.zeros((), dtype=array.dtype)

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        """Nothing executes, so nothing reads it."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Nothing executes, so nothing reads it."""

    def build(self, text: str, *, exact: bool = False) -> DryModule:
        return DryModule(compiler.compile_cubin(text, self.architecture, exact=exact)[1])

    def wait_until_open(self) -> None:
        """It always is."""

    def compile_ahead(self, text: str, *, exact: bool = False) -> bool:
        """Nothing is begun."""
        return True

    def compiles(self, text: str) -> bool:
        return True

    def launch(self, launches: Sequence[Launch]) -> None:
        """The state stays zero, which says that the run is over."""

    def graph(self, launches: Sequence[Launch]) -> None:
        """Never asked for."""

    def replay(self, graph: Any) -> None:
        """Never asked for."""

    def time(self, launches: Sequence[Launch]) -> list[float]:
        return [0.0 for _ in launches]

    def most_blocks(self, kernel: Any, threads: int, meeting: Meeting) -> int:
        return 0

    def attributes(self, kernel: Any, threads: int) -> KernelAttributes:
        return KernelAttributes(0, 0, 0, 0)


@dataclass
class Counted:
    """What one network costs in a time step."""

    network: str
    title: str
    launches: int
    kernels: list[dict[str, Any]]
    cost: Cost
    floor: Cost
    spikes_per_step: dict[str, float]
    #: synapses reached in a time step
    deliveries: float
    microseconds: float | None = None
    real_time_factor: float | None = None
    gigabytes_per_second: float | None = None
    from_start: float | None = None
    #: what the kernels execute in a time step
    executed: list[Executed] = field(default_factory=list)
    #: the same with the blocks of a cluster; empty where the network does not fit into one
    in_cluster: list[Executed] = field(default_factory=list)
    #: the same with targets owned by blocks; empty where blocks have to wait for each other
    owned: list[Executed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


#: Of a stimulus that is as long as the network runs: seconds for the time steps that are executed.
_MORE_STIMULUS = 0.05


@dataclass
class Built:
    """A network and what its equations refer to, by the names in its script."""

    name: str
    namespace: dict[str, Any]
    network: Network

    def run(self, duration: float) -> None:
        """Go on for some biological seconds."""
        self.network.run(duration * second, namespace=self.namespace)


def build(name: str, quick: bool, duration: float) -> Built:
    """Build a network for the device that is set, for so many biological seconds."""
    benchmark = NETWORKS[name]
    parameters = dict(benchmark.quick if quick else benchmark.size)
    if benchmark.needs_duration:
        parameters["duration"] = duration + _MORE_STIMULUS
    set_seed(1)
    module = importlib.import_module(f"benchmarks.networks.{benchmark.module}")
    namespace = module.build(**parameters)
    objects = dict.fromkeys(v for v in namespace.values() if isinstance(v, BrianObject))
    return Built(name, namespace, Network(o for o in objects if o.add_to_magic_network))


def spike_counts(built: Built, duration: float) -> dict[str, np.ndarray]:
    """By the name of a population: spikes of every neuron in a time step.

    Parameters
    ----------
    built : Built
        After its first run.
    duration : float
        Of that, in biological seconds.
    """
    steps = duration / float(defaultclock.dt)
    monitors = [v for v in built.namespace.values() if isinstance(v, SpikeMonitor)]
    return {monitor.source.name: np.array(monitor.count) / steps for monitor in monitors}


@contextmanager
def telling(**listeners: Any) -> Iterator[None]:
    """Within this, a device that is set tells of how it executes time steps (see `Execution`)."""
    device = brian2genn.genn_device
    usual = device.defaults.execution
    told = replace(usual or Execution(), **listeners)
    device.defaults = replace(device.defaults, execution=told)
    try:
        yield
    finally:
        device.defaults = replace(device.defaults, execution=usual)


@contextmanager
def programs_built() -> Iterator[list[tuple[Any, Any]]]:
    """Within this, programs that a device builds which is set are listed, after their models."""
    built: list[tuple[Any, Any]] = []
    with telling(on_program=lambda network, program: built.append((network, program))):
        yield built


@contextmanager
def _on(driver: Any, *, sets_up: bool) -> Iterator[list[tuple[Any, Any]]]:
    """Run networks on a GPU, or what stands in for it, with the programs that are built for it.

    Parameters
    ----------
    driver
        To run them.
    sets_up : bool
        Whether synapses are made there, too: what executes nothing makes none.
    """
    device = brian2genn.genn_device
    usual = device.defaults
    device.defaults = replace(
        usual,
        setup_from=usual.setup_from if sets_up else sys.maxsize,
        driver=driver,
        trusted=True,
    )
    try:
        with programs_built() as built:
            set_device("genn", backend="cuda")
            yield built
    finally:
        set_device("runtime")
        device.defaults = usual


def count(built: Built, duration: float, driver: Any) -> Counted:
    """Count what a time step of a network does on a GPU.

    Parameters
    ----------
    built : Built
        As the processor has run it for the first time.
    duration : float
        Of that run, in biological seconds.
    driver
        The GPU, or what stands in for it: it executes no time step.
    """
    counts = spike_counts(built, duration)
    with _on(driver, sets_up=False) as programs:
        built.run(0)
    model, program = programs[-1]
    cost, floor = cost_of_step(model, program, counts)
    names = {getattr(value, "name", ""): key for key, value in built.namespace.items()}
    return Counted(
        built.name,
        NETWORKS[built.name].title,
        len(program.source.loop),
        _kernels(program, driver),
        cost,
        floor,
        {names[owner]: float(values.sum()) for owner, values in counts.items()},
        deliveries_per_step(model, program, counts),
    )


def measure(name: str, quick: bool, duration: float, driver: Any, result: Counted) -> None:
    """Run a network on a GPU from the start, and enter how long that takes."""
    with _on(driver, sets_up=True):
        began = time.perf_counter()
        build(name, quick, duration).run(duration)
        result.from_start = time.perf_counter() - began
        loop = get_device()._last_run_time
    seconds = loop * float(defaultclock.dt) / duration
    result.microseconds = 1e6 * seconds
    result.real_time_factor = loop / duration
    result.gigabytes_per_second = result.cost.bytes / seconds / 1e9


def _kernels(program: Any, driver: Any) -> list[dict[str, Any]]:
    """Name, steps, registers and spilled bytes of every kernel of the loop."""
    tasks = {task.number: task.what for task in program.source.tasks}
    _, log = compiler.compile_cubin(program.source.text, driver.architecture)
    resources = compiler.resources(log)
    return [
        {
            "name": kernel.name,
            "tasks": [list(tasks[number]) for number in kernel.tasks],
            "registers": resources[kernel.name].registers,
            "stack": resources[kernel.name].stack,
            "spilled": resources[kernel.name].spilled,
        }
        for kernel in program.source.kernels
        if kernel.name in program.source.loop
    ]


def copy_bandwidth(driver: Any, nbytes: int = 1 << 30, repeats: int = 20) -> float:
    """Bytes read and written in a second by copies within the device, in GB/s."""
    one, other, word = driver.allocate(nbytes), driver.allocate(nbytes), np.empty(16, np.uint8)
    try:
        for warm_up in (True, False):
            began = time.perf_counter()
            for _ in range(2 if warm_up else repeats):
                driver.copy(other, one, nbytes)
            driver.download(word, other)
            spent = time.perf_counter() - began
    finally:
        driver.free(one)
        driver.free(other)
    return 2 * nbytes * repeats / spent / 1e9


def table(results: Sequence[Counted], bandwidth: float | None) -> str:
    """The results as a markdown table, and below what every kernel does."""
    titles = ["network", "launches (floor)", "synapses reached", "kB moved (floor)", "operations",
              "divisions", "functions", "random", "registers", "spilled bytes"]  # fmt: skip
    if bandwidth is not None:
        titles += [
            "µs a step",
            "real-time factor",
            "GB/s",
            "of copy bandwidth",
            "start to result, s",
        ]
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for r in results:
        cells = [
            r.title,
            f"{r.launches} ({min(r.launches, FLOOR_LAUNCHES)})",
            f"{r.deliveries:,.1f}",
            f"{r.cost.bytes / 1e3:,.1f} ({r.floor.bytes / 1e3:,.1f})",
            f"{r.cost.operations:,.0f}",
            f"{r.cost.divisions:,.0f}",
            f"{r.cost.functions:,.0f}",
            f"{r.cost.random:,.0f}",
            ", ".join(str(kernel["registers"]) for kernel in r.kernels),
            ", ".join(str(kernel["spilled"]) for kernel in r.kernels),
        ]
        if bandwidth is not None and r.microseconds is not None:
            cells += [
                f"{r.microseconds:.2f}", f"{r.real_time_factor:.4f}",
                f"{r.gigabytes_per_second:.1f}", f"{r.gigabytes_per_second / bandwidth:.1%}",
                f"{r.from_start:.2f}",
            ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "Kernels of a time step; what is in one bracket is one pass over its elements:",
        "",
    ]
    for r in results:
        lines.append(f"- {r.title}")
        for kernel in r.kernels:
            tasks = "".join(f" [{', '.join(task)}]" for task in kernel["tasks"])
            lines.append(f"  - {kernel['name']}:{tasks}")
    return "\n".join(lines) + "\n"


def executed_table(results: Sequence[Counted], options: argparse.Namespace) -> str:
    """What was counted by executing, and what is predicted from that, in markdown."""
    text = (
        f"Executed on the processor, {options.execute} time steps after {options.duration} s: code"
        f" that NVRTC made for compute capability {options.architecture / 10} (PTX), instructions"
        " of warps, and sectors of 32 bytes of global memory.\n\n"
    )
    rows = []
    for r in results:
        rows.append((r.title, r.executed, r.cost.bytes, False))
        if r.in_cluster:
            rows.append((f"{r.title}, in a cluster", r.in_cluster, r.cost.bytes, True))
        if r.owned:
            title = f"{r.title}, in a cluster, targets owned by blocks"
            rows.append((title, r.owned, r.cost.bytes, True))
    text += prediction.table(rows)
    return f"{text}\n{prediction.assumptions()}\n"


def find_driver(architecture: int) -> tuple[Any, str]:
    """The GPU, or what stands in for it and why."""
    try:
        driver = nvidia.NvidiaDriver()
        driver.wait_until_open()
        return driver, ""
    except CudaUnavailable as missing:
        return DryDriver(architecture), str(missing)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--networks", default=",".join(USUAL), metavar="A,B")
    parser.add_argument("--duration", type=float, default=1.0, help="biological seconds (1)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--dry", action="store_true", help="count only, also where there is a GPU")
    parser.add_argument(
        "--execute", type=int, default=0, metavar="STEPS",
        help="then execute so many time steps on the processor, to count instructions and sectors"
        " (0)",
    )  # fmt: skip
    parser.add_argument("--architecture", type=int, default=90, help="without a GPU (90: Hopper)")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder for gpu.json and gpu.md (with a GPU: benchmarks/results)",
    )
    options = parser.parse_args(arguments)
    options.networks = options.networks.split(",")
    unknown = [name for name in options.networks if name not in NETWORKS]
    if unknown:
        parser.error(f"there is no network {unknown[0]!r}; there are {', '.join(NETWORKS)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, measure, print and write."""
    options = parse(arguments)
    driver, missing = find_driver(options.architecture)
    measured = not missing and not options.dry
    if options.dry:
        driver = DryDriver(options.architecture)
    results = []
    for name in options.networks:
        duration = NETWORKS[name].quick_duration if options.quick else options.duration
        set_device("genn", backend="cpu")
        built = build(name, options.quick, duration)
        built.run(duration)
        result = count(built, duration, driver)
        results.append(result)
        if options.execute:
            ways = (Meeting.NOWHERE, False), (Meeting.CLUSTER, False), (Meeting.CLUSTER, True)
            result.executed, result.in_cluster, result.owned = (
                execute(built.namespace, built.network, options.architecture, options.execute, *way)
                for way in ways
            )
        if measured:
            measure(name, options.quick, duration, driver, result)
        print(f"{name}: {result.launches} launches a time step", flush=True)
    bandwidth = copy_bandwidth(driver) if measured else None
    given = sys.argv[1:] if arguments is None else list(arguments)
    setting = {
        "command": shlex.join(["python", "-m", "benchmarks.gpu", *given]),
        "commit": git_commit(),
        "machine": machine() | {"gpu": driver.name, "copy_bandwidth": bandwidth},
    }
    text = table(results, bandwidth)
    if options.execute:
        text += "\n" + executed_table(results, options)
    where = (
        f"{driver.name}, copies {bandwidth:.0f} GB/s." if bandwidth is not None
        else f"Counted, not measured: {driver.name}. {missing}".rstrip()
    )  # fmt: skip
    text += f"\n{where} {setting['machine']['cpu']}; commit {setting['commit']};"
    text += f" `{setting['command']}`.\n"
    print("\n" + text)
    folder = options.output or (Path("benchmarks/results") if measured else None)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        data = json.dumps(setting | {"results": [asdict(r) for r in results]}, indent=1)
        (folder / "gpu.json").write_text(data + "\n")
        (folder / "gpu.md").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
