"""What `explain` tells of a network that runs on a GPU, and what stays with Brian."""

import numpy as np
import pytest
from brian2 import (
    DEFAULT_FUNCTIONS,
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    check_units,
    implementation,
    ms,
    prefs,
    set_device,
)

import brian2genn

pytestmark = pytest.mark.usefixtures("device_is_cuda")


@pytest.fixture
def device_is_cuda(shim):
    set_device("genn", backend="cuda")
    prefs.codegen.target = "numpy"


def test_kernels_are_told():
    group = NeuronGroup(10, "dv/dt = (2 - v)/ms : 1", threshold="v > 1", reset="v = 0",
                        method="exact", name="cells")  # fmt: skip
    Network(group).run(1 * ms)
    text = str(brian2genn.explain())
    assert "A time step is 1 kernel on" in text
    assert "Kernel stage_0: " in text
    assert "state update 'cells" in text
    assert "one thread" not in text


def test_what_one_thread_does_is_told_with_the_reason():
    group = NeuronGroup(10, "v : 1", threshold="v > 1", reset="v = 0", name="cells")
    synapses = Synapses(group, group, on_pre="v_post = 0.5*v_post", name="halving")
    synapses.connect(j="i")
    Network(group, synapses).run(0.2 * ms)
    (line,) = [line for line in str(brian2genn.explain()).splitlines() if "one thread" in line]
    assert "halving_pre" in line
    assert "several elements may write the same 'v_post'" in line


@implementation("cpp", "double doubled(double x) { return std::max(2*x, 0.0); }")
@check_units(x=1, result=1)
def doubled(x):
    return np.maximum(2 * x, 0)


@implementation("cpp", "double counted(double x) { static int n; return x + n++; }")
@check_units(x=1, result=1)
def counted(x):
    return x


counted.stateless = False


@implementation("cpp", "double broken(double x) { return nothing_of_this_name(x); }")
@check_units(x=1, result=1)
def broken(x):
    return 3 * x


@implementation(
    "cpp",
    "double kept(double x) { static double sum; return sum += _rand(0) + x; }",
    dependencies={"_rand": DEFAULT_FUNCTIONS["rand"]},
)
@check_units(x=1, result=1)
def kept(x):
    return 4 * x


kept.stateless = False


@implementation(
    "cpp",
    "double drawn(double x) { return _rand(0) + x; }",
    dependencies={"_rand": DEFAULT_FUNCTIONS["rand"]},
)
@check_units(x=1, result=1)
def drawn(x):
    return 5 * x


drawn.stateless = False


def run_with(function) -> NeuronGroup:
    name = function.pyfunc.__name__
    group = NeuronGroup(3, "v : 1", namespace={name: function}, name="cells")
    group.v = [-1, 1, 2]
    group.run_regularly(f"v = {name}(v)", name="cells_f")
    Network(group).run(0.1 * ms)
    return group


def test_users_functions_are_compiled_for_the_gpu():
    group = run_with(doubled)
    assert list(group.v) == [0, 2, 4]
    assert brian2genn.explain().where("cells_f") == "compiled"


@implementation("cpp", "double tripled(double x) { return 3*x; }", headers=["<vector>"])
@check_units(x=1, result=1)
def tripled(x):
    return 3 * x


def test_a_refused_monitor_leaves_nothing_behind():
    """Its recorder, its function and its numbers are of no program; others' are where they were."""
    group = NeuronGroup(2, "dv/dt = 1/ms : 1\ny = tripled(v) : 1", method="euler",
                        threshold="v > 0.25", reset="v = 0", namespace={"tripled": tripled},
                        name="cells")  # fmt: skip
    refused = [StateMonitor(group, "y", record=True, name=f"refused_{k}") for k in range(2)]
    taken = StateMonitor(group, "v", record=True, name="taken")
    spikes = SpikeMonitor(group, name="spikes")
    Network(group, *refused, taken, spikes).run(0.5 * ms)
    np.testing.assert_allclose(taken.v[0], [0, 0.1, 0.2, 0, 0.1], atol=1e-12)
    for monitor in refused:
        np.testing.assert_allclose(monitor.y[:], 3 * taken.v[:], atol=1e-12)
    assert spikes.num_spikes == 2
    explanation = brian2genn.explain()
    assert [explanation.where(m.name) for m in (*refused, taken, spikes)] == [
        "Brian", "Brian", "compiled", "compiled",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "reason", "result"),
    [
        (counted, "has a state", [-1, 1, 2]),
        (broken, "does not take", [-3, 3, 6]),
        (kept, "has a state", [-4, 4, 8]),
        (drawn, "without saying for which element", [-5, 5, 10]),
    ],
)
def test_what_a_gpu_cannot_run_stays_with_brian(function, reason, result):
    group = run_with(function)
    assert list(group.v) == result
    explanation = brian2genn.explain()
    assert explanation.where("cells_f") == "Brian"
    assert reason in str(explanation)
