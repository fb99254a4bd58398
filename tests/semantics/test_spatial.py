"""Neurons with a morphology.

Brian solves the cable equation by superposition. With a soma, whose resistance is very small beside
the others, that costs digits: the runtime itself is 1e-9 away from the closed form of a single
compartment after ten steps, and 1e-7 in the capacitive current, which is a difference of voltages.
The device agrees with it to 1e-9 all the same: its solver does the same operations, with the same
rounding.
"""

import numpy as np
import pytest
from brian2 import (
    Cylinder,
    Morphology,
    NeuronGroup,
    Section,
    Soma,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    defaultclock,
    ms,
    mV,
    nA,
    nS,
    ohm,
    run,
    uF,
    um,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

PASSIVE = """
Im = gL*(EL - v) : amp/meter**2
I : amp (point current)
"""
MEMBRANE = {"gL": 1e-4 * (1 / ohm) / cm**2, "EL": -70 * mV}


def branched() -> Morphology:
    """A soma with a stem that forks in two, and another dendrite."""
    morphology = Soma(30 * um)
    morphology.stem = Cylinder(diameter=2 * um, length=60 * um, n=4)
    morphology.stem.left = Cylinder(diameter=1 * um, length=40 * um, n=3)
    morphology.stem.right = Section(diameter=[1.5, 1, 0.5, 0.5] * um, length=[10, 20, 10] * um, n=3)
    morphology.other = Cylinder(diameter=1 * um, length=30 * um, n=2)
    return morphology


@cases.over(method=["exponential_euler", "euler", "rk2", "exact"])
def passive_neuron_with_branches(method):
    neuron = SpatialNeuron(
        branched(), PASSIVE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, namespace=MEMBRANE, method=method
    )
    neuron.v = -70 * mV
    neuron.stem.left.I[2] = 0.2 * nA
    states = StateMonitor(neuron, ["v", "Im"], record=True)
    run(1 * ms)
    neuron.I = 0 * nA
    neuron.other.v = -60 * mV
    run(1 * ms)
    return observe(
        neuron=neuron,
        states=states,
        left=neuron.stem.left.v[:],
        distance=neuron.distance[:],
    )


@cases.over(lengths=[(5, 2), (1, 4, 3), (6, 6, 6, 6), (2, 9, 1, 5, 7), (3, 3, 8, 4, 1, 1, 2, 5)])
def sections_of_other_lengths(lengths):
    """Two of them, four and more, which are computed beside each other."""
    morphology = Cylinder(diameter=2 * um, length=10 * um * lengths[0], n=lengths[0])
    for k, length in enumerate(lengths[1:]):
        parent = morphology if k < 3 else morphology["d0"]
        branch = Cylinder(diameter=(1 + 0.3 * k) * um, length=10 * um * length, n=length)
        parent[f"d{k}"] = branch
    neuron = SpatialNeuron(
        morphology, PASSIVE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, namespace=MEMBRANE
    )
    neuron.v = "-70*mV + i*mV"
    neuron.I[len(neuron) - 1] = 0.2 * nA
    run(1 * ms)
    return observe(neuron=neuron)


HODGKIN_HUXLEY = """
Im = gl*(El - v) + gNa*m**3*h*(ENa - v) + gK*n**4*(EK - v) : amp/meter**2
I : amp (point current)
dm/dt = alpham*(1 - m) - betam*m : 1
dn/dt = alphan*(1 - n) - betan*n : 1
dh/dt = alphah*(1 - h) - betah*h : 1
alpham = (0.1/mV)*10*mV/exprel((-v + 25*mV)/(10*mV))/ms : Hz
betam = 4*exp(-v/(18*mV))/ms : Hz
alphah = 0.07*exp(-v/(20*mV))/ms : Hz
betah = 1/(exp((-v + 30*mV)/(10*mV)) + 1)/ms : Hz
alphan = (0.01/mV)*10*mV/exprel((-v + 10*mV)/(10*mV))/ms : Hz
betan = 0.125*exp(-v/(80*mV))/ms : Hz
gNa : siemens/meter**2
"""
CHANNELS = {
    "El": 10.613 * mV,
    "ENa": 115 * mV,
    "EK": -12 * mV,
    "gl": 0.3e-3 * (1 / ohm) / cm**2,
    "gK": 36e-3 * (1 / ohm) / cm**2,
}


@cases.over(method=["exponential_euler", "rk2"])
def hodgkin_huxley_axon(method):
    """An action potential on its way down a cable, with a threshold at one place."""
    defaultclock.dt = 0.02 * ms
    neuron = SpatialNeuron(
        Cylinder(length=0.3 * cm, diameter=200 * um, n=12),
        HODGKIN_HUXLEY,
        method=method,
        refractory="m > 0.4",
        threshold="m > 0.5",
        Cm=1 * uF / cm**2,
        Ri=35.4 * ohm * cm,
        namespace=CHANNELS,
    )
    neuron.v = 0 * mV
    neuron.h = 1
    neuron.m = 0
    neuron.n = 0.5
    neuron.gNa = 120e-3 * (1 / ohm) / cm**2
    neuron.gNa[9:] = 0
    neuron.I[0] = 3000 * nA
    spikes = SpikeMonitor(neuron)
    states = StateMonitor(neuron, ["v", "m"], record=[0, 5, 11])
    run(1 * ms)
    neuron.I = 0 * nA
    run(1 * ms)
    return observe(neuron=neuron, spikes=spikes, states=states)


@cases
def threshold_at_one_compartment():
    """The threshold looks at one compartment only; the reset is written there."""
    neuron = SpatialNeuron(
        branched(),
        PASSIVE + "n : integer",
        Cm=1 * uF / cm**2,
        Ri=100 * ohm * cm,
        namespace=MEMBRANE,
        threshold_location=3,
        threshold="v > -55*mV",
        reset="n += 1",
        refractory=0.5 * ms,
        method="exponential_euler",
    )
    neuron.v = -56 * mV
    neuron.I[3] = 1 * nA
    spikes = SpikeMonitor(neuron)
    run(2 * ms)
    return observe(neuron=neuron, spikes=spikes)


@cases
def synapses_onto_compartments():
    """Conductances that synapses raise at chosen places of a dendrite."""
    neuron = SpatialNeuron(
        branched(),
        """Im = gL*(EL - v) : amp/meter**2
           Is = g*(0*mV - v) : amp (point current)
           dg/dt = -g/(2*ms) : siemens""",
        Cm=1 * uF / cm**2,
        Ri=100 * ohm * cm,
        namespace=MEMBRANE,
        method="exponential_euler",
    )
    neuron.v = -70 * mV
    inputs = SpikeGeneratorGroup(2, [0, 1, 0], [0.2, 0.5, 1] * ms)
    to_left = Synapses(inputs, neuron.stem.left, on_pre="g += 2*nS")
    to_left.connect(i=[0, 1], j=[2, 0])
    to_all = Synapses(inputs, neuron, "w : siemens", on_pre="g_post += w")
    to_all.connect(condition="i == 1 and j % 2 == 0")
    to_all.w = "j*0.1*nS"
    states = StateMonitor(neuron, ["v", "g"], record=[0, 5, 7])
    run(2 * ms)
    return observe(neuron=neuron, states=states, to_all=to_all, unit=float(nS))


@cases
def several_neurons_beside_point_neurons():
    """Two morphologies and a group that one of them drives."""
    first = SpatialNeuron(
        Soma(20 * um), PASSIVE, Cm=1 * uF / cm**2, namespace=MEMBRANE, method="exponential_euler"
    )
    second = SpatialNeuron(
        Cylinder(diameter=1 * um, length=100 * um, n=5),
        PASSIVE,
        Cm=0.8 * uF / cm**2,
        Ri=150 * ohm * cm,
        namespace=MEMBRANE,
        method="exponential_euler",
    )
    first.v = -50 * mV
    second.v = np.linspace(-70, -40, 5) * mV
    point = NeuronGroup(1, "dx/dt = level/ms : volt\nlevel : volt", method="euler")
    gap = Synapses(second, point, "level_post = v_pre : volt (summed)", name="read_from_second")
    gap.connect(i=4, j=0)
    states = StateMonitor(point, "x", record=True)
    run(1 * ms)
    return observe(first=first, second=second, point=point, states=states)


@cases
def stimulus_in_time_and_place():
    """A two-dimensional timed array as the current into each compartment."""
    stimulus = TimedArray(np.arange(15).reshape(3, 5) * 0.01 * nA, dt=0.3 * ms)
    neuron = SpatialNeuron(
        Cylinder(diameter=1 * um, length=100 * um, n=5),
        """Im = gL*(EL - v) : amp/meter**2
           I = stimulus(t, i) : amp (point current)""",
        Cm=1 * uF / cm**2,
        Ri=150 * ohm * cm,
        namespace={**MEMBRANE, "stimulus": stimulus},
        method="exponential_euler",
    )
    neuron.v = -70 * mV
    run(1.2 * ms)
    return observe(neuron=neuron)


@cases
def dt_changed_between_runs():
    """The coefficients of the cable depend on dt."""
    neuron = SpatialNeuron(
        branched(), PASSIVE, Cm=1 * uF / cm**2, Ri=100 * ohm * cm, namespace=MEMBRANE
    )
    neuron.v = "-70*mV + i*mV"
    run(0.5 * ms)
    defaultclock.dt = 0.025 * ms
    run(0.5 * ms)
    neuron.Cm = 2 * uF / cm**2
    run(0.5 * ms)
    return observe(neuron=neuron)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
