"""What synapses do in every time step, where neurons keep variables for them."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.footprint import Touched
from brian2genn.model.kernel import Access, Store
from brian2genn.transforms.continuous import (
    constants_of,
    goes_on,
    loads_of,
    looking_up,
    of_neurons,
    used,
    values_in,
)
from tests.transforms import plastic
from tests.transforms.plastic import learns_from, model, sets, summed


def update(*body, **what):
    return plastic.goes_on(model(), *(body or (sets("x", "x", 0.9),)), **what)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ({}, True),
        ({"careful": True}, False),
        ({"numbered": "x"}, False),
        ({"given": {"place": "int32"}}, False),
        ({"shared_stores": [Store("x", ex.const(0.0))]}, False),
    ],
)
def test_plain_updates_go_on(what, expected):
    step = update()
    for name, value in what.items():
        setattr(step.kernel, name, value)
    assert goes_on(step, "S") is expected
    assert not goes_on(step, "other")


def test_updates_of_neurons_do_not_go_on():
    assert not goes_on(update(sets("x", "x", 0.9), sets(("g", "post"), "x")), "S")
    assert goes_on(update(sets("x", ("g", "post"))), "S")
    assert goes_on(summed(model(), "x", "w"), "S")


def test_what_updates_give():
    sketch = model()
    one = plastic.goes_on(sketch, sets("x", "x", 0.9), sets("z", "w"))
    other = plastic.goes_on(sketch, sets("w", "w"), name="other")
    (x, z), (w,) = ([store.value for store in step.kernel.stores] for step in (one, other))
    assert values_in([one, summed(sketch, "x"), other]) == [{"x": x, "z": z}, {"w": w}]


def test_constants():
    sketch = model()
    step = plastic.goes_on(
        sketch, sets("x", "x", "c"), sets("z", ("g", "post"), "small"), sets("w", "y")
    )
    accesses = step.kernel.accesses
    accesses["dt"] = Access("dt", "dt", "float64", None)
    touched = Touched(sketch.network.steps)
    # a neuron's, what is changed, of another type, and what is shared are none
    assert constants_of(touched, accesses.values()) == {"c", "y"}
    accesses["again"] = Access("again", "c", "float64")
    assert constants_of(touched, accesses.values()) == {"y"}
    plastic.goes_on(sketch, sets("y", 1.0), name="other")
    assert constants_of(Touched(sketch.network.steps), accesses.values()) == set()


def test_neurons_integrate():
    def body(code):
        code["x"] = code["x"] * code["c"] + code.shared("dt")
        code["z"] = code["w"]

    step = update(body)
    new = of_neurons(step, "pre", {"x": "x_trace"}, {"x": "x_trace", "c": "c_trace"}, "runs")
    assert (new.name, new.size, new.domain) == ("update_pre", "runs", "S__pre")
    assert new.kernel.stores == step.kernel.stores[:1]
    assert new.kernel.accesses == {
        "x": Access("x", "x_trace", "float64"),
        "c": Access("c", "c_trace", "float64"),
        "dt": Access("dt", "dt", "float64", None),
    }
    # it stays as it was
    assert (step.name, step.size, len(step.kernel.stores)) == ("update", "N", 2)


def test_synapses_look_up_what_neurons_keep():
    step = update(sets("x", "x", 0.9), sets("z", "x", "w"))
    kernel = step.kernel

    def through(new, name):
        new.accesses["key"] = Access("key", "key_array", "int32")
        new.accesses[name] = Access(name, f"{name}_trace", "float64", "key")

    new = looking_up(kernel, kernel.stores[1:], ["x", "y"], through)
    assert new.stores == kernel.stores[1:]
    assert new.accesses == {
        "key": Access("key", "key_array", "int32"),
        "x": Access("x", "x_trace", "float64", "key"),
        "w": kernel.accesses["w"],
        "z": kernel.accesses["z"],
    }
    assert kernel.accesses["x"].array == "x"


def test_what_is_used():
    kernel = update(learns_from("x")).kernel
    expected = dict(kernel.accesses)
    kernel.accesses["y"] = Access("y", "y", "float64")
    # what is looked up needs its numbers
    assert set(expected) == {"w", "x", "v_of_pre", "pre"}
    assert used(kernel) == expected
    assert loads_of(store.value for store in kernel.stores) == {"w", "x", "v_of_pre"}
    assert loads_of([]) == set()
