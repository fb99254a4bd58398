"""Where spikes and currents come from: Poisson numbers, groups, generators, tables."""

from __future__ import annotations

import numpy as np
from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    Synapses,
    TimedArray,
    mV,
    ms,
)

from benchmarks.kinds.drawing import numbers, trains
from benchmarks.kinds.registry import Namespace, kind


def _targets(n: int, drive: str = "0*mV") -> NeuronGroup:
    """Leaky neurons with a current that decays."""
    group = NeuronGroup(
        n,
        f"""dv/dt = (-70*mV - v + I + {drive})/(20*ms) : volt (unless refractory)
            dI/dt = -I/(4*ms) : volt
            gain : 1 (constant)""",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        refractory=2 * ms,
        method="exact" if drive == "0*mV" else "euler",
    )
    group.v = (-65 + 14 * numbers().random(n)) * mV
    group.gain = 1
    return group


@kind(
    "a Poisson train for each neuron: rand() < rate*dt, 10,000 neurons", 0.7, {"n": 100}, 0.02, True
)
def poisson_threshold(n: int = 10_000) -> Namespace:
    """Make a group whose threshold draws, as many write it, connected one to one, in a network."""
    neurons = _targets(n)
    sources = NeuronGroup(n, "rate : Hz (constant)", threshold="rand() < rate*dt")
    sources.rate = "500*Hz*(1 + rand())"
    relay = Synapses(sources, neurons, on_pre="I_post += 6*mV")
    relay.connect(j="i")
    recurrent = Synapses(neurons, neurons, on_pre="I_post -= 1*mV", delay=1.5 * ms)
    recurrent.connect(p=min(1.0, 50 / n))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind(
    "a Poisson number for each neuron and step, rates that change, 5,000 neurons",
    0.5,
    {"n": 100},
    0.02,
    True,
)
def poisson_numbers(n: int = 5000) -> Namespace:
    """Make neurons that get `poisson(rate*dt)` spikes, the rate being the neuron's and of time."""
    neurons = _targets(n)
    wave = TimedArray(4 + 2 * np.sin(np.arange(200) / 10), dt=5 * ms)
    neurons.gain = "0.5 + rand()"
    neurons.run_regularly("I += 1*mV*poisson(gain*wave(t)*0.2)", when="start")
    recurrent = Synapses(neurons, neurons, on_pre="I_post -= 1*mV", delay=1.5 * ms)
    recurrent.connect(p=min(1.0, 50 / n))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("PoissonGroup, 10,000 trains to 1,000 neurons, 10⁶ synapses", 1.0, {"n": 50}, 0.02, True)
def poisson_group(n: int = 1000) -> Namespace:
    """Make a layer that listens to many trains of low rate through fixed weights."""
    inputs = PoissonGroup(10 * n, rates=8 * Hz)
    neurons = _targets(n)
    synapses = Synapses(inputs, neurons, "w : volt (constant)", on_pre="I_post += w")
    synapses.connect(p=0.1)
    synapses.w = f"1.4*mV*rand()*1000/{n}"
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("TimedArray: a current for each of 2,000 neurons and each millisecond", 4.0, {"n": 50}, 0.02)
def timed_array(n: int = 2000) -> Namespace:
    """Make neurons that read a table of currents, as a fit to recorded data does."""
    random = numbers()
    table = TimedArray(22 + 12 * random.standard_normal((1000, n)), dt=1 * ms)
    common = TimedArray(random.standard_normal(10_000), dt=0.1 * ms)
    neurons = _targets(n, "gain*(table(t, i) + 2*common(t))*mV")
    neurons.gain = 0.8 + 0.4 * random.random(n)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("SpikeGeneratorGroup: 2·10⁶ recorded spikes a second to 1,000 neurons", 5.0, {"n": 50}, 0.02)
def spike_generator(n: int = 1000, duration: float = 1.0) -> Namespace:
    """Make a layer that hears recorded spikes: 20,000 trains of 100 Hz at full size."""
    random = numbers()
    n_sources = 20 * n
    indices, times = trains(random, n_sources, 100, duration)
    inputs = SpikeGeneratorGroup(n_sources, indices, times * ms)
    neurons = _targets(n)
    synapses = Synapses(inputs, neurons, on_pre="I_post += 3*mV")
    synapses.connect(i=range(n_sources), j=random.integers(n, size=n_sources))
    spikes = SpikeMonitor(neurons)
    return locals()
