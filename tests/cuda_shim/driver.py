"""A driver whose device is this machine's processor."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brian2genn.backends.cpu.cache import cache_directory
from brian2genn.backends.cpu.toolchain import find
from brian2genn.backends.cuda.driver import CudaError, KernelFacts, Launch
from brian2genn.backends.cuda.nvidia import Resources, compile_cubin, resources
from brian2genn.codegen.program import INCLUDE_DIRECTORY

_SHIM = Path(__file__).with_name("shim.h")
#: Where it is kept what NVRTC makes of programs.
_NOTES = "nvrtc-resources-"
_WORDS = {"stack": "local memory", "spilled": "spilled registers"}
_FLAGS = (
    "-std=gnu++17",
    "-O1",
    "-g",
    "-fPIC",
    "-shared",
    "-ffp-contract=off",
    "-march=native",
    "-w",
)


class ShimModule:
    """A program as a shared library."""

    def __init__(self, path: Path) -> None:
        self.library = ctypes.CDLL(str(path))
        arguments = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint64]
        for launch in (self.library.shim_launch, self.library.shim_launch_together):
            launch.restype, launch.argtypes = ctypes.c_char_p, arguments

    def kernel(self, name: str) -> Any:
        address = ctypes.cast(getattr(self.library, name), ctypes.c_void_p).value
        return self, name, address

    def symbol(self, name: str) -> int:
        return ctypes.addressof(ctypes.c_char.in_dll(self.library, name))


class ShimDriver:
    """Executes CUDA programs without a GPU.

    Parameters
    ----------
    seed : int, optional
        Of the order in which threads and blocks run.
    architectures : sequence of int, optional
        Compile each program with NVRTC too, for these compute capabilities.
    """

    name = "a processor that executes CUDA programs"
    identity = "the tests' device"
    multiprocessors = 5
    threads = 64
    most_threads = 128
    most_blocks_together = 8
    total_memory = 1 << 40
    architecture = 0

    def __init__(self, seed: int = 1, architectures: Sequence[int] = ()) -> None:
        self._architectures = list(architectures)
        #: what NVRTC says of every kernel, by architecture
        self.resources: dict[int, list[dict[str, Resources]]] = {a: [] for a in architectures}
        self._random = np.random.default_rng(seed)
        self._memory: dict[int, np.ndarray] = {}
        self._modules: dict[str, ShimModule] = {}
        #: what was done, to count launches and bytes
        self.counts: dict[str, int] = {
            "launches": 0, "replays": 0, "uploads": 0, "downloads": 0,
            "bytes_up": 0, "bytes_down": 0,
        }  # fmt: skip

    # -- memory ------------------------------------------------------------------
    def memory(self) -> tuple[int, int]:
        taken = sum(memory.nbytes for memory in self._memory.values())
        return max(self.total_memory - taken, 0), self.total_memory

    def allocate(self, nbytes: int) -> int:
        if nbytes > self.memory()[0]:
            raise MemoryError(f"The tests' device has no {nbytes} bytes left.")
        # what nobody has written is conspicuous
        memory = np.empty(nbytes, dtype=np.uint8)
        memory[: 1 << 16] = 0xA5
        self._memory[memory.ctypes.data] = memory
        return memory.ctypes.data

    def free(self, address: int) -> None:
        del self._memory[address]

    def upload(self, address: int, array: np.ndarray) -> None:
        assert array.flags.c_contiguous
        ctypes.memmove(address, array.ctypes.data, array.nbytes)
        self.counts["uploads"] += 1
        self.counts["bytes_up"] += array.nbytes

    def download(self, array: np.ndarray, address: int) -> None:
        assert array.flags.c_contiguous
        ctypes.memmove(array.ctypes.data, address, array.nbytes)
        self.counts["downloads"] += 1
        self.counts["bytes_down"] += array.nbytes

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        ctypes.memset(address, byte, nbytes)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        ctypes.memmove(target, source, nbytes)

    # -- programs ----------------------------------------------------------------
    def build(self, text: str, *, exact: bool = False) -> ShimModule:
        digest = hashlib.sha256()
        for part in (text, _SHIM.read_text(), *(p.read_text() for p in _headers())):
            digest.update(part.encode())
        key = f"shim-{digest.hexdigest()[:32]}"
        if key not in self._modules:
            for architecture in self._architectures:
                _, log = compile_cubin(text, architecture, exact=exact)
                self.resources[architecture].append(resources(log))
                note_resources(architecture, resources(log))
            path = cache_directory() / f"{key}.so"
            if not path.exists():
                _compile(text, path)
            self._modules[key] = ShimModule(path)
        return self._modules[key]

    def compiles(self, text: str) -> bool:
        try:
            self.build(text)
        except CudaError:
            return False
        return True

    def launch(self, launches: Sequence[Launch]) -> None:
        for one in launches:
            module, name, address = one.kernel
            seed = int(self._random.integers(1 << 62))
            library = module.library
            if one.together and one.blocks > self.most_blocks_together:
                raise CudaError(f"kernel {name}: {one.blocks} blocks at once are too many")
            launch = library.shim_launch_together if one.together else library.shim_launch
            error = launch(address, one.blocks, one.threads, seed)
            if error is not None:
                raise CudaError(f"kernel {name}: {error.decode()}")
        self.counts["launches"] += len(launches)

    def graph(self, launches: Sequence[Launch]) -> list[Launch]:
        return list(launches)

    def replay(self, graph: list[Launch]) -> None:
        self.counts["replays"] += 1
        self.launch(graph)

    def time(self, launches: Sequence[Launch]) -> list[float]:
        times = []
        for one in launches:
            began = time.perf_counter()
            self.launch([one])
            times.append(time.perf_counter() - began)
        return times

    def most_together(self, kernel: Any, threads: int) -> int:
        return self.most_blocks_together

    def facts(self, kernel: Any, threads: int) -> KernelFacts:
        return KernelFacts(registers=0, local_bytes=0, shared_bytes=0, resident_blocks=1)


def note_resources(architecture: int, kernels: dict[str, Resources]) -> None:
    """Keep what NVRTC said of a program's kernels, for the end of the tests."""
    with open(cache_directory() / f"{_NOTES}{os.getpid()}.txt", "a") as notes:
        for kernel, found in kernels.items():
            line = (architecture, kernel, found.registers, found.stack, found.spilled)
            notes.write(" ".join(map(str, line)) + "\n")


