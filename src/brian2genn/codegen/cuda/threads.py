"""Which threads execute a step: one for each element, warps, or a share of the blocks."""

from __future__ import annotations

from itertools import takewhile

from ...model.network import (
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
from ...transforms.stages import OfSpikes, Planner, Task, domain_of_monitor
from .source import ArrayCount, Count, ParamCount, QueueCount
from .texts import TaskText

#: One block, whatever there is to do.
ONE: tuple[str, Count] = ("one", None)


class Threads:
    """Tells of the steps of a network which threads execute them.

    Parameters
    ----------
    network : Network
    planner : Planner
    """

    def __init__(self, network: Network, planner: Planner) -> None:
        self._network = network
        self._planner = planner

    def is_pass(self, task: Task) -> bool:
        """Whether threads go through the steps of a task with an element each."""
        return all(map(self.is_by_element, task.steps)) and self.generator(task) is None

    def is_by_element(self, step: Step) -> bool:
        """Whether a step's function takes one element; others take a share of the blocks."""
        if self._planner.why_in_order(step):
            return False
        if isinstance(step, RecordState):
            return domain_of_monitor(self._network, step) is not None
        return isinstance(step, Update | Threshold | OnEvents | Push | RecordEvents | RecordRate)

    def asks(self, step: Step) -> bool:
        """Whether threads ask for places in a list, and take them later."""
        return isinstance(step, Push | RecordEvents) and self.is_by_element(step)

    def asking_from(self, step: Step, task: TaskText) -> list[Step]:
        """The steps from `step` on that ask, one after the other: all at once, to wait once."""
        first = task.steps.index(step)
        if task.kind != "elements" or (first > 0 and self.asks(task.steps[first - 1])):
            return []
        return list(takewhile(self.asks, task.steps[first:]))

    def generator(self, task: Task) -> EmitSpikes | None:
        """The spike generator whose spikes the steps of a task are for."""
        for step in self._network.steps:
            if isinstance(step, EmitSpikes) and task.domain == OfSpikes(step.events):
                return step
        return None

    def count(self, step: Step) -> tuple[str, Count]:
        """How many threads a step wants."""
        match step:
            case Update() | Threshold():
                return "elements", ParamCount(step.size)
            case OnEvents() | Push() | RecordEvents() | RecordRate():
                return "elements", ArrayCount(step.events, less=1)
            case RecordState():
                domain = domain_of_monitor(self._network, step)
                if domain is not None:
                    return "elements", ParamCount(domain)
                return "share", ArrayCount(step.indices)
            case Sum():
                return "warps", ParamCount(step.target_size)
            case Deliver():
                gathered = self._planner.gathered_by(step)
                if gathered is not None:
                    return "warps", ArrayCount(gathered.array)
                return "queue", QueueCount(step.queue)
        return ONE
