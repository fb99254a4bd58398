"""Excitation and inhibition in balance: integrate-and-fire neurons, one text for each model."""

from __future__ import annotations

from brian2 import (
    Hz,
    NeuronGroup,
    PoissonInput,
    SpikeMonitor,
    Synapses,
    TimedArray,
    mV,
    ms,
    nS,
    pA,
    pF,
    second,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Namespace, kind


@kind("COBA, 4,000 neurons", 2.0, {"n": 200}, 0.02)
def coba(n: int = 4000) -> Namespace:
    """Make benchmark 1 of R. Brette et al. (2007), after T.P. Vogels and L.F. Abbott (2005)."""
    random = numbers()
    n_excitatory = int(0.8 * n)
    p = min(1.0, 80 / n)
    tau_m, tau_e, tau_i = 20 * ms, 5 * ms, 10 * ms
    E_leak, E_e, E_i = -60 * mV, 0 * mV, -80 * mV
    V_threshold, V_reset = -50 * mV, -60 * mV
    w_e, w_i = 0.6, 6.7
    neurons = NeuronGroup(
        n,
        """dv/dt = (E_leak - v + ge*(E_e - v) + gi*(E_i - v))/tau_m : volt (unless refractory)
           dge/dt = -ge/tau_e : 1
           dgi/dt = -gi/tau_i : 1""",
        threshold="v > V_threshold",
        reset="v = V_reset",
        refractory=5 * ms,
        method="exponential_euler",
    )
    neurons.v = (-65 + 5 * random.standard_normal(n)) * mV
    neurons.ge = 4 + 1.5 * random.standard_normal(n)
    neurons.gi = 20 + 12 * random.standard_normal(n)
    excitatory = Synapses(neurons[:n_excitatory], neurons, on_pre="ge += w_e")
    excitatory.connect(**pairs(random, n_excitatory, n, p))
    inhibitory = Synapses(neurons[n_excitatory:], neurons, on_pre="gi += w_i")
    inhibitory.connect(**pairs(random, n - n_excitatory, n, p))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("Brunel 2000 with PoissonInput, 5,000 neurons", 0.6, {"n": 200}, 0.02, random=True)
def brunel_poisson_input(n: int = 5000) -> Namespace:
    """Make model A of N. Brunel, J. Comput. Neurosci. 8 (2000): delta synapses, delay 1.5 ms."""
    n_excitatory = int(0.8 * n)
    n_inputs = n_excitatory // 10
    tau, theta, V_reset, J, g = 20 * ms, 20 * mV, 10 * mV, 0.1 * mV * 1000 / n_inputs, 5
    rate = 2 * theta / (J * n_inputs * tau)
    neurons = NeuronGroup(
        n,
        "dv/dt = -v/tau : volt (unless refractory)",
        threshold="v > theta",
        reset="v = V_reset",
        refractory=2 * ms,
        method="exact",
    )
    neurons.v = "rand()*theta"
    drive = PoissonInput(neurons, "v", n_inputs, rate, J)
    excitatory = Synapses(neurons[:n_excitatory], neurons, on_pre="v += J", delay=1.5 * ms)
    inhibitory = Synapses(neurons[n_excitatory:], neurons, on_pre="v -= g*J", delay=1.5 * ms)
    excitatory.connect(p=0.1)
    inhibitory.connect(p=0.1)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("noise of two time scales (xi), 5,000 neurons", 1.0, {"n": 200}, 0.02, random=True)
def noisy(n: int = 5000) -> Namespace:
    """Make neurons with white noise of their own and coloured noise in common with nobody."""
    tau, tau_s = 20 * ms, 5 * ms
    sigma, sigma_s = 2 * mV, 3 * mV
    neurons = NeuronGroup(
        n,
        """dv/dt = (mu + s - v)/tau + sigma*sqrt(2/tau)*xi_v : volt (unless refractory)
           ds/dt = -s/tau_s + sigma_s*sqrt(2/tau_s)*xi_s : volt
           mu : volt (constant)""",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="euler",
    )
    neurons.mu = "17*mV + 2*mV*rand()"
    neurons.v = "10*mV + 10*mV*rand()"
    inhibitory = Synapses(neurons, neurons, on_pre="v -= 0.1*mV", delay=1 * ms)
    inhibitory.connect(p=min(1.0, 200 / n))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("AdEx, 4,000 neurons", 1.5, {"n": 200}, 0.04)
def adex(n: int = 4000) -> Namespace:
    """Make adaptive exponential neurons, conductances, a step of current (A. Destexhe 2009)."""
    random = numbers()
    n_excitatory = int(0.8 * n)
    p = min(1.0, 80 / n)
    C, gL, EL, VT, DeltaT = 200 * pF, 10 * nS, -60 * mV, -50 * mV, 2.5 * mV
    tau_w, tau_e, tau_i, E_e, E_i = 600 * ms, 5 * ms, 5 * ms, 0 * mV, -80 * mV
    w_e, w_i = 6 * nS, 67 * nS
    neurons = NeuronGroup(
        n,
        """dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) - w + ge*(E_e - v)
                    + gi*(E_i - v) + drive)/C : volt (unless refractory)
           dw/dt = (a*(v - EL) - w)/tau_w : amp
           dge/dt = -ge/tau_e : siemens
           dgi/dt = -gi/tau_i : siemens
           a : siemens (constant)
           b : amp (constant)
           drive : amp (constant)""",
        threshold="v > -40*mV",
        reset="v = -60*mV; w += b",
        refractory=2.5 * ms,
        method="euler",
    )
    neurons.v = (-60 + 8 * random.random(n)) * mV
    neurons.a = 1 * nS
    neurons.b[:n_excitatory] = 5 * pA
    neurons.drive = (150 + 150 * random.random(n)) * pA
    excitatory = Synapses(neurons[:n_excitatory], neurons, on_pre="ge += w_e", delay=1.5 * ms)
    excitatory.connect(**pairs(random, n_excitatory, n, p))
    inhibitory = Synapses(neurons[n_excitatory:], neurons, on_pre="gi += w_i", delay=1.5 * ms)
    inhibitory.connect(**pairs(random, n - n_excitatory, n, p))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("Izhikevich 2003, 1,000 neurons, all to all", 20.0, {"n": 100}, 0.02, random=True)
def izhikevich(n: int = 1000) -> Namespace:
    """Make the network of E.M. Izhikevich, IEEE Trans. Neural Netw. 14 (2003): noise, 10⁶ synapses.

    A neuron's current is made anew every millisecond, as in the program of that paper.
    """
    n_excitatory = int(0.8 * n)
    neurons = NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
           du/dt = a*(b*v - u)/ms : 1
           I : 1
           noise : 1 (constant)
           a : 1 (constant)
           b : 1 (constant)
           c : 1 (constant)
           d : 1 (constant)
           r : 1 (constant)""",
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler",
        dt=0.5 * ms,
    )
    neurons.r = "rand()"
    first, rest = neurons[:n_excitatory], neurons[n_excitatory:]
    first.a, first.b, first.c, first.d, first.noise = 0.02, 0.2, "-65 + 15*r**2", "8 - 6*r**2", 5
    rest.a, rest.b, rest.c, rest.d, rest.noise = "0.02 + 0.08*r", "0.25 - 0.05*r", -65, 2, 2
    neurons.v = -65
    neurons.u = "b*v"
    neurons.run_regularly("I = noise*randn()", dt=1 * ms, when="start")
    synapses = Synapses(neurons, neurons, "w : 1 (constant)", on_pre="I += w")
    synapses.connect()
    synapses.w = f"-rand()*1000/{n}"
    synapses.w[f"i < {n_excitatory}"] = f"0.5*rand()*1000/{n}"
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("refractory periods of every neuron's own, 20,000 neurons", 1.0, {"n": 200}, 0.02)
def refractoriness(n: int = 20_000) -> Namespace:
    """Make leaky neurons whose refractory period, threshold and drive are their own."""
    random = numbers()
    drive = TimedArray([18, 24, 20, 30] * mV, dt=25 * ms)
    neurons = NeuronGroup(
        n,
        """dv/dt = (gain*drive(t) - v)/(20*ms) : volt (unless refractory)
           dtheta/dt = (15*mV - theta)/(50*ms) : volt
           gain : 1 (constant)
           pause : second (constant)""",
        threshold="v > theta",
        reset="v = 0*mV; theta += 2*mV",
        refractory="pause",
        method="exponential_euler",
    )
    neurons.gain = 0.8 + 0.6 * random.random(n)
    neurons.pause = (1 + 9 * random.random(n)) * ms
    neurons.v = 15 * random.random(n) * mV
    neurons.theta = 15 * mV
    synapses = Synapses(neurons, neurons, on_pre="v -= 0.2*mV", delay=1 * ms)
    synapses.connect(**pairs(random, n, n, min(1.0, 30 / n)))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("a fly's connectome, 20,000 neurons, 10⁶ synapses", 1.5, {"n": 300, "mean": 30}, 0.02, True)
def connectome(n: int = 20_000, mean: int = 50) -> Namespace:
    """Make leaky neurons wired like a brain of *Drosophila*, few of which are made to spike.

    As in P.K. Shiu et al., Nature 634 (2024): every neuron the same, strength by the number of
    contacts, one sign for a neuron, 21 sensory neurons driven by a `PoissonInput` each. Degrees and
    numbers of contacts have heavy tails.
    """
    random = numbers()
    tau_m, tau_g, V_rest, V_threshold = 20 * ms, 5 * ms, -52 * mV, -45 * mV
    w_contact = 0.275 * mV
    neurons = NeuronGroup(
        n,
        """dv/dt = (V_rest - v + g)/tau_m : volt (unless refractory)
           dg/dt = -g/tau_g : volt (unless refractory)
           pause : second (constant)""",
        threshold="v > V_threshold",
        reset="v = V_rest; g = 0*mV",
        refractory="pause",
        method="linear",
    )
    neurons.v = V_rest
    neurons.pause = 2.2 * ms

    def shares() -> object:
        weights = random.pareto(1.5, n) + 0.3
        return weights / weights.sum()

    total = n * mean
    i = random.choice(n, total, p=shares()).astype("int32")
    j = random.choice(n, total, p=shares()).astype("int32")
    contacts = 5 + random.geometric(0.15, total) + (20 * random.pareto(3, total)).astype(int)
    signs = 1 - 2 * (random.random(n) < 0.35)
    order = i.argsort(kind="stable")
    synapses = Synapses(neurons, neurons, "w : volt", on_pre="g += w", delay=1.8 * ms)
    synapses.connect(i=i[order], j=j[order])
    synapses.w = (contacts * signs[i])[order] * w_contact / mV * mV
    sensory = random.choice(n, 21, replace=False)
    inputs = [
        PoissonInput(neurons[int(k) : int(k) + 1], "v", 1, 150 * Hz, 250 * w_contact)
        for k in sensory
    ]
    for k in sensory:
        neurons.pause[int(k)] = 0 * second
    spikes = SpikeMonitor(neurons)
    return locals()