def told_resources() -> list[str]:
    """What NVRTC said of all kernels since it was told last, in a line for each architecture."""
    kernels: dict[int, list[tuple[str, Resources]]] = {}
    for path in cache_directory().glob(f"{_NOTES}*.txt"):
        lines = path.read_text().splitlines()
        path.unlink()
        for line in lines:
            architecture, kernel, *numbers = line.split()
            found = kernels.setdefault(int(architecture), [])
            found.append((kernel, Resources(*map(int, numbers))))
    told = []
    for architecture, all_of_it in sorted(kernels.items()):
        registers = sorted(found.registers for _, found in all_of_it)
        text = f"sm_{architecture}: {len(all_of_it)} kernels"
        text += f", registers {registers[len(registers) // 2]} (at most {registers[-1]})"
        for what in ("stack", "spilled"):
            some = [(getattr(found, what), kernel) for kernel, found in all_of_it]
            some = [one for one in some if one[0]]
            most = f", {max(some)[0]} bytes at most, in {max(some)[1]}" if some else ""
            text += f"; {len(some)} with {_WORDS[what]}{most}"
        told.append(text)
    return told


def _headers() -> list[Path]:
    return sorted(INCLUDE_DIRECTORY.glob("*.h"))


def _compile(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    source = path.with_suffix(".cpp")
    source.write_text(f'#include "{_SHIM}"\n{text}')
    unfinished = path.with_suffix(f".{time.monotonic_ns()}.tmp")
    command = [*find().cpp, *_FLAGS, f"-I{INCLUDE_DIRECTORY}", str(source), "-o", str(unfinished)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CudaError(f"g++ could not compile {source}:\n{result.stderr}")
    unfinished.replace(path)
