"""A network model as the text of one CUDA program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from ...model.dtypes import BOOL, C_TYPE
from ...model.footprint import How, arrays, footprint
from ...model.mishap import working_on
from ...model.network import (
    Deliver,
    EmitSpikes,
    Host,
    Network,
    Push,
    Step,
)
from ...transforms.aside import put_aside
from ...transforms.forward import forwarded
from ...transforms.messages import Messages, messages
from ...transforms.owners import Owners, owners
from ...transforms.rotate import rotate
from ...transforms.stages import Planner, Stage, Task
from ..c.shared import Unit
from ..c.words import pointer
from ..symbols import Symbols, user_arrays
from ..templating import environment, tidy
from ..user_code import print_user_code
from . import needs
from .declarations import constant_bytes, declare, shared_reads
from .printer import CudaKernelPrinter, arranged_name
from .small import MOST_USER_THREADS
from .source import (
    ArrayCount,
    ArrayName,
    CudaSource,
    Derived,
    KernelPlan,
    OwnedQueue,
    ParamCount,
    TaskPlan,
)
from .texts import KernelText, MessagesText, MonitorText, OwnedText, TaskText
from .threads import ONE, Threads

#: Constant memory, less than its 64 KiB to leave room for the compiler.
_CONSTANT_BYTES = 60_000

#: Of constant memory, what a ``b2g_queue`` and a ``b2g_recorder`` take.
_QUEUE_BYTES, _RECORDER_BYTES = 160, 24


#: Threads in a block of a kernel that is launched for one stage, at most.
USUAL_THREADS = 128


@working_on(None)
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


class _Printer:
    """Prints one network."""

    def __init__(self, network: Network, fuse: bool, deterministic: bool) -> None:
        self.network = network
        self.fuse = fuse
        symbols = Symbols.of(network)
        self.params = symbols.params
        self.result = CudaSource("", list(network.arrays), symbols.numbers, symbols.integers)
        self.result.n_queues = network.queues
        if network.user_code:
            self.result.most_threads = MOST_USER_THREADS
        self.result.origins = {name: array.origin for name, array in network.arrays.items()}
        self.unit = Unit.of(symbols)
        self.texts: list[str] = []
        self.tasks: list[TaskText] = []
        self.kernels: list[KernelText] = []
        self.step_numbers: dict[int, int] = {}
        self.planner = Planner(network, deterministic=deterministic)
        self.threads = Threads(network, self.planner)
        #: identities of the steps that are executed one time step late
        self.late: frozenset[int] = frozenset()
        #: by the identity of a step: whose blocks can execute it without waiting for others
        self.owners: dict[int, Owners] = {}
        #: the tasks of the first stage, if blocks own something
        self.first: list[Task] = []
        #: what blocks can tell each other, if that is all they need to know of others
        self.messages: Messages | None = None
        #: by the identity of a step: arrays whose element the thread keeps from one step of its
        #: task to the next, and the step that writes it, if one does that before all else
        self.kept: dict[int, dict[str, Step | None]] = {}
        #: by the identity of a step: arrays to which it adds beside those who take that later
        self.aside: dict[int, list[str]] = {}
        #: by the identity of a task: arrays that take what was put aside
        self.taken: dict[int, list[str]] = {}

    def source(self) -> CudaSource:
        """Print everything."""
        result, network = self.result, self.network
        native = [step for step in network.steps if not isinstance(step, Host)]
        hosts = sorted({step.clock for step in network.steps if isinstance(step, Host)})
        if self.fuse:
            stages, late = rotate(self.planner, native)
        else:
            stages, late = self.planner.plan(native, fuse=False), []
        self.late = frozenset(id(step) for step in late)
        owned = owners(self.planner, stages, self.late) if self.fuse else []
        self.owners = {id(step): owner for step, owner in owned if owner is not None}
        if owned:
            self.first = stages[0].tasks
            self.messages = messages(self.planner, network, stages, self.late, owned)
        for step in native:
            self.step_numbers[id(step)] = len(result.steps)
            result.steps.append(step.origin)
            result.owners.append(step.owner)
            with working_on(step):
                declare(step, network, result, self.planner, late=id(step) in self.late)
        aside = put_aside(self.planner, stages, self.late) if self.fuse else None
        by_element = {id(task) for s in stages for task in s.tasks if self.threads.is_pass(task)}
        kernels = [k for s in stages for t in s.tasks for one in t.steps for k in one.kernels()]
        # threads keep more values, which others would have to do without
        small = all(needs.expressions(kernel) <= needs.MANY_EXPRESSIONS for kernel in kernels)
        if aside is not None and small and all(id(t) in by_element for t in aside.values()):
            self._put_aside(aside, stages)
        numbers = {name: number for number, name in enumerate(result.arrays)}
        places = {id(s): task for stage in stages for task in stage.tasks for s in task.steps}
        for task in (task for stage in stages for task in stage.tasks):
            if id(task) in by_element:
                self._keep(task)
        for step in native:
            with working_on(step):
                self.texts.append(self._print_step(step, places[id(step)], numbers))
        result.loop = self._kernels(stages, "stage", "loop") or ["finish_step"]
        result.resident = self.fuse and bool(stages)
        if owned:
            self.kernels[-1].owned = [self._owned(stages[0], step) for step, _ in owned]
            result.waits_once = True
            result.tells = self.messages is not None
        parts = self._renumbered(self.planner.plan(late, late=self.late))
        result.late = self._kernels(parts, "late_stage", "late")
        result.late_steps = [step.origin for step in late]
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
            for number, stretch in enumerate(stretches):
                parts = self._renumbered(self.planner.plan(stretch, fuse=self.fuse))
                result.blocks.append(self._kernels(parts, f"block_{number}_stage", "block"))
        result.constant_bytes = constant_bytes(self.unit.constants)
        result.text = self._render(numbers, hosts)
        return result

    # -- steps ---------------------------------------------------------------
    def _print_step(self, step: Step, task: Task, numbers: dict[ArrayName, int]) -> str:
        late = id(step) in self.late
        if late:
            numbers = dict(numbers)
            numbers.update((name, numbers[Derived(name, "late")]) for name in shared_reads(step))
        in_kernels = {name: k for name, k in numbers.items() if isinstance(name, str)}
        random_step = f"b2g_block.{'late_' if late else ''}random_step"
        times = self._times("late" if late else "now")
        for name in self.aside.get(id(step), ()):
            times[name] = f"b2g_block.added[{(self.result.aside or []).index(name)}]"
        own, events = self._own(step), getattr(step, "events", "")
        unit = replace(self.unit, arrays=in_kernels)
        copies: dict[Derived, str] = {}
        if isinstance(step, Deliver):
            copies = self.result.arranged.get(step.queue, {})
        arranged = {name: f"ctx->arrays[{numbers[copy]}]" for copy, name in copies.items()}
        streams = unit.streams.count
        printers = [
            CudaKernelPrinter(kernel, unit, random_step, own, times, arranged).print()
            for kernel in step.kernels()
        ]
        owner, by_owner, by_message = self.owners.get(id(step)), None, None
        if owner is not None:
            again, target = unit.again(streams), {owner.index: "target"}
            by_owner = CudaKernelPrinter(step.kernels()[0], again, random_step, target, times)
        if self.messages and any(step is monitor for monitor, _ in self.messages.monitors):
            again = unit.again(streams)
            by_message = CudaKernelPrinter(step.kernels()[0], again, random_step, {}, times)
        ordered = self.planner.why_in_order(step)
        if ordered:
            self.result.ordered[step.origin] = ordered
        template = environment.get_template(f"cuda/{type(step).__name__.lower()}.cu.j2")
        return template.render(
            step=step,
            kernel=printers[0] if printers else None,
            gathered=self.planner.gathered_by(step),
            owned=by_owner and by_owner.print(),
            owned_index=owner and owner.index,
            side_by_side=self.result.at_once.get(getattr(step, "queue", -1), 1),
            told=by_message.print() if by_message else self.messages is not None,
            at_once=needs.at_once(step, owner) if isinstance(step, Deliver) and owner else 1,
            stamped=isinstance(step, Push) and step.queue in self.result.gathered,
            task=task,
            late=late,
            random_step=random_step,
            own=own,
            own_parameters="".join(f", {self._ctype(a)} &{name}" for a, name in own.items()),
            event=own.get(events, self._element(events) if events else ""),
            by_element=self.threads.is_by_element(step),
            ordered=ordered,
            numbered=any(printer.names_element for printer in printers),
            arranged=[
                (self._ctype(name), arranged_name(name), pointer(name), place)
                for name, place in arranged.items()
            ],
            offsets=needs.offsets(step),
            mark=self._mark,
            param=self.params,
            derived=Derived,
            array=lambda name: times.get(name) or f"ctx->arrays[{numbers[name]}]",
            length=lambda name: f"ctx->lengths[{numbers[name]}]",
            ctype=C_TYPE,
            ctype_of=lambda name: C_TYPE[self.network.arrays[name].dtype],
        )

    def _times(self, which: str) -> dict[str, str]:
        """Where a block has the time of every clock, by the arrays that the steps name."""
        return {
            array: f"&b2g_block.{which}[{number}].{part}"
            for number, clock in enumerate(self.network.clocks)
            for part, array in (("t", clock.t), ("timestep", clock.timestep))
            if array
        }

    def _ctype(self, array: str) -> str:
        """The C type of an array's elements; Brian's lists of events are flags here."""
        return C_TYPE[BOOL if array in self.result.events else self.network.arrays[array].dtype]

    def _put_aside(self, taken: dict[str, Task], stages: Sequence[Stage]) -> None:
        """Let steps of the last stage put aside what they add to what the first stage works on."""
        self.result.aside = sorted(taken)
        self.result.arrays.extend(Derived(name, "aside") for name in sorted(taken))
        for name, task in sorted(taken.items()):
            self.taken.setdefault(id(task), []).append(name)
        for step in (step for task in stages[-1].tasks for step in task.steps):
            self.aside[id(step)] = sorted(arrays(footprint(step), How.ADD) & taken.keys())

    def _keep(self, task: Task) -> None:
        """Find out what threads should keep that go through the steps of a task."""
        kept: dict[str, Step | None] = dict(forwarded(task.steps))
        kept |= dict.fromkeys(self.taken.get(id(task), ()))
        for step in task.steps:
            own = arrays(touch for touch in footprint(step) if touch.own)
            self.kept[id(step)] = {array: kept[array] for array in sorted(kept.keys() & own)}

    def _own(self, step: Step) -> dict[str, str]:
        """The arrays of which a step finds its element with the thread, and the C names."""
        return {array: f"own_{array}" for array in self.kept.get(id(step), ())}

    # -- tasks and kernels -----------------------------------------------------
    def _renumbered(self, stages: list[Stage]) -> list[Stage]:
        """The same, with tasks numbered after those there are."""
        first = len(self.tasks)
        for number, task in enumerate(task for stage in stages for task in stage.tasks):
            task.number = first + number
        return stages

    def _kernels(self, stages: Sequence[Stage], prefix: str, kind: str) -> list[str]:
        names = []
        finish: list[Step] = []
        for number, stage in enumerate(stages):
            tasks = [self._task(task) for task in stage.tasks]
            name = f"{prefix}_{number}"
            is_last = number == len(stages) - 1
            kernel = KernelText(name, kind, tasks, is_last)
            here = [s for t in stage.tasks for s in t.steps if needs.has_rows(s)]
            kernel.crowded = kind == "loop" and needs.is_crowded(
                [s for t in stage.tasks for s in t.steps]
            )
            if is_last and kind == "loop":
                kernel.early, kernel.finish = finish, here
            elif is_last:
                kernel.finish = [*finish, *here]
            finish = [*finish, *here]
            for task in tasks if kernel.crowded else ():
                task.apart = any(map(needs.draws, task.steps))
            self.kernels.append(kernel)
            steps = [self.step_numbers[id(s)] for task in stage.tasks for s in task.steps]
            self.result.kernels.append(
                KernelPlan(name, tuple(task.number for task in tasks), tuple(steps))
            )
            names.append(name)
        return names

    def _task(self, task: Task) -> TaskText:
        step = task.steps[0]
        ordered = any(self.planner.why_in_order(s) for s in task.steps)
        text = TaskText(task.number, "blocks", list(task.steps), [])
        kind, count = ONE
        generator = self.threads.generator(task)
        if generator is not None:
            text.kind = "spikes"
            numbers = self.result.arrays.index
            text.neurons = f"ctx->arrays[{numbers(generator.neurons)}]"
            text.due = f"ctx->arrays[{numbers(Derived(generator.name, 'before'))}]"
        elif not ordered:
            kind, count = self.threads.count(step)
            if self.threads.is_by_element(step):
                assert isinstance(count, ParamCount | ArrayCount)
                text.kind, text.size = "elements", self._size(count)
                kept = {a: by for s in task.steps for a, by in self.kept.get(id(s), {}).items()}
                for array, writer in kept.items():
                    is_written = any(s is writer for s in task.steps)
                    first = "0" if is_written else f"inside ? {self._element(array)} : 0"
                    text.own.append((self._ctype(array), f"own_{array}", first))
                number = self.result.arrays.index
                text.aside = [
                    (self._ctype(name), f"own_{name}", number(name), number(Derived(name, "aside")))
                    for name in self.taken.get(id(task), ())
                ]
                text.shared = [s for s in task.steps if any(k.shared_stores for k in s.kernels())]
        self.tasks.append(text)
        what = tuple(s.origin for s in task.steps)
        self.result.tasks.append(TaskPlan(task.number, kind, count, what))
        return text

    def _owned(self, first: Stage, step: Deliver) -> OwnedText:
        """A pathway of which blocks execute the synapses whose targets they own."""
        owner = self.owners.get(id(step))
        if owner is None:
            return OwnedText(step)
        before = takewhile(lambda task: task is not owner.task, first.tasks)
        at_once = needs.at_once(step, owner)
        self.result.owned[step.queue] = OwnedQueue(owner.index, owner.task.number, at_once)
        return OwnedText(step, owner.task.number, tuple(task.number for task in before))

    def _element(self, array: str) -> str:
        """C text of a thread's element of an array."""
        number = self.result.arrays.index(array)
        return f"((const {self._ctype(array)} *)ctx->arrays[{number}])[_idx]"

    def _otherwise(self, step: Step) -> list[tuple[str, str]]:
        """What a thread has to read if a step is not due that writes it: C name, and element."""
        if self._active(step) == "true":
            return []
        return [
            (f"own_{array}", self._element(array))
            for array, writer in self.kept.get(id(step), {}).items()
            if writer is step
        ]

    def _size(self, count: ParamCount | ArrayCount) -> str:
        if isinstance(count, ParamCount):
            return self.params[count.param]
        return f"ctx->lengths[{self.result.arrays.index(count.array)}] + ({-count.less})"

    # -- the whole text ----------------------------------------------------------
    def _render(self, numbers: dict[ArrayName, int], hosts: list[int]) -> str:
        result, network = self.result, self.network
        size = 16 * len(result.arrays) + 8 * len(result.numbers) + 8 * len(result.integers)
        size += (
            _QUEUE_BYTES * network.queues
            + _RECORDER_BYTES * network.recorders
            + 4 * len(self.tasks)
            + result.constant_bytes
            + 256
        )
        text = environment.get_template("cuda/program.cu.j2").render(
            texts=self.texts,
            tasks=self.tasks,
            kernels=self.kernels,
            constants=self.unit.constants,
            constant="__constant__" if size < _CONSTANT_BYTES else "__device__",
            n_arrays=len(result.arrays),
            n_numbers=len(result.numbers),
            n_integers=len(result.integers),
            n_clocks=len(network.clocks),
            n_recorders=network.recorders,
            rows=any(layout.sorts for layout in result.recorders.values()) or result.arranged,
            n_queues=network.queues,
            hosts=hosts,
            late=bool(self.late),
            resident=result.resident,
            in_loop={t.number for k in self.kernels if k.kind == "loop" for t in k.tasks},
            bounds=f"__launch_bounds__({USUAL_THREADS}, {needs.CROWD}) ",
            all_bounds=self._bounds_of_all(),
            owned=result.waits_once,
            aside=self._places_aside(numbers),
            first_stage=next((k.tasks for k in self.kernels if k.kind == "loop"), []),
            n_owned=len(result.owned),
            messages=self._messages(),
            tells=self._tells,
            first_block=self._first_block,
            place_if_told=needs.place_if_told,
            event_of=lambda step: self._own(step).get(step.events, self._element(step.events)),
            active=self._active,
            own_arguments=lambda step: "".join(f", {name}" for name in self._own(step).values()),
            otherwise=self._otherwise,
            emits=lambda step: isinstance(step, EmitSpikes),
            asks=self.threads.asks,
            asking_from=self.threads.asking_from,
            mark=self._mark,
            user_code=print_user_code(network.user_code, pragmas=False),
            most_threads=result.most_threads,
            user_arrays=user_arrays(network),
        )
        return tidy(text)

    def _messages(self) -> MessagesText | None:
        if self.messages is None:
            return None
        monitors = [
            MonitorText(step, task, self.params[step.start], self.params[step.stop])
            for step, task in self.messages.monitors
        ]
        return MessagesText(self.messages.thresholds, self.messages.sources, monitors)

    def _tells(self, task: TaskText) -> bool:
        """Whether blocks may tell others of a task's events."""
        return self.messages is not None and any(task.number == one.number for one in self.first)

    def _first_block(self, task: Task | TaskText) -> str:
        """C text: the number of a task's first block, in the first stage."""
        before = takewhile(lambda one: one.number != task.number, self.first)
        return f"({' + '.join(f'ctx->blocks[{one.number}]' for one in before) or '0u'})"

    def _mark(self, what: str, behind: str = "0") -> str:
        """C text: here something is done, once there is a value (see ``B2G_MARK``)."""
        self.result.marks.append(what)
        return f"B2G_MARK({len(self.result.marks) - 1}, {behind});"

    def _bounds_of_all(self) -> str:
        """What is said of the threads of ``run_steps``, so that there is room for many."""
        loop = [kernel for kernel in self.kernels if kernel.kind == "loop"]
        kernels = [k for one in loop for t in one.tasks for s in t.steps for k in s.kernels()]
        if not any(kernel.crowded for kernel in loop) or any(
            needs.expressions(kernel) > needs.MANY_EXPRESSIONS for kernel in kernels
        ):
            return ""
        return f"__launch_bounds__({self.result.most_threads}, 1) "

    def _places_aside(self, numbers: dict[ArrayName, int]) -> list[tuple[int, int, str]] | None:
        """Numbers of arrays, of what is put aside for them, and C types; None if nothing can be."""
        if self.result.aside is None:
            return None
        return [
            (numbers[name], numbers[Derived(name, "aside")], self._ctype(name))
            for name in self.result.aside
        ]

    def _active(self, step: Step) -> str:
        """C text: whether a step's clock ticks, or did when the step was due."""
        if id(step) in self.late:
            return f"b2g_block.late[{step.clock}].active"
        if len(self.network.clocks) == 1:
            return "true"  # kernels return at once if the run is over
        return f"b2g_block.now[{step.clock}].active"
