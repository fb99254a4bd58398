"""A function in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class InBackground(Generic[T]):
    """Calls a function in the background; what hangs there does not keep the process alive.

    Parameters
    ----------
    function : callable
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._call, daemon=True)
        self._thread.start()

    def _call(self) -> None:
        try:
            self._results.append(self._function())
        except BaseException as error:
            self._error = error

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
        self._thread.join(patience)
        if self._thread.is_alive():
            raise TimeoutError(f"no result within {patience} seconds")
        if self._error is not None:
            raise self._error
        return self._results[0]
