"""What the report consists of: parts, each of which has jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu_report.jobs import Job
from benchmarks.gpu_report.programs import program
from benchmarks.networks import NETWORKS

#: What runs under compute-sanitizer: the smallest network of each kind.
SANITIZED = [
    "cobahh", "mushroom_body", "cuba", "brunel_hakim", "brunel_hakim_delays", "stdp",
    "stdp_delays", "microcircuit",
]  # fmt: skip

#: What compute-sanitizer has never come to the end of.
UNCHECKED = [
    ("racecheck", "stdp"), ("racecheck", "microcircuit"), ("racecheck", "stdp_delays"),
    ("memcheck", "microcircuit"),
]  # fmt: skip

#: Small networks, and large ones, in the order in which they are measured.
SMALL = SANITIZED
LARGE = [
    "cobahh_large", "cobahh_million", "mushroom_body_large", "brunel_hakim_large",
    "brunel_hakim_delays_large", "stdp_large", "stdp_delays_large",
]  # fmt: skip

#: What the peers run beside this package, the most important first.
COMPARED = [
    "cobahh", "cuba", "brunel_hakim_large", "brunel_hakim_delays_large", "stdp_large",
    "stdp_delays_large", "cobahh_large", "mushroom_body_large", "cobahh_million",
]  # fmt: skip

#: Biological seconds of these.
COMPARED_SECONDS = {name: 0.5 if NETWORKS[name].large else 1.0 for name in COMPARED}

#: The same, for tiny networks.
QUICK_SECONDS = 0.02

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
    prebuilt : Path or None
        The folder of peers' programs that were built beforehand.
    """

    folder: Path
    scratch: Path
    cores: Sequence[int]
    quick: bool = False
    commit: str = ""
    cuda_path: str = ""
    prebuilt: Path | None = None

    def lock(self) -> Path:
        """Whoever holds it is alone with the GPU."""
        return self.scratch / "gpu.lock"

    def tried(self) -> dict[str, str]:
        """Environment of jobs that need not find out again whether the GPU computes right."""
        return {"BRIAN2GENN_CACHE_DIR": str(self.scratch / "tried")}

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
    width : int, optional
        How many lanes there are at once; others are appended to these. 0: all.
    """

    name: str
    title: str
    limit: float
    lanes: Callable[[Setting], list[list[Job]]]
    width: int = 0

    def chosen(self, setting: Setting, wanted: Callable[[Job], bool]) -> list[list[Job]]:
        """The lanes of the jobs that are wanted."""
        lanes = [[job for job in lane if wanted(job)] for lane in self.lanes(setting)]
        lanes = [lane for lane in lanes if lane]
        width = self.width or max(len(lanes), 1)
        dealt = [[job for lane in lanes[k::width] for job in lane] for k in range(width)]
        return [lane for lane in dealt if lane]


def _card(setting: Setting) -> list[list[Job]]:
    task = {"task": "card", "commit": setting.commit}
    return [[
        Job("card", task, 60.0),
        Job("trial", {"task": "trial"}, 90.0, environment=setting.tried()),
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
    return [[Job("tests", task, 110.0, environment=environment, log="tests.log")]]


def _sanitizer(setting: Setting) -> list[list[Job]]:
    """Each in a lane of its own: what has never come to its end comes first.

    They measure nothing, so they do not wait for each other; what measures runs at another time.
    """
    sanitizer = shutil.which("compute-sanitizer") or f"{setting.cuda_path}/bin/compute-sanitizer"
    if not Path(sanitizer).exists():
        return []
    everything = [(tool, name) for tool in ("memcheck", "racecheck") for name in SANITIZED]
    return [
        [
            Job(
                f"{tool}: {name}",
                _network(name, quick=True, duration=0.003, kernels=False),
                100.0,
                [sanitizer, "--tool", tool, "--error-exitcode", "9"],
                # the trial is long under these tools: once is enough
                environment={} if name == SANITIZED[0] else setting.tried(),
            )
        ]
        for tool, name in dict.fromkeys([*UNCHECKED, *everything])
    ]


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
            Job(
                f"{name} single",
                _network(name, precision="single", **options),
                cores=cores,
                environment=setting.tried(),
            ),
        ]
    return [lane, *_processor(setting, SMALL)]


def _stages(setting: Setting) -> list[list[Job]]:
    """Where the cycles of small networks go, whose time steps wait for each other."""
    duration = 0.1 if setting.quick else 1.0
    task = {"task": "stages", "backend": "cuda", "quick": setting.quick, "duration": duration}
    return [[
        Job(f"stages: {name}", task | {"network": name}, 60.0, cores=setting.measuring(),
            environment=setting.tried())
        for name in SMALL
    ]]  # fmt: skip


def _large(setting: Setting) -> list[list[Job]]:
    cores = setting.measuring()
    options = {"quick": setting.quick, "lock": str(setting.lock())}
    options["duration"] = 0.02 if setting.quick else 0.5
    lanes = [[
        Job(f"{n} large", _network(n, **options), 120.0, cores=cores, environment=setting.tried())
        for n in LARGE
    ]]  # fmt: skip
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
    return [[Job("microcircuit_full large", task, 180.0, environment=setting.tried())]]


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
    large = [name for name in LARGE if name not in ("mushroom_body_large", "cobahh_million")]
    for name in [*SMALL[:-1], *large, "cobahh_million"]:
        if find_spec("pygenn"):
            task = _network(name, "pygenn", **options)
            lanes.append([Job(f"{name} GeNN", task, 150.0, environment=cuda)])
        if find_spec("brian2cuda"):
            task = _network(name, "brian2cuda", **options) | {"task": "brian2cuda"}
            lanes.append([Job(f"{name} Brian2CUDA", task, 150.0, environment=cuda)])
    return lanes


def _versus(setting: Setting) -> list[list[Job]]:
    """This package and the peers, a lane for each network; nothing of the peers compiles.

    Whoever has made its synapses waits until it is alone with the GPU.
    """
    cuda = {"CUDA_PATH": setting.cuda_path, "CUDA_HOME": setting.cuda_path}
    lanes, measuring = [], setting.measuring()
    for name in COMPARED:
        options = {
            "quick": setting.quick, "kernels": False, "lock": str(setting.lock()),
            "duration": QUICK_SECONDS if setting.quick else COMPARED_SECONDS[name],
        }  # fmt: skip
        lane = [Job(f"{name} versus: this package", _network(name, **options), 100.0,
                    cores=measuring, environment=setting.tried())]  # fmt: skip
        for peer, backend, task in (
            ("GeNN", "pygenn", "network"), ("Brian2CUDA", "brian2cuda", "brian2cuda")
        ):  # fmt: skip
            archive, without = None, "There are no programs that were built before: --prebuilt."
            if setting.prebuilt is not None:
                archive = program(setting.prebuilt, peer, name).absolute()
                without = "" if archive.exists() else f"There is no {archive.name}."
            options |= {"task": task, "archive": str(archive)}
            lane.append(Job(f"{name} versus: {peer}", _network(name, backend, **options), 100.0,
                            cores=measuring, environment=cuda, without=without))  # fmt: skip
        lanes.append(lane)
    return lanes


def _scaling(setting: Setting) -> list[list[Job]]:
    """The paper's figures: both networks by size, on the GPU and on one core."""
    beside = list(setting.beside())
    lanes: list[list[Job]] = [[] for _ in beside]
    number, on_gpu = 0, []
    for network, (parameter, sizes) in SCALED.items():
        for size in sizes:
            if setting.quick and size > 1000:
                continue
            parameters: dict[str, object] = {parameter: size}
            if network == "cobahh":
                parameters["n_synapses"] = min(1000, size // 50)
            options = {"parameters": parameters, "duration": 0.02 if setting.quick else 0.5}
            name = f"{network} {size}"
            task = _network(network, **options, kernels=False, lock=str(setting.lock()))
            job = Job(f"{name} GPU", task, 120.0, cores=setting.measuring(),
                      environment=setting.tried())  # fmt: skip
            if size in (sizes[0], sizes[-1]):  # the largest takes as long as all the others
                on_gpu.append([job])
            else:
                on_gpu[-1].append(job)
            if size <= 100_000:
                options["duration"] = min(0.5, 2000 / size)
                for backend, task in (
                    ("one core", _network(network, "cpu", threads=1, **options)),
                    ("cpp_standalone", _network(network, **options) | {"task": "cpp_standalone"}),
                ):
                    place = number % len(beside)
                    core, number = [beside[place]], number + 1
                    lanes[place].append(Job(f"{name} {backend}", task, 90.0, cores=core))
    return [*on_gpu, *lanes]


def cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


PARTS = [
    Part("card", "The card, and whether it computes right", 120.0, _card),
    Part("tests", "Tests", 115.0, _tests),
    Part("sanitizer", "compute-sanitizer", 125.0, _sanitizer, max(len(cores()) // 2, 4)),
    Part("networks", "Networks", 170.0, _networks),
    Part("stages", "Where the cycles of a time step go", 120.0, _stages),
    # few at a time: each compiles with several processes, and has its synapses in memory
    Part("peers", "Peers on the same card", 170.0, _peers, max(len(cores()) // 4, 1)),
    # peers have their synapses in memory, and are long at making them
    Part("versus", "Beside peers, whose programs were built before", 540.0, _versus, 5),
    Part("whole", "The whole cortical microcircuit", 190.0, _whole),
    Part("large", "Large networks", 200.0, _large),
    Part("processor", "This package on the processor", 90.0, _all_cores),
    Part("scaling", "Speed-up by size", 150.0, _scaling),
]


def cuda_toolkit() -> str:
    """Where the CUDA toolkit is; empty if there is none."""
    nvcc = shutil.which("nvcc")
    for path in (os.environ.get("CUDA_PATH"), os.environ.get("CUDA_HOME"), "/usr/local/cuda"):
        if path and Path(path).is_dir():
            return path
    return str(Path(nvcc).resolve().parents[1]) if nvcc else ""


assert set(SMALL + LARGE) <= set(NETWORKS)
