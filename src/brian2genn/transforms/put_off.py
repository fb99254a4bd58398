"""State updates of many elements that need not be done in each time step, but for several at once.

A state update that does little with what it reads and writes waits for memory.  Where it depends on
nothing but an element's own variables, and on values that all elements share, it can be put off:
what is shared is noted in each time step, and the elements are brought up to the present after some
of them, with their variables in registers meanwhile.  Before something else looks at elements, as
events at some synapses do, those elements are brought up to the present.  All that is computed is
computed as it would have been, in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import expr as ex
from ..model.footprint import How, arrays, footprint
from ..model.kernel import ELEMENT, Kernel
from ..model.network import Deliver, Host, Network, RecordState, Step, Update
from .one_pass import is_quick
from .rates import ELEMENT_RATE, Rates
from .shares import why_not_shared

#: What takes the place of a variable in memory is worth so many operations; a processor waits for
#: the results of more.
_OPERATIONS_OF_A_VARIABLE = 3


@dataclass(frozen=True)
class PutOff:
    """Who looks at what a state update has put off.

    Attributes
    ----------
    listed : frozenset of str
        The names of the steps that look at some elements only.
    others : frozenset of str
        Those that may look at any.
    """

    listed: frozenset[str]
    others: frozenset[str]


def put_off(network: Network) -> dict[str, PutOff]:
    """Find the state updates that may be put off.

    Parameters
    ----------
    network : Network
        Simplified.

    Returns
    -------
    dict
        By the names of the steps.
    """
    if network.user_code or network.views or any(isinstance(s, Host) for s in network.steps):
        return {}  # whoever looks at elements, nobody would know
    found = {}
    for step in network.steps:
        if isinstance(step, Update) and _waits_for_memory(step):
            users = _users(step, network)
            if users is not None:
                found[step.name] = users
    return found


def _waits_for_memory(update: Update) -> bool:
    """Whether an update uses its own variables and shared ones only, and does little with them."""
    kernel = update.kernel
    if update.own or update.part is not None or not kernel.stores:
        return False
    if why_not_shared(update) is not None or not is_quick(kernel) or kernel.numbered is not None:
        return False
    reached = [*kernel.loads(), *(kernel.accesses[store.name] for store in kernel.stores)]
    if any(access.index not in (None, ELEMENT) for access in reached):
        return False
    nodes = list(ex.walk(kernel.roots()))
    if any(node.op in ("random", "user", "table", "given") for node in nodes):
        return False
    rates = Rates(kernel)
    operations = sum(
        node.op not in ("load", "const") and rates.of(node) == ELEMENT_RATE for node in nodes
    )
    return operations <= _OPERATIONS_OF_A_VARIABLE * len(_written(kernel))


def _written(kernel: Kernel) -> set[str]:
    return {kernel.accesses[store.name].array for store in kernel.stores}


def _users(update: Update, network: Network) -> PutOff | None:
    """Who looks at the elements; None if somebody does in every time step."""
    kernel = update.kernel
    written = _written(kernel)
    own = written | {access.array for access in kernel.loads() if access.index == ELEMENT}
    listed, others = set(), set()
    for step in network.steps:
        if step is update:
            continue
        touches = footprint(step)
        if not (arrays(touches) & written or arrays(touches, How.WRITE, How.ADD) & own):
            continue
        if _looks_at_some(step, update, own):
            listed.add(step.name)
        elif step.clock == update.clock:
            return None
        else:
            others.add(step.name)
    return PutOff(frozenset(listed), frozenset(others))


def _looks_at_some(step: Step, update: Update, own: set[str]) -> bool:
    """Whether a step touches nothing but the own variables of elements that are known."""
    if isinstance(step, RecordState):
        changed = arrays(footprint(step), How.WRITE, How.ADD)
        reached = [access for access in step.kernel.loads() if access.array in own]
        return not changed & own and all(access.index == ELEMENT for access in reached)
    if not isinstance(step, Deliver) or step.synapses != update.domain or not update.domain:
        return False
    before = [] if step.before is None else [step.before]
    if arrays(footprint(step, before)) & own:
        return False
    touches = [touch for touch in footprint(step, [step.kernel]) if touch.memory.name in own]
    return all(touch.own for touch in touches)
