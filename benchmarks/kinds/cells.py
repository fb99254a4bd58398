"""Neurons in detail: channels, cables, trees, stochastic equations."""

from __future__ import annotations

from brian2 import (
    Cylinder,
    NeuronGroup,
    Soma,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    cm,
    mV,
    ms,
    msiemens,
    nA,
    ohm,
    uF,
    uA,
    um,
)

from benchmarks.kinds.drawing import numbers, pairs, trains
from benchmarks.kinds.registry import Namespace, kind

#: The gates of A.L. Hodgkin and A.F. Huxley (1952), rest at 0 mV.
HODGKIN_HUXLEY = """
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    alpha_m = 1/exprel((25*mV - v)/(10*mV))/ms : Hz
    beta_m = 4*exp(-v/(18*mV))/ms : Hz
    alpha_h = 0.07*exp(-v/(20*mV))/ms : Hz
    beta_h = 1/(exp((30*mV - v)/(10*mV)) + 1)/ms : Hz
    alpha_n = 0.1/exprel((10*mV - v)/(10*mV))/ms : Hz
    beta_n = 0.125*exp(-v/(80*mV))/ms : Hz
"""
CURRENTS = "gNa*m**3*h*(115*mV - v) + gK*n**4*(-12*mV - v) + gL*(10.6*mV - v)"


