"""A network that refers to something that is not there is refused, whatever it is."""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import pytest

from brian2genn.backends.trial.network import make_trial
from brian2genn.backends.trial.sketch import Sketch
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32, INT64
from brian2genn.model.footprint import (
    FilledQueue,
    How,
    Kind,
    RecorderNumber,
    Reference,
    Where,
    arrays,
    footprint,
    references,
)
from brian2genn.model.kernel import Access, Kernel, Store, UserFunction
from brian2genn.model.network import (
    Array,
    Clock,
    Collect,
    Column,
    Deliver,
    Network,
    Param,
    Push,
    RecordEvents,
    RecordRate,
    Role,
    Step,
    Sum,
    Threshold,
    Update,
)
from brian2genn.model.traces import TraceEnd, Traces
from brian2genn.model.user_code import UserCode
from brian2genn.model.verify import ModelError, verify
from tests.model.test_network import integrate_and_fire


def trial() -> Network:
    """One with nearly every kind of step."""
    return make_trial().network


def collect(network: Network, takes: dict[str, str]) -> None:
    """Let processes' spikes go into a queue."""
    network.queues = 1
    network.steps += [
        Collect("c", "", "", 0, {"0": "events"}, {"0": 0}, takes),
        Deliver("d", "", "", 0, Kernel("deliver", ""), 0, "pre", "synapses"),
    ]


def array(name: str, dtype: str = INT32, role: Role = Role.STATE) -> Array:
    return Array(name, dtype, name, role=role)


RATE = Access("rate", "rate", FLOAT64)


def record(events: str, name: str = "record") -> RecordEvents:
    """Record who had an event."""
    kernel = Kernel(f"{name}_kernel", "", outputs={"who": ex.const(0)})
    columns = [Column("i", INT32, "who")]
    return RecordEvents(name, "test", "", 0, kernel, events, "N", "N", "counts", 0, columns)


def record_twice(network: Network) -> None:
    """Let two steps have one recorder."""
    network.recorders = 1
    network.arrays["counts"] = array("counts")
    network.steps += [record("events"), record("events", "another")]


def count_in(network: Network, name: str) -> None:
    """Change an element of an array for each of a group."""
    kernel = Kernel("count", "test", {name: Access(name, name, INT32)})
    kernel.stores = [Store(name, ex.const(1))]
    network.steps.append(Update("count_step", "test", "test", 0, kernel, "N"))


def index_by(network: Network, **indices: str) -> None:
    """Reach ``v`` through indices, each through the next."""
    accesses = network.steps[2].kernel.accesses
    for name, index in indices.items():
        network.arrays[name] = array(name)
        accesses[name] = Access(name, name, INT32, index)
    accesses["v"] = Access("v", "v", FLOAT64, "j")


def call(network: Network, *codes: UserCode) -> None:
    """Let a kernel call a user's function of which there is this text."""
    function = UserFunction("f", "b2g_call_f", FLOAT64, stateless=True, vectorised=False)
    network.steps[2].kernel.stores = [Store("v", ex.make("user", attr=function))]
    network.user_code = list(codes)


def deliver(network: Network, side="pre", synapses="synapses", domain="synapses") -> None:
    """Add a pathway."""
    network.queues = 1
    kernel = Kernel("deliver", "")
    network.steps += [
        Push("p", "", "", 0, 0, "events"),
        Deliver("d", "", "", 0, kernel, 0, side, synapses, domain=domain),
    ]


