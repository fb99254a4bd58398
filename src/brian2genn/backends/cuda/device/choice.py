"""Which CUDA device is used."""

from __future__ import annotations

import os
from functools import cache

from .discovery import FORKED
from .driver import CudaUnavailable, Driver
from .nvidia import NvidiaDriver


class ForkedProcess(CudaUnavailable):
    """The GPU was opened by the process that this one was forked from; CUDA does not allow that."""


#: what was opened, and by which process
_opened: tuple[Driver, int] | None = None


def find_driver(instead: Driver | None = None) -> Driver:
    """The GPU of this machine.

    Parameters
    ----------
    instead : Driver, optional
        What takes its place.

    Raises
    ------
    CudaUnavailable
        With what is missing.
    """
    global _opened
    found = instead or _gpu()
    if _opened is not None and found is _opened[0] and _opened[1] != os.getpid():
        raise ForkedProcess(FORKED)
    if isinstance(found, CudaUnavailable):
        raise CudaUnavailable(str(found)) from found.__cause__
    if isinstance(found, NvidiaDriver) and found.lost:
        raise CudaUnavailable(found.lost)
    _opened = found, os.getpid()
    return found


@cache
def _gpu() -> NvidiaDriver | CudaUnavailable:
    try:
        return NvidiaDriver()
    except CudaUnavailable as missing:
        return missing
    except Exception as error:  # whatever it is: a script that asks for no GPU must not end
        failed = CudaUnavailable(f"The GPU could not be opened ({type(error).__name__}: {error}).")
        failed.__cause__ = error
        return failed
