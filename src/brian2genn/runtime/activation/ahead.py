"""Compiling ahead: what every script needs is compiled while the script makes its objects."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress


class Ahead:
    """Things that are made in threads of their own.

    Who needs one of them makes it himself, and waits for the thread only where that is just doing
    so. Errors are his, too: here nobody could be told.
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        if hasattr(os, "register_at_fork"):
            # a forked process would wait for locks that nobody gives back
            os.register_at_fork(before=self.wait)

    def begin(self, *makers: Callable[[], object]) -> None:
        """Make things, once in a process.

        Parameters
        ----------
        *makers : callable
            Can be called at any time, and by several threads.
        """
        if self._threads:
            return
        for maker in makers:
            # no daemons: a process that ends must not leave a compiler behind
            thread = threading.Thread(target=_quietly, args=(maker,), name="brian2genn-ahead")
            self._threads.append(thread)
            with suppress(RuntimeError):  # no thread can be had
                thread.start()

    def wait(self) -> None:
        """Wait until all is made."""
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join()


def _quietly(maker: Callable[[], object]) -> None:
    with suppress(Exception):
        maker()
