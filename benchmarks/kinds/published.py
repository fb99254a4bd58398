"""Programs that were published with a paper and that many people run."""

from __future__ import annotations

import numpy as np
from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    Synapses,
    TimedArray,
    mV,
    ms,
    nA,
    nF,
    nS,
    pA,
    pF,
    second,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Namespace, kind


@kind(
    "Diehl and Cook 2015: digits, 784 inputs, 2 times 400 neurons",
    8.0,
    {"n": 20},
    0.02,
    random=True,
)
def diehl_cook(n: int = 400) -> Namespace:
    """Make P.U. Diehl and M. Cook's (2015) unsupervised learning, shown patterns like digits."""
    random = numbers()
    patterns = np.zeros((20, 784))
    patterns[::2] = 64 * random.random((10, 784)) * (random.random((10, 784)) < 0.2)
    picture = TimedArray(patterns * Hz, dt=250 * ms)
    inputs = PoissonGroup(784, rates="picture(t, i)")
    w_max, eta_pre, eta_post = 1.0, 1e-4, 1e-2
    conductances = """
        dge/dt = -ge/(1*ms) : 1
        dgi/dt = -gi/(2*ms) : 1
    """
    excitatory = NeuronGroup(
        n,
        conductances
        + """
        dv/dt = (-65*mV - v - ge*v + gi*(-100*mV - v))/(100*ms) : volt (unless refractory)
        dtheta/dt = -theta/(1e4*second) : volt
        """,
        threshold="v > theta - 72*mV",
        reset="v = -65*mV; theta += 0.05*mV",
        refractory=5 * ms,
        method="euler",
    )
    inhibitory = NeuronGroup(
        n,
        conductances
        + "dv/dt = (-60*mV - v - ge*v + gi*(-85*mV - v))/(10*ms) : volt (unless refractory)",
        threshold="v > -40*mV",
        reset="v = -45*mV",
        refractory=2 * ms,
        method="euler",
    )
    excitatory.v, excitatory.theta, inhibitory.v = -105 * mV, 20 * mV, -100 * mV
    feedforward = Synapses(
        inputs,
        excitatory,
        """w : 1
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy1/dt = -y1/(20*ms) : 1 (event-driven)
           dy2/dt = -y2/(40*ms) : 1 (event-driven)""",
        on_pre="""ge_post += w
                  x = 1
                  w = clip(w - eta_pre*y1, 0, w_max)""",
        on_post="""w = clip(w + eta_post*x*y2, 0, w_max)
                   y1 = 1
                   y2 = 1""",
    )
    feedforward.connect()
    # how many there are, cpp_standalone only knows after the run
    feedforward.w = 0.3 * random.random(784 * n)
    feedforward.pre.delay = 10 * random.random(784 * n) * ms
    forth = Synapses(excitatory, inhibitory, on_pre="ge += 10.4")
    forth.connect(j="i")
    back = Synapses(inhibitory, excitatory, on_pre="gi += 17")
    back.connect(condition="i != j")
    spikes, input_spikes = SpikeMonitor(excitatory), SpikeMonitor(inputs)
    return locals()


