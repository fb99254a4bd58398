"""Which pathways a block of a GPU can execute for the elements that it owns.

Blocks go through the first stage of a time step by element: each *owns* some elements of a task,
in every time step the same. If it also executes those synapses that have an effect on them,
nobody else reads or writes these elements, and blocks need not wait for each other between the
synapses and the next time step: one meeting of all blocks less.

Then a block may be in the first stage of the next time step while others still are busy with the
synapses of this one. So whatever both touch has to be an owner's. What the stages in between touch
does not matter: a meeting lies before them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ..model.footprint import How, Kind, Touch, Where, footprint
from ..model.network import Deliver, RecordRate, RecordState, Threshold, Update
from .stages import Planner, Stage, Task

#: Steps that are not done before all elements are: they add a row to what was recorded.
WITH_ROWS = (RecordState, RecordRate)


@dataclass(frozen=True)
class Owners:
    """Who executes the synapses of a pathway.

    Attributes
    ----------
    index : str
        The array with the elements that synapses have an effect on.
    task : Task
        Whose blocks own these elements.
    """

    index: str
    task: Task


def owners(
    planner: Planner, stages: Sequence[Stage], late: Collection[int]
) -> list[tuple[Deliver, Owners | None]]:
    """The pathways of the last stage, if its blocks need not wait for each other.

    Parameters
    ----------
    planner : Planner
        That has made the stages.
    stages : sequence of Stage
        Of a whole time step.
    late : collection of int
        Identities of the steps that were due one time step earlier.

    Returns
    -------
    list of (Deliver, Owners or None)
        None where any block may execute any synapse; empty if blocks have to wait.
    """
    if len(stages) < 2:
        return []
    every = [step for stage in stages for task in stage.tasks for step in task.steps]
    looking = any(kernel.looks_into_arrays() for step in every for kernel in step.kernels())
    if looking or any(isinstance(step, WITH_ROWS) for step in every):
        return []
    found: list[tuple[Deliver, Owners | None]] = []
    for step in (step for task in stages[-1].tasks for step in task.steps):
        if not isinstance(step, Deliver) or id(step) in late or not is_side_by_side(planner, step):
            return []
        shared = list(_shared_with(step, stages[0]))
        if any(one is None for one in shared) or len(shared) > 1:
            return []
        found.append((step, shared[0] if shared else None))
    return found


def is_side_by_side(planner: Planner, step: Deliver) -> bool:
    """Whether a pathway's synapses are executed at once, and none looks for what it adds up."""
    return step.before is None and not planner.why_in_order(step) and not planner.gathered_by(step)


def _shared_with(step: Deliver, first: Stage) -> Iterator[Owners | None]:
    """By which elements a pathway meets the first stage, each once; None: by none of a block."""
    seen: list[Owners | None] = []
    for touch in footprint(step):
        if touch.memory.kind is not Kind.ARRAY:
            continue  # queues have a place for each time step
        if touch.how is not How.READ and touch.where in (Where.SHARED, Where.ANYWHERE):
            yield None
        for task in first.tasks:
            if not any(order_matters(touch, other) for s in task.steps for other in footprint(s)):
                continue
            its = [
                other for s in task.steps for other in footprint(s) if other.memory == touch.memory
            ]
            by_element = any(isinstance(s, Update | Threshold) for s in task.steps)
            by_element = by_element and task.domain is not None
            if touch.index is None or not by_element or not all(other.own for other in its):
                yield None
            elif (one := Owners(touch.index, task)) not in seen:
                seen.append(one)
                yield one


def order_matters(one: Touch, other: Touch) -> bool:
    """Whether what two steps do to memory has an order: not if both read, or both add."""
    if one.memory != other.memory:
        return False
    return one.how is not other.how or one.how is How.WRITE
