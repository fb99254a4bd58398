"""Many groups, many parts of groups, many clocks."""

from __future__ import annotations

import numpy as np
from brian2 import (
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    mV,
    ms,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Namespace, kind


def _group(random: np.random.Generator, n: int) -> NeuronGroup:
    group = NeuronGroup(
        n,
        """dv/dt = (-65*mV - v + g*(5*mV - v) + drive)/(15*ms) : volt (unless refractory)
           dg/dt = -g/(4*ms) : 1
           drive : volt (constant)""",
        threshold="v > -52*mV",
        reset="v = -65*mV",
        refractory=2 * ms,
        method="euler",
    )
    group.v = (-65 + 10 * random.random(n)) * mV
    group.drive = (8 + 10 * random.random(n)) * mV
    return group


@kind("12 groups of 40 neurons in a chain, 24 synapse groups", 10.0, {"groups": 3}, 0.03)
def small_groups(groups: int = 12) -> Namespace:
    """Make many objects with little to do in each, as models of nuclei and layers have."""
    random = numbers()
    populations = [_group(random, 40) for _ in range(groups)]
    projections = []
    for k, source in enumerate(populations):
        for step, sign in ((1, 0.02), (2, -0.01)):
            projection = Synapses(
                source, populations[(k + step) % groups], on_pre=f"g_post += {sign}", delay=1 * ms
            )
            projection.connect(**pairs(random, 40, 40, 0.3))
            projections.append(projection)
    spikes = [SpikeMonitor(source) for source in populations]
    return locals()


@kind("one group of 4,000, cut in 6 parts, 36 projections", 2.5, {"n": 180}, 0.03)
def subgroups(n: int = 4000) -> Namespace:
    """Make a group whose slices are connected, each pair by a `Synapses` of its own."""
    random = numbers()
    neurons = _group(random, n)
    size = n // 6
    parts = [neurons[k * size : (k + 1) * size] for k in range(6)]
    projections = []
    for i, source in enumerate(parts):
        for target in parts:
            w, delay = (0.004, 1.5) if i % 4 else (-0.01, 0.8)
            projection = Synapses(source, target, on_pre=f"g_post += {w}", delay=delay * ms)
            projection.connect(**pairs(random, size, size, min(1.0, 13 / size)))
            projections.append(projection)
    spikes = [SpikeMonitor(part) for part in parts]
    return locals()


@kind(
    "synfire chains (Diesmann 1999): 100 layers of 100, noise",
    0.5,
    {"layers": 5},
    0.03,
    random=True,
)
def synfire(layers: int = 100) -> Namespace:
    """Make layers that pass a volley on: subgroups, alpha currents, noise on every neuron."""
    size = 100
    neurons = NeuronGroup(
        layers * size,
        """dv/dt = (-70*mV - v + x)/(10*ms) : volt (unless refractory)
           dx/dt = (-x + y)/(0.325*ms) : volt
           dy/dt = -y/(0.325*ms) + 25.27*mV/ms + 39.24*mV*xi/ms**0.5 : volt""",
        threshold="v > -55*mV",
        reset="v = -70*mV",
        refractory=1 * ms,
        method="euler",
    )
    neurons.v = "-70*mV + 14*mV*rand()"
    volley = SpikeGeneratorGroup(85, np.arange(85), np.linspace(5, 8, 85) * ms)
    entry = Synapses(volley, neurons[:size], on_pre="y += 4.86*mV")
    entry.connect()
    links = Synapses(neurons, neurons, on_pre="y += 4.86*mV", delay=5 * ms)
    links.connect(
        j=f"k for k in range((int(i/{size}) + 1)*{size}, (int(i/{size}) + 2)*{size}) if k < N_post"
    )
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("three clocks: 0.05, 0.1 and 1 ms, 6,000 neurons", 3.0, {"n": 60}, 0.03)
def clocks(n: int = 6000) -> Namespace:
    """Make fast neurons, slow neurons and a field that changes slowly, coupled."""
    random = numbers()
    third = n // 3
    fast = NeuronGroup(
        third,
        """dv/dt = (1.4 - v + c)/(8*ms) : 1
           dc/dt = -c/(3*ms) : 1""",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        dt=0.05 * ms,
    )
    usual = _group(random, third)
    field = NeuronGroup(
        third, "da/dt = (level - a)/(50*ms) : 1\nlevel : 1", method="exact", dt=1 * ms
    )
    fast.v, field.level = random.random(third), random.random(third)
    up = Synapses(fast, usual, on_pre="g_post += 0.01", delay=1 * ms)
    up.connect(**pairs(random, third, third, min(1.0, 20 / third)))
    down = Synapses(usual, fast, on_pre="c_post -= 0.01", delay=2 * ms)
    down.connect(**pairs(random, third, third, min(1.0, 20 / third)))
    slow = Synapses(usual, field, on_pre="level_post = clip(level_post + 0.001, 0, 1)")
    slow.connect(j="i")
    trace = StateMonitor(field, "a", record=range(10), dt=5 * ms)
    spikes = [SpikeMonitor(fast), SpikeMonitor(usual)]
    return locals()
