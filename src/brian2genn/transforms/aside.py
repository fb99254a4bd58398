"""Which additions can be put aside, so that a time step is one stage of one kernel.

Synapses that spikes arrive at come after the neurons of their time step, as both change the same
variables. If they only add, what they add can be put aside, and taken by the neurons at the
beginning of their next time step: then synapses are executed beside neurons, and blocks meet once.

Nothing but neurons may look at these variables meanwhile, each thread at its own. Spikes have to be
on their way for one time step at least, which the host sees: those that are sent in a time step are
listed beside those that arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..model.footprint import How, Kind, Touch, footprint
from ..model.network import Deliver, Push, Step, Threshold, Update
from .owners import WITH_ROWS, is_side_by_side, order_matters
from .stages import Planner, Stage, Task


def put_aside(
    planner: Planner, stages: Sequence[Stage], late: Collection[int]
) -> dict[str, Task] | None:
    """The arrays whose additions of the last stage can be put aside.

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
    dict or None
        From the name of an array to the task that takes what was added; None if the last stage has
        to wait for the first all the same.
    """
    if len(stages) != 2:
        return None
    first, last = ([step for task in stage.tasks for step in task.steps] for stage in stages)
    if any(kernel.looks_into_arrays() for step in (*first, *last) for kernel in step.kernels()):
        return None
    if any(isinstance(step, WITH_ROWS) for step in (*first, *last)):
        return None
    if any(isinstance(step, Push) and id(step) in late for step in first):
        return None
    found: dict[str, Task] = {}
    for step in last:
        if id(step) in late or not _is_side_by_side(planner, step):
            return None
        for touch in footprint(step):
            tasks = _waited_for(touch, stages[0])
            if not tasks:
                continue
            if touch.how is not How.ADD or len(tasks) > 1 or not _is_own(touch, tasks[0], first):
                return None
            found[str(touch.memory.name)] = tasks[0]
    return found


def _is_side_by_side(planner: Planner, step: Step) -> bool:
    """Whether the elements of a step are executed at once, and do nothing when all are done."""
    if isinstance(step, Deliver):
        return is_side_by_side(planner, step)
    if not isinstance(step, Update) or step.kernel.shared_stores:
        return False
    return not planner.why_in_order(step)


def _waited_for(touch: Touch, stage: Stage) -> list[Task]:
    """The tasks of a stage in which an array is touched so that the order matters."""
    if touch.memory.kind is not Kind.ARRAY:
        return []  # queues have a place for each time step
    return [
        task
        for task in stage.tasks
        if any(order_matters(touch, other) for step in task.steps for other in footprint(step))
    ]


def _is_own(touch: Touch, task: Task, steps: Sequence[Step]) -> bool:
    """Whether a stage touches an array in one task only, whose threads have an element each."""
    its = [
        (step, other) for step in steps for other in footprint(step) if other.memory == touch.memory
    ]
    by_element = any(isinstance(s, Update | Threshold) for s in task.steps)
    return (
        by_element
        and task.domain is not None
        and all(other.own and any(step is one for one in task.steps) for step, other in its)
    )
