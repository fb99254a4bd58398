"""Which state updates list the neurons that rest, and which are done with their threshold."""

import pytest
from brian2 import Network, NeuronGroup, Synapses, TimedArray, ms, network_operation, set_device

from brian2genn.codegen.c.program import print_program
from brian2genn.transforms.pipeline import FOR_A_PROCESSOR, lower
from brian2genn.transforms.resting import resting
from tests.codegen.test_same_text import translated

EQUATIONS = """
dv/dt = (1.5 - v)/(4*ms) : 1 (unless refractory)
pause : second
x : 1
"""


@pytest.fixture(autouse=True)
def _device():
    set_device("genn", backend="cpu")


def group(refractory=1 * ms, equations=EQUATIONS, **options):
    options = {"threshold": "v > 1", "reset": "v = 0", "method": "exact"} | options
    return NeuronGroup(20, equations, refractory=refractory, name="group", **options)


def model_of(*objects):
    model = translated(Network(*objects))
    lower(model, FOR_A_PROCESSOR)
    return model


@pytest.mark.parametrize("refractory", [1 * ms, "pause", "0.5*pause + 0.1*ms", 0 * ms])
def test_periods_that_do_not_change(refractory):
    model = model_of(group(refractory))
    assert list(resting(model)) == ["group_stateupdater"]
    source = print_program(model)
    assert [number for number, _ in source.resting] == [0]
    assert "group_spike_thresholder_both(" in source.text
    assert "lastspike" not in source.text.split("_both(b2g_context")[-1].split("N_events < ")[0]


@pytest.mark.parametrize(
    "refractory", ["v > 0.5", "0.2*t", "2*ms*exp(-t/(5*ms))", "table(t)", "x*ms + 1e-9*t"]
)
def test_periods_that_may_change(refractory):
    one = group(refractory)
    one.namespace["table"] = TimedArray([1, 2] * ms, dt=1 * ms)
    assert resting(model_of(one)) == {}


def test_who_else_writes():
    """What a period depends on, when the last spike was, or who rests."""
    for code in ("pause += 0.1*ms", "lastspike = t", "not_refractory = True"):
        one = group("pause")
        one.run_regularly(code, dt=1 * ms)
        assert resting(model_of(one, *one.contained_objects)) == {}, code
    one = group("pause")
    synapses = Synapses(one, one, on_pre="pause_post += 0.1*ms")
    synapses.connect()
    assert resting(model_of(one, synapses)) == {}


def test_the_host():
    one = group()
    assert resting(model_of(one, network_operation(lambda: None))) == {}


def test_updates_that_take_long():
    """There, another text is not worth its compilation."""
    one = group(equations="dv/dt = exp(-v)/(4*ms) : 1 (unless refractory)", method="euler")
    model = model_of(one)
    assert resting(model) == {}
    assert "_both(" not in print_program(model).text


def test_thresholds_that_draw_or_read_others():
    one = group(threshold="rand() < v*dt/(10*ms)")
    assert "_both(" not in print_program(model_of(one)).text


def test_thresholds_behind_other_updates():
    """They go to their own update, past others that do not matter for them."""
    second = NeuronGroup(30, EQUATIONS, threshold="v > 1", reset="v = 0", name="second")
    text = print_program(model_of(group(), second)).text
    assert text.count("_both((ctx->scopes") == 2 or text.count("_both(ctx, b2g_first") == 2


def test_thresholds_of_groups_with_other_time_steps():
    """They come before the state updates of other clocks."""
    slower = NeuronGroup(30, EQUATIONS, threshold="v > 1", reset="v = 0", name="slower", dt=1 * ms)
    text = print_program(model_of(group(), slower)).text
    assert "group_spike_thresholder_both(" in text
    assert "slower_spike_thresholder_both(" in text
