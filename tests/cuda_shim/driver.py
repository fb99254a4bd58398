"""A driver whose device is this machine's processor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from brian2genn.backends.cuda.nvidia import Resources, compile_cubin, resources
from brian2genn.codegen.program import INCLUDE_DIRECTORY
from emulation.driver import FIBRES, EmulatedDriver, EmulatedModule, compile_library

_SHIM = Path(__file__).with_name("shim.h")


class ShimDriver(EmulatedDriver):
    """Lets g++ compile CUDA programs, over `shim.h`.

    Parameters
    ----------
    seed : int, optional
        Of the order in which threads and blocks run.
    architectures : sequence of int, optional
        Compile each program with NVRTC too, for these compute capabilities.
    """

    def __init__(self, seed: int = 1, architectures: Sequence[int] = ()) -> None:
        super().__init__(seed)
        self._architectures = list(architectures)
        self._modules: dict[str, EmulatedModule] = {}
        #: what NVRTC says of every kernel, by architecture
        self.resources: dict[int, list[dict[str, Resources]]] = {a: [] for a in architectures}

    def build(self, text: str, *, exact: bool = False) -> EmulatedModule:
        """Compile (or take from the cache) and load a program."""
        if text not in self._modules:
            for architecture in self._architectures:
                _, log = compile_cubin(text, architecture, exact=exact)
                self.resources[architecture].append(resources(log))
            headers = [_SHIM, FIBRES, *sorted(INCLUDE_DIRECTORY.glob("*.h"))]
            flags = ["-g", f"-I{INCLUDE_DIRECTORY}"]
            whole = f'#include "{_SHIM}"\n{text}'
            path = compile_library("shim", whole, flags, headers)
            self._modules[text] = EmulatedModule(path, self._symbols)
        return self._modules[text]
