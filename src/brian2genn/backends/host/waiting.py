"""Waiting for compilers: it is counted and shown, and something else may be done meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..progress import watched

#: Seconds that a library of another thread may take before something else is done meanwhile.
_SHORT = 0.02

_meanwhile: ContextVar[Callable[[], object] | None] = ContextVar("meanwhile", default=None)

_seconds = 0.0


def seconds() -> float:
    """How long was waited for compilers in this process."""
    return _seconds


@contextmanager
def waiting() -> Iterator[None]:
    """Within this, a compiler is waited for: whoever looks sees that, and it is counted."""
    global _seconds
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    began = time.perf_counter()
    try:
        with watched("compiling"):
            yield
    finally:
        _seconds += time.perf_counter() - began


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Within this, `work` is done, once, if a library that another thread makes is waited for.

    Parameters
    ----------
    work : callable
        Raises nothing, and waits for no library itself.
    """
    token = _meanwhile.set(work)
    try:
        yield
    finally:
        _meanwhile.reset(token)


@contextmanager
def held(lock: threading.Lock) -> Iterator[None]:
    """Within this, a lock is held; see `meanwhile` for what is done until it can be.

    Parameters
    ----------
    lock : Lock
    """
    if not lock.acquire(timeout=_SHORT):
        work = _meanwhile.get()
        if work is not None:
            _meanwhile.set(None)
            work()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
