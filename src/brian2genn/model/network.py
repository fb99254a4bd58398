"""The network: arrays, clocks and the steps of one time step, in order."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Annotated, ClassVar

from .compiling import CompilerArguments
from .dtypes import FLOAT64
from .expr import Expr, show
from .footprint import (
    EmptiedQueue,
    FilledQueue,
    How,
    Kind,
    ParamName,
    ReadAnywhere,
    ReadEvents,
    ReadOwn,
    ReadShared,
    RecorderNumber,
    Reference,
    SomeWrittenEvents,
    TypeOf,
    Where,
    WrittenAnywhere,
    WrittenEvents,
    WrittenSome,
    WrittenThroughIndex,
)
from .kernel import Kernel
from .traces import Traces
from .user_code import UserCode


class Role(Enum):
    """What an array is for."""

    STATE = "state"
    #: 0, 1, 2 ...: of the elements of a group
    NUMBER = "i"
    #: the neurons that synapses come from and go to
    SOURCE = "pre"
    TARGET = "post"
    #: the elements that have had a spike, or another event, and last how many they are
    SPIKES = "spikes"
    EVENTS = "events"
    #: of a clock
    TIME = "t"
    TIMESTEP = "timestep"
    DT = "dt"
    #: what a user's function has a pointer to
    NAMESPACE = "namespace"


@dataclass(frozen=True)
class Array:
    """Memory that the program reads or writes; its length is known at run time.

    `owner` is the name of the group that it belongs to, empty for what belongs to none, and
    `variable` what the group calls it: its variable, or the events that are listed.
    """

    name: str
    dtype: str
    origin: str
    owner: str = ""
    role: Role = Role.STATE
    variable: str = ""


@dataclass(frozen=True)
class View:
    """What a user's C++ function sees of the network as ``brian::NAME``.

    Attributes
    ----------
    name : str
        In the text of the function: it does not tell whose array it is.
    kind : str
        ``pointer``, ``size``, ``vector`` and ``matrix`` are those of an array; ``count`` is the
        number of rows that a monitor has recorded; ``clock`` has the arrays of its variables;
        ``generators`` draw random numbers.
    dtype : str
    arrays : tuple of str
        The array, or those of a clock: time, time step and, for a regular one, ``dt``.
    recorder, column : int
        Where more rows wait that belong behind those in the array; -1 if none do.
    """

    name: str
    kind: str
    dtype: str = ""
    arrays: tuple[str, ...] = ()
    recorder: int = -1
    column: int = -1


@dataclass(frozen=True)
class Clock:
    """A clock; `regular` clocks tick every ``dt``, others at listed times.

    `t` and `timestep` are the arrays with its time and how often it has ticked; None if nothing
    reads them.
    """

    name: str
    regular: bool = True
    t: str | None = None
    timestep: str | None = None


@dataclass(frozen=True)
class Param:
    """A number that is constant during a run but not part of the program."""

    name: str
    dtype: str


@dataclass(frozen=True)
class Column:
    """One recorded variable: element type and the kernel output it takes."""

    name: str
    dtype: str
    output: str


@dataclass(frozen=True)
class Recorded:
    """One column of a recorder: an element type, and how many of these a row has.

    `width` is the array that has so many elements; None where it is one.
    """

    dtype: str
    width: str | None = None


@dataclass
class Step:
    """Something done once in every time step of its clock.

    Attributes
    ----------
    name : str
        A C identifier, unique in the network.
    origin : str
        What it is and of which Brian object, for people.
    owner : str
        The name of that Brian object.
    clock : int
        Number of its clock.
    of_all_elements : bool
        Whether its kernel is executed for all elements, and not for those that events have listed.
    domain : str
        The label of the group whose elements its kernel is executed for; empty if there is none.
    own : bool
        Whether each of several processes does it for elements of its own only.
    part : tuple of str, optional
        Where it is one for a part of a group, of which processes do own elements: the array with
        the places of its elements, which follow one another, and one with an element for each of
        the whole group.
    """

    of_all_elements: ClassVar[bool] = True

    name: str
    origin: str
    owner: str
    clock: int
    domain: str = field(default="", kw_only=True)
    own: bool = field(default=False, kw_only=True)
    part: tuple[str, str] | None = field(default=None, kw_only=True)

    def kernels(self) -> list[Kernel]:
        """The kernels the step executes."""
        kernel = getattr(self, "kernel", None)
        return [] if kernel is None else [kernel]

    def recorded(self) -> list[Recorded] | None:
        """What a row of its recorder has; None if nobody has said."""
        return None


@dataclass
class Update(Step):
    """Execute a kernel for all `size` elements of a group."""

    kernel: Kernel
    size: ParamName


@dataclass
class Refractoriness:
    """What a threshold changes in the neurons that crossed it."""

    not_refractory: WrittenSome
    lastspike: WrittenSome
    lastspike_dtype: Annotated[str, TypeOf("lastspike")]
    time: ReadShared


@dataclass
class Threshold(Step):
    """List the elements for which the kernel's output ``_cond`` holds."""

    kernel: Kernel
    size: ParamName
    events: WrittenEvents
    refractoriness: Refractoriness | None = None


