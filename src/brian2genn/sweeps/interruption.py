"""Ctrl-C, once: terminals and ``timeout`` send it to all processes, and some send it twice."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heard_once() -> Iterator[None]:
    """Within this, nothing disturbs what is done because of a Ctrl-C: there is no other.

    From the first on, it is ignored, also by processes that are started from then on: that is how
    loky ends workers. What is done afterwards must come to an end by itself.
    """
    before = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not callable(before):  # nobody here hears of it
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        before(number, frame)  # in the rule, it raises KeyboardInterrupt
        signal.signal(signal.SIGINT, hear)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
