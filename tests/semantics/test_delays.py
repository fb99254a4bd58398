"""Delays of every form, and spikes in flight when something changes."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    run,
    second,
    us,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()


def spiking(n: int = 3) -> NeuronGroup:
    """Neurons that fire at different times, each several times a millisecond."""
    return NeuronGroup(n, "v : 1", threshold="t_in_timesteps % (3 + i) == 1")


@cases.over(delay=[0, 0.04, 0.05, 0.06, 0.1, 0.15, 0.3, 0.7, 5])
def one_delay_for_all(delay):
    """Below half a step it is none; rounded to steps; longer than the run."""
    source = spiking()
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i", delay=delay * ms)
    synapses.connect()
    states = StateMonitor(target, "x", record=True, when="end")
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def one_delay_per_synapse():
    """None, fractions of a step, several steps, and longer than the run."""
    source = spiking()
    target = NeuronGroup(4, "x : 1\ny : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="x_post += w\ny_post += t/ms\nw += 1")
    synapses.connect()
    synapses.delay = [0, 0.04, 0.06, 0.1, 0.15, 0.25, 0.3, 0.35, 0.55, 1, 1.7, 100] * ms
    states = StateMonitor(target, ["x", "y"], record=True, when="end")
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def delay_by_an_expression():
    """An expression, a condition, a pair, a slice."""
    source = spiking()
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i")
    synapses.connect()
    synapses.delay = "0.1*ms + 0.2*ms*i*j"
    synapses.delay["i == j"] = "0.5*ms*i"
    synapses.delay[0, 2] = 0.7 * ms
    synapses.delay[1, :] = 0.3 * ms
    states = StateMonitor(target, "x", record=True)
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def one_delay_per_synapse_all_the_same():
    source = spiking()
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i")
    synapses.connect()
    synapses.delay = 0.4 * ms
    states = StateMonitor(target, "x", record=True)
    run(2 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases.over(first=[0, 0.3], second=[0, 0.5])
def delays_of_pre_and_post_pathways(first, second):
    """Each pathway keeps its own delay (Brian2GeNN 1.7 gave both the same)."""
    source, target = spiking(2), spiking(3)
    synapses = Synapses(
        source,
        target,
        "w : 1",
        on_pre="w = 2*w + 1",
        on_post="w = w/3 + 5",
        delay={"pre": first * ms, "post": second * ms},
    )
    synapses.connect()
    states = StateMonitor(synapses, "w", record=True)
    run(2 * ms)
    return observe(synapses=synapses, states=states)


@cases
def delays_per_synapse_of_several_pathways():
    """Fixed, varying and no delay on four pathways of one object."""
    source, target = spiking(2), spiking(3)
    synapses = Synapses(
        source,
        target,
        "w : 1\nu : 1",
        on_pre={"pre": "w += 1", "slow": "w = w*1.5"},
        on_post={"post": "u = w", "late": "w -= u/2"},
        delay={"pre": 0.2 * ms},
    )
    synapses.connect()
    synapses.slow.delay = "0.1*ms*(1 + i + 2*j)"
    synapses.post.delay = "0.1*ms*i"
    synapses.late.delay[0, 1] = 0.9 * ms
    states = StateMonitor(synapses, ["w", "u"], record=True)
    run(3 * ms)
    return observe(synapses=synapses, states=states)


@cases.over(varying=[False, True])
def spikes_in_flight_between_runs(varying):
    """A spike on its way when a run ends arrives in the next one or the one after."""
    source = SpikeGeneratorGroup(2, [0, 1, 0], [0.4, 0.45, 0.9] * ms)
    target = NeuronGroup(2, "x : 1")
    delay = {} if varying else {"delay": 0.8 * ms}
    synapses = Synapses(source, target, on_pre="x_post += 1 + i", **delay)
    synapses.connect()
    if varying:
        synapses.delay = "0.2*ms + 0.4*ms*(i + j)"
    states = StateMonitor(target, "x", record=True)
    run(0.5 * ms)
    run(0.3 * ms)
    run(0 * ms)
    run(1.2 * ms)
    return observe(target=target, states=states)


@cases
def delay_set_between_runs():
    """Spikes under way keep their delay, later ones have the new: shorter, longer, none."""
    source = spiking(2)
    target = NeuronGroup(2, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i", delay=0.5 * ms)
    synapses.connect()
    states = StateMonitor(target, "x", record=True)
    run(1 * ms)
    synapses.delay = 0.2 * ms
    run(1 * ms)
    synapses.delay = 1.1 * ms
    run(1 * ms)
    synapses.delay = 0 * ms
    run(1 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def delays_per_synapse_set_between_runs():
    source = spiking(2)
    target = NeuronGroup(2, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i")
    synapses.connect()
    states = StateMonitor(target, "x", record=True)
    synapses.delay = "0.3*ms*(i + j)"
    run(1 * ms)
    synapses.delay[0, 1] = 1.4 * ms
    run(1 * ms)
    synapses.delay = "0.1*ms*j"
    run(1 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases.over(new_dt=[0.05, 0.2])
def dt_changed_with_spikes_in_flight(new_dt):
    """What is under way and what comes later arrives as Brian's queue says."""
    source = SpikeGeneratorGroup(2, [0, 1, 0], [0.2, 0.8, 1.4] * ms)
    target = NeuronGroup(2, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i", delay=0.6 * ms)
    synapses.connect()
    varying = Synapses(source, target, on_pre="x_post += 100*(1 + i)")
    varying.connect()
    varying.delay = "0.2*ms*(1 + i + j)"
    states = StateMonitor(target, "x", record=True)
    run(1 * ms)
    defaultclock.dt = new_dt * ms
    run(2 * ms)
    return observe(target=target, states=states)


@cases
def synapses_added_with_spikes_in_flight():
    """New synapses do not see a spike that was sent before them."""
    source = SpikeGeneratorGroup(1, [0, 0], [0.3, 1.2] * ms)
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1", delay=0.5 * ms)
    synapses.connect(i=0, j=0)
    states = StateMonitor(target, "x", record=True)
    run(0.6 * ms)
    synapses.connect(i=0, j=[1, 2])
    run(1.4 * ms)
    return observe(target=target, synapses=synapses, states=states)


@cases
def effect_with_the_state_of_its_arrival():
    """A delayed effect reads both ends when it arrives, not when it was sent."""
    source = NeuronGroup(2, "dx/dt = 1/ms : 1", threshold="t_in_timesteps % 5 == i", method="euler")
    target = NeuronGroup(2, "dy/dt = -2/ms : 1\ngot : 1\nwhen : second", method="euler")
    synapses = Synapses(
        source, target, "w : 1", on_pre="got_post = x_pre*w + y_post\nwhen_post = t", delay=0.7 * ms
    )
    synapses.connect(j="i")
    synapses.w = [1, 10]
    states = StateMonitor(target, ["got", "when"], record=True)
    run(1.1 * ms)
    synapses.w = [3, -2]
    run(1.1 * ms)
    return observe(target=target, states=states)


@cases
def delay_with_clocks_of_different_dt():
    """Delays are counted in steps of the source's clock."""
    source = NeuronGroup(2, "v : 1", threshold="t_in_timesteps % 3 == i", dt=0.2 * ms)
    target = NeuronGroup(2, "x : 1", dt=0.05 * ms)
    back = NeuronGroup(2, "x : 1", threshold="t_in_timesteps % 7 == i", dt=0.05 * ms)
    forward = Synapses(source, target, on_pre="x_post += 1", delay=0.5 * ms)
    forward.connect()
    slow = Synapses(back, source, "w : 1", on_pre="w += 1", on_post="w *= 2", delay=0.15 * ms)
    slow.connect()
    states = StateMonitor(target, "x", record=True)
    weights = StateMonitor(slow, "w", record=True)
    run(2 * ms)
    return observe(target=target, slow=slow, states=states, weights=weights)


@cases
def long_and_very_different_delays():
    """From none to many hundreds of steps; more than a ring of any power of two."""
    source = SpikeGeneratorGroup(2, np.arange(10) % 2, np.arange(10) * 0.7 * ms)
    target = NeuronGroup(8, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1 + i")
    synapses.connect()
    synapses.delay = np.array([0, 1, 63, 64, 65, 127, 128, 129] * 2) * 0.1 * ms
    spikes = SpikeMonitor(source)
    run(15 * ms)
    first = np.array(target.x)
    run(6 * ms)
    return observe(target=target, spikes=spikes, first=first)


@cases
def subgroup_with_delays():
    """Only the subgroup's spikes are queued; the rest fires too."""
    source = spiking(6)
    target = NeuronGroup(3, "x : 1")
    fixed = Synapses(source[2:5], target, on_pre="x_post += 1 + i", delay=0.3 * ms)
    fixed.connect()
    varying = Synapses(source[1:3], target[1:], on_pre="x_post += 100*(1 + i)")
    varying.connect()
    varying.delay = "0.1*ms*(1 + 2*i + 3*j)"
    states = StateMonitor(target, "x", record=True)
    run(2 * ms)
    return observe(target=target, states=states)


@cases
def pathway_switched_off_with_spikes_in_flight():
    source = SpikeGeneratorGroup(1, [0, 0, 0], [0.3, 0.9, 1.6] * ms)
    target = NeuronGroup(2, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1", delay=0.4 * ms)
    synapses.connect()
    states = StateMonitor(target, "x", record=True)
    network = Network(source, target, synapses, states)
    network.run(0.5 * ms)
    synapses.active = False
    network.run(0.7 * ms)
    synapses.active = True
    network.run(1.3 * ms)
    return observe(network=network, target=target, states=states)


@cases
def delays_in_other_units():
    source = spiking(2)
    target = NeuronGroup(2, "x : 1")
    synapses = Synapses(source, target, on_pre="x_post += 1", delay=300 * us)
    other = Synapses(source, target, on_pre="x_post += 10", delay=0.0005 * second)
    synapses.connect()
    other.connect()
    run(1 * ms)
    return observe(target=target, synapses=synapses, other=other)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
