"""Functions of Brian that go a level deeper for every term of a sum, called with enough room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brian2.equations import unitcheck
from brian2.groups import neurongroup
from brian2.input import poissongroup
from brian2.parsing import sympytools
from brian2.synapses import synapses

Function = Callable[..., Any]

#: Where the functions are, and what they are called there. All of them only look at an expression,
#: so that they may be called again. The rest of a run has room as a whole; these are called before.
PLACES = (
    (sympytools, "_str_to_sympy"),
    (unitcheck, "parse_expression_dimensions"),
    (synapses, "parse_expression_dimensions"),
    (neurongroup, "parse_expression_dimensions"),
    (poissongroup, "parse_expression_dimensions"),
)


def make_deep(
    original: Function, is_active: Callable[[], bool], deep: Callable[[Callable[[], Any]], Any]
) -> Function:
    """One of the functions in `PLACES`.

    Parameters
    ----------
    original : callable
    is_active : callable
        Whether this device is the active one.
    deep : callable
        Calls a function with as much room as it needs.
    """

    def with_room(*args: Any, **kwds: Any) -> Any:
        if not is_active():
            return original(*args, **kwds)
        return deep(lambda: original(*args, **kwds))

    return with_room
