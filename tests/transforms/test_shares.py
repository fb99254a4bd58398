"""How the synapses of a pathway are divided among threads, and where they are not."""

import pytest

from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.kernel import Access, Kernel, Store, UserFunction
from brian2genn.model.network import Deliver, Network, Push, Sum, Threshold, Update
from brian2genn.transforms.shares import (
    Division,
    division_of,
    divisions_of,
    pushes_together,
    stretches,
    targets_of,
    thresholds_early,
    why_not_shared,
)

ACCESSES = {
    access.name: access
    for access in (
        Access("w", "w", FLOAT64),
        Access("lastupdate", "last", FLOAT64),
        Access("i", "pre", INT32),
        Access("j", "post", INT32),
        Access("v_pre", "v", FLOAT64, "i"),
        Access("v_post", "v", FLOAT64, "j"),
        Access("g_post", "g", FLOAT64, "j"),
        Access("u_pre", "u", FLOAT64, "i"),
        Access("shared", "shared", FLOAT64, None),
        Access("j_again", "post", INT32),
        Access("place", "place", INT32, consecutive=True),
        Access("other_place", "other_place", INT32, consecutive=True),
        Access("v_there", "v", FLOAT64, "place"),
        Access("g_there", "g", FLOAT64, "place"),
        Access("v_elsewhere", "v", FLOAT64, "other_place"),
    )
}


def load(name):
    return ex.make("load", attr=name, dtype=ACCESSES[name].dtype)


def plus(name, what):
    return Store(name, ex.binary("add", load(name), what))


def deliver(*stores, shared=()):
    kernel = Kernel("k", "test", dict(ACCESSES), list(shared), list(stores))
    return Deliver("d", "test", "test", 0, kernel, 0, "pre", "synapses")


BY_POST, ALONE = Division("post", "g"), Division(None, None)
USER = ex.make(
    "user", (load("w"),), UserFunction("f", "f", FLOAT64, stateless=True, vectorised=False), FLOAT64
)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (deliver(plus("g_post", load("w"))), BY_POST),
        (deliver(Store("g_post", load("w"), add=True)), BY_POST),
        (deliver(plus("g_post", load("v_pre"))), BY_POST),
        (deliver(plus("g_post", load("g_post"))), BY_POST),
        (deliver(plus("g_post", load("w")), plus("w", load("v_pre"))), BY_POST),
        (deliver(Store("g_post", load("w")), plus("v_post", load("g_post"))), BY_POST),
        (deliver(plus("w", load("v_post"))), ALONE),
        (deliver(plus("w", load("shared"))), ALONE),
        (deliver(plus("u_pre", load("w"))), Division("pre", "u")),
        (deliver(), ALONE),
        (deliver(plus("v_post", load("v_pre"))), "it uses what it changes of other elements"),
        (
            deliver(plus("g_post", load("w")), plus("u_pre", load("w"))),
            "it writes to the neurons on both sides",
        ),
        (deliver(plus("w", USER)), "nobody knows whether its functions may be called by several"),
        (deliver(shared=[Store("shared", load("shared"))]), "it writes shared variables"),
        (
            deliver(Store("j_again", load("j")), plus("g_post", load("w"))),
            "it changes which neurons are its targets",
        ),
    ],
)
def test_by_what_synapses_are_divided(step, expected):
    found = division_of(step)
    if isinstance(expected, str):
        assert isinstance(found, str)
        assert found.startswith(expected)
    else:
        assert found == expected


def summed(value):
    kernel = Kernel("k", "test", dict(ACCESSES), outputs={"_synaptic_var": value})
    return Sum("s", "test", "test", 0, kernel, "N", "g", FLOAT64, "post", "start", "size")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (load("w"), BY_POST),
        (ex.binary("mul", load("v_pre"), load("v_post")), BY_POST),
        (load("g_post"), BY_POST),
        (USER, "nobody knows whether its functions may be called by several threads"),
    ],
)
def test_by_what_sums_are_divided(value, expected):
    assert division_of(summed(value)) == expected


