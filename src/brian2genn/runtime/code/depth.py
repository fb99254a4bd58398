"""Room for code of any length: Brian reads it by recursion, a level for every term of a sum."""

from __future__ import annotations

import contextvars
import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: How deep Python may go, and the stack for that: no level has less of it than usual (8 MiB for
#: 1,000), so that a recursion without end is still an error before the stack is full.
_DEPTH = 30_000
_STACK = _DEPTH * 8192

_one_at_a_time = threading.RLock()

_NAME = "brian2genn-reading"


def is_deep() -> bool:
    """Whether this is called by what `as_deep_as_needed` calls again."""
    return threading.current_thread().name == _NAME


def as_deep_as_needed(function: Callable[[], T]) -> T:
    """Call a function, which may need more depth than Python usually has.

    It is called again if it does, from its beginning, in a thread with a larger stack.

    Parameters
    ----------
    function : callable
        One that can be called twice.

    Raises
    ------
    RecursionError
        If that is not enough, or not to be had.
    """
    if is_deep():
        return function()
    try:
        return function()
    except RecursionError as error:
        outcome = _Outcome(function)
        if not outcome.has_begun:
            raise
        outcome.wait()
        if outcome.error is not None:
            raise outcome.error from error
        return outcome.value


class _Outcome:
    """What a function gives in a thread of its own.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        self.value: Any = None
        self.error: BaseException | None = None
        self._function = function
        self._context = contextvars.copy_context()
        self._thread = threading.Thread(target=self._run, name=_NAME)
        self.has_begun = self._begin()

    def _begin(self) -> bool:
        with _one_at_a_time:
            try:
                before = threading.stack_size(_STACK)
            except (ValueError, RuntimeError):
                return False
            try:
                self._thread.start()
            except RuntimeError:  # no memory for such a stack
                return False
            finally:
                threading.stack_size(before)
        return True

    def _run(self) -> None:
        with _one_at_a_time:
            usual = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_DEPTH, usual))
            try:
                self.value = self._context.run(self._function)
            except BaseException as error:
                self.error = error
            finally:
                sys.setrecursionlimit(usual)

    def wait(self) -> None:
        """Wait until it is done; Ctrl-C goes to where the work is done."""
        while self._thread.is_alive():
            try:
                self._thread.join()
            except KeyboardInterrupt:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
                )
