"""The Python packages for CUDA, and what their errors mean."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from ...install import line
from .driver import CudaError, CudaLost, CudaUnavailable

HOW_TO_INSTALL = (
    f"{line('cuda13')} (for cards older than Turing or drivers older than 580: {line('cuda12')})"
)

#: Errors after which a process cannot use its GPU any more, whatever it does. That a handle of ours
#: is not valid means that another package has reset the GPU.
_LOSING = (
    "INVALID_CONTEXT",
    "INVALID_HANDLE",
    "DEINITIALIZED",
    "ECC_UNCORRECTABLE",
    "NVLINK_UNCORRECTABLE",
    "ILLEGAL_ADDRESS",
    "LAUNCH_TIMEOUT",
    "CONTEXT_IS_DESTROYED",
    "ASSERT",
    "HARDWARE_STACK_ERROR",
    "ILLEGAL_INSTRUCTION",
    "MISALIGNED_ADDRESS",
    "INVALID_ADDRESS_SPACE",
    "INVALID_PC",
    "LAUNCH_FAILED",
    "CONTAINED",
    "EXTERNAL_DEVICE",
)

#: Errors that say that the driver does not know what the compiler has made.
_NOT_UNDERSTOOD = (
    "INVALID_IMAGE",
    "NO_BINARY_FOR_GPU",
    "UNSUPPORTED_PTX_VERSION",
    "UNSUPPORTED_EXEC_AFFINITY",
    "INVALID_SOURCE",
)


def are_installed() -> bool:
    """Whether the interfaces are there, as far as can be seen without loading them."""
    try:
        return find_spec("cuda.bindings") is not None
    except ImportError:  # without any of the packages
        return False


@cache
def bindings() -> tuple[Any, Any]:
    """The interfaces of the driver and of NVRTC.

    Raises
    ------
    CudaUnavailable
        If they are not installed.
    """
    try:
        from cuda.bindings import driver, nvrtc
    except ImportError as error:
        raise CudaUnavailable(
            f"The CUDA packages are not installed ({error}): {HOW_TO_INSTALL}."
        ) from error
    return driver, nvrtc


def name_of(code: Any) -> str:
    """The name that the driver has for an error."""
    driver, _ = bindings()
    _, name = driver.cuGetErrorName(code)
    return name.decode() if isinstance(name, bytes) else str(code)


def check(result: tuple[Any, ...], what: str) -> Any:
    """The value of a call of the driver.

    Raises
    ------
    MemoryError
        If the GPU's memory does not suffice.
    CudaLost
        If nothing goes any more.
    CudaError
        With the name of any other error.
    """
    code, *values = result
    if int(code) == 0:
        return values[0] if len(values) == 1 else tuple(values)
    name = name_of(code)
    short = name.removeprefix("CUDA_ERROR_")
    if short == "OUT_OF_MEMORY":
        raise MemoryError(f"The GPU has no memory left: {what}.")
    if short in _LOSING:
        raise CudaLost(
            f"The GPU has failed with {name} ({what}). What was on it is lost: variables that a"
            " run has changed cannot be read any more; what monitors had brought to the processor"
            " is kept. This Python cannot use the GPU again. Start a new one, or go on with"
            " set_device('genn', backend='cpu'). If it happens every time, please report the"
            " script."
        )
    if short in _NOT_UNDERSTOOD:
        raise CudaError(
            f"The NVIDIA driver does not understand what the compiler has made ({name}: {what})."
            " Update the driver."
        )
    raise CudaError(f"The CUDA driver failed with {name}: {what}.")


def nvrtc_version() -> tuple[int, int]:
    """The version of the installed compiler.

    Raises
    ------
    CudaUnavailable
        If it is not installed.
    """
    _, nvrtc = bindings()
    try:
        code, major, minor = nvrtc.nvrtcVersion()
    except RuntimeError as error:  # the library could not be found
        raise CudaUnavailable(f"NVRTC is not installed ({error}): {HOW_TO_INSTALL}.") from error
    if int(code) != 0:
        raise CudaUnavailable(f"NVRTC does not work (error {int(code)}).")
    return int(major), int(minor)


def supported_architectures() -> list[int]:
    """The compute capabilities that the compiler knows, as 75, 80, ..."""
    nvrtc_version()
    _, nvrtc = bindings()
    _, architectures = nvrtc.nvrtcGetSupportedArchs()
    return sorted(int(value) for value in architectures)
