"""Errors that end a script: Brian asks for a report of each, also of those that are ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from brian2.core.preferences import prefs

from .nearest import note_nearest_variable

_PACKAGE = str(Path(__file__).parents[2])

_ASKS = "logging.display_brian_error_message"

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def is_ours(error: BaseException) -> bool:
    """Whether an error, or what has led to it, was raised by this package's own code."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        trace = current.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            return True
        current = current.__cause__ or current.__context__
    return False


def watch_uncaught() -> None:
    """Announce errors of this package's as what they are; all others as before."""
    before: Hook = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyError):
            note_nearest_variable(error, trace)
        if is_ours(error):
            with _not_announced():
                before(kind, error, trace)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


@contextmanager
def _not_announced() -> Iterator[None]:
    """Brian keeps its log and shows the error, and says nothing of reports."""
    asks = prefs[_ASKS]
    prefs[_ASKS] = False
    try:
        yield
    finally:
        prefs[_ASKS] = asks
