"""What a program needs of a CUDA device, and the errors there can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np

from ...interface import DeviceError, DeviceLost


class CudaError(DeviceError):
    """The device or its driver refused something."""


class CudaUnavailable(CudaError):
    """There is no CUDA device that can be used; the message says what is missing."""


class CudaLost(CudaError, DeviceLost):
    """The device has failed, and with it all that was on it is gone."""


class Meeting(Enum):
    """Where the blocks of a kernel wait for each other."""

    #: nowhere: they must not wait
    NOWHERE = "graphs of kernels"
    #: in global memory: the device has all of them at the same time
    MEMORY = "one kernel for many steps"
    #: at the barrier of a cluster: neighbours on the device (compute capability 9.0 or above)
    CLUSTER = "one kernel for many steps, of a cluster of blocks"


@dataclass(frozen=True)
class TuningRules:
    """How time steps are launched, and ways to do that compared.

    Attributes
    ----------
    steps : int
        Time steps in one turn, ...
    seconds : float
        ... or seconds, if the steps are long: then there may be fewer.
    meetings : tuple of Meeting
        What is tried to launch many time steps, if it is possible; what is usual comes first.
    patience : float
        After about so many seconds the host looks at the device.
    """

    steps: int = 64
    seconds: float = 0.005
    meetings: tuple[Meeting, ...] = tuple(Meeting)
    patience: float = 0.02


@dataclass(frozen=True)
class Launch:
    """A kernel, the number of its blocks, and of threads in a block.

    It is refused if the device cannot have all the blocks that may wait for each other at the same
    time.
    """

    kernel: Any
    blocks: int
    threads: int
    meeting: Meeting = Meeting.NOWHERE


@dataclass(frozen=True)
class KernelAttributes:
    """What the compiler made of a kernel."""

    registers: int
    local_bytes: int
    shared_bytes: int
    #: blocks that one multiprocessor holds at a time
    resident_blocks: int


class Module(Protocol):
    """A compiled program on the device."""

    def kernel(self, name: str) -> Any:
        """A handle of a kernel."""

    def symbol(self, name: str) -> int:
        """The address of a variable."""


class Driver(Protocol):
    """A CUDA device.

    Attributes
    ----------
    name : str
        For people.
    identity : str
        Changes with everything that could make the device compute something else: the device
        itself, its driver, the compiler.
    multiprocessors : int
    threads : int
        Threads in a block, a multiple of 32.
    most_threads : int
        Threads that a multiprocessor can hold at a time.
    rules : TuningRules
        How ways to execute time steps are compared on it.
    """

    name: str
    identity: str
    multiprocessors: int
    threads: int
    most_threads: int
    rules: TuningRules

    def memory(self) -> tuple[int, int]:
        """Bytes that are free, and all bytes."""

    def allocate(self, nbytes: int) -> int:
        """Reserve memory; its address. Raises `MemoryError`."""

    def free(self, address: int) -> None:
        """Give memory back."""

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a contiguous array to the device."""

    def download(self, array: np.ndarray, address: int) -> None:
        """Wait for the device and fill a contiguous array from its memory."""

    def fill(self, address: int, byte: int, nbytes: int) -> None:
        """Set every byte."""

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy within the device."""

    def build(self, text: str, *, exact: bool = False) -> Module:
        """Compile (or take from the cache) and load a program.

        Parameters
        ----------
        text : str
        exact : bool, optional
            Whether every operation is rounded by itself (no contraction to fma).
        """

    def wait_until_open(self) -> None:
        """Wait until the device can be used. Raises `CudaUnavailable` if it cannot."""

    def compile_ahead(self, text: str, *, exact: bool = False) -> bool:
        """Begin to compile a program that `build` will be asked for; this does not wait for it.

        Several are compiled at once. Errors are those of `build`.

        Returns
        -------
        bool
            Whether `build` need not wait for the compiler.
        """

    def compiles(self, text: str) -> bool:
        """Whether the compiler takes a text."""

    def launch(self, launches: Sequence[Launch]) -> None:
        """Execute kernels one after the other."""

    def graph(self, launches: Sequence[Launch]) -> Any:
        """Many kernels that are launched at once, by `replay`."""

    def replay(self, graph: Any) -> None:
        """Execute the kernels of a graph one after the other."""

    def time(self, launches: Sequence[Launch]) -> list[float]:
        """Execute kernels and measure each, in seconds on the device's clock."""

    def most_blocks(self, kernel: Any, threads: int, meeting: Meeting) -> int:
        """Blocks of a kernel that can meet; 0 if they cannot.

        As many as the device has at the same time, or as are in a cluster (a power of two).
        """

    def attributes(self, kernel: Any, threads: int) -> KernelAttributes:
        """What the compiler made of a kernel."""
