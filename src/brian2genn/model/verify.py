"""Whether a network contradicts itself: all that it refers to must be there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from .dtypes import C_TYPE, INT32
from .footprint import How, Kind, Reference, element_types, left_out, parts, references
from .kernel import Kernel, Table
from .mishap import Mishap, working_on
from .network import (
    Array,
    Cable,
    Collect,
    Deliver,
    Host,
    Network,
    Param,
    Role,
    Step,
    Sum,
    Threshold,
    columns_of,
)
from .traces import TraceEnd, Traces
from .user_code import entry

#: What an array may be for that is a list of events; nobody has to say it.
_LISTS = frozenset((Role.STATE, Role.SPIKES, Role.EVENTS))

_SIDES = ("pre", "post")


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
    seen = _Seen(network)
    for step in network.steps:
        with working_on(step):
            for complaint in seen.of_step(step):
                raise ModelError(f"step '{step.name}' of {step.origin}: {complaint}", step.owner)
    for complaint in [*seen.counterparts(), *_of_all_traces(network, seen)]:
        raise ModelError(complaint, "")


def _exists(network: Network, kind: Kind, name: object) -> bool:
    """Whether a network has this array, parameter, queue or recorder."""
    match kind:
        case Kind.ARRAY:
            return name in network.arrays
        case Kind.PARAMETER:
            return name in network.params
        case Kind.QUEUE:
            return isinstance(name, int) and 0 <= name < network.queues
        case Kind.RECORDER:
            return isinstance(name, int) and 0 <= name < network.recorders


def _of_network(network: Network) -> Iterator[str]:
    things: Mapping[str, Array] | Mapping[str, Param]
    for what, things in (("array", network.arrays), ("parameter", network.params)):
        for name, thing in things.items():
            if thing.name != name:
                yield f"the {what} '{name}' calls itself '{thing.name}'"
            if thing.dtype not in C_TYPE:
                yield f"the {what} '{name}' is '{thing.dtype}', which is no type"
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
    functions = {code.c_name for code in network.user_code}
    for code in network.user_code:
        for name in code.pointers:
            if name not in network.arrays:
                yield f"the function '{code.c_name}': array '{name}' does not exist"
        for name in code.dependencies:
            if name not in functions:
                yield f"the function '{code.c_name}': it calls '{name}', which does not exist"


class _Seen:
    """What has been seen of a network: things that may be there once only, or need another."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._functions = {entry(code.c_name) for code in network.user_code}
        self._steps: set[str] = set()
        self._kernels: set[str] = set()
        self._filled: set[int] = set()
        self._emptied: set[int] = set()
        self._recorders: Counter[int] = Counter()
        #: by array: a step that has a list of events in it, and one that has a value for each
        #: element
        self._lists: dict[str, Step] = {}
        self._values: dict[str, Step] = {}

    def of_step(self, step: Step) -> Iterator[str]:
        """What is wrong in a step, beside those that came before."""
        network = self._network
        for name in left_out(step):
            yield f"{name} is missing"
        if not 0 <= step.clock < len(network.clocks):
            yield f"clock {step.clock} does not exist"
        if not isinstance(step, Host):  # it is known by its number
            if step.name in self._steps:
                yield f"two steps are called '{step.name}'"
            self._steps.add(step.name)
        for name, reference, value in references(step):
            if not _exists(network, reference.kind, value):
                yield f"{reference.kind.value} '{value}' ({name}) does not exist"
            yield from self._note(step, name, reference, value)
        yield from _of_types(network, step)
        for name in step.part or ():
            if name not in network.arrays:
                yield f"array '{name}' (part) does not exist"
        if isinstance(step, Collect):
            for key in step.queues:
                if step.takes.get(key) not in step.lists:
                    yield f"no list has the events of queue '{key}'"
        if isinstance(step, Deliver):
            if step.side not in _SIDES:
                yield f"there is no side '{step.side}' of synapses"
            if not step.synapses or step.domain not in ("", step.synapses):
                yield f"it goes through '{step.domain}', not the synapses '{step.synapses}'"
        for kernel in step.kernels():
            yield from self.of_kernel(kernel)
            for access in kernel.accesses.values():
                self._values.setdefault(access.array, step)
        for output in _outputs(step):
            if not any(output in kernel.outputs for kernel in step.kernels()):
                yield f"no kernel computes '{output}'"

    def _note(self, step: Step, name: str, reference: Reference, value: str | int) -> Iterator[str]:
        """Note what may be there once only, or needs a counterpart."""
        if reference.kind is Kind.QUEUE:
            (self._emptied if reference.how is How.READ else self._filled).add(int(value))
        elif reference.kind is Kind.RECORDER:
            self._recorders[int(value)] += 1
            if self._recorders[int(value)] > 1:
                yield f"another step has recorder {value}, too"
        elif reference.events:
            array = self._network.arrays[str(value)]
            if array.dtype != INT32 or array.role not in _LISTS:
                yield f"array '{value}' ({name}) is no list of events"
            self._lists.setdefault(array.name, step)

    def of_kernel(self, kernel: Kernel) -> Iterator[str]:
        """What is wrong in a kernel."""
        for name in left_out(kernel):
            yield f"{name} of a kernel is missing"
        if kernel.name in self._kernels:
            yield f"two kernels are called '{kernel.name}'"
        self._kernels.add(kernel.name)
        yield from _of_kernel(self._network, kernel)
        for function in kernel.attributes("user"):
            if function.c_name not in self._functions:
                yield f"the function '{function.name}' has no text: '{function.c_name}'"

    def counterparts(self) -> Iterator[str]:
        """What nobody fills, empties, or uses; and arrays that are two things."""
        for queue in range(self._network.queues):
            if queue not in self._emptied or queue not in self._filled:
                what = "filled" if queue in self._emptied else "emptied"
                yield f"no step has queue {queue} {what}"
        for recorder in range(self._network.recorders):
            if not self._recorders[recorder]:
                yield f"no step has recorder {recorder}"
        for name in self._lists.keys() & self._values.keys():
            one, other = self._lists[name], self._values[name]
            yield (
                f"step '{one.name}' of {one.origin}: array '{name}' is no list of events: step"
                f" '{other.name}' of {other.origin} has a value for each element in it"
            )


