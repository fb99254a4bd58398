"""What a sum over synapses looks up in tables, and whether its synapses may stand by target."""

import numpy as np
import pytest

from brian2genn.backends.cpu.sums import LANES, slices_of
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.expr import show
from brian2genn.model.kernel import Access, Kernel, RandomSite, Store
from brian2genn.model.network import Network, Sum, Update
from brian2genn.transforms.sums import VALUE, plan_sum

ACCESSES = {
    access.name: access
    for access in (
        Access("w", "w", FLOAT64),
        Access("s", "s", FLOAT64),
        Access("i", "pre", INT32),
        Access("j", "post", INT32),
        Access("v_pre", "v", FLOAT64, "i"),
        Access("u_pre", "u", FLOAT64, "i"),
        Access("v_post", "v", FLOAT64, "j"),
        Access("g_post", "g", FLOAT64, "j"),
        Access("shared", "shared", FLOAT64, None),
    )
}
W, S, V, U, V_POST, G_POST, SHARED = (
    ex.make("load", attr=name, dtype=FLOAT64)
    for name in ("w", "s", "v_pre", "u_pre", "v_post", "g_post", "shared")
)
PARAM = ex.make("param", attr="tau", dtype=FLOAT64)


def call(name, value):
    return ex.call(name, [value], FLOAT64)


def plan(value):
    """The plan of a sum in a network that changes `s`."""
    kernel = Kernel("k", "test", dict(ACCESSES), outputs={"_synaptic_var": value})
    summed = Sum("sum", "test", "test", 0, kernel, "N", "g", FLOAT64, "post", "start", "size")
    own = Kernel("o", "test", dict(ACCESSES), stores=[Store("s", W)])
    update = Update("update", "test", "test", 0, own, "N")
    return plan_sum(summed, Network(steps=[summed, update]))


@pytest.mark.parametrize(
    ("value", "tables"),
    [
        (ex.binary("mul", W, call("tanh", V)), ["tanh(v_pre)"]),
        # the whole of what belongs to one side
        (ex.binary("mul", W, ex.binary("mul", U, call("exp", V))), ["(u_pre * exp(v_pre))"]),
        (call("exp", ex.binary("mul", V, SHARED)), ["exp((v_pre * shared))"]),
        (
            ex.binary("mul", call("exp", V), call("exp", V_POST)),
            ["exp(v_pre)", "exp(v_post)"],
        ),
        # inside of what belongs to both
        (call("sin", ex.binary("sub", call("exp", V), V_POST)), ["exp(v_pre)"]),
        # one inside of another one, and by itself
        (
            ex.binary("mul", ex.binary("mul", call("exp", V), W), call("sin", call("exp", V))),
            ["exp(v_pre)", "sin(exp(v_pre))"],
        ),
        # not worth a table
        (ex.binary("mul", W, ex.binary("mul", V, U)), []),
        (ex.binary("mul", W, call("abs", V)), []),
        (ex.binary("mul", V, call("exp", PARAM)), []),
        # of a synapse's own
        (call("exp", ex.binary("mul", V, W)), []),
        (call("sin", ex.binary("sub", V, V_POST)), []),
        (call("exp", SHARED), []),
    ],
)
def test_what_is_computed_once_for_each_neuron(value, tables):
    found = plan(value).tables
    assert sorted(show(table.kernel.outputs[VALUE]).strip("()") for table in found) == sorted(
        text.strip("()") for text in tables
    )
    for table in found:
        assert all(access.index in (None, "_idx") for access in table.kernel.loads())


@pytest.mark.parametrize(
    ("value", "by_target"),
    [
        (W, True),
        (ex.binary("mul", W, ex.binary("sub", V, V_POST)), True),
        (SHARED, True),
        # looked up, because it changes during a run
        (ex.binary("mul", S, V), True),
        # what it sums into
        (ex.binary("mul", W, G_POST), False),
        (ex.binary("mul", W, ex.make("random", attr=RandomSite("rand", 0))), False),
    ],
)
def test_which_synapses_may_stand_by_target(value, by_target):
    assert plan(value).by_target is by_target


@pytest.mark.parametrize("size", [1, 7, 8, 9, 300, 70_000])
def test_every_synapse_stands_in_its_targets_lane_in_order(size):
    random = np.random.default_rng(size)
    targets = (5 + random.integers(size, size=20 * size)).astype(np.int32)
    slices = slices_of(targets, 5, size)
    if size == 1:  # seven of eight lanes would be idle
        assert slices is None
        return
    found: dict[int, list[int]] = {}
    for number, first in enumerate(slices.starts[:-1].tolist()):
        for lane in range(LANES):
            place = number * LANES + lane
            if place >= size:
                assert slices.lengths[place] == 0
                continue
            length = int(slices.lengths[place])
            of_lane = slices.order[first + lane : slices.starts[number + 1] : LANES][:length]
            found[int(slices.targets[place])] = of_lane.tolist()
    assert sorted(found) == list(range(5, 5 + size))
    expected: dict[int, list[int]] = {target: [] for target in found}
    for synapse, target in enumerate(targets.tolist()):
        expected[target].append(synapse)
    assert found == expected


def test_targets_beyond_those_of_the_sum_are_left_to_the_plain_loop():
    targets = np.repeat(np.arange(40, dtype=np.int32), 20)
    assert slices_of(targets, 0, 40) is not None
    assert slices_of(targets, 1, 39) is None
    assert slices_of(targets, 0, 39) is None


def test_few_synapses_for_each_target_do_not_pay():
    assert slices_of(np.arange(1000, dtype=np.int32), 0, 1000) is None
