"""Peers' programs that are built where there is no GPU, and run where there is one.

A folder has archives ``PEER-NETWORK.tar.xz``: of Brian2CUDA the executable and what it reads, of
GeNN what it finds in place of what it would generate and compile. Nothing in them knows where it
lies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import brian2
import numpy as np
from brian2 import SpikeMonitor, defaultclock, get_device, prefs, second

from benchmarks.gpu_report.programs import pack, unpack
from benchmarks.gpu_report.united import unite

Found = dict[str, Any]

#: What programs are compiled for: H100 and H200.
_CAPABILITY = 9.0

#: Brian2CUDA's flags for the host, but for the processor: usually the one that compiles.
_HOST_FLAGS = [
    "-w",
    "-O3",
    "-ffast-math",
    "-fno-finite-math-only",
    "-march=x86-64-v3",
    "-std=c++17",
]

#: What Brian2CUDA reads and writes, relative to where it runs.
_STATIC, _RESULTS = "static_arrays", "results"

#: What is known about a program of Brian2CUDA.
_FACTS = "facts.json"


def _nvcc_release(cuda_path: str) -> float:
    told = subprocess.run(
        [f"{cuda_path}/bin/nvcc", "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"release ([\d.]+)", told)
    if found is None:
        raise RuntimeError(f"{cuda_path}/bin/nvcc does not tell its release: {told!r}")
    return float(found[1])


# -- Brian2CUDA ----------------------------------------------------------------------------


def build_brian2cuda(job: Found) -> Found:
    """Have Brian2CUDA generate and compile a network's program, and keep what it needs to run."""
    import brian2cuda

    from benchmarks.gpu_report.worker import make

    began = time.perf_counter()
    cuda_path = os.environ["CUDA_PATH"]
    backend = "devices.cuda_standalone.cuda_backend."
    prefs[f"{backend}detect_gpus"] = False
    prefs[f"{backend}gpu_id"] = 0
    prefs[f"{backend}compute_capability"] = _CAPABILITY
    prefs[f"{backend}cuda_path"] = cuda_path
    prefs[f"{backend}cuda_runtime_version"] = _nvcc_release(cuda_path)
    # usually for the processor that compiles it, which is not the one that runs it
    prefs["codegen.cpp.extra_compile_args_gcc"] = _HOST_FLAGS
    with tempfile.TemporaryDirectory(prefix="brian2cuda_") as project:
        brian2.set_device("cuda_standalone", directory=project, build_on_run=False)
        namespace, net = make(job)
        net.run(job["duration"] * second, namespace=namespace)
        device = get_device()
        device.build(directory=project, compile=False, run=False)
        unite(Path(project))
        subprocess.run(["make", f"-j{job['processes']}"], cwd=project, check=True)
        monitors = {k: v for k, v in namespace.items() if isinstance(v, SpikeMonitor)}
        facts = {
            "duration": job["duration"],
            "dt": float(defaultclock.dt),
            "counts": {k: device.get_array_filename(m.variables["N"]) for k, m in monitors.items()},
        }
        subprocess.run(["strip", f"{project}/main"], check=True)
        with tempfile.TemporaryDirectory(prefix="brian2cuda_") as kept:
            shutil.copy2(f"{project}/main", f"{kept}/main")
            shutil.copytree(f"{project}/{_STATIC}", f"{kept}/{_STATIC}")
            Path(kept, _FACTS).write_text(json.dumps(facts, indent=1) + "\n")
            pack(Path(kept), Path(job["archive"]))
    return {"seconds": time.perf_counter() - began}


def run_brian2cuda(archive: Path) -> Found:
    """Run a program of Brian2CUDA that was built before."""
    with tempfile.TemporaryDirectory(prefix="brian2cuda_") as folder:
        unpack(archive, Path(folder))
        facts = json.loads(Path(folder, _FACTS).read_text())
        results = Path(folder, _RESULTS)
        results.mkdir()
        began = time.perf_counter()
        subprocess.run(
            ["./main", "--results_dir", f"{_RESULTS}/"], cwd=folder, check=True,
            env=_with_libraries(os.environ),
        )  # fmt: skip
        whole = time.perf_counter() - began
        loop = float((results / "last_run_info.txt").read_text().split()[0])
        spikes = {
            name: int(np.fromfile(results / file, np.int32)[0])
            for name, file in facts["counts"].items()
        }
    return {
        "whole": whole,
        "loop": loop,
        "steady": loop,
        "microseconds": 1e6 * loop * facts["dt"] / facts["duration"],
        "real_time_factor": loop / facts["duration"],
        "spikes": spikes,
    }


def _with_libraries(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with the toolkit's libraries: the program needs cuRAND's."""
    known = [f"{environment['CUDA_PATH']}/lib64"] if environment.get("CUDA_PATH") else []
    known += filter(None, [environment.get("LD_LIBRARY_PATH")])
    return dict(environment) | {"LD_LIBRARY_PATH": ":".join(known)}


# -- GeNN ------------------------------------------------------------------------------------


class _Built(Exception):
    """GeNN has compiled a model, and would need a GPU now."""


@contextmanager
def _named(network: str) -> Iterator[None]:
    """Within this, GeNN's models have the network's name.

    Usually it is told from all synapses and values, of which another machine's mathematical
    functions may make one that differs in its last bit.
    """
    import pygenn

    made = pygenn.GeNNModel

    def model(precision: str, name: str, **options: Any) -> Any:
        return made(precision, network, **options)

    pygenn.GeNNModel = model
    try:
        yield
    finally:
        pygenn.GeNNModel = made


def _code(network: str) -> Path:
    """Where GeNN has the program of a network with this name."""
    from brian2genn.backends.cache.files import folder_for
    from brian2genn.backends.cache.folder import GENN

    return folder_for(GENN) / f"{network}_CODE"


def build_genn(job: Found) -> Found:
    """Have GeNN generate and compile a network's program, and keep what it needs not to."""
    import pygenn

    from benchmarks.gpu_report.worker import make, set_up

    began = time.perf_counter()
    compiled: list[float] = []

    def load(*arguments: Any, **options: Any) -> None:
        compiled.append(time.perf_counter())
        raise _Built

    pygenn.GeNNModel.load = load
    with _named(job["network"]):
        set_up(job)
        namespace, net = make(job)
        try:
            net.run(0 * second, namespace=namespace)
        except Exception:
            if not compiled:
                raise
    code = _code(job["network"])
    subprocess.run(["strip", str(code / "librunner.so")], check=True)
    with tempfile.TemporaryDirectory(prefix="genn_") as kept:
        for file in code.iterdir():
            # dependencies and what was linked: make only looks at their dates
            if file.suffix in (".o", ".d"):
                Path(kept, file.name).touch()
            else:
                shutil.copy2(file, kept)
        pack(Path(kept), Path(job["archive"]))
    return {"seconds": time.perf_counter() - began}


@contextmanager
def genn_program(job: Found) -> Iterator[Found]:
    """Within this, GeNN finds the network's program in place.

    It looks itself whether the program is of this model: if not, it compiles it anew. Whether it
    has is told afterwards, under "compiled anew".
    """
    told: Found = {}
    if not job.get("archive"):
        yield told
        return
    code = _code(job["network"])
    unpack(Path(job["archive"]), code)
    now = time.time()
    for file in code.iterdir():
        # as if they had been made one from the other
        age = {".d": 30, ".o": 20, ".so": 10}.get(file.suffix, 40)
        os.utime(file, (now - age, now - age))
    with _named(job["network"]):
        yield told
        told["compiled anew"] = (code / "librunner.so").stat().st_mtime > now
