"""Bytes and operations of a time step, counted in the model that was compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from brian2genn.model import expr as ex
from brian2genn.model.kernel import ELEMENT, Kernel
from brian2genn.model.network import (
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
from brian2genn.transforms.rates import ELEMENT_RATE, Rates

#: What is executed once for an element and costs no more than an addition.
_SIMPLE = {
    "add",
    "sub",
    "mul",
    "neg",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
    "and",
    "or",
    "not",
    "select",
}
_DIVISIONS = {"div", "floordiv", "mod"}
_FUNCTIONS = {"call", "pow", "user", "table"}

#: From what is moved, and whether it is read or written, to bytes.
Moved = dict[tuple[str, str], float]


@dataclass
class Cost:
    """Bytes moved and operations done in a time step."""

    bytes: float = 0.0
    operations: float = 0.0
    divisions: float = 0.0
    functions: float = 0.0
    random: float = 0.0


def cost_of_step(
    network: Network, program: Any, spikes: Mapping[str, np.ndarray]
) -> tuple[Cost, Cost]:
    """What a time step costs, and the least that it can cost.

    Parameters
    ----------
    network : Network
        As it was printed.
    program : CudaProgram
        Bound to the network's memory.
    spikes : mapping
        By the name of a population: how often each neuron spikes in a time step.

    Returns
    -------
    cost, floor : Cost
        In `cost`, a pass over some elements moves each variable once; in `floor`, the whole time
        step does. Both do the same operations.
    """
    counter = _Counter(network, program, spikes)
    by_origin: dict[str, list[Step]] = {}
    for step in network.steps:
        by_origin.setdefault(step.origin, []).append(step)
    passes = [
        [step for origin in dict.fromkeys(task.what) for step in by_origin[origin]]
        for kernel in program.source.kernels
        if kernel.name in program.source.loop
        for task in program.source.tasks
        if task.number in kernel.tasks
    ]
    cost = Cost(bytes=sum(_total(map(counter.moved, steps)) for steps in passes))
    floor = Cost(bytes=_total(map(counter.moved, network.steps)))
    for step in network.steps:
        counter.add_operations(step, cost, floor)
    return cost, floor


def deliveries_per_step(network: Network, program: Any, spikes: Mapping[str, np.ndarray]) -> float:
    """How many synapses events reach in a time step; arguments as for `cost_of_step`."""
    counter = _Counter(network, program, spikes)
    pathways = [step for step in network.steps if isinstance(step, Deliver)]
    return sum(counter.executions(step) for step in pathways)


def _total(parts: Iterable[Moved]) -> float:
    """The bytes of several steps that share what they move."""
    largest: Moved = {}
    for part in parts:
        for what, nbytes in part.items():
            largest[what] = max(largest.get(what, 0.0), nbytes)
    return sum(largest.values())


class _Counter:
    def __init__(self, network: Network, program: Any, spikes: Mapping[str, np.ndarray]) -> None:
        self.network = network
        self.program = program
        self.spikes = spikes
        self.events = {s.queue: s.events for s in network.steps if isinstance(s, Push)}

    def _param(self, name: str) -> float:
        return float(self.program.deployment.params[name])

    def _length(self, array: str) -> float:
        variable = self.program.deployment.named[array]
        return float(
            variable.size if isinstance(variable, np.ndarray) else variable.get_value().size
        )

    def _rate(self, events: str) -> np.ndarray:
        """How often every neuron spikes in a time step; 0 for events that nobody counted."""
        owner = self.program.deployment.named[events].owner.name
        return self.spikes.get(owner, np.zeros(int(self._length(events)) - 1))

    def executions(self, step: Step) -> float:
        """How often a step's kernel is executed in a time step."""
        match step:
            case Update() | Threshold() | Sum():
                return self._param(step.size)
            case OnEvents():
                return float(self._rate(step.events).sum())
            case RecordEvents():
                start, stop = int(self._param(step.start)), int(self._param(step.stop))
                return float(self._rate(step.events)[start:stop].sum())
            case RecordState():
                return self._length(step.indices)
            case Deliver():
                return float(self.arriving(step).sum())
        return 0.0

    def arriving(self, step: Deliver) -> np.ndarray:
        """For every source of a pathway, the synapses reached in a time step on average."""
        queue = self.program.deployment.queues[step.queue]
        firsts = queue.arrangement.by_source()
        rates = self._rate(self.events[step.queue])[queue.source_start : queue.source_stop]
        return np.diff(firsts) * rates

    def moved(self, step: Step) -> Moved:
        """The bytes that a step moves."""
        n = self.executions(step)
        moved: Moved = {}
        for kernel in step.kernels():
            self._of_kernel(kernel, n, moved)
        match step:
            case Threshold():
                moved[step.events, "write"] = n
            case OnEvents() | Push() | RecordEvents() | RecordRate():
                moved[step.events, "read"] = self._length(step.events) - 1
            case EmitSpikes():
                moved[step.events, "write"] = 2 * float(self._rate(step.events).sum())
        if isinstance(step, Push):
            moved[f"queue {step.queue}", "write"] = 4 * float(self._rate(step.events).sum())
        if isinstance(step, RecordEvents | RecordState):
            row = sum(np.dtype(column.dtype).itemsize for column in step.columns)
            moved[f"recorder {step.recorder}", "write"] = n * row
        if (
            isinstance(step, Deliver)
            and self.program.deployment.queues[step.queue].arrangement.order is not None
        ):
            moved[f"order of queue {step.queue}", "read"] = 4 * n
        return moved

    def _of_kernel(self, kernel: Kernel, n: float, moved: Moved) -> None:
        def add(array: str, index: str | None, how: str) -> None:
            size = np.dtype(self.network.arrays[array].dtype).itemsize
            count = 1.0 if index is None else n
            key = (array if index in (None, ELEMENT) else f"{array}[{index}]", how)
            moved[key] = max(moved.get(key, 0.0), count * size)

        for access in kernel.loads():
            add(access.array, access.index, "read")
        for store in kernel.stores:
            access = kernel.accesses[store.name]
            add(access.array, access.index, "write")
            if store.add:
                add(access.array, access.index, "read")

    def add_operations(self, step: Step, *costs: Cost) -> None:
        """Add what a step computes."""
        n = self.executions(step)
        for kernel in step.kernels():
            rates = Rates(kernel)
            additions = sum(store.add for store in kernel.stores)
            found = [node for node in ex.walk(kernel.roots()) if rates.of(node) == ELEMENT_RATE]
            for cost in costs:
                cost.operations += n * (sum(node.op in _SIMPLE for node in found) + additions)
                cost.divisions += n * sum(node.op in _DIVISIONS for node in found)
                cost.functions += n * sum(node.op in _FUNCTIONS for node in found)
                cost.random += n * sum(node.op == "random" for node in found)
