"""What the stand-in for the driver loads as a program: a library of kernels for the processor."""

from brian2genn.backends.cuda.device import nvidia
from tests.cuda_shim.compiling import compile_for_processor

#: As in ``libcuda.cpp``; the path of the library follows.
_IMAGE = b"brian2genn-tests:"

_compile = nvidia.compile_cubin


def compile_both(text: str, architecture: int, *, exact: bool = False) -> tuple[bytes, str]:
    """What `nvidia.compile_cubin` does, and then an image that the stand-in can execute."""
    cubin, log = _compile(text, architecture, exact=exact)
    assert cubin.startswith(b"\x7fELF"), "NVRTC did not make a program"
    return _IMAGE + bytes(compile_for_processor(text)), log


def install() -> None:
    """Have the programs of this process executed by the stand-in."""
    nvidia.compile_cubin = compile_both
