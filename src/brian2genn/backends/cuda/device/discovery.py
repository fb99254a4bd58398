"""Finds a GPU, or says what is missing for one."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from ...background import InBackground
from ...install import line
from .bindings import (
    HOW_TO_INSTALL,
    are_installed,
    bindings,
    check,
    name_of,
    nvrtc_version,
    supported_architectures,
)
from .driver import CudaUnavailable

#: The lowest compute capability that any of the compilers knows (Maxwell).
LOWEST = 50

_NONE = "no NVIDIA GPUs"

_ON_THE_PROCESSOR = "Without it: set_device('genn', backend='cpu')"

FORKED = (
    "This process was forked from one that uses CUDA, and a forked process cannot. Start processes"
    " with multiprocessing.get_context('spawn'), as joblib does by itself, or use the GPU in the"
    " new processes only; or use the processor in them: set_device('genn', backend='cpu')."
)

#: The process that has opened CUDA.
_opened_by: int | None = None


@dataclass(frozen=True)
class Gpu:
    """What there is to know of a GPU.

    Attributes
    ----------
    device : int
        As the driver numbers it.
    name : str
    architecture : int
        The compute capability, as 90.
    multiprocessors : int
    most_threads : int
        Threads that a multiprocessor can hold at a time.
    cooperative : bool
        Whether the blocks of a kernel may wait for each other.
    clusters : bool
        Whether blocks can be neighbours with a barrier of their own.
    identity : str
        Changes with everything that could make it compute something else.
    """

    device: Any
    name: str
    architecture: int
    multiprocessors: int
    most_threads: int
    cooperative: bool
    clusters: bool
    identity: str


def find_gpu(number: int) -> Gpu:
    """A GPU that this process can use.

    Parameters
    ----------
    number : int
        Which one, as the driver counts them (``CUDA_VISIBLE_DEVICES`` decides).

    Raises
    ------
    CudaUnavailable
        With what is missing.
    """
    if are_installed():
        _load_driver()
    cu, _ = bindings()
    loading = InBackground(nvrtc_version, comes_to_an_end=True)  # it is large
    try:
        _start_driver(cu)
    finally:
        compiler = loading.result()  # a compiler that is missing is told first
    version = check(cu.cuDriverGetVersion(), "asking for its version")
    _compare_versions(version, compiler)
    count = check(cu.cuDeviceGetCount(), "counting GPUs")
    if count <= number:
        found = f"{count} NVIDIA GPUs, number {number} is not among them" if count else _NONE
        raise CudaUnavailable(f"The NVIDIA driver finds {found}{_visible()}.")
    device = check(cu.cuDeviceGet(number), "choosing a GPU")
    name = check(cu.cuDeviceGetName(128, device), "asking for its name")
    attribute = cu.CUdevice_attribute

    def ask(which: Any) -> int:
        return int(check(cu.cuDeviceGetAttribute(which, device), "asking for an attribute"))

    name = name.split(b"\0")[0].decode().strip()
    architecture = 10 * ask(attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
    architecture += ask(attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
    identifier = check(cu.cuDeviceGetUuid(device), "asking for its UUID").bytes.hex()
    gpu = Gpu(
        device,
        name,
        architecture,
        ask(attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        ask(attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR),
        bool(ask(attribute.CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH)),
        bool(ask(attribute.CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH)),
        f"{name}, {identifier}, sm_{architecture}, driver for CUDA {version}, NVRTC {compiler}",
    )
    _compare_architectures(gpu, compiler, supported_architectures())
    return gpu


def _load_driver() -> None:
    """Load the driver's library: where there is none, a tenth of a second of imports is saved."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError as error:
        _no_driver(error)


def _no_driver(error: Exception) -> NoReturn:
    raise CudaUnavailable(f"There is no NVIDIA driver on this machine ({error}).") from error


def _start_driver(cu: Any) -> None:
    global _opened_by
    if _opened_by not in (None, os.getpid()):
        raise CudaUnavailable(FORKED)
    try:
        (code,) = cu.cuInit(0)
    except RuntimeError as error:  # libcuda could not be found
        _no_driver(error)
    if int(code) == 0:
        _opened_by = os.getpid()
        return
    name = name_of(code)
    if "NO_DEVICE" in name:
        raise CudaUnavailable(f"The NVIDIA driver finds {_NONE}{_visible()}.")
    if "NOT_INITIALIZED" in name:
        raise CudaUnavailable(FORKED)
    raise CudaUnavailable(
        f"The NVIDIA driver does not start ({name}). After an update of the driver, restarting the"
        " machine helps."
    )


def _visible() -> str:
    """What of the environment decides which GPUs there are."""
    value = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if value is None else f" (the environment has CUDA_VISIBLE_DEVICES={value!r})"


def _compare_versions(driver: int, compiler: tuple[int, int]) -> None:
    """A driver loads what any compiler of its major version, or an older one, has made."""
    major, minor = driver // 1000, driver % 1000 // 10
    if major < compiler[0]:
        other = f", or: {line(f'cuda{major}')}" if major in (12, 13) else ""
        raise CudaUnavailable(
            f"The NVIDIA driver is for CUDA {major}.{minor}, older than the installed compiler"
            f" (CUDA {compiler[0]}.{compiler[1]}). Update the driver{other}."
        )


def _compare_architectures(gpu: Gpu, compiler: tuple[int, int], known: list[int]) -> None:
    its = f"{gpu.name} has compute capability {gpu.architecture / 10}"
    if gpu.architecture < LOWEST:
        raise CudaUnavailable(
            f"{its}, which is too low: {LOWEST / 10} (Maxwell) or higher is needed."
            f" {_ON_THE_PROCESSOR}."
        )
    if gpu.architecture in known:
        return
    version = f"CUDA {compiler[0]}.{compiler[1]}"
    if gpu.architecture < known[0]:
        raise CudaUnavailable(
            f"{its}, which is too low for the installed compiler ({version} begins with"
            f" {known[0] / 10}). An older one knows it: {HOW_TO_INSTALL}."
        )
    raise CudaUnavailable(
        f"{its}, which the installed compiler does not know ({version} ends with"
        f" {known[-1] / 10}). A newer one may: {line('cuda13', upgrade=True)}."
    )
