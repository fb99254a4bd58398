"""A driver that executes what NVRTC makes of CUDA programs."""

from __future__ import annotations

import ctypes
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from brian2genn.backends.cuda.device.compiler import compile_ptx
from brian2genn.backends.cuda.device.driver import CudaError, Launch, Meeting

from ..driver import FIBRES, EmulatedDriver, EmulatedModule, compile_library
from .latencies import MEMORY
from .parse import UnknownPtx
from .translate import Translation, translate

_HERE = Path(__file__).parent
HEADERS = (FIBRES, *sorted(_HERE.glob("*.h")))
FLAGS = ("-fno-strict-aliasing", "-fwrapv", f"-I{_HERE}")
_LATENCIES = [f"-D{name}={cycles}" for name, cycles in MEMORY.items()]

#: Bytes of global memory that are moved together.
SECTOR = 32


@dataclass
class KernelCounts:
    """What the warps of a kernel have executed, in all of its launches.

    Attributes
    ----------
    launches : int
    blocks, threads : int
        Of the last launch.
    instructions : Counter
        Instructions of warps by class (see `classes.CLASSES`).
    requests : Counter
        Accesses of warps to global memory: ``read``, ``write`` or ``atomic``.
    sectors : Counter
        The sectors of 32 bytes that they touch.
    hottest : int
        Atomic accesses to the sector that has the most of them in a launch.
    chain : int
        Cycles that the kernel would take if nothing but waiting for results took time: with the
        latencies of `latencies.py`, of all launches.
    """

    launches: int = 0
    blocks: int = 0
    threads: int = 0
    instructions: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    sectors: Counter[str] = field(default_factory=Counter)
    hottest: int = 0
    chain: int = 0

    def nbytes(self, *kinds: str) -> int:
        """Bytes in the sectors of these kinds of access; of all without any."""
        return SECTOR * sum(self.sectors[kind] for kind in kinds or self.sectors)


class PtxModule(EmulatedModule):
    """A translated program."""

    def __init__(self, path: Path, symbols: set[int], translation: Translation) -> None:
        super().__init__(path, symbols)
        self.translation = translation
        if hasattr(self.library, "ptx_take_counts"):
            self.library.ptx_take_counts.restype = ctypes.c_uint64
            self.library.ptx_take_chain.restype = ctypes.c_uint64

    def set_memory(self, ranges: np.ndarray) -> None:
        """Say which memory may be accessed: beginnings and ends, ascending."""
        self._ranges = ranges  # the library keeps its address
        self.library.ptx_set_memory(
            ctypes.c_void_p(ranges.ctypes.data), ctypes.c_uint(ranges.size // 2)
        )

    def take_counts(self, counts: KernelCounts) -> None:
        """Add what was executed since the last call."""
        sites, blocks = self.translation.sites, self.translation.blocks
        executed = np.zeros(len(blocks) + 1, dtype=np.uint64)
        requests = np.zeros(len(sites) + 1, dtype=np.uint64)
        sectors = np.zeros(len(sites) + 1, dtype=np.uint64)
        counts.chain += self.library.ptx_take_chain()
        counts.hottest += self.library.ptx_take_counts(
            *(ctypes.c_void_p(array.ctypes.data) for array in (executed, requests, sectors))
        )
        for block, times in zip(blocks, executed[:-1].tolist(), strict=True):
            for kind, number in block.classes.items():
                counts.instructions[kind] += number * times
        for number, site in enumerate(sites):
            if requests[number]:
                counts.requests[site.kind] += int(requests[number])
                counts.sectors[site.kind] += int(sectors[number])


class PtxDriver(EmulatedDriver):
    """Translates PTX to C++ and executes that.

    Parameters
    ----------
    seed : int, optional
        Of the order in which threads and blocks run.
    architecture : int, optional
        The compute capability that NVRTC compiles for.
    watch : bool, optional
        Whether accesses outside of memory and races are errors.
    count : bool, optional
        Whether to count what every kernel executes, in `kernels`.
    """

    name = "a processor that executes PTX"

    def __init__(
        self, seed: int = 1, *, architecture: int = 90, watch: bool = False, count: bool = False
    ) -> None:
        super().__init__(seed)
        self.architecture = architecture
        self._watch, self._count = watch, count
        self._modules: dict[tuple[str, bool], PtxModule] = {}
        self._ranges = np.zeros(0, dtype=np.uint64)
        #: whether launches count at present
        self.counting = True
        #: by the name of a kernel: what was counted
        self.kernels: dict[str, KernelCounts] = {}

    def allocate(self, nbytes: int) -> int:
        """Reserve memory; its address. Raises `MemoryError`."""
        self._ranges = np.zeros(0, dtype=np.uint64)
        return super().allocate(nbytes)

    def free(self, address: int) -> None:
        """Give memory back."""
        self._ranges = np.zeros(0, dtype=np.uint64)
        super().free(address)

    def build(self, text: str, *, exact: bool = False) -> PtxModule:
        """Compile (or take from the cache) and load a program."""
        key = text, exact
        if key not in self._modules:
            ptx = compile_ptx(text, self.architecture, exact=exact)
            try:
                translation = translate(ptx)
            except UnknownPtx as unknown:
                raise CudaError(f"PTX that cannot be translated: {unknown}") from unknown
            path = self._library(translation, repr(key))
            self._modules[key] = PtxModule(path, self._symbols, translation)
        return self._modules[key]

    def _library(self, translation: Translation, of_what: str) -> Path:
        flags = list(FLAGS)
        flags += ["-DPTX_WATCH"] * self._watch + ["-DPTX_COUNT", *_LATENCIES] * self._count
        # two programs have two sets of variables, also where their instructions are the same
        digest = hashlib.sha256(of_what.encode()).hexdigest()
        return compile_library("ptx", f"/* {digest} */\n{translation.text}", flags, HEADERS)

    def launch(self, launches: Sequence[Launch]) -> None:
        """Execute kernels one after the other."""
        if self._watch and not self._ranges.size:
            ranges = sorted((a, a + memory.nbytes) for a, memory in self._memory.items())
            self._ranges = np.array([*ranges, (0, 0)][: max(len(ranges), 1)], np.uint64).ravel()
        super().launch(launches)

    def _execute(self, one: Launch) -> None:
        module, name, _ = one.kernel
        if self._watch:
            module.set_memory(self._ranges)
        if self._count:
            if one.meeting == Meeting.MEMORY:
                raise CudaError(f"kernel {name}: blocks that look again and again are not counted")
            module.library.ptx_set_counting(int(self.counting))
        super()._execute(one)
        if self._count and self.counting:
            counts = self.kernels.setdefault(name, KernelCounts())
            counts.launches += 1
            counts.blocks, counts.threads = one.blocks, one.threads
            module.take_counts(counts)
