"""What happens at a synapse: electrical, slow, short-lived, unreliable, watched by astrocytes."""

from __future__ import annotations

from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    Synapses,
    mV,
    mmolar,
    ms,
    nS,
    pA,
    pF,
    second,
    umolar,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Namespace, kind


def _cells(n: int, low: float = 12, high: float = 26) -> NeuronGroup:
    """Leaky neurons with a conductance, and a drive between these numbers of millivolts."""
    random = numbers()
    group = NeuronGroup(
        n,
        """dv/dt = (-70*mV - v + g*(0*mV - v) + drive)/(20*ms) : volt (unless refractory)
           dg/dt = -g/(5*ms) : 1
           drive : volt (constant)""",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        refractory=2 * ms,
        method="euler",
    )
    group.v = (-65 + 14 * random.random(n)) * mV
    group.drive = (low + (high - low) * random.random(n)) * mV
    return group


@kind("Tsodyks-Markram synapses, 2,500 neurons", 1.0, {"n": 100}, 0.03)
def short_term(n: int = 2500) -> Namespace:
    """Make a recurrent network with facilitation and depression, integrated from spike to spike."""
    random = numbers()
    neurons = _cells(n, 15, 28)
    synapses = Synapses(
        neurons,
        neurons,
        """dR/dt = (1 - R)/tau_d : 1 (event-driven)
           du/dt = (U - u)/tau_f : 1 (event-driven)
           U : 1 (constant)
           tau_d : second (constant)
           tau_f : second (constant)
           w : 1 (constant)""",
        on_pre="""g_post += w*u*R
                  R -= u*R
                  u += U*(1 - u)""",
        delay=1 * ms,
    )
    synapses.connect(**pairs(random, n, n, 0.08))
    count = len(synapses)
    synapses.U = 0.1 + 0.4 * random.random(count)
    synapses.u, synapses.R = "U", 1
    synapses.tau_d = (100 + 600 * random.random(count)) * ms
    synapses.tau_f = (50 + 800 * random.random(count)) * ms
    synapses.w = 0.02 * random.random(count)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind(
    "unreliable release: rand() at each synapse, 2,000 neurons", 0.7, {"n": 100}, 0.03, random=True
)
def release(n: int = 2000) -> Namespace:
    """Make synapses that transmit a spike with a probability, and recover."""
    neurons = _cells(n, 15, 28)
    synapses = Synapses(
        neurons,
        neurons,
        """w : 1 (constant)
           p : 1 (constant)
           ready : 1
           last : second""",
        on_pre="""ready = 1 - exp(-(t - last)/(80*ms))
                  released = int(rand() < p*ready)
                  g_post += w*released
                  last = last*(1 - released) + t*released""",
    )
    synapses.connect(p=0.1)
    synapses.w, synapses.p, synapses.last = "0.008*rand()", "0.2 + 0.6*rand()", -1 * second
    synapses.delay = "(0.5 + 2*rand())*ms"
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("electrical synapses, 1,000 interneurons, 10⁵ gap junctions", 0.4, {"n": 50}, 0.02)
def gap_junctions(n: int = 1000) -> Namespace:
    """Make interneurons coupled by gap junctions, summed in every time step, and by inhibition."""
    random = numbers()
    neurons = NeuronGroup(
        n,
        """dv/dt = (-65*mV - v + gi*(-75*mV - v) + drive
                    + coupling)/(10*ms) : volt (unless refractory)
           dgi/dt = -gi/(4*ms) : 1
           drive : volt (constant)
           coupling : volt""",
        threshold="v > -50*mV",
        reset="v = -62*mV",
        refractory=1 * ms,
        method="euler",
    )
    neurons.v, neurons.drive = (
        (-65 + 14 * random.random(n)) * mV,
        (14 + 8 * random.random(n)) * mV,
    )
    junctions = Synapses(
        neurons,
        neurons,
        """w : 1 (constant)
           coupling_post = w*(v_pre - v_post) : volt (summed)""",
    )
    junctions.connect(**pairs(random, n, n, 0.1, loops=False))
    junctions.w = 0.01 * random.random(len(junctions))
    inhibition = Synapses(neurons, neurons, on_pre="gi += 0.01", delay=1 * ms)
    inhibition.connect(**pairs(random, n, n, 0.1, loops=False))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("NMDA by each synapse (Brunel and Wang 2001), 4·10⁴ synapses", 0.6, {"n": 50}, 0.03)
