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

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace

from ..model.footprint import How, Kind, Memory, footprint
from ..model.kernel import ELEMENT, Access, Kernel
from ..model.mishap import working_on
from ..model.network import (
    Deliver,
    EmitSpikes,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Step,
    Threshold,
    Update,
)
from .scatter import float_additions, why_ordered


@dataclass
class Touched:
    """What memory a step touches: at the thread's own element, anywhere, or by adding."""

    own_reads: set[Memory] = field(default_factory=set)
    own_writes: set[Memory] = field(default_factory=set)
    reads: set[Memory] = field(default_factory=set)
    writes: set[Memory] = field(default_factory=set)
    additions: set[Memory] = field(default_factory=set)

    def everywhere(self) -> Touched:
        """The same, for a step that has no element of its own."""
        return Touched(
            reads=self.reads | self.own_reads,
            writes=self.writes | self.own_writes,
            additions=set(self.additions),
        )

    def add(self, other: Touched) -> None:
        """Take what another step touches for touched, too."""
        for part in fields(self):
            getattr(self, part.name).update(getattr(other, part.name))

    def of_the_step_before(self) -> Touched:
        """The same, for a step that is executed one time step later than it was due.

        Queues have a place for each time step, so it meets other places of them.
        """

        def others(touched: set[Memory]) -> set[Memory]:
            return {replace(one, before=one.kind is Kind.QUEUE) for one in touched}

        return replace(self, reads=others(self.reads), writes=others(self.writes))

    def clashes(self, other: Touched) -> bool:
        """Whether the order of two steps matters."""
        return bool(self._clash(other) or other._clash(self))

    def _clash(self, other: Touched) -> set[Memory]:
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


@dataclass(frozen=True)
class OfGroup:
    """The elements of a group, of which this parameter says how many there are."""

    size: str


@dataclass(frozen=True)
class OfEvents:
    """The elements of a group that nothing is known of but the array of its events."""

    events: str


@dataclass(frozen=True)
class OfSpikes:
    """The spikes that a generator lists in this array."""

    events: str


#: What the elements of a task are.
Domain = OfGroup | OfEvents | OfSpikes


@dataclass
class Task:
    """Steps that threads take the elements of one domain through.

    Attributes
    ----------
    number : int
        Counts the tasks of a program.
    domain : OfGroup, OfEvents, OfSpikes or None
        What the elements are; steps of one domain can share a task. None for a step that cannot.
    steps : list of Step
    """

    number: int
    domain: Domain | None
    steps: list[Step] = field(default_factory=list)


@dataclass
class Stage:
    """Tasks that are executed side by side."""

    tasks: list[Task] = field(default_factory=list)


