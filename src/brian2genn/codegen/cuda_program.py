"""A network model as the text of one CUDA program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..model.dtypes import C_TYPE
from ..model.kernel import Store
from ..model.network import (
    Deliver,
    EmitSpikes,
    Host,
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
from ..transforms.scatter import why_ordered
from ..transforms.stages import Stage, Task, plan_stages, touched_by
from .c_printer import Constants, KernelPrinter, Streams
from .program import environment, tidy
from .symbols import Symbols, user_arrays

#: Steps whose function takes one element; the others take a share of the blocks.
_BY_ELEMENT = (Update, Threshold, OnEvents, Push, RecordEvents)

#: Constant memory, less than its 64 KiB to leave room for the compiler.
_CONSTANT_BYTES = 60_000


class CudaKernelPrinter(KernelPrinter):
    """Prints a kernel for a thread of a CUDA program."""

    random_step = "ctx->state->random_step"

    def _assignment(self, store: Store, place: str, text: str) -> str:
        if store.add:
            dtype = C_TYPE[self.kernel.accesses[store.name].dtype]
            return f"b2g_add(&{place}, ({dtype}){text});"
        return super()._assignment(store, place, text)


@dataclass(frozen=True)
class TaskPlan:
    """How many threads a task wants; the host turns it into blocks.

    Attributes
    ----------
    number : int
    kind : str
        ``elements`` (one thread each), ``warps`` (32 threads each), ``share``
        (as many as are useful), ``queue`` (as a pathway needs), ``one`` block.
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
    schedule : list of (str, int)
        ``("block", number)`` and ``("host", number)`` in the order of a time step.
    blocks : list of list of str
        The kernels of every block, for steps in which the host takes part.
    steps, owners : list of str
        For every step, what it is and the name of its Brian object.
    recorders : dict
        Number to layout.
    ordered : dict
        Steps whose elements are executed one after the other, and why.
    """

    text: str
    arrays: list[str]
    numbers: list[str]
    integers: list[str]
    inverses: dict[str, tuple[str, str]] = field(default_factory=dict)
    scratch: dict[str, int] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    constant_bytes: int = 8
    tasks: list[TaskPlan] = field(default_factory=list)
    kernels: list[KernelPlan] = field(default_factory=list)
    loop: list[str] = field(default_factory=list)
    schedule: list[tuple[str, int]] = field(default_factory=list)
    blocks: list[list[str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    recorders: dict[int, RecorderLayout] = field(default_factory=dict)
    ordered: dict[str, str] = field(default_factory=dict)


@dataclass
class _TaskText:
    """A task as the template wants it."""

    number: int
    by_element: bool
    size: str
    steps: list[Step]
    shared: list[Step]


@dataclass
class _KernelText:
    """A kernel as the template wants it."""

    name: str
    tasks: list[_TaskText]
    is_last: bool


def print_cuda_program(
    network: Network, *, fuse: bool = True, deterministic: bool = False
) -> CudaSource:
    """Print a network for CUDA.

    Parameters
    ----------
    network : Network
        Verified, with additions separated, and simplified.
    fuse : bool, optional
        Without it every step is a kernel of its own (to measure each).
    deterministic : bool, optional
        Whether sums must have the same order in every run.

    Returns
    -------
    CudaSource
    """
    return _Printer(network, fuse, deterministic).source()


def print_user_functions(texts: Sequence[str]) -> str:
    """Users' functions alone, to find out whether CUDA takes them."""
    arrays = sorted(set(re.findall(r"\b_namespace\w+", "\n".join(texts))))
    template = environment.get_template("cuda/userfunctions.j2")
    known = "\n".join(f"static double *{name};" for name in arrays)
    functions = template.render(user_code=texts, user_arrays=[])
    return f'#include "brian2genn_math.h"\n#include "brian2genn_device.h"\n{known}\n{functions}'