@kind("squid axon, 3,000 compartments", 0.04, {"n": 50})
def cable(n: int = 3000) -> Namespace:
    """Make the axon of Hodgkin and Huxley, 10 cm long, with a current at its end."""
    gNa, gK, gL = 120 * msiemens / cm**2, 36 * msiemens / cm**2, 0.3 * msiemens / cm**2
    axon = SpatialNeuron(
        Cylinder(length=10 * cm, diameter=2 * 238 * um, n=n),
        f"Im = {CURRENTS} : amp/meter**2\nI : amp (point current)" + HODGKIN_HUXLEY,
        method="exponential_euler",
        Cm=1 * uF / cm**2,
        Ri=35.4 * ohm * cm,
        dt=0.02 * ms,
    )
    axon.v, axon.h, axon.m, axon.n = 0 * mV, 0.6, 0.05, 0.32
    axon.I[0] = 1000 * nA * 3
    trace = StateMonitor(axon, "v", record=[0, n // 2, n - 1])
    return locals()


@kind("dendritic tree, 127 branches, 2,541 compartments, 500 synapses", 0.08, {"depth": 3}, 0.01)
def tree(depth: int = 7, duration: float = 0.12) -> Namespace:
    """Make a soma with a binary tree, active at the soma, with synapses all over it."""
    random = numbers()
    morphology = Soma(diameter=30 * um)

    def grow(parent: object, level: int, thick: float) -> None:
        for side in "LR"[: 1 if level == 0 else 2]:
            branch = Cylinder(length=100 * um, diameter=thick * um, n=20)
            setattr(parent, side, branch)
            if level + 1 < depth:
                grow(getattr(parent, side), level + 1, 0.75 * thick)

    grow(morphology, 0, 4.0)
    neuron = SpatialNeuron(
        morphology,
        """Im = gL*(10.6*mV - v) + gNa*m**3*h*(115*mV - v) + gK*n**4*(-12*mV - v) : amp/meter**2
           Is = g*(65*mV - v) : amp (point current)
           dg/dt = -g/(3*ms) : siemens
           gNa : siemens/meter**2 (constant)
           gK : siemens/meter**2 (constant)
           gL : siemens/meter**2 (constant)"""
        + HODGKIN_HUXLEY,
        threshold="v > 40*mV",
        threshold_location=0,
        refractory="v > 40*mV",
        method="exponential_euler",
        Cm=1 * uF / cm**2,
        Ri=150 * ohm * cm,
        dt=0.025 * ms,
    )
    neuron.v, neuron.h, neuron.m, neuron.n = 0 * mV, 0.6, 0.05, 0.32
    neuron.gL, neuron.gNa, neuron.gK = (g * msiemens / cm**2 for g in (0.3, 12, 4))
    neuron.main.gNa, neuron.main.gK = 240 * msiemens / cm**2, 72 * msiemens / cm**2
    indices, times = trains(random, 500, 50, duration, 0.025)
    afferents = SpikeGeneratorGroup(500, indices, times * ms, dt=0.025 * ms)
    synapses = Synapses(afferents, neuron, on_pre="g += 1e-9*siemens")
    synapses.connect(i=range(500), j=random.integers(len(neuron), size=500))
    trace = StateMonitor(neuron, "v", record=[0, len(neuron) - 1], dt=0.1 * ms)
    return locals()


@kind("f-I curve of Hodgkin-Huxley neurons, Runge-Kutta, 1,000 neurons", 0.08, {"n": 20})
def runge_kutta(n: int = 1000) -> Namespace:
    """Make uncoupled neurons with a current each, integrated by `rk4`."""
    gNa, gK, gL = 120 * msiemens / cm**2, 36 * msiemens / cm**2, 0.3 * msiemens / cm**2
    neurons = NeuronGroup(
        n,
        f"dv/dt = ({CURRENTS} + I)/(1*uF/cm**2) : volt\nI : amp/meter**2 (constant)"
        + HODGKIN_HUXLEY,
        threshold="v > 40*mV",
        refractory="v > 40*mV",
        method="rk4",
        dt=0.02 * ms,
    )
    neurons.h, neurons.m, neurons.n = 0.6, 0.05, 0.32
    neurons.I = f"30*uA/cm**2*i/{n}"
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("six currents (Pospischil 2008), 2,000 neurons", 0.12, {"n": 100}, 0.02)
def six_currents(n: int = 2000) -> Namespace:
    """Make cortical neurons with M, T and L currents besides those of spikes, weakly coupled."""
    random = numbers()
    neurons = NeuronGroup(
        n,
        """dv/dt = (0.1*msiemens/cm**2*(-70*mV - v) + 56*msiemens/cm**2*m**3*h*(50*mV - v)
                    + (6*msiemens/cm**2*k**4 + g_M*p)*(-90*mV - v)
                    + (0.4*msiemens/cm**2*s**2*u + 0.1*msiemens/cm**2*q**2*r)*(120*mV - v)
                    + g*(0*mV - v) + I)/(1*uF/cm**2) : volt
           dm/dt = a_m*(1 - m) - b_m*m : 1
           dh/dt = a_h*(1 - h) - b_h*h : 1
           dk/dt = a_k*(1 - k) - b_k*k : 1
           a_m = 1.28/exprel(-(v + 43*mV)/(4*mV))/ms : Hz
           b_m = 1.4/exprel((v + 16*mV)/(5*mV))/ms : Hz
           a_h = 0.128*exp(-(v + 39*mV)/(18*mV))/ms : Hz
           b_h = 4/(1 + exp(-(v + 16*mV)/(5*mV)))/ms : Hz
           a_k = 0.16/exprel(-(v + 41*mV)/(5*mV))/ms : Hz
           b_k = 0.5*exp(-(v + 46*mV)/(40*mV))/ms : Hz
           dp/dt = (1/(1 + exp(-(v + 35*mV)/(10*mV))) - p)/tau_p : 1
           tau_p = 600*ms/(3.3*exp((v + 35*mV)/(20*mV)) + exp(-(v + 35*mV)/(20*mV))) : second
           s = 1/(1 + exp(-(v + 57*mV)/(6.2*mV))) : 1
           du/dt = (1/(1 + exp((v + 81*mV)/(4*mV))) - u)/tau_u : 1
           tau_u = 30.8*ms + 211*ms/(1 + exp(-(v + 83*mV)/(5*mV)))*0.3 : second
           dq/dt = 0.055*3.8/exprel(-(v + 27*mV)/(3.8*mV))/ms*(1 - q)
                   - 0.94*exp(-(v + 75*mV)/(17*mV))/ms*q : 1
           dr/dt = 0.000457*exp(-(v + 13*mV)/(50*mV))/ms*(1 - r)
                   - 0.0065/(1 + exp(-(v + 15*mV)/(28*mV)))/ms*r : 1
           dg/dt = -g/(5*ms) : siemens/meter**2
           g_M : siemens/meter**2 (constant)
           I : amp/meter**2 (constant)""",
        threshold="v > 0*mV",
        refractory="v > 0*mV",
        method="exponential_euler",
        dt=0.05 * ms,
    )
    neurons.v, neurons.h, neurons.u = (-70 + 10 * random.random(n)) * mV, 1, 0.5
    neurons.g_M = 0.2 * random.random(n) * msiemens / cm**2
    neurons.I = 3 * random.random(n) * uA / cm**2
    synapses = Synapses(neurons, neurons, on_pre="g += 0.0005*msiemens/cm**2", delay=1 * ms)
    synapses.connect(**pairs(random, n, n, min(1.0, 50 / n)))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind(
    "Morris-Lecar, Runge-Kutta of second order, diffusively coupled in a ring", 1.0, {"n": 50}, 0.01
)
def morris_lecar(n: int = 1000) -> Namespace:
    """Make a ring of Morris-Lecar neurons coupled to both neighbours: a summed sum of two."""
    random = numbers()
    neurons = NeuronGroup(
        n,
        """dv/dt = (90 - 2*(v + 60) - 4.4*m*(v - 120) - 8*w*(v + 84) + 20*near)/(20*ms) : 1
           dw/dt = 0.04*(0.5*(1 + tanh((v - 2)/30)) - w)*cosh((v - 2)/60)/ms : 1
           m = 0.5*(1 + tanh((v + 1.2)/18)) : 1
           near : 1""",
        threshold="v > 10",
        refractory="v > 10",
        method="rk2",
    )
    neurons.v = -60 + 60 * random.random(n)
    ring = Synapses(neurons, neurons, "near_post = 0.1*(v_pre - v_post) : 1 (summed)")
    ring.connect(i=list(range(n)) * 2, j=[*range(1, n), 0, n - 1, *range(n - 1)])
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("multiplicative noise, Milstein, 10,000 elements", 0.4, {"n": 100}, random=True)
def milstein(n: int = 10_000) -> Namespace:
    """Make geometric Brownian motion with a restoring force: a number drawn each."""
    walkers = NeuronGroup(
        n,
        "dx/dt = (1 - x)*x/(50*ms) + 0.3*x*xi/sqrt(20*ms) : 1",
        method="milstein",
    )
    walkers.x = 1
    trace = StateMonitor(walkers, "x", record=range(10), dt=1 * ms)
    return locals()


@kind("one neuron with adaptation, for a long time", 40.0, {"n": 1}, 0.05)
def single(n: int = 1) -> Namespace:
    """Make one neuron with all of it recorded: what a time step costs with nothing in it."""
    current = TimedArray([2.5, 0.5, 1.5, 2.0], dt=50 * ms)
    neurons = NeuronGroup(
        n,
        """dv/dt = (current(t) - v - a)/(10*ms) : 1
           da/dt = -a/(100*ms) : 1
           dtheta/dt = (1 - theta)/(15*ms) : 1""",
        threshold="v > theta",
        reset="v = 0; theta += 0.5; a += 0.02",
        method="euler",
    )
    neurons.theta = 1
    trace, spikes = StateMonitor(neurons, ["v", "theta"], record=True), SpikeMonitor(neurons)
    return locals()
