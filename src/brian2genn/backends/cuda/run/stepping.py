"""Execute many time steps without the host: as graphs of kernels, or in one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ....codegen.cuda.source import CudaSource, KernelPlan, QueueCount, TaskPlan
from ..device.driver import Driver, Launch, Meeting
from ..memory.queue import DeviceQueue
from .autotuning import Autotuner, LaunchPlan
from .executable import Executable
from .sizes import (
    blocks_for,
    blocks_for_queue,
    blocks_wanted,
    dealt_out,
    shares_of_stage,
    threads_for_queue,
    threads_of,
    width_for,
    width_for_owners,
)

#: Time steps in the longest graph.
_LONGEST_GRAPH = 256

#: Most time steps before the host looks at the device again, and in one kernel: what is quick while
#: nothing happens may take long once neurons fire, and cannot be interrupted.
_MOST_STEPS = 2048
_MOST_TOGETHER = 1024

#: The kernel that executes many time steps.
_TOGETHER = "run_steps"

#: ... and the one whose blocks tell each other of events.
_TOLD = "run_told"

#: Kernels of one block.
_SINGLE = ("finish_step", "begin_run", "resume_run", "enter_step", "prepare_run")

#: Blocks deliver to the targets that they own where this takes so little memory: synapses of a
#: pathway, and runs of synapses times blocks.
_MOST_SYNAPSES, _MOST_RUNS = 1 << 20, 1 << 22

#: Blocks of each multiprocessor that are tried where all of them are filled.
_BLOCKS_EACH = (1, 2)

#: What is tried to deliver spikes faster.
_VARIANTS: tuple[dict[str, Any], ...] = (
    {"widening": -2}, {"widening": 2},
    # blocks that find no spike cost little, but the last one of all has to hear of each
    {"spreading": -3}, {"spreading": 2},
)  # fmt: skip


class Stepper:
    """Turns the kernels of a program into launches, in the way that is fastest.

    Parameters
    ----------
    source : CudaSource
    driver : Driver
    executable : Executable
        Keeps graphs, and what was found out about a network of these sizes.
    """

    def __init__(self, source: CudaSource, driver: Driver, executable: Executable) -> None:
        self._source = source
        self._driver = driver
        self._executable = executable
        self._counts: list[int] = []
        self._queues: Sequence[DeviceQueue] = ()
        self._asked = 0
        self.plan = LaunchPlan()
        self.tuner = Autotuner([LaunchPlan()])
        #: of every task, in the present way
        self.blocks: tuple[int, ...] = ()
        #: of every queue: threads that share a run, in the present way
        self.widths: tuple[int, ...] = ()
        self._launches: dict[str, Launch] = {}

    # -- sizes ---------------------------------------------------------------------
    def fit(self, count_of: Callable[[TaskPlan], int], queues: Sequence[DeviceQueue]) -> None:
        """Adapt to the sizes of a network.

        Parameters
        ----------
        count_of : callable
            How many elements a task has.
        queues : sequence of DeviceQueue
        """
        self._counts = [count_of(task) for task in self._source.tasks]
        self._queues = queues
        kinds = [
            LaunchPlan(meeting, **variant)
            for meeting in (Meeting.NOWHERE, Meeting.MEMORY)
            for variant in _VARIANTS
        ]
        ways = self._can_own(), self._can_put_aside(), self._can_tell()
        chosen = self._executable.execution.candidates
        key = chosen, tuple(self._counts), ways, *map(self._sizes, kinds)
        if key not in self._executable.tuners:
            # it outlives this network: it must not hold its queues
            launching = self._possible()
            if chosen is not None:
                launching = list(chosen(launching))
            variants = {
                plan: self._variants_of(plan) if chosen is None else [] for plan in launching
            }
            for plan in [plan for found in variants.values() for plan in found]:
                variants[plan] = self._more_of(plan)
            self._executable.tuners[key] = Autotuner(
                launching, variants.__getitem__, self._executable.rules
            )
        self.tuner = self._executable.tuners[key]
        self._set(self.tuner.plan)

    def _possible(self) -> list[LaunchPlan]:
        """The ways to launch many steps."""
        plans = [LaunchPlan(meeting) for meeting in Meeting if meeting != Meeting.CLUSTER]
        plans += self._filling()
        if self._can_put_aside():
            plans += [replace(plan, aside=True) for plan in plans if plan.together]
        plans += self._clusters(LaunchPlan(Meeting.CLUSTER))
        if self._can_own():
            plans.append(LaunchPlan(Meeting.MEMORY, owned=True))
            plans += self._clusters(LaunchPlan(Meeting.CLUSTER, owned=True))[:1]
        if self._can_tell():
            plans += self._clusters(LaunchPlan(Meeting.CLUSTER, owned=True, told=True))[:1]
        allowed = self._executable.rules.meetings
        return [plan for plan in plans if plan.meeting in allowed and self._fits(plan)] or [
            LaunchPlan()
        ]

    def _can_own(self) -> bool:
        """Whether blocks can execute the synapses of the elements that they own."""
        owned = [(self._queues[number], how.task) for number, how in self._source.owned.items()]
        return self._source.waits_once and all(
            queue.arrangement is not None
            # a synapse twice in a time step has to be executed in order, from a sorted list
            and not queue.mixed
            and queue.arrangement.n_synapses <= _MOST_SYNAPSES
            and queue.arrangement.n_runs * self._owners(LaunchPlan(), task) <= _MOST_RUNS
            for queue, task in owned
        )

    def _can_put_aside(self) -> bool:
        """Whether synapses can be executed beside the neurons.

        What arrives in a time step is not sent in it.
        """
        return self._source.aside is not None and all(
            queue.arrangement is not None and int(queue.arrangement.delays[0]) > 0
            for queue in self._queues
        )

    def _can_tell(self) -> bool:
        """Whether blocks can send messages of events: all arrive at once, none is on its way."""
        return (
            self._source.tells
            and self._can_own()
            and all(
                queue.arrangement is not None
                and not queue.arrangement.delays.any()
                and not queue.left_over()[1].size
                for queue in self._queues
            )
        )

    def _owners(self, plan: LaunchPlan, task: int) -> int:
        """How many blocks own elements of a task."""
        return blocks_wanted("elements", self._counts[task], threads_of(self._driver, plan))

    def _clusters(self, plan: LaunchPlan) -> list[LaunchPlan]:
        """Clusters: the one that spreads a network over the most blocks, and a larger one."""
        threads, fitting = self._driver.threads, list[LaunchPlan]()
        while threads <= self._source.most_threads and len(fitting) < 2:
            plan = replace(plan, threads=threads)
            fitting += [plan] if self._fits(plan) else []
            threads *= 2
        return fitting

    def _filling(self) -> list[LaunchPlan]:
        """Large networks: as many threads as all multiprocessors hold, which take several elements.

        Kernels that end have other threads for other elements, but begin anew in every time step.
        """
        elements = [
            sum(
                blocks_wanted("elements", self._counts[task], self._driver.threads)
                for task in kernel.tasks
                if self._source.tasks[task].kind == "elements"
            )
            for kernel in self._loop()
        ]
        if not self._source.resident or max(elements, default=0) <= self._driver.multiprocessors:
            return []
        plans = [
            LaunchPlan(Meeting.MEMORY, threads=self._most_threads(each), each=each)
            for each in _BLOCKS_EACH
        ]
        return [plan for plan in plans if plan.threads]

    def _most_threads(self, each: int) -> int:
        """Of a block, if each multiprocessor has so many; 0 if it has no room for them."""
        driver, kernel = self._driver, self._executable.module.kernel(_TOGETHER)
        most = min(self._source.most_threads, driver.most_threads // each)
        for threads in range(most // 32 * 32, driver.threads - 1, -32):
            found = driver.most_blocks(kernel, threads, Meeting.MEMORY)
            if found >= each * driver.multiprocessors:
                return threads
        return 0

    def _fits(self, plan: LaunchPlan) -> bool:
        """Whether the device can have all the blocks that wait for each other."""
        if not plan.together:
            return True
        return self._source.resident and self._blocks_together(plan) <= self._most_blocks(plan)

    def _variants_of(self, best: LaunchPlan) -> list[LaunchPlan]:
        """Other ways to deliver spikes, of those that make a difference and are possible."""
        return self._different(best, _VARIANTS)

    def _more_of(self, best: LaunchPlan) -> list[LaunchPlan]:
        """Further in the direction in which more threads or blocks have helped, and both."""
        wider, spread = best.widening, best.spreading
        if min(wider, spread) < 0:
            return []
        further = {"widening": wider + 1} if wider else {"spreading": spread + 1}
        return self._different(best, (further, {"widening": wider or 2, "spreading": spread or 2}))

    def _different(self, best: LaunchPlan, changes: Sequence[dict[str, Any]]) -> list[LaunchPlan]:
        """A way with each of some changes, where that makes a difference and is possible."""
        found = {self._sizes(best): best}
        for change in changes:
            plan = replace(best, **change)
            if self._fits(plan):
                found.setdefault(self._sizes(plan), plan)
        return [plan for plan in found.values() if plan != best]

    def _most_blocks(self, plan: LaunchPlan) -> int:
        threads = threads_of(self._driver, plan)
        return self._driver.most_blocks(self._together(plan), threads, plan.meeting)

    def _together(self, plan: LaunchPlan) -> Any:
        """The kernel that executes many time steps."""
        return self._executable.module.kernel(_TOLD if plan.told else _TOGETHER)

    def _sizes(self, plan: LaunchPlan) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The blocks of every task, and the threads that share a run of every queue."""
        if plan.owned:
            return self._sizes_of_owners(plan)
        driver = self._driver
        delivered = {t.count.queue for t in self._source.tasks if isinstance(t.count, QueueCount)}
        widths = tuple(
            width_for(
                driver,
                queue,
                plan if number in delivered else replace(plan, widening=0),
                self._source.at_once.get(number, 1),
            )
            for number, queue in enumerate(self._queues)
        )

        def blocks_of(task: TaskPlan) -> int:
            if isinstance(task.count, QueueCount):
                number = task.count.queue
                return blocks_for_queue(driver, self._queues[number], widths[number], plan)
            return blocks_for(driver, task.kind, self._counts[task.number], plan)

        blocks = list(map(blocks_of, self._source.tasks))
        if plan.each:
            self._share_all(plan, widths, blocks)
        elif plan.meeting == Meeting.CLUSTER:
            self._share_cluster(plan, widths, blocks)
        return tuple(blocks), widths

    def _sizes_of_owners(self, plan: LaunchPlan) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The same, where blocks execute the synapses of the elements that they own."""
        usual = replace(plan, owned=False, widening=0, spreading=0)
        blocks, widths = self._sizes(usual)
        threads = threads_of(self._driver, plan)
        found = [min(width, threads) for width in widths]
        # a pathway has its share of the warps
        threads = 32 * max(threads // 32 // max(len(self._source.owned), 1), 1)
        for number, how in self._source.owned.items():
            queue, owners = self._queues[number], self._owners(plan, how.task)
            found[number] = width_for_owners(queue, owners, how.at_once, threads, plan)
        return blocks, tuple(found)

    def _share_cluster(self, plan: LaunchPlan, widths: Sequence[int], blocks: list[int]) -> None:
        """Put the blocks that tasks of the loop have in a cluster into `blocks`."""
        threads, most = threads_of(self._driver, plan), self._most_blocks(plan)
        for kernel in self._loop():
            wanted = dict[int, int]()
            for task in (self._source.tasks[number] for number in kernel.tasks):
                blocks[task.number] = self._wanted(task, widths, threads)
                if task.kind in ("share", "queue", "warps"):
                    wanted[task.number] = blocks[task.number]
            rest = most - self._blocks_of_kernel(kernel, blocks) + sum(wanted.values())
            for number, given in zip(wanted, dealt_out([*wanted.values()], rest), strict=True):
                blocks[number] = given

    def _share_all(self, plan: LaunchPlan, widths: Sequence[int], blocks: list[int]) -> None:
        """The same, where the blocks of all multiprocessors have a share of every stage."""
        stages = [(kernel.tasks, kernel.name == self._source.loop[-1]) for kernel in self._loop()]
        if plan.aside:
            stages = [(tuple(task for tasks, _ in stages for task in tasks), False)]
        for numbers, ends_step in stages:
            tasks = [self._source.tasks[number] for number in numbers]
            wanted = {
                task.number: self._wanted(task, widths, plan.threads)
                for task in tasks
                if task.kind != "one"
            }
            alone = [task.number for task in tasks if task.kind == "one"]
            blocks_left = plan.each * self._driver.multiprocessors - len(alone)
            blocks_left -= ends_step
            spikes = [task.number for task in tasks if task.kind == "queue"]
            shares = shares_of_stage(wanted, spikes, blocks_left, plan.spreading)
            for number, share in (shares | dict.fromkeys(alone, 1)).items():
                blocks[number] = share

    def _wanted(self, task: TaskPlan, widths: Sequence[int], threads: int) -> int:
        """Blocks of so many threads, of which each has one element of a task at most."""
        count = self._counts[task.number]
        if isinstance(task.count, QueueCount):
            number = task.count.queue
            count = threads_for_queue(self._queues[number], widths[number])
        return blocks_wanted(task.kind, count, threads)

    def _loop(self) -> list[KernelPlan]:
        """The kernels of a time step."""
        return [kernel for kernel in self._source.kernels if kernel.name in self._source.loop]

    def _blocks_of_kernel(self, kernel: KernelPlan, blocks: Sequence[int]) -> int:
        # the first block of the kernel that ends a time step has no part in its tasks
        ends_step = kernel.name == self._source.loop[-1]
        return max(sum(blocks[task] for task in kernel.tasks) + ends_step, 1)

    def _blocks_together(self, plan: LaunchPlan) -> int:
        """How many blocks have to be on the device at the same time."""
        blocks, _ = self._sizes(plan)
        # owners take part in the last stage as the blocks that they are in the first
        loop = self._loop()[:-1] if plan.owned else self._loop()
        if plan.aside:
            return sum(blocks[task] for kernel in loop for task in kernel.tasks)
        most = max(self._blocks_of_kernel(kernel, blocks) for kernel in loop)
        # clusters of other sizes may be none
        return 1 << (most - 1).bit_length() if plan.meeting == Meeting.CLUSTER else most

    def _set(self, plan: LaunchPlan) -> None:
        """Go over to a way."""
        self.plan = plan
        self.blocks, self.widths = self._sizes(plan)
        module = self._executable.module
        self._launches = {name: Launch(module.kernel(name), 1, 32) for name in _SINGLE}
        for kernel in self._source.kernels:
            count = self._blocks_of_kernel(kernel, self.blocks)
            in_loop = kernel.name in self._source.loop
            threads = threads_of(self._driver, plan) if in_loop else self._driver.threads
            self._launches[kernel.name] = Launch(module.kernel(kernel.name), count, threads)
        if plan.together:
            most, threads = self._blocks_together(plan), threads_of(self._driver, plan)
            launch = Launch(self._together(plan), most, threads, plan.meeting)
            self._launches[_TOGETHER] = launch

    def adopt(self) -> bool:
        """Go over to the way that is to be tried next, or is the fastest; whether it is another."""
        if self.plan == self.tuner.plan:
            return False
        self._set(self.tuner.plan)
        return True

    # -- launching -----------------------------------------------------------------
    def launch(self, kernels: Sequence[str]) -> None:
        """Execute kernels one after the other."""
        self._driver.launch([self._launches[name] for name in kernels])

    def loop(self) -> list[Launch]:
        """The kernels of one time step."""
        return [self._launches[name] for name in self._source.loop]

    def steps(self, remaining: int) -> int:
        """How many time steps the next launch should execute, of those that remain."""
        most = self._executable.execution.batch or self.tuner.batch
        most = min(most, _MOST_TOGETHER if self.plan.together else _MOST_STEPS)
        if not self.tuner.decided:
            most = min(most, self.tuner.rules.steps)
        return min(most, max(remaining, 1))

    def run(self, steps: int) -> None:
        """Execute time steps; the device stops by itself at the end of the run."""
        self._asked = steps
        told = self._executable.execution.on_kernels
        if told is not None:
            for _ in range(steps):
                told(self.loop(), self._driver.time(self.loop()))
        elif self.plan.together:
            self.launch([_TOGETHER])
        else:
            while steps > 0:
                size = min(1 << (steps - 1).bit_length(), _LONGEST_GRAPH)
                self._driver.replay(self._graph(size))
                steps -= size

    def _graph(self, size: int) -> Any:
        key = size, self.blocks
        return self._executable.graph(key, lambda: self._driver.graph(self.loop() * size))

    def note(self, seconds: float, steps: int) -> None:
        """Learn from what the last time steps took, and how many there were."""
        told = self._executable.execution.on_launch
        if told is not None:
            told(seconds, steps)
        self.tuner.note(seconds, steps)
        if steps < self._asked:
            # something stops the device now and then: what comes after that is in vain
            self.tuner.batch = max(1 << max(steps - 1, 0).bit_length(), 1)
        elif seconds < self.tuner.rules.patience / 2:
            self.tuner.batch = min(2 * self.tuner.batch, _MOST_STEPS)
        elif seconds > self.tuner.rules.patience:
            self.tuner.batch = max(self.tuner.batch // 2, 1)

    def note_for_people(self) -> str:
        """How time steps are executed, and what was measured."""
        if not self.tuner.decided:
            return f"Time steps are executed as {self.plan} for now; other ways are being tried."
        costs = sorted(self.tuner.costs.items(), key=lambda item: item[1])
        if not costs:
            return f"Time steps are executed as {self.plan}."
        measured = ", ".join(f"{plan} {1e6 * cost:.1f} µs" for plan, cost in costs)
        return f"Time steps are executed as {self.plan}: of what was tried ({measured} a step)."