def _of_types(network: Network, thing: object) -> Iterator[str]:
    """Element types that are not those of the arrays that they are said to be of, or of nothing."""
    for name, field in element_types(type(thing)).items():
        dtype, array = getattr(thing, name), getattr(thing, field, None)
        if array is not None and dtype != network.arrays[array].dtype:
            yield f"{name} is {dtype}, the array '{array}' ({field}) {network.arrays[array].dtype}"
        if dtype not in C_TYPE:
            yield f"{name} is '{dtype}', which is no type"
    for column in columns_of(thing):
        if column.dtype not in C_TYPE:
            yield f"the column '{column.name}' is '{column.dtype}', which is no type"
    for _, value in parts(thing):
        yield from _of_types(network, value)


def _outputs(step: Step) -> list[str]:
    """What the kernel of a step has to compute beside what it stores."""
    match step:
        case Threshold():
            return ["_cond"]
        case Sum():
            return ["_synaptic_var"]
        case Cable():
            return ["_gtot", "_I0"]
    return [column.output for column in columns_of(step)]


def _of_kernel(network: Network, kernel: Kernel) -> Iterator[str]:
    for name, access in kernel.accesses.items():
        if access.name != name:
            yield f"the access '{name}' calls itself '{access.name}'"
        if access.array not in network.arrays:
            yield f"'{access.name}' refers to unknown array '{access.array}'"
        elif access.dtype != network.arrays[access.array].dtype:
            dtype = network.arrays[access.array].dtype
            yield f"'{access.name}' is {access.dtype}, its array '{access.array}' {dtype}"
        if kernel.has_index_access(access) and access.index not in kernel.accesses:
            yield f"'{access.name}' has unknown index '{access.index}'"
    yield from _circles(kernel)
    stored = [store.name for store in [*kernel.shared_stores, *kernel.stores]]
    for what, names in (("read", kernel.attributes("load")), ("written", stored)):
        for name in names:
            if name not in kernel.accesses:
                yield f"'{name}' is {what} but has no access"
    if kernel.numbered is not None and kernel.numbered not in kernel.accesses:
        yield f"the numbers of its elements, '{kernel.numbered}', have no access"
    for name in kernel.attributes("given"):
        if name not in kernel.given:
            yield f"'{name}' is not given"
    for name in kernel.attributes("param"):
        if name not in network.params:
            yield f"parameter '{name}' does not exist"
    for table in kernel.attributes("table"):
        yield from _of_table(network, table)