def clock_driven(n: int = 300) -> Namespace:
    """Make synapses with two variables each that are integrated in every time step, and summed."""
    random = numbers()
    neurons = NeuronGroup(
        n,
        """dv/dt = (25*nS*(-70*mV - v) - g_nmda*v/(1 + exp(-0.062*v/mV)/3.57)
                    + drive)/(500*pF) : volt (unless refractory)
           g_nmda : siemens
           drive : amp (constant)""",
        threshold="v > -50*mV",
        reset="v = -55*mV",
        refractory=2 * ms,
        method="euler",
    )
    neurons.v = (-70 + 20 * random.random(n)) * mV
    neurons.drive = (450 + 200 * random.random(n)) * pA
    synapses = Synapses(
        neurons,
        neurons,
        """ds/dt = -s/(100*ms) + 0.5*x*(1 - s)/ms : 1 (clock-driven)
           dx/dt = -x/(2*ms) : 1 (clock-driven)
           w : siemens (constant)
           g_nmda_post = w*s : siemens (summed)""",
        on_pre="x += 1",
        delay=0.5 * ms,
        method="euler",
    )
    synapses.connect(**pairs(random, n, n, 0.4))
    synapses.w = 0.3 * random.random(len(synapses)) * nS
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("synapses with a rise time, four receptors, 4,000 neurons", 0.6, {"n": 200}, 0.03)
def receptors(n: int = 4000) -> Namespace:
    """Make AMPA, NMDA, GABA_A and GABA_B conductances of difference-of-exponentials shape."""
    random = numbers()
    n_excitatory = int(0.8 * n)
    names = {"ampa": (0.5, 3), "nmda": (3, 80), "gaba_a": (0.5, 8), "gaba_b": (30, 150)}
    shapes = "".join(
        f"""
        dg_{name}/dt = (x_{name} - g_{name})/({rise}*ms) : siemens
        dx_{name}/dt = -x_{name}/({decay}*ms) : siemens"""
        for name, (rise, decay) in names.items()
    )
    neurons = NeuronGroup(
        n,
        """dv/dt = (10*nS*(-65*mV - v) - g_ampa*v - g_nmda*v/(1 + 0.28*exp(-62*v/volt))
                    - g_gaba_a*(v + 70*mV) - g_gaba_b*(v + 90*mV)
                    + drive)/(200*pF) : volt (unless refractory)
           drive : amp (constant)"""
        + shapes,
        threshold="v > -50*mV",
        reset="v = -60*mV",
        refractory=2 * ms,
        method="exponential_euler",
    )
    neurons.v = (-65 + 14 * random.random(n)) * mV
    neurons.drive = (140 + 60 * random.random(n)) * pA
    excitatory = Synapses(
        neurons[:n_excitatory],
        neurons,
        "w : siemens (constant)",
        on_pre="x_ampa += w; x_nmda += 0.1*w",
        delay=1.5 * ms,
    )
    excitatory.connect(**pairs(random, n_excitatory, n, min(1.0, 100 / n)))
    excitatory.w = 1.0 * random.random(len(excitatory)) * nS
    inhibitory = Synapses(
        neurons[n_excitatory:],
        neurons,
        "w : siemens (constant)",
        on_pre="x_gaba_a += w; x_gaba_b += 0.05*w",
        delay=1 * ms,
    )
    inhibitory.connect(**pairs(random, n - n_excitatory, n, min(1.0, 100 / n)))
    inhibitory.w = 6.0 * random.random(len(inhibitory)) * nS
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("astrocytes at 30,000 synapses (De Pitta, Stimberg 2018)", 0.4, {"n": 60}, 0.02, random=True)
def astrocytes(n: int = 1000) -> Namespace:
    """Make neurons whose synapses release on astrocytes, which answer with gliotransmitters.

    After M. De Pittà and N. Brunel (2016), and M. Stimberg, D.F.M. Goodman, R. Brette and
    M. De Pittà (2018): calcium, IP3 and a gate in each astrocyte; astrocytes coupled in a ring.
    """
    random = numbers()
    n_glia = n // 2
    neurons = _cells(n, 15, 28)
    glia = NeuronGroup(
        n_glia,
        """dC/dt = J_r + J_l - J_p : mmolar
           dh/dt = (h_inf - h)/tau_h : 1
           dP/dt = 2*umolar/second*Y**2/(Y**2 + (0.2*mmolar)**2) - 0.1*(P - 0.1*umolar)/second
                   + coupling : mmolar
           J_r = 6*m**3*h**3*(2*umolar - 1.18*C)/second : mmolar/second
           J_l = 0.11*(2*umolar - 1.18*C)/second : mmolar/second
           J_p = 0.9*umolar/second*C**2/(C**2 + (0.05*umolar)**2) : mmolar/second
           m = P/(P + 0.13*umolar)*C/(C + 0.08*umolar) : 1
           h_inf = Q/(Q + C) : 1
           tau_h = 5*second*umolar/(Q + C) : second
           Q = 1.05*umolar*(P + 0.13*umolar)/(P + 0.94*umolar) : mmolar
           dG/dt = -G/(0.5*second) : mmolar
           coupling : mmolar/second
           Y : mmolar""",
        threshold="C > 0.2*umolar",
        refractory="C > 0.2*umolar",
        reset="G += 0.1*mmolar",
        method="euler",
    )
    glia.C, glia.h, glia.P = 0.05 * umolar, 0.9, 0.1 * umolar
    ring = Synapses(
        glia,
        glia,
        """gap = P_pre - P_post : mmolar
           coupling_post = 0.5*umolar/second*(1 + tanh((abs(gap) - 0.3*umolar)/(0.05*umolar)))
                           *sign(gap) : mmolar/second (summed)""",
    )
    ring.connect("abs(i - j) == 1")
    synapses = Synapses(
        neurons,
        neurons,
        """dY/dt = -40*Y/second : mmolar (clock-driven)
           dbound/dt = (0.3*(1 - bound)*gliotransmitter/umolar - bound)/second : 1 (clock-driven)
           du/dt = -u/(300*ms) : 1 (event-driven)
           dx/dt = (1 - x)/(500*ms) : 1 (event-driven)
           gliotransmitter : mmolar""",
        on_pre="""u0 = 0.6*(1 - bound) + 0.2*bound
                  u += u0*(1 - u)
                  g_post += 0.02*u*x
                  Y += 0.3*mmolar*u*x
                  x -= u*x""",
        method="euler",
        delay=1 * ms,
    )
    synapses.connect(**pairs(random, n, n, 0.03))
    synapses.x = 1
    count = len(synapses)
    watched = random.integers(n_glia, size=count)
    to_glia = Synapses(synapses, glia, "Y_post = Y_pre*0.02 : mmolar (summed)")
    to_glia.connect(i=range(count), j=watched)
    from_glia = Synapses(glia, synapses, "gliotransmitter_post = G_pre : mmolar (summed)")
    from_glia.connect(i=watched, j=range(count))
    noise = PoissonGroup(n, rates=20 * Hz)
    relay = Synapses(noise, neurons, on_pre="g_post += 0.05")
    relay.connect(j="i")
    spikes = SpikeMonitor(neurons)
    return locals()
