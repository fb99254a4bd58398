"""Find a C compiler and compile."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from ...codegen.templating import INCLUDE_DIRECTORY
from ...model.compiling import CompilerArguments
from ..cache.files import CacheError, library
from ..cache.folder import write
from ..install import line
from .waiting import held, waiting

#: More flags for all that is compiled, such as a sanitizer's; for developers.
FLAGS_VARIABLE = "BRIAN2GENN_CFLAGS"

#: Seconds after which a compiler is taken to hang.
_PATIENCE = 600

_FLAGS = ("-O3", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math",
          "-fopenmp-simd", "-w")  # fmt: skip


class ToolchainError(Exception):
    """There is no working C compiler."""


class CompileError(Exception):
    """The compiler refused a generated program.

    Parameters
    ----------
    first : str
        The most useful line of what it says.
    complaint : str
        All that it says.
    source : str
        The file.
    command : sequence of str
    users : sequence of str, optional
        Sentences: which objects use C++ functions that users wrote.
    """

    def __init__(
        self,
        first: str,
        complaint: str = "",
        source: str = "",
        command: Sequence[str] = (),
        users: Sequence[str] = (),
    ) -> None:
        self._parts = (first, complaint, source, tuple(command))
        self._users = tuple(users)
        lines = [f"The compiler could not compile {source or 'a program'}: {first}", *users]
        if complaint not in ("", first):
            lines.append(f"All that it says:\n{complaint}")
        if command:
            lines.append(f"The command was: {' '.join(command)}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (*self._parts, self._users)

    def used_by(self, users: Sequence[str]) -> CompileError:
        """The same, with what is known of the users' functions in the program."""
        return CompileError(*self._parts, users)


@dataclass(frozen=True)
class Toolchain:
    """A C and C++ compiler with the flags that suit this machine.

    Attributes
    ----------
    c, cpp : tuple of str
        Commands, without flags.
    flags, link : tuple of str
        Before and after the name of the text.
    version, passed_over : str
        For people.
    identity : str
        Changes when the compiler, its version or the processor changes.
    """

    c: tuple[str, ...]
    cpp: tuple[str, ...]
    flags: tuple[str, ...]
    identity: str
    link: tuple[str, ...] = ("-lm",)
    #: the first line of what the compiler says of itself
    version: str = ""
    #: what is wrong with the compiler that the environment asks for, and is therefore not used
    passed_over: str = ""
    #: as how many pieces a text is compiled at once, each with another value of B2G_UNIT
    units: int = 1

    def with_arguments(self, arguments: CompilerArguments) -> Toolchain:
        """Add what a user's C++ functions need."""
        if arguments == CompilerArguments():
            return self
        macros = (
            f"-D{name}" if value is None else f"-D{name}={value}"
            for name, value in arguments.define_macros
        )
        flags = [*(f"-I{path}" for path in arguments.include_dirs), *macros]
        link = [
            *arguments.sources,
            *(f"-L{path}" for path in arguments.library_dirs),
            *(f"-Wl,-rpath,{path}" for path in arguments.runtime_library_dirs),
            *(f"-l{library}" for library in arguments.libraries),
            *arguments.extra_link_args,
        ]
        return replace(
            self,
            flags=(*self.flags, *flags, *arguments.extra_compile_args),
            identity="\n".join([self.identity, repr(arguments), *_contents(arguments)]),
            link=(*link, *self.link),
        )

    def with_threads(self) -> Toolchain:
        """Add what a program with threads needs; on Windows there are none."""
        if os.name == "nt":
            return self
        return replace(self, link=("-pthread", *self.link))

    def with_units(self, units: int) -> Toolchain:
        """The same for a text that can be compiled in pieces at once."""
        if units == self.units:
            return self
        return replace(self, units=units, identity=f"{self.identity}\n{units} units")

    def for_setup(self) -> Toolchain:
        """The flags for code that runs once: compiled quickly, and rounding as written.

        Neither a*b + c in one operation nor the vector functions, whose last digits are
        others: whether two neurons are connected may hang on the last bit.
        """
        loop_only = ("-O3", "-DB2G_VECTOR_MATH", "-mprefer-vector-width")
        flags = [flag for flag in self.flags if not flag.startswith(loop_only)]
        flags = ["-O2", "-ffp-contract=off", *flags]
        return replace(self, flags=tuple(flags), identity=f"{self.identity}\n{' '.join(flags)}")

    def for_short_runs(self) -> Toolchain:
        """The same for a network that is run for some time steps only.

        A compiler takes two fifths of the time for it.
        """
        return self._optimised("-O1")

    def for_interpreter(self) -> Toolchain:
        """The same for what executes set-up code: it is compiled once, while somebody waits.

        It is no slower than with -O1, and there in half the time.
        """
        return self.for_setup()._optimised("-Og")

    def for_support(self) -> Toolchain:
        """The flags for the support library: it is compiled once, while somebody waits.

        It waits for memory: what it does for a run takes a tenth longer than with -O1 where
        synapses have delays of their own, and nothing longer otherwise. A compiler takes two
        thirds.
        """
        return self.with_threads()._optimised("-Og")

    def _optimised(self, level: str) -> Toolchain:
        flags = (level, *(flag for flag in self.flags if not flag.startswith("-O")))
        return replace(self, flags=flags, identity=f"{self.identity}\n{' '.join(flags)}")

    def summarize(self, is_cpp: bool = False) -> str:
        """Command, version and level, for people who run networks."""
        command = " ".join(self.cpp if is_cpp else self.c)
        levels = [flag for flag in self.flags if flag.startswith("-O")]
        return " ".join([command, f"({self.version})", *levels[-1:]])

    def describe(self, is_cpp: bool = False) -> str:
        """Command, version and flags, for people."""
        command = " ".join(self.cpp if is_cpp else self.c)
        return f"{command} ({self.version}) {' '.join(self.flags)}"


