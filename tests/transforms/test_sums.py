"""What a sum over synapses looks up in tables, and whether its synapses may stand by target."""

import numpy as np
import pytest

from brian2genn.backends.cpu.options import Costs
from brian2genn.backends.cpu.sums import LANES, SumLayout, rows_of, slices_of, stretches_of
from brian2genn.codegen.c.sums import SumForm
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT32
from brian2genn.model.expr import show
from brian2genn.model.kernel import Access, Kernel, RandomSite, Store
from brian2genn.model.network import Network, Sum, Update
from brian2genn.transforms.sums import plan_sum
from brian2genn.transforms.tables import VALUE

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


@pytest.mark.parametrize("as_they_are", [False, True])
@pytest.mark.parametrize("size", [1, 7, 8, 9, 300, 70_000])
def test_every_synapse_stands_in_its_targets_lane_in_order(size, as_they_are):
    random = np.random.default_rng(size)
    targets = (5 + random.integers(size, size=20 * size)).astype(np.int32)
    slices = slices_of(targets, 5, size, as_they_are)
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


@pytest.mark.parametrize(
    ("targets", "starts", "firsts"),
    [
        ([3], [0, 1], [3]),
        ([0, 1, 2, 0, 1], [0, 3, 5], [0, 0]),
        ([4, 5, 5, 7, 6], [0, 2, 3, 4, 5], [4, 5, 7, 6]),
        ([9, 8, 9, 10], [0, 1, 4], [9, 8]),
    ],
)
def test_rows(targets, starts, firsts):
    rows = rows_of(np.array(targets, dtype=np.int32))
    assert rows.starts.tolist() == starts
    assert rows.targets.tolist() == firsts


def test_rows_of_one_source():
    targets, sources = [0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 1, 0]
    rows = rows_of(np.array(targets, dtype=np.int32), np.array(sources, dtype=np.int32))
    assert rows.starts.tolist() == [0, 2, 5, 6]
    assert rows.targets.tolist() == [0, 2, 5]


def test_stretches():
    targets = np.array([1, 4, 4, 6, 2, 9], dtype=np.int32)
    sources = np.array([3, 3, 1, 1, 1, 3], dtype=np.int32)
    others = np.array([0, 0, 0, 7, 7, 7], dtype=np.int32)
    assert stretches_of(targets).tolist() == [0, 4, 6]
    assert stretches_of(targets, sources).tolist() == [0, 2, 4, 5, 6]
    assert stretches_of(targets, sources, others).tolist() == [0, 2, 3, 4, 5, 6]
    assert stretches_of(targets[:1]).tolist() == [0, 1]


def arranged(targets, size, looked_up=(), n_changing=0, rows=True, start=0, same=()):
    """How a sum with these synapses is made."""
    targets = np.asarray(targets, dtype=np.int32)
    arrays = {"post": targets, "pre": np.sort(targets), "row": np.cumsum(targets == start)}
    form = SumForm(
        "test", 0, "post", "start", "size", (), ("pre",), True, looked_up, n_changing, rows, same
    )
    layout = SumLayout(form, Costs())
    layout.refresh(arrays, {"start": start, "size": size})
    structure = layout._structure
    if structure.alike:
        return "rows of one source"
    if structure.n_stretches:
        return "stretches"
    return "slices" if structure.n_slices else "rows" if structure.n_rows else "numbers"


def test_what_is_the_fastest_is_chosen():
    random = np.random.default_rng(1)
    some = random.integers(1000, size=50_000)
    assert arranged(some, 1000, ("pre",)) == "slices"
    # what changes is looked up where it is, which is all over the memory
    assert arranged(some, 1000, n_changing=1) == "numbers"
    sorted_targets = np.concatenate([np.flatnonzero(random.random(300) < 0.4) for _ in range(300)])
    of_one = arranged(sorted_targets, 300, ("row",), n_changing=1, same=("row",))
    assert of_one == "stretches"
    # one for each target, and rows of all targets
    assert arranged(np.arange(1000), 1000, ("pre",)) == "rows"
    assert arranged(np.arange(1000), 1000, ("pre",), rows=False) == "numbers"
    assert arranged(np.tile(np.arange(500), 500), 500, ("pre",), n_changing=1) == "rows"
    every = np.tile(np.arange(500), 500)
    assert arranged(every, 500, ("row",), n_changing=1, same=("row",)) == "rows of one source"
    assert arranged(every, 500, ("post",), n_changing=1, same=("post",)) == "rows"
    assert arranged(random.permutation(1000), 1000, ("pre",)) == "numbers"
    # all to one neuron: seven of eight lanes would be idle
    assert arranged(np.zeros(1000), 1, ("pre",)) == "numbers"
    assert arranged([], 10) == "numbers"


def test_targets_beyond_those_of_the_sum_are_left_to_the_plain_loop():
    targets = np.repeat(np.arange(40), 20)
    assert arranged(targets, 40) == "slices"
    assert arranged(targets, 39, start=1) == "numbers"
    assert arranged(targets, 39) == "numbers"
