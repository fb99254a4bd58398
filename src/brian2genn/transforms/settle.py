"""Put steps whose order does not matter into an order that does not depend on their names.

Brian executes objects of one slot of the schedule by name, as text: ``neurongroup_10`` comes before
``neurongroup_9``. A network would be another one, with another program and other random numbers,
because of how far Brian has counted. Here steps of one slot change places, but only where
nobody can tell: what one of them writes, the other does not touch, or both only add to it. Sums are
rounded, so that their order must not depend on names either.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import groupby

from ..model.kernel import UserFunction
from ..model.mishap import working_on
from ..model.network import Host, Network, Step
from .scatter import only_adding
from .stages import Touched, touched_by


def settle(network: Network, slots: Sequence[Hashable], ranks: Sequence[int]) -> None:
    """Order the steps of every slot by rank, as far as that changes nothing.

    Parameters
    ----------
    network : Network
        As translated; its steps are in Brian's order.
    slots : sequence
        For every step, equal for those that are in one slot of the schedule.
    ranks : sequence of int
        For every step, its place among those it may change places with.
    """
    settled: list[Step] = []
    numbers = range(len(network.steps))
    for _, group in groupby(numbers, key=lambda number: slots[number]):
        members = list(group)
        own = [ranks[number] for number in members]
        steps = [network.steps[number] for number in members]
        settled += steps if own == sorted(own) else _settled(steps, own)
    network.steps = settled


def _settled(steps: list[Step], ranks: list[int]) -> list[Step]:
    """Always the lowest rank next among those whose predecessors are done."""
    touched = [_touched(step) for step in steps]
    calls = [_user_functions(step) for step in steps]
    waiting = sorted(range(len(steps)), key=lambda number: (ranks[number], number))
    order: list[int] = []
    while waiting:
        chosen = next(
            number
            for number in waiting
            if not any(
                other < number and _order_matters(steps, touched, calls, other, number)
                for other in waiting
            )
        )
        waiting.remove(chosen)
        order.append(chosen)
    return [steps[number] for number in order]


def _touched(step: Step) -> Touched:
    """What memory a step touches, where adding to a variable is not reading it."""
    with working_on(step):
        return touched_by(step, [only_adding(kernel) for kernel in step.kernels()])


def _order_matters(
    steps: list[Step],
    touched: list[Touched],
    calls: list[list[UserFunction]],
    one: int,
    other: int,
) -> bool:
    pair = steps[one], steps[other]
    if any(isinstance(step, Host) for step in pair) or pair[0].owner == pair[1].owner:
        return True
    both = calls[one], calls[other]
    if all(both) or any(not function.stateless for own in both for function in own):
        return True  # they may have something in common, or look into any array
    return touched[one].clashes(touched[other])


def _user_functions(step: Step) -> list[UserFunction]:
    return [call for kernel in step.kernels() for call in kernel.attributes("user")]
