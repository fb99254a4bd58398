"""Which state updates may wait for several time steps, and who looks at what they have put off."""

import pytest

from brian2genn.backends.trial.sketch import Sketch, call, draw
from brian2genn.model import expr as ex
from brian2genn.model.kernel import Store, Table, UserFunction
from brian2genn.model.network import (
    Deliver,
    Host,
    Push,
    RecordState,
    Sum,
    Threshold,
    Update,
    View,
)
from brian2genn.model.user_code import UserCode
from brian2genn.transforms.put_off import PutOff, put_off

NUMBERS = ("post", "other")


def decays(code):
    code["c"] = code["c"] * code.shared("gain")


def model(update=decays, *others, **options):
    """Synapses that are updated in each time step, and steps beside."""
    sketch = Sketch()
    for name in ("c", "d", "w", "gain", "v"):
        sketch.zeros(name, 6)
    for name in NUMBERS:
        sketch.zeros(name, 6, "int32")
    code = sketch.code("update", options.pop("given", None))
    update(code)
    sketch.step(Update, "update", code, size="N", **{"domain": "synapses", **options})
    for other in others:
        other(sketch)
    return sketch.network


def seen(listed=(), others=()):
    return {"update": PutOff(frozenset(listed), frozenset(others))}


# -- what waits for memory ---------------------------------------------------------


def three_operations(code):
    code["c"] = (code["c"] * code.shared("gain") + code["w"]) * 0.5


def six_operations_for_two(code):
    three_operations(code)
    code["d"] = (code["d"] * code.shared("gain") + code["w"]) * 0.5 + 1.0


def shared_alone(code):
    gain = code.shared("gain")
    code["c"] = code["c"] * (1.0 + gain * gain * gain * gain * call("exp", gain))


@pytest.mark.parametrize("update", [decays, three_operations, shared_alone])
def test_waits(update):
    assert put_off(model(update)) == seen()


def test_as_many_operations_as_variables_are_worth():
    def two(code):
        three_operations(code)
        code["d"] = (code["d"] * code.shared("gain") + code["w"]) * 0.25

    assert put_off(model(two)) == seen()
    assert put_off(model(six_operations_for_two)) == {}


def four_operations(code):
    code["c"] = (code["c"] * code.shared("gain") + code["w"]) * 0.5 + 1.0


def nothing_stored(code):
    code.output("what", code["c"])


def slow(code):
    code["c"] = call("exp", code["c"])


def of_a_neuron(code):
    code["c"] = code["v", "post"]


def to_a_neuron(code):
    code["v", "other"] = code["c"]


def to_a_place(code):
    """Of which nobody knows whose it is, though each element may have its own."""
    code["v", "place"] = code["c"]
    access = code.kernel.accesses["v_of_place"]
    code.kernel.stores = [Store(access.name, code["c"].node, add=True)]


def to_a_shared_variable(code):
    decays(code)
    code.shared("w")
    code.kernel.shared_stores = [Store("w", ex.const(1.0))]


def random(code):
    code["c"] = code["c"] + draw("rand", 0)


def numbered(code):
    decays(code)
    code["post"]
    code.kernel.numbered = "post"


def given(code):
    code["c"] = code["c"] + code.given("place")


def sampled(code):
    code.shared("gain")
    table = Table("f", "w", "rows", None, "epsilon", "up")
    value = ex.make("table", (code["c"].node,), table)
    code.kernel.stores = [Store("c", value)]


def of_a_user(code):
    function = UserFunction("f", "f", "float64", stateless=True, vectorised=False)
    code.kernel.stores = [Store("c", ex.make("user", (code["c"].node,), function))]


PLACE = {"given": {"place": "int64"}}


@pytest.mark.parametrize(
    ("update", "options"),
    [
        (four_operations, {}),
        (nothing_stored, {}),
        (slow, {}),
        (of_a_neuron, {}),
        (to_a_neuron, {}),
        (to_a_place, PLACE),
        (to_a_shared_variable, {}),
        (random, {}),
        (numbered, {}),
        (given, PLACE),
        (sampled, {}),
        (of_a_user, {}),
        (decays, {"own": True}),
        (decays, {"part": ("places", "whole")}),
    ],
)
def test_does_not_wait(update, options):
    assert put_off(model(update, **options)) == {}


def test_other_steps_do_not_wait():
    def add(sketch):
        code = sketch.code("above")
        decays(code)
        code.output("_cond", code["c"] > 1.0)
        sketch.step(Threshold, "above", code, size="N", events="spikes")
        sketch.step(Push, "push", queue=0, events="spikes")

    network = model(decays, add)
    del network.steps[0]
    assert put_off(network) == {}


