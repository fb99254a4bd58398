"""The passes over a network, in their order, and what each kind of processor has of them.

=============  ====================================================================
pass           what it does
=============  ====================================================================
`separate`     turns stores that only add to a shared target into additions
`specialise`   uses what is known where a condition holds
`simplify`     makes expressions cheaper, and collects what is constant in a run
`chances`      of a random number that is only compared, draws the outcome
`own_numbers`  computes the numbers of elements, in place of reading them
`latest`       compares times of last spikes, in place of counting time steps
`hoist`        finds out what is computed once per run, time step, or element
`narrow`       of set-up code: tells which partners a condition leaves to a neuron
=============  ====================================================================

Before them, `settle` has brought steps into an order that does not depend on names: it needs to
know the slots of Brian's schedule. After them, the backends ask for plans, which change nothing:
`stages` and `rotate` for a GPU, `shares` for threads, `forward` for registers,
`scatter.side_by_side` for vectors over synapses, `put_off` for several time steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ..model.network import Network, describe
from .chances import chances
from .hoist import hoist
from .latest import latest
from .narrow import narrow
from .numbers import own_numbers
from .scatter import separate
from .simplify import simplify
from .specialise import specialise

#: Something that changes a network in place.
Pass = Callable[[Network], None]


def _name(one: Pass) -> str:
    return str(getattr(one, "__name__", one))


#: what a run computes, and may compute otherwise than its code says
SIMPLER: Sequence[Pass] = (specialise, simplify)
#: what loops over whole groups do with less
FOR_GROUPS: Sequence[Pass] = (chances, own_numbers)
#: loops over whole groups, whose time steps begin with what is computed once
FOR_A_PROCESSOR: Sequence[Pass] = (*SIMPLER, *FOR_GROUPS, latest, hoist)
#: many elements are computed at once: additions first, so that what is added is simplified
FOR_A_GPU: Sequence[Pass] = (separate, *SIMPLER, *FOR_GROUPS, hoist)
#: GeNN adds to its neurons by functions of its own, and computes all for each element
FOR_GENN: Sequence[Pass] = (*SIMPLER, separate)
#: set-up code that is compiled
FOR_SETUP: Sequence[Pass] = (narrow,)

#: What can be looked at: a network as it was translated, or what a pass has made of it.
TRANSLATED = "translate"
SHOWN = (
    TRANSLATED,
    *dict.fromkeys(_name(one) for one in (*FOR_A_GPU, *FOR_A_PROCESSOR, *FOR_GENN)),
)

#: Is told the name of each pass, and what it has made.
Watcher = Callable[[str, Network], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


def lower(network: Network, passes: Sequence[Pass]) -> None:
    """Apply passes to a network, one after the other, in place."""
    watcher = _watcher.get()
    for one in passes:
        one(network)
        if watcher is not None:
            watcher(_name(one), network)


@contextmanager
def shown(what: bool | str, network: Network) -> Iterator[None]:
    """Print `network` while it is compiled within this, for people.

    Parameters
    ----------
    what : bool or str
        Whether to print it as it is compiled (also if that fails), or the name of the pass after
        which to print it.
    network : Network
    """
    if what == TRANSLATED:
        print(describe(network))

    def watcher(name: str, made: Network) -> None:
        if name == what:
            print(describe(made))

    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
        if what is True:
            print(describe(network))