@kind("Wang 2002: decisions, NMDA summed over 10⁶ synapses", 0.12, {"n": 100}, 0.06, random=True)
def wang(n: int = 1000) -> Namespace:
    """Make X.-J. Wang's (2002) decision network: gating of a neuron, summed with weights."""
    n_excitatory = int(0.8 * n)
    n_selective = int(0.15 * n_excitatory)
    scale = 1600 / n_excitatory
    neurons_of = """
        dv/dt = (-gL*(v + 70*mV) - I)/C : volt (unless refractory)
        I = (g_ext*s_ext + g_ampa*s_ampa)*v + g_gaba*s_gaba*(v + 70*mV) + I_nmda : amp
        I_nmda = g_nmda*v*s_nmda/(1 + exp(-0.062*v/mV)/3.57) : amp
        ds_ext/dt = -s_ext/(2*ms) : 1
        ds_ampa/dt = -s_ampa/(2*ms) : 1
        ds_gaba/dt = -s_gaba/(5*ms) : 1
        s_nmda : 1
        gL : siemens (constant, shared)
        C : farad (constant, shared)
        g_ext : siemens (constant, shared)
        g_ampa : siemens (constant, shared)
        g_nmda : siemens (constant, shared)
        g_gaba : siemens (constant, shared)
    """
    gating = """
        ds/dt = -s/(100*ms) + 0.5*x*(1 - s)/ms : 1
        dx/dt = -x/(2*ms) : 1
    """
    excitatory = NeuronGroup(
        n_excitatory,
        neurons_of + gating,
        threshold="v > -50*mV",
        reset="v = -55*mV; x += 1",
        refractory=2 * ms,
        method="euler",
    )
    inhibitory = NeuronGroup(
        n - n_excitatory,
        neurons_of,
        threshold="v > -50*mV",
        reset="v = -55*mV",
        refractory=1 * ms,
        method="euler",
    )
    excitatory.gL, excitatory.C, excitatory.g_ext = 25 * nS, 0.5 * nF, 2.1 * nS
    excitatory.g_ampa, excitatory.g_nmda = 0.05 * nS * scale, 0.165 * nS * scale
    excitatory.g_gaba = 1.3 * nS * scale
    inhibitory.gL, inhibitory.C, inhibitory.g_ext = 20 * nS, 0.2 * nF, 1.62 * nS
    inhibitory.g_ampa, inhibitory.g_nmda = 0.04 * nS * scale, 0.13 * nS * scale
    inhibitory.g_gaba = 1.0 * nS * scale
    excitatory.v = inhibitory.v = "-70*mV + 18*mV*rand()"

    stimulus = TimedArray([0, 40, 40, 40, 0] * Hz, dt=30 * ms)
    selective = excitatory[:n_selective]
    sources, relays = [], []
    for target, rate in (
        (excitatory, "2400*Hz"),
        (inhibitory, "2400*Hz"),
        (selective, "stimulus(t)*1.2"),
    ):
        source = PoissonGroup(len(target), rates=rate)
        relay = Synapses(source, target, on_pre="s_ext += 1")
        relay.connect(j="i")
        sources.append(source)
        relays.append(relay)

    weights = np.ones((n_excitatory, n_excitatory))
    weights[:n_selective, :n_selective] = 1.7
    weights[n_selective : 2 * n_selective, n_selective : 2 * n_selective] = 1.7
    weights[:n_selective, n_selective : 2 * n_selective] = 0.87
    weights[n_selective : 2 * n_selective, :n_selective] = 0.87
    within = Synapses(
        excitatory,
        excitatory,
        """w : 1 (constant)
           s_nmda_post = w*s_pre : 1 (summed)""",
        on_pre="s_ampa += w",
        delay=0.5 * ms,
    )
    within.connect()
    within.w = weights.ravel()
    across = Synapses(
        excitatory,
        inhibitory,
        "s_nmda_post = s_pre : 1 (summed)",
        on_pre="s_ampa += 1",
        delay=0.5 * ms,
    )
    across.connect()
    inhibition = [
        Synapses(inhibitory, target, on_pre="s_gaba += 1", delay=0.5 * ms)
        for target in (excitatory, inhibitory)
    ]
    for synapses in inhibition:
        synapses.connect()
    spikes = SpikeMonitor(excitatory)
    rates = [PopulationRateMonitor(excitatory), PopulationRateMonitor(inhibitory)]
    return locals()