@pytest.mark.parametrize(
    ("stores", "expected"),
    [
        ([plus("w", load("lastupdate"))], None),
        ([plus("v_post", load("w"))], "several elements may write the same 'v_post'"),
        # neurons of a part of a group are as many places in the group
        ([plus("v_there", load("w")), plus("g_there", load("v_there"))], None),
        ([plus("v_there", load("v_post"))], "it reads 'v_there' of other elements"),
        ([Store("v_there", load("v_elsewhere"))], "it reads 'v_there' of other elements"),
        (
            [Store("v_there", load("w")), Store("v_elsewhere", load("w"))],
            "it writes 'v_there' in two ways",
        ),
    ],
)
def test_elements_that_threads_share_out(stores, expected):
    kernel = Kernel("k", "test", dict(ACCESSES), stores=stores)
    assert why_not_shared(Update("u", "test", "test", 0, kernel, "N")) == expected


def push(queue, events="spikes", clock=0, own=False):
    return Push("p", "test", "test", clock, queue, events, own=own)


def arrives(queue, *stores):
    step = deliver(*stores)
    step.queue = queue
    return step


WRITES_EVENTS = Update(
    "u", "test", "test", 0,
    Kernel("k", "test", {"spikes": Access("spikes", "spikes", INT32)},
           stores=[Store("spikes", ex.const(1))]),
    "n",
)  # fmt: skip


def test_pushes_of_the_same_events_come_together():
    steps = [push(0), arrives(0), push(1), push(2, "others"), arrives(1), push(3), arrives(3)]
    zero, first, one, other, second, three, third = steps
    found = pushes_together(steps)
    assert list(map(id, found)) == list(map(id, [zero, one, three, first, other, second, third]))
    assert [len(stretch) for stretch in stretches(found)] == [3, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "between",
    [
        [WRITES_EVENTS],  # other events
        [arrives(1)],  # what has arrived goes out of the queue before
        [push(1, "others")],
    ],
    ids=["events", "queue", "other events for the queue"],
)
def test_pushes_stay_where_it_matters(between):
    steps = [push(0), *between, push(1)]
    assert list(map(id, pushes_together(steps))) == list(map(id, steps))


@pytest.mark.parametrize("other", [push(1, clock=1), push(1, own=True), push(1, "others")])
def test_other_pushes_are_apart(other):
    steps = [push(0), arrives(0), other]
    assert list(map(id, pushes_together(steps))) == list(map(id, steps))


def test_each_process_pushes_alone():
    """Their functions look for the events of their own elements."""
    assert [len(stretch) for stretch in stretches([push(0, own=True), push(1, own=True)])] == [1, 1]


def update(clock, *stores):
    return Update(
        "u", "test", "test", clock, Kernel("k", "test", dict(ACCESSES), [], [*stores]), "N"
    )


def threshold(clock, name):
    kernel = Kernel("k", "test", dict(ACCESSES), outputs={"_cond": load(name)})
    return Threshold("t", "test", "test", clock, kernel, "N", "events")


@pytest.mark.parametrize(
    ("between", "is_early"),
    [
        (update(1, plus("w", load("w"))), True),
        (update(0, plus("w", load("w"))), False),  # it may be in the same stretch anyway
        (update(1, plus("lastupdate", load("w"))), False),  # what is compared
        (arrives(0, plus("w", load("w"))), True),
        (arrives(0, plus("lastupdate", load("w"))), False),
    ],
)
def test_thresholds_follow_updates(between, is_early):
    steps = [update(0, plus("lastupdate", load("lastupdate"))), between, threshold(0, "lastupdate")]
    first, other, last = steps
    expected = [first, last, other] if is_early else steps
    assert list(map(id, thresholds_early(steps))) == list(map(id, expected))


def test_thresholds_without_an_update_stay():
    steps = [update(1, plus("w", load("w"))), threshold(0, "lastupdate")]
    assert list(map(id, thresholds_early(steps))) == list(map(id, steps))


def test_what_is_divided_is_found_once_for_all_steps():
    """By the names of steps; a step that is not divided has no entry."""
    by_post, alone = deliver(plus("g_post", load("w"))), deliver(plus("w", load("v_post")))
    whole = deliver(plus("w", USER))
    for number, step in enumerate((by_post, alone, whole)):
        step.name, step.queue = f"d{number}", number
    network = Network(steps=[by_post, alone, whole], queues=3)
    assert divisions_of(network) == {"d0": BY_POST, "d1": ALONE}
    assert targets_of(network) == {0: "post"}
