"""Find the synapses whose variables may lie in another order than Brian's during a run.

Where delays differ, the synapses at which a spike arrives in one time step are scattered among
those of its neuron.  In the order in which they are delivered they are neighbours.  This can be had
where nothing but the synapses' own pathways touches their variables.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model.footprint import arrays, footprint
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


def arrangeable(network: Network) -> list[Arrangement]:
    """The synapses of a network that may be in another order, each group once.

    Parameters
    ----------
    network : Network
        As it was translated, or simplified.
    """
    if network.user_code or network.views or any(isinstance(s, Host) for s in network.steps):
        return []
    deliveries = [step for step in network.steps if isinstance(step, Deliver)]
    found = []
    for label in dict.fromkeys(step.synapses for step in deliveries):
        steps = [step for step in deliveries if step.synapses == label]
        own = {
            access.array
            for step in steps
            for access in step.kernel.accesses.values()
            if access.index == ELEMENT
        }
        beyond = {
            access.array
            for step in steps
            for access in step.kernel.accesses.values()
            if access.index != ELEMENT
        }
        elsewhere = {
            name for step in network.steps if step not in steps for name in arrays(footprint(step))
        }
        if own & (beyond | elsewhere):
            continue
        queues = sorted(steps, key=lambda step: step.side == "post")
        found.append(Arrangement(label, tuple(step.queue for step in queues), tuple(sorted(own))))
    return found
