"""Find what events can bring along: what deliveries read of their synapses, and nobody changes.

Where delays differ, the synapses of a neuron get its spike one by one, each of them somewhere in
memory. When the neuron spikes all of them are looked at, in their order; what they have can be
written into the queue then, and read in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np

from ..model import expr as ex
from ..model.kernel import ELEMENT, Access
from ..model.mishap import working_on
from ..model.network import Deliver, Network
from .scatter import side_by_side
from .sums import changed_arrays

#: An event that is larger than so many values is not worth it.
MOST = 5


def payloads(network: Network) -> dict[str, list[Access]]:
    """What the events of pathways may bring along, by the names of their deliveries.

    Parameters
    ----------
    network : Network
        Simplified.

    Returns
    -------
    dict
        For each delivery accesses to different arrays, all to the synapse's own element, of four or
        eight bytes.
    """
    changed = changed_arrays(network)
    found = {}
    for step in network.steps:
        if isinstance(step, Deliver):
            with working_on(step):
                brought = _brought(step, changed)
            if brought:
                found[step.name] = brought
    return found


def _brought(step: Deliver, changed: Container[str]) -> list[Access]:
    """What the events of a delivery bring along; nothing if that is not all they need."""
    kernel = step.kernel
    stored = [kernel.accesses[store.name] for store in kernel.stores]
    if len(step.kernels()) > 1 or kernel.given or kernel.shared_stores or not stored:
        return []
    # what depends on the number of the synapse, or calls what nobody knows
    if any(node.op in ("random", "user", "given") for node in ex.walk(kernel.roots())):
        return []
    if side_by_side(kernel) is not None:
        return []  # to compute it takes longer than to look for the synapses
    own = {access.array: access for access in kernel.loads() if access.index == ELEMENT}
    if any(access.index == ELEMENT for access in stored) or any(name in changed for name in own):
        return []
    if any(access.consecutive for access in own.values()):
        return []
    sizes = {np.dtype(access.dtype).itemsize for access in own.values()}
    if not sizes <= {4, 8} or len(own) > MOST:
        return []
    return list(own.values())
