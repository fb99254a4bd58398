"""A driver whose device is this machine's processor."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from brian2genn.backends.cuda.device.compiler import Resources, compile_cubin, resources
from emulation.driver import EmulatedDriver, EmulatedModule
from tests.cuda_shim.compiling import compile_for_processor
from tests.cuda_shim.resources import note_resources


class ShimDriver(EmulatedDriver):
    """Lets g++ compile CUDA programs, over `shim.h`.

    Parameters
    ----------
    seed : int, optional
        Of the order in which threads and blocks run.
    architectures : sequence of int, optional
        Compile each program with NVRTC too, for these compute capabilities.
    in_turn : bool, optional
        Compile a program for one of them only; its text says for which. One that is compiled
        again is compiled for the same one.
    """

    def __init__(
        self, seed: int = 1, architectures: Sequence[int] = (), in_turn: bool = False
    ) -> None:
        super().__init__(seed)
        self._architectures = list(architectures)
        self._in_turn = in_turn
        self._modules: dict[str, EmulatedModule] = {}
        #: what NVRTC says of every kernel, by architecture
        self.resources: dict[int, list[dict[str, Resources]]] = {a: [] for a in architectures}

    def build(self, text: str, *, exact: bool = False) -> EmulatedModule:
        """Compile (or take from the cache) and load a program."""
        if text not in self._modules:
            for architecture in self._architectures_of(text):
                _, log = compile_cubin(text, architecture, exact=exact)
                self.resources[architecture].append(resources(log))
                note_resources(architecture, resources(log))
            self._modules[text] = EmulatedModule(compile_for_processor(text), self._symbols)
        return self._modules[text]

    def _architectures_of(self, text: str) -> list[int]:
        if not self._in_turn or not self._architectures:
            return self._architectures
        return [self._architectures[zlib.crc32(text.encode()) % len(self._architectures)]]
