"""What NVRTC makes of the programs of tests, told at their end."""

from __future__ import annotations

import os

from brian2genn.backends.cache.folder import cache_directory
from brian2genn.backends.cuda.device.compiler import Resources

#: Where it is kept.
_NOTES = "nvrtc-resources-"
_WORDS = {"stack": "local memory", "spilled": "spilled registers"}


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
