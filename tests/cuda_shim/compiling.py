"""Compiles CUDA programs for the processor, over `shim.h`."""

import hashlib
import subprocess
import threading
import time
from pathlib import Path

from brian2genn.backends.cpu.cache import cache_directory
from brian2genn.backends.cpu.toolchain import find
from brian2genn.backends.cuda.driver import CudaError
from brian2genn.codegen.program import INCLUDE_DIRECTORY

_SHIM = Path(__file__).with_name("shim.h")
_FLAGS = (
    "-std=gnu++17",
    "-O1",
    "-g",
    "-fPIC",
    "-shared",
    "-ffp-contract=off",
    "-march=native",
    "-w",
)


def compile_for_processor(text: str) -> Path:
    """A shared library with the kernels of a program and `shim_launch`, which executes them.

    Raises
    ------
    CudaError
        With the compiler's message.
    """
    digest = hashlib.sha256()
    headers = sorted(INCLUDE_DIRECTORY.glob("*.h"))
    for part in (text, _SHIM.read_text(), *(header.read_text() for header in headers)):
        digest.update(part.encode())
    path = cache_directory() / f"shim-{digest.hexdigest()[:32]}.so"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{time.monotonic_ns()}.{threading.get_ident()}.tmp")
    source = unfinished.with_suffix(".cpp")
    source.write_text(f'#include "{_SHIM}"\n{text}')
    command = [*find().cpp, *_FLAGS, f"-I{INCLUDE_DIRECTORY}", str(source), "-o", str(unfinished)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise CudaError(f"g++ could not compile {source}:\n{result.stderr}")
    source.replace(path.with_suffix(".cpp"))
    unfinished.replace(path)
    return path