def _contents(arguments: CompilerArguments) -> list[str]:
    """Digests of the user's files: when they change, a program must be compiled again."""
    names = [header.strip('"<>') for header in arguments.headers]
    paths = [Path(source) for source in arguments.sources]
    paths += [Path(folder) / name for folder in arguments.include_dirs for name in names]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]


def _is_gcc(version_text: str) -> bool:
    return "Free Software Foundation" in version_text


def _vector_math_level(version_text: str) -> int:
    """Which functions of glibc have vector versions that this compiler can use."""
    libc, _, version = (_confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    if libc != "glibc" or platform.machine() != "x86_64" or not _is_gcc(version_text):
        return 0
    numbers = tuple(int(part) for part in version.split(".")[:2])
    return 2 if numbers >= (2, 35) else 1 if numbers >= (2, 22) else 0


def _confstr(name: str) -> str | None:
    try:
        return os.confstr(name)
    except (AttributeError, ValueError, OSError):
        return None


def _processor() -> str:
    """What ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(wanted)))


def _candidates() -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    found = []
    if os.environ.get("CC"):
        c = tuple(os.environ["CC"].split())
        found.append((c, tuple(os.environ.get("CXX", "c++").split())))
    for c_name, cpp_name in (("gcc", "g++"), ("cc", "c++"), ("clang", "clang++")):
        if shutil.which(c_name):
            found.append(((c_name,), (cpp_name,)))
    if importlib.util.find_spec("ziglang") is not None:
        zig = (sys.executable, "-m", "ziglang")
        found.append(((*zig, "cc"), (*zig, "c++")))
    return found


@cache
def find() -> Toolchain:
    """The first compiler that works.

    Raises
    ------
    ToolchainError
        With what was tried and how to get a compiler.
    """
    complaints = []
    for c, cpp in _candidates():
        try:
            version = _run([*c, "--version"], patience=120)
        except (OSError, subprocess.TimeoutExpired) as error:
            complaints.append(f"{' '.join(c)}: {error}")
            continue
        if version.returncode != 0:
            complaints.append(f"{' '.join(c)}: {version.stderr.strip()}")
            continue
        level = _vector_math_level(version.stdout)
        flags = [*_FLAGS, "-march=native"]
        if _is_gcc(version.stdout):
            # a loop's first elements must not be computed otherwise because of where it begins
            flags.append("--param=vect-max-peeling-for-alignment=0")
            # where steps follow one another, vectors have fused operations on some processors, and
            # what is left over by them has none: elements differ by where a thread's part ends
            flags.append("--param=avoid-fma-max-bits=0")
            # registers for thousands of statements: the usual way takes the square of their number
            flags.append("--param=ira-max-conflict-table-size=1")
            # copies of functions for single arguments: a fifth of the time, and no loop is faster
            flags.append("-fno-ipa-cp-clone")
        if level:
            flags.append(f"-DB2G_VECTOR_MATH={level}")
            if "avx512f" in _processor():
                flags.append("-mprefer-vector-width=512")
        libc = _confstr("CS_GNU_LIBC_VERSION") or ""
        flags += shlex.split(os.environ.get(FLAGS_VARIABLE, ""))
        identity = "\n".join([*c, *cpp, version.stdout, *flags, libc, _processor()])
        toolchain = Toolchain(
            c,
            cpp,
            tuple(flags),
            identity,
            version=version.stdout.partition("\n")[0].strip(),
            passed_over=complaints[0] if complaints and os.environ.get("CC") else "",
        )
        try:
            compile_library(toolchain, "int brian2genn_works(void) { return 1; }\n", "works")
        except (CompileError, ToolchainError) as error:
            complaints.append(f"{' '.join(c)}: {error}")
            continue
        return toolchain
    tried = "\n".join(complaints) or "none was found"
    raise ToolchainError(
        f"No working C compiler ({tried}). Install one, for example with: {line('compiler')}."
    )


@cache
def _headers() -> bytes:
    return b"".join(path.read_bytes() for path in sorted(INCLUDE_DIRECTORY.glob("*.h")))


_loaded: dict[str, ctypes.CDLL] = {}

#: by the same keys: held by the thread that makes the library
_making: dict[str, threading.Lock] = {}


def compile_library(
    toolchain: Toolchain, text: str, name: str, is_cpp: bool = False
) -> ctypes.CDLL:
    """Compile a C (or C++) text into a library and load it, or take it from the cache.

    Parameters
    ----------
    toolchain : Toolchain
    text : str
        The program.
    name : str
        Begins the file's name.
    is_cpp : bool, optional
        Whether the text is C++.

    Returns
    -------
    ctypes.CDLL

    Raises
    ------
    CompileError
        With the compiler's message and the path of the text.
    ToolchainError
        If there is no place for the library.
    """
    digest = hashlib.sha256()
    for part in (text, toolchain.identity, str(is_cpp)):
        digest.update(_encoded(part))
    digest.update(_headers())
    key = f"{name}-{digest.hexdigest()[:32]}"
    if key not in _loaded:
        # whoever waits here for another thread goes on at once; locks of files are looked at rarely
        with held(_making.setdefault(key, threading.Lock())):
            try:
                if key not in _loaded:
                    _loaded[key] = library(key, partial(_compile, toolchain, text, is_cpp))
            except CacheError as error:
                raise ToolchainError(str(error)) from error
    return _loaded[key]


def _compile(toolchain: Toolchain, text: str, is_cpp: bool, stem: Path, output: Path) -> None:
    with waiting():
        _compile_file(toolchain, text, is_cpp, stem, output)


def _compile_file(toolchain: Toolchain, text: str, is_cpp: bool, stem: Path, output: Path) -> None:
    source = stem.with_suffix(".cpp" if is_cpp else ".c")
    write(source, _encoded(text))
    compiler = [*(toolchain.cpp if is_cpp else toolchain.c), *toolchain.flags]
    to_compile = ["-std=gnu++17" if is_cpp else "-std=gnu11", f"-I{INCLUDE_DIRECTORY}", str(source)]
    if toolchain.units == 1:
        _run_compiler([*compiler, *to_compile, "-o", str(output), *toolchain.link], source, output)
        return
    objects = [output.with_suffix(f".{unit}.o") for unit in range(1, toolchain.units + 1)]
    pieces = [flag for flag in compiler if flag != "-shared"]
    with ThreadPoolExecutor(toolchain.units, "brian2genn-unit") as threads:
        jobs = [
            threads.submit(
                _run_compiler,
                [*pieces, "-c", f"-DB2G_UNIT={unit}", *to_compile, "-o", str(made)],
                source,
                made,
            )
            for unit, made in enumerate(objects, 1)
        ]
    for job in jobs:
        job.result()
    command = [*compiler, *map(str, objects), "-o", str(output), *toolchain.link]
    _run_compiler(command, source, output)


def _run_compiler(command: Sequence[str], source: Path, output: Path) -> None:
    """Run a compiler that makes a file.

    Raises
    ------
    CompileError
        If it does not.
    """
    try:
        # temporary files go where the room is checked below
        result = _run(command, _PATIENCE, TMPDIR=str(output.parent))
        complaint = result.stderr.strip()
        if result.returncode == 0:
            if output.exists():
                return
            complaint += "\nIt made no library."
        if result.returncode < 0:
            complaint += (
                f"\nIt was ended from outside ({signal.strsignal(-result.returncode)}), perhaps"
                " because memory was used up. Nothing is lost; run again."
            )
    except subprocess.TimeoutExpired:
        complaint = f"It had not finished after {_PATIENCE} seconds and was ended."
    except OSError as error:
        complaint = f"It could not be started: {error}"
    _check_room(output.parent)
    raise CompileError(_first_complaint(complaint), complaint.strip(), str(source), command)


def _first_complaint(complaint: str) -> str:
    """The line of a compiler's text that says most: the first error, without the file's name."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    for said in lines:
        _, found, message = said.partition("error: ")
        if found:
            return message
    return lines[0] if lines else "it gave no reason"


def _encoded(text: str) -> bytes:
    """UTF-8, whatever the locale; what Python could not read of a file's name is as it was."""
    return text.encode("utf-8", "surrogateescape")


def _run(
    command: Sequence[str], patience: float, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; whatever it has started ends with it.

    Raises
    ------
    OSError
        If it cannot be started.
    subprocess.TimeoutExpired
        After `patience` seconds.
    """
    process = subprocess.Popen(
        command if os.name == "nt" else [_encoded(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",  # what is compiled is; and names of files are whatever they are
        errors="replace",
        env={**os.environ, **environment},
        start_new_session=True,  # a group of its own, which can be ended as a whole
    )
    try:
        out, err = process.communicate(timeout=patience)
    except BaseException:
        with suppress(ProcessLookupError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:  # Windows
                process.kill()
        process.communicate()
        raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _check_room(folder: Path) -> None:
    """Raise OSError if there is no room for what compilers write."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(4):
            if file.write(bytes(1 << 20)) < 1 << 20:
                raise OSError(f"no room left in {folder}")
