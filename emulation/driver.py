"""A CUDA device whose memory and processor are this machine's."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brian2genn.backends.cache.folder import cache_directory
from brian2genn.backends.cuda.device.driver import (
    CudaError,
    KernelAttributes,
    Launch,
    Meeting,
    TuningRules,
)
from brian2genn.backends.host.toolchain import find

#: How threads are executed.
FIBRES = Path(__file__).with_name("fibres.h")

#: Of every allocation, in bytes.
_ALIGNMENT = 256

_FLAGS = (
    "-std=gnu++17",
    "-O1",
    "-fPIC",
    "-shared",
    "-ffp-contract=off",
    "-march=native",
    "-w",
)


def compile_library(kind: str, text: str, flags: Sequence[str], headers: Sequence[Path]) -> Path:
    """A shared library of a C++ text that includes `fibres.h`; taken from the cache if there.

    Parameters
    ----------
    kind : str
        The beginning of its name.
    text : str
    flags : sequence of str
        Beside the usual ones.
    headers : sequence of Path
        What the text includes: a change of these is a change of the program.

    Raises
    ------
    CudaError
        With the compiler's message.
    """
    digest = hashlib.sha256()
    for part in (text, *_FLAGS, *flags, *(path.read_text("utf-8") for path in headers)):
        digest.update(part.encode())
    # in a folder that is not tidied: these are loaded without a lock
    path = cache_directory() / "emulation" / f"{kind}-{digest.hexdigest()[:32]}.so"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{time.monotonic_ns()}.{threading.get_ident()}.tmp")
    source = unfinished.with_suffix(".cpp")
    source.write_text(text, encoding="utf-8")
    command = [*find().cpp, *_FLAGS, *flags, str(source), "-o", str(unfinished)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CudaError(f"g++ could not compile {source}:\n{result.stderr}")
    source.replace(path.with_suffix(".cpp"))
    unfinished.replace(path)
    return path


class EmulatedModule:
    """A program as a shared library, made with `fibres.h`.

    Parameters
    ----------
    path : Path
    symbols : set of int
        Where the driver notes the addresses of variables.
    """

    def __init__(self, path: Path, symbols: set[int]) -> None:
        self._symbols = symbols
        self.library = ctypes.CDLL(str(path))
        arguments = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint64]
        #: by where the blocks of a kernel meet
        self.launch = {
            Meeting.NOWHERE: self.library.shim_launch,
            Meeting.MEMORY: self.library.shim_launch_together,
            Meeting.CLUSTER: self.library.shim_launch_cluster,
        }
        for launch in self.launch.values():
            launch.restype, launch.argtypes = ctypes.c_char_p, arguments

    def kernel(self, name: str) -> Any:
        """A handle of a kernel."""
        address = ctypes.cast(getattr(self.library, name), ctypes.c_void_p).value
        return self, name, address

    def symbol(self, name: str) -> int:
        """The address of a variable."""
        address = ctypes.addressof(ctypes.c_char.in_dll(self.library, name))
        self._symbols.add(address)
        return address


class EmulatedDriver:
    """Executes CUDA programs without a GPU; what makes libraries of them is left to subclasses.

    Parameters
    ----------
    seed : int, optional
        Of the order in which threads and blocks run.
    """

    name = "a processor that executes CUDA programs"
    identity = "the tests' device"
    multiprocessors = 5
    threads = 64
    most_threads = 128
    most_blocks_together = 8
    largest_cluster = 8
    #: time steps take long here: all ways to execute them have their turns soon
    rules = TuningRules(steps=3)
    total_memory = 1 << 40
    #: bytes before and behind what is reserved, for programs that write where they should not
    gap = 0
    architecture = 0

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        self._memory: dict[int, np.ndarray] = {}
        #: addresses of variables that somebody has asked for
        self._symbols: set[int] = set()
        #: what was done, to count launches and bytes
        self.counts: dict[str, int] = {
            "launches": 0, "replays": 0, "uploads": 0, "downloads": 0,
            "bytes_up": 0, "bytes_down": 0,
        }  # fmt: skip

    # -- memory ------------------------------------------------------------------
    def memory(self) -> tuple[int, int]:
        """Bytes that are free, and all bytes."""
        taken = sum(memory.nbytes for memory in self._memory.values())
        return max(self.total_memory - taken, 0), self.total_memory

    def allocate(self, nbytes: int) -> int:
        """Reserve memory; its address. Raises `MemoryError`."""
        if nbytes > self.memory()[0]:
            raise MemoryError(f"The tests' device has no {nbytes} bytes left.")
        # as a GPU aligns it, and with a gap to what lies before and behind
        memory = np.empty(nbytes + 2 * (self.gap + _ALIGNMENT), dtype=np.uint8)
        first = self.gap + _ALIGNMENT - (memory.ctypes.data + self.gap) % _ALIGNMENT
        memory = memory[first : first + nbytes]
        # what nobody has written is conspicuous
        memory[: 1 << 16] = 0xA5
        self._memory[memory.ctypes.data] = memory
        return memory.ctypes.data

    def free(self, address: int) -> None:
        """Give memory back."""
        del self._memory[address]

    def _check(self, address: int, nbytes: int) -> None:
        """Refuse what is not within one allocation, or at the beginning of a variable."""
        if address in self._memory:  # the usual case
            first, size = address, self._memory[address].nbytes
        else:
            first = max((a for a in self._memory if a <= address), default=0)
            size = self._memory[first].nbytes if first else 0
        if address + nbytes > first + size and address not in self._symbols:
            raise CudaError(f"{nbytes} bytes at {address:#x} are outside of all memory")

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a contiguous array to the device."""
        assert array.flags.c_contiguous
        self._check(address, array.nbytes)
        ctypes.memmove(address, array.ctypes.data, array.nbytes)
        self.counts["uploads"] += 1
        self.counts["bytes_up"] += array.nbytes

    def download(self, array: np.ndarray, address: int) -> None:
        """Fill a contiguous array from the device's memory."""
        assert array.flags.c_contiguous
        self._check(address, array.nbytes)
        ctypes.memmove(array.ctypes.data, address, array.nbytes)
        self.counts["downloads"] += 1
        self.counts["bytes_down"] += array.nbytes

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        """Set every byte."""
        self._check(address, nbytes)
        ctypes.memset(address, byte, nbytes)

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy within the device."""
        self._check(target, nbytes)
        self._check(source, nbytes)
        ctypes.memmove(target, source, nbytes)

    # -- programs ----------------------------------------------------------------
    def build(self, text: str, *, exact: bool = False) -> EmulatedModule:
        """Compile (or take from the cache) and load a program."""
        raise NotImplementedError

    def wait_until_open(self) -> None:
        """It always is."""

    def compile_ahead(self, text: str, *, exact: bool = False) -> bool:
        """Nothing is begun: the text may be changed before it is compiled."""
        return True

    def compiles(self, text: str) -> bool:
        """Whether the compiler takes a text."""
        try:
            self.build(text)
        except CudaError:
            return False
        return True

    def launch(self, launches: Sequence[Launch]) -> None:
        """Execute kernels one after the other."""
        for one in launches:
            self._execute(one)
        self.counts["launches"] += len(launches)

    def _execute(self, one: Launch) -> None:
        module, name, address = one.kernel
        seed = int(self._random.integers(1 << 62))
        if one.meeting != Meeting.NOWHERE and one.blocks > self.most_blocks(
            one.kernel, one.threads, one.meeting
        ):
            raise CudaError(f"kernel {name}: {one.blocks} blocks cannot meet")
        error = module.launch[one.meeting](address, one.blocks, one.threads, seed)
        if error is not None:
            raise CudaError(f"kernel {name}: {error.decode()}")

    def graph(self, launches: Sequence[Launch]) -> list[Launch]:
        """Many kernels that are launched at once, by `replay`."""
        return list(launches)

    def replay(self, graph: list[Launch]) -> None:
        """Execute the kernels of a graph one after the other."""
        self.counts["replays"] += 1
        self.launch(graph)

    def time(self, launches: Sequence[Launch]) -> list[float]:
        """Execute kernels and measure each."""
        times = []
        for one in launches:
            began = time.perf_counter()
            self.launch([one])
            times.append(time.perf_counter() - began)
        return times

    def most_blocks(self, kernel: Any, threads: int, meeting: Meeting) -> int:
        """Blocks of a kernel that can meet."""
        return self.largest_cluster if meeting == Meeting.CLUSTER else self.most_blocks_together

    def attributes(self, kernel: Any, threads: int) -> KernelAttributes:
        """Nothing is known of registers here."""
        return KernelAttributes(registers=0, local_bytes=0, shared_bytes=0, resident_blocks=1)
