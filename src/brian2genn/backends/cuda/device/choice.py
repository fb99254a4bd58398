"""Which CUDA device is used."""

from __future__ import annotations

import os
from functools import cache

from .discovery import FORKED
from .driver import CudaUnavailable, Driver
from .nvidia import NvidiaDriver


class ForkedProcess(CudaUnavailable):
    """The GPU was opened by the process that this one was forked from; CUDA does not allow that."""


_instead: Driver | None = None
_instead_is_checked = False
#: the process that has opened the device
_opener: int | None = None


def use(driver: Driver | None, *, checked: bool = False) -> None:
    """Use a driver in place of the GPU.

    Parameters
    ----------
    driver : Driver or None
        None goes back to the GPU.
    checked : bool, optional
        Whether it has to show that it computes right, as a GPU has to.
    """
    global _instead, _instead_is_checked, _opener
    _instead, _instead_is_checked = driver, checked
    _opener = None


def is_trusted() -> bool:
    """Whether what `find_driver` returns need not show that it computes right."""
    return _instead is not None and not _instead_is_checked


def find_driver() -> Driver:
    """The GPU of this machine.

    Raises
    ------
    CudaUnavailable
        With what is missing.
    """
    global _opener
    if _opener not in (None, os.getpid()):
        raise ForkedProcess(FORKED)
    found = _instead or _gpu()
    if isinstance(found, CudaUnavailable):
        raise CudaUnavailable(str(found)) from found.__cause__
    if isinstance(found, NvidiaDriver) and found.lost:
        raise CudaUnavailable(found.lost)
    _opener = os.getpid()
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
