"""The networks of the trial: a little of everything that a device can get wrong.

It is made without Brian, whose objects would leave traces in a user's script: names, clocks,
seeds, magic networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...model.dtypes import FLOAT32, FLOAT64, INT32
from ...model.network import (
    Column,
    Deliver,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Refractoriness,
    Sum,
    Threshold,
    Update,
)
from .sketch import Sketch, call, draw, number, timestep, where

#: Seconds in a time step.
DT = 1e-4

#: Elements of the two groups: several blocks of threads, and no whole number of warps.
CELLS, INPUTS = 419, 333

#: What the rows of the monitors hold, by the number of the recorder.
RECORDED = (("t", "slow", "v"), ("i", "t", "v"), ("t", "rate"))

#: Elements that the state monitor records: in disorder, and one twice.
_RECORDED_CELLS = (5, 418, 130, 131, 5)


@dataclass(frozen=True)
class Pathway:
    """What a queue has to know: sources, their number, and delays in seconds."""

    sources: np.ndarray
    n_sources: int
    delays: np.ndarray


@dataclass(frozen=True)
class Trial:
    """A network and all that it works with.

    Attributes
    ----------
    network : Network
    arrays : dict
        The values with which the arrays begin; an array of events is one of Brian's event spaces.
    params : dict
    pathways : list of Pathway
        By the number of the queue.
    columns : list
        For every recorder, element type and number of elements in a row of each column.
    events : tuple of str
        The arrays of events.
    recorded : sequence of tuple of str
        What the rows of the monitors hold, by the number of the recorder.
    changed : tuple of str
        Arrays whose values are changed between two runs.
    delayed : bool
        Whether the delays of the first pathway are, too.
    """

    network: Network
    arrays: dict[str, np.ndarray]
    params: dict[str, float | int]
    pathways: list[Pathway]
    columns: list[list[tuple[np.dtype, int]]]
    events: tuple[str, ...]
    recorded: Sequence[tuple[str, ...]] = RECORDED
    changed: tuple[str, ...] = ("v", "w")
    delayed: bool = True


def make_simple_trial() -> Trial:
    """A network for ways in which blocks of threads need to know little of each other.

    There are no delays, and nothing but events is recorded.
    """
    random = np.random.RandomState(20261127)
    sketch = Sketch()
    sketch.zeros("t", 1)
    sketch.zeros("step", 1, "int64")
    sketch.array("dt", np.full(1, DT))
    sketch.param("N_cells", CELLS)
    for name, value in (("some_start", 40), ("some_stop", CELLS - 3)):
        sketch.param(name, value)
    sketch.array("v", random.uniform(-0.2, 1, CELLS))
    sketch.zeros("g", CELLS)
    sketch.zeros("reached", CELLS, INT32)
    sketch.array("i", np.arange(CELLS, dtype=INT32))
    sketch.zeros("cell_events", CELLS + 1, INT32)
    sketch.zeros("count", CELLS, INT32)
    pre, post = np.nonzero(random.random_sample((CELLS, CELLS)) < 0.05)
    sketch.array("post", post.astype(INT32))
    sketch.array("w", random.uniform(0, 0.02, pre.size))
    cell = sketch.code("update")
    v, dt = cell["v"], cell.shared("dt")
    noise = 1.5 * call("sqrt", dt) * draw("randn", 0)
    # they fire every fifth step: each way to execute steps has few of them
    cell["v"] = v + (1.4 + cell["g"] - v) * 0.25 + noise
    cell["g"] = 0.97 * cell["g"]
    sketch.step(Update, "update", cell, size="N_cells")
    above = sketch.code("above")
    above.output("_cond", above["v"] > 1.0)
    sketch.step(Threshold, "above", above, size="N_cells", events="cell_events")
    _record_cells(sketch, "some_start", "some_stop", ("i", "t"), recorder=0)
    sketch.step(Push, "push", queue=0, events="cell_events")
    synapse = sketch.code("simple")
    synapse["g", "post"] = synapse["g", "post"] + synapse["w"]
    synapse["reached", "post"] = synapse["reached", "post"] + 1
    sketch.step(Deliver, "simple", synapse, queue=0, side="pre", synapses="simple")
    reset = sketch.code("reset")
    reset["v"] = 0.1 * draw("rand", 0)
    sketch.step(OnEvents, "reset", reset, events="cell_events")
    sketch.network.queues, sketch.network.recorders = 1, 1
    columns = [[(np.dtype(INT32), 1), (np.dtype(FLOAT64), 1)]]
    pathway = Pathway(pre.astype(INT32), CELLS, np.zeros(1))
    return Trial(
        sketch.network, sketch.arrays, sketch.params, [pathway], columns, ("cell_events",),
        recorded=(("i", "t"),), changed=("v",), delayed=False,
    )  # fmt: skip


def make_trial() -> Trial:
    """The network; always the same."""
    random = np.random.RandomState(20261125)  # its numbers are the same with every NumPy
    sketch = Sketch()
    sketch.zeros("t", 1)
    sketch.zeros("step", 1, "int64")
    sketch.array("dt", np.full(1, DT))
    _cells(sketch, random)
    _inputs(sketch, random)
    pathways = [_fixed(sketch, random), *_plastic(sketch, random)]
    _steps(sketch)
    sketch.network.queues, sketch.network.recorders = len(pathways), len(RECORDED)
    double, single, integer = (np.dtype(name) for name in (FLOAT64, FLOAT32, INT32))
    width = len(_RECORDED_CELLS)
    columns = [
        [(double, 1), (single, width), (double, width)],
        [(integer, 1), (double, 1), (double, 1)],
        [(double, 1), (double, 1)],
    ]
    return Trial(
        sketch.network, sketch.arrays, sketch.params, pathways, columns,
        ("cell_events", "input_events"),
    )  # fmt: skip


# -- what there is ---------------------------------------------------------------


def _cells(sketch: Sketch, random: np.random.RandomState) -> None:
    sketch.param("N_cells", CELLS)
    sketch.array("v", random.uniform(-0.2, 1, CELLS))
    sketch.array("tau", random.uniform(2e-3, 8e-3, CELLS))
    sketch.zeros("g", CELLS)
    sketch.array("slow", random.uniform(0, 1, CELLS).astype(FLOAT32))
    sketch.array("lastspike", np.full(CELLS, -1e4))
    sketch.array("not_refractory", np.ones(CELLS, dtype=bool))
    sketch.zeros("reached", CELLS, INT32)
    sketch.zeros("spiked", CELLS, INT32)
    sketch.zeros("total", CELLS)
    sketch.array("i", np.arange(CELLS, dtype=INT32))
    sketch.zeros("cell_events", CELLS + 1, INT32)
    sketch.zeros("count", CELLS, INT32)
    sketch.array("recorded", np.array(_RECORDED_CELLS, dtype=INT32))
    for name, value in (("cells_start", 0), ("cells_stop", CELLS)):
        sketch.param(name, value)


def _inputs(sketch: Sketch, random: np.random.RandomState) -> None:
    for name, value in (("N_inputs", INPUTS), ("inputs_start", 0), ("inputs_stop", INPUTS)):
        sketch.param(name, value)
    sketch.array("rates", random.uniform(50, 400, INPUTS))
    sketch.zeros("input_events", INPUTS + 1, INT32)


def _fixed(sketch: Sketch, random: np.random.RandomState) -> Pathway:
    """Inputs to cells, all with one delay; arranged by source."""
    pre, post = np.nonzero(random.random_sample((INPUTS, CELLS)) < 0.05)
    sketch.array("fixed_post", post.astype(INT32))
    sketch.array("fixed_w", random.uniform(0, 0.02, pre.size))
    return Pathway(pre.astype(INT32), INPUTS, np.full(1, 7 * DT))


def _plastic(sketch: Sketch, random: np.random.RandomState) -> list[Pathway]:
    """Cells to cells in any order, each synapse with a delay of its own; and back."""
    pre, post = np.nonzero(random.random_sample((CELLS, CELLS)) < 0.02)
    order = random.permutation(pre.size)
    pre, post = pre[order].astype(INT32), post[order].astype(INT32)
    sketch.param("N_plastic", int(pre.size))
    sketch.param("total_start", 0)
    sketch.array("plastic_post", post)
    sketch.array("w", random.uniform(0, 0.05, pre.size))
    sketch.array("x", random.uniform(0, 1, pre.size))
    for name in ("before", "after", "lastupdate"):
        sketch.zeros(name, pre.size)
    delays = DT * random.randint(0, 20, pre.size)
    return [Pathway(pre, CELLS, delays), Pathway(post, CELLS, np.zeros(1))]


# -- what happens in a time step ---------------------------------------------------


def _steps(sketch: Sketch) -> None:
    """In the order of Brian's schedule."""
    _record_state(sketch)
    _sum(sketch)
    _update(sketch)
    _thresholds(sketch)
    _record_events(sketch)
    _deliver_fixed(sketch)
    _deliver_plastic(sketch)
    reset = sketch.code("reset")
    reset["v"] = 0.1 * draw("rand", 0)
    reset["spiked"] = reset["spiked"] + 1
    sketch.step(OnEvents, "reset", reset, events="cell_events")
    sketch.step(
        RecordRate, "rates_monitor", events="input_events", start="inputs_start",
        stop="inputs_stop", size="N_inputs", time="t", dt="dt", rate_dtype=FLOAT64, recorder=2,
    )  # fmt: skip


