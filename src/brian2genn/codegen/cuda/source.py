"""What a host must know of a CUDA program besides its text."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.network import EmitSpikes


@dataclass(frozen=True)
class TaskPlan:
    """How many threads a task wants; the host turns it into blocks.

    Attributes
    ----------
    number : int
    kind : str
        ``elements`` (one thread each), ``warps`` (32 threads each, or fewer that take
        turns), ``share`` (as many as are useful), ``queue`` (as a pathway needs), ``one`` block.
    count : tuple
        ``("param", name, 0)`` or ``("array", name, offset)``: how many elements;
        ``("queue", number, 0)``.
    what : tuple of str
        The steps, for people.
    """

    number: int
    kind: str
    count: tuple[str, str, int]
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


@dataclass
class CudaSource:
    """The text of a program and what its user must know of it.

    Attributes
    ----------
    text : str
    arrays, numbers, integers : list of str
        In the order in which the program expects them.
    inverses : dict
        From the array of indices to the parameters ``(start, size)`` of the
        targets; the program wants ``INDEX:order`` and ``INDEX:start``.
    generators : list of EmitSpikes
        The spike generators.
    monitored : dict
        From the array of the indices that a monitor records to the parameter with the
        size of the group; the program wants ``INDICES:mask``, ``:rank``, ``:first``
        and ``:order``.
    gathered : dict
        From the number of a queue to the name of the step whose additions are gathered by their
        targets, the array of the targets' indices, and an array of the targets; the program
        wants ``STEP:order``, ``:start``, ``:source`` and ``:delay``.
    n_queues : int
    most_threads : int
        That a block may have.
    queue_clocks : dict
        Number of a queue to that of its clock.
    late_recorders : set of int
        Recorders whose rows are added one time step late.
    scratch : dict
        Arrays of the program's own, with their bytes; filled with -1.
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
        these steps. ``ARRAY:late`` is an array as they see it.
    schedule : list of (str, int)
        ``("block", number)`` and ``("host", number)`` in the order of a time step.
    blocks : list of list of str
        The kernels of every block, for steps in which the host takes part.
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
    arrays: list[str]
    numbers: list[str]
    integers: list[str]
    inverses: dict[str, tuple[str, str]] = field(default_factory=dict)
    generators: list[EmitSpikes] = field(default_factory=list)
    monitored: dict[str, str] = field(default_factory=dict)
    gathered: dict[int, tuple[str, str, str]] = field(default_factory=dict)
    n_queues: int = 0
    most_threads: int = 1024
    queue_clocks: dict[int, int] = field(default_factory=dict)
    late_recorders: set[int] = field(default_factory=set)
    scratch: dict[str, int] = field(default_factory=dict)
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
    steps: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    recorders: dict[int, RecorderLayout] = field(default_factory=dict)
    ordered: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    queue_origins: dict[int, str] = field(default_factory=dict)
    recorder_origins: dict[int, str] = field(default_factory=dict)
