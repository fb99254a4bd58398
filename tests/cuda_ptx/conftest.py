"""What executing PTX needs: NVRTC, and a C++ compiler whose libraries can be loaded."""

import shutil

import pytest

from brian2genn.backends.cuda.device.bindings import nvrtc_version
from brian2genn.backends.cuda.device.driver import CudaUnavailable


def _missing() -> str:
    if shutil.which("g++") is None:
        return "there is no g++"
    try:
        nvrtc_version()
    except CudaUnavailable as missing:
        return str(missing)
    return ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests where something is missing, and say what."""
    here = [item for item in items if item.nodeid.startswith("tests/cuda_ptx/")]
    if here and (missing := _missing()):
        for item in here:
            item.add_marker(pytest.mark.skip(reason=missing))
