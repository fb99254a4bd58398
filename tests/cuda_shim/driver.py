"""A driver whose device is this machine's processor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from brian2genn.backends.cpu.cache import cache_directory
from brian2genn.backends.cuda.nvidia import Resources, compile_cubin, resources
from brian2genn.codegen.program import INCLUDE_DIRECTORY
from emulation.driver import FIBRES, EmulatedDriver, EmulatedModule, compile_library

_SHIM = Path(__file__).with_name("shim.h")
#: Where it is kept what NVRTC makes of programs.
_NOTES = "nvrtc-resources-"
_WORDS = {"stack": "local memory", "spilled": "spilled registers"}


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
                note_resources(architecture, resources(log))
            headers = [_SHIM, FIBRES, *sorted(INCLUDE_DIRECTORY.glob("*.h"))]
            flags = ["-g", f"-I{INCLUDE_DIRECTORY}"]
            whole = f'#include "{_SHIM}"\n{text}'
            path = compile_library("shim", whole, flags, headers)
            self._modules[text] = EmulatedModule(path, self._symbols)
        return self._modules[text]


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
