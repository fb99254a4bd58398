"""Who executes what where several processes run a network, and what has to travel."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.model.network import (
    Array,
    Clock,
    Deliver,
    Exchange,
    Host,
    Network,
    OnEvents,
    Push,
    Role,
    Sum,
    Threshold,
    Update,
)
from brian2genn.transforms.ranks import Divided, Side, share_out

DIVIDED = Divided(frozenset({"group"}), {"synapses": Side(Role.TARGET, "group")})

ARRAYS = [
    Array("v", FLOAT64, "'v' of 'group'", "group"),
    Array("y", FLOAT64, "'y' of 'group'", "group"),
    Array("total", FLOAT64, "'total' of 'group'", "group"),
    Array("space", INT32, "'_spikespace' of 'group'", "group"),
    Array("places", INT32, "'_sub_idx' of 'part'", "part"),
    Array("w", FLOAT64, "'w' of 'synapses'", "synapses"),
    Array("one", FLOAT64, "'one' of 'synapses'", "synapses"),
    Array("i", INT32, "'i' of 'synapses'", "synapses", Role.SOURCE),
    Array("j", INT32, "'j' of 'synapses'", "synapses", Role.TARGET),
]
V = Access("v", "v", FLOAT64)
W = Access("w", "w", FLOAT64)
I, J = Access("i", "i", INT32), Access("j", "j", INT32)
Y_POST = Access("y_post", "y", FLOAT64, "j")
V_POST, V_PRE = Access("v_post", "v", FLOAT64, "j"), Access("v_pre", "v", FLOAT64, "i")


def load(access):
    return ex.make("load", attr=access.name, dtype=access.dtype)


def kernel(*accesses, store=None, of=None, output=None):
    made = Kernel("k", "", {a.name: a for a in accesses})
    if store is not None:
        made.stores = [Store(store.name, load(of))]
    if output is not None:
        made.outputs = {output: load(of)}
    return made


def base(name, domain):
    return {"name": name, "origin": name, "owner": name, "clock": 0, "domain": domain}


UPDATE = Update(**base("update", "group"), kernel=kernel(V, store=V, of=V), size="N")
THRESHOLD = Threshold(
    **base("threshold", "group"), kernel=kernel(V, of=V, output="_cond"), size="N", events="space"
)
RESET = OnEvents(**base("reset", "group"), kernel=kernel(V, store=V, of=V), events="space")


def push(queue=0):
    return Push(**base("push", "synapses"), queue=queue, events="space")


def deliver(*accesses, store, of, side="pre", queue=0):
    made = kernel(*accesses, store=store, of=of)
    return Deliver(
        **base("deliver", "synapses"), kernel=made, queue=queue, side=side, synapses="synapses"
    )


TO_TARGETS = deliver(W, J, V_POST, store=V_POST, of=W)


def shared(*steps, divided=DIVIDED, clocks=1, shortest=None):
    network = Network(
        arrays={array.name: array for array in ARRAYS},
        clocks=[Clock(f"clock {k}") for k in range(clocks)],
        steps=list(steps),
    ).copied()
    return network, share_out(network, divided, shortest)


def kinds(network):
    return [type(step).__name__ for step in network.steps]


def test_each_does_its_own_elements():
    network, plan = shared(UPDATE, THRESHOLD, RESET)
    assert all(step.own for step in network.steps)
    assert plan.exchanged == []
    assert plan.own == {"v": "group", "space": "group"}


def test_spikes_travel_before_they_enter_queues():
    network, plan = shared(UPDATE, THRESHOLD, push(), TO_TARGETS, RESET)
    assert kinds(network) == ["Update", "Threshold", "Exchange", "Push", "Deliver", "OnEvents"]
    (exchange,) = plan.exchanged
    assert list(exchange.lists.values()) == ["space"]
    assert exchange.values == {}
    assert plan.needed_by == [["push"]]


def test_spikes_of_own_neurons_need_not_travel():
    network, plan = shared(UPDATE, THRESHOLD, push(), deliver(W, store=W, of=W, side="post"))
    assert plan.exchanged == []
    assert "Exchange" not in kinds(network)


def test_values_travel_that_are_read_on_the_other_side():
    network, plan = shared(
        UPDATE, THRESHOLD, push(), deliver(I, J, V_PRE, Y_POST, store=Y_POST, of=V_PRE)
    )
    assert kinds(network) == ["Update", "Threshold", "Exchange", "Push", "Exchange", "Deliver"]
    assert list(plan.exchanged[1].values.values()) == ["v"]


def test_sums_travel_only_if_they_are_read_elsewhere():
    made = kernel(I, V_PRE, of=V_PRE, output="_synaptic_var")
    total = Sum(
        **base("sum", "synapses"), kernel=made, size="S", target="total", target_dtype=FLOAT64,
        index="j", start="first", target_size="N",
    )  # fmt: skip
    network, plan = shared(total, UPDATE)
    assert kinds(network) == ["Exchange", "Sum", "Update"]  # v of the time step before
    assert list(plan.exchanged[0].values.values()) == ["v"]
    assert plan.own == {"v": "group", "total": "group"}


def test_what_is_not_divided_is_done_by_all_with_values_of_all():
    part = Update(**base("part", ""), kernel=kernel(V, store=V, of=V), size="n")
    network, _ = shared(part, UPDATE)
    assert kinds(network) == ["Exchange", "Update", "Update"]
    assert [step.own for step in network.steps] == [False, False, True]


PLACES = Access("_sub_idx", "places", INT32, consecutive=True)
V_OF_PART = Access("v_of_part", "v", FLOAT64, "_sub_idx")
Y_OF_PART = Access("y_of_part", "y", FLOAT64, "_sub_idx")


def of_part(*accesses, store, of):
    return Update(
        **{**base("input", "part"), "domain": ""},
        kernel=kernel(PLACES, *accesses, store=store, of=of),
        size="M",
    )


def test_of_a_part_of_a_group_each_does_its_own_elements():
    network, plan = shared(UPDATE, of_part(V_OF_PART, store=V_OF_PART, of=V_OF_PART), UPDATE)
    assert plan.exchanged == []
    assert all(step.own for step in network.steps)
    assert network.steps[1].part == ("places", "v")
    assert plan.own == {"v": "group"}


def test_a_part_that_reads_others_has_their_values():
    step = of_part(V_OF_PART, V_POST, J, store=V_OF_PART, of=V_POST)
    network, _ = shared(UPDATE, step, divided=Divided(frozenset({"group"})))
    assert kinds(network) == ["Update", "Exchange", "Update"]


def test_whoever_brian_runs_sees_everything():
    host = Host(**base("host", ""), number=0, reason="is Python code")
    network, plan = shared(UPDATE, THRESHOLD, host)
    assert kinds(network) == ["Update", "Threshold", "Exchange", "Host"]
    (exchange,) = plan.exchanged
    assert [*exchange.lists.values(), *exchange.values.values()] == ["space", "v"]
    assert plan.own == {}


def test_with_several_clocks_each_exchanges_for_itself():
    slow = Update(**{**base("slow", ""), "clock": 1}, kernel=kernel(V, store=V, of=V), size="n")
    other = Update(**base("other", ""), kernel=kernel(V, store=V, of=V), size="n")
    network, _ = shared(UPDATE, slow, other, clocks=2)
    assert kinds(network) == ["Update", "Exchange", "Update", "Exchange", "Update"]
    assert [step.clock for step in network.steps if isinstance(step, Exchange)] == [1, 0]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (deliver(W, I, V_PRE, store=V_PRE, of=W), "it writes to neurons of another process"),
        (
            deliver(W, Access("one", "one", FLOAT64, None), store=Access("one", "", ""), of=W),
            "it changes a value shared by all synapses",
        ),
        (
            deliver(I, J, V_PRE, V_POST, store=V_POST, of=V_PRE),
            "it reads values of neurons of other processes",
        ),
        (
            Host(**base("host", "synapses"), number=0, reason="calls a Python function"),
            "Brian runs it (calls a Python function)",
        ),
        (
            Update(**base("odd", "group"), kernel=kernel(V, W, store=V, of=W), size="N"),
            "it uses variables of synapses",
        ),
    ],
    ids=["other side", "shared", "read and written", "by Brian", "part of synapses"],
)
def test_what_cannot_be_right_is_refused(step, reason):
    network, plan = shared(UPDATE, step)
    (impossible,) = plan.impossible
    assert impossible.reason.startswith(reason)
    assert kinds(network) == ["Update", type(step).__name__]
    assert not any(one.own for one in network.steps)


def test_without_anything_divided_nothing_changes():
    network, plan = shared(UPDATE, THRESHOLD, push(), TO_TARGETS, divided=Divided())
    assert kinds(network) == ["Update", "Threshold", "Push", "Deliver"]
    assert plan.own == {}
    assert not any(step.own for step in network.steps)


def test_spikes_wait_for_each_other_where_all_have_a_delay():
    network, plan = shared(UPDATE, THRESHOLD, push(), TO_TARGETS, RESET, shortest={0: 15})
    assert kinds(network) == ["Update", "Threshold", "Receive", "Deliver", "OnEvents", "Collect"]
    assert plan.exchanged == []
    assert plan.collect.pushes() == [(0, 0)]
    assert plan.collect.goes_on


def test_spikes_do_not_travel_while_brian_has_its_turn():
    host = Host(**base("host", ""), number=0, reason="is Python code")
    network, plan = shared(UPDATE, THRESHOLD, push(), TO_TARGETS, host, RESET, shortest={0: 15})
    assert "Receive" not in kinds(network)
    assert not plan.collect.goes_on


def test_spikes_do_not_wait_where_some_have_none():
    other = deliver(W, J, V_POST, store=V_POST, of=W, queue=1)
    network, plan = shared(
        UPDATE, THRESHOLD, push(), push(1), TO_TARGETS, other, shortest={0: 15, 1: 0}
    )
    assert plan.collect is None
    assert kinds(network)[2:5] == ["Exchange", "Push", "Push"]
