"""A function that takes the place of one of Brian's; `brian_costs` has all there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from . import brian_values

Function = Callable[..., Any]


@dataclass(frozen=True)
class Context:
    """What replacements are told.

    Attributes
    ----------
    is_active : callable
        Whether this device is the active one.
    hooks : callable
        Tells the hooks of Brian's that it has at present; None if it is not the active one.
    kept : callable
        Keeps texts: is given a kind of text, what it is made of, and what makes it.
    add_synapses : callable
        Makes synapses between neurons, by their numbers in the whole groups; says whether it has.
    deep : callable
        Calls a function, which only looks at something, with as much of Python's stack as it needs.
    """

    is_active: Callable[[], bool]
    hooks: brian_values.Hooks
    kept: Callable[[str, str, Callable[[], str]], str]
    add_synapses: Callable[[Any, np.ndarray, np.ndarray], bool]
    deep: Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True)
class Replacement:
    """One function in place of another.

    Attributes
    ----------
    place : object
        The module or class that has it.
    name : str
        What it is called there.
    make : callable
        Makes the new one of the original and a `Context`.
    same_because : str
        Why both give the same.
    until : str
        The version of Brian with which this can go.
    upstream : str
        What Brian could do instead, for its developers.
    """

    place: Any
    name: str
    make: Callable[[Function, Context], Function]
    same_because: str
    until: str
    upstream: str

    def install(self, context: Context) -> None:
        """Put it in place, once."""
        original = vars(self.place)[self.name]
        if not hasattr(original, "_genn_original"):
            replaced = wraps(original)(self.make(original, context))
            replaced._genn_original = original  # type: ignore[attr-defined]
            setattr(self.place, self.name, replaced)

    @property
    def original(self) -> Function:
        """Brian's own function."""
        function: Function = vars(self.place)[self.name]
        return getattr(function, "_genn_original", function)
