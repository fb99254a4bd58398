"""Neurons keep what their synapses have in common, and all comes out as before."""

import numpy as np
import pytest

from brian2genn.model.kernel import Store
from brian2genn.model.network import Host, Push, Role, View
from brian2genn.model.user_code import UserCode
from brian2genn.model.verify import verify
from brian2genn.transforms.traces import traced_networks, with_traces
from tests.transforms.plastic import (
    PRE,
    arrives,
    decays,
    excites,
    goes_on,
    jumps,
    learns_from,
    model,
    sets,
    simulate,
    stamps,
    stdp,
    summed,
)


def reads_last(code):
    code["z"] = code.shared("t") - code["last"]


def one_side():
    """Nothing but spikes before the synapses changes what is kept, and no time is needed."""
    sketch = model()
    arrives(sketch, "pre", sets("x", "x", 0.5), learns_from("x"), excites)
    return sketch


def depends_on_the_other():
    """Of what one side has nothing is needed at the other one."""
    sketch = model()
    arrives(sketch, "pre", jumps("x"), stamps, excites)
    arrives(sketch, "post", decays("x"), stamps)
    return sketch


def integrated():
    """What is integrated in every time step, and changed by spikes of one side."""
    sketch = model()
    goes_on(sketch, sets("x", "x", 0.9))
    arrives(sketch, "pre", sets("x", "x", 1.1), learns_from("x"))
    arrives(sketch, "post", learns_from("x"))
    return sketch


def integrated_beside():
    """And something else that is the synapses' own."""
    sketch = model()
    goes_on(sketch, sets("x", "x", 0.9), sets("z", "x", ("g", "post")))
    arrives(sketch, "pre", sets("x", "x", 1.1), learns_from("x"))
    summed(sketch, "x", "w")
    return sketch


def with_a_constant():
    """That has to be the same for all synapses of a neuron."""
    sketch = model()
    goes_on(sketch, sets("x", "x", "c"))
    arrives(sketch, "pre", sets("x", "x", 1.1), learns_from("x"))
    return sketch


def of_both_sides():
    """Each side has variables without a time, and reads those of the other side."""
    sketch = model()
    arrives(sketch, "pre", sets("x", "x", 0.9), learns_from("y"), learns_from_both)
    arrives(sketch, "post", sets("y", "y", 0.8), learns_from("x"))
    return sketch


def learns_from_both(code):
    code["w"] = code["w"] + 0.1 * code["y"] * (code["x"] * 0.9)


def several_pathways():
    sketch = stdp()
    arrives(sketch, "pre", jumps("x", 0.5), decays("y"), stamps, name="late")
    return sketch


MODELS = [
    stdp,
    lambda: stdp(reads_last),
    lambda: stdp(more_post=(reads_last,)),
    one_side,
    depends_on_the_other,
    integrated,
    integrated_beside,
    with_a_constant,
    of_both_sides,
    several_pathways,
]


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("which", [0, -1])
def test_all_comes_out_as_before(make, which):
    sketch = make()
    found = traced_networks(sketch.network)
    assert found
    expected = simulate(sketch, sketch.network)
    traced = simulate(sketch, found[which])
    for name, values in expected.items():
        np.testing.assert_allclose(traced[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("make", MODELS)
def test_what_is_found_exists(make):
    sketch = make()
    sketch.zeros("events", PRE + 1, "int32")
    for queue in range(sketch.network.queues):
        sketch.step(Push, f"push{queue}", queue=queue, events="events")
    verify(sketch.network)
    for network in traced_networks(sketch.network):
        verify(network)


def kept(network):
    """By side: what neurons keep, whether the time of the last event, and constants."""
    (traces,) = network.traces
    return {
        end.side: (sorted(end.traces), end.since is not None, sorted(end.constants))
        for end in traces.ends
    }


@pytest.mark.parametrize(
    ("make", "expected", "stamp"),
    [
        (stdp, {"pre": (["x"], True, []), "post": (["y"], True, [])}, "last"),
        # synapses need the time of their own last event
        (lambda: stdp(reads_last),
         {"pre": (["x"], True, []), "post": (["y"], True, [])}, "last"),
        (one_side, {"pre": (["x"], False, [])}, None),
        # also of spikes at the other side, that is when the variable was brought up to then
        (depends_on_the_other, {"pre": (["x"], True, []), "post": ([], True, [])}, "last"),
        (integrated, {"pre": (["x"], False, [])}, None),
        (integrated_beside, {"pre": (["x"], False, [])}, None),
        (with_a_constant, {"pre": (["x"], False, ["c"])}, None),
        (of_both_sides, {"pre": (["x"], False, []), "post": (["y"], False, [])}, None),
    ],
)  # fmt: skip
def test_what_neurons_keep(make, expected, stamp):
    network = with_traces(make().network)
    assert kept(network) == expected
    (traces,) = network.traces
    assert traces.stamp == stamp
    assert traces.synapses == "S"
    assert traces.queues == tuple(range(network.queues))


def test_what_is_left_at_synapses():
    network = with_traces(stdp().network)
    pre, post = network.steps
    assert [store.name for store in pre.kernel.stores] == ["w", "g_of_post"]
    assert [store.name for store in post.kernel.stores] == ["w"]
    # the trace, what synapses need to know, and when
    assert [store.name for store in post.before.stores] == ["y", "_since"]
    assert [store.name for store in pre.before.stores] == ["x", "_since"]
    stays = with_traces(stdp(reads_last).network)
    assert [store.name for store in stays.steps[0].kernel.stores] == ["w", "g_of_post", "z", "last"]


def test_results_are_computed_once_for_a_neuron():
    """What synapses need of the neuron that spikes."""
    (step,) = with_traces(one_side().network).steps
    assert [store.name for store in step.before.stores] == ["x", "_result_pre_0"]
    assert {a.array for a in step.kernel.loads()} >= {"S__result_pre_0_float64", "w"}


def test_updates_have_as_many_elements_as_there_are_neurons():
    network = with_traces(integrated_beside().network)
    names = [step.name for step in network.steps]
    assert names == ["update", "update_pre", "on_pre", "summed"]
    update, of_neurons = network.steps[:2]
    assert [store.name for store in update.kernel.stores] == ["z"]
    assert (update.size, of_neurons.size) == ("N", "S__runs_pre")
    assert "S__runs_pre" in network.params
    assert network.traces[0].ends[0].size == "S__runs_pre"
    # nothing is left
    assert with_traces(integrated().network).steps[0].name == "update_pre"


def test_the_network_stays_as_it_was():
    sketch = integrated_beside()
    before = [(step.name, list(step.kernel.stores)) for step in sketch.network.steps]
    arrays = dict(sketch.network.arrays)
    assert with_traces(sketch.network) is not None
    assert [(step.name, step.kernel.stores) for step in sketch.network.steps] == before
    assert sketch.network.arrays == arrays
    assert not sketch.network.traces


def nothing_in_common():
    sketch = model()
    arrives(sketch, "pre", learns_from("c"), excites)
    return sketch


def test_nothing_to_keep():
    assert with_traces(nothing_in_common().network) is None
    assert traced_networks(nothing_in_common().network) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda network: network.user_code.append(UserCode("f", "", "")),
        lambda network: network.views.append(View("v", "pointer")),
        lambda network: network.steps.append(Host("h", "h", "h", 0, 0, "because")),
    ],
)
def test_nobody_else_may_look(change):
    sketch = stdp()
    change(sketch.network)
    assert with_traces(sketch.network) is None


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (stdp, [False]),
        (one_side, [False]),
        # with fewer things that neurons keep: these need no look at constants, and no more steps
        (integrated, [True]),
        (with_a_constant, [True]),
        (lambda: both_kinds(), [True, False]),
    ],
)
def test_with_less(make, expected):
    """First with all that can be kept, then only what events change."""
    found = traced_networks(make().network)
    ends = [[end for one in network.traces for end in one.ends] for network in found]
    assert [any(e.constants or e.size is not None for e in some) for some in ends] == expected


