"""Models made by hand for what blocks of a GPU do side by side."""

from __future__ import annotations

from collections.abc import Callable

from brian2genn.backends.trial.sketch import Code, Sketch
from brian2genn.model.kernel import Store
from brian2genn.model.network import (
    Column,
    Deliver,
    EmitSpikes,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Step,
    Threshold,
    Update,
)
from brian2genn.transforms.scatter import separate
from brian2genn.transforms.stages import Planner, Stage

#: What a model consists of: functions that add a step each.
Adds = Callable[[Sketch], None]


def adds(kind: type[Step], name: str, *body: Callable[[Code], None], **what: object) -> Adds:
    """A step, whose kernel these functions write; an argument `late` says that it is."""

    def add(sketch: Sketch) -> None:
        code = sketch.code(name, what.get("given")) if body else None
        for one in body:
            one(code)
        sketch.step(kind, name, code, **{key: it for key, it in what.items() if key != "given"})

    return add


def update(*body: Callable[[Code], None], name: str = "update", size: str = "N", **what) -> Adds:
    return adds(Update, name, *body, size=size, **what)


def threshold(name: str = "above", events: str = "events", variable: str = "v", **what) -> Adds:
    def above(code: Code) -> None:
        code.output("_cond", code[variable] > 1.0)

    return adds(Threshold, name, above, size=what.pop("size", "N"), events=events, **what)


def push(queue: int = 0, events: str = "events") -> Adds:
    return adds(Push, f"push{queue}", queue=queue, events=events)


def arrives(*body: Callable[[Code], None], name: str = "arrives", queue: int = 0, **what) -> Adds:
    return adds(
        Deliver, name, *body, **{"queue": queue, "side": "pre", "synapses": "synapses", **what}
    )


def on_events(*body: Callable[[Code], None], events: str = "events") -> Adds:
    return adds(OnEvents, "reset", *body, events=events)


def emits(events: str = "events") -> Adds:
    return adds(
        EmitSpikes, "emits", events=events, neurons="neurons", timebins="timebins",
        period="period", lastindex="lastindex", timestep="step",
    )  # fmt: skip


def monitor(*variables: str, name: str = "monitor", events: str = "events", count="count") -> Adds:
    def body(code: Code) -> None:
        for variable in variables:
            code.output(variable, code[variable])

    columns = [Column(one, "float64", one) for one in variables]
    return adds(
        RecordEvents, name, body, events=events, start="start", stop="stop",
        count=count, recorder=0, columns=columns,
    )  # fmt: skip


def states(variable: str = "u", **what) -> Adds:
    def body(code: Code) -> None:
        code.output("out", code[variable])

    return adds(
        RecordState, "states", body, indices="recorded", time="t", recorder=1,
        columns=[Column("out", "float64", "out")], **what,
    )  # fmt: skip


def rates() -> Adds:
    return adds(
        RecordRate, "rates", events="events", start="start", stop="stop", size="N", time="t",
        dt="dt", rate_dtype="float64", recorder=1,
    )  # fmt: skip


def becomes(variable: str, *read: str | tuple[str, str], start: float = 0.5) -> Callable:
    """A variable gets a sum of others."""

    def body(code: Code) -> None:
        value = code[read[0]] * start if read else start
        for one in read[1:]:
            value = value + code[one]
        code[variable] = value

    return body


def adds_to(target: str | tuple[str, str], *read: str | tuple[str, str]) -> Callable:
    """A target gets a sum of others in addition."""

    def body(code: Code) -> None:
        value = code[target] + 0.1
        for one in read:
            value = value + code[one]
        code[target] = value

    return body


def shares(variable: str) -> Callable[[Code], None]:
    """A shared variable is written once for all elements."""

    def body(code: Code) -> None:
        value = code.shared(variable) * 2.0
        code.kernel.shared_stores = [Store(variable, value.node)]

    return body


def network(*steps: Adds) -> Network:
    """The steps in their order, with additions apart."""
    sketch = Sketch()
    for name in ("v", "g", "u", "w", "x", "z", "shared", "t", "dt", "period"):
        sketch.zeros(name, 6)
    integers = ("pre", "post", "other", "events", "others", "count", "recorded", "neurons",
                "timebins", "lastindex", "counted")  # fmt: skip
    for name in integers:
        sketch.zeros(name, 7, "int32")
    sketch.zeros("step", 1, "int64")
    for name in ("N", "M", "start", "stop"):
        sketch.param(name, 6)
    for add in steps:
        add(sketch)
    separate(sketch.network)
    return sketch.network


def staged(network: Network, late: tuple[str, ...] = (), **options: bool):
    """What a planner makes of a network: itself, the stages, and which steps are late."""
    planner = Planner(network, **options)
    identities = frozenset(id(step) for step in network.steps if step.name in late)
    stages: list[Stage] = planner.plan(network.steps, late=identities)
    return planner, stages, identities


def named(stages: list[Stage]) -> list[list[list[str]]]:
    """The names of the steps of each task of each stage."""
    return [[[step.name for step in task.steps] for task in stage.tasks] for stage in stages]
