"""Find a C compiler, compile, and remember what was compiled."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import filelock
import platformdirs

from ...codegen.program import INCLUDE_DIRECTORY
from ...model.compiling import CompilerArguments

#: Names this package's cache folder; the default is the user's cache folder.
CACHE_VARIABLE = "BRIAN2GENN_CACHE_DIR"

_FLAGS = ("-O3", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math",
          "-fopenmp-simd", "-w")  # fmt: skip


class ToolchainError(Exception):
    """There is no working C compiler."""


class CompileError(Exception):
    """The compiler refused a generated program."""


@dataclass(frozen=True)
class Toolchain:
    """A C and C++ compiler with the flags that suit this machine.

    Attributes
    ----------
    c, cpp : tuple of str
        Commands, without flags.
    flags, link : tuple of str
        Before and after the name of the text.
    identity : str
        Changes when the compiler, its version or the processor changes.
    """

    c: tuple[str, ...]
    cpp: tuple[str, ...]
    flags: tuple[str, ...]
    identity: str
    link: tuple[str, ...] = ("-lm",)

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

    def for_setup(self) -> Toolchain:
        """The flags for code that runs once: compiled quickly, and rounding as written.

        Neither a*b + c in one operation nor the vector functions, whose last digits are
        others: whether two neurons are connected may hang on the last bit.
        """
        loop_only = ("-O3", "-DB2G_VECTOR_MATH", "-mprefer-vector-width")
        flags = [flag for flag in self.flags if not flag.startswith(loop_only)]
        flags = ["-O2", "-ffp-contract=off", *flags]
        return replace(self, flags=tuple(flags), identity=f"{self.identity}\n{' '.join(flags)}")

    def describe(self) -> str:
        """The command for people."""
        return " ".join(self.c)


def _contents(arguments: CompilerArguments) -> list[str]:
    """Digests of the user's files: when they change, a program must be compiled again."""
    names = [header.strip('"<>') for header in arguments.headers]
    paths = [Path(source) for source in arguments.sources]
    paths += [Path(folder) / name for folder in arguments.include_dirs for name in names]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()]


def _vector_math_level(version_text: str) -> int:
    """Which functions of glibc have vector versions that this compiler can use."""
    libc, _, version = (_confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    is_gcc = "Free Software Foundation" in version_text
    if libc != "glibc" or platform.machine() != "x86_64" or not is_gcc:
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
        lines = Path("/proc/cpuinfo").read_text().splitlines()
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
            version = subprocess.run(
                [*c, "--version"], capture_output=True, text=True, timeout=120, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            complaints.append(f"{' '.join(c)}: {error}")
            continue
        if version.returncode != 0:
            complaints.append(f"{' '.join(c)}: {version.stderr.strip()}")
            continue
        level = _vector_math_level(version.stdout)
        flags = [*_FLAGS, "-march=native"]
        if level:
            flags.append(f"-DB2G_VECTOR_MATH={level}")
            if "avx512f" in _processor():
                flags.append("-mprefer-vector-width=512")
        libc = _confstr("CS_GNU_LIBC_VERSION") or ""
        identity = "\n".join([*c, *cpp, version.stdout, *flags, libc, _processor()])
        toolchain = Toolchain(c, cpp, tuple(flags), identity)
        try:
            compile_library(toolchain, "int brian2genn_works(void) { return 1; }\n", "works")
        except (CompileError, OSError) as error:
            complaints.append(f"{' '.join(c)}: {error}")
            continue
        return toolchain
    tried = "\n".join(complaints) or "none was found"
    raise ToolchainError(
        f"No working C compiler ({tried}). Install one, for example with"
        " 'pip install brian2genn[compiler]'."
    )


@cache
def cache_directory() -> Path:
    """Where compiled programs are kept; a temporary folder if that is not writable."""
    named = os.environ.get(CACHE_VARIABLE)
    directory = Path(named) if named else Path(platformdirs.user_cache_dir("brian2genn"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError:
        return Path(tempfile.mkdtemp(prefix="brian2genn-"))


@cache
def _headers() -> bytes:
    return b"".join(path.read_bytes() for path in sorted(INCLUDE_DIRECTORY.glob("*.h")))


_loaded: dict[str, ctypes.CDLL] = {}


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
    """
    digest = hashlib.sha256()
    for part in (text, toolchain.identity, str(is_cpp)):
        digest.update(part.encode())
    digest.update(_headers())
    key = f"{name}-{digest.hexdigest()[:32]}"
    library = _loaded.get(key)
    if library is None:
        path = cache_directory() / f"{key}.so"
        if not path.exists():
            with filelock.FileLock(str(path.with_suffix(".lock")), timeout=600):
                if not path.exists():
                    _compile(toolchain, text, path, is_cpp)
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            # the file in the cache is damaged: make it anew, once
            path.unlink(missing_ok=True)
            _compile(toolchain, text, path, is_cpp)
            library = ctypes.CDLL(str(path))
        _loaded[key] = library
    return library


def _compile(toolchain: Toolchain, text: str, path: Path, is_cpp: bool) -> None:
    source = path.with_suffix(".cpp" if is_cpp else ".c")
    source.write_text(text)
    # compiled under another name: the cache never holds half a library
    unfinished = path.with_suffix(f".{os.getpid()}.tmp")
    command = [
        *(toolchain.cpp if is_cpp else toolchain.c),
        *toolchain.flags,
        "-std=gnu++17" if is_cpp else "-std=gnu11",
        f"-I{INCLUDE_DIRECTORY}",
        str(source),
        "-o",
        str(unfinished),
        *toolchain.link,
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise CompileError(
                f"The compiler could not compile {source}:\n{result.stderr.strip()}\n"
                f"The command was: {' '.join(command)}"
            )
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
