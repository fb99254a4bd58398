"""Pathways, summed variables and equations of synapses as GeNN's weight update models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ...codegen.genn.code import GennCode, NotInGenn
from ...model import expr as ex
from ...model.dtypes import is_float
from ...model.kernel import ELEMENT, Kernel, Store
from ...model.network import Deliver, RecordState, Role, Step, Sum, Update
from ...transforms.scatter import why_ordered
from .description import Connectivity, SynapsePopulation, Variable
from .instance import Instance
from .layout import Flag, Layout, StatePlan
from .names import Scope, SynapseNames, genn_name
from .neurons import Neurons, indented, recorded_name, stored_type
from .queue import Delays
from .rotation import read, written


@dataclass
class Pathway:
    """A pathway with what its queue says."""

    step: Deliver
    queue: Delays
    flag: Flag
    #: what GeNN delivers in this population; other effects may have populations of their own
    stores: list[Store] = field(default_factory=list)

    @property
    def side(self) -> str:
        """Whose events these are: 'pre' or 'post'."""
        return self.step.side


class SynapseGroup:
    """The synapses of one group of the script, as one or several GeNN populations.

    Parameters
    ----------
    instance : Instance
    layout : Layout
    name : str
        The group's name in the script.
    neurons : dict
        From the names of groups to their populations.
    """

    def __init__(
        self, instance: Instance, layout: Layout, name: str, neurons: Mapping[str, Neurons]
    ) -> None:
        self.instance = instance
        self.layout = layout
        self.name = name
        self.neurons = neurons
        self.pathways: list[Pathway] = []
        self.sums: list[Sum] = []
        #: updates, and monitors of what is of the synapses alone, in Brian's order
        self.updates: list[Update | RecordState] = []
        #: by the identity of a step: neurons, their variable, the input that takes it, its type
        self.effects: dict[int, list[tuple[Neurons, str, str, str]]] = {}

    # -- what there is -------------------------------------------------------------
    def add(self, step: Step) -> None:
        """Take a step of this group."""
        if isinstance(step, Deliver):
            flag = self.layout.flags[self.instance.events[step.queue]]
            queue = self.instance.queues[step.queue]
            self.pathways.append(Pathway(step, queue, flag, list(step.kernel.stores)))
        elif isinstance(step, Sum):
            self.sums.append(step)
        elif isinstance(step, Update | RecordState):
            self.updates.append(step)

    def _indices(self, side: str) -> np.ndarray | None:
        for pathway in self.pathways:
            if pathway.side == side:
                return pathway.queue.sources
        for name, array in self.instance.arrays.items():
            own = self.instance.group_of(name) == self.name
            if own and self.instance.network.arrays[name].role.value == side:
                return np.asarray(array)
        return None

    def _group_on(self, side: str) -> str | None:
        """The name of the group on one side."""
        for pathway in self.pathways:
            if pathway.side == side:
                return self.instance.group_of(self.instance.events[pathway.step.queue])
        steps: list[Step] = [*(p.step for p in self.pathways), *self.sums, *self.updates]
        for real in steps:
            for kernel in real.kernels():
                for access in kernel.accesses.values():
                    group = self.instance.group_of(access.array)
                    if (
                        kernel.has_index_access(access)
                        and group in self.neurons
                        and self.instance.side_of(kernel, access) == side
                    ):
                        return group
            if isinstance(real, Sum) and self.instance.side_of_sum(real) == side:
                return self.instance.group_of(real.target)
        return None

    # -- populations ---------------------------------------------------------------
    def translate(self) -> list[SynapsePopulation]:
        """The GeNN populations; none where there are no synapses."""
        pre, post = self._indices("pre"), self._indices("post")
        source, target = self._group_on("pre"), self._group_on("post")
        if pre is None or source is None:
            pre, source = post, target
        if post is None or target is None:
            post, target = pre, source
        if pre is None or post is None or source is None or target is None:
            raise NotInGenn("synapses without connection to neurons")
        if not len(pre):
            for one in self.sums:
                group = self.neurons[self.instance.group_of(one.target)]
                name = group.scope.variable(one.target)
                self.effects[id(one)] = [(group, name, "0.0", one.target_dtype)]
            return []
        self.connectivity = Connectivity(pre, post)
        self.source, self.target = source, target
        for pathway in self.pathways:
            self._check(pathway)
        mutable = {
            access.array
            for step in [p.step for p in self.pathways] + self.sums + self.updates
            for kernel in step.kernels()
            for store in kernel.stores
            for access in [kernel.accesses[store.name]]
            if access.index == ELEMENT
        }
        core_pathways: list[Pathway] = []
        alone: list[Pathway] = []
        for pathway in self.pathways:
            touches = mutable & (_touched(pathway.step.kernel))
            (core_pathways if touches else alone).append(pathway)
        core_sums = [s for s in self.sums if mutable & _touched(s.kernel)]
        populations = []
        if core_pathways or core_sums or self.updates:
            populations.append(self._core(core_pathways, core_sums))
        for pathway in alone:
            for store in pathway.stores:
                effect = Pathway(pathway.step, pathway.queue, pathway.flag, [store])
                populations.append(self._core([effect], [], [], pathway.step.owner))
        for own in self.sums:
            if own not in core_sums:
                populations.append(self._core([], [own], [], own.owner))
        return populations

    def _check(self, pathway: Pathway) -> None:
        kernel = pathway.step.kernel
        if kernel.shared_stores:
            name = kernel.shared_stores[0].name
            raise NotInGenn(f"the shared variable '{name}', which is written by synapses")
        reason = why_ordered(kernel)
        if reason is not None:
            raise NotInGenn(f"synapses that have to act one after the other, because {reason}")
        if self.instance.ratio(pathway.step.clock) != 1:
            raise NotInGenn("a clock that is slower than others in the network")

    def _core(
        self,
        pathways: list[Pathway],
        sums: list[Sum],
        updates: list[Update | RecordState] | None = None,
        name: str | None = None,
    ) -> SynapsePopulation:
        taken = {p.name for p in self.layout.description.synapses}
        taken |= {p.name for p in self.layout.description.populations}
        population = SynapsePopulation(
            genn_name(name or self.name, taken),
            self.neurons[self.source].population.name,
            self.neurons[self.target].population.name,
            self.name,
        )
        builder = _PopulationBuilder(self, population)
        builder.build(pathways, sums, self.updates if updates is None else updates)
        self.layout.description.synapses.append(population)
        self.layout.connections[population.name] = self.connectivity
        return population


def _touched(kernel: Kernel) -> set[str]:
    loads = {kernel.accesses[name].array for name in kernel.attributes("load")}
    return loads | {kernel.accesses[s.name].array for s in kernel.stores}


class _PopulationBuilder:
    """Fills in one GeNN synapse population."""

    def __init__(self, group: SynapseGroup, population: SynapsePopulation) -> None:
        self.group = group
        self.instance = group.instance
        self.layout = group.layout
        self.population = population
        self.scope = Scope(group.instance, group.name, population)
        self.scopes = {name: neurons.scope for name, neurons in group.neurons.items()}
        self.sides = {"pre": self.scopes[group.source], "post": self.scopes[group.target]}
        self.frozen: set[str] = set()
        self.dendritic = False

    def build(
        self, pathways: list[Pathway], sums: list[Sum], updates: list[Update | RecordState]
    ) -> None:
        """Translate what shares this population."""
        for side in ("pre", "post"):
            self._delays(side, [p for p in pathways if p.side == side])
        self._pathway_code(pathways, sums)
        lines: list[str] = []
        for update in updates:
            if isinstance(update, RecordState):
                lines += self._live(self._record(update))
                continue
            lines += self._live(self._executed(update.kernel, update.kernel.stores, update.clock))
        for one in sums:
            lines += self._sum(one)
        self.population.synapse_dynamics_code = "\n".join(lines)

    def _delays(self, side: str, pathways: list[Pathway]) -> None:
        if not pathways:
            return
        queues = [pathway.queue for pathway in pathways]
        if len({pathway.flag.variable for pathway in pathways}) > 1:
            raise NotInGenn("pathways of different events that share variables of the synapses")
        delays = {queue.same_delay for queue in queues}
        if len(delays) > 1:
            raise NotInGenn("pathways with different delays that share variables of the synapses")
        (delay,) = delays
        if delay is None:
            self._dendritic(pathways)
        elif side == "pre":
            self.population.axonal_delay_steps = delay
        else:
            self.population.back_prop_delay_steps = delay
        if delay:
            self.frozen.add(side)

    def _dendritic(self, pathways: list[Pathway]) -> None:
        """Delays of single synapses: additions to the target that will not change on the way."""
        (pathway,) = pathways[:1]
        kernel = pathway.step.kernel
        changing = _changing(self.instance, kernel, pathway.stores)
        sides = {
            self.instance.side_of(kernel, kernel.accesses[store.name]) if store.add else ""
            for store in pathway.stores
        }
        if len(pathways) > 1 or sides != {"post"} or pathway.side != "pre" or changing:
            what = f" ({', '.join(sorted(changing))} may change)" if changing else ""
            raise NotInGenn(
                "different delays of single synapses, where the effect is not a fixed addition to a"
                f" variable of the target{what}"
            )
        self.dendritic = True
        self.population.max_dendritic_delay_timesteps = pathway.queue.longest + 1
        self.scope.internal("delay", "int32_t")
        self.population.variables[-1].read_only = True
        steps = pathway.queue.steps.astype(np.int32)
        self.layout.values[self.population.name, "delay"] = steps

    # -- code ------------------------------------------------------------------------
    def _names(self, kernel: Kernel, clock: int) -> SynapseNames:
        return SynapseNames(self.scope, kernel, clock, self.scopes, self.sides, self.frozen)

    def _executed(self, kernel: Kernel, stores: list[Store], clock: int) -> list[str]:
        """The statements of one step for one synapse."""
        if kernel.shared_stores:
            name = kernel.shared_stores[0].name
            raise NotInGenn(f"the shared variable '{name}', which is written by synapses")
        if self.instance.ratio(clock) != 1:
            raise NotInGenn("a clock that is slower than others in the network")
        code = GennCode(kernel, self._names(kernel, clock), self.scope.number)
        own = [store for store in stores if not store.add]
        for store in own:
            if kernel.accesses[store.name].index != ELEMENT:
                raise NotInGenn(f"'{store.name}' of a neuron, which is written by synapses")
        added = [(store, code.value(store.value)) for store in stores if store.add]
        lines: list[str] = []
        for store, text in added:
            access = kernel.accesses[store.name]
            side = self.instance.side_of(kernel, access)
            if not is_float(access.dtype):
                raise NotInGenn(f"'{store.name}', an integer that synapses add to")
            if side == "post":
                self._target("post", access.array)
                function = f"addToPost({text})"
                if self.dendritic:
                    function = f"addToPostDelay({text}, delay)"
            else:
                self._target("pre", access.array)
                function = f"addToPre({text})"
            lines.append(f"{function};")
        before = list(code.lines)
        code.lines.clear()
        computed, stored = code.statements(own)
        # additions come before the synapse's own variables change
        return [*before, *computed, *lines, *stored]

    def _target(self, side: str, array: str) -> str:
        """The input variable of the neurons that takes what is added to an array."""
        group = self.instance.group_of(array)
        neurons = self.group.neurons[group]
        own = self.population.post_target if side == "post" else self.population.pre_target
        name = f"in_{neurons.scope.variable(array)}_{self.population.name}"
        if own and own != name:
            raise NotInGenn(
                "synapses with variables that change, which add to several variables of a neuron"
            )
        if name not in neurons.population.inputs:
            neurons.population.inputs.append(name)
        if side == "post":
            self.population.post_target = name
        else:
            self.population.pre_target = name
        return name

    def _live(self, lines: list[str]) -> list[str]:
        """Lines that are not executed in the first time step after values came from Brian."""
        self.scope.setting("live", "int", 1, dynamic=True)
        return ["if (live != 0) {", *indented(lines), "}"]

    def _pathway_code(self, pathways: list[Pathway], sums: list[Sum]) -> None:
        pre = [p for p in pathways if p.side == "pre"]
        post = [p for p in pathways if p.side == "post"]
        for pathway in post:
            if any(
                store.add
                and self.instance.side_of(
                    pathway.step.kernel, pathway.step.kernel.accesses[store.name]
                )
                == "post"
                for store in pathway.stores
            ):
                raise NotInGenn("an effect of postsynaptic spikes on the postsynaptic neuron")
            if pathway.flag.variable != "spiked":
                raise NotInGenn("a pathway of postsynaptic events that are not spikes")
        code = {id(p): self._code(p) for p in pathways}
        interleaved = any(p.side == "post" and pre and pathways.index(p) < pathways.index(pre[-1])
                          for p in pathways)  # fmt: skip
        pre_lines: list[str] = []
        post_lines: list[str] = []
        if interleaved:
            # GeNN would execute everything of a presynaptic spike first
            post_too = self._flag("post", post[0].flag)
            pre_too = self._flag("pre", pre[0].flag)
            for pathway in pathways:
                own = code[id(pathway)]
                if pathway.side == "pre":
                    pre_lines += ["{", *indented(own), "}"]
                else:
                    pre_lines += [f"if ({post_too}) {{", *indented(own), "}"]
                    post_lines += [f"if (!{pre_too}) {{", *indented(own), "}"]
        else:
            for pathway in pathways:
                lines = pre_lines if pathway.side == "pre" else post_lines
                lines += ["{", *indented(code[id(pathway)]), "}"]
        changed = {array for p in pathways for array in written(p.step)}
        for one in sums:
            if not read(one) & changed:
                continue
            if any(read(one) & written(p.step) for p in post):
                raise NotInGenn("a summed variable of what postsynaptic spikes change")
            pre_lines = self._difference(one, pre_lines)
        if pre_lines:
            text = "\n".join(pre_lines if self.dendritic else self._live(pre_lines))
            if pre[0].flag.variable == "spiked":
                self.population.pre_spike_syn_code = text
            else:
                self.population.pre_event_syn_code = text
                flag = self._flag("pre", pre[0].flag)
                self.population.pre_event_threshold_condition_code = flag
        if post_lines:
            self.population.post_spike_syn_code = "\n".join(self._live(post_lines))

    def _difference(self, step: Sum, lines: list[str]) -> list[str]:
        """What a spike does, and the addition of what that changes in a sum made before it."""
        texts, computed = [], []
        for _ in range(2):
            code = GennCode(step.kernel, self._sum_names(step), self.scope.number)
            name = f"tmp{self.scope.number()}"
            value = code.value(step.kernel.outputs["_synaptic_var"])
            computed.append([*code.lines, f"const double {name} = {value};"])
            texts.append(name)
        function = "addToPost" if self.instance.side_of_sum(step) == "post" else "addToPre"
        difference = f"{function}({texts[1]} - {texts[0]});"
        return [*computed[0], "{", *indented(lines), "}", *computed[1], difference]

    def _flag(self, side: str, flag: Flag) -> str:
        return self.scope.reference(side, "bool", flag.variable)

    def _code(self, pathway: Pathway) -> list[str]:
        lines = self._executed(pathway.step.kernel, pathway.stores, pathway.step.clock)
        for store in pathway.stores:
            if not store.add:
                continue
            access = pathway.step.kernel.accesses[store.name]
            neurons = self.group.neurons[self.instance.group_of(access.array)]
            side = self.instance.side_of(pathway.step.kernel, access)
            target = self.population.post_target if side == "post" else self.population.pre_target
            effects = self.group.effects.setdefault(id(pathway.step), [])
            effect = (neurons, neurons.scope.variable(access.array), target, access.dtype)
            if effect not in effects:
                effects.append(effect)
        return lines

    def _record(self, step: RecordState) -> list[str]:
        """Record variables of synapses, as they are before anything of a time step is done."""
        indices = np.asarray(self.instance.arrays[step.indices])
        unique, inverse = np.unique(indices, return_inverse=True)
        width = len(unique)
        code = GennCode(step.kernel, self._names(step.kernel, step.clock), self.scope.number)
        values = [code.value(step.kernel.outputs[column.output]) for column in step.columns]
        self.scope.setting("slots", "int", self.layout.slots)
        columns, stores = [], []
        position = genn_name(f"place_in_{step.owner}", self.scope.taken)
        for column, value in zip(step.columns, values, strict=True):
            name = recorded_name(
                self.scope, self.layout, step.owner, column.name, column.dtype, width
            )
            columns.append(name)
            place = f"((int)(rint(t / dt) - 1.0) % slots) * {width} + {position}"
            stores.append(f"{name}[{place}] = ({stored_type(column.dtype)}){value};")
        self.population.variables.append(Variable(position, "int32_t", read_only=True))
        places = np.full(len(self.group.connectivity.pre), -1, dtype=np.int32)
        places[unique] = np.arange(width)
        self.layout.values[self.population.name, position] = places
        self.layout.states.append(
            StatePlan(step, self.population.name, columns, unique, inverse, late=True)
        )
        ratio = self.instance.ratio(step.clock)
        due = f"{position} >= 0"
        if ratio != 1:
            due += f" && (((int)rint(t / dt) - 1) % {ratio}) == 0"
        return [f"if ({due}) {{", *indented([*code.lines, *stores]), "}"]

    def _sum(self, step: Sum) -> list[str]:
        code = GennCode(step.kernel, self._sum_names(step), self.scope.number)
        if self.instance.ratio(step.clock) != 1:
            raise NotInGenn("a clock that is slower than others in the network")
        value = code.value(step.kernel.outputs["_synaptic_var"])
        if not is_float(step.target_dtype):
            raise NotInGenn("a summed variable that is an integer")
        side = self.instance.side_of_sum(step)
        target = self._target(side, step.target)
        neurons = self.group.neurons[self.instance.group_of(step.target)]
        effects = self.group.effects.setdefault(id(step), [])
        effects.append((neurons, neurons.scope.variable(step.target), target, step.target_dtype))
        function = "addToPost" if side == "post" else "addToPre"
        return ["{", *indented([*code.lines, f"{function}({value});"]), "}"]

    def _sum_names(self, step: Sum) -> SynapseNames:
        names = self._names(step.kernel, step.clock)
        names.last = False  # it is summed for the neurons' update in the same time step
        return names


def _changing(instance: Instance, kernel: Kernel, stores: list[Store]) -> set[str]:
    """What of the effect may change while a spike is on its way."""
    found = set()
    for node in ex.walk([store.value for store in stores]):
        if node.op == "load":
            array = kernel.accesses[node.attr].array
            clock = instance.clock_arrays.get(array)
            if array in instance.mutated or (clock is not None and clock[1] is not Role.DT):
                found.add(f"'{node.attr}'")
        elif node.op == "table":
            found.add(f"'{node.attr.name}'")
    return found
