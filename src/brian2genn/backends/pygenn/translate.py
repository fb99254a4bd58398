"""A network model as the description of a GeNN model, or a list of what GeNN cannot do."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ...codegen.genn.code import NotInGenn, draws
from ...model.kernel import ELEMENT
from ...model.mishap import working_on
from ...model.network import (
    Cable,
    Deliver,
    Host,
    Push,
    RecordState,
    Role,
    Step,
    Sum,
    Update,
)
from ..refusal import Refusal, RefusedNetwork
from .description import GennDescription
from .instance import Instance
from .layout import Forced, Layout
from .neurons import Neurons, slots_for
from .rotation import Rotation, check_order
from .synapses import SynapseGroup


class Translator:
    """Translates one network.

    Parameters
    ----------
    instance : Instance
    seed : int
        For GeNN's random numbers.
    fixed : bool
        Whether it has to be this seed. GeNN compiles it in; a model that is there already goes on
        with its random numbers otherwise.
    """

    def __init__(self, instance: Instance, seed: int, *, fixed: bool) -> None:
        self.instance = instance
        self._fixed = fixed
        self.network = instance.network
        self.rotation = Rotation.of(self.network)
        self.layout = Layout(GennDescription("network", instance.dt, seed))
        self.refusals: list[Refusal] = []
        self.neurons: dict[str, Neurons] = {}
        self.synapses: dict[str, SynapseGroup] = {}
        self._taken: set[tuple[str, str]] = set()

    def translate(self) -> tuple[Layout, Rotation]:
        """The layout of the GeNN model and how its time step is rotated.

        Raises
        ------
        RefusedNetwork
            With everything that GeNN cannot do.
        """
        self._find_synapses()
        self._find_neurons()
        self._attempt_all()
        if self.refusals:
            raise RefusedNetwork("pygenn", list(dict.fromkeys(self.refusals)))
        for neurons in self.neurons.values():
            neurons.finish()
        self._name()
        return self.layout, self.rotation

    def _refuse(self, step: Step, why: NotInGenn) -> None:
        self.refusals.append(Refusal(self._name_of(step), str(why), "GeNN has nothing for that"))

    def _name_of(self, step: Step) -> str:
        """What people call the object of a step."""
        return self.instance.names.of(step.owner)

    # -- who is there ----------------------------------------------------------------
    def _find_synapses(self) -> None:
        names = {
            array.owner
            for array in self.network.arrays.values()
            if array.role in (Role.SOURCE, Role.TARGET)
        }
        names |= {step.synapses for step in self.network.steps if isinstance(step, Deliver)}
        self._synaptic = names

    def _group(self, step: Step) -> str | None:
        """The name of the group whose elements a step is about."""
        events = getattr(step, "events", "")
        if events:
            return self.instance.group_of(events)
        if isinstance(step, Deliver):
            return step.synapses
        if isinstance(step, Sum):
            return self.instance.group_of(step.index)
        for kernel in step.kernels():
            stored = [kernel.accesses[s.name] for s in kernel.stores]
            for access in [*stored, *kernel.accesses.values()]:
                if access.index == ELEMENT:
                    return self.instance.group_of(access.array)
        return None

    def _find_neurons(self) -> None:
        sizes: dict[str, int] = {}
        all_events = set(self.instance.events.values())
        for step in self.network.steps:
            events = getattr(step, "events", "")
            if events:
                all_events.add(events)
                sizes[self.instance.group_of(events)] = len(self.instance.arrays[events]) - 1
            for kernel in step.kernels():
                for access in kernel.accesses.values():
                    group = self.instance.group_of(access.array)
                    is_neuron = bool(group) and group not in self._synaptic
                    indexed = access.index == ELEMENT or kernel.has_index_access(access)
                    if is_neuron and indexed and access.array not in self.instance.clock_arrays:
                        sizes.setdefault(group, len(self.instance.arrays[access.array]))
            if isinstance(step, Sum):
                group = self.instance.group_of(step.target)
                sizes.setdefault(group, len(self.instance.arrays[step.target]))
        widths = [size for size in sizes.values()]
        self.layout.slots = slots_for(self.instance, widths)
        longest: dict[str, int] = {}
        for number, events in self.instance.events.items():
            delay = self.instance.queues[number].longest
            longest[events] = max(longest.get(events, 0), delay)
        self.layout.longest = longest
        self.layout.replays = max(longest.values(), default=0)
        for group, size in sizes.items():
            if size:
                neurons = Neurons(self.instance, self.layout, group, size)
                self.neurons[group] = neurons
                self.layout.description.populations.append(neurons.population)
        for events in sorted(all_events):
            group = self.instance.group_of(events)
            if group in self.neurons:
                self.neurons[group].flag(events)

    # -- what they do ------------------------------------------------------------------
    def _attempt_all(self) -> None:
        for step in self.network.steps:
            group = self._group(step)
            if group in self._synaptic:
                if isinstance(step, Update):
                    if all(step is not other for other in self.rotation.before):
                        self._refuse(step, NotInGenn("an update of synapses after spikes"))
                        continue
                    self.rotation.late.append(step)
                recorded = isinstance(step, RecordState) and self._records_synapses(
                    step, str(group)
                )
                if recorded:
                    self.rotation.late.append(step)
                if isinstance(step, Update | Sum | Deliver) or recorded:
                    own = self.synapses.setdefault(
                        str(group),
                        SynapseGroup(self.instance, self.layout, str(group), self.neurons),
                    )
                    own.add(step)
        self._regular_clocks()
        self.rotation.advance_resets()
        self.refusals += check_order(self.instance, self.rotation)
        effects: dict[int, list[tuple[Neurons, str, str, str]]] = {}
        for own in self.synapses.values():
            theirs: list[Step] = [*(p.step for p in own.pathways), *own.sums, *own.updates]
            with working_on(theirs[0]):
                self._attempt_synapses(own, theirs)
            effects.update(own.effects)
        now = [*self.rotation.before, *self.rotation.early]
        for last, steps in ((True, self.rotation.after), (False, now)):
            for step in steps:
                with working_on(step):
                    self._attempt(step, last, effects)

    def _attempt_synapses(self, own: SynapseGroup, steps: Sequence[Step]) -> None:
        try:
            for step in steps:
                self._check_partners(own.name, step)
            own.translate()
        except NotInGenn as why:
            self._refuse(steps[0], why)

    def _records_synapses(self, step: Step, group: str) -> bool:
        """Whether a step is a monitor of synapses alone, so that their own code can record."""
        if not isinstance(step, RecordState):
            return False
        arrays = {
            access.array
            for name in step.kernel.attributes("load")
            for access in [step.kernel.accesses[name]]
            if access.array not in self.instance.clock_arrays
        }
        return (
            any(step is other for other in self.rotation.before)
            and self.instance.ratio(step.clock) is not None
            and bool(arrays)
            and all(self.instance.group_of(array) == group for array in arrays)
            and all(
                access.index == ELEMENT
                for access in step.kernel.accesses.values()
                if access.array in arrays
            )
            and len(self.instance.arrays[step.indices]) > 0
            and any(
                isinstance(other, Deliver) and other.synapses == group
                for other in self.network.steps
            )
        )

    def _check_partners(self, name: str, step: Step) -> None:
        """Refuse synapses from or onto synapses."""
        arrays = [
            access.array
            for kernel in step.kernels()
            for access in kernel.accesses.values()
            if kernel.has_index_access(access)
        ]
        if isinstance(step, Sum):
            arrays.append(step.target)
        for array in arrays:
            group = self.instance.group_of(array)
            if group in self._synaptic and group != name:
                raise NotInGenn(f"synapses that use the variables of the synapses '{group}'")

    def _regular_clocks(self) -> None:
        for step in self.network.steps:
            if self.instance.ratio(step.clock) is None:
                self._refuse(step, NotInGenn("a clock that ticks between GeNN's time steps"))

    def _attempt(
        self, step: Step, last: bool, effects: dict[int, list[tuple[Neurons, str, str, str]]]
    ) -> None:
        group = self._group(step)
        try:
            if isinstance(step, Deliver | Sum):
                self._effects(step, effects.get(id(step), []))
            elif isinstance(step, Host):
                self._force(step, f"Brian runs '{self._name_of(step)}'")
            elif isinstance(step, Cable):
                raise NotInGenn("a neuron with a morphology")
            elif isinstance(step, Push) or group in self._synaptic:
                late = any(step is other for other in self.rotation.late)
                if isinstance(step, RecordState) and not late:
                    self._force(step, f"'{self._name_of(step)}' records synapses")
            elif group is None:
                self._alone(step)
            elif group in self.neurons:
                self.neurons[group].code(step, last=last)
        except NotInGenn as why:
            if isinstance(step, RecordState):
                self._force(step, f"'{self._name_of(step)}' records {why}")
            else:
                self._refuse(step, why)

    def _alone(self, step: Step) -> None:
        """A step that has nothing to do with single neurons."""
        if isinstance(step, RecordState):
            self._force(step, f"'{self._name_of(step)}' records what all neurons share")
        else:
            raise NotInGenn("a shared variable, which is written during a run")

    def _force(self, step: Step, why: str) -> None:
        self.layout.forced.append(Forced(step, why))

    def _effects(self, step: Deliver | Sum, effects: list[tuple[Neurons, str, str, str]]) -> None:
        """What neurons do with what synapses have added."""
        for neurons, variable, given, dtype in effects:
            if given != "0.0" and (neurons.population.name, given) in self._taken:
                continue  # several pathways share an input: they have been added up
            self._taken.add((neurons.population.name, given))
            value = given if dtype == "float64" else f"(float){given}"
            if isinstance(step, Deliver):
                neurons.late += [f"// {step.origin}", f"{variable} = {variable} + {value};"]
                continue
            start = int(self.instance.params[step.start])
            stop = start + int(self.instance.params[step.target_size])
            line = f"{variable} = {value};"
            if (start, stop) != (0, neurons.population.size):
                line = f"if (id >= {start} && id < {stop}) {{ {line} }}"
            neurons.now += [f"// {step.origin}", line]

    def _name(self) -> None:
        """Name the model by what it is: GeNN keeps what it has made of a model of a name."""
        description = self.layout.description
        seed, description.seed = description.seed, 1
        if any(draws(kernel) for kernel in self.network.kernels()):
            self.layout.reseeds = self._fixed
        else:
            seed = 1
        parts = [repr(description), f"seed {seed}" if self._fixed else ""]
        digest = hashlib.sha256("\n".join(parts).encode())
        description.seed = seed
        for name, connections in self.layout.connections.items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(connections.pre).tobytes())
            digest.update(np.ascontiguousarray(connections.post).tobytes())
        for key, values in self.layout.values.items():
            digest.update(repr(key).encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        description.name = f"b2g_{digest.hexdigest()[:20]}"


def translate(instance: Instance, seed: int, *, fixed: bool = True) -> tuple[Layout, Rotation]:
    """Translate a network; see `Translator`."""
    return Translator(instance, seed, fixed=fixed).translate()
