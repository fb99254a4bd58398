"""Compile CUDA programs with NVRTC; this needs no GPU."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ....codegen.templating import INCLUDE_DIRECTORY
from ...cache.files import CacheError, is_kept, keep, write_somewhere
from ...cache.folder import cache_directory
from .bindings import bindings, nvrtc_version
from .driver import CudaError

#: Options of every compilation.
_OPTIONS = (
    "--std=c++17",
    "--device-as-default-execution-space",
    "--ptxas-options=-v",
    "--diag-suppress=177",
)

#: More of them, for programs whose every operation is rounded by itself.
_EXACT = ("--fmad=false",)


@cache
def _headers() -> tuple[list[bytes], list[bytes]]:
    """The texts of the headers that programs include, and their names."""
    paths = sorted(INCLUDE_DIRECTORY.glob("*.h"))
    texts = [path.read_bytes() for path in paths]
    names = [path.name.encode() for path in paths]
    return texts, names


def compile_cubin(text: str, architecture: int, *, exact: bool = False) -> tuple[bytes, str]:
    """Compile a CUDA program; this needs no GPU.

    Parameters
    ----------
    text : str
    architecture : int
        The compute capability, for example 90.
    exact : bool, optional
        Whether every operation is rounded by itself (no contraction to fma).

    Returns
    -------
    cubin : bytes
    log : str
        What the compiler said, with the registers of every kernel.

    Raises
    ------
    CudaError
        With the compiler's message.
    """
    return _compile(text, "CUBIN", _for_device(architecture), exact=exact)


def is_compiled(text: str, architecture: int, *, exact: bool = False) -> bool:
    """Whether the result of `compile_cubin` is in the cache."""
    return is_kept(_key(text, _options(_for_device(architecture), exact)))


def _for_device(architecture: int) -> list[str]:
    return [f"--gpu-architecture=sm_{architecture}"]


def compile_ptx(text: str, architecture: int, *, exact: bool = False) -> str:
    """The code that `compile_cubin` hands to the assembler, with the lines of its source.

    Arguments and errors are those of `compile_cubin`.
    """
    options = [f"--gpu-architecture=compute_{architecture}", "--generate-line-info"]
    return _compile(text, "PTX", options, exact=exact)[0].rstrip(b"\0").decode()


def _compile(text: str, result: str, special: Sequence[str], *, exact: bool) -> tuple[bytes, str]:
    """Compile with the options of every program and some special ones; keep the result.

    `result` is what NVRTC calls it: CUBIN or PTX.
    """
    options = _options(special, exact)
    key, suffix = _key(text, options), f".{result.lower()}"

    def make(stem: Path, unfinished: Path) -> None:
        code, log = _compiled(text, key, result, options)
        unfinished.with_suffix(suffix).write_bytes(code)
        unfinished.with_suffix(".log").write_bytes(log)

    def load(stem: Path) -> tuple[bytes, bytes]:
        return stem.with_suffix(suffix).read_bytes(), stem.with_suffix(".log").read_bytes()

    try:
        code, log = keep(key, (suffix, ".log"), make, load)
    except CacheError:  # which was said
        code, log = _compiled(text, key, result, options)
    return code, log.decode(errors="replace")


def _options(special: Sequence[str], exact: bool) -> list[bytes]:
    return [option.encode() for option in (*_OPTIONS, *special, *_EXACT[: int(exact)])]


def _key(text: str, options: Sequence[bytes]) -> str:
    """The name in the cache of what NVRTC makes of a text."""
    major, minor = nvrtc_version()
    texts, _ = _headers()
    digest = hashlib.sha256()
    for part in (text.encode(), *texts, *options, f"{major}.{minor}".encode()):
        digest.update(part)
    return f"cuda-{digest.hexdigest()[:32]}"


def _compiled(text: str, key: str, result: str, options: Sequence[bytes]) -> tuple[bytes, bytes]:
    """What NVRTC makes of a text, and what it says."""
    _, nvrtc = bindings()
    texts, names = _headers()
    _, program = nvrtc.nvrtcCreateProgram(
        text.encode(), b"network.cu", len(texts), list(texts), list(names)
    )
    try:
        (code,) = nvrtc.nvrtcCompileProgram(program, len(options), list(options))
        log = _text_of(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program)
        log = log.rstrip(b"\0")
        if int(code) != 0:
            source = write_somewhere(cache_directory() / f"{key}.cu", text.encode())
            complaint = log.decode(errors="replace")
            raise CudaError(f"NVRTC could not compile {source}:\n{complaint}")
        size, get = (getattr(nvrtc, f"nvrtcGet{result}{tail}") for tail in ("Size", ""))
        return _text_of(size, get, program), log
    finally:
        nvrtc.nvrtcDestroyProgram(program)


_RESOURCES = re.compile(
    r"Function properties for (?P<kernel>\w+)\n"
    r"\D*(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores,"
    r" (?P<loads>\d+) bytes spill loads\n"
    r".*?Used (?P<registers>\d+) registers"
)


@dataclass(frozen=True)
class Resources:
    """What the compiler reports of a kernel: registers, and bytes in slow memory."""

    registers: int
    stack: int
    spilled: int


def resources(log: str) -> dict[str, Resources]:
    """The resources of every kernel, from the compiler's log."""
    return {
        match["kernel"]: Resources(
            int(match["registers"]), int(match["stack"]), int(match["stores"]) + int(match["loads"])
        )
        for match in _RESOURCES.finditer(log)
    }


def _text_of(size: Callable[..., Any], get: Callable[..., Any], program: Any) -> bytes:
    _, length = size(program)
    buffer = bytearray(length)  # not bytes: those of one character are Python's own
    get(program, buffer)
    return bytes(buffer)
