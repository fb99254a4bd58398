"""Which networks can do with messages: blocks tell each other of events, and of nothing else.

Where blocks execute the synapses of what they own (see `owners`), all that one block of a GPU has
to know of others are the events of this time step. If these arrive in the same time step, a block
needs no list of them in memory: a bit for each element is enough, which the blocks of a cluster can
send to each other. Then nothing that a block writes is read by another one before the launch is
over, and no memory has to be in order between them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ..model.footprint import How, Kind, Memory, footprint
from ..model.network import (
    Deliver,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    Step,
    Threshold,
    Update,
)
from .owners import Owners
from .stages import Planner, Stage, Task

#: What blocks do with elements of their own before they tell of events, and what is in messages.
_KINDS = (Update, Threshold, OnEvents, Push, RecordEvents)


@dataclass
class Messages:
    """Who tells of what.

    Attributes
    ----------
    thresholds : dict
        By the number of a task: the step after which its events are known.
    sources : dict
        By the number of a queue: the task that has its sources.
    monitors : list of (RecordEvents, Task)
        Steps that are executed when all events are known.
    """

    thresholds: dict[int, Threshold] = field(default_factory=dict)
    sources: dict[int, Task] = field(default_factory=dict)
    monitors: list[tuple[RecordEvents, Task]] = field(default_factory=list)


def messages(
    planner: Planner,
    network: Network,
    stages: Sequence[Stage],
    late: Collection[int],
    owned: Sequence[tuple[Deliver, Owners | None]],
) -> Messages | None:
    """What blocks have to tell each other, if that is all they need to know.

    Parameters
    ----------
    planner : Planner
        That has made the stages.
    network : Network
    stages : sequence of Stage
        Of a whole time step.
    late : collection of int
        Identities of the steps that were due one time step earlier.
    owned : sequence of (Deliver, Owners or None)
        The pathways of the last stage, as `owners` tells.
    """
    if len(stages) != 2 or len(network.clocks) != 1 or not owned:
        return None
    if any(owner is None for _, owner in owned):
        return None
    found = Messages()
    for task in stages[0].tasks:
        if not _is_by_element(planner, task) or not _note_events(found, task, late):
            return None
    delivered = [step for step, _ in owned]
    if not all(step.queue in found.sources for step in delivered):
        return None
    if not all(_can_wait(step, task, delivered) for step, task in found.monitors):
        return None
    return found


def _is_by_element(planner: Planner, task: Task) -> bool:
    """Whether a thread takes an element through all steps, and nobody waits for all threads."""
    return all(
        isinstance(step, _KINDS)
        and not planner.why_in_order(step)
        and not any(kernel.shared_stores for kernel in step.kernels())
        for step in task.steps
    )


def _note_events(found: Messages, task: Task, late: Collection[int]) -> bool:
    """Note who tells of a task's events; whether that is one step, in the same time step."""
    told = [step for step in task.steps if isinstance(step, Push | RecordEvents)]
    if any(id(step) in late for step in told):
        return False
    if not told:
        return True
    events = {step.events for step in told}
    makers = [s for s in task.steps if isinstance(s, Threshold) and s.events in events]
    if len(events) > 1 or len(makers) != 1 or id(makers[0]) in late:
        return False
    if any(task.steps.index(makers[0]) > task.steps.index(step) for step in told):
        return False
    found.thresholds[task.number] = makers[0]
    for step in told:
        if isinstance(step, RecordEvents):
            found.monitors.append((step, task))
        elif step.queue in found.sources:
            return False
        else:
            found.sources[step.queue] = task
    return True


def _can_wait(monitor: RecordEvents, task: Task, delivered: Sequence[Deliver]) -> bool:
    """Whether a monitor sees the same after the steps behind it, and after the synapses."""
    behind: list[Step] = [*task.steps[task.steps.index(monitor) + 1 :], *delivered]
    read, written = _touched(monitor, reads=True), _touched(monitor, reads=False)
    return not any(
        read & _touched(step, reads=False)
        or written & (_touched(step, reads=True) | _touched(step, reads=False))
        for step in behind
    )


def _touched(step: Step, *, reads: bool) -> set[Memory]:
    """The arrays that a step reads, or those that it changes."""
    return {
        touch.memory
        for touch in footprint(step)
        if touch.memory.kind is Kind.ARRAY and (touch.how is How.READ) == reads
    }