class _Printer:
    """Prints one network."""

    def __init__(self, network: Network, fuse: bool, deterministic: bool) -> None:
        self.network = network
        self.fuse = fuse
        self.deterministic = deterministic
        symbols = Symbols(network)
        self.params = symbols.params
        self.result = CudaSource("", list(network.arrays), symbols.numbers, symbols.integers)
        self.constants, self.streams = Constants(), Streams()
        self.texts: list[str] = []
        self.tasks: list[_TaskText] = []
        self.kernels: list[_KernelText] = []
        self.step_numbers: dict[int, int] = {}

    def source(self) -> CudaSource:
        """Print everything."""
        result, network = self.result, self.network
        native = [step for step in network.steps if not isinstance(step, Host)]
        hosts = sorted({step.clock for step in network.steps if isinstance(step, Host)})
        for step in native:
            self.step_numbers[id(step)] = len(result.steps)
            result.steps.append(step.origin)
            result.owners.append(step.owner)
            self._declare(step)
        numbers = {name: number for number, name in enumerate(result.arrays)}
        stages = plan_stages(network, native, fuse=self.fuse)
        places = {id(s): task for stage in stages for task in stage.tasks for s in task.steps}
        for step in native:
            self.texts.append(self._print_step(step, places[id(step)], numbers))
        result.loop = self._kernels(stages, "stage", ends_step=True)
        stretches: list[list[Step]] = []
        for step in network.steps:
            if isinstance(step, Host):
                result.schedule.append(("host", step.number))
                continue
            if not result.schedule or result.schedule[-1][0] == "host":
                result.schedule.append(("block", len(stretches)))
                stretches.append([])
            stretches[-1].append(step)
        if hosts:
            # the tasks are those of the whole step, so that counters are shared
            for number, stretch in enumerate(stretches):
                parts = self._part(stages, stretch)
                result.blocks.append(self._kernels(parts, f"block_{number}_stage", ends_step=False))
        result.constant_bytes = self._constant_bytes()
        result.text = self._render(numbers, hosts)
        return result

    def _constant_bytes(self) -> int:
        """The size of the C structure of what is computed once per run."""
        sizes = {**{ctype: np.dtype(dtype).itemsize for dtype, ctype in C_TYPE.items()}, "bool": 1}
        end = 8
        for ctype, _ in self.constants.fields:
            size = sizes[ctype]
            end = -(-end // size) * size + size
        return -(-end // 8) * 8

    # -- steps ---------------------------------------------------------------
    def _declare(self, step: Step) -> None:
        """Register what the host must know of a step's memory."""
        result = self.result
        touched = touched_by(step)
        written = touched.own_writes | touched.writes | touched.additions
        result.written |= written & set(self.network.arrays)
        if isinstance(step, Threshold | EmitSpikes):
            result.events.add(step.events)
        if isinstance(step, OnEvents | Push | RecordEvents | RecordRate):
            result.events.add(step.events)
        if isinstance(step, Sum):
            result.inverses[step.index] = (step.start, step.target_size)
            self._own_array(f"{step.index}:order")
            self._own_array(f"{step.index}:start")
        if isinstance(step, EmitSpikes):
            self._own_array(f"{step.name}:before")
            result.scratch[f"{step.name}:before"] = 16
        if isinstance(step, RecordEvents):
            dtypes = ("int64", *(column.dtype for column in step.columns))
            most = (step.start, step.stop)
            widths = ("1",) * len(dtypes)
            result.recorders[step.recorder] = RecorderLayout(dtypes, widths, most, sorts=True)
        elif isinstance(step, RecordState):
            dtypes = ("float64", *(column.dtype for column in step.columns))
            widths = ("1", *([step.indices] * len(step.columns)))
            result.recorders[step.recorder] = RecorderLayout(dtypes, widths, None)
        elif isinstance(step, RecordRate):
            dtypes = ("float64", step.rate_dtype)
            result.recorders[step.recorder] = RecorderLayout(dtypes, ("1", "1"), None)

    def _own_array(self, name: str) -> None:
        if name not in self.result.arrays:
            self.result.arrays.append(name)

    def _print_step(self, step: Step, task: Task, numbers: dict[str, int]) -> str:
        printers = [
            CudaKernelPrinter(kernel, self.params, numbers, self.constants, self.streams)
            for kernel in step.kernels()
        ]
        reasons = [why_ordered(kernel) for kernel in step.kernels()]
        ordered = next((reason for reason in reasons if reason), "")
        if ordered:
            self.result.ordered[step.origin] = ordered
        template = environment.get_template(f"cuda/{type(step).__name__.lower()}.cu.j2")
        return template.render(
            step=step,
            kernel=printers[0] if printers else None,
            task=task,
            ordered=ordered,
            deterministic=self.deterministic,
            offsets=_offsets(step),
            param=self.params,
            array=lambda name: f"ctx->arrays[{numbers[name]}]",
            length=lambda name: f"ctx->lengths[{numbers[name]}]",
            ctype=C_TYPE,
            ctype_of=lambda name: C_TYPE[self.network.arrays[name].dtype],
        )

    # -- tasks and kernels -----------------------------------------------------
    def _part(self, stages: Sequence[Stage], stretch: Sequence[Step]) -> list[Stage]:
        """The stages of one stretch between two host objects."""
        parts = plan_stages(self.network, stretch, fuse=self.fuse)
        first = len(self.tasks)
        for number, task in enumerate(task for stage in parts for task in stage.tasks):
            task.number = first + number
        return parts

    def _kernels(self, stages: Sequence[Stage], prefix: str, *, ends_step: bool) -> list[str]:
        names = []
        for number, stage in enumerate(stages):
            tasks = [self._task(task) for task in stage.tasks]
            name = f"{prefix}_{number}"
            self.kernels.append(_KernelText(name, tasks, ends_step and number == len(stages) - 1))
            steps = [self.step_numbers[id(s)] for task in stage.tasks for s in task.steps]
            self.result.kernels.append(
                KernelPlan(name, tuple(task.number for task in tasks), tuple(steps))
            )
            names.append(name)
        if ends_step and not names:
            return ["finish_step"]
        return names

    def _task(self, task: Task) -> _TaskText:
        step = task.steps[0]
        ordered = any(why_ordered(kernel) for s in task.steps for kernel in s.kernels())
        by_element = isinstance(step, _BY_ELEMENT) and not ordered
        alone = ordered or (self.deterministic and isinstance(step, Deliver))
        kind, count = _ONE if alone else self._count(step)
        text = _TaskText(
            task.number,
            by_element,
            self._size(count) if by_element else "",
            list(task.steps),
            [s for s in task.steps if s.kernels() and s.kernels()[0].shared_stores]
            if by_element
            else [],
        )
        self.tasks.append(text)
        what = tuple(s.origin for s in task.steps)
        self.result.tasks.append(TaskPlan(task.number, kind, count, what))
        return text

    @staticmethod
    def _count(step: Step) -> tuple[str, tuple[str, str, int]]:
        """How many threads a step wants."""
        match step:
            case Update() | Threshold():
                return "elements", ("param", step.size, 0)
            case OnEvents() | Push() | RecordEvents():
                return "elements", ("array", step.events, -1)
            case RecordRate():
                return "share", ("array", step.events, -1)
            case RecordState():
                return "share", ("array", step.indices, 0)
            case Sum():
                return "warps", ("param", step.target_size, 0)
            case Deliver():
                return "queue", ("queue", str(step.queue), 0)
        return _ONE

    def _size(self, count: tuple[str, str, int]) -> str:
        kind, name, offset = count
        if kind == "param":
            return self.params[name]
        return f"ctx->lengths[{self.result.arrays.index(name)}] + ({offset})"

    # -- the whole text ----------------------------------------------------------
    def _render(self, numbers: dict[str, int], hosts: list[int]) -> str:
        result, network = self.result, self.network
        size = 16 * len(result.arrays) + 8 * len(result.numbers) + 8 * len(result.integers)
        size += 4 * len(self.tasks) + result.constant_bytes + 256
        text = environment.get_template("cuda/program.cu.j2").render(
            texts=self.texts,
            tasks=self.tasks,
            kernels=self.kernels,
            constants=self.constants,
            constant="__constant__" if size < _CONSTANT_BYTES else "__device__",
            n_arrays=len(result.arrays),
            n_numbers=len(result.numbers),
            n_integers=len(result.integers),
            n_clocks=len(network.clocks),
            n_recorders=network.recorders,
            hosts=hosts,
            user_code=network.user_code,
            user_arrays=user_arrays(network),
        )
        return tidy(text)


_ONE: tuple[str, tuple[str, str, int]] = ("one", ("", "", 0))


def _offsets(step: Step) -> list[int]:
    """For every column of a recorder, the bytes of the columns before it, in an element."""
    columns = getattr(step, "columns", [])
    sizes = [np.dtype(column.dtype).itemsize for column in columns]
    first = [8] if isinstance(step, RecordEvents) else []  # the order of the rows
    sizes = [*first, *sizes]
    return [sum(sizes[:k]) for k in range(len(sizes) + 1)]
