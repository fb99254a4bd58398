"""Steps of neurons as the code of GeNN's neuron models."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...codegen.genn.code import GENN_TYPE, GennCode, NotInGenn
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Kernel
from ...model.network import (
    EmitSpikes,
    OnEvents,
    RecordEvents,
    RecordRate,
    RecordState,
    Role,
    Step,
    Threshold,
    Update,
)
from .description import Population, Variable
from .instance import Instance
from .layout import EventPlan, Flag, Layout, RatePlan, StatePlan
from .names import CodeNames, Scope, genn_name

#: The values of the parameter ``phase``.
REPLAY, FIRST, FULL = range(3)

#: Bytes that one recording in GeNN's memory may take.
_MOST_BYTES = 32 * 1024 * 1024

#: Time steps for which GeNN records before it is asked.
_MOST_SLOTS = 1000


class Neurons:
    """One population and the code of its neurons, step by step.

    Parameters
    ----------
    instance : Instance
    layout : Layout
    group : str
        The name of the group in the script.
    size : int
    """

    def __init__(self, instance: Instance, layout: Layout, group: str, size: int) -> None:
        self.instance = instance
        self.layout = layout
        self.population = Population(genn_name(group, set()), size)
        self.scope = Scope(instance, group, self.population)
        self.scope.setting("phase", "int", FULL, dynamic=True)
        #: what is executed one time step later than in Brian, and what is not
        self.late: list[str] = []
        self.now: list[str] = []

    def code(self, step: Step, *, last: bool) -> None:
        """Add the code of one step."""
        lines = self._lines(step, last)
        where = self.late if last else self.now
        if not lines:
            return
        ratio = self.instance.ratio(step.clock)
        if ratio is None:
            raise NotInGenn("a clock that ticks between the time steps of the fastest clock")
        if ratio != 1 and not isinstance(step, Update | RecordState):
            raise NotInGenn("a clock that is slower than others in the network")
        if ratio != 1:
            number = "((int)rint(t / dt) - 1)" if last else "(int)rint(t / dt)"
            lines = [f"if (({number} % {ratio}) == 0) {{", *indented(lines), "}"]
        where += [f"// {step.origin}", *lines]

    def _lines(self, step: Step, last: bool) -> list[str]:
        match step:
            case Update():
                return self._executed(step.kernel, step.clock, last)
            case Threshold():
                return self._threshold(step, last)
            case OnEvents():
                flag = self.layout.flags[step.events].variable
                body = self._executed(step.kernel, step.clock, last, braces=False)
                return [f"if ({flag}) {{", *indented(body), "}"]
            case EmitSpikes():
                flag = self.layout.flags[step.events].variable
                name = self.scope.extra_global("emitted", "uint8_t", self._slots_of(1))
                self.layout.generators[step.events] = name
                return [f"{flag} = ({name}[{self.slot(last=False)} * num_neurons + id] != 0);"]
            case RecordState():
                return self._record_state(step, last)
            case RecordEvents():
                return self._record_events(step, last)
            case RecordRate():
                events = step.events
                group = self.layout.flags[events].population
                self.layout.rates.append(RatePlan(step, group, last))
                return []
        raise NotInGenn(f"a step of the kind {type(step).__name__}")

    def _executed(
        self, kernel: Kernel, clock: int, last: bool, *, braces: bool = True
    ) -> list[str]:
        if kernel.shared_stores:
            name = kernel.shared_stores[0].name
            raise NotInGenn(f"the shared variable '{name}', which is written during a run")
        if not kernel.stores:
            return []
        for store in kernel.stores:
            if kernel.accesses[store.name].index != ELEMENT:
                raise NotInGenn(f"'{store.name}' of other neurons, which is written")
        code = GennCode(kernel, CodeNames(self.scope, kernel, clock, last=last), self.scope.number)
        computed, stored = code.statements(kernel.stores)
        lines = [*computed, *stored]
        return ["{", *indented(lines), "}"] if braces else lines

    def _threshold(self, step: Threshold, last: bool) -> list[str]:
        names = CodeNames(self.scope, step.kernel, step.clock, last=last)
        code = GennCode(step.kernel, names, self.scope.number)
        condition = code.value(step.kernel.outputs["_cond"])
        flag = self.layout.flags[step.events].variable
        lines = ["{", *indented([*code.lines, f"{flag} = {condition};"]), "}"]
        refractoriness = step.refractoriness
        if refractoriness is not None:
            cast = "(float)" if refractoriness.lastspike_dtype == "float32" else ""
            time = names.time(*self.instance.clock_arrays[refractoriness.time])
            lines += [
                f"if ({flag}) {{",
                f"    {self.scope.variable(refractoriness.not_refractory)} = false;",
                f"    {self.scope.variable(refractoriness.lastspike)} = {cast}{time};",
                "}",
            ]
        return lines

    # -- recording ---------------------------------------------------------------
    def slot(self, *, last: bool) -> str:
        """The row of recordings that belongs to a time step."""
        self.scope.setting("slots", "int", self.layout.slots)
        return "((int)(rint(t / dt) - 1.0) % slots)" if last else "((int)rint(t / dt) % slots)"

    def _slots_of(self, width: int) -> int:
        return self.layout.slots * self.population.size * width

    def flag(self, events: str) -> None:
        """Add the variable that is true for the neurons that have these events."""
        array = self.instance.network.arrays[events]
        if array.role is Role.SPIKES:
            self.population.records_spikes = True
            flag = Flag(self.population.name, self.scope.internal("spiked", "bool"))
        else:
            name = genn_name(array.variable or array.name, self.scope.taken)
            flag = Flag(self.population.name, self.scope.internal(name, "bool"))
            flag.recorded = self.scope.extra_global(f"rec_{name}", "uint8_t", self._slots_of(1))
        self.layout.flags[events] = flag

    def _record_state(self, step: RecordState, last: bool) -> list[str]:
        indices = np.asarray(self.instance.arrays[step.indices])
        if indices.size == 0:
            raise NotInGenn("a monitor that records nothing")
        unique, inverse = np.unique(indices, return_inverse=True)
        names = CodeNames(self.scope, step.kernel, step.clock, last=last)
        code = GennCode(step.kernel, names, self.scope.number)
        values = [code.value(step.kernel.outputs[column.output]) for column in step.columns]
        width = len(unique)
        row = self.slot(last=last)
        everybody = width == self.population.size
        columns, stores = [], []
        for column, value in zip(step.columns, values, strict=True):
            name = self._recorded(step.owner, column.name, column.dtype, width)
            columns.append(name)
            place = f"{row} * num_neurons + id" if everybody else f"{row} * {width} + column"
            stores.append(f"{name}[{place}] = ({stored_type(column.dtype)}){value};")
        plan = StatePlan(step, self.population.name, columns, unique, inverse, last)
        self.layout.states.append(plan)
        lines = ["{", *indented([*code.lines, *stores]), "}"]
        if everybody:
            return lines
        position = genn_name(f"place_in_{step.owner}", self.scope.taken)
        self.population.variables.append(Variable(position, "int32_t", read_only=True))
        places = np.full(self.population.size, -1, dtype=np.int32)
        places[unique] = np.arange(width)
        self.layout.values[self.population.name, position] = places
        return [f"if ({position} >= 0) {{", f"    const int column = {position};",
                *indented(lines), "}"]  # fmt: skip

    def _recorded(self, owner: str, variable: str, dtype: str, width: int) -> str:
        return recorded_name(self.scope, self.layout, owner, variable, dtype, width)

    def _record_events(self, step: RecordEvents, last: bool) -> list[str]:
        if last:
            raise NotInGenn("an event monitor after spikes have been delivered")
        names = CodeNames(self.scope, step.kernel, step.clock, last=last)
        code = GennCode(step.kernel, names, self.scope.number)
        columns, stores = [], []
        for column in step.columns:
            output = step.kernel.outputs[column.output]
            known = self._known(step.kernel, output)
            if known:
                columns.append(known)
                continue
            value = code.value(output)
            name = self._recorded(step.owner, column.name, column.dtype, self.population.size)
            columns.append(name)
            place = f"{self.slot(last=False)} * num_neurons + id"
            stores.append(f"{name}[{place}] = ({stored_type(column.dtype)}){value};")
        flag = self.layout.flags[step.events]
        self.layout.events.append(EventPlan(step, flag.population, columns))
        if not stores:
            return []
        return [f"if ({flag.variable}) {{", *indented([*code.lines, *stores]), "}"]

    def _known(self, kernel: Kernel, output: Expr | None) -> str:
        """'i' or 't' where the recorded value is the neuron's number or the time."""
        if output is None or output.op != "load":
            return ""
        array = kernel.accesses[output.attr].array
        if self.instance.clock_arrays.get(array) == (self.instance.base, Role.TIME):
            return "t"
        values = self.instance.arrays[array]
        constant = array not in self.instance.mutated and values.dtype.kind == "i"
        if constant and np.array_equal(values, np.arange(self.population.size)):
            return "i"
        return ""

    # -- all together --------------------------------------------------------------
    def finish(self) -> Population:
        """Put the code together."""
        flags = [f for f in self.layout.flags.values() if f.population == self.population.name]
        lines: list[str] = []
        late = [f"if (phase == {FULL}) {{", *indented(self.late), "}"] if self.late else []
        body = [*late, *self.now]
        for flag in flags:
            if flag.recorded:
                place = f"{flag.recorded}[{self.slot(last=False)} * num_neurons + id]"
                body.append(f"{place} = ({flag.variable} ? 1 : 0);")
        replays = [f for f in flags if self._replays(f)]
        if replays and self.layout.replays:
            rows = self.layout.replays * self.population.size
            lines.append(f"if (phase == {REPLAY}) {{")
            for flag in replays:
                name = self.scope.extra_global(replayed_name(flag), "uint8_t", rows)
                place = f"{name}[(int)rint(t / dt) * num_neurons + id]"
                lines.append(f"    {flag.variable} = ({place} != 0);")
            others = [f.variable for f in flags if f not in replays]
            lines += [f"    {name} = false;" for name in others]
            lines += ["}", "else {", *indented(body), "}"]
        elif self.layout.replays:
            lines += [f"if (phase != {REPLAY}) {{", *indented(body), "}"]
        else:
            lines += body
        self.population.sim_code = "\n".join(lines) + "\n"
        if any(flag.variable == "spiked" for flag in flags):
            self.population.threshold = "spiked"
        return self.population

    def _replays(self, flag: Flag) -> bool:
        return any(
            known is flag and self.layout.longest.get(events, 0) > 0
            for events, known in self.layout.flags.items()
        )


def replayed_name(flag: Flag) -> str:
    """The extra global parameter with past events."""
    return "replayed" if flag.variable == "spiked" else f"replayed_{flag.variable}"


def recorded_name(
    scope: Scope, layout: Layout, owner: str, variable: str, dtype: str, width: int
) -> str:
    """A new extra global parameter for what a monitor records: a row for each time step."""
    name = genn_name(f"{owner}_{variable}", scope.taken)
    return scope.extra_global(f"rec_{name}", stored_type(dtype), layout.slots * width)


def stored_type(dtype: str) -> str:
    """How a value is recorded: booleans as bytes."""
    return "uint8_t" if dtype == "bool" else GENN_TYPE[dtype]


def indented(lines: Iterable[str]) -> list[str]:
    """Lines of a block."""
    return [f"    {line}" for line in lines]


def slots_for(instance: Instance, widths: Iterable[int]) -> int:
    """For how many time steps GeNN can record before it is asked."""
    widest = max(widths, default=1)
    return int(max(16, min(_MOST_SLOTS, _MOST_BYTES // (8 * max(widest, 1)))))
