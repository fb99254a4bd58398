"""Values read by strings, and those of subexpressions."""

import numpy as np
import pytest
from brian2 import NeuronGroup, Subgroup, Synapses, TimedArray, ms, mV, run, set_device

from tests.semantics.harness import Cases, check, observe

cases = Cases()

EQUATIONS = """
v : volt
x : 1
whole : integer
flag : boolean
total : 1 (shared)
double = 2*x + total : 1
more = whole + 1 : integer
positive = x > 0 : boolean
shared = total*2 : 1 (shared)
later = double + t/ms : 1
"""


def cells():
    group = NeuronGroup(6, EQUATIONS, threshold="x > 100")
    group.x = [3, -1, 2, 0, 5, -4]
    group.v = np.arange(6) * mV
    group.whole = [1, 0, 1, 2, 3, 5]
    group.flag = [True, False, False, True, True, False]
    group.total = 0.5
    return group


@cases
def by_a_condition():
    group = cells()
    return observe(
        v=group.v["x > 0"],
        v_=group.v_["x > 0"],
        whole=group.whole["flag"],
        flag=group.flag["whole > 0 and v < 4*mV"],
        all=group.x["True"],
        none=group.x["x > 100"],
        i=group.i["not flag"],
        subexpression=group.double["positive"],
        count=len(group.x["double > 1"]),
    )


@cases
def subexpressions():
    group = cells()
    run(0.3 * ms)
    return observe(
        double=group.double[:],
        one=group.double[2],
        some=group.double[[4, 0, 4]],
        last=group.double[-2:],
        more=group.more[:],
        positive=group.positive[:],
        shared=group.shared[:],
        later=group.later[:],
    )


@cases
def of_subgroups():
    group = cells()
    part = group[1:5]
    assert isinstance(part, Subgroup)
    return observe(
        x=part.x["x > 0"],
        i=part.i["x > 0"],
        double=part.double[:],
        some=part.double[1:3],
        one=part.double[-1],
        by_condition=part.double["i >= 2"],
    )


@cases
def of_synapses():
    group = cells()
    synapses = Synapses(group, group, "w : 1\nsum = w + x_pre + 10*x_post : 1", on_pre="x += w")
    synapses.connect(condition="abs(i - j) <= 1")
    synapses.w = "i + 0.1*j"
    return observe(
        w=synapses.w["i > j"],
        i=synapses.i["w > 2"],
        j=synapses.j["x_post > 0"],
        x=synapses.x_post["i == 2"],
        sum=synapses.sum[:],
        row=synapses.sum[2, :],
        positive=synapses.sum["sum > 0"],
    )


@cases
def with_functions_and_names():
    samples = TimedArray(np.arange(4) * 1.5, dt=1 * ms)
    limit = 2
    group = cells()
    return observe(first=group.x["x > limit"], second=group.x["samples(i*ms) > 2*exp(-x)"])


def test_indices_by_a_condition(device):
    """Brian's NumPy target gives floats here, with which nothing can be indexed."""
    set_device(device)
    group = cells()
    np.testing.assert_array_equal(group.indices["x > 0"], [0, 2, 4])
    assert group.indices["x > 0"].dtype == group.indices["x > 100"].dtype == np.int32
    part = group[2:]
    np.testing.assert_array_equal(part.indices["x > 0"], [0, 2])
    synapses = Synapses(group, group)
    synapses.connect(j="i")
    np.testing.assert_array_equal(synapses.indices["i > 3"], [4, 5])


def test_what_is_the_same_for_all_elements_is_a_number(device):
    """Of one element, or those that meet a condition, only Brian's compiled target has values."""
    set_device(device)
    group = NeuronGroup(3, "five = 5 : 1\nlater = t + 2*ms : second\nx : 1")
    for elements in (slice(None), slice(1, None), slice(2, 2), [0, 2], [True, False, True]):
        assert group.five[elements] == 5
        assert np.shape(group.five[elements]) == np.shape(group.later_[elements]) == ()
    assert group.later[1:] == 2 * ms
    assert np.shape(1 + group.five_) == ()
    np.testing.assert_array_equal(group.five["i > 0"], [5.0, 5.0])
    assert group.five[0].shape == group.five[-1].shape == ()
    assert list(group.five) == [5.0, 5.0, 5.0]  # comes to an end
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        group.five[3]


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