def test_nothing_is_wrong_with_whole_networks():
    verify(integrate_and_fire())
    verify(trial())


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda n: n.arrays.pop("events"), "array 'events' (events) does not exist"),
        (lambda n: n.arrays.pop("rate"), "unknown array 'rate'"),
        (lambda n: n.params.pop("one"), "parameter 'one' does not exist"),
        (lambda n: n.params.pop("N"), "parameter 'N' (size) does not exist"),
        (lambda n: n.params.update(N=Param("M", INT64)), "'N' calls itself 'M'"),
        (lambda n: setattr(n.steps[0], "clock", 3), "clock 3 does not exist"),
        (lambda n: n.clocks.append(Clock("other", t="gone")), "array 'gone' does not exist"),
        (lambda n: n.steps[0].kernel.accesses.pop("rate"), "'rate' is read but has no access"),
        (lambda n: n.steps[2].kernel.accesses.pop("v"), "'v' is written but has no access"),
        (lambda n: n.steps[1].kernel.outputs.clear(), "no kernel computes '_cond'"),
        (lambda n: setattr(n.steps[0], "part", ("v", "gone")), "array 'gone' (part)"),
        (lambda n: collect(n, {}), "no list has the events of queue '0'"),
        (lambda n: collect(n, {"0": "1"}), "no list has the events of queue '0'"),
        (lambda n: n.steps.append(n.steps[0]), "two steps are called 'grow_step'"),
        (
            lambda n: n.steps.append(replace(n.steps[0], name="again")),
            "step 'again' of test: two kernels are called 'grow'",
        ),
        (lambda n: n.steps.append(record("v")), "array 'v' (events) is no list of events"),
        (lambda n: n.steps.append(record("list")), "array 'list' (events) does not exist"),
        (lambda n: n.arrays.update(events=array("events", role=Role.TARGET)), "no list of events"),
        (lambda n: count_in(n, "events"), "step 'count_step' of test has a value for each element"),
        (lambda n: setattr(n, "recorders", 1), "no step has recorder 0"),
        (lambda n: setattr(n, "queues", 1), "no step has queue 0 emptied"),
        (lambda n: record_twice(n), "step 'another' of test: another step has recorder 0, too"),
        (lambda n: setattr(n.steps[2].kernel, "numbered", "gone"), "the numbers of its elements"),
        (lambda n: setattr(n.steps[2].kernel, "name", None), "name of a kernel is missing"),
        (
            lambda n: setattr(n.steps[2], "kernel", None),
            "step 'reset_step' of test: kernel is miss",
        ),
        (lambda n: index_by(n, j="j"), "', is reached through itself"),
        (lambda n: index_by(n, j="k", k="j"), "', is reached through itself"),
        (lambda n: index_by(n, j="_idx"), ""),
        (lambda n: n.arrays.update(v=Array("v", "float16", "v")), "'v' is 'float16', which is no"),
        (lambda n: n.steps[0].kernel.accesses.update(v=RATE), "access 'v' calls itself 'rate'"),
        (lambda n: call(n), "the function 'f' has no text: 'b2g_call_f'"),
        (lambda n: call(n, UserCode("f", "")), ""),
        (lambda n: call(n, UserCode("f", "", pointers=("gone",))), "'f': array 'gone' does not"),
        (lambda n: call(n, UserCode("f", "", ("gone",))), "'f': it calls 'gone', which does not"),
        (lambda n: deliver(n, side="sideways"), "there is no side 'sideways' of synapses"),
        (lambda n: deliver(n, synapses=""), "not the synapses ''"),
        (lambda n: deliver(n, domain="others"), "it goes through 'others', not the synapses 'sy"),
        (
            lambda n: n.steps[2].kernel.accesses.update(v=Access("v", "v", FLOAT64, "nowhere")),
            "unknown index 'nowhere'",
        ),
        (
            lambda n: n.steps[2].kernel.accesses.update(v=Access("v", "v", "float32")),
            "'v' is float32, its array 'v' float64",
        ),
    ],
)
def test_contradictions_are_found(damage, complaint):
    network = integrate_and_fire()
    damage(network)
    if not complaint:
        verify(network)
        return
    with pytest.raises(ModelError) as caught:
        verify(network)
    assert complaint in str(caught.value)


def used(network: Network) -> list[str]:
    """The arrays that steps or clocks refer to."""
    touched = set().union(*(arrays(footprint(step)) for step in network.steps))
    return sorted(touched | {name for c in network.clocks for name in (c.t, c.timestep)})


@pytest.mark.parametrize("name", used(trial()))
def test_every_array_is_missed(name):
    network = trial()
    del network.arrays[name]
    with pytest.raises(ModelError, match=f"'{name}'"):
        verify(network)


@pytest.mark.parametrize("name", sorted(trial().params))
def test_every_parameter_is_missed(name):
    network = trial()
    del network.params[name]
    with pytest.raises(ModelError, match=f"arameter '{name}'"):
        verify(network)


