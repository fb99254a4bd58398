"""How many elements of a group this process holds: of synapses that are divided, some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from brian2.synapses.synapses import SynapticPathway

from .labels import own, referent

#: Where divided synapses have what is known of them.
SHARE = "_genn_share"


class Share(Protocol):
    """The part of some synapses that this process has."""

    #: whether their variables have values of all of them at present
    is_whole: bool

    @property
    def held(self) -> int:
        """How many synapses their variables have values of at present."""

    @property
    def present(self) -> np.ndarray:
        """The numbers of these among all synapses, ascending."""

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Where those with some numbers are among these; another place for those that are not."""


def share_of(thing: Any) -> Any:
    """What is known of synapses that are divided among processes; None of all other things.

    A pathway is one of its synapses.
    """
    thing = referent(thing)
    return own(thing.synapses if isinstance(thing, SynapticPathway) else thing, SHARE)


def reading_size(variable: Any) -> Callable[[], int]:
    """What reads the number of elements of a group, given as its variable ``N``."""
    owner = getattr(variable, "owner", None)
    if owner is not None and getattr(variable, "name", "") == "N":
        share = share_of(owner)
        if share is not None:
            return lambda: int(share.held)
    return lambda: int(np.asarray(variable.get_value()).item())
