"""Signs of an NVIDIA GPU that can be seen without any package for it."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

from ...install import line

#: The first driver that works with the packages of the extra ``cuda13``.
_DRIVER_FOR_13 = 580

_ROOT = Path("/")


def gpu_is_there() -> bool:
    """Whether this machine seems to have an NVIDIA GPU and its driver."""
    windows = _ROOT / "dev/dxg", _ROOT / "usr/lib/wsl/lib/libcuda.so.1"
    return (
        any(_ROOT.glob("dev/nvidia[0-9]*"))
        or (_ROOT / "proc/driver/nvidia/version").exists()
        or all(path.exists() for path in windows)
        or shutil.which("nvidia-smi") is not None
    )


def driver_version() -> str | None:
    """The version of the GPU's driver, where it can be read."""
    try:
        text = (_ROOT / "proc/driver/nvidia/version").read_text("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", text)
    return found[0] if found else None


def hint(missing: str) -> str:
    """What to say to people whose networks do not run on the GPU that they seem to have.

    Parameters
    ----------
    missing : str
        Why it cannot be used.

    Returns
    -------
    str
        Empty if there is no sign of a GPU.
    """
    if not gpu_is_there():
        return ""
    quiet = "set_device('genn', backend='cpu') does without it, and without this message."
    if _packages_are_there():
        return f"This machine's NVIDIA GPU is not used. {missing} {quiet}"
    return (
        "This machine seems to have an NVIDIA GPU. To run networks on it:"
        f" {line(_extra())}. {quiet[0].upper()}{quiet[1:]}"
    )


def why_none(missing: str) -> str:
    """Why there is no GPU: short where there is no sign of one, and nobody has prepared for one.

    Parameters
    ----------
    missing : str
        Why it cannot be used.
    """
    if gpu_is_there() or _packages_are_there():
        return f"No GPU: {missing}"
    return "No GPU: There is no sign of one, and the CUDA packages are not installed."


def insisted(missing: str) -> str:
    """What to say to those who insist on a GPU: first of all, whether there seems to be one.

    Parameters
    ----------
    missing : str
        Why it cannot be used.
    """
    if gpu_is_there():
        return missing
    return (
        "There is no sign of an NVIDIA GPU or of its driver on this machine;"
        " set_device('genn', backend='cpu') works here. If there is one after all, this is"
        f" missing: {missing}"
    )


def _packages_are_there() -> bool:
    try:
        return find_spec("cuda.bindings") is not None
    except ModuleNotFoundError:  # not even "cuda"
        return False


def _extra() -> str:
    """The extra with the packages that fit the driver."""
    version = driver_version()
    if version is not None and int(version.partition(".")[0]) < _DRIVER_FOR_13:
        return "cuda12"
    return "cuda13"