class Planner:
    """Groups steps into stages, in several ways; remembers what they touch.

    Parameters
    ----------
    network : Network
        Tells which group an array of events belongs to.
    deterministic : bool, optional
        Whether additions to the same variable keep their order: sums are rounded.
    """

    def __init__(self, network: Network, *, deterministic: bool = False) -> None:
        self._network = network
        self._deterministic = deterministic
        self._touched: dict[tuple[int, bool], Touched] = {}
        self._clashes: dict[tuple[int, bool, int, bool], tuple[bool, bool]] = {}

    def plan(
        self, steps: Sequence[Step], *, late: Collection[int] = (), fuse: bool = True
    ) -> list[Stage]:
        """Group `steps` into stages.

        Parameters
        ----------
        steps : sequence of Step
            A stretch of the schedule without steps that the host runs.
        late : collection of int
            Identities of the steps that were due one time step earlier.
        fuse : bool, optional
            Without it every step is a stage of its own (to measure each).

        Returns
        -------
        list of Stage
            Tasks are numbered from 0 in the order of the stages.
        """
        stages: list[Stage] = []
        for step in steps:
            with working_on(step):
                domain = self.domain_of(step)
                place, partner = self._place(stages, step, domain, late)
            if not fuse:
                place, partner = len(stages), None
            if place == len(stages):
                stages.append(Stage())
            if partner is None:
                same = [task for task in stages[place].tasks if task.domain == domain]
                partner = same[0] if same and fuse and domain is not None else None
            if partner is None:
                partner = Task(0, domain)
                stages[place].tasks.append(partner)
            partner.steps.append(step)
        for number, task in enumerate(task for stage in stages for task in stage.tasks):
            task.number = number
        return stages

    def _place(
        self, stages: Sequence[Stage], step: Step, domain: Domain | None, late: Collection[int]
    ) -> tuple[int, Task | None]:
        """The stage for a step, and the task it has to share if any."""
        place, partner = 0, None
        for number, stage in enumerate(stages):
            for task in stage.tasks:
                clashes = [self._clash(step, other, late) for other in task.steps]
                if not any(clash for clash, _ in clashes):
                    continue
                shares = task.domain == domain and not any(beyond for _, beyond in clashes)
                if shares and number > place:
                    place, partner = number, task
                elif shares and number == place and partner is None:
                    partner = task
                elif number >= place:
                    place, partner = number + 1, None
        return place, partner

    def _clash(self, one: Step, other: Step, late: Collection[int]) -> tuple[bool, bool]:
        """Whether the order of two steps matters, and whether beyond a thread's own element."""
        key = (id(one), id(one) in late, id(other), id(other) in late)
        if key not in self._clashes:
            mine, its = self._of(*key[:2], one), self._of(*key[2:], other)
            self._clashes[key] = mine.clashes(its), mine.clashes_beyond_own(its)
        return self._clashes[key]

    def domain_of(self, step: Step) -> Domain | None:
        """What a step's elements are; None if it cannot share a task."""
        if self.why_in_order(step):
            return None
        match step:
            case Update() | Threshold():
                return None if step.kernel.shared_stores else OfGroup(step.size)
            case EmitSpikes():
                return OfSpikes(step.events)
            case OnEvents() | RecordEvents() | Push() | RecordRate():
                return _domain_of_events(self._network, step.events)
            case RecordState():
                size = domain_of_monitor(self._network, step)
                return None if size is None else OfGroup(size)
        return None

    def why_in_order(self, step: Step) -> str:
        """Why the elements of a step are executed one after the other, for people; empty if not."""
        for kernel in step.kernels():
            if (reason := why_ordered(kernel)) is not None:
                return reason
        targets = {access.index for kernel in step.kernels() for access in float_additions(kernel)}
        if self._deterministic and len(targets) > isinstance(step, Deliver):
            return "its sums are to be the same in every run"
        return ""

    def gathered_by(self, step: Step) -> Access | None:
        """The variable whose targets look for what is added to them, so that sums are reproducible.

        Those of a pathway's synapses can do that, if all that it adds is for the same targets.
        """
        if not self._deterministic or not isinstance(step, Deliver) or self.why_in_order(step):
            return None
        return next(iter(float_additions(step.kernel)), None)

    def order_matters(self, one: Step, other: Step) -> bool:
        """Whether the order of two steps of one time step matters."""
        return self._clash(one, other, ())[0]

    def _of(self, identity: int, late: bool, step: Step) -> Touched:
        if (identity, late) not in self._touched:
            touched = touched_by(step)
            if self.domain_of(step) is None:
                touched = touched.everywhere()
            if self._deterministic:
                touched.reads |= touched.additions
            self._touched[identity, late] = touched.of_the_step_before() if late else touched
        return self._touched[identity, late]


def _domain_of_events(network: Network, events: str) -> Domain:
    for other in network.steps:
        if isinstance(other, Threshold) and other.events == events:
            return OfGroup(other.size)
        if isinstance(other, EmitSpikes) and other.events == events:
            return OfSpikes(events)
    return OfEvents(events)


def domain_of_monitor(network: Network, step: RecordState) -> str | None:
    """The size of the group whose elements a state monitor sees.

    Returns
    -------
    str or None
        A parameter; None if no other step goes through these elements.
    """
    if why_ordered(step.kernel) is not None:
        return None
    seen = {a.array for a in step.kernel.loads() if a.index == ELEMENT}
    for other in network.steps:
        if isinstance(other, Update | Threshold):
            accesses = other.kernel.accesses.values()
            if seen & {a.array for a in accesses if a.index == ELEMENT}:
                return other.size
    return None


def touched_by(step: Step, kernels: Sequence[Kernel] | None = None) -> Touched:
    """What memory a step touches; with these kernels in place of its own, if they are given."""
    touched = Touched()
    for touch in footprint(step, kernels):
        match touch.how:
            case How.READ:
                places = touched.own_reads if touch.own else touched.reads
            case How.WRITE:
                places = touched.own_writes if touch.own else touched.writes
            case How.ADD:
                places = touched.additions
        places.add(touch.memory)
    return touched