@dataclass
class OnEvents(Step):
    """Execute a kernel for the elements listed in `events` (a reset)."""

    of_all_elements = False

    kernel: Kernel
    events: ReadEvents


@dataclass
class Push(Step):
    """Put the events of this time step into a pathway's queue."""

    queue: FilledQueue
    events: ReadEvents


@dataclass
class Deliver(Step):
    """Execute a kernel for the synapses whose events arrive now.

    The events come from the ``"pre"`` or ``"post"`` `side` of the group `synapses`. The kernel
    `before` is executed first, for the runs of synapses that events arrive at: its elements are
    these.
    """

    of_all_elements = False

    kernel: Kernel
    queue: EmptiedQueue
    side: str
    synapses: str
    before: Kernel | None = None

    def kernels(self) -> list[Kernel]:
        return [self.kernel] if self.before is None else [self.kernel, self.before]


@dataclass
class Sum(Step):
    """Sum the kernel's output over all synapses into a variable of the target."""

    kernel: Kernel
    size: ParamName
    target: WrittenThroughIndex
    target_dtype: Annotated[str, TypeOf("target")]
    index: ReadOwn
    start: ParamName
    target_size: ParamName


@dataclass
class RecordEvents(Step):
    """Append the kernel's outputs for events between `start` and `stop`.

    They are counted for the neurons of a subgroup, which is somewhere in the group.
    """

    of_all_elements = False

    kernel: Kernel
    events: ReadEvents
    start: ParamName
    stop: ParamName
    count: WrittenAnywhere
    recorder: RecorderNumber
    columns: list[Column]

    def recorded(self) -> list[Recorded]:
        return [Recorded(column.dtype) for column in self.columns]


@dataclass
class RecordState(Step):
    """Append the kernel's outputs for the listed elements, and the time."""

    kernel: Kernel
    indices: ReadAnywhere
    time: ReadShared
    recorder: RecorderNumber
    columns: list[Column]

    def recorded(self) -> list[Recorded]:
        return [Recorded(FLOAT64), *(Recorded(c.dtype, self.indices) for c in self.columns)]


@dataclass
class RecordRate(Step):
    """Append the number of events per element and second, and the time."""

    events: ReadEvents
    start: ParamName
    stop: ParamName
    size: ParamName
    time: ReadShared
    dt: ReadShared
    rate_dtype: Annotated[str, TypeOf("")]
    recorder: RecorderNumber

    def recorded(self) -> list[Recorded]:
        return [Recorded(FLOAT64), Recorded(self.rate_dtype)]


@dataclass
class EmitSpikes(Step):
    """List the spikes that are due in this time step (a spike generator)."""

    events: SomeWrittenEvents
    neurons: ReadAnywhere
    timebins: ReadAnywhere
    period: ReadShared
    lastindex: WrittenAnywhere
    timestep: ReadShared


@dataclass
class Cable(Step):
    """Solve the cable equation of a multi-compartment neuron.

    `arrays` maps the names of Brian's spatial state update to arrays.
    """

    kernel: Kernel
    size: ParamName
    arrays: Annotated[dict[str, str], Reference(Kind.ARRAY, How.WRITE, Where.ANYWHERE)]


