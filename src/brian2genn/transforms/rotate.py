"""Begin a time step with the end of the one before, where that saves a stage.

Executed without end, the stages of a time step form a ring: Brian's order says who
comes before whom, not where a step of the ring begins. A reset that waits for the
synapses (both change ``v``) would be a stage of its own at the end; executed *late*,
at the beginning of the next time step, it shares a task with the state update there.
So does a postsynaptic pathway that waits for the presynaptic one: it is executed
beside the neurons of the next time step.

Late steps are due in the time step before: they see its time, its random numbers and
its place in the spike queues. Before anybody looks, they are made up for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.network import Step
from .stages import Planner, Stage


def rotate(planner: Planner, steps: Sequence[Step]) -> tuple[list[Stage], list[Step]]:
    """The fewest stages for steps that are executed again and again.

    Parameters
    ----------
    planner : Planner
    steps : sequence of Step
        A whole time step in the order of the schedule.

    Returns
    -------
    stages : list of Stage
    late : list of Step
        Those that are executed one time step later, in the order of the schedule.
    """
    best, late_steps = planner.plan(steps), list[Step]()
    for late in _candidates(planner, steps, best):
        if len(late) in (0, len(steps)):
            continue
        rest = [step for step in steps if id(step) not in late]
        first = [step for step in steps if id(step) in late]
        stages = planner.plan([*first, *rest], late=late)
        if (len(stages), len(first)) < (len(best), len(late_steps)):
            best, late_steps = stages, first
    return best, late_steps


def _candidates(
    planner: Planner, steps: Sequence[Step], stages: Sequence[Stage]
) -> Iterable[frozenset[int]]:
    """Sets of steps (by identity) that nobody else in their time step waits for."""
    if len(stages) < 2:
        return
    for first in range(len(stages) - 1, 0, -1):
        last = {id(step) for stage in stages[first:] for task in stage.tasks for step in task.steps}
        yield _with_followers(planner, steps, last)
    for step in reversed(steps):
        yield _with_followers(planner, steps, {id(step)})


def _with_followers(planner: Planner, steps: Sequence[Step], late: set[int]) -> frozenset[int]:
    """These steps and all later ones that have to come after one of them."""
    chosen: list[Step] = []
    for step in steps:
        if id(step) in late or any(planner.order_matters(other, step) for other in chosen):
            chosen.append(step)
    return frozenset(map(id, chosen))
