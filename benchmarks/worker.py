"""One run of one network on one device, in a process of its own; `benchmarks.run` starts it.

``python -m benchmarks.worker '{"network": ..., ...}' result.json``
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import brian2
import numpy as np
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2 import BrianObject, Network, SpikeMonitor, prefs, second, set_device

from benchmarks.networks import NETWORKS


def use_genn(directory: str) -> None:
    """Brian2GeNN 2 on the processor, one thread; ``BRIAN2GENN_CACHE_DIR`` names its cache."""
    import brian2genn

    if "devices.genn.cpu_threads" in prefs:
        prefs["devices.genn.cpu_threads"] = 1
    set_device("genn", backend="cpu")


def use_pygenn(directory: str) -> None:
    """A real GeNN with its single-threaded CPU backend."""
    import brian2genn

    set_device("genn", backend="pygenn", genn_backend="single_threaded_cpu")


def use_cpp_standalone(directory: str) -> None:
    """Brian's C++ with its own compiler flags and one thread, in a new project directory."""
    prefs["devices.cpp_standalone.openmp_threads"] = 0
    project = tempfile.mkdtemp(prefix="standalone_", dir=directory)
    set_device("cpp_standalone", directory=project, build_on_run=True)


def use_cython(directory: str) -> None:
    """Brian's runtime with compiled code objects."""
    prefs["codegen.target"] = "cython"
    prefs["codegen.runtime.cython.cache_dir"] = os.path.join(directory, "cython")


def use_numpy(directory: str) -> None:
    """Brian's runtime without a compiler."""
    prefs["codegen.target"] = "numpy"


DEVICES: dict[str, Callable[[str], None]] = {
    "genn": use_genn,
    "pygenn": use_pygenn,
    "cpp_standalone": use_cpp_standalone,
    "cython": use_cython,
    "numpy": use_numpy,
}