def _record_state(sketch: Sketch) -> None:
    record = sketch.code("states")
    record.output("recorded_slow", record["slow"])
    record.output("recorded_v", record["v"])
    columns = [Column("slow", FLOAT32, "recorded_slow"), Column("v", FLOAT64, "recorded_v")]
    sketch.step(
        RecordState, "states", record, indices="recorded", time="t", recorder=0, columns=columns
    )


def _sum(sketch: Sketch) -> None:
    total = sketch.code("summed")
    total.output("_synaptic_var", 0.1 * total["x"] * total["g", "plastic_post"])
    sketch.step(
        Sum, "summed", total, size="N_plastic", target="total", target_dtype=FLOAT64,
        index="plastic_post", start="total_start", target_size="N_cells",
    )  # fmt: skip


def _update(sketch: Sketch) -> None:
    """Decays by exp, noise, and what holds still while a cell is refractory."""
    cell = sketch.code("update")
    t, dt, v, slow = cell.shared("t"), cell.shared("dt"), cell["v"], cell["slow"]
    awake = timestep(t - cell["lastspike"], dt) >= timestep(number(1.5e-3), dt)
    decay = call("exp", -dt / cell["tau"])
    target = 1.4 + cell["g"] + 0.1 * cell["total"]
    noise = 1.5 * call("sqrt", dt * (0.5 + v * v)) * (draw("randn", 0) + draw("rand", 1) - 0.5)
    cell["v"] = where(awake, target + (v - target) * decay + noise, v)
    cell["g"] = cell["g"] * decay
    shrunk = slow * call("exp", -(0.01 + 0.02 * slow))
    cell["slow"] = shrunk + 0.02 * call("sqrt", 1.0 + slow) * draw("rand", 2, FLOAT32)
    cell["not_refractory"] = awake
    sketch.step(Update, "update", cell, size="N_cells")


