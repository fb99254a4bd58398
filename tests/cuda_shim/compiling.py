"""Compiles CUDA programs for the processor, over `shim.h`."""

from pathlib import Path

from brian2genn.codegen.templating import INCLUDE_DIRECTORY
from emulation.driver import FIBRES, compile_library

_SHIM = Path(__file__).with_name("shim.h")


def compile_for_processor(text: str) -> Path:
    """A shared library with the kernels of a program and `shim_launch`, which executes them.

    Raises
    ------
    CudaError
        With the compiler's message.
    """
    headers = [_SHIM, FIBRES, *sorted(INCLUDE_DIRECTORY.glob("*.h"))]
    whole = f'#include "{_SHIM}"\n{text}'
    return compile_library("shim", whole, [f"-I{INCLUDE_DIRECTORY}"], headers)
