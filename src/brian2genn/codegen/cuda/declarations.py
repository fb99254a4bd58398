"""What the host has to know of a program's memory, found out step by step."""

from __future__ import annotations

import numpy as np

from ...model.dtypes import C_TYPE
from ...model.expr import walk
from ...model.footprint import How, Where, arrays, footprint
from ...model.kernel import ELEMENT
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
)
from ...transforms.stages import Planner, domain_of_monitor
from ..c.shared import TABLE, TABLE_BYTES, Constants
from .source import GATHERED_PARTS, RECORDED_PARTS, CudaSource, Derived, RecorderLayout

#: Synapses of a run that a thread executes side by side, if they have few expressions.
_MOST_AT_ONCE, _FEW_EXPRESSIONS = 4, 16


def declare(
    step: Step, network: Network, result: CudaSource, planner: Planner, *, late: bool
) -> None:
    """Register what the host must know of a step's memory.

    Parameters
    ----------
    step : Step
    network : Network
        That the step is part of.
    result : CudaSource
        Gets to know it.
    planner : Planner
    late : bool
        Whether the step is executed one time step late.
    """
    result.written |= arrays(footprint(step), How.WRITE, How.ADD)
    if isinstance(step, Threshold | EmitSpikes):
        result.events.add(step.events)
    if isinstance(step, OnEvents | Push | RecordEvents | RecordRate):
        result.events.add(step.events)
    if isinstance(step, Sum):
        result.inverses[step.index] = (step.start, step.target_size)
        _want(result, Derived(step.index, "order"), Derived(step.index, "start"))
    if isinstance(step, RecordState) and domain_of_monitor(network, step):
        result.monitored[step.indices] = str(domain_of_monitor(network, step))
        _want(result, *(Derived(step.indices, part) for part in RECORDED_PARTS))
    if late:
        _want(result, *(Derived(name, "late") for name in shared_reads(step)))
    if isinstance(step, Push):
        result.queue_clocks[step.queue] = step.clock
    if isinstance(step, Deliver):
        result.queue_origins[step.queue] = step.origin
        gathered = planner.gathered_by(step)
        if gathered is not None:
            index = step.kernel.accesses[str(gathered.index)].array
            result.gathered[step.queue] = (step.name, index, gathered.array)
            _want(result, *(Derived(step.name, part) for part in GATHERED_PARTS))
        elif not planner.why_in_order(step):
            copies = {Derived(f"{step.name} {a}", "arranged"): a for a in _only_read(step, network)}
            _want(result, *copies)
            if copies:
                result.arranged[step.queue] = copies
            result.at_once[step.queue] = _at_once(step)
    if isinstance(step, RecordEvents | RecordState | RecordRate):
        result.recorder_origins[step.recorder] = step.origin
        if late:
            result.late_recorders.add(step.recorder)
    if isinstance(step, EmitSpikes):
        result.generators.append(step)
        before = Derived(step.name, "before")
        _want(result, before)
        result.scratch[before] = 16
    row = step.recorded()
    if row is not None and isinstance(step, RecordEvents | RecordState | RecordRate):
        sorts = isinstance(step, RecordEvents)
        dtypes = (*["int64"] * sorts, *(column.dtype for column in row))
        widths = (*["1"] * sorts, *(column.width or "1" for column in row))
        most = (step.start, step.stop) if isinstance(step, RecordEvents) else None
        result.recorders[step.recorder] = RecorderLayout(dtypes, widths, most, sorts)


def _only_read(step: Deliver, network: Network) -> list[str]:
    """The arrays of which a pathway reads the element of a synapse, and that no step changes."""
    loads = step.kernel.loads()
    own = {access.array for access in loads if access.index == ELEMENT}
    # not those that are read at other elements, too
    others = {access.array for access in loads if access.index != ELEMENT}
    written = {a for s in network.steps for a in arrays(footprint(s), How.WRITE, How.ADD)}
    return sorted(own - others - written)


def _at_once(step: Deliver) -> int:
    """Synapses of a run that a thread executes side by side: some, if they need few registers.

    What a synapse computes may be computed in vain there.
    """
    kernel = step.kernel
    if kernel.attributes("random") or kernel.attributes("user"):
        return 1
    return 1 if len(list(walk(kernel.roots()))) > _FEW_EXPRESSIONS else _MOST_AT_ONCE


def _want(result: CudaSource, *names: Derived) -> None:
    result.arrays.extend(name for name in names if name not in result.arrays)


def shared_reads(step: Step) -> list[str]:
    """The arrays of one element that a step reads; the time is among them."""
    shared = (touch for touch in footprint(step) if touch.where is Where.SHARED)
    return sorted(arrays(shared, How.READ))


def constant_bytes(constants: Constants) -> int:
    """The size of the C structure of what is computed once per run."""
    sizes = {ctype: np.dtype(dtype).itemsize for dtype, ctype in C_TYPE.items()}
    sizes |= {"bool": 1, TABLE: TABLE_BYTES}
    end = 8
    for ctype, _ in constants.fields:
        size = sizes[ctype]
        aligned = min(size, 8)
        end = -(-end // aligned) * aligned + size
    return -(-end // 8) * 8