def both_kinds():
    sketch = model()
    goes_on(sketch, sets("x", "x", "c"))
    arrives(sketch, "pre", sets("x", "x", 1.1), sets("z", "z", 0.5), learns_from("x"))
    return sketch


def test_two_groups_of_synapses():
    sketch = model()
    arrives(sketch, "pre", sets("x", "x", 0.5), learns_from("x"), synapses="S")
    arrives(sketch, "pre", sets("z", "z", 0.5), synapses="T", name="other")
    found = with_traces(sketch.network)
    assert [(one.synapses, list(one.ends[0].traces)) for one in found.traces] == [
        ("S", ["x"]),
        ("T", ["z"]),
    ]


def test_shared_stores_are_not_divided():
    sketch = stdp()
    step = sketch.network.steps[0]
    step.kernel.shared_stores = [Store("t", step.kernel.stores[-1].value)]
    assert with_traces(sketch.network) is None


def test_ends():
    """Whose runs they are: of several pathways on a side, too."""
    network = with_traces(several_pathways().network)
    (traces,) = network.traces
    pre, post = traces.ends
    assert (pre.side, pre.queues, pre.key) == ("pre", (0, 2), "S__key_pre")
    assert (post.side, post.queues, post.key) == ("post", (1,), "S__key_post")
    assert network.arrays[pre.key].role is Role.SOURCE
    assert network.arrays[post.key].role is Role.TARGET
    assert (pre.since, post.since) == ("S__since_pre", "S__since_post")
    assert pre.traces == {"x": "x_trace"}
    assert post.traces == {"y": "y_trace"}
    assert traces.places == {
        "S__key_post_in_0": ("post", 0),
        "S__key_pre_in_1": ("pre", 1),
        "S__key_post_in_2": ("post", 2),
    }
    on_pre, on_post, late = network.steps
    # a neuron has its own values, and what all share; nothing that it does not use
    assert set(on_pre.before.accesses) == {"x", "_since", "t"}
    assert set(on_post.before.accesses) == {"y", "_since", "t"}
    assert set(late.before.accesses) == {"x", "_since", "t"}
    assert late.kernel.stores == []


def test_pathways_that_do_nothing_for_a_neuron():
    sketch = one_side()
    arrives(sketch, "post", learns_from("x"))
    on_pre, on_post = with_traces(sketch.network).steps
    assert on_pre.before is not None
    assert on_post.before is None


def test_the_time_is_noted_where_it_was():
    """Events that bring nothing up to the present are none of those."""
    sketch = stdp()
    arrives(sketch, "post", learns_from("c"), name="more")
    network = with_traces(sketch.network)
    assert [store.name for store in network.steps[1].before.stores] == ["y", "_since"]
    assert network.steps[2].before is None
