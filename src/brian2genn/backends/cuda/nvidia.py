"""An NVIDIA GPU through its driver and NVRTC; no CUDA toolkit is needed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...codegen.program import INCLUDE_DIRECTORY
from ..cpu.cache import cache_directory
from .driver import CudaError, CudaUnavailable, KernelFacts, Launch

_HOW = (
    "pip install 'brian2genn[cuda13]' (or [cuda12] for cards older than Turing or drivers older"
    " than 580)"
)

#: Options of every compilation.
_OPTIONS = (
    "--std=c++17",
    "--device-as-default-execution-space",
    "--ptxas-options=-v",
    "--diag-suppress=177",
)


@cache
def _bindings() -> tuple[Any, Any]:
    try:
        from cuda.bindings import driver, nvrtc
    except ImportError as error:
        raise CudaUnavailable(f"The CUDA packages are not installed ({error}): {_HOW}.") from error
    return driver, nvrtc


def _check(result: tuple[Any, ...], what: str) -> Any:
    """The value of a call of the driver, or an error with its name."""
    driver, _ = _bindings()
    code, *values = result
    if int(code) != 0:
        _, name = driver.cuGetErrorName(code)
        text = name.decode() if isinstance(name, bytes) else str(code)
        if "OUT_OF_MEMORY" in text:
            raise MemoryError(f"The GPU has no memory left: {what}.")
        raise CudaError(f"The CUDA driver failed with {text}: {what}.")
    return values[0] if len(values) == 1 else tuple(values)


# -- compiling -----------------------------------------------------------------


@cache
def _headers() -> tuple[list[bytes], list[bytes]]:
    """The texts of the headers that programs include, and their names."""
    paths = sorted(INCLUDE_DIRECTORY.glob("*.h"))
    texts = [path.read_bytes() for path in paths]
    names = [path.name.encode() for path in paths]
    return texts, names


def nvrtc_version() -> tuple[int, int]:
    """The version of the installed compiler.

    Raises
    ------
    CudaUnavailable
        If it is not installed.
    """
    _, nvrtc = _bindings()
    try:
        code, major, minor = nvrtc.nvrtcVersion()
    except RuntimeError as error:  # the library could not be found
        raise CudaUnavailable(f"NVRTC is not installed ({error}): {_HOW}.") from error
    if int(code) != 0:
        raise CudaUnavailable(f"NVRTC does not work (error {int(code)}).")
    return int(major), int(minor)


def supported_architectures() -> list[int]:
    """The compute capabilities that the compiler knows, as 75, 80, ..."""
    nvrtc_version()
    _, nvrtc = _bindings()
    _, architectures = nvrtc.nvrtcGetSupportedArchs()
    return sorted(int(value) for value in architectures)


def compile_cubin(text: str, architecture: int, *, exact: bool = False) -> tuple[bytes, str]:
    """Compile a CUDA program; this needs no GPU.

    Parameters
    ----------
    text : str
    architecture : int
        The compute capability, for example 90.
    exact : bool, optional
        Whether every operation is rounded by itself (no contraction to fma).

    Returns
    -------
    cubin : bytes
    log : str
        What the compiler said, with the registers of every kernel.

    Raises
    ------
    CudaError
        With the compiler's message.
    """
    return _compile(text, "CUBIN", [f"--gpu-architecture=sm_{architecture}"], exact=exact)


def compile_ptx(text: str, architecture: int, *, exact: bool = False) -> str:
    """The code that `compile_cubin` hands to the assembler, with the lines of its source.

    Arguments and errors are those of `compile_cubin`.
    """
    options = [f"--gpu-architecture=compute_{architecture}", "--generate-line-info"]
    return _compile(text, "PTX", options, exact=exact)[0].rstrip(b"\0").decode()


def _compile(text: str, result: str, special: Sequence[str], *, exact: bool) -> tuple[bytes, str]:
    """Compile with the options of every program and some special ones; keep the result.

    `result` is what NVRTC calls it: CUBIN or PTX.
    """
    major, minor = nvrtc_version()
    _, nvrtc = _bindings()
    texts, names = _headers()
    digest = hashlib.sha256()
    wanted = [*_OPTIONS, *special]
    options = [option.encode() for option in (*wanted, *(["--fmad=false"] if exact else []))]
    for part in (text.encode(), *texts, *options, f"{major}.{minor}".encode()):
        digest.update(part)
    path = cache_directory() / f"cuda-{digest.hexdigest()[:32]}.{result.lower()}"
    log_path = path.with_suffix(".log")
    if path.exists() and log_path.exists():
        return path.read_bytes(), log_path.read_text()
    _, program = nvrtc.nvrtcCreateProgram(
        text.encode(), b"network.cu", len(texts), list(texts), list(names)
    )
    try:
        (code,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = _text_of(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).decode()
        log = log.rstrip("\0")
        if int(code) != 0:
            source = path.with_suffix(".cu")
            _write(source, text.encode())
            raise CudaError(f"NVRTC could not compile {source}:\n{log}")
        size, get = (getattr(nvrtc, f"nvrtcGet{result}{tail}") for tail in ("Size", ""))
        code_text = _text_of(size, get, program)
    finally:
        nvrtc.nvrtcDestroyProgram(program)
    _write(log_path, log.encode())
    _write(path, code_text)
    return code_text, log


_RESOURCES = re.compile(
    r"Function properties for (?P<kernel>\w+)\n"
    r"\D*(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores,"
    r" (?P<loads>\d+) bytes spill loads\n"
    r".*?Used (?P<registers>\d+) registers"
)


@dataclass(frozen=True)
class Resources:
    """What the compiler reports of a kernel: registers, and bytes in slow memory."""

    registers: int
    stack: int
    spilled: int


def resources(log: str) -> dict[str, Resources]:
    """The resources of every kernel, from the compiler's log."""
    return {
        match["kernel"]: Resources(
            int(match["registers"]), int(match["stack"]), int(match["stores"]) + int(match["loads"])
        )
        for match in _RESOURCES.finditer(log)
    }


