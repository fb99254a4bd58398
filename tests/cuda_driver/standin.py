"""Builds the stand-in for NVIDIA's driver and says in which environment it is found."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import brian2genn
from brian2genn.backends.cache.folder import cache_directory
from brian2genn.backends.cuda.device import bindings
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from brian2genn.backends.host import toolchain

_HERE = Path(__file__).parent
_SOURCES = ("libcuda.cpp", "launching.h", "state.h", "device.cpp", "wire.h")
_FLAGS = ("-std=gnu++17", "-O1", "-g", "-Wall", "-Wextra")

#: With this, kernels are executed by the stand-in (`images.py`).
SWITCH = "BRIAN2GENN_TEST_DRIVER"


def what_is_missing() -> str:
    """Why the tests over the stand-in cannot be run; empty if they can."""
    try:
        bindings.nvrtc_version()
    except CudaUnavailable as missing:
        return str(missing)
    try:
        if "g++" not in Path(toolchain.find().cpp[0]).name:
            return "the stand-in for the GPU's driver needs g++"
    except toolchain.ToolchainError as missing:
        return str(missing)
    return ""


def build() -> Path:
    """The folder with the library and the program of its device."""
    digest = hashlib.sha256(repr(_FLAGS).encode())
    for name in _SOURCES:
        digest.update((_HERE / name).read_bytes())
    folder = cache_directory() / f"cuda-driver-{digest.hexdigest()[:16]}"
    if not folder.exists():
        cache_directory().mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="cuda-driver-", dir=cache_directory()))
        compiler = [*toolchain.find().cpp, *_FLAGS]
        # it is loaded for all to see: what it has of C++ must not get in NVRTC's way
        names = unfinished / "names"
        names.write_text("{ global: cu*; fake_cuda_*; local: *; };\n")
        library = ["-fPIC", "-shared", "-static-libstdc++", "-static-libgcc"]
        library += ["-Wl,-soname,libcuda.so.1", f"-Wl,--version-script={names}"]
        for source, output, flags in (
            ("device.cpp", "device", []),
            ("libcuda.cpp", "libcuda.so.1", library),
        ):
            arguments = [*flags, str(_HERE / source), "-o", str(unfinished / output), "-ldl"]
            subprocess.run([*compiler, *arguments], check=True)
        try:
            unfinished.rename(folder)
        except OSError:  # another process was first
            if not folder.exists():
                raise
    return folder


def environment(log: Path, **more: str) -> dict[str, str]:
    """Variables for a Python that takes the stand-in for NVIDIA's driver.

    Parameters
    ----------
    log : Path
        Where what the host program does wrong is noted.
    more : str
        Further variables; those of the stand-in are named in ``libcuda.cpp``.
    """
    source, tests = Path(brian2genn.__file__).parents[1], _HERE.parents[1]
    old = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    libraries = os.pathsep.join(filter(None, [str(build()), old.get("LD_LIBRARY_PATH", "")]))
    path = os.pathsep.join(filter(None, [str(source), str(tests), old.get("PYTHONPATH", "")]))
    return {
        **old,
        "BRIAN2GENN_TEST_BACKEND": "cuda",
        SWITCH: "1",
        "FAKE_CUDA_LOG": str(log),
        "LD_LIBRARY_PATH": libraries,
        "PYTHONPATH": path,
        **more,
    }