@pytest.mark.parametrize("kind", ["queue", "recorder"])
def test_queues_and_recorders_are_missed(kind):
    network = trial()
    setattr(network, f"{kind}s", getattr(network, f"{kind}s") - 1)
    with pytest.raises(ModelError, match=kind):
        verify(network)


def numbered(network: Network) -> list[int]:
    """The steps with a counterpart: what they fill, others empty."""
    return [
        number
        for number, step in enumerate(network.steps)
        if any(reference.kind is Kind.QUEUE for _, reference, _ in references(step))
    ]


@pytest.mark.parametrize("number", numbered(trial()))
def test_a_queue_is_filled_and_emptied(number):
    network = trial()
    del network.steps[number]
    with pytest.raises(ModelError, match="no step has queue"):
        verify(network)


def changed(thing: object, path: tuple[str, ...], value: object) -> Any:
    """A copy of a step in which one thing is another: a field, in a field, or by a key."""
    first, *rest = path
    if isinstance(thing, dict):
        return thing | {first: value}
    return replace(thing, **{first: changed(getattr(thing, first), rest, value) if rest else value})


def wrong(step: Step) -> list[tuple[Step, str]]:
    """Copies of a step, each with one reference to nothing; and how that is called."""
    copies = []
    for name, reference, _ in references(step):
        nothing = "nothing" if reference.kind in (Kind.ARRAY, Kind.PARAMETER) else 99
        # "refractoriness.time" is in a field; "queues 0" has a key
        path = tuple(name.replace(" ", ".", 1).split("."))
        copies += [(changed(step, path, value), name) for value in (nothing, None, -1)]
    return copies


def whole_networks() -> list[Network]:
    collected = integrate_and_fire()
    collect(collected, {"0": "0"})
    return [trial(), collected]


def test_every_reference_of_every_step_is_looked_at():
    seen = set()
    for whole in whole_networks():
        verify(whole)
        for number, step in enumerate(whole.steps):
            for damaged, name in wrong(step):
                network = whole.copied()
                network.steps[number] = damaged
                with pytest.raises(ModelError) as caught:
                    verify(network)
                assert f"step '{step.name}' of" in str(caught.value)
                assert name in str(caught.value)
                seen.add((type(step).__name__, name))
    assert {("Threshold", "refractoriness.time"), ("Collect", "queues 0")} <= seen
    assert len(seen) > 25


@pytest.mark.parametrize("number", range(len(trial().steps)))
def test_no_field_of_a_step_may_be_left_out(number):
    step = trial().steps[number]
    for field in fields(step):
        if getattr(step, field.name) is None or field.name in ("part", "refractoriness", "before"):
            continue
        network = trial()
        network.steps[number] = replace(step, **{field.name: None})
        with pytest.raises(ModelError, match=f"{field.name} is missing"):
            verify(network)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (Sum, "target_dtype"),
        (RecordRate, "rate_dtype"),
        (Threshold, "refractoriness.lastspike_dtype"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "nothing", None])
def test_element_types_are_those_of_the_arrays(kind, field, dtype):
    network = trial()
    number = next(k for k, step in enumerate(network.steps) if isinstance(step, kind))
    network.steps[number] = changed(network.steps[number], tuple(field.split(".")), dtype)
    if kind is RecordRate and dtype == "float32":  # of no array
        verify(network)
        return
    with pytest.raises(ModelError, match=field.split(".")[-1]):
        verify(network)


# -- kinds of steps that nobody has heard of -----------------------------------------


@dataclass
class Send(Step):
    """Puts something into a queue."""

    sink: FilledQueue


@dataclass
class Drop(Step):
    """Empties several."""

    sources: Annotated[dict[str, int], Reference(Kind.QUEUE, How.READ, Where.ANYWHERE)]


@dataclass
class Note(Step):
    """Records outputs of a kernel."""

    kernel: Kernel
    book: RecorderNumber
    values: list[Column]


def test_a_new_kind_of_step_fills_and_empties_queues():
    network = integrate_and_fire()
    network.queues = 1
    network.steps += [Send("send", "", "", 0, 0)]
    with pytest.raises(ModelError, match="no step has queue 0 emptied"):
        verify(network)
    network.steps += [Drop("drop", "", "", 0, {"a": 0})]
    verify(network)
    network.steps[-1].sources["b"] = None
    with pytest.raises(ModelError, match="sources b"):
        verify(network)