def test_nobody_else_may_look():
    for change in (
        lambda network: network.user_code.append(UserCode("f", "", "")),
        lambda network: network.views.append(View("v", "pointer")),
        lambda network: network.steps.append(Host("h", "h", "h", 0, 0, "because")),
    ):
        network = model()
        change(network)
        assert put_off(network) == {}


# -- who looks ---------------------------------------------------------------------


def arrives(body, synapses="synapses", before=None):
    """A pathway."""

    def add(sketch):
        code = sketch.code("arrives")
        body(code)
        first = None
        if before is not None:
            its = sketch.code("before")
            before(its)
            first = its.kernel
        sketch.step(Deliver, "arrives", code, queue=0, side="pre", synapses=synapses, before=first)

    return add


def recorded(body):
    def add(sketch):
        code = sketch.code("recorded")
        body(code)
        sketch.step(
            RecordState, "recorded", code, indices="other", time="gain", recorder=0, columns=[]
        )

    return add


def updated(body, size="M"):
    def add(sketch):
        code = sketch.code("updated")
        body(code)
        sketch.step(Update, "updated", code, size=size)

    return add


def summed(sketch):
    code = sketch.code("summed")
    code.output("_synaptic_var", code["c"])
    sketch.step(
        Sum, "summed", code, size="N", target="v", target_dtype="float64", index="post",
        start="zero", target_size="M",
    )  # fmt: skip


def on_another_clock(other):
    def add(sketch):
        other(sketch)
        sketch.network.steps[-1].clock = 1

    return add


def adds_to_c(code):
    code["c"] = code["c"] + 0.1


def reads_c(code):
    code["d"] = code["c"]


def reads_c_of_another(code):
    code["d"] = code["c", "other"]


def writes_w(code):
    code["w"] = 0.5


def writes_gain(code):
    code.shared("gain")
    code.kernel.shared_stores = [Store("gain", ex.const(0.5))]


def reads_w(code):
    code["d"] = code["w"]


def adds_to_v(code):
    code["v", "post"] = code["v", "post"] + code["c"]


def with_w(code):
    """An update that reads what it does not change."""
    code["c"] = code["c"] * code["w"] * code.shared("gain")


def shows(*names):
    def body(code):
        for number, name in enumerate(names):
            code.output(f"out{number}", code[name])

    return body


def shows_and_changes(code):
    shows("c")(code)
    adds_to_c(code)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        # events at some synapses
        (arrives(adds_to_c), seen(["arrives"])),
        (arrives(adds_to_v), seen(["arrives"])),
        (arrives(writes_w), seen(["arrives"])),
        (arrives(reads_w), seen()),
        # not those synapses, or more of them
        (arrives(adds_to_c, "others"), {}),
        (arrives(reads_c_of_another), {}),
        (arrives(reads_w, before=adds_to_c), {}),
        (arrives(adds_to_c, before=adds_to_c), {}),
        (arrives(adds_to_c, before=reads_w), {}),
        (arrives(adds_to_c, before=shows("v")), seen(["arrives"])),
        # monitors
        (recorded(shows("c")), seen(["recorded"])),
        (recorded(shows("c", ("v", "post"))), seen(["recorded"])),
        (recorded(shows("w")), seen()),
        (recorded(shows(("c", "other"))), {}),
        (recorded(shows_and_changes), {}),
        # what is the same for all elements has been noted
        (updated(writes_gain), seen()),
        # all elements, in each time step
        (updated(reads_c), {}),
        (updated(writes_w), {}),
        (updated(reads_w), seen()),
        (summed, {}),
        # or now and then
        (on_another_clock(updated(reads_c)), seen((), ["updated"])),
        (on_another_clock(summed), seen((), ["summed"])),
        (on_another_clock(arrives(reads_c_of_another)), seen((), ["arrives"])),
        (on_another_clock(arrives(adds_to_c)), seen(["arrives"])),
    ],
)
def test_who_looks(other, expected):
    found = put_off(model(with_w, other))
    assert {name: one for name, one in found.items() if name == "update"} == expected


def test_no_group_is_no_group():
    """Steps of no group have nothing in common."""
    assert put_off(model(decays, arrives(adds_to_c, ""), domain="")) == {}


def test_each_looker_is_told():
    found = put_off(model(with_w, arrives(adds_to_c), recorded(shows("c"))))
    assert found == seen(["arrives", "recorded"])