def _circles(kernel: Kernel) -> Iterator[str]:
    """Accesses whose index is reached through themselves; all indices exist."""
    indirect = {
        name: str(access.index)
        for name, access in kernel.accesses.items()
        if kernel.has_index_access(access)
    }
    for name in indirect:
        behind, index = {name}, indirect[name]
        while index in indirect and index not in behind:
            behind.add(index)
            index = indirect[index]
        if index in behind:
            yield f"the index of '{name}', '{indirect[name]}', is reached through itself"


def _of_table(network: Network, table: Table) -> Iterator[str]:
    if table.array not in network.arrays:
        yield f"the table '{table.name}' refers to unknown array '{table.array}'"
    for name in (table.rows, table.columns, table.epsilon, table.upsampling):
        if name is not None and name not in network.params:
            yield f"the table '{table.name}' refers to unknown parameter '{name}'"


# -- what neurons keep ---------------------------------------------------------------


def _of_all_traces(network: Network, seen: _Seen) -> Iterator[str]:
    for one in network.traces:
        for complaint in _of_traces(network, one, seen):
            yield f"what neurons keep for '{one.synapses}': {complaint}"


def _of_traces(network: Network, one: Traces, seen: _Seen) -> Iterator[str]:
    pathways = {
        step.queue: step.side
        for step in network.steps
        if isinstance(step, Deliver) and step.synapses == one.synapses
    }
    if set(one.queues) != pathways.keys():
        yield f"their pathways have the queues {sorted(pathways)}, not {list(one.queues)}"
    sides = {end.side for end in one.ends}
    if len(sides) < len(one.ends):
        yield "two ends have one side"
    for end in one.ends:
        for complaint in _of_end(network, end, pathways):
            yield f"on the side '{end.side}', {complaint}"
    for name, (side, queue) in one.places.items():
        if name not in network.arrays:
            yield f"array '{name}' (places) does not exist"
        if side not in sides:
            yield f"array '{name}' (places) has the keys of a side '{side}' that keeps nothing"
        if queue not in pathways:
            yield f"queue {queue} (places) is none of theirs"
    yield from _unknown(network, "stamp", [] if one.stamp is None else [one.stamp])
    yield from seen.of_kernel(one.kernel)


def _of_end(network: Network, end: TraceEnd, pathways: dict[int, str]) -> Iterator[str]:
    if end.side not in _SIDES:
        yield "which there is none of"
    for queue in end.queues:
        if pathways.get(queue) != end.side:
            yield f"queue {queue} (queues) is none of theirs"
    if not end.queues:
        yield "there is no queue"
    yield from _unknown(network, "key", [end.key])
    yield from _unknown(network, "since", [] if end.since is None else [end.since])
    for what, arrays in (("traces", end.traces), ("constants", end.constants)):
        yield from _unknown(network, what, [*arrays, *arrays.values()])
    yield from _unknown(network, "results", end.results)
    if end.size is not None and end.size not in network.params:
        yield f"parameter '{end.size}' (size) does not exist"


def _unknown(network: Network, what: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name not in network.arrays:
            yield f"array '{name}' ({what}) does not exist"
