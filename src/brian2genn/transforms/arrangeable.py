"""Find the synapses whose variables may lie in another order than Brian's during a run.

Where delays differ, the synapses at which a spike arrives in one time step are scattered among
those of its neuron.  In the order in which they are delivered they are neighbours.  This can be had
where nothing touches their variables but the synapses' own pathways, what is done for each synapse
by itself, and what records some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model import expr as ex
from ..model.footprint import Touched
from ..model.kernel import ELEMENT, Access
from ..model.network import Deliver, Host, Network, RecordState, Step, Update


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
    recorded : tuple of str
        The arrays with the numbers of synapses that are recorded.
    """

    synapses: str
    queues: tuple[int, ...]
    arrays: tuple[str, ...]
    recorded: tuple[str, ...] = ()


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
    for label, pathways in deliveries(network).items():
        steps = _all_of(label, pathways, network, touched)
        if steps is None:
            continue
        queues = sorted(pathways, key=lambda step: step.side == "post")
        recorded = [step.indices for step in steps if isinstance(step, RecordState)]
        found.append(
            Arrangement(
                label,
                tuple(step.queue for step in queues),
                tuple(sorted(_own_arrays(steps))),
                tuple(recorded),
            )
        )
    return found


def _all_of(
    label: str, pathways: Sequence[Step], network: Network, touched: Touched
) -> list[Step] | None:
    """All steps that touch what synapses have; None if one of them minds the order."""
    steps = list(pathways)
    while True:
        own = _own_arrays(steps)
        if own & _other_arrays(steps):
            return None
        known = set(map(id, steps))
        others = [
            step
            for step in network.steps
            if id(step) not in known and any(touched.touches(step, array) for array in own)
        ]
        if not others:
            return steps
        if not all(_minds_no_order(step, label) for step in others):
            return None
        steps += others


def _accesses(steps: Iterable[Step]) -> list[Access]:
    kernels = [kernel for step in steps for kernel in step.kernels()]
    return [access for kernel in kernels for access in kernel.accesses.values()]


def _own_arrays(steps: Iterable[Step]) -> set[str]:
    """The arrays of which each synapse has an element."""
    return {access.array for access in _accesses(steps) if access.index == ELEMENT}


def _other_arrays(steps: Iterable[Step]) -> set[str]:
    """The arrays that are reached in another way, too."""
    return {access.array for access in _accesses(steps) if access.index != ELEMENT}


def _minds_no_order(step: Step, label: str) -> bool:
    """Whether what a step does for synapses is the same whatever the numbers that these have."""
    if not isinstance(step, Update | RecordState) or step.domain != label or step.own:
        return False
    kernel = step.kernel
    if any(node.op in ("random", "user", "given") for node in ex.walk(kernel.roots())):
        return False
    return all(kernel.accesses[store.name].index == ELEMENT for store in kernel.stores)
