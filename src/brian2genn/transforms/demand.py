"""Find the sums over synapses that nobody looks at in most time steps.

A sum depends on nothing but what its synapses and neurons have in its time step, and leaves
nothing behind but its result.  Where all that use the result have a slower clock (homeostasis, now
and then), it is made in the time steps in which one of them is executed, and in those after which
others may look at arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model.footprint import How, arrays, footprint
from ..model.network import Host, Network, Step, Sum


@dataclass(frozen=True)
class Users:
    """The clocks of what uses a sum.

    Attributes
    ----------
    now : tuple of int
        Of steps that come later in the time step.
    next : tuple of int
        Of steps that come earlier: they use it in the next time step.
    """

    now: tuple[int, ...]
    next: tuple[int, ...]


def sums_on_demand(network: Network) -> dict[str, Users]:
    """By the names of the sums that are not needed in all time steps: what uses them.

    Parameters
    ----------
    network : Network
    """
    if network.user_code or network.views or any(isinstance(s, Host) for s in network.steps):
        return {}
    found = {}
    for place, step in enumerate(network.steps):
        if isinstance(step, Sum):
            users = _users(step, network.steps[:place], network.steps[place + 1 :])
            if users is not None:
                found[step.name] = users
    return found


def _users(step: Sum, before: list[Step], after: list[Step]) -> Users | None:
    """What uses a sum; None if it is needed in every time step."""
    if step.target in step.kernel.read_arrays():
        return None
    clocks: list[set[int]] = []
    for others in (after, before):
        touching = [(other, footprint(other)) for other in others]
        touching = [(other, found) for other, found in touching if step.target in arrays(found)]
        users = [
            other for other, found in touching
            if not isinstance(other, Sum) or step.target in arrays(found, How.READ)
        ]  # fmt: skip
        for other, found in touching:
            changes = step.target in arrays(found, How.WRITE, How.ADD)
            if other in users and (changes or other.clock == step.clock):
                return None
        clocks.append({other.clock for other in users})
    return Users(*(tuple(sorted(one)) for one in clocks))
