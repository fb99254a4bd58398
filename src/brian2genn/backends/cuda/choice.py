"""Which CUDA device is used."""

from __future__ import annotations

from functools import cache

from .driver import CudaUnavailable, Driver

_instead: Driver | None = None


def use(driver: Driver | None) -> None:
    """Use `driver` in place of the GPU; ``None`` goes back to it."""
    global _instead
    _instead = driver


def find_driver() -> Driver:
    """The GPU of this machine.

    Raises
    ------
    CudaUnavailable
        With what is missing.
    """
    if _instead is not None:
        return _instead
    found = _gpu()
    if isinstance(found, CudaUnavailable):
        raise CudaUnavailable(str(found))
    return found


@cache
def _gpu() -> Driver | CudaUnavailable:
    from .nvidia import NvidiaDriver

    try:
        return NvidiaDriver()
    except CudaUnavailable as missing:
        return missing
