"""A function in a thread of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

#: Those that a process waits for before it is forked: the new one would wait for locks that nobody
#: gives back.
_waited_for: WeakSet[threading.Thread] = WeakSet()


def _wait_for_all() -> None:
    for thread in list(_waited_for):
        if thread is not threading.current_thread():
            thread.join()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_wait_for_all)


class InBackground(Generic[T]):
    """Calls a function in the background.

    Parameters
    ----------
    function : callable
    comes_to_an_end : bool, optional
        Whether it does so by itself, whatever happens. If it does not, nobody waits for it who does
        not ask for its result: neither a process that ends nor one that is forked.
    """

    def __init__(self, function: Callable[[], T], *, comes_to_an_end: bool = False) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._call, daemon=not comes_to_an_end)
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be had: whoever begins it does it himself
            self._call()
            return
        if comes_to_an_end:
            _waited_for.add(self._thread)

    def _call(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:
            self._error = error

    @property
    def is_done(self) -> bool:
        """Whether nobody has to wait for it."""
        return not self._thread.is_alive()

    def result(self, patience: float | None = None) -> T:
        """Wait for the function; its result, or its error.

        Parameters
        ----------
        patience : float, optional
            In seconds.

        Raises
        ------
        TimeoutError
            If it has not returned by then.
        """
        if self._thread.ident is not None:
            self._thread.join(patience)
        if self._thread.is_alive():
            raise TimeoutError(f"no result within {patience} seconds")
        if self._error is not None:
            raise self._error
        return self._results[0]
