"""Whether a network contradicts itself: all that it refers to must be there."""

from __future__ import annotations

from collections.abc import Iterator

from .footprint import Kind, references
from .kernel import Kernel, Table
from .mishap import Mishap, working_on
from .network import (
    Cable,
    Collect,
    Deliver,
    Network,
    Push,
    RecordEvents,
    RecordState,
    Step,
    Sum,
    Threshold,
)


class ModelError(Mishap):
    """The model contradicts itself: a defect of the program, not of the script."""


def verify(network: Network) -> None:
    """Check that everything a network refers to exists.

    Raises
    ------
    ModelError
        With the step and what is wrong in it.
    """
    for complaint in _of_network(network):
        raise ModelError(complaint, "")
    kernels: set[str] = set()
    for step in network.steps:
        with working_on(step):
            for complaint in _of_step(network, step, kernels):
                raise ModelError(f"step '{step.name}' of {step.origin}: {complaint}", step.owner)


def _exists(network: Network, kind: Kind, name: str | int) -> bool:
    """Whether a network has this array, parameter, queue or recorder."""
    match kind:
        case Kind.ARRAY:
            return name in network.arrays
        case Kind.PARAMETER:
            return name in network.params
        case Kind.QUEUE:
            return 0 <= int(name) < network.queues
        case Kind.RECORDER:
            return 0 <= int(name) < network.recorders


def _of_network(network: Network) -> Iterator[str]:
    for what, things in (("array", network.arrays), ("parameter", network.params)):
        for name, thing in things.items():
            if thing.name != name:
                yield f"the {what} '{name}' calls itself '{thing.name}'"
    for clock in network.clocks:
        for name in filter(None, (clock.t, clock.timestep)):
            if name not in network.arrays:
                yield f"clock '{clock.name}': array '{name}' does not exist"
    for view in network.views:
        for name in view.arrays:
            if name not in network.arrays:
                yield f"brian::{view.name}: array '{name}' does not exist"
        if view.recorder >= network.recorders:
            yield f"brian::{view.name}: recorder {view.recorder} does not exist"
    filled = {step.queue for step in network.steps if isinstance(step, Push)}
    for step in network.steps:
        filled |= set(step.queues.values()) if isinstance(step, Collect) else set()
    emptied = {step.queue for step in network.steps if isinstance(step, Deliver)}
    for queue in sorted(filled ^ emptied):
        what = "filled" if queue in emptied else "emptied"
        yield f"no step has queue {queue} {what}"


def _of_step(network: Network, step: Step, kernels: set[str]) -> Iterator[str]:
    if not 0 <= step.clock < len(network.clocks):
        yield f"clock {step.clock} does not exist"
    for name, reference, value in references(step):
        if not _exists(network, reference.kind, value):
            yield f"{reference.kind.value} '{value}' ({name}) does not exist"
    for name in step.part or ():
        if name not in network.arrays:
            yield f"array '{name}' (part) does not exist"
    if isinstance(step, Collect):
        for key in step.queues:
            if step.takes.get(key) not in step.lists:
                yield f"no list has the events of queue '{key}'"
    for kernel in step.kernels():
        if kernel.name in kernels:
            yield f"two kernels are called '{kernel.name}'"
        kernels.add(kernel.name)
        yield from _of_kernel(network, kernel)
    for output in _outputs(step):
        if not any(output in kernel.outputs for kernel in step.kernels()):
            yield f"no kernel computes '{output}'"


def _outputs(step: Step) -> list[str]:
    """What the kernel of a step has to compute beside what it stores."""
    match step:
        case Threshold():
            return ["_cond"]
        case Sum():
            return ["_synaptic_var"]
        case RecordEvents() | RecordState():
            return [column.output for column in step.columns]
        case Cable():
            return ["_gtot", "_I0"]
    return []


def _of_kernel(network: Network, kernel: Kernel) -> Iterator[str]:
    for access in kernel.accesses.values():
        if access.array not in network.arrays:
            yield f"'{access.name}' refers to unknown array '{access.array}'"
        elif access.dtype != network.arrays[access.array].dtype:
            dtype = network.arrays[access.array].dtype
            yield f"'{access.name}' is {access.dtype}, its array '{access.array}' {dtype}"
        if kernel.has_index_access(access) and access.index not in kernel.accesses:
            yield f"'{access.name}' has unknown index '{access.index}'"
    stored = [store.name for store in [*kernel.shared_stores, *kernel.stores]]
    for what, names in (("read", kernel.attributes("load")), ("written", stored)):
        for name in names:
            if name not in kernel.accesses:
                yield f"'{name}' is {what} but has no access"
    for name in kernel.attributes("given"):
        if name not in kernel.given:
            yield f"'{name}' is not given"
    for name in kernel.attributes("param"):
        if name not in network.params:
            yield f"parameter '{name}' does not exist"
    for table in kernel.attributes("table"):
        yield from _of_table(network, table)


def _of_table(network: Network, table: Table) -> Iterator[str]:
    if table.array not in network.arrays:
        yield f"the table '{table.name}' refers to unknown array '{table.array}'"
    for name in (table.rows, table.columns, table.epsilon, table.upsampling):
        if name is not None and name not in network.params:
            yield f"the table '{table.name}' refers to unknown parameter '{name}'"
