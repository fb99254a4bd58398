"""Values that GeNN and Brian both have: copied when one side needs what the other has changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

import numpy as np

from ..host.memory import is_kept
from ..interface import RawValue
from ..reading import Reading
from .layout import Layout
from .replay import LiveModel


class Exchange:
    """What a loaded GeNN model and Brian's memory have of each other.

    Parameters
    ----------
    layout : Layout
    live : LiveModel
    arrays : mapping
        The memory of every array of the network, by name.
    variables : mapping
        The arrays that a run works with: Brian's variables, or arrays of the program's own.
    params : mapping
        The parameters of the run.
    """

    def __init__(
        self,
        layout: Layout,
        live: LiveModel,
        arrays: Mapping[str, np.ndarray],
        variables: Mapping[str, Any],
        params: Mapping[str, float | int],
    ) -> None:
        self._live = live
        self._arrays = arrays
        #: from arrays to the populations and variables that hold their values
        self._places: dict[str, list[tuple[str, str]]] = {}
        #: from arrays to the one of them that GeNN's code writes to
        self._changing: dict[str, tuple[str, str]] = {}
        #: dynamic parameters that stay the same during a run
        self._constants: dict[tuple[str, str], float] = {}
        #: from arrays to dynamic parameters, and to extra global parameters
        self._parameters: dict[str, list[tuple[str, str]]] = {}
        self._extras: dict[str, list[tuple[str, str]]] = {}
        for population in layout.description.all():
            for variable in population.variables:
                place = population.name, variable.name
                if variable.array:
                    self._places.setdefault(variable.array, []).append(place)
                    if not variable.read_only:
                        self._changing.setdefault(variable.array, place)
            for parameter in population.parameters:
                place = population.name, parameter.name
                if parameter.dynamic and parameter.array:
                    self._parameters.setdefault(parameter.array, []).append(place)
                elif parameter.dynamic and parameter.param:
                    self._constants[place] = float(params[parameter.param])
            for extra in population.extra_globals:
                if extra.array:
                    place = population.name, extra.name
                    self._extras.setdefault(extra.array, []).append(place)
        self._has_constants = False
        self._synaptic = {synapses.name for synapses in layout.description.synapses}
        known = {*self._places, *self._parameters, *self._extras}
        #: Brian's variables by the names of their arrays; others belong to the program
        self._brian = {
            n: v for n, v in variables.items() if n in known and not isinstance(v, np.ndarray)
        }
        self._names: dict[int, list[str]] = {}
        for name, variable in self._brian.items():
            self._names.setdefault(id(variable), []).append(name)
        #: arrays of which GeNN has newer values, and of which it has older ones
        self._here_stale: set[str] = set()
        self._there_stale: set[str] = known
        #: whether synapses have had other values since `synapses_as_before` was asked
        self._synapses_pushed = True

    # -- one side has worked ------------------------------------------------------------
    def genn_ran(self) -> None:
        """Note that GeNN has changed what it changes."""
        self._here_stale |= set(self._changing)

    def changed_here(self, names: Collection[str]) -> None:
        """Note that these arrays have new values in Brian's memory."""
        self._there_stale.update(self._known(names))

    def lose(self) -> None:
        """Note that GeNN has lost all values; those that are newer there are fetched first."""
        self.pull_all()
        self._there_stale |= {*self._places, *self._parameters, *self._extras}
        self._synapses_pushed = True
        self._has_constants = False

    def _known(self, names: Collection[str]) -> set[str]:
        return {n for n in names if n in self._places or n in self._parameters or n in self._extras}

    # -- copies ---------------------------------------------------------------------------
    def pull(self, names: Collection[str]) -> None:
        """Make these arrays current in Brian's memory."""
        for name in self._here_stale.intersection(names):
            self._live.pull(*self._changing[name], self._arrays[name])
            self._here_stale.discard(name)

    def pull_all(self) -> None:
        """Make all arrays current in Brian's memory."""
        self.pull(list(self._here_stale))

    def push(self) -> None:
        """Make all values current in GeNN."""
        if not self._has_constants:
            for place, value in self._constants.items():
                self._live.set_parameter(*place, value)
            self._has_constants = True
        for name in sorted(self._there_stale):
            values = self._arrays[name]
            for population, variable in self._places.get(name, ()):
                self._live.push(population, variable, values)
                self._synapses_pushed |= population in self._synaptic
            for population, parameter in self._parameters.get(name, ()):
                self._live.set_parameter(population, parameter, float(values.flat[0]))
                self._synapses_pushed |= population in self._synaptic
            for population, extra in self._extras.get(name, ()):
                self._live.set_extra(population, extra, values)
                self._synapses_pushed |= population in self._synaptic
        self._there_stale.clear()

    def synapses_as_before(self) -> bool:
        """Whether no synapses were given values since this was last asked."""
        as_before = not self._synapses_pushed
        self._synapses_pushed = False
        return as_before

    # -- somebody asks -----------------------------------------------------------------------
    def before_access(self, variable: Any, *, only_reading: bool) -> None:
        """Make a Brian variable's array current; unless it is only read, GeNN's is stale then."""
        names = self._names.get(id(variable), ())
        self.pull(names)
        if not only_reading:
            self._there_stale.update(names)

    def exchange_kept(self, raw: RawValue, held_by_companion: Collection[str]) -> None:
        """Make current the arrays that a script has kept; it may read and write them now.

        Parameters
        ----------
        raw : callable
            From a Brian variable to its array, without looking here.
        held_by_companion : collection of str
            The arrays that the program beside GeNN refers to.
        """
        for name, variable in self._brian.items():
            holders = 1 + (name in held_by_companion)
            if is_kept(partial(raw, variable), holders):
                self.before_access(variable, only_reading=False)


class GennMemory(Reading):
    """Which network's values GeNN has now; the rest of Brian's arrays is never anywhere else.

    Parameters
    ----------
    raw : callable
        From a Brian variable to its array, without looking here.
    """

    def __init__(self, raw: RawValue) -> None:
        self.raw = raw
        self._active: Exchange | None = None
        self._held: Collection[str] = ()
        super().__init__()

    def is_active(self, exchange: Exchange) -> bool:
        """Whether nothing else has run in GeNN since this was activated."""
        return self._active is exchange

    def activate(self, exchange: Exchange | None, held_by_companion: Collection[str] = ()) -> None:
        """Let a network go on; another one may have been in the middle of a run."""
        if self._active is not None and self._active is not exchange:
            self._active.lose()
        self._active, self._held = exchange, held_by_companion

    def finish(self, exchange: Exchange) -> None:
        """Make everything current in Brian's memory at the end of a run."""
        exchange.pull_all()
        if self._active is exchange:
            self._active = None

    def before_access(self, variable: Any) -> None:
        """Make a variable's array current; whoever asks may write to it."""
        if self._active is not None:
            self._active.before_access(variable, only_reading=self._only_reading)

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now."""
        if self._active is not None:
            self._active.exchange_kept(self.raw, self._held)

    def make_host_current(self) -> None:
        """Make everything current in Brian's memory."""
        if self._active is not None:
            self._active.pull_all()