@kind("Vogels 2011: inhibitory plasticity, 10,000 neurons, 2·10⁶ synapses", 0.2, {"n": 200}, 0.02)
def vogels(n: int = 10_000) -> Namespace:
    """Make T.P. Vogels et al.'s (2011) balanced network whose inhibition learns."""
    random = numbers()
    n_excitatory = int(0.8 * n)
    p = min(1.0, 200 / n)
    eta, alpha, w_max, tau_stdp = 0.005, 0.2, 100, 20 * ms
    gL, C = 10 * nS, 200 * pF
    neurons = NeuronGroup(
        n,
        """dv/dt = (-gL*(v + 60*mV) - g_ampa*v - g_gaba*(v + 80*mV)
                    + 200*pA)/C : volt (unless refractory)
           dg_ampa/dt = -g_ampa/(5*ms) : siemens
           dg_gaba/dt = -g_gaba/(10*ms) : siemens""",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        refractory=5 * ms,
        method="euler",
    )
    neurons.v = (-60 + 10 * random.random(n)) * mV
    excitatory, inhibitory = neurons[:n_excitatory], neurons[n_excitatory:]
    from_excitatory = Synapses(excitatory, neurons, on_pre="g_ampa += 0.3*nS")
    from_excitatory.connect(**pairs(random, n_excitatory, n, p))
    among_inhibitory = Synapses(inhibitory, inhibitory, on_pre="g_gaba += 3*nS")
    among_inhibitory.connect(**pairs(random, n - n_excitatory, n - n_excitatory, p))
    learning = Synapses(
        inhibitory,
        excitatory,
        """w : 1
           dx/dt = -x/tau_stdp : 1 (event-driven)
           dy/dt = -y/tau_stdp : 1 (event-driven)""",
        on_pre="""x += 1
                  w = clip(w + (y - alpha)*eta, 0, w_max)
                  g_gaba += w*nS""",
        on_post="""y += 1
                   w = clip(w + x*eta, 0, w_max)""",
    )
    learning.connect(**pairs(random, n - n_excitatory, n_excitatory, p))
    learning.w = 1e-10
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("Clopath 2010: voltage-based plasticity, 10⁵ synapses", 0.4, {"n": 10}, 0.03, random=True)
def clopath(n: int = 100) -> Namespace:
    """Make C. Clopath et al.'s (2010) rule: potentiation goes on in every time step.

    Inputs are a moving bump of activity, so that neurons get receptive fields.
    """
    n_inputs = 10 * n
    kick = 25 * pA * 1000 / n_inputs
    A_minus, A_plus, w_max = 1.4e-4 / mV, 8e-5 / (mV**2 * ms), 3.0
    inputs = PoissonGroup(
        n_inputs, rates=f"60*Hz*exp(-((i/{n_inputs} - 0.5 + 0.4*sin(20*Hz*t))/0.1)**2)"
    )
    neurons = NeuronGroup(
        n,
        """dv/dt = (30*nS*(-70.6*mV - v) + 60*nS*mV*exp((v + 50.4*mV)/(2*mV))
                    + z - w_ad + I)/(281*pF) : volt
           dw_ad/dt = (4*nS*(v + 70.6*mV) - w_ad)/(144*ms) : amp
           dz/dt = -z/(40*ms) : amp
           dI/dt = -I/(4*ms) : amp
           du_minus/dt = (v - u_minus)/(10*ms) : volt
           du_plus/dt = (v - u_plus)/(7*ms) : volt
           dmean/dt = ((v + 70.6*mV)*int(v > -70.6*mV) - mean)/second : volt""",
        threshold="v > -40*mV",
        reset="v = -60*mV; z = 400*pA; w_ad += 80*pA",
        method="euler",
    )
    neurons.v = neurons.u_minus = neurons.u_plus = -70.6 * mV
    neurons.mean = 3 * mV
    synapses = Synapses(
        inputs,
        neurons,
        """dw/dt = A_plus*x*clip(v_post/mV + 45.3, 0, 100)*mV*clip(u_plus_post/mV + 70.6, 0, 100)*mV
                   *int(w < w_max) : 1 (clock-driven)
           dx/dt = -x/(15*ms) : 1 (clock-driven)""",
        on_pre="""I_post += kick*w
                  w = w - A_minus*clip(u_minus_post/mV + 70.6, 0, 100)*mV*(mean_post/(3*mV))**2
                  w = clip(w, 0, w_max)
                  x += 1""",
        method="euler",
    )
    synapses.connect()
    synapses.w = "0.5 + rand()"
    neurons.run_regularly("mean = clip(mean, 0*mV, 20*mV)", dt=10 * ms)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("Izhikevich 2006: polychronous groups, delays 1-20 ms", 20.0, {"n": 100}, 0.05, random=True)
