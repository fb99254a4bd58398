"""Other machines' programs: compiled by zig or a cross compiler, executed by wine or qemu.

Whichever of them is installed is taken. Debian calls the compilers ``gcc-mingw-w64-x86-64`` and
``gcc-aarch64-linux-gnu``, and what executes ``wine64`` and ``qemu-user-static``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from brian2genn.backends.host import toolchain
from brian2genn.codegen.templating import INCLUDE_DIRECTORY

DRIVER = Path(__file__).with_name("driver.c")


@dataclass(frozen=True)
class Target:
    """A kind of machine.

    Attributes
    ----------
    name : str
        As zig calls it.
    gcc : str
        The cross compiler's name; empty if there is none.
    emulators : tuple of tuple of str
        Commands that execute its programs, one of which may be installed; none for macOS.
    arguments : tuple of str
        For programs that stand alone.
    """

    name: str
    gcc: str = ""
    emulators: tuple[tuple[str, ...], ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def has_threads(self) -> bool:
        """Whether programs are linked with threads."""
        return "windows" not in self.name

    @property
    def compiler(self) -> tuple[str, ...] | None:
        """The command that compiles; None if there is none."""
        if self.gcc and shutil.which(self.gcc):
            return (self.gcc,)
        if importlib.util.find_spec("ziglang") is not None:
            return (sys.executable, "-m", "ziglang", "cc", "-target", self.name)
        return None

    @property
    def emulator(self) -> tuple[str, ...] | None:
        """The command that executes programs; None if there is none."""
        return next((command for command in self.emulators if shutil.which(command[0])), None)

    def compile(
        self, sources: list[Path], output: Path, *, shared: bool, folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Compile as the package does, but for the processor's own instructions."""
        assert self.compiler is not None
        flags = [flag for flag in toolchain._FLAGS if shared or flag != "-shared"]
        if self.name.endswith("windows-gnu"):
            flags.remove("-fPIC")  # all code is
        link = ["-lm", *(["-pthread"] if self.has_threads else [])]
        command = [
            *self.compiler, *(() if shared else self.arguments), *flags, "-std=gnu11",
            f"-I{INCLUDE_DIRECTORY}", *map(str, sources), "-o", str(output), *link,
        ]  # fmt: skip
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=600,
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(folder.parent / "zig")},
        )  # fmt: skip

    def run(self, program: Path, *arguments: str, folder: Path) -> None:
        """Execute a program.

        Raises
        ------
        AssertionError
            If it fails.
        """
        assert self.emulator is not None
        wine = {"WINEDEBUG": "-all", "WINEPREFIX": str(folder / "wine")}
        done = subprocess.run(
            [*self.emulator, str(program), *arguments], cwd=folder, capture_output=True, text=True,
            timeout=600, env={**os.environ, **wine},
        )  # fmt: skip
        assert done.returncode == 0, (done.returncode, done.stderr[-2000:])


TARGETS = (
    Target(
        "x86_64-windows-gnu", "x86_64-w64-mingw32-gcc",
        (("wine64",), ("wine",), ("/usr/lib/wine/wine64",)), ("-static",),
    ),
    Target("aarch64-macos"),
    Target(
        "aarch64-linux-gnu", "aarch64-linux-gnu-gcc",
        (("qemu-aarch64-static",), ("qemu-aarch64",)), ("-static",),
    ),
)  # fmt: skip