def test_a_new_kind_of_step_records_what_its_kernel_computes():
    network = integrate_and_fire()
    network.recorders = 1
    kernel = Kernel("noted", "", outputs={"one": ex.const(1.0)})
    network.steps += [Note("note", "", "", 0, kernel, 0, [Column("x", FLOAT64, "one")])]
    verify(network)
    network.steps[-1].values.append(Column("y", FLOAT64, "two"))
    with pytest.raises(ModelError, match="no kernel computes 'two'"):
        verify(network)


# -- what neurons keep in place of their synapses ------------------------------------


def traced() -> Network:
    """A network in which neurons keep traces, the time of their last event, and constants."""
    sketch = Sketch()
    for name in ("t", "v", "x", "w", "now"):
        sketch.zeros(name, 3)
    for name in ("step", "key_pre", "key_post", "placed"):
        sketch.zeros(name, 3, "int64" if name == "step" else INT32)
    for name in ("x_kept", "since", "result", "c", "c_kept"):
        sketch.zeros(name, 3)
    sketch.param("N", 3)
    sketch.zeros("events", 4, INT32)
    for number, side in enumerate(("pre", "post")):
        sketch.step(Push, f"push_{side}", queue=number, events="events")
        code = sketch.code(side)
        code["w"] = code["w"] + 1.0
        sketch.step(Deliver, side, code, queue=number, side=side, synapses="synapses")
    show = sketch.code("show")
    show["x"] = show["x_kept", "key_pre"]
    ends = (
        TraceEnd(
            "pre", (0,), "key_pre", "since", {"x": "x_kept"}, ("result",), {"c": "c_kept"}, "N"
        ),
        TraceEnd("post", (1,), "key_post", None, {}, ()),
    )
    network = sketch.network
    network.queues = 2
    network.traces = [Traces("synapses", ends, "now", show.kernel, (0, 1), {"placed": ("pre", 1)})]
    return network


def with_end(network: Network, **changes: Any) -> Traces:
    first, *others = network.traces[0].ends
    return replace(network.traces[0], ends=(replace(first, **changes), *others))


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        *(
            (lambda n, name=name: n.arrays.pop(name), f"'{name}'")
            for name in (
                "key_pre", "key_post", "placed", "x", "x_kept", "since", "result", "c", "c_kept",
                "now",
            )
        ),
        (lambda n: n.params.pop("N"), "parameter 'N' (size) does not exist"),
        (lambda n: with_end(n, key=None), "array 'None' (key)"),
        (lambda n: with_end(n, queues=(1,)), "queue 1 (queues) is none of theirs"),
        (lambda n: with_end(n, queues=()), "there is no queue"),
        (lambda n: with_end(n, side="post"), "two ends have one side"),
        (lambda n: with_end(n, side="nowhere"), "which there is none of"),
        (lambda n: with_end(n, traces={"x": None}), "array 'None' (traces)"),
        (lambda n: with_end(n, traces={"gone": "x_kept"}), "array 'gone' (traces)"),
        (lambda n: replace(n.traces[0], synapses="others"), "their pathways have the queues []"),
        (lambda n: replace(n.traces[0], queues=(0,)), "have the queues [0, 1], not [0]"),
        (lambda n: replace(n.traces[0], places={"placed": ("pre", 7)}), "queue 7 (places)"),
        (lambda n: replace(n.traces[0], places={"gone": ("pre", 0)}), "array 'gone' (places)"),
        (lambda n: replace(n.traces[0], places={"placed": ("up", 0)}), "of a side 'up' that"),
        (lambda n: n.traces[0].kernel.accesses.pop("x"), "'x' is written but has no access"),
    ],
)  # fmt: skip
def test_what_neurons_keep_is_looked_at(damage, complaint):
    network = traced()
    verify(network)
    new = damage(network)
    if isinstance(new, Traces):
        network.traces = [new]
    with pytest.raises(ModelError, match=r"what neurons keep for '(synapses|others)': ") as caught:
        verify(network)
    assert complaint in str(caught.value)
