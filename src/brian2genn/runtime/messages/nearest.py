"""Names that are not there: Brian's errors as they are, with a note of the nearest names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any

from brian2.core.base import BrianObjectException

from ...model.spelling import did_you_mean
from .causes import what_was_wrong

#: Brian's text for a name in code that stands for nothing.
_NOT_RESOLVED = re.compile(r'The identifier "(\w+)" could not be resolved')


@contextmanager
def nearest_names(objects: Iterable[Any], namespace: Mapping[str, Any]) -> Iterator[None]:
    """Within this, what Brian raises about an object's code gets a note.

    It has the nearest name where one is not there, and otherwise what was wrong first.

    Parameters
    ----------
    objects : iterable of BrianObject
        Those whose code is made.
    namespace : mapping
        The names around the call of ``run``.
    """
    try:
        yield
    except BrianObjectException as error:
        name = _missing(error.__cause__)
        for obj in objects:
            if name and f"'{obj.name}'" in str(error).partition("\n")[0]:
                known = {**namespace, **getattr(obj, "variables", {})}
                variables = getattr(getattr(obj, "group", None), "variables", {})
                _tell(error, name, [*variables, *(key for key in known if key[:1] != "_")])
        if error.__cause__ is not None and not getattr(error, "__notes__", None):
            # Brian's text sends people to the beginning of what may be a long way up
            error.add_note(f"The original error: {what_was_wrong(error.__cause__)}")
        raise


def note_nearest_variable(error: BaseException, trace: TracebackType | None) -> None:
    """Add a note to an error about a variable that a group does not have, as of a monitor.

    Parameters
    ----------
    error : exception
    trace : traceback
        Where it was raised.
    """
    name = _missing(error)
    while name and trace is not None:
        source: Any = trace.tb_frame.f_locals.get("source")
        with suppress(ReferenceError):  # Brian often has proxies
            if hasattr(source, "variables") and name not in source.variables:
                names = sorted(key for key in source.variables if key[:1] != "_")
                _tell(error, name, names)
                error.add_note(f"The variables of '{source.name}' are {', '.join(names)}.")
                return
        trace = trace.tb_next


def _missing(error: BaseException | None) -> str:
    """The name that an error is about; empty for other errors."""
    if not isinstance(error, KeyError) or not error.args or not isinstance(error.args[0], str):
        return ""
    found = _NOT_RESOLVED.search(error.args[0])
    if found:
        return found[1]
    return error.args[0] if error.args[0].isidentifier() else ""


def _tell(error: BaseException, name: str, known: Iterable[str]) -> None:
    nearest = did_you_mean(name, known)
    if nearest:
        error.add_note(f"There is no '{name}' here.{nearest}")
