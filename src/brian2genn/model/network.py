"""The network: arrays, clocks and the steps of one time step, in order."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace

from .compiling import CompilerArguments
from .expr import Expr, show
from .kernel import Kernel
from .mishap import Mishap, working_on


@dataclass(frozen=True)
class Array:
    """Memory that the program reads or writes; its length is known at run time.

    `owner` is the name of the group that it belongs to; empty for what belongs to none.
    """

    name: str
    dtype: str
    origin: str
    owner: str = ""


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

    `t` and `timestep` are the arrays with its time and how often it has ticked; empty if nothing
    reads them.
    """

    name: str
    regular: bool = True
    t: str = ""
    timestep: str = ""


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
    """

    name: str
    origin: str
    owner: str
    clock: int

    def kernels(self) -> list[Kernel]:
        """The kernels the step executes."""
        kernel = getattr(self, "kernel", None)
        return [] if kernel is None else [kernel]


@dataclass
class Update(Step):
    """Execute a kernel for all `size` elements of a group."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    size: str = ""


@dataclass
class Refractoriness:
    """What a threshold changes in the neurons that crossed it."""

    not_refractory: str
    lastspike: str
    lastspike_dtype: str
    time: str


@dataclass
class Threshold(Step):
    """List the elements for which the kernel's output ``_cond`` holds."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    size: str = ""
    events: str = ""
    refractoriness: Refractoriness | None = None


@dataclass
class OnEvents(Step):
    """Execute a kernel for the elements listed in `events` (a reset)."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    events: str = ""


@dataclass
class Push(Step):
    """Put the events of this time step into a pathway's queue."""

    queue: int = 0
    events: str = ""


@dataclass
class Deliver(Step):
    """Execute a kernel for the synapses whose events arrive now.

    The events come from the ``"pre"`` or ``"post"`` `side` of the group `synapses`.
    """

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    queue: int = 0
    side: str = "pre"
    synapses: str = ""


@dataclass
class Sum(Step):
    """Sum the kernel's output over all synapses into a variable of the target."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    size: str = ""
    target: str = ""
    target_dtype: str = ""
    index: str = ""
    start: str = ""
    target_size: str = ""


@dataclass
class RecordEvents(Step):
    """Append the kernel's outputs for events between `start` and `stop`."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    events: str = ""
    start: str = ""
    stop: str = ""
    count: str = ""
    recorder: int = 0
    columns: list[Column] = field(default_factory=list)


@dataclass
class RecordState(Step):
    """Append the kernel's outputs for the listed elements, and the time."""

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    indices: str = ""
    time: str = ""
    recorder: int = 0
    columns: list[Column] = field(default_factory=list)


@dataclass
class RecordRate(Step):
    """Append the number of events per element and second, and the time."""

    events: str = ""
    start: str = ""
    stop: str = ""
    size: str = ""
    time: str = ""
    dt: str = ""
    rate_dtype: str = ""
    recorder: int = 0


@dataclass
class EmitSpikes(Step):
    """List the spikes that are due in this time step (a spike generator)."""

    events: str = ""
    neurons: str = ""
    timebins: str = ""
    period: str = ""
    lastindex: str = ""
    timestep: str = ""


@dataclass
class Cable(Step):
    """Solve the cable equation of a multi-compartment neuron.

    `arrays` maps the names of Brian's spatial state update to arrays.
    """

    kernel: Kernel = field(default_factory=lambda: Kernel("", ""))
    size: str = ""
    arrays: dict[str, str] = field(default_factory=dict)


@dataclass
class Host(Step):
    """An object that Brian runs; `number` counts them within the network."""

    number: int = 0
    reason: str = ""


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
    user_code : list of str
        The text of users' C++ functions.
    views : list of View
        What that text calls ``brian::...``.
    compiler : CompilerArguments
        What that text needs.
    queues, recorders : int
        How many of each the steps refer to.
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    clocks: list[Clock] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    user_code: list[str] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    compiler: CompilerArguments = field(default_factory=CompilerArguments)
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
        )


def _copied(step: Step) -> Step:
    step = copy.copy(step)
    for name, kernel in vars(step).items():
        if isinstance(kernel, Kernel):
            # passes replace what a kernel holds, except its accesses
            setattr(step, name, replace(kernel, accesses=dict(kernel.accesses)))
    return step


class ModelError(Mishap):
    """The model contradicts itself: a defect of the program, not of the script."""


def verify(network: Network) -> None:
    """Check that everything a network refers to exists.

    Raises
    ------
    ModelError
        With the step and what is wrong in it.
    """
    for view in network.views:
        for name in view.arrays:
            if name not in network.arrays:
                raise ModelError(f"brian::{view.name}: array '{name}' does not exist", "")
        if view.recorder >= network.recorders:
            raise ModelError(f"brian::{view.name}: recorder {view.recorder} does not exist", "")
    seen: set[str] = set()
    for step in network.steps:
        with working_on(step):
            _verify_step(network, step, seen)


def _verify_step(network: Network, step: Step, seen: set[str]) -> None:
    def fail(message: str) -> None:
        raise ModelError(f"step '{step.name}' of {step.origin}: {message}", step.owner)

    if not 0 <= step.clock < len(network.clocks):
        fail(f"clock {step.clock} does not exist")
    for attribute in ("events", "target", "index", "indices", "count", "neurons"):
        array = getattr(step, attribute, None)
        if array and array not in network.arrays:
            fail(f"array '{array}' ({attribute}) does not exist")
    for kernel in step.kernels():
        if kernel.name in seen:
            fail(f"two kernels are called '{kernel.name}'")
        seen.add(kernel.name)
        for access in kernel.accesses.values():
            if access.array not in network.arrays:
                fail(f"'{access.name}' refers to unknown array '{access.array}'")
            if kernel.has_index_access(access) and access.index not in kernel.accesses:
                fail(f"'{access.name}' has unknown index '{access.index}'")
        for name in kernel.attributes("load"):
            if name not in kernel.accesses:
                fail(f"'{name}' is read but has no access")
        for name in kernel.attributes("given"):
            if name not in kernel.given:
                fail(f"'{name}' is not given")
        for name in kernel.attributes("param"):
            if name not in network.params:
                fail(f"parameter '{name}' does not exist")


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
    return "\n".join(lines)
