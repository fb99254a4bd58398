"""An NVIDIA GPU through its driver and NVRTC; no CUDA toolkit is needed."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...background import InBackground
from ...host.waiting import waiting
from .bindings import bindings, check
from .compiler import compile_cubin, is_compiled
from .discovery import FORKED, Gpu, find_gpu
from .driver import (
    CudaError,
    CudaLost,
    CudaUnavailable,
    KernelAttributes,
    Launch,
    Meeting,
    TuningRules,
)

#: Sizes of clusters that are asked for, the largest first; no GPU has larger ones.
_CLUSTERS = (16, 8, 4, 2)


# -- the device ------------------------------------------------------------------


@dataclass(frozen=True)
class NvidiaKernel:
    """A kernel; its module stays loaded as long as it."""

    module: NvidiaModule
    handle: Any


@dataclass(eq=False)
class NvidiaGraph:
    """Launches that the GPU knows as one; their modules stay loaded as long as it."""

    handle: Any
    launches: Sequence[Launch]


class NvidiaModule:
    """A program on the GPU, made by `NvidiaDriver.build`."""

    def __init__(self, driver: NvidiaDriver, handle: Any) -> None:
        self._driver = driver
        self._handle = handle

    def kernel(self, name: str) -> NvidiaKernel:
        """A handle of a kernel."""
        with self._driver.current() as cu:
            found = cu.cuModuleGetFunction(self._handle, name.encode())
            return NvidiaKernel(self, check(found, f"finding '{name}'"))

    def symbol(self, name: str) -> int:
        """The address of a variable."""
        with self._driver.current() as cu:
            found = cu.cuModuleGetGlobal(self._handle, name.encode())
            return int(check(found, f"finding '{name}'")[0])


class NvidiaDriver:
    """One GPU.

    All that it does is in the order in which it is asked for (a stream of its own); it is opened
    in the background. Other packages
    may use the GPU at the same time: its context is the one that all of them share, and threads
    keep the context that they have.

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
        gpu = find_gpu(number)
        self._cu, _ = bindings()
        self.name = gpu.name
        self.architecture = gpu.architecture
        self.multiprocessors = gpu.multiprocessors
        self.most_threads = gpu.most_threads
        self.identity = gpu.identity
        self.rules = TuningRules()
        self._cooperative, self._clusters = gpu.cooperative, gpu.clusters
        self._context: Any = None
        self._stream: Any = None
        #: threads in a block
        self.threads = 128
        #: programs that are being compiled, and what comes of them
        self._begun: dict[tuple[str, bool], InBackground[tuple[bytes, str]]] = {}
        #: how the GPU was lost; empty while it was not
        self.lost = ""
        self._process = os.getpid()
        # that takes a quarter of a second, in which Python has other things to do
        self._opening = InBackground(lambda: self._open(gpu), comes_to_an_end=True)

    def _open(self, gpu: Gpu) -> tuple[Any, Any]:
        """A context and a stream."""
        cu = self._cu
        try:
            context = check(cu.cuDevicePrimaryCtxRetain(gpu.device), "opening the GPU")
            check(cu.cuCtxPushCurrent(context), "using the GPU")
            try:
                # it does not wait for what others do in the default stream
                flags = cu.CUstream_flags.CU_STREAM_NON_BLOCKING
                return context, check(cu.cuStreamCreate(flags), "opening a stream")
            finally:
                cu.cuCtxPopCurrent()
        except (CudaError, MemoryError) as error:
            raise CudaUnavailable(
                f"{self.name} cannot be opened; another program may be using it. {error}"
            ) from error

    def wait_until_open(self) -> None:
        """Wait until the GPU can be used, which begins when this object is made.

        Raises
        ------
        CudaUnavailable
            If it cannot.
        """
        self._context, self._stream = self._opening.result()

    @contextmanager
    def current(self) -> Iterator[Any]:
        """Within this, the GPU is the current one of this thread; the driver's interface."""
        if os.getpid() != self._process:
            raise CudaError(FORKED)
        if self.lost:
            raise CudaLost(self.lost)
        if self._context is None:
            self.wait_until_open()
        try:
            check(self._cu.cuCtxPushCurrent(self._context), "using the GPU")
            try:
                yield self._cu
            finally:
                self._cu.cuCtxPopCurrent()
        except CudaLost as error:
            self.lost = str(error)
            raise

    def _discard(self, destroy: Callable[[Any], Any], handle: Any) -> None:
        """Give something back once the GPU does not use it any more.

        This is called by finalizers: it must not fail, in whatever thread and at whatever time.
        """
        if self.lost or os.getpid() != self._process:
            return  # it is gone, or another process's
        with suppress(CudaError), self.current():
            self._wait()
            destroy(handle)

    # -- memory ------------------------------------------------------------------
    def memory(self) -> tuple[int, int]:
        """Bytes that are free, and all bytes."""
        with self.current() as cu:
            free, total = check(cu.cuMemGetInfo(), "asking for free memory")
        return int(free), int(total)

    def allocate(self, nbytes: int) -> int:
        """Reserve memory; its address. Raises `MemoryError`."""
        what = f"{nbytes / 2**20:.1f} MiB were asked for on {self.name}"
        with self.current() as cu:
            return int(check(cu.cuMemAlloc(nbytes), what))

    def free(self, address: int) -> None:
        """Give memory back."""
        self._discard(self._cu.cuMemFree, address)

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a contiguous array to the device, after what was launched before."""
        assert array.flags.c_contiguous
        with self.current() as cu:
            data, nbytes = array.ctypes.data, array.nbytes
            check(cu.cuMemcpyHtoDAsync(address, data, nbytes, self._stream), "copying to the GPU")
            self._wait()

    def download(self, array: np.ndarray, address: int) -> None:
        """Wait for the device and fill a contiguous array from its memory."""
        assert array.flags.c_contiguous
        assert array.flags.writeable
        with self.current() as cu:
            data, nbytes = array.ctypes.data, array.nbytes
            check(cu.cuMemcpyDtoHAsync(data, address, nbytes, self._stream), "copying from the GPU")
            self._wait()

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        """Set every byte."""
        with self.current() as cu:
            check(cu.cuMemsetD8Async(address, byte, nbytes, self._stream), "filling memory")

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy within the device."""
        with self.current() as cu:
            check(cu.cuMemcpyDtoDAsync(target, source, nbytes, self._stream), "copying")

    def _wait(self) -> None:
        check(self._cu.cuStreamSynchronize(self._stream), "running a program")

    # -- programs ----------------------------------------------------------------
    def build(self, text: str, *, exact: bool = False) -> NvidiaModule:
        """Compile (or take from the cache) and load a program."""
        begun = self._begun.pop((text, exact), None)
        with waiting():
            cubin, _ = (
                begun.result()
                if begun is not None
                else compile_cubin(text, self.architecture, exact=exact)
            )
        with self.current() as cu:
            module = NvidiaModule(self, check(cu.cuModuleLoadData(cubin), "loading a program"))
            weakref.finalize(module, self._discard, cu.cuModuleUnload, module._handle)
        return module

    def compile_ahead(self, text: str, *, exact: bool = False) -> bool:
        """Begin to compile a program that `build` will be asked for; this does not wait for it.

        NVRTC compiles several programs side by side, and Python goes on meanwhile.
        """
        if (text, exact) not in self._begun:
            if is_compiled(text, self.architecture, exact=exact):
                return True
            self._begun[text, exact] = InBackground(
                lambda: compile_cubin(text, self.architecture, exact=exact), comes_to_an_end=True
            )
        return self._begun[text, exact].is_done

    def compiles(self, text: str) -> bool:
        """Whether the compiler takes a text."""
        try:
            compile_cubin(text, self.architecture)
        except CudaError:
            return False
        return True

    def _enqueue(self, one: Launch) -> None:
        size = (one.blocks, 1, 1, one.threads, 1, 1, 0)
        if one.meeting == Meeting.MEMORY:
            result = self._cu.cuLaunchCooperativeKernel(one.kernel.handle, *size, self._stream, 0)
        elif one.meeting == Meeting.CLUSTER:
            config = self._as_cluster(one.blocks, one.threads)
            result = self._cu.cuLaunchKernelEx(config, one.kernel.handle, 0, 0)
        else:
            result = self._cu.cuLaunchKernel(one.kernel.handle, *size, self._stream, 0, 0)
        check(result, "starting a kernel")

    def _as_cluster(self, blocks: int, threads: int) -> Any:
        """How a kernel is launched whose blocks are one cluster."""
        cu = self._cu
        attribute = cu.CUlaunchAttribute()
        attribute.id = cu.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
        value = cu.CUlaunchAttributeValue()
        value.clusterDim.x, value.clusterDim.y, value.clusterDim.z = blocks, 1, 1
        attribute.value = value
        config = cu.CUlaunchConfig()
        config.gridDimX, config.gridDimY, config.gridDimZ = blocks, 1, 1
        config.blockDimX, config.blockDimY, config.blockDimZ = threads, 1, 1
        config.hStream = self._stream
        config.attrs, config.numAttrs = [attribute], 1
        return config

    def launch(self, launches: Sequence[Launch]) -> None:
        """Execute kernels one after the other."""
        with self.current():
            for one in launches:
                self._enqueue(one)

    def graph(self, launches: Sequence[Launch]) -> NvidiaGraph:
        """Many kernels that are launched at once, by `replay`.

        The graph is put together node by node. To capture it from a stream would be shorter, but
        meanwhile nobody may give memory back, and Python may collect garbage at any time.
        """
        with self.current() as cu:
            graph = check(cu.cuGraphCreate(0), "making a graph")
            try:
                before: list[Any] = []
                for one in launches:
                    node = cu.CUDA_KERNEL_NODE_PARAMS()
                    node.func = one.kernel.handle
                    node.gridDimX, node.gridDimY, node.gridDimZ = one.blocks, 1, 1
                    node.blockDimX, node.blockDimY, node.blockDimZ = one.threads, 1, 1
                    added = cu.cuGraphAddKernelNode(graph, before, len(before), node)
                    before = [check(added, "making a graph")]
                handle = check(cu.cuGraphInstantiate(graph, 0), "making a graph")
            finally:
                cu.cuGraphDestroy(graph)
            executable = NvidiaGraph(handle, tuple(launches))
            weakref.finalize(executable, self._discard, cu.cuGraphExecDestroy, handle)
        return executable

    def replay(self, graph: NvidiaGraph) -> None:
        """Execute the kernels of a graph one after the other."""
        with self.current() as cu:
            check(cu.cuGraphLaunch(graph.handle, self._stream), "starting a graph")

    def time(self, launches: Sequence[Launch]) -> list[float]:
        """Execute kernels and measure each, in seconds on the device's clock."""
        events: list[Any] = []
        with self.current() as cu:
            try:
                for _ in range(len(launches) + 1):
                    events.append(check(cu.cuEventCreate(0), "timing"))
                check(cu.cuEventRecord(events[0], self._stream), "timing")
                for one, event in zip(launches, events[1:], strict=True):
                    self._enqueue(one)
                    check(cu.cuEventRecord(event, self._stream), "timing")
                self._wait()
                return [
                    1e-3 * check(cu.cuEventElapsedTime(a, b), "timing") for a, b in pairwise(events)
                ]
            finally:
                for event in events:
                    cu.cuEventDestroy(event)

    def most_blocks(self, kernel: NvidiaKernel, threads: int, meeting: Meeting) -> int:
        """Blocks of a kernel that can meet; 0 if they cannot.

        As many as the device has at the same time, or as are in a cluster (a power of two).
        """
        if meeting == Meeting.MEMORY and self._cooperative:
            return self.multiprocessors * self.attributes(kernel, threads).resident_blocks
        if meeting == Meeting.CLUSTER and self._clusters:
            return self._largest_cluster(kernel, threads)
        return 0

    def _largest_cluster(self, kernel: NvidiaKernel, threads: int) -> int:
        attribute = self._cu.CUfunction_attribute
        allowed = attribute.CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED
        with self.current() as cu:
            check(cu.cuFuncSetAttribute(kernel.handle, allowed, 1), "allowing large clusters")
            for blocks in _CLUSTERS:
                config = self._as_cluster(blocks, threads)
                code, count = cu.cuOccupancyMaxActiveClusters(kernel.handle, config)
                # a size that is none for this GPU is an error to it
                if int(code) == 0 and count > 0:
                    return blocks
        return 0

    def attributes(self, kernel: NvidiaKernel, threads: int) -> KernelAttributes:
        """What the compiler made of a kernel."""
        attribute = self._cu.CUfunction_attribute
        with self.current() as cu:

            def ask(which: Any) -> int:
                return int(check(cu.cuFuncGetAttribute(which, kernel.handle), "asking for a fact"))

            occupancy = cu.cuOccupancyMaxActiveBlocksPerMultiprocessor(kernel.handle, threads, 0)
            return KernelAttributes(
                ask(attribute.CU_FUNC_ATTRIBUTE_NUM_REGS),
                ask(attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
                ask(attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
                int(check(occupancy, "asking for the occupancy")),
            )
