"""Group the steps of a time step into stages that are executed all at once.

A massively parallel device executes one *stage* after the other; within a stage
it executes many *tasks* side by side.  A task does one or several steps for
every element of one domain: a thread takes an element through all of them, so
that update, threshold and reset of a group are one pass over its variables.

Steps keep their order where it matters: a step comes into a later stage than
every earlier step that touches the same memory, unless both touch it only at
the element that a thread is busy with; then they may share a task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..model.kernel import ELEMENT, Kernel
from ..model.network import (
    Cable,
    Deliver,
    EmitSpikes,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Step,
    Sum,
    Threshold,
    Update,
)
from .scatter import why_ordered


@dataclass
class Touched:
    """What memory a step touches: at the thread's own element, anywhere, or by adding."""

    own_reads: set[str] = field(default_factory=set)
    own_writes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    additions: set[str] = field(default_factory=set)

    def everywhere(self) -> Touched:
        """The same, for a step that has no element of its own."""
        return Touched(
            reads=self.reads | self.own_reads,
            writes=self.writes | self.own_writes,
            additions=set(self.additions),
        )

    def clashes(self, other: Touched) -> bool:
        """Whether the order of two steps matters."""
        return bool(self._clash(other) or other._clash(self))

    def _clash(self, other: Touched) -> set[str]:
        written = self.own_writes | self.writes
        touched = other.own_reads | other.own_writes | other.reads | other.writes | other.additions
        read = other.own_reads | other.reads
        return written & touched | self.additions & read

    def clashes_beyond_own(self, other: Touched) -> bool:
        """Whether they clash at other elements than the thread's own."""
        clash = self._clash(other) | other._clash(self)
        beyond = self.reads | self.writes | self.additions
        beyond |= other.reads | other.writes | other.additions
        return bool(clash & beyond)


@dataclass
class Task:
    """Steps that threads take the elements of one domain through.

    Attributes
    ----------
    number : int
        Counts the tasks of a program.
    domain : str
        What the elements are; steps of one domain can share a task.
    steps : list of Step
    """

    number: int
    domain: str
    steps: list[Step] = field(default_factory=list)


@dataclass
class Stage:
    """Tasks that are executed side by side."""

    tasks: list[Task] = field(default_factory=list)


def plan_stages(network: Network, steps: Sequence[Step], *, fuse: bool = True) -> list[Stage]:
    """Group `steps` into stages.

    Parameters
    ----------
    network : Network
        Tells which group an array of events belongs to.
    steps : sequence of Step
        A stretch of the schedule without steps that the host runs.
    fuse : bool, optional
        Without it every step is a stage of its own (to measure each).

    Returns
    -------
    list of Stage
        Tasks are numbered from 0 in the order of the stages.
    """
    stages: list[Stage] = []
    touched = {id(step): touched_by(step) for step in steps}
    domains = {id(step): domain_of(network, step) for step in steps}
    for step in steps:
        mine, domain = touched[id(step)], domains[id(step)]
        place, partner = 0, None
        for number, stage in enumerate(stages):
            for task in stage.tasks:
                clashing = [s for s in task.steps if mine.clashes(touched[id(s)])]
                if not clashing:
                    continue
                shares = task.domain == domain and not any(
                    mine.clashes_beyond_own(touched[id(s)]) for s in clashing
                )
                if shares and number > place:
                    place, partner = number, task
                elif shares and number == place and partner is None:
                    partner = task
                elif number >= place:
                    place, partner = number + 1, None
        if not fuse:
            place, partner = len(stages), None
        if place == len(stages):
            stages.append(Stage())
        if partner is None:
            same = [task for task in stages[place].tasks if task.domain == domain]
            partner = same[0] if same and fuse and domain else None
        if partner is None:
            partner = Task(0, domain)
            stages[place].tasks.append(partner)
        partner.steps.append(step)
    for number, task in enumerate(task for stage in stages for task in stage.tasks):
        task.number = number
    return stages


def domain_of(network: Network, step: Step) -> str:
    """What a step's elements are; empty if it cannot share a task."""
    if isinstance(step, Update | Threshold):
        ordered = why_ordered(step.kernel) is not None
        return "" if ordered or step.kernel.shared_stores else step.size
    if isinstance(step, OnEvents | RecordEvents):
        return "" if why_ordered(step.kernel) is not None else _domain_of_events(network, step)
    if isinstance(step, Push):
        return _domain_of_events(network, step)
    return ""


def _domain_of_events(network: Network, step: OnEvents | RecordEvents | Push) -> str:
    for other in network.steps:
        if isinstance(other, Threshold) and other.events == step.events:
            return other.size
    return f"elements of {step.events}"


def touched_by(step: Step) -> Touched:
    """What memory a step touches."""
    touched = Touched()
    for kernel in step.kernels():
        _add_kernel(touched, kernel)
    match step:
        case Threshold():
            touched.own_writes.add(step.events)
            if step.refractoriness is not None:
                own = (step.refractoriness.not_refractory, step.refractoriness.lastspike)
                touched.own_writes.update(own)
                touched.reads.add(step.refractoriness.time)
        case OnEvents():
            touched.own_reads.add(step.events)
        case Push():
            touched.own_reads.add(step.events)
            touched.writes.add(f"queue {step.queue}")
        case RecordEvents():
            touched.own_reads.add(step.events)
            # counted for the neurons of a subgroup, at an offset
            touched.writes.update((step.count, f"recorder {step.recorder}"))
        case Deliver():
            touched = touched.everywhere()
            touched.writes.add(f"queue {step.queue}")
        case Sum():
            touched = touched.everywhere()
            touched.reads.add(step.index)
            touched.writes.add(step.target)
        case RecordState():
            touched = touched.everywhere()
            touched.reads.update((step.indices, step.time))
            touched.writes.add(f"recorder {step.recorder}")
        case RecordRate():
            touched.reads.update((step.events, step.time, step.dt))
            touched.writes.add(f"recorder {step.recorder}")
        case EmitSpikes():
            touched.reads.update((step.neurons, step.timebins, step.period, step.timestep))
            touched.writes.update((step.events, step.lastindex))
        case Cable():
            touched = touched.everywhere()
            touched.writes.update(step.arrays.values())
    return touched


def _add_kernel(touched: Touched, kernel: Kernel) -> None:
    for access in kernel.loads():
        (touched.own_reads if access.index == ELEMENT else touched.reads).add(access.array)
    for store in kernel.stores:
        access = kernel.accesses[store.name]
        if store.add:
            touched.additions.add(access.array)
        else:
            own = access.index == ELEMENT
            (touched.own_writes if own else touched.writes).add(access.array)
    for store in kernel.shared_stores:
        touched.writes.add(kernel.accesses[store.name].array)