@dataclass
class Exchange(Step):
    """Let all of several processes have what each has computed for elements of its own.

    `lists` are those of events, `values` have a value for each element.
    """

    lists: Annotated[dict[str, str], Reference(Kind.ARRAY, How.WRITE, Where.ANYWHERE, events=True)]
    values: Annotated[dict[str, str], Reference(Kind.ARRAY, How.WRITE, Where.ANYWHERE)]
    #: counts them within the network
    number: int = 0


@dataclass
class Collect(Step):
    """Keep the events of several processes' own elements; exchange them now and then.

    No event is due before: they go into the queues late, as if each had come in its time step.
    `lists` are those of events; `takes` says by the keys of queues which of them they take.
    """

    lists: Annotated[dict[str, str], Reference(Kind.ARRAY, How.READ, Where.ANYWHERE, events=True)]
    queues: Annotated[dict[str, int], Reference(Kind.QUEUE, How.WRITE, Where.ANYWHERE)]
    takes: dict[str, str]
    #: whether they travel while the next time step begins, in which a `Receive` waits for them
    goes_on: bool = False

    def pushes(self) -> list[tuple[int, int]]:
        """For every queue, the place of its list among `lists`, and its number."""
        places = {key: place for place, key in enumerate(self.lists)}
        return [(places[self.takes[key]], queue) for key, queue in self.queues.items()]


@dataclass
class Receive(Step):
    """Put events that a `Collect` has sent into the queues."""

    queues: Annotated[dict[str, int], Reference(Kind.QUEUE, How.WRITE, Where.ANYWHERE)]


@dataclass
class Host(Step):
    """An object that Brian runs; `number` counts them within the network."""

    number: int
    reason: str


@dataclass
class Network:
    """A whole network.

    Attributes
    ----------
    arrays, params : dict
        By name, in the order in which the program is given them.
    clocks : list of Clock
    steps : list of Step
        In the order of Brian's schedule.
    user_code : list of UserCode
        The users' C++ functions.
    views : list of View
        What that text calls ``brian::...``.
    compiler : CompilerArguments
        What that text needs.
    traces : list of Traces
        What is kept for neurons in place of their synapses (``transforms/traces.py``).
    queues, recorders : int
        How many of each the steps refer to.
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    user_code: list[UserCode] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    compiler: CompilerArguments = field(default_factory=CompilerArguments)
    traces: list[Traces] = field(default_factory=list)
    queues: int = 0
    recorders: int = 0

    def kernels(self) -> list[Kernel]:
        """All kernels in schedule order."""
        return [kernel for step in self.steps for kernel in step.kernels()]

    def draws(self) -> bool:
        """Whether something of it draws random numbers."""
        return any(
            kernel.attributes("random") or any(call.draws for call in kernel.attributes("user"))
            for kernel in self.kernels()
        )

    def copied(self) -> Network:
        """A copy that passes over the network do not change; expressions never change."""
        return replace(
            self,
            arrays=dict(self.arrays),
            params=dict(self.params),
            clocks=list(self.clocks),
            steps=[_copied(step) for step in self.steps],
            user_code=list(self.user_code),
            views=list(self.views),
            traces=list(self.traces),
        )


def _copied(step: Step) -> Step:
    step = copy.copy(step)
    for name, kernel in vars(step).items():
        if isinstance(kernel, Kernel):
            # passes replace what a kernel holds, except its accesses
            setattr(step, name, replace(kernel, accesses=dict(kernel.accesses)))
    return step


def columns_of(step: object) -> list[Column]:
    """The recorded variables that a step has among its fields, whatever these are called."""
    lists = (value for value in vars(step).values() if isinstance(value, list))
    return [one for several in lists for one in several if isinstance(one, Column)]


def describe(network: Network) -> str:
    """The network as text for people."""
    lines: list[str] = []

    def statements(title: str, pairs: list[tuple[str, Expr]]) -> None:
        lines.extend(f"    {title} {name} = {show(value)}" for name, value in pairs)

    for step in network.steps:
        lines.append(f"{type(step).__name__} {step.name} ({step.origin}), clock {step.clock}")
        for kernel in step.kernels():
            statements("shared", [(s.name, s.value) for s in kernel.shared_stores])
            statements("store", [(s.name, s.value) for s in kernel.stores])
            statements("output", list(kernel.outputs.items()))
            if kernel.hoisted is not None:
                lines.extend(f"    {line}" for line in kernel.hoisted.describe())
    return "\n".join(lines)
