"""Several synapses a pair, synapses onto synapses, and groups that are source and target."""

import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

INDICES = [0, 1, 0, 1, 1, 0]
TIMES = [0.1, 0.2, 0.4, 0.4, 0.7, 0.9] * ms


@cases
def several_synapses_between_two_neurons():
    """Told apart by their number, in values, delays and effects."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1\nu : 1")
    synapses = Synapses(
        source, target, "w : 1", on_pre="v_post += w\nu_post += k", multisynaptic_index="k"
    )
    synapses.connect(n=3)
    synapses.connect(i=0, j=1, n=2)
    synapses.w = "1 + 10*k + i"
    synapses.w["k == 1"] = 0.25
    synapses.w[0, 1, 3] = 7
    synapses.delay = "0.2*ms*k"
    states = StateMonitor(target, ["v", "u"], record=True)
    run(2 * ms)
    return observe(
        target=target,
        synapses=synapses,
        states=states,
        k=synapses.k[:],
        one=synapses.w[0, 1, 4],
        some=synapses.w[:, 1, 0],
    )


@cases
def several_synapses_without_a_name_for_their_number():
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="v_post += w\nw *= 0.9")
    synapses.connect(i=[0, 0, 0, 1], j=[1, 1, 0, 1])
    synapses.connect(i=0, j=1)
    synapses.w = [1, 2, 3, 4, 5]
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def synapses_onto_synapses():
    """One pathway sets the weights another one uses, in the same step and with a delay."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(3, "v : 1", threshold="t_in_timesteps % 4 == i")
    plastic = Synapses(source, target, "w : 1\ncalls : integer", on_pre="v_post += w")
    plastic.connect()
    plastic.w = 1
    teacher = SpikeGeneratorGroup(1, [0, 0], [0.2, 0.7] * ms)
    at_once = Synapses(teacher, plastic, "gain : 1", on_pre="w_post += gain\ncalls_post += 1")
    at_once.connect(j="k for k in range(N_post) if k % 2 == 0")
    at_once.gain = "1 + 0.5*j"
    later = Synapses(teacher, plastic, on_pre="w_post *= 0.5", delay=0.3 * ms)
    later.connect(i=0, j=[1, 4])
    states = StateMonitor(plastic, "w", record=True)
    run(1.5 * ms)
    return observe(target=target, plastic=plastic, at_once=at_once, states=states)


@cases
def summed_variable_of_synapses_onto_synapses():
    """A synapse's conductance is a sum over its neighbours; what they use is read at both ends."""
    cells = NeuronGroup(3, "dv/dt = (i - v)/ms : 1", method="euler")
    synapses = Synapses(
        cells,
        cells,
        "dg/dt = (v_pre - g + total)/ms : 1 (clock-driven)\ntotal : 1",
        method="euler",
    )
    synapses.connect(condition="i != j")
    coupling = Synapses(synapses, synapses, "total_post = 0.1*g_pre : 1 (summed)")
    coupling.connect(condition="i < j")
    run(1 * ms)
    return observe(cells=cells, synapses=synapses)


@cases
def synapses_as_a_source_of_values():
    """Synapses from synapses to neurons, driven by the neurons' events."""
    source = SpikeGeneratorGroup(2, INDICES, TIMES)
    target = NeuronGroup(2, "v : 1", threshold="t_in_timesteps % 3 == i")
    first = Synapses(source, target, "w : 1", on_pre="w += 1 + j")
    first.connect()
    reader = NeuronGroup(2, "got : 1", threshold="t_in_timesteps % 4 == i")
    read = Synapses(first, reader, on_post="got_post += w_pre")
    read.connect(condition="i % 2 == j")
    run(1.5 * ms)
    return observe(first=first, reader=reader)


@cases
def recurrent_network_with_parts():
    """Excitation and inhibition within one group, as in most published models."""
    group = NeuronGroup(
        10,
        """dv/dt = (ge + gi - v + 1.3 + 0.02*i)/(2*ms) : 1 (unless refractory)
           dge/dt = -ge/(1*ms) : 1
           dgi/dt = -gi/(2*ms) : 1""",
        threshold="v > 1",
        reset="v = 0",
        refractory=0.5 * ms,
        method="euler",
    )
    group.v = "0.09*i"
    excitatory, inhibitory = group[:7], group[7:]
    excite = Synapses(excitatory, group, on_pre="ge += 0.05", name="excite")
    excite.connect(condition="i != j and (i + 2*j) % 3 == 0")
    inhibit = Synapses(inhibitory, group, on_pre="gi -= 0.2", name="inhibit")
    inhibit.connect(condition="(i + j) % 2 == 0")
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, ["v", "ge", "gi"], record=[0, 9])
    run(10 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def effect_before_the_reset():
    """Synapses act after the threshold and before the reset: what they add to a neuron that has
    just fired is lost, and the target fires a step later at the earliest."""
    group = NeuronGroup(3, "v : 1\nw : 1", threshold="v > 1", reset="v = 0")
    group.v = [2, 0.5, 0]
    chain = Synapses(group, group, on_pre="v_post += 0.7\nw_post += v_post")
    chain.connect(i=[0, 1, 0, 1], j=[1, 2, 0, 1])
    spikes = SpikeMonitor(group, "v")
    states = StateMonitor(group, ["v", "w"], record=True, when="end")
    run(0.6 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def synapses_from_a_generator_to_another_network_of_groups():
    """A chain of groups, each the target of the one before, in one step of the schedule."""
    source = SpikeGeneratorGroup(1, [0], [0.2] * ms)
    groups = [
        NeuronGroup(2, "v : 1", threshold="v > 0.5", reset="v = 0", name=f"layer_{k}")
        for k in range(4)
    ]
    network = Network(source, groups)
    before = source
    for k, group in enumerate(groups):
        synapses = Synapses(before, group, on_pre="v_post += 1", name=f"to_{k}")
        synapses.connect()
        network.add(synapses)
        before = group
    spikes = [SpikeMonitor(group, name=f"spikes_{k}") for k, group in enumerate(groups)]
    network.add(spikes)
    network.run(1 * ms)
    return observe(network=network, **{f"layer_{k}": s for k, s in enumerate(spikes)})


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