def peak_memory() -> float:
    """The largest resident size in MB of this process and of those it waited for.

    The latter are the simulation of cpp_standalone, and compilers.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in users) * unit / 1e6


def versions() -> dict[str, str | None]:
    """The versions of what takes part."""
    compiler = os.environ.get("CXX", "c++")
    try:
        done = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
        compiler_version = done.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        compiler_version = None
    ours = sys.modules.get("brian2genn")
    return {
        "python": platform.python_version(),
        "brian2": brian2.__version__,
        "numpy": np.__version__,
        "brian2genn": getattr(ours, "__version__", None),
        "compiler": compiler_version,
    }


def objects_of(namespace: Mapping[str, Any]) -> dict[str, BrianObject]:
    """What a script has made, by name; what is in a list has a number in its name."""
    named: dict[str, Any] = {}
    for name, value in namespace.items():
        several = isinstance(value, list | tuple)
        named |= {f"{name}_{k}": one for k, one in enumerate(value)} if several else {name: value}
    return {name: value for name, value in named.items() if isinstance(value, BrianObject)}


def network_of(namespace: Mapping[str, Any]) -> Network:
    """A network of all that a script has made."""
    objects = dict.fromkeys(objects_of(namespace).values())
    return Network([value for value in objects if value.add_to_magic_network])


class LoopTime:
    """The seconds that a time loop takes, and those that the processor works for it.

    Both are measured around the loop, on all devices with the same clocks. `_last_run_time` of
    cpp_standalone without OpenMP is the processor's in Brian 2.9, and of all else the wall clock's.
    Beside other work, a loop takes longer, but the processor does not work much more for it.
    """

    def __init__(self) -> None:
        self.device = brian2.get_device()
        #: Arguments of ``Network.run``.
        self.arguments: dict[str, Any] = {}
        self._told: list[tuple[float, float]] = []
        if isinstance(self.device, CPPStandaloneDevice):
            self.device.insert_code("before_network_run", _LOOP_BEGINS)
            self.device.insert_code("after_network_run", _LOOP_ENDS)
        else:
            self.arguments = {"report": self._note, "report_period": 1e9 * second}

    def _note(self, *told: Any) -> None:
        self._told.append((time.perf_counter(), time.process_time()))

    def read(self) -> dict[str, float]:
        """After the run: ``loop`` and ``processor``."""
        if not self.arguments:
            wall, processor = Path(self.device.project_dir, _TOLD).read_text().split()
            return {"loop": float(wall), "processor": float(processor)}
        began, ended = self._told[0], self._told[-1]
        return {"loop": ended[0] - began[0], "processor": ended[1] - began[1]}


_TOLD = "loop_time"
_LOOP_BEGINS = """
struct timespec loop_began, loop_ended;
timespec_get(&loop_began, TIME_UTC);
const clock_t loop_clock = clock();"""
_LOOP_ENDS = f"""
timespec_get(&loop_ended, TIME_UTC);
std::ofstream("{_TOLD}")
    << loop_ended.tv_sec - loop_began.tv_sec + 1e-9*(loop_ended.tv_nsec - loop_began.tv_nsec)
    << " " << double(clock() - loop_clock)/CLOCKS_PER_SEC;"""


def pulse() -> float:
    """Seconds that a fixed piece of work takes now: is the machine as fast as at other times?

    Others on the same host slow down what runs by up to two thirds, for seconds or minutes, and
    neither the load nor the processor's time tell.
    """
    values = np.linspace(0.1, 1.0, 1 << 18)
    result = np.empty_like(values)
    began = time.perf_counter()
    for _ in range(12):
        np.sqrt(values, out=result)
        np.add(result, values, out=result)
        np.exp(result[: 1 << 15], out=result[: 1 << 15])
    return time.perf_counter() - began


def simulate(namespace: Mapping[str, Any], duration: float) -> dict[str, Any]:
    """Run all that a script has made, on the device that is set.

    Parameters
    ----------
    namespace
        Its objects and constants.
    duration
        Biological seconds.

    Returns
    -------
    dict
        ``loop`` and ``processor`` (`LoopTime`); ``pulses`` before and after the run (`pulse`);
        ``spikes`` and ``rates`` of each recorded population; ``neurons`` and ``synapses``.
    """
    network = network_of(namespace)
    pulse()  # its memory is touched for the first time
    times, before = LoopTime(), pulse()
    network.run(duration * second, namespace=dict(namespace), **times.arguments)
    after = pulse()
    named = objects_of(namespace)
    monitors = {name: value for name, value in named.items() if isinstance(value, SpikeMonitor)}
    spikes = {name: int(monitor.num_spikes) for name, monitor in monitors.items()}
    groups = [value for value in network.objects if isinstance(value, brian2.SpikeSource)]
    synapses = [value for value in network.objects if isinstance(value, brian2.Synapses)]
    return {
        **times.read(),
        "pulses": [before, after],
        "spikes": spikes,
        "rates": {
            name: spikes[name] / duration / len(monitor.source)
            for name, monitor in monitors.items()
        },
        "neurons": sum(len(group) for group in groups),
        "synapses": sum(len(value) for value in synapses),
    }


def measure(
    network: str, device: str, duration: float, quick: bool, seed: int, directory: str
) -> dict[str, Any]:
    """Build and run a network.

    Parameters
    ----------
    network, device
        Keys of `NETWORKS` and `DEVICES`.
    duration
        Biological seconds.
    quick
        Whether to take the small size.
    seed
        For Brian's random numbers; devices draw different ones from it.
    directory
        Where to write projects and caches.

    Returns
    -------
    dict
        What `simulate` returns; ``whole``: seconds from choosing the device, its import included,
        to the results read; ``memory``, ``versions``.
    """
    benchmark = NETWORKS[network]
    module = importlib.import_module(f"benchmarks.networks.{benchmark.module}")
    parameters = dict(benchmark.quick if quick else benchmark.size)
    if benchmark.needs_duration:
        parameters["duration"] = duration

    start = time.perf_counter()
    DEVICES[device](directory)
    brian2.seed(seed)
    simulated = simulate(module.build(**parameters), duration)
    whole = time.perf_counter() - start
    return {
        "network": network,
        "device": device,
        "duration": duration,
        "parameters": parameters,
        "seed": seed,
        "whole": whole,
        **simulated,
        "memory": peak_memory(),
        "versions": versions(),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measure(**json.loads(sys.argv[1]))))
