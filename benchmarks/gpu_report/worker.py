"""One job of the report, in a process of its own: ``... '{"task": "trial"}' result.json``."""

from __future__ import annotations

import importlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import brian2
import numpy as np
from brian2 import BrianObject, Network, SpikeMonitor, defaultclock, get_device, prefs, second

from benchmarks.gpu_report import prebuilt
from benchmarks.networks import NETWORKS
from benchmarks.worker import versions

Found = dict[str, Any]

#: Time steps whose kernels are measured one by one.
_MEASURED_STEPS = 200


# -- the card ----------------------------------------------------------------------


def card(job: Found) -> Found:
    """What there is to compute with."""
    import brian2genn
    from benchmarks.gpu import copy_bandwidth
    from benchmarks.run import git_commit, machine
    from brian2genn.backends.cuda.device import nvidia
    from brian2genn.backends.cuda.device.bindings import nvrtc_version
    from brian2genn.backends.cuda.device.presence import driver_version

    driver = nvidia.NvidiaDriver()
    free, total = driver.memory()
    return {
        "name": driver.name,
        "architecture": driver.architecture,
        "multiprocessors": driver.multiprocessors,
        "memory": total,
        "free": free,
        "driver": str(driver_version()),
        "nvrtc": ".".join(map(str, nvrtc_version())),
        "nvidia_smi": _says(
            "nvidia-smi", "--query-gpu=driver_version,name", "--format=csv,noheader"
        ),
        "nvcc": _says("nvcc", "--version").splitlines()[-1:],
        "copy_bandwidth": copy_bandwidth(driver),
        "commit": job.get("commit") or git_commit(),
        "machine": machine(),
        "versions": versions() | _package_versions(),
    }


def _says(*command: str) -> str:
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    return ""


