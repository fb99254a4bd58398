"""Making synapses from patterns: what `test_connect` does not show."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    Synapses,
    TimedArray,
    check_units,
    implementation,
    ms,
    prefs,
    set_device,
)
from brian2.core.base import BrianObjectException

from tests import devices, together
from tests.semantics.harness import Cases, check, observe

cases = Cases()


@implementation("cpp", "static int mirrored(int i, int n) { return n - 1 - i; }")
@check_units(i=1, n=1, result=1)
def mirrored(i, n):
    return n - 1 - i


#: More patterns between groups of 6 and 5 neurons.
PATTERNS = {
    "backwards": {"j": "k for k in range(N_post - 1, -1, -1)"},
    "backwards_by_two": {"j": "k for k in range(N_post - 1, i - 1, -2)"},
    "empty_ranges": {"j": "k for k in range(i, 2)"},
    "a_condition_on_the_row": {"j": "k for k in range(2, 4) if x_pre > 1"},
    "a_condition_on_the_partner": {"j": "(i + k) % N_post for k in range(4) if y_post > 0"},
    "sources_of_targets": {"i": "(j + k) % N_pre for k in range(2) if x_pre > 0"},
    "copies_by_source": {"condition": "j == 0", "n": "i % 3"},
    "copies_by_partner": {"condition": "i == 1", "n": "j"},
    "a_function": {"j": "mirrored(i, N_pre) for _ in range(2)", "skip_if_invalid": True},
    "a_time_array": {"condition": "samples(i*ms) > j"},
    "a_float_index": {"j": "int(i*0.7)"},
    "whole_rows": {"j": "k for k in sample(N_post, p=int(i > 2))"},
    "a_whole_sample": {"j": "k for k in sample(0, N_post, 2, size=3)"},
    "a_whole_sample_backwards": {"j": "k for k in sample(N_post - 1, -1, -1, size=N_post)"},
    "samples_of_nothing": {"j": "k for k in sample(N_post, size=0)"},
    "too_large_samples": {"j": "k for k in sample(i, size=6)", "skip_if_invalid": True},
    "negative_samples": {"j": "k for k in sample(N_post, size=i - 20)", "skip_if_invalid": True},
    "powers_and_distances": {"condition": "(x_pre - y_post)**2 <= 1.0"},
}  # fmt: skip


def sides():
    samples = TimedArray([3.0, 1.0, 0.0, 4.0, 2.0], dt=1 * ms)
    names = {"samples": samples, "mirrored": mirrored}
    pre = NeuronGroup(6, "x : 1", threshold="x > 2", namespace=names)
    post = NeuronGroup(5, "y : 1", threshold="y > 2")
    pre.x, post.y = [0, 3, 1, 2, -1, 2], [1, 0, 2, -1, 3]
    return pre, post, names


@cases.over(pattern=list(PATTERNS))
def pattern(pattern):
    pre, post, names = sides()
    synapses = Synapses(pre, post, "w : 1", namespace=names, multisynaptic_index="number")
    synapses.connect(**PATTERNS[pattern])
    synapses.w = "i + 0.1*j + 0.01*number"
    return observe(synapses=synapses)


@cases
def parts_of_groups():
    """Both sides are subgroups; rows and partners have offsets."""
    pre, post, _ = sides()
    low, high = pre[1:5], post[2:]
    results = {}
    for name, arguments in {
        "condition": {"condition": "x_pre > y_post and i != j"},
        "targets": {"j": "k for k in range(i, N_post) if y_post < 3"},
        "sources": {"i": "k for k in range(0, N_pre, 2) if k >= j"},
        "skipped": {"j": "i + 1", "skip_if_invalid": True},
        "pairs": {"i": [0, 3], "j": [2, 1]},
    }.items():
        synapses = Synapses(low, high, "w : 1")
        synapses.connect(**arguments)
        synapses.w = "10*i + j + x_pre"
        results[name] = synapses
        with together.whole(synapses):
            for side in ("pre", "post"):
                neurons = synapses.variables[f"_synaptic_{side}"].get_value()
                results[f"{name}_{side}"] = np.array(neurons)
    return observe(**results)


@cases
def synapses_onto_synapses():
    pre, post, _ = sides()
    first = Synapses(pre, post, "w : 1")
    first.connect(condition="x_pre > y_post")
    first.w = "i - j"
    second = Synapses(pre, first, "u : 1", on_pre="w_post += u")
    second.connect(condition="w_post > 0 and i != 0")
    second.u = "w_post*10"
    return observe(first=first, second=second)


@cases
def growing():
    """Values of old synapses stay, new ones begin with zero."""
    pre, post, _ = sides()
    synapses = Synapses(pre, post, "w : 1\nb : boolean", on_pre="w += 1", multisynaptic_index="k")
    network = Network(pre, post, synapses)
    for call, arguments in enumerate(
        [{"j": "0"}, {"condition": "i == j", "n": 2}, {"i": 0, "j": [0, 1]}, {"j": "0", "n": 2}]
    ):
        synapses.connect(**arguments)
        synapses.w["w == 0"] = f"{call} + 1"
        synapses.pre.delay["k > 0"] = "k*0.1*ms"
        network.run(0.3 * ms)
    return observe(synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


#: Patterns that ask for what there is not, and what Brian says.
MISTAKES = {
    "too_far": ({"j": "i + 1"}, "index _j=5 outside allowed range from 0 to 4"),
    "negative": ({"j": "i - 1"}, "index _j=-1 outside allowed range from 0 to 4"),
    "too_far_the_other_way": ({"i": "j + 2"}, "index _i=6 outside allowed range from 0 to 5"),
    "in_a_condition": (
        {"j": "i + 2 for _ in range(1) if y_post > 0"},
        "index j=5 outside allowed range from 0 to 4, and the condition refers to a post",
    ),
    "a_large_sample": (
        {"j": "k for k in sample(N_post, size=i + 3)"},
        "Requested sample size 6 is bigger than the population size 5.",
    ),
    "a_negative_sample": (
        {"j": "k for k in sample(N_post, size=-1)"}, "Requested sample size -1 is negative.",
    ),
    "no_step": ({"j": "k for k in range(0, 3, 0)"}, "must not be zero"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_leave_the_synapses_as_they_were(device, name):
    set_device(device)
    pre, post, _ = sides()
    synapses = Synapses(pre, post, "w : 1")
    synapses.connect(j="0")
    arguments, text = MISTAKES[name]
    with pytest.raises(BrianObjectException, match=synapses.name) as raised:
        synapses.connect(**arguments)
    assert text in str(raised.value.__cause__)
    assert len(synapses) == len(synapses.w) == len(synapses.i) == 6
    assert np.all(synapses.N_outgoing_pre == 1)
    synapses.connect(j="1")
    assert len(synapses) == 12


#: Patterns that leave the range. Sizes of the sides: 6 and 5.
OUTSIDE = [
    {"j": "i + 1"}, {"j": "i - 2"}, {"i": "j + 3"}, {"i": "j - 1"}, {"j": "i + 1", "n": 2},
    {"j": "i + k for k in range(3)"}, {"j": "i - k for k in range(9)"},
    {"j": "k for k in range(-2, 9)"}, {"j": "9 - k for k in range(13)"},
    {"i": "j - k for k in range(9)"}, {"j": "k for k in range(9)", "p": 1.0},
    {"j": "k for k in range(9) if y_post >= 0"}, {"j": "k for k in range(9) if x_pre < 10"},
    {"j": "k for k in range(-4, 9) if y_post >= 0"}, {"j": "k for k in range(9) if k != 8"},
    {"i": "k for k in range(9) if x_pre >= 0"}, {"i": "k for k in range(-9, 3) if x_pre >= 0"},
    {"i": "k for k in range(9) if y_post >= 0"}, {"j": "k + 2 for k in sample(5, size=5)"},
    {"i": [0, 6], "j": [0, 0]}, {"i": [0, 0], "j": [0, -1]}, {"i": 2, "j": 5},
]  # fmt: skip


@pytest.mark.parametrize("of_subgroups", [False, True])
@pytest.mark.parametrize("arguments", OUTSIDE, ids=str)
def test_indices_outside_are_told_as_brian_tells_them(arguments, of_subgroups):
    def told(device: str) -> tuple[str, str]:
        devices.reset()
        set_device(device)
        prefs.codegen.target = "numpy"
        if of_subgroups:
            pre = NeuronGroup(9, "x : 1", name="pre")
            post = NeuronGroup(9, "y : 1", name="post")
            ends = pre[2:8], post[1:6]
        else:
            ends = NeuronGroup(6, "x : 1", name="pre"), NeuronGroup(5, "y : 1", name="post")
        with pytest.raises((BrianObjectException, IndexError)) as raised:
            Synapses(*ends).connect(**arguments)
        devices.reset()
        error = raised.value
        return type(error).__name__, str(error.__cause__ or error)

    assert told(devices.DEVICE) == told("runtime")


def test_what_brians_compiled_target_does(device):
    """NumPy's has errors in these cases."""
    set_device(device)
    pre, post, _ = sides()
    synapses = Synapses(pre, post)
    synapses.connect(condition="i == 1", n="j - 2")
    np.testing.assert_array_equal(synapses.j, [3, 4, 4])
    synapses.connect(p=1.5)
    assert len(synapses) == 3 + 30
    synapses.connect(j="i + k for k in range(3) if y_post > 0", skip_if_invalid=True)
    pairs = [(i, j) for i in range(6) for j in range(i, i + 3) if j < 5 and post.y[j] > 0]
    assert pairs == list(zip(synapses.i[33:], synapses.j[33:], strict=True))


def test_an_element_that_does_not_exist(device):
    """Brian's error for an element that a group does not have."""
    set_device(device)
    pre, _, _ = sides()
    with pytest.raises(BrianObjectException) as raised:
        pre.x[6] = "1.5*i"
    assert str(raised.value.__cause__) == "index 6 is out of bounds for axis 0 with size 6"
    assert isinstance(raised.value.__cause__, IndexError)


@pytest.mark.parametrize("n", [-1, "-2", "i - 1"])
@pytest.mark.parametrize("how", [{}, {"condition": "i != j"}, {"j": "i"}, {"p": 1.0}])
def test_a_negative_number_of_synapses_is_none(how, n):
    """As with Cython: the loop over copies is empty. Brian's NumPy target raises."""
    set_device(devices.DEVICE)
    group = NeuronGroup(3, "")
    synapses = Synapses(group, group)
    synapses.connect(n=n, **how)
    pairs = [(2, j) for j in range(3)] if n == "i - 1" else []
    if "condition" in how:
        pairs = [(i, j) for i, j in pairs if i != j]
    if "j" in how:
        pairs = [(i, j) for i, j in pairs if i == j]
    assert list(zip(synapses.i, synapses.j, strict=True)) == pairs