def _thresholds(sketch: Sketch) -> None:
    above = sketch.code("above")
    above.output("_cond", (above["v"] > 1.0) & above["not_refractory"])
    refractoriness = Refractoriness("not_refractory", "lastspike", FLOAT64, "t")
    sketch.step(
        Threshold, "above", above, size="N_cells", events="cell_events",
        refractoriness=refractoriness,
    )  # fmt: skip
    chance = sketch.code("chance")
    chance.output("_cond", draw("rand", 0) < chance["rates"] * chance.shared("dt"))
    sketch.step(Threshold, "chance", chance, size="N_inputs", events="input_events")


def _record_events(sketch: Sketch) -> None:
    _record_cells(sketch, "cells_start", "cells_stop", ("i", "t", "v"), recorder=1)


def _record_cells(
    sketch: Sketch, start: str, stop: str, names: Sequence[str], recorder: int
) -> None:
    """Record values of cells that spike."""
    record = sketch.code("spikes")
    for name in names:
        record.output(f"recorded_{name}", record.shared(name) if name == "t" else record[name])
    columns = [
        Column(name, INT32 if name == "i" else FLOAT64, f"recorded_{name}") for name in names
    ]
    sketch.step(
        RecordEvents, "spikes", record, events="cell_events", start=start, stop=stop,
        count="count", recorder=recorder, columns=columns,
    )  # fmt: skip


def _deliver_fixed(sketch: Sketch) -> None:
    """Many synapses add to one cell at once: double, single precision and integers."""
    sketch.step(Push, "fixed_push", queue=0, events="input_events")
    synapse = sketch.code("fixed")
    synapse["g", "fixed_post"] = synapse["g", "fixed_post"] + synapse["fixed_w"]
    # which the reset has to wait for: a step that is executed at the next time step's beginning
    synapse["v", "fixed_post"] = synapse["v", "fixed_post"] + 0.1 * synapse["fixed_w"]
    slow = synapse["slow", "fixed_post"]
    synapse["slow", "fixed_post"] = slow + (0.1 * synapse["fixed_w"]).cast(FLOAT32)
    synapse["reached", "fixed_post"] = synapse["reached", "fixed_post"] + 1
    sketch.step(Deliver, "fixed", synapse, queue=0, side="pre", synapses="fixed")


def _deliver_plastic(sketch: Sketch) -> None:
    for side, own, other, jump in (
        ("pre", "before", "after", 0.01),
        ("post", "after", "before", -0.012),
    ):
        queue = 1 if side == "pre" else 2
        sketch.step(Push, f"{side}_push", queue=queue, events="cell_events")
        synapse = sketch.code(f"plastic_{side}")
        decay = call("exp", (synapse["lastupdate"] - synapse.shared("t")) / 20e-3)
        partner = synapse[other] * decay
        synapse[own] = synapse[own] * decay + jump
        synapse[other] = partner
        if side == "pre":
            synapse["g", "plastic_post"] = synapse["g", "plastic_post"] + synapse["w"]
        synapse["w"] = call("clip", synapse["w"] + partner, 0.0, 0.06)
        synapse["lastupdate"] = synapse.shared("t")
        sketch.step(Deliver, f"plastic_{side}", synapse, queue=queue, side=side, synapses="plastic")