def _package_versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("cuda-bindings", "nvidia-cuda-nvrtc", "pygenn", "brian2cuda"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def trial(job: Found) -> Found:
    """Whether the GPU computes what the processor computes, as `set_device` finds out."""
    import brian2genn
    from brian2genn.backends.cuda.device import choice
    from brian2genn.backends.trial.verdict import verdict

    began = time.perf_counter()
    found = verdict(choice.find_driver())
    return {"differences": list(found.differences), "seconds": time.perf_counter() - began}


def latencies(job: Found) -> Found:
    """How long the parts of a time step take."""
    import brian2genn
    from benchmarks.gpu_report.latencies import measure
    from brian2genn.backends.cuda.device.nvidia import NvidiaDriver

    return measure(NvidiaDriver())


# -- networks ------------------------------------------------------------------------


def make(job: Found) -> tuple[dict[str, Any], Network]:
    """The network, by its script, for the device that is set."""
    benchmark = NETWORKS[job["network"]]
    parameters = dict(benchmark.quick if job.get("quick") else benchmark.size)
    parameters |= job.get("parameters", {})
    if benchmark.needs_duration:
        # there are more runs than the first one
        parameters["duration"] = 2 * job["duration"] + 0.1
    brian2.seed(job.get("seed", 1))
    module = importlib.import_module(f"benchmarks.networks.{benchmark.module}")
    namespace = module.build(**parameters)
    objects = dict.fromkeys(v for v in namespace.values() if isinstance(v, BrianObject))
    return namespace, Network(o for o in objects if o.add_to_magic_network)


def _spikes(namespace: dict[str, Any]) -> dict[str, int]:
    monitors = {k: v for k, v in namespace.items() if isinstance(v, SpikeMonitor)}
    return {name: int(monitor.num_spikes) for name, monitor in monitors.items()}


def set_up(job: Found) -> None:
    """Choose the device."""
    backend = job["backend"]
    if job.get("precision", "double") == "single":
        prefs["core.default_float_dtype"] = np.float32
    if backend == "brian2cuda":
        import brian2cuda

        return
    import brian2genn

    if backend == "pygenn":
        brian2.set_device("genn", backend="pygenn", genn_backend="cuda")
    elif backend == "cpu":
        brian2.set_device("genn", backend="cpu", threads=job["threads"])
    else:
        brian2.set_device("genn", backend="cuda")


def network(job: Found) -> Found:
    """Run a network on a backend of this package; times are in seconds."""
    # here: peers run without this package
    from benchmarks.gpu import programs_built

    duration = job["duration"]
    with (
        programs_built() as built,
        _seconds_in_programs() as inside,
        prebuilt.genn_program(job) as program,
    ):
        began = time.perf_counter()
        set_up(job)
        namespace, net = make(job)
        made = time.perf_counter()
        if job["backend"] == "pygenn":
            net.run(0 * second, namespace=namespace)  # GeNN generates and compiles
        compiled = time.perf_counter()
        with _alone(job) as waited:
            inside[:] = [0.0]  # the trial had its time steps
            net.run(duration * second, namespace=namespace)
            loop = get_device()._last_run_time
            spikes = _spikes(namespace)
            whole = time.perf_counter() - began - waited
            # once more: what is compiled, and the fastest way, are known
            inside.append(0.0)
            again = time.perf_counter()
            net.run(duration * second, namespace=namespace)
            again = time.perf_counter() - again
            steady = get_device()._last_run_time
        steps = duration / float(defaultclock.dt)
        first, both = sum(spikes.values()), sum(_spikes(namespace).values())
        found = {
            # of the first and of the second run: without what comes after the last time step, and
            # whether there was as much to do
            "in_program": list(inside),
            "spikes_per_step": [first / steps, (both - first) / steps],
            "make": made - began,
            "compile": compiled - made,
            "whole": whole,
            "loop": loop,
            "steady": steady,
            "second_run": again,
            "microseconds": 1e6 * steady * float(defaultclock.dt) / duration,
            "real_time_factor": steady / duration,
            "spikes": spikes,
            "neurons": _count(namespace, brian2.SpikeSource),
            "synapses": _count(namespace, brian2.Synapses),
        }
        if job["backend"] == "cuda" and built and job.get("kernels", True):
            found |= _about_kernels(job, namespace, net, *built[-1])
    return found | program


@contextmanager
def _seconds_in_programs():
    """Within this, seconds spent in the time steps of programs on the GPU are added to the last."""
    from benchmarks.gpu import telling

    spent = [0.0]

    def add(seconds: float) -> None:
        spent[-1] += seconds

    with telling(on_run=add):
        yield spent


def _count(namespace: dict[str, Any], kind: type) -> int:
    objects = {id(v): v for v in namespace.values() if isinstance(v, kind)}
    return sum(len(thing) for thing in objects.values())  # type: ignore[arg-type]


def _about_kernels(
    job: Found, namespace: dict[str, Any], net: Network, model: Any, program: Any
) -> Found:
    """The ways that were tried, bytes that a step moves, and the time of each kernel."""
    from benchmarks.gpu_report.stages import executing
    from benchmarks.traffic import cost_of_step, deliveries_per_step
    from brian2genn.backends.cuda.run.autotuning import LaunchPlan
    from brian2genn.backends.cuda.run.options import only

    steps = 2 * job["duration"] / float(defaultclock.dt)
    monitors = [v for v in namespace.values() if isinstance(v, SpikeMonitor)]
    counts = {m.source.name: np.array(m.count) / steps for m in monitors}
    cost, floor = cost_of_step(model, program, counts)
    stepper = program._stepper
    found: Found = {
        "way": str(stepper.plan),
        "ways": {str(way): 1e6 * spent for way, spent in stepper.tuner.costs.items()},
        "launches": len(program.source.loop),
        "bytes": cost.bytes,
        "floor": floor.bytes,
        "deliveries": deliveries_per_step(model, program, counts),
        "device_memory": list(program._driver.memory()),
    }
    times: list[list[float]] = []
    sizes: list[Any] = []
    # spikes are shared out as in the fastest way
    plan = LaunchPlan(widening=stepper.plan.widening, spreading=stepper.plan.spreading)

    def timed(kernels: Any, spent: list[float]) -> None:
        sizes[:] = kernels
        times.append(spent)

    # each kernel is timed by itself
    with executing(program._executable, candidates=only(plan), on_kernels=timed):
        net.run(_MEASURED_STEPS * defaultclock.dt, namespace=namespace)
    tasks = {task.number: task.what for task in program.source.tasks}
    kernels = {k.name: k for k in program.source.kernels}
    found["kernels"] = [
        {
            "name": name,
            "blocks": sizes[k].blocks,
            "threads": sizes[k].threads,
            "microseconds": 1e6 * statistics.median(time[k] for time in times),
            "what": [str(what) for n in kernels[name].tasks for what in tasks[n]]
            if name in kernels else [],
        }
        for k, name in enumerate(program.source.loop)
    ] if times else []  # fmt: skip
    return found


def stages(job: Found) -> Found:
    """Where the cycles of a time step go."""
    from benchmarks.gpu import programs_built
    from benchmarks.gpu_report.stages import measure

    with programs_built() as built:
        set_up(job)
        namespace, net = make(job)
        net.run(job["duration"] * second, namespace=namespace)
    return {"ways": measure(built[-1][1], net, namespace)}


def profile(job: Found) -> Found:
    """Run a network in one way only, for a profiler that looks at its kernels."""
    import brian2genn
    from benchmarks.gpu import programs_built
    from brian2genn.backends.cuda.device import choice
    from brian2genn.backends.cuda.device.driver import Meeting, TuningRules

    driver: Any = choice.find_driver()
    driver.rules = TuningRules(meetings=(Meeting[job["meeting"]],))
    device = brian2genn.genn_device
    # as it is: the profiler should not see how it is tried
    device.defaults = replace(device.defaults, trusted=True)
    set_up(job)
    namespace, net = make(job)
    with programs_built() as built:
        net.run(job["duration"] * second, namespace=namespace)
    _, program = built[-1]
    if job.get("text"):
        Path(job["text"]).write_text(program.source.text)
    return {"way": str(program._stepper.plan), "loop": get_device()._last_run_time}


# -- peers -----------------------------------------------------------------------------


@contextmanager
def _alone(job: Found):
    """Within this, no other job of the report uses the GPU that asks for it; seconds waited."""
    if not job.get("lock"):
        yield 0.0
        return
    from filelock import FileLock

    began = time.perf_counter()
    with FileLock(job["lock"]):
        yield time.perf_counter() - began


def _tell_brian2cuda() -> None:
    """What Brian2CUDA otherwise finds out by compiling a program of the toolkit."""
    backend = "devices.cuda_standalone.cuda_backend."
    capability = _says("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
    release = re.search(r"release ([\d.]+)", _says("nvcc", "--version"))
    prefs[f"{backend}detect_gpus"] = False
    prefs[f"{backend}gpu_id"] = 0
    prefs[f"{backend}compute_capability"] = float(capability.splitlines()[0])
    prefs[f"{backend}cuda_path"] = os.environ["CUDA_PATH"]
    if release:
        prefs[f"{backend}cuda_runtime_version"] = float(release[1])
    prefs["devices.cpp_standalone.extra_make_args_unix"] = ["-j4"]


def brian2cuda(job: Found) -> Found:
    """Run a network under Brian2CUDA, built first (or before) and then executed."""
    import tempfile

    if job.get("archive"):
        with _alone(job):
            return prebuilt.run_brian2cuda(Path(job["archive"]))

    import brian2cuda

    set_up(job)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="brian2cuda_") as project:
        _tell_brian2cuda()
        brian2.set_device("cuda_standalone", directory=project, build_on_run=False)
        namespace, net = make(job)
        net.run(job["duration"] * second, namespace=namespace)
        device = get_device()
        device.build(directory=project, compile=True, run=False)
        compiled = time.perf_counter()
        with _alone(job) as waited:
            device.run(project, with_output=False, run_args=[])
        loop = device._last_run_time
        spikes = _spikes(namespace)
        whole = time.perf_counter() - began - waited
    return {
        "compile": compiled - began,
        "whole": whole,
        "loop": loop,
        "steady": loop,
        "microseconds": 1e6 * loop * float(defaultclock.dt) / job["duration"],
        "real_time_factor": loop / job["duration"],
        "spikes": spikes,
    }


def cpp_standalone(job: Found) -> Found:
    """Run a network under Brian's C++ device with one thread."""
    import tempfile

    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="standalone_") as project:
        prefs["devices.cpp_standalone.openmp_threads"] = 0
        brian2.set_device("cpp_standalone", directory=project, build_on_run=True)
        namespace, net = make(job)
        net.run(job["duration"] * second, namespace=namespace)
        loop = get_device()._last_run_time
        spikes = _spikes(namespace)
        whole = time.perf_counter() - began
    return {
        "whole": whole, "loop": loop, "steady": loop, "spikes": spikes,
        "microseconds": 1e6 * loop * float(defaultclock.dt) / job["duration"],
        "real_time_factor": loop / job["duration"],
    }  # fmt: skip


def tests(job: Found) -> Found:
    """Run pytest while no other job uses the GPU that asks for it."""
    import pytest

    with _alone(job):
        status = pytest.main(job["arguments"])
    if status:
        sys.exit(int(status))
    return {}


TASKS: dict[str, Callable[[Found], Found]] = {
    "card": card,
    "trial": trial,
    "latencies": latencies,
    "profile": profile,
    "stages": stages,
    "network": network,
    "tests": tests,
    "brian2cuda": brian2cuda,
    "cpp_standalone": cpp_standalone,
    "build_brian2cuda": prebuilt.build_brian2cuda,
    "build_genn": prebuilt.build_genn,
}


if __name__ == "__main__":
    if os.environ.get("BRIAN2GENN_TEST_DRIVER"):  # to rehearse it over a stand-in for the driver
        from tests.cuda_driver import images

        images.install()
    job = json.loads(sys.argv[1])
    result = TASKS[job["task"]](job)
    Path(sys.argv[2]).write_text(json.dumps(result))
