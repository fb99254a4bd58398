"""Find the synapses whose variables may lie in another order than Brian's during a run.

Where delays differ, the synapses at which a spike arrives in one time step are scattered among
those of its neuron.  In the order in which they are delivered they are neighbours.  This can be had
where nothing but the synapses' own pathways touches their variables.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model.footprint import Touched
from ..model.kernel import ELEMENT
from ..model.network import Deliver, Host, Network


@dataclass(frozen=True)
class Arrangement:
    """Synapses that may be in another order.

    Attributes
    ----------
    synapses : str
        Their label.
    queues : tuple of int
        Of their pathways; those of the presynaptic side come first.
    arrays : tuple of str
        All arrays with an element for each synapse that anything touches.
    """

    synapses: str
    queues: tuple[int, ...]
    arrays: tuple[str, ...]


def deliveries(network: Network) -> dict[str, list[Deliver]]:
    """The pathways of a network, by the label of their synapses."""
    found: dict[str, list[Deliver]] = {}
    for step in network.steps:
        if isinstance(step, Deliver):
            found.setdefault(step.synapses, []).append(step)
    return found


def arrangeable(network: Network) -> list[Arrangement]:
    """The synapses of a network that may be in another order, each group once.

    Parameters
    ----------
    network : Network
        As it was translated, or simplified.
    """
    if network.user_code or network.views or any(isinstance(s, Host) for s in network.steps):
        return []
    touched = Touched(network.steps)
    found = []
    for label, steps in deliveries(network).items():
        accesses = [access for step in steps for access in step.kernel.accesses.values()]
        own = {access.array for access in accesses if access.index == ELEMENT}
        beyond = {access.array for access in accesses if access.index != ELEMENT}
        if own & beyond or any(touched.by_others(array, steps) for array in own):
            continue
        queues = sorted(steps, key=lambda step: step.side == "post")
        found.append(Arrangement(label, tuple(step.queue for step in queues), tuple(sorted(own))))
    return found
