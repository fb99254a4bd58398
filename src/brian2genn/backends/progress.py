"""One line that moves, for whoever waits longer than two seconds.

As tqdm does it: on the error stream, written over itself and erased at the end; nothing where the
stream is no terminal and no notebook.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

#: Seconds after which something is shown, and between two times.
_AFTER, _EVERY = 2.0, 0.5

#: Characters of the bar, and of a whole line.
_BAR, _WIDTH = 20, 79

_is_wanted: Callable[[], bool] = lambda: True  # noqa: E731


def set_wanted(is_wanted: Callable[[], bool]) -> None:
    """Say who knows whether the script wants to see anything.

    Parameters
    ----------
    is_wanted : callable
        Asked whenever there is something to show.
    """
    global _is_wanted
    _is_wanted = is_wanted


def _moves(stream: TextIO) -> bool:
    """Whether a line can be written over there: in a terminal, and below a cell of a notebook."""
    if type(stream).__module__.startswith("ipykernel."):
        return True
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream, or a closed one
        return False


class Line:
    """What somebody waits for, from now on.

    Parameters
    ----------
    what : str
        What is done, such as ``"compiling"``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = time.monotonic()
        self._next = self._began + _AFTER
        self._shown: TextIO | None = None

    def show(self, part: float | None = None) -> None:
        """Show the line, if it is time for that.

        Parameters
        ----------
        part : float, optional
            How much is done, from 0 to 1.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        stream = sys.stderr
        if stream is None or not _is_wanted() or not _moves(stream):
            return
        text = f"{self._what} {_seconds(now - self._began)}"
        if part is not None and part > 0:
            part = min(part, 1.0)
            full = int(_BAR * part)
            left = (now - self._began) * (1 - part) / part
            text = (
                f"{self._what} {100 * part:3.0f}% |{'#' * full}{' ' * (_BAR - full)}|"
                f" {_seconds(now - self._began)}, about {_seconds(left)} left"
            )
        stream.write(f"\r{text[:_WIDTH].ljust(_WIDTH)}")
        stream.flush()
        self._shown = stream

    def close(self) -> None:
        """Erase the line."""
        if self._shown is not None and not self._shown.closed:
            self._shown.write(f"\r{' ' * _WIDTH}\r")
            self._shown.flush()
        self._shown = None


@contextmanager
def watched(what: str) -> Iterator[None]:
    """Show a line while something is waited for that tells nothing of itself.

    Parameters
    ----------
    what : str
        What is done.
    """
    line = Line(what)
    done = threading.Event()

    def watch() -> None:
        pause = _AFTER
        while not done.wait(pause):
            line.show()
            pause = _EVERY

    thread = threading.Thread(target=watch, name="brian2genn-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        line.close()


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s"