def _text_of(size: Callable[..., Any], get: Callable[..., Any], program: Any) -> bytes:
    _, length = size(program)
    # NVRTC writes into this object; of a single byte Python has only one, for everybody
    buffer = b" " * max(length, 2)
    get(program, buffer)
    return buffer[:length]


def _write(path: Path, content: bytes) -> None:
    """Write a file of the cache so that nobody ever sees half of it.

    Where that cannot be, it is compiled again next time.
    """
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        os.replace(unfinished, path)


# -- the device ------------------------------------------------------------------


class NvidiaModule:
    """A program on the GPU."""

    def __init__(self, cubin: bytes) -> None:
        self._driver, _ = _bindings()
        self._handle = _check(self._driver.cuModuleLoadData(cubin), "loading a program")

    def kernel(self, name: str) -> Any:
        """A handle of a kernel."""
        return _check(
            self._driver.cuModuleGetFunction(self._handle, name.encode()), f"finding '{name}'"
        )

    def symbol(self, name: str) -> int:
        """The address of a variable."""
        address, _ = _check(
            self._driver.cuModuleGetGlobal(self._handle, name.encode()), f"finding '{name}'"
        )
        return int(address)


class NvidiaDriver:
    """One GPU.

    Parameters
    ----------
    number : int, optional
        Which one, as the driver counts them (``CUDA_VISIBLE_DEVICES`` decides).

    Raises
    ------
    CudaUnavailable
        With what is missing.
    """

    def __init__(self, number: int = 0) -> None:
        cu, _ = _bindings()
        self._cu = cu
        compiler = nvrtc_version()
        try:
            (code,) = cu.cuInit(0)
        except RuntimeError as error:  # libcuda could not be found
            raise CudaUnavailable(
                f"There is no NVIDIA driver on this machine ({error})."
            ) from error
        if int(code) != 0:
            _, name = cu.cuGetErrorName(code)
            raise CudaUnavailable(
                "The NVIDIA driver does not start"
                f" ({name.decode() if isinstance(name, bytes) else code})."
            )
        version = _check(cu.cuDriverGetVersion(), "asking for its version")
        if version // 1000 < compiler[0]:
            raise CudaUnavailable(
                f"The NVIDIA driver is for CUDA {version // 1000}.{version % 1000 // 10}, older"
                f" than the installed compiler (CUDA {compiler[0]}.{compiler[1]}). Update the"
                f" driver, or: pip install 'brian2genn[cuda{version // 1000}]'."
            )
        count = _check(cu.cuDeviceGetCount(), "counting GPUs")
        if count <= number:
            raise CudaUnavailable(f"There are {count} NVIDIA GPUs, number {number} is not there.")
        device = _check(cu.cuDeviceGet(number), "choosing a GPU")
        name = _check(cu.cuDeviceGetName(128, device), "asking for its name")
        self.name = name.split(b"\0")[0].decode().strip()
        attribute = cu.CUdevice_attribute

        def ask(which: Any) -> int:
            return int(_check(cu.cuDeviceGetAttribute(which, device), "asking for an attribute"))

        self.architecture = 10 * ask(attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) + ask(
            attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
        )
        self.multiprocessors = ask(attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)
        self.most_threads = ask(attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR)
        self._cooperative = bool(ask(attribute.CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH))
        known = supported_architectures()
        if self.architecture not in known:
            raise CudaUnavailable(
                f"The installed compiler (CUDA {compiler[0]}.{compiler[1]}) makes no code for"
                f" {self.name} (compute capability {self.architecture / 10}; it knows"
                f" {known[0] / 10} to {known[-1] / 10}): {_HOW}."
            )
        #: changes with everything that could make the GPU compute something else
        self.identity = (
            f"{self.name}, {_check(cu.cuDeviceGetUuid(device), 'asking for its UUID').bytes.hex()},"
            f" sm_{self.architecture}, driver for CUDA {version}, NVRTC {compiler}"
        )
        self._process = os.getpid()
        #: threads in a block
        self.threads = 128
        self._context = _check(cu.cuDevicePrimaryCtxRetain(device), "opening the GPU")
        _check(cu.cuCtxSetCurrent(self._context), "opening the GPU")
        self._stream = _check(cu.cuStreamCreate(0), "opening a stream")

    def _use(self) -> None:
        """Make the GPU the current one of this thread."""
        _check(self._cu.cuCtxSetCurrent(self._context), "opening the GPU")

    # -- memory ------------------------------------------------------------------
    def memory(self) -> tuple[int, int]:
        """Bytes that are free, and all bytes."""
        self._use()
        free, total = _check(self._cu.cuMemGetInfo(), "asking for free memory")
        return int(free), int(total)

    def allocate(self, nbytes: int) -> int:
        """Reserve memory; its address. Raises `MemoryError`."""
        self._use()
        what = f"{nbytes / 2**20:.1f} MiB were asked for on {self.name}"
        return int(_check(self._cu.cuMemAlloc(nbytes), what))

    def free(self, address: int) -> None:
        """Give memory back; what a fork inherits is not its own."""
        if os.getpid() == self._process:
            self._use()
            self._cu.cuMemFree(address)

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a contiguous array to the device, after what was launched before."""
        self._wait()
        _check(
            self._cu.cuMemcpyHtoD(address, array.ctypes.data, array.nbytes), "copying to the GPU"
        )

    def download(self, array: np.ndarray, address: int) -> None:
        """Wait for the device and fill a contiguous array from its memory."""
        self._wait()
        _check(
            self._cu.cuMemcpyDtoH(array.ctypes.data, address, array.nbytes), "copying from the GPU"
        )

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        """Set every byte."""
        self._use()
        _check(self._cu.cuMemsetD8Async(address, byte, nbytes, self._stream), "filling memory")

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy within the device."""
        self._use()
        _check(self._cu.cuMemcpyDtoDAsync(target, source, nbytes, self._stream), "copying")

    def _wait(self) -> None:
        self._use()
        _check(self._cu.cuStreamSynchronize(self._stream), "running a program")

    # -- programs ----------------------------------------------------------------
    def build(self, text: str, *, exact: bool = False) -> NvidiaModule:
        """Compile (or take from the cache) and load a program."""
        self._use()
        cubin, _ = compile_cubin(text, self.architecture, exact=exact)
        return NvidiaModule(cubin)

    def compiles(self, text: str) -> bool:
        """Whether the compiler takes a text."""
        try:
            compile_cubin(text, self.architecture)
        except CudaError:
            return False
        return True

    def _enqueue(self, one: Launch) -> None:
        size = (one.blocks, 1, 1, one.threads, 1, 1, 0)
        if one.together:
            result = self._cu.cuLaunchCooperativeKernel(one.kernel, *size, self._stream, 0)
        else:
            result = self._cu.cuLaunchKernel(one.kernel, *size, self._stream, 0, 0)
        _check(result, "starting a kernel")

    def launch(self, launches: Sequence[Launch]) -> None:
        """Execute kernels one after the other."""
        self._use()
        for one in launches:
            self._enqueue(one)

    def graph(self, launches: Sequence[Launch]) -> Any:
        """Many kernels that are launched at once, by `replay`."""
        self._use()
        mode = self._cu.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        _check(self._cu.cuStreamBeginCapture(self._stream, mode), "making a graph")
        try:
            self.launch(launches)
        finally:
            graph = _check(self._cu.cuStreamEndCapture(self._stream), "making a graph")
        executable = _check(self._cu.cuGraphInstantiate(graph, 0), "making a graph")
        self._cu.cuGraphDestroy(graph)
        return executable

    def replay(self, graph: Any) -> None:
        """Execute the kernels of a graph one after the other."""
        self._use()
        _check(self._cu.cuGraphLaunch(graph, self._stream), "starting a graph")

    def time(self, launches: Sequence[Launch]) -> list[float]:
        """Execute kernels and measure each, in seconds on the device's clock."""
        self._use()
        events = [_check(self._cu.cuEventCreate(0), "timing") for _ in range(len(launches) + 1)]
        _check(self._cu.cuEventRecord(events[0], self._stream), "timing")
        for one, event in zip(launches, events[1:], strict=True):
            self._enqueue(one)
            _check(self._cu.cuEventRecord(event, self._stream), "timing")
        self._wait()
        times = [
            1e-3 * _check(self._cu.cuEventElapsedTime(a, b), "timing") for a, b in pairwise(events)
        ]
        for event in events:
            self._cu.cuEventDestroy(event)
        return times

    def most_together(self, kernel: Any, threads: int) -> int:
        """Blocks of a kernel that the device has at the same time; 0 if they must not wait."""
        if not self._cooperative:
            return 0
        return self.multiprocessors * self.facts(kernel, threads).resident_blocks

    def facts(self, kernel: Any, threads: int) -> KernelFacts:
        """What the compiler made of a kernel."""
        self._use()
        attribute = self._cu.CUfunction_attribute

        def ask(which: Any) -> int:
            return int(_check(self._cu.cuFuncGetAttribute(which, kernel), "asking for a fact"))

        return KernelFacts(
            ask(attribute.CU_FUNC_ATTRIBUTE_NUM_REGS),
            ask(attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
            ask(attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
            int(
                _check(
                    self._cu.cuOccupancyMaxActiveBlocksPerMultiprocessor(kernel, threads, 0),
                    "asking for the occupancy",
                )
            ),
        )
