"""Values that are no numbers, and networks with nothing to do."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    run,
)
from brian2.utils.logger import BrianLogger, catch_logs

from tests.faults import networks
from tests.semantics.harness import Cases, check, observe

cases = Cases()

BAD = {"nan": np.nan, "inf": np.inf, "minus inf": -np.inf, "large": 1e300}


@cases.over(value=list(BAD))
def values_that_are_no_numbers(value):
    """They spread as under Brian's runtime, through updates, thresholds, synapses and sums."""
    group = NeuronGroup(
        5,
        "dv/dt = (1.1 - v)/(2*ms) : 1\ndw/dt = (sin(v) - w)/ms : 1 (unless refractory)\ns : 1",
        threshold="v > 1",
        reset="v = v - 1\nw += 0.1",
        refractory="v > 2",
        method="euler",
    )
    group.v[1:3] = BAD[value]
    group.w[3] = BAD[value]
    synapses = Synapses(
        group, group, "x : 1\ns_post = x*w_pre : 1 (summed)", on_pre="w_post += x", delay=0.3 * ms
    )
    synapses.connect(j="(i + 2) % N_post")
    synapses.x = "0.1*i"
    synapses.x[4] = BAD[value]
    states = StateMonitor(group, ["v", "w", "s"], record=True)
    spikes = SpikeMonitor(group, variables="v")
    with np.errstate(all="ignore"):
        run(5 * ms)
    return observe(group=group, states=states, spikes=spikes)


@cases.over(method=["euler", "rk4"])
def values_that_grow_without_bound(method):
    group = NeuronGroup(3, "dv/dt = (v*v + i)/ms : 1", threshold="v > 1e100", method=method)
    group.v = 0.5
    states = StateMonitor(group, "v", record=True)
    with np.errstate(all="ignore"):
        run(4 * ms)
    return observe(states=states)


@cases
def division_by_zero():
    group = NeuronGroup(3, "dv/dt = (1/(v - 1) + 0/v)/ms : 1", method="euler")
    group.v = [0, 1, 2]
    states = StateMonitor(group, "v", record=True)
    with np.errstate(all="ignore"):
        run(1 * ms)
    return observe(states=states)


def warnings_of(device: str, value: float) -> list[str]:
    networks.choose(device)
    BrianLogger._log_messages.clear()  # the warning is given once
    group = NeuronGroup(
        2, "dv/dt = -v/ms : 1\ndw/dt = -w/ms : 1\nx : 1", method="euler", name="odd"
    )
    group.v[0] = value
    group.x = value
    with catch_logs() as logs, np.errstate(all="ignore"):
        run(1 * ms)
    return [text for _, name, text in logs if name.endswith("invalid_values")]


@pytest.mark.parametrize("value", BAD.values(), ids=list(BAD))
def test_brians_warning(device, value):
    expected = warnings_of("runtime", value)
    assert len(expected) == 1 and "odd's variable 'v'" in expected[0]
    assert warnings_of(device, value) == expected


def something() -> NeuronGroup:
    return NeuronGroup(
        3, "dv/dt = (1.5 - v)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )


@cases
def no_synapses():
    """Made with a condition that is never true: pathways, sums and monitors have nothing to do."""
    group = something()
    synapses = Synapses(
        group,
        group,
        "w : 1\ndx/dt = -x/ms : 1 (clock-driven)\ndy/dt = -y/ms : 1 (event-driven)",
        on_pre="v_post += w\nx += 1\ny += 1",
        on_post="w += y",
        method="euler",
    )
    synapses.connect(condition="i > 100")
    synapses.pre.delay = 0.4 * ms
    states = StateMonitor(synapses, ["w", "x"], record=True)
    run(3 * ms)
    assert len(synapses) == 0
    return observe(group=group, synapses=synapses, states=states)


@cases
def no_synapses_then_some():
    group = something()
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += 0.1 + w", delay=0.2 * ms)
    synapses.connect(p=0)
    run(2 * ms)
    synapses.connect(i=[0, 1], j=[2, 2])
    run(2 * ms)
    return observe(group=group, synapses=synapses)


@cases
def sums_of_no_synapses():
    group = NeuronGroup(3, "s : 1")
    group.s = 3
    synapses = Synapses(group, group, "s_post = 1 : 1 (summed)")
    synapses.connect(p=0)
    run(0.2 * ms)
    return observe(group=group)


@cases
def zero_duration():
    group = something()
    states, spikes = StateMonitor(group, "v", record=True), SpikeMonitor(group)
    for duration in (0, 1, 0, 0, 1):
        run(duration * ms)
    return observe(group=group, states=states, spikes=spikes)


@cases
def less_than_a_step():
    group = something()
    states = StateMonitor(group, "v", record=True)
    for _ in range(5):
        run(0.03 * ms)
    return observe(group=group, states=states)


@cases
def nobody_spikes():
    group = NeuronGroup(4, "v : 1", threshold="v > 1", reset="v = 0")
    target = something()
    synapses = Synapses(group[1:3], target, on_pre="v_post += 1")
    synapses.connect()
    spikes, part = SpikeMonitor(group), SpikeMonitor(group[2:3])
    rate = PopulationRateMonitor(group[1:2])
    run(2 * ms)
    return observe(target=target, spikes=spikes, part=part, rate=rate)


@cases
def generators_and_inputs_without_events():
    generator = SpikeGeneratorGroup(2, [], [] * ms)
    poisson = PoissonGroup(3, 0 * Hz)
    target = something()
    inputs = PoissonInput(target, "v", N=5, rate=0 * Hz, weight=1)
    synapses = [Synapses(source, target, on_pre="v_post += 1") for source in (generator, poisson)]
    for one in synapses:
        one.connect()
    spikes = SpikeMonitor(generator), SpikeMonitor(poisson)
    network = Network(generator, poisson, target, inputs, synapses, spikes)
    network.run(2 * ms)
    generator.set_spikes([1], [2.5] * ms)
    network.run(1 * ms)
    generator.set_spikes([], [] * ms)
    network.run(1 * ms)
    return observe(network=network, target=target, first=spikes[0], second=spikes[1])


@cases
def monitors_of_nothing():
    group = something()
    states = StateMonitor(group, "v", record=[])
    spikes = SpikeMonitor(group, record=False)
    run(1 * ms)
    return observe(t=states.t_[:], v=states.v_[:], count=spikes.count[:])


@cases
def nothing_active():
    group = something()
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    for obj in network.sorted_objects:
        obj.active = False
    network.run(1 * ms)
    return observe(network=network, group=group, states=states)


@cases
def a_network_of_nothing():
    network = Network()
    network.run(1 * ms)
    return observe(network=network)


@cases
def a_group_without_equations():
    group = NeuronGroup(1, "")
    network = Network(group)
    network.run(1 * ms)
    return observe(network=network)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