def polychronous(n: int = 1000) -> Namespace:
    """Make E.M. Izhikevich's (2006) network: 100 synapses each, delays in milliseconds, STDP."""
    n_excitatory = int(0.8 * n)
    degree = min(100, n // 10)
    neurons = NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
           du/dt = a*(0.2*v - u)/ms : 1
           I : 1
           a : 1 (constant)
           d : 1 (constant)""",
        threshold="v >= 30",
        reset="v = -65; u += d",
        method="euler",
        dt=0.5 * ms,
    )
    neurons.a[:n_excitatory], neurons.d[:n_excitatory] = 0.02, 8
    neurons.a[n_excitatory:], neurons.d[n_excitatory:] = 0.1, 2
    neurons.v, neurons.u = -65, -13
    neurons.run_regularly(f"I = 20*int(rand() < 1.0/{n})", dt=1 * ms, when="start")
    excitatory = Synapses(
        neurons[:n_excitatory],
        neurons,
        """s : 1
           change : 1
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="""I_post += s
                  x += 0.1
                  change += y""",
        on_post="""y -= 0.12
                   change += x""",
    )
    excitatory.connect(p=degree / n)
    excitatory.s = 6 * 100 / degree
    excitatory.pre.delay = "(1 + int(20*rand()))*ms"
    excitatory.run_regularly(
        """s = clip(s + 0.01 + change, 0, 10)
           change = 0.9*change""",
        dt=1 * second,
    )
    inhibitory = Synapses(
        neurons[n_excitatory:], neurons[:n_excitatory], on_pre="I_post -= 5", delay=1 * ms
    )
    inhibitory.connect(p=min(1.0, degree / n_excitatory))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind(
    "Tsodyks, Uziel and Markram 2000: synchrony by depression", 0.4, {"n": 100}, 0.03, random=True
)
def tsodyks_uziel_markram(n: int = 1000) -> Namespace:
    """Make their network: three variables for each synapse, integrated in every time step."""
    random = numbers()
    n_excitatory = int(0.8 * n)
    scale = 500 / n
    neurons = NeuronGroup(
        n,
        """dv/dt = (-v + 100*mV/nA*(I + drive))/(30*ms) : volt (unless refractory)
           I : amp
           drive : amp (constant)
           pause : second (constant)""",
        threshold="v > 15*mV",
        reset="v = 13.5*mV",
        refractory="pause",
        method="euler",
    )
    neurons.pause = np.where(np.arange(n) < n_excitatory, 3, 2) * ms
    neurons.drive = (0.145 + 0.02 * random.random(n)) * nA
    neurons.v = 15 * random.random(n) * mV
    synapses = Synapses(
        neurons,
        neurons,
        """dx/dt = z/tau_rec : 1 (clock-driven)
           dy/dt = -y/(3*ms) : 1 (clock-driven)
           dz/dt = y/(3*ms) - z/tau_rec : 1 (clock-driven)
           du/dt = -u/tau_f : 1 (event-driven)
           tau_rec : second (constant)
           tau_f : second (constant)
           A : amp (constant)
           U : 1 (constant)
           I_post = A*y : amp (summed)""",
        on_pre="""u += U*(1 - u)
                  y += u*x
                  x -= u*x""",
        method="euler",
    )
    connected = pairs(random, n, n, 0.1)
    synapses.connect(**connected)
    from_excitatory = connected["i"] < n_excitatory
    synapses.x, synapses.U = 1, np.where(from_excitatory, 0.5, 0.04)
    synapses.tau_rec = np.where(from_excitatory, 800, 100) * ms
    synapses.tau_f = np.where(from_excitatory, 1, 1000) * ms
    synapses.A = np.where(from_excitatory, 1.8, -7.2) * scale * nA
    spikes = SpikeMonitor(neurons)
    return locals()
