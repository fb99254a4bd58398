"""What Brian's errors about states that do not fit leave out: which object, variable, and sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np

from ...model.spelling import did_you_mean

_MADE_ALIKE = (
    "A state can be restored into a network that is made as the one was that was stored: the same"
    " groups, sizes and equations."
)


@contextmanager
def naming_what_does_not_fit(net: Any, name: str, filename: str | None) -> Iterator[None]:
    """Within this, errors of ``Network.restore`` get a note that says what does not fit.

    Parameters
    ----------
    net : Network
    name : str
        Of the state.
    filename : str or None
        The file that it is in; None for one that is kept in memory.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # whatever a file or an object makes of it: it is raised again
        note = _of_variable(error.__traceback__) or _of_state(net, name, filename, error)
        if note:
            error.add_note(note)
        raise


def _of_variable(trace: TracebackType | None) -> str:
    """What a state and an object say of the variable that was restored last."""
    found: dict[str, Any] = {}
    while trace is not None:
        if trace.tb_frame.f_code.co_name == "_restore_from_full_state":
            found = trace.tb_frame.f_locals
        trace = trace.tb_next
    owner: Any = found.get("self")
    name, variables = found.get("var_name"), getattr(owner, "variables", None)
    if name is None or variables is None:
        return ""
    if name not in variables:
        known = [key for key in variables if key[:1] != "_"]
        return (
            f"The state has a variable '{name}' of '{owner.name}', which has none of this name"
            f" now.{did_you_mean(name, known)} {_MADE_ALIKE}"
        )
    here, there = np.shape(variables[name].get_value()), np.shape(found["values"])
    if here == there:
        return ""
    return (
        f"'{name}' of '{owner.name}' has {_count(here)}, and {_count(there)} in the state."
        f" {_MADE_ALIKE}"
    )


def _count(shape: tuple[int, ...]) -> str:
    n = int(np.prod(shape))
    return "one value" if n == 1 else f"{n} values"


def _of_state(net: Any, name: str, filename: str | None, error: Exception) -> str:
    """What is wrong with the state itself."""
    is_missing = isinstance(error, KeyError) and error.args == (name,)
    if filename is None:
        known = list(net._stored_state)
        if name in known:
            return ""
        return f"There is no state '{name}': store() makes one.{did_you_mean(name, known)}"
    if is_missing:
        return f"There is no state '{name}' in the file '{filename}'."
    if isinstance(error, KeyError):
        return ""
    return f"The file '{filename}' is no state that store() has written, or only a part of one."
