"""What ``store`` and ``restore`` of Brian before 2.10 leave out: delays.

Restored into a network with fewer synapses, or none, synapses had no delays there. Here they get
those that they had; delays that fit stay as they are, as in these versions of Brian, and so does
one for all synapses. A state that such a version stored itself has no delays, which leaves room for
those of other synapses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.synapses.synapses import SynapticPathway

from ...frontend.compatibility import restores_delays

#: The variable, and its entry in a pathway's state, as in later ones.
_DELAY = "delay"

#: Before Brian 2.10: the single delay in a state that was restored to a pathway with a delay for
#: each synapse.
_of_all: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


def _full_state(pathway: Any) -> dict[str, Any]:
    state: dict[str, Any] = type(pathway)._full_state(pathway)
    delays = pathway.variables[_DELAY]
    return {**state, _DELAY: (np.array(delays.get_value()), delays.size)}


def _restore_from_full_state(pathway: Any, state: dict[str, Any]) -> None:
    others = {name: value for name, value in state.items() if name != _DELAY}
    type(pathway)._restore_from_full_state(pathway, others)
    delays = pathway.variables[_DELAY]
    if _DELAY not in state or not isinstance(delays, DynamicArrayVariable):
        return
    values, size = state[_DELAY]
    if size == 1:  # it may be that of all synapses: of how many is known when all is restored
        _of_all[pathway] = float(values.flat[0])
    elif not delays.scalar and len(delays.get_value()) != size:
        delays.resize(size)
        delays.set_value(values)


def make_room_for_delays(objects: Iterable[Any]) -> None:
    """Let pathways have a delay for each of the synapses that were restored.

    Without, nobody could set them. A delay that was stored for all synapses is that of each; those
    that nobody knows are NaN: a run asks to set them.

    Parameters
    ----------
    objects : iterable of BrianObject
        Of the network.
    """
    for pathway in objects:
        if not isinstance(pathway, SynapticPathway):
            continue
        delays = pathway.variables[_DELAY]
        before, present = delays.get_value().size, len(pathway.synapses)
        of_all = _of_all.pop(pathway, np.nan)
        if restores_delays() and before == 1:
            of_all = float(delays.get_value()[0])
        one_for_each = isinstance(delays, DynamicArrayVariable) and not delays.scalar
        if one_for_each and before != present:
            known = np.full(present, of_all)
            if np.isnan(of_all):
                known[:before] = delays.get_value()[:present]
            delays.resize(present)
            delays.set_value(known)
            if before < present:
                # Brian lets nobody set variables of synapses that `connect` has not made
                pathway.synapses._connect_called = True


@contextmanager
def with_delays(objects: Iterable[Any]) -> Iterator[None]:
    """While Brian stores or restores a state, let delays be part of it.

    Parameters
    ----------
    objects : iterable of BrianObject
        Of the network.
    """
    pathways = [] if restores_delays() else [o for o in objects if isinstance(o, SynapticPathway)]
    replaced: dict[str, Callable[..., Any]] = {
        "_full_state": _full_state,
        "_restore_from_full_state": _restore_from_full_state,
    }
    try:
        for pathway in pathways:
            for name, function in replaced.items():
                vars(pathway)[name] = partial(function, pathway)
        yield
    finally:
        for pathway in pathways:
            for name in replaced:
                vars(pathway).pop(name, None)
