"""What a host must know of a CUDA program besides its text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...model.network import EmitSpikes

#: What is derived of an array or a step.
Part = Literal[
    "order",
    "start",
    "source",
    "delay",
    "mask",
    "rank",
    "first",
    "before",
    "late",
    "arranged",
    "aside",
]

#: That of synapses whose targets gather, and of the elements that a monitor records.
GATHERED_PARTS: tuple[Part, ...] = ("order", "start", "source", "delay")
RECORDED_PARTS: tuple[Part, ...] = ("mask", "rank", "first", "order")


@dataclass(frozen=True)
class Derived:
    """An array that a program wants beside those of the network.

    Attributes
    ----------
    of : str
        The array or the step that it belongs to.
    part : str
        ``order``, ``start``, ``source``, ``delay``: synapses by their targets.
        ``mask``, ``rank``, ``first``, ``order``: the elements that a monitor records.
        ``before``: the spikes of a generator in the last time steps.
        ``late``: an array of the network, as steps see it that are executed one time step late.
        ``aside``: twice as many elements as an array of the network, which are added to it later.
        ``arranged``: an array of synapses (after the name of the step) in the order of delivery.
    """

    of: str
    part: Part


#: An array of the network, or one beside them.
ArrayName = str | Derived


@dataclass(frozen=True)
class ParamCount:
    """As many elements as a parameter says."""

    param: str


@dataclass(frozen=True)
class ArrayCount:
    """As many elements as an array has, or one less: lists of events end with their number."""

    array: str
    less: int = 0


@dataclass(frozen=True)
class QueueCount:
    """As many as a queue has to deliver to."""

    queue: int


#: How many elements a task has; None where that does not matter.
Count = ParamCount | ArrayCount | QueueCount | None


@dataclass(frozen=True)
class TaskPlan:
    """How many threads a task wants; the host turns it into blocks.

    Attributes
    ----------
    number : int
    kind : str
        ``elements`` (one thread each), ``warps`` (32 threads each, or fewer that take
        turns), ``share`` (as many as are useful), ``queue`` (as a pathway needs), ``one`` block.
    count : ParamCount, ArrayCount, QueueCount or None
        How many elements.
    what : tuple of str
        The steps, for people.
    """

    number: int
    kind: str
    count: Count
    what: tuple[str, ...]


@dataclass(frozen=True)
class KernelPlan:
    """A kernel of the program: its name and the tasks whose blocks it is launched with."""

    name: str
    tasks: tuple[int, ...]
    #: numbers of its steps, for profiling
    steps: tuple[int, ...]


@dataclass(frozen=True)
class RecorderLayout:
    """The columns of a recorder: element types, and elements in a row."""

    dtypes: tuple[str, ...]
    #: for every column, 1 or the array whose length is the row's width
    widths: tuple[str, ...]
    #: rows one step can add: parameters start and stop, or nothing for one row
    most: tuple[str, str] | None
    #: whether the first column holds the order of the rows
    sorts: bool = False


@dataclass(frozen=True)
class OwnedQueue:
    """A pathway whose synapses the blocks can execute that own their targets.

    Attributes
    ----------
    index : str
        The array of the targets' indices.
    task : int
        Whose blocks own the targets.
    at_once : int
        Synapses that a thread executes side by side.
    """

    index: str
    task: int
    at_once: int


@dataclass
class CudaSource:
    """The text of a program and what its user must know of it.

    Attributes
    ----------
    text : str
    arrays : list of str or Derived
    numbers, integers : list of str
        In the order in which the program expects them.
    inverses : dict
        From the array of indices to the parameters ``(start, size)`` of the
        targets, which is `Derived` of it.
    generators : list of EmitSpikes
        The spike generators.
    monitored : dict
        From the array of the indices that a monitor records to the parameter with the
        size of the group.
    gathered : dict
        From the number of a queue to the name of the step whose additions are gathered by their
        targets, the array of the targets' indices, and an array of the targets.
    arranged : dict
        By the numbers of queues: the arrays whose values are wanted in the order of delivery too,
        if there is memory for them, by what is `Derived` of them.
    owned : dict
        From the number of a queue to how blocks can deliver its spikes to what they own.
    at_once : dict
        From the number of a queue to how many synapses of a run a thread executes side by side.
    waits_once : bool
        Whether ``run_steps`` can do with one meeting of blocks less in a time step.
    aside : list of str, or None
        The arrays whose additions ``run_steps`` can put aside, so that a time step is one stage;
        None if it cannot be.
    tells : bool
        Whether the blocks of a cluster can tell each other all that they need to know of events, if
        these have no delay.
    n_queues : int
    most_threads : int
        That a block may have.
    queue_clocks : dict
        Number of a queue to that of its clock.
    late_recorders : set of int
        Recorders whose rows are added one time step late.
    scratch : dict
        `Derived` arrays of the program's own, with their bytes; filled with -1.
    events : set of str
        Arrays that are flags on the device and Brian's event spaces on the host.
    written : set of str
        Arrays that the program changes.
    constant_bytes : int
        Size of what is computed once per run.
    tasks, kernels : list
    loop : list of str
        The kernels of a whole time step.
    resident : bool
        Whether ``run_steps`` is there, which executes many time steps in one launch.
    late, late_steps : list of str
        Kernels that make up for the steps that are executed in the next time step, and
        these steps.
    schedule : list of (str, int)
        ``("block", number)`` and ``("host", number)`` in the order of a time step.
    blocks : list of list of str
        The kernels of every block, for steps in which the host takes part.
    marks : list of str
        What is done where the text has ``B2G_MARK`` with this number, so that the time can be
        taken there.
    steps, owners : list of str
        For every step, what it is and the name of its Brian object.
    recorders : dict
        Number to layout.
    origins, queue_origins, recorder_origins : dict
        What arrays (by name), queues and recorders (by number) are, for people.
    ordered : dict
        Steps whose elements are executed one after the other, and why.
    """

    text: str
    arrays: list[ArrayName]
    numbers: list[str]
    integers: list[str]
    inverses: dict[str, tuple[str, str]] = field(default_factory=dict)
    generators: list[EmitSpikes] = field(default_factory=list)
    monitored: dict[str, str] = field(default_factory=dict)
    gathered: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    arranged: dict[int, dict[Derived, str]] = field(default_factory=dict)
    owned: dict[int, OwnedQueue] = field(default_factory=dict)
    at_once: dict[int, int] = field(default_factory=dict)
    waits_once: bool = False
    aside: list[str] | None = None
    tells: bool = False
    n_queues: int = 0
    most_threads: int = 1024
    queue_clocks: dict[int, int] = field(default_factory=dict)
    late_recorders: set[int] = field(default_factory=set)
    scratch: dict[Derived, int] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    constant_bytes: int = 8
    tasks: list[TaskPlan] = field(default_factory=list)
    kernels: list[KernelPlan] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)
    resident: bool = False
    late: list[str] = field(default_factory=list)
    late_steps: list[str] = field(default_factory=list)
    schedule: list[tuple[str, int]] = field(default_factory=list)
    blocks: list[list[str]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    recorders: dict[int, RecorderLayout] = field(default_factory=dict)
    ordered: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    queue_origins: dict[int, str] = field(default_factory=dict)
    recorder_origins: dict[int, str] = field(default_factory=dict)
