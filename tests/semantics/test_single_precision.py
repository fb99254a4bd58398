"""Runs with core.default_float_dtype set to float32."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    mV,
    run,
)

from tests.semantics.harness import SINGLE, Case, Cases, check, observe

cases = Cases()


@cases.single
def neurons():
    """All floats are single, also those that are recorded; times stay double."""
    group = NeuronGroup(
        4,
        "dv/dt = (30*mV - v + 5*mV*i)/(3*ms) : volt (unless refractory)\nn : integer\nb : boolean",
        threshold="v > 21.37*mV",
        reset="v = 0*mV; n += 1; b = not b",
        refractory=0.5 * ms,
        method="exact",
    )
    spikes = SpikeMonitor(group, "v")
    states = StateMonitor(group, "v", record=True)
    rate = PopulationRateMonitor(group)
    run(6 * ms)
    return observe(group=group, spikes=spikes, states=states, rate=rate, unit=float(mV))


@cases.single
def synapses():
    source = SpikeGeneratorGroup(3, [0, 1, 2, 0], [0.1, 0.3, 0.4, 0.9] * ms)
    target = NeuronGroup(
        4, "dv/dt = -v/ms : 1", threshold="t_in_timesteps % 9 == i", method="exact"
    )
    synapses = Synapses(
        source,
        target,
        "dx/dt = -x/ms : 1 (event-driven)\nw : 1",
        on_pre="x += 1\nv_post += w*x",
        on_post="w += 1",
    )
    synapses.connect()
    synapses.w = "0.1*(1 + i + j)"
    synapses.delay = "0.1*ms*(i + j)"
    states = StateMonitor(synapses, "x", record=True)
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases.single
def subexpressions_and_sums():
    group = NeuronGroup(
        3,
        "dv/dt = (drive + total - v)/ms : 1\ndrive = level(t)*i : 1\ntotal : 1",
        method="rk2",
        namespace={"level": TimedArray([1.5, -0.5, 2], dt=0.4 * ms)},
    )
    junctions = Synapses(group, group, "total_post = 0.3*(v_pre - v_post) : 1 (summed)")
    junctions.connect()
    states = StateMonitor(group, ["v", "drive", "total"], record=True)
    run(1.5 * ms)
    return observe(group=group, states=states)


@cases.single
def hodgkin_huxley():
    """Expressions that underflow in single precision unless they are folded well."""
    group = NeuronGroup(
        4,
        """dm/dt = alpha*(1 - m) - 0.28*5/exprel((v/mV + 23)/5)/ms*m : 1
           alpha = 0.32*4/exprel((13 - v/mV - 63)/4)/ms : Hz
           dn/dt = 0.5*exp((10*mV - v - 63*mV)/(40*mV))/ms*(1 - n) : 1
           tail = exp(-63*mV/(1*mV))**(1.0/40) : 1
           v : volt""",
        method="exponential_euler",
    )
    group.v = [-80, -63, -50, 20] * mV
    states = StateMonitor(group, ["m", "n", "tail"], record=True)
    run(1 * ms)
    return observe(group=group, states=states)


@cases.single
def times_that_need_double():
    """Time, last spikes and refractoriness after many steps are exact."""
    group = NeuronGroup(
        3,
        "dv/dt = 0.1/ms : 1 (unless refractory)\nwhen : second",
        threshold="t_in_timesteps % 7 == i",
        reset="v = 0\nwhen = t",
        refractory=0.5 * ms,
        method="euler",
    )
    spikes = SpikeMonitor(group)
    run(30 * ms)
    result = observe(group=group, spikes=spikes)
    return {**result, "dtype": np.array(str(group.v[:].dtype))}


@cases.single
def a_number_in_both_precisions():
    """``clip`` of a whole number is computed as a double, and divided by the same ``tau``."""
    group = NeuronGroup(
        2,
        """dv/dt = (level + clip(t_in_timesteps, -1.9, 1.8) - v)/tau : 1
        dr/dt = (level + clip(expm1(-abs(v)) + t/ms, -1.9, 1.8) - r)/tau : 1 (unless refractory)""",
        method="exponential_euler",
        threshold="r > 5",
        refractory=1 * ms,
        namespace={"tau": 1e35 * ms, "level": 0.55},
    )
    run(0.4 * ms)
    return observe(group=group)


@cases
def rate_in_single_precision():
    """The monitor's own dtype, in a network in double precision."""
    group = NeuronGroup(
        5, "dv/dt = (1.2 + 0.1*i - v)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    rate = PopulationRateMonitor(group, dtype=np.float32)
    run(5 * ms)
    # copies: the monitor's memory goes with it
    return {"rate": np.array(rate.rate_), "t": np.array(rate.t_)}


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


def test_cable_in_single_precision(device):
    """The coupling of sections magnifies the last bit a million times: only v, to 1e-3."""
    from tests.semantics.test_spatial import passive_neuron_with_branches

    case = Case(passive_neuron_with_branches, {"method": "euler"}, SINGLE)
    reference, result = case.run("runtime"), case.run(device)
    assert result["neuron.v"].dtype == np.float32
    np.testing.assert_allclose(result["neuron.v"], reference["neuron.v"], rtol=1e-3)
