"""What is on this machine: versions, compilers, cards, threads, and what would be chosen."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from brian2.core.preferences import prefs

from ...backends import choice
from ...backends.cuda.device import presence
from ...backends.cuda.device.driver import CudaUnavailable
from ...backends.host import toolchain
from ...backends.host.threads import default_threads, why_so_many

_PACKAGES = ("numpy", "sympy", "Cython", "ziglang", "cuda-bindings", "nvidia-cuda-nvrtc",
             "nvidia-cuda-nvrtc-cu12", "pygenn")  # fmt: skip

_NOT_THERE = "not installed"


def describe_machine(version: str) -> Iterator[tuple[str, str]]:
    """Pairs of a title and what there is to say, as each is found out.

    Parameters
    ----------
    version : str
        This package's.
    """
    yield "Brian2GeNN", f"{version} ({Path(__file__).parents[2]})"
    yield "Brian", _version("brian2")
    yield "Python", f"{platform.python_version()} ({sys.executable})"
    yield "system", f"{platform.platform()}, {_processor()}"
    yield (
        "packages",
        ", ".join(
            f"{name} {found}" for name in _PACKAGES if (found := _version(name)) != _NOT_THERE
        ),
    )
    yield from _compilers()
    asked = prefs["devices.genn.cpu_threads"]
    threads = default_threads() if asked is None else asked
    yield "threads", f"up to {threads} ({why_so_many(asked)})"
    yield "NVIDIA driver", presence.driver_version() or _signs_of_a_gpu()
    yield "GeNN", "its package pygenn is there" if find_spec("pygenn") else _NOT_THERE
    yield 'set_device("genn")', _choice()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return _NOT_THERE


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _compilers() -> Iterator[tuple[str, str]]:
    try:
        found = toolchain.find()
    except toolchain.ToolchainError as error:
        yield "C compiler", str(error)
        return
    yield "C compiler", found.describe()
    yield "C++ compiler", " ".join(found.cpp)
    if found.passed_over:
        yield "CC", f"does not work: {found.passed_over}"


def _signs_of_a_gpu() -> str:
    return "of unknown version" if presence.gpu_is_there() else "none, and no sign of a GPU"


def _no_array(variable: Any) -> np.ndarray:
    raise KeyError(variable)  # no network is run


def _choice() -> str:
    """What a script gets that asks for nothing, and why; a GPU shows that it computes right."""
    try:
        chosen = choice.choose(None, _no_array)
    except (CudaUnavailable, RuntimeError) as error:
        return str(error)
    return f"{chosen.where} {chosen.warning or chosen.why}".strip()
