"""Rates instead of spikes, oscillators, reservoirs, and a network that classifies."""

from __future__ import annotations

import numpy as np
from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    mV,
    ms,
)

from benchmarks.kinds.drawing import numbers, pairs, trains
from benchmarks.kinds.registry import Namespace, kind


@kind("rate reservoir, 1,000 units, 10⁵ weights, a sum in each step", 0.06, {"n": 50}, 0.02)
def rate_reservoir(n: int = 1000) -> Namespace:
    """Make a chaotic rate network (H. Sompolinsky et al. 1988), which reservoir computing reads."""
    random = numbers()
    signal = TimedArray(np.sin(np.arange(1000) / 20), dt=1 * ms)
    units = NeuronGroup(
        n,
        """dx/dt = (recurrent + gain*signal(t) - x)/(10*ms) : 1
           r = tanh(x) : 1
           gain : 1 (constant)
           recurrent : 1""",
        method="exponential_euler",
    )
    units.x, units.gain = random.standard_normal((2, n))
    synapses = Synapses(
        units,
        units,
        """w : 1 (constant)
           recurrent_post = w*r_pre : 1 (summed)""",
    )
    synapses.connect(**pairs(random, n, n, 0.1))
    synapses.w = 1.5 * random.standard_normal(len(synapses)) / np.sqrt(0.1 * n)
    trace = StateMonitor(units, "x", record=range(min(n, 20)), dt=1 * ms)
    return locals()


@kind("Wilson-Cowan, 500 regions with both populations, noise", 1.0, {"n": 20}, 0.02, random=True)
def wilson_cowan(n: int = 500) -> Namespace:
    """Make a whole-brain model: two populations in each region, connected as tracts are."""
    random = numbers()
    regions = NeuronGroup(
        n,
        """dE/dt = (-E + S_E)/(8*ms) + 0.05*xi_E*sqrt(1/(8*ms)) : 1
           dI/dt = (-I + S_I)/(12*ms) + 0.05*xi_I*sqrt(1/(12*ms)) : 1
           S_E = 1/(1 + exp(-1.2*(16*E - 12*I + 1.25 + far - 2.8))) : 1
           S_I = 1/(1 + exp(-(15*E - 3*I - 4))) : 1
           far : 1""",
        method="euler",
    )
    regions.E = random.random(n)
    tracts = Synapses(regions, regions, "w : 1 (constant)\nfar_post = w*E_pre : 1 (summed)")
    tracts.connect(**pairs(random, n, n, 0.2, loops=False))
    tracts.w = random.lognormal(0, 1, len(tracts)) * 1.5 / (0.2 * n)
    trace = StateMonitor(regions, "E", record=True, dt=1 * ms)
    return locals()


@kind("Kuramoto, 400 oscillators, all to all", 0.03, {"n": 20})
def kuramoto(n: int = 400) -> Namespace:
    """Make oscillators that pull each other: the sine of a difference for each pair and step."""
    random = numbers()
    oscillators = NeuronGroup(
        n,
        """dtheta/dt = omega + pull : 1
           omega : Hz (constant)
           pull : Hz""",
        method="euler",
    )
    oscillators.theta = 2 * np.pi * random.random(n)
    oscillators.omega = (50 + 10 * random.standard_normal(n)) * Hz
    synapses = Synapses(
        oscillators, oscillators, f"pull_post = 40*Hz/{n}*sin(theta_pre - theta_post) : Hz (summed)"
    )
    synapses.connect()
    trace = StateMonitor(oscillators, "theta", record=True, dt=1 * ms)
    return locals()


@kind("liquid state machine, 1,000 neurons, short-term plasticity", 4.0, {"n": 100}, 0.05)
def liquid(n: int = 1000, duration: float = 4.0) -> Namespace:
    """Make W. Maass, T. Natschläger and H. Markram's (2002) liquid, wired by distance."""
    random = numbers()
    places = np.stack(np.unravel_index(np.arange(n), (10, 10, -(-n // 100))))
    distance = ((places[:, :, None] - places[:, None, :]) ** 2).sum(axis=0)
    i, j = np.nonzero((random.random((n, n)) < 0.6 * np.exp(-distance / 6)) & (distance > 0))
    inhibitory = random.random(n) < 0.2
    neurons = NeuronGroup(
        n,
        """dv/dt = (13.5*mV + I - v)/(30*ms) : volt (unless refractory)
           dI/dt = -I/tau_I : volt
           tau_I : second (constant)
           pause : second (constant)""",
        threshold="v > 15*mV",
        reset="v = 13.5*mV",
        refractory="pause",
        method="exact",
    )
    neurons.v = (13.5 + 1.5 * random.random(n)) * mV
    neurons.tau_I = np.where(inhibitory, 6, 3) * ms
    neurons.pause = np.where(inhibitory, 2, 3) * ms
    synapses = Synapses(
        neurons,
        neurons,
        """dx/dt = (1 - x)/D : 1 (event-driven)
           du/dt = -u/F : 1 (event-driven)
           U : 1 (constant)
           D : second (constant)
           F : second (constant)
           A : volt (constant)""",
        on_pre="""u += U*(1 - u)
                  I_post += A*u*x
                  x -= u*x""",
    )
    synapses.connect(i=i, j=j)
    count, from_inhibitory = len(i), inhibitory[i]
    synapses.x, synapses.U = 1, np.clip(0.3 + 0.15 * random.standard_normal(count), 0.05, 0.9)
    synapses.D = np.clip(0.8 + 0.3 * random.standard_normal(count), 0.05, 2) * 1000 * ms
    synapses.F = np.clip(0.3 + 0.2 * random.standard_normal(count), 0.02, 2) * 1000 * ms
    synapses.A = np.where(from_inhibitory, -19, 30) * random.gamma(1, 1, count) * 0.07 * mV
    synapses.delay = np.where(from_inhibitory, 0.8, 1.5) * ms
    indices, times = trains(random, 20, 30, duration)
    inputs = SpikeGeneratorGroup(20, indices, times * ms)
    entry = Synapses(inputs, neurons, on_pre="I_post += 8*mV")
    entry.connect(**pairs(random, 20, n, 0.3))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind(
    "classifier: 784, 800, 800 and 10 neurons, layers fully connected",
    0.8,
    {"hidden": 20},
    0.02,
    True,
)
def classifier(hidden: int = 800) -> Namespace:
    """Make a converted deep network that reads an image from Poisson spikes: 1.3·10⁶ synapses."""
    random = numbers()
    image = random.random(784) * (random.random(784) < 0.25)
    sizes = [784, hidden, hidden, 10]
    inputs = PoissonGroup(784, rates=image * 200 * Hz)
    layers = [inputs]
    connections = []
    for n in sizes[1:]:
        layer = NeuronGroup(
            n,
            "dv/dt = -v/(20*ms) : 1",
            threshold="v > 1",
            reset="v = 0",
            method="exact",
        )
        source = layers[-1]
        synapses = Synapses(source, layer, "w : 1 (constant)", on_pre="v_post += w")
        synapses.connect()
        weights = 0.3 + random.standard_normal(len(source) * n)
        synapses.w = weights * 1.2 / np.sqrt(len(source))
        layers.append(layer)
        connections.append(synapses)
    spikes = [SpikeMonitor(layer) for layer in layers[1:]]
    return locals()
