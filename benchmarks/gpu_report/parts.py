"""What the report consists of: parts, each of which has jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu_report.jobs import Job
from benchmarks.networks import NETWORKS

#: What runs under compute-sanitizer: the smallest network of each kind.
SANITIZED = [
    "cobahh", "mushroom_body", "cuba", "brunel_hakim", "brunel_hakim_delays", "stdp",
    "stdp_delays", "microcircuit",
]  # fmt: skip

#: Small networks, and large ones, in the order in which they are measured.
SMALL = SANITIZED
LARGE = [
    "cobahh_large", "mushroom_body_large", "brunel_hakim_large", "brunel_hakim_delays_large",
    "stdp_large", "stdp_delays_large", "cobahh_million",
]  # fmt: skip

#: Sizes at which the paper's two networks are run for its figures, beside those above.
SCALED = {
    "cobahh": ("n_neurons", [1000, 10_000, 100_000, 1_000_000]),
    "mushroom_body": ("n_kenyon", [1000, 10_000, 100_000, 1_000_000]),
}


@dataclass(frozen=True)
class Setting:
    """What the parts are made for.

    Attributes
    ----------
    folder : Path
        Of the report.
    scratch : Path
        Shared by jobs that go on where others ended.
    cores : sequence of int
        Of this process.
    quick : bool
        Tiny networks, to see that all runs.
    commit : str
        The commit, where there is no repository to ask.
    cuda_path : str
        The CUDA toolkit; empty where there is none.
    """

    folder: Path
    scratch: Path
    cores: Sequence[int]
    quick: bool = False
    commit: str = ""
    cuda_path: str = ""

    def lock(self) -> Path:
        """Whoever holds it is alone with the GPU."""
        return self.scratch / "gpu.lock"

    def beside(self) -> Sequence[int]:
        """Cores for what is measured while the GPU is: the upper half."""
        return self.cores[len(self.cores) // 2 :]

    def measuring(self) -> Sequence[int]:
        """Cores for what the GPU is measured by: the lower half."""
        return self.cores[: max(len(self.cores) // 2, 1)]


@dataclass(frozen=True)
class Part:
    """One part of the report.

    Attributes
    ----------
    name : str
    title : str
    limit : float
        Seconds.
    lanes : callable
        What runs side by side; the jobs of a lane run one after the other.
    """

    name: str
    title: str
    limit: float
    lanes: Callable[[Setting], list[list[Job]]]


def _card(setting: Setting) -> list[list[Job]]:
    task = {"task": "card", "commit": setting.commit}
    return [[
        Job("card", task, 60.0),
        Job("trial", {"task": "trial"}, 90.0),
        Job("latencies", {"task": "latencies"}, 30.0),
    ]]  # fmt: skip


def _tests(setting: Setting) -> list[list[Job]]:
    workers = max(len(setting.cores) * 5 // 8, 1)
    # without -x: one failure should not hide the others. Names come first: they are kept if time
    # is up.
    arguments = [
        "-m", "gpu", "-v", "--tb=short", "--show-capture=no", "-W", "ignore", "-p",
        "no:cacheprovider", "--durations=15", "-n", str(workers), "tests/gpu", "tests/semantics",
    ]  # fmt: skip
    task = {"task": "tests", "arguments": arguments, "lock": str(setting.lock())}
    environment = {"BRIAN2GENN_TEST_BACKEND": "cuda"}
    lanes = [[Job("tests", task, 110.0, environment=environment, log="tests.log")]]
    sanitizer = shutil.which("compute-sanitizer") or f"{setting.cuda_path}/bin/compute-sanitizer"
    if Path(sanitizer).exists():
        lanes += [
            [
                Job(
                    f"{tool}: {name}",
                    _network(name, quick=True, duration=0.003),
                    60.0,
                    [sanitizer, "--tool", tool, "--error-exitcode", "9"],
                )
                for name in SANITIZED
            ]
            for tool in ("memcheck", "racecheck")
        ]
    return lanes


def _network(name: str, backend: str = "cuda", **options: object) -> dict[str, object]:
    """A task for the worker."""
    return {"task": "network", "network": name, "backend": backend, "duration": 1.0} | options


def _networks(setting: Setting) -> list[list[Job]]:
    cores, options = setting.measuring(), {"quick": setting.quick}
    if setting.quick:
        options["duration"] = 0.02
    lane = []
    for name in SMALL:
        shared = {"BRIAN2GENN_CACHE_DIR": str(setting.scratch / name)}
        lane += [
            Job(f"{name} cold", _network(name, **options), environment=shared, cores=cores),
            Job(f"{name} warm", _network(name, **options), environment=shared, cores=cores),
            Job(f"{name} single", _network(name, precision="single", **options), cores=cores),
        ]
    return [lane, *_processor(setting, SMALL)]


def _large(setting: Setting) -> list[list[Job]]:
    cores = setting.measuring()
    options = {"quick": setting.quick, "lock": str(setting.lock())}
    options["duration"] = 0.02 if setting.quick else 0.5
    lanes = [[Job(f"{n} large", _network(n, **options), 120.0, cores=cores) for n in LARGE]]
    task = _network(
        "mushroom_body_large", "cpu", quick=setting.quick, threads=2,
        duration=0.02 if setting.quick else 0.2,
    )  # fmt: skip
    beside = setting.beside()[:2]
    lanes.append([Job("mushroom_body_large 2 threads", task, 100.0, cores=beside)])
    return lanes


def _whole(setting: Setting) -> list[list[Job]]:
    """It takes more than a minute until the cortical microcircuit is there."""
    options = {"quick": setting.quick, "duration": 0.02 if setting.quick else 1.0}
    task = _network("microcircuit_full", lock=str(setting.lock()), **options)
    return [[Job("microcircuit_full large", task, 180.0)]]


def _processor(setting: Setting, names: Sequence[str], shorter: float = 1.0) -> list[list[Job]]:
    """This package on one core for each network, beside the GPU."""
    lanes = []
    for k, name in enumerate(names):
        duration = 0.02 if setting.quick else shorter
        task = _network(name, "cpu", quick=setting.quick, duration=duration, threads=1)
        beside = setting.beside()
        lanes.append([Job(f"{name} one core", task, 100.0, cores=[beside[k % len(beside)]])])
    return lanes


def _all_cores(setting: Setting) -> list[list[Job]]:
    """This package on two cores and on all, one network after the other."""
    lane = []
    for name, duration in (("mushroom_body_large", 0.2), ("cobahh_large", 0.1), ("cobahh", 1.0)):
        for threads in dict.fromkeys((1, len(setting.cores))):
            task = _network(
                name, "cpu", quick=setting.quick, threads=threads,
                duration=0.02 if setting.quick else duration,
            )  # fmt: skip
            lane.append(Job(f"{name} {threads} threads", task, 100.0))
    return [lane]


def _peers(setting: Setting) -> list[list[Job]]:
    """They compile beside each other; only one at a time is measured."""
    options = {"quick": setting.quick, "lock": str(setting.lock())}
    if setting.quick:
        options["duration"] = 0.02
    cuda = {"CUDA_PATH": setting.cuda_path, "CUDA_HOME": setting.cuda_path}
    lanes = []
    names = [*SMALL[:-1], "cobahh_large", "brunel_hakim_large", "stdp_large"]
    for name in names:
        if find_spec("pygenn"):
            task = _network(name, "pygenn", **options)
            lanes.append([Job(f"{name} GeNN", task, 150.0, environment=cuda)])
        if find_spec("brian2cuda"):
            task = _network(name, "brian2cuda", **options) | {"task": "brian2cuda"}
            lanes.append([Job(f"{name} Brian2CUDA", task, 150.0, environment=cuda)])
    # few at a time: each compiles with several processes
    width = max(len(setting.cores) // 2, 1)
    return [[job for lane in lanes[k::width] for job in lane] for k in range(width)]


def _scaling(setting: Setting) -> list[list[Job]]:
    """The paper's figures: both networks by size, on the GPU and on one core."""
    gpu, lanes = [], []
    beside = list(setting.beside())
    for network, (parameter, sizes) in SCALED.items():
        for size in sizes:
            if setting.quick and size > 1000:
                continue
            parameters: dict[str, object] = {parameter: size}
            if network == "cobahh":
                parameters["n_synapses"] = min(1000, size // 50)
            options = {"parameters": parameters, "duration": 0.02 if setting.quick else 0.5}
            name = f"{network} {size}"
            gpu.append(Job(f"{name} GPU", _network(network, **options), 90.0,
                           cores=setting.measuring()))  # fmt: skip
            if size <= 100_000:
                options["duration"] = min(0.5, 2000 / size)
                for backend, task in (
                    ("one core", _network(network, "cpu", threads=1, **options)),
                    ("cpp_standalone", _network(network, **options) | {"task": "cpp_standalone"}),
                ):
                    core = [beside[len(lanes) % len(beside)]]
                    lanes.append([Job(f"{name} {backend}", task, 90.0, cores=core)])
    return [gpu, *lanes]


PARTS = [
    Part("card", "The card, and whether it computes right", 120.0, _card),
    Part("tests", "Tests, and compute-sanitizer", 115.0, _tests),
    Part("networks", "Networks", 170.0, _networks),
    Part("peers", "Peers on the same card", 150.0, _peers),
    Part("whole", "The whole cortical microcircuit", 190.0, _whole),
    Part("large", "Large networks", 200.0, _large),
    Part("processor", "This package on the processor", 90.0, _all_cores),
    Part("scaling", "Speed-up by size", 150.0, _scaling),
]


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cuda_toolkit() -> str:
    """Where the CUDA toolkit is; empty if there is none."""
    nvcc = shutil.which("nvcc")
    for path in (os.environ.get("CUDA_PATH"), os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if path and Path(path).is_dir():
            return path
    return str(Path(nvcc).resolve().parents[1]) if nvcc else ""


assert set(SMALL + LARGE) <= set(NETWORKS)
