"""Which CUDA device is used."""

from __future__ import annotations

import os
from functools import cache

from .driver import CudaUnavailable, Driver
from .nvidia import NvidiaDriver

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
    found = _gpu(os.getpid())
    if isinstance(found, CudaUnavailable):
        raise CudaUnavailable(str(found))
    if found.lost:
        raise CudaUnavailable(found.lost)
    return found


@cache
def _gpu(process: int) -> NvidiaDriver | CudaUnavailable:
    """The GPU as a process sees it; one that was forked has none."""
    try:
        return NvidiaDriver()
    except CudaUnavailable as missing:
        return missing
