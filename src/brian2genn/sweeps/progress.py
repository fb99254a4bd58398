"""How far a sweep is, for those who watch."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any


class Progress:
    """A bar with the time left and the number of runs that have failed.

    Parameters
    ----------
    wanted : bool or None
        None for a bar where somebody can see it: in a terminal or a notebook.
    total, done : int
        How many runs there are, and how many were done before.
    name : str
        Of the function.
    """

    def __init__(self, wanted: bool | None, total: int, done: int, name: str) -> None:
        self._failed = 0
        self._bar: Any = None
        tqdm = _bar_class() if wanted is not False else None
        if tqdm is not None and (wanted or _is_watched()):
            self._bar = tqdm(total=total, initial=done, desc=name, unit="run")

    def advance(self, failed: bool) -> None:
        """Another run is done, or has failed."""
        if self._bar is None:
            return
        self._bar.update()
        if failed:
            self._failed += 1
            self._bar.set_postfix(failed=self._failed)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _bar_class() -> Any:
    """The bar of tqdm for a terminal or a notebook; None without tqdm."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # in a notebook without widgets it is one of text
            return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None


def _is_watched() -> bool:
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
