"""Brian's templates as steps of the model, one function a template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.core.variables import DynamicArrayVariable
from brian2.groups.subgroup import Subgroup
from brian2.input.poissoninput import PoissonInput
from brian2.synapses.synapses import SynapticPathway
from brian2.units.fundamentalunits import Quantity

from ..model.dtypes import INT64
from ..model.kernel import ELEMENT, Kernel
from ..model.names import Origin
from ..model.network import (
    Cable,
    Column,
    Deliver,
    EmitSpikes,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Refractoriness,
    Step,
    Sum,
    Threshold,
    Update,
)
from .builder import NetworkBuilder, RecorderPlan, reading
from .expressions import Unsupported
from .held import share_of
from .kernels import WrittenNumbers, read_kernel
from .labels import referent
from .recorded import RecordedCode
from .snapshots import snapshots

#: The arrays of a spatial state update that the solver uses, by Brian's names.
CABLE_ARRAYS = (
    "Cm", "dt", "v", "Ic", "_ab_star0", "_ab_star1", "_ab_star2", "_b_plus", "_b_minus",
    "_v_star", "_u_plus", "_u_minus", "_v_previous", "_gtot_all", "_I0_all", "_c",
    "_P_diag", "_P_parent", "_P_children", "_B", "_morph_parent_i", "_starts", "_ends",
    "_morph_children", "_morph_children_num", "_morph_idxchild", "_invr0", "_invrn",
)  # fmt: skip


#: The templates of monitors, whose code belongs to them and not to the group that they look at.
_OF_MONITORS = frozenset(("spikemonitor", "statemonitor", "ratemonitor"))


class StepReader:
    """Turns the recorded code of one Brian object into steps.

    Parameters
    ----------
    builder : NetworkBuilder
    obj : BrianObject
        The object that runs the code.
    """

    def __init__(self, builder: NetworkBuilder, obj: Any) -> None:
        self.builder = builder
        self.obj = obj
        self.clock = builder.clock(obj.clock)
        self.label = builder.label(obj)

    def read(self, code: RecordedCode) -> list[Step]:
        """The steps for one piece of code; none if it does nothing."""
        reader: Callable[[RecordedCode], Step | None] = getattr(self, f"read_{code.template}")
        step = reader(code)
        if step is None:
            return []
        if not isinstance(step, Update | Threshold | OnEvents):
            return [step]
        marked = getattr(step, "refractoriness", None)
        more = () if marked is None else (marked.not_refractory, marked.lastspike)
        return [*snapshots(self.builder, step.kernel, self.label, self.clock, more), step]

    def _origin(self, what: str) -> Origin:
        return Origin(what, self.label)

    def _kernel(self, code: RecordedCode, what: str, *outputs: str) -> Kernel:
        return read_kernel(
            self.builder, code, self._origin(what), outputs, numbers=self._written_numbers(code)
        )

    def _written_numbers(self, code: RecordedCode) -> WrittenNumbers | None:
        """The numbers of the script's that Brian writes into code."""
        if isinstance(self.obj, PoissonInput):
            return WrittenNumbers(self.obj)  # its weight
        if isinstance(getattr(code.owner, "_refractory", None), Quantity):
            return WrittenNumbers(self.obj, statement="not_refractory")
        return None

    def _param(self, name: str, read: Callable[[], int]) -> str:
        """The parameter for a whole number of this object."""
        return str(self.builder.param(name, INT64, read, (id(self.obj), name)).attr)

    def _base(self, code: RecordedCode, what: str) -> dict[str, Any]:
        return {
            # not the code object's name, which is another one in every run
            "name": self.builder.kernel_name(self.label),
            "origin": self._origin(what),
            "owner": self.label,
            "clock": self.clock,
            "domain": self._domain(code),
        }

    def _domain(self, code: RecordedCode) -> str:
        """The group whose elements the code is executed for; none for a part of a group."""
        if code.template in _OF_MONITORS:
            source = self.obj.source
            return self.builder.label(source.source if isinstance(source, Subgroup) else source)
        owner = referent(code.owner)
        if isinstance(owner, SynapticPathway):
            return self.builder.label(owner.synapses)
        return "" if isinstance(owner, Subgroup) else self.builder.label(owner)

    def _size(self, code: RecordedCode) -> str:
        return self.builder.size(code.variables["N"], f"N_{self.builder.label(code.owner)}")

    def read_stateupdate(self, code: RecordedCode) -> Step | None:
        kernel = self._kernel(code, "state update")
        if not kernel.roots():
            return None
        return Update(**self._base(code, "state update"), kernel=kernel, size=self._size(code))

    def read_threshold(self, code: RecordedCode) -> Step:
        kernel = self._kernel(code, "threshold", "_cond")
        refractoriness = None
        if code.template_kwds["_uses_refractory"]:
            lastspike = code.variables["lastspike"]
            refractoriness = Refractoriness(
                self.builder.array(code.variables["not_refractory"]),
                self.builder.array(lastspike),
                np.dtype(lastspike.dtype).name,
                self.builder.array(code.variables["t"]),
            )
        return Threshold(
            **self._base(code, "threshold"),
            kernel=kernel,
            size=self._size(code),
            events=self.builder.array(code.template_kwds["eventspace_variable"]),
            refractoriness=refractoriness,
        )

    def read_reset(self, code: RecordedCode) -> Step | None:
        kernel = self._kernel(code, "reset")
        if not kernel.roots():
            return None
        events = self.builder.array(code.template_kwds["eventspace_variable"])
        return OnEvents(**self._base(code, "reset"), kernel=kernel, events=events)

    def read_synapses_push_spikes(self, code: RecordedCode) -> Step:
        return Push(
            **self._base(code, "spikes into the queue of"),
            queue=self.builder.queue(code.owner.queue),
            events=self.builder.array(code.template_kwds["eventspace_variable"]),
        )

    def read_synapses(self, code: RecordedCode) -> Step:
        return Deliver(
            **self._base(code, "synaptic pathway"),
            kernel=self._kernel(code, "synaptic pathway"),
            queue=self.builder.queue(code.template_kwds["pathway"].queue),
            side=str(code.template_kwds["pathway"].prepost),
            synapses=self.builder.label(code.owner),
        )

    def read_summed_variable(self, code: RecordedCode) -> Step:
        kwds = code.template_kwds
        target = kwds["_target_var"]
        size_variable = code.variables[kwds["_target_size_name"]]
        return Sum(
            **self._base(code, "summed variable"),
            kernel=self._kernel(code, "summed variable", "_synaptic_var"),
            size=self._size(code),
            target=self.builder.array(target),
            target_dtype=np.dtype(target.dtype).name,
            index=self.builder.array(kwds["_index_var"]),
            start=self._param(f"{self.label}_start", lambda: int(kwds["_target_start"])),
            target_size=self.builder.size(size_variable, f"{self.label}_target_size"),
        )

    def read_spikemonitor(self, code: RecordedCode) -> Step:
        variables = code.template_kwds["record_variables"]
        names = sorted(variables)
        monitor = self.obj
        columns = [
            Column(name, np.dtype(variables[name].dtype).name, f"_to_record_{name}")
            for name in names
        ]
        kernel = self._kernel(code, "event monitor", *(column.output for column in columns))
        self._check_lengths(code, kernel)
        plan = RecorderPlan(monitor, dict(variables), monitor.variables["N"])
        start, stop = (
            self._param(f"{self.label}{which}", reading(code.variables[which]))
            for which in ("_source_start", "_source_stop")
        )
        return RecordEvents(
            **self._base(code, "event monitor"),
            kernel=kernel,
            events=self.builder.array(code.template_kwds["eventspace_variable"]),
            start=start,
            stop=stop,
            count=self.builder.array(code.variables["count"]),
            recorder=self.builder.recorder(plan),
            columns=columns,
        )

    def _check_lengths(self, code: RecordedCode, kernel: Kernel) -> None:
        """Refuse linked variables that end before the group does.

        Brian's event monitors read them with the group's own index; Brian says what is wrong.
        """
        n_neurons = code.template_kwds["eventspace_variable"].size - 1
        for access in kernel.accesses.values():
            variable = self.builder.bindings.arrays[access.array]
            if access.index != ELEMENT:
                continue
            if isinstance(variable, DynamicArrayVariable):
                self.builder.rely_on(lambda variable=variable: variable.size >= n_neurons)  # type: ignore[misc]
            if variable.size < n_neurons:
                raise Unsupported(
                    f"records '{variable.name}', which has fewer values than the group"
                )

    def read_statemonitor(self, code: RecordedCode) -> Step:
        variables = code.template_kwds["_recorded_variables"]
        monitor = self.obj
        columns = [
            Column(name, np.dtype(variable.dtype).name, f"_to_record_{name}")
            for name, variable in sorted(variables.items())
        ]
        kernel = self._kernel(code, "state monitor", *(column.output for column in columns))
        plan = RecorderPlan(
            monitor,
            {"t": monitor.variables["t"], **variables},
            monitor.variables["N"],
            width=monitor.n_indices,
            single=frozenset(("t",)),
        )
        return RecordState(
            **self._base(code, "state monitor"),
            kernel=kernel,
            indices=self._recorded(code),
            time=self.builder.array(code.variables["_clock_t"]),
            recorder=self.builder.recorder(plan),
            columns=columns,
        )

    def _recorded(self, code: RecordedCode) -> str:
        """The array with the numbers of the elements that a state monitor records."""
        monitor = self.obj
        share = share_of(monitor.source)
        if share is None:
            return self.builder.array(code.variables["_indices"])
        return self.builder.constant_array(
            f"{self.label}_places",
            lambda: share.places(np.asarray(monitor.record)),
            Origin("places of what is recorded by", self.label),
            ("places", id(monitor)),
            owner=self.builder.label(monitor.source),
        )

    def read_ratemonitor(self, code: RecordedCode) -> Step:
        monitor = self.obj
        numbers = {
            name: self._param(f"{self.label}{name}", reading(code.variables[name]))
            for name in ("_source_start", "_source_stop", "_num_source_neurons")
        }
        plan = RecorderPlan(
            monitor,
            {"t": monitor.variables["t"], "rate": monitor.variables["rate"]},
            monitor.variables["N"],
            single=frozenset(("t",)),
        )
        return RecordRate(
            **self._base(code, "rate monitor"),
            events=self.builder.array(code.variables["_spikespace"]),
            start=numbers["_source_start"],
            stop=numbers["_source_stop"],
            size=numbers["_num_source_neurons"],
            time=self.builder.array(code.variables["_clock_t"]),
            dt=self.builder.array(code.variables["_clock_dt"]),
            rate_dtype=np.dtype(monitor.variables["rate"].dtype).name,
            recorder=self.builder.recorder(plan),
        )

    def read_spikegenerator(self, code: RecordedCode) -> Step:
        arrays = {
            name: self.builder.array(code.variables[name])
            for name in (
                "_spikespace", "neuron_index", "_timebins", "_period_bins", "_lastindex",
                "t_in_timesteps",
            )
        }  # fmt: skip
        return EmitSpikes(
            **self._base(code, "spike generator"),
            events=arrays["_spikespace"],
            neurons=arrays["neuron_index"],
            timebins=arrays["_timebins"],
            period=arrays["_period_bins"],
            lastindex=arrays["_lastindex"],
            timestep=arrays["t_in_timesteps"],
        )

    def read_spatialstateupdate(self, code: RecordedCode) -> Step:
        return Cable(
            **self._base(code, "cable equation"),
            kernel=self._kernel(code, "cable equation", "_gtot", "_I0"),
            size=self._size(code),
            arrays={name: self.builder.array(code.variables[name]) for name in CABLE_ARRAYS},
        )
