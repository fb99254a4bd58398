"""Synapses that learn: rules of plasticity and homeostasis."""

from __future__ import annotations

from typing import Literal

from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    Synapses,
    mV,
    ms,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Kind, Namespace, add, kind


def _leaky(n: int, drive: object, extra: str = "", reset: str = "v = -65*mV") -> NeuronGroup:
    """Leaky neurons with a conductance and a drive of their own."""
    random = numbers()
    group = NeuronGroup(
        n,
        """dv/dt = (-70*mV - v + g*(0*mV - v) + drive)/(20*ms) : volt (unless refractory)
           dg/dt = -g/(5*ms) : 1
           drive : volt (constant)"""
        + extra,
        threshold="v > -50*mV",
        reset=reset,
        refractory=3 * ms,
        method="euler",
    )
    group.v = (-65 + 14 * random.random(n)) * mV
    group.drive = drive
    return group


def recurrent_stdp(
    n: int = 2000, p: float = 0.1, delays: Literal["fixed", "uniform"] = "fixed"
) -> Namespace:
    """Make a recurrent network with additive STDP, one delay for all or one for each synapse."""
    random = numbers()
    neurons = _leaky(n, (14 + 12 * random.random(n)) * mV)
    tau_pre, tau_post, w_max = 20 * ms, 25 * ms, 0.003
    step_pre, step_post = 3e-5, -3.6e-5
    synapses = Synapses(
        neurons,
        neurons,
        """w : 1
           dx/dt = -x/tau_pre : 1 (event-driven)
           dy/dt = -y/tau_post : 1 (event-driven)""",
        on_pre="""g_post += w
                  x += step_pre
                  w = clip(w + y, 0, w_max)""",
        on_post="""y += step_post
                   w = clip(w + x, 0, w_max)""",
    )
    synapses.connect(**pairs(random, n, n, p, loops=False))
    synapses.w = w_max * random.random(len(synapses))
    if delays == "fixed":
        synapses.pre.delay = 2 * ms
    else:
        synapses.pre.delay = (0.2 + 4 * random.random(len(synapses))) * ms
    spikes = SpikeMonitor(neurons)
    return locals()


def recurrent_stdp_delays(n: int = 2000, p: float = 0.1) -> Namespace:
    """Make the same with a delay for each synapse."""
    return recurrent_stdp(n, p, "uniform")


for _name, _title, _build in (
    ("recurrent_stdp", "recurrent STDP, 2,000 neurons, delay 2 ms", recurrent_stdp),
    ("recurrent_stdp_delays", "the same, delays 0.2-4.2 ms", recurrent_stdp_delays),
):
    add(Kind(_name, _title, _build, 0.8, {"n": 100}, 0.03))


@kind("triplet STDP, 2,000 neurons", 0.7, {"n": 100}, 0.03)
def triplets(n: int = 2000) -> Namespace:
    """Make a recurrent network with the rule of J.-P. Pfister and W. Gerstner (2006)."""
    random = numbers()
    neurons = _leaky(n, (14 + 12 * random.random(n)) * mV)
    synapses = Synapses(
        neurons,
        neurons,
        """w : 1
           dr1/dt = -r1/(16.8*ms) : 1 (event-driven)
           dr2/dt = -r2/(101*ms) : 1 (event-driven)
           do1/dt = -o1/(33.7*ms) : 1 (event-driven)
           do2/dt = -o2/(125*ms) : 1 (event-driven)""",
        on_pre="""g_post += w
                  w = clip(w - o1*(2e-5 + 7e-7*r2), 0, 0.003)
                  r1 += 1
                  r2 += 1""",
        on_post="""w = clip(w + r1*(5e-8 + 6e-6*o2), 0, 0.003)
                   o1 += 1
                   o2 += 1""",
        delay=1 * ms,
    )
    synapses.connect(**pairs(random, n, n, 0.1, loops=False))
    synapses.w = 0.002 * random.random(len(synapses))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("STDP modulated by reward, eligibility of each synapse, 1,000 neurons", 0.5, {"n": 100}, 0.02)
def reward(n: int = 1000) -> Namespace:
    """Make E.M. Izhikevich's (2007) answer to distal reward: tags and weights change all the time.

    Eligibility and weight are integrated for each synapse in every time step.
    """
    random = numbers()
    neurons = _leaky(n, (14 + 12 * random.random(n)) * mV)
    synapses = Synapses(
        neurons,
        neurons,
        """dc/dt = -c/(1*second) : 1 (clock-driven)
           ds/dt = 20*c*dopamine/second : 1 (clock-driven)
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)
           dopamine : 1 (shared)""",
        on_pre="""g_post += s
                  x += 0.001
                  c = clip(c + y, -0.1, 0.1)
                  s = clip(s, 0, 0.01)""",
        on_post="""y -= 0.0015
                   c = clip(c + x, -0.1, 0.1)
                   s = clip(s, 0, 0.01)""",
        delay=1 * ms,
        method="euler",
    )
    synapses.connect(**pairs(random, n, n, 0.1))
    synapses.s = 0.01 * random.random(len(synapses))
    synapses.run_regularly("dopamine = 0.995*dopamine + 0.05*int(t % (100*ms) < 1*ms)", dt=1 * ms)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("homeostasis: scaling, thresholds and growth by run_regularly", 0.3, {"n": 100}, 0.12)
def homeostasis(n: int = 1500) -> Namespace:
    """Make a network whose synapses are scaled to a sum, decay and are replaced, now and then.

    After A. Lazar, G. Pipa and J. Triesch, "SORN" (2009): STDP, the sum of a neuron's weights kept,
    thresholds that follow a target rate, weak synapses reset.
    """
    random = numbers()
    neurons = _leaky(
        n,
        (18 + 10 * random.random(n)) * mV,
        """
           dactivity/dt = -activity/(100*ms) : 1
           total : 1""",
        reset="v = -65*mV; activity += 1",
    )
    neurons.run_regularly("drive = clip(drive - 0.05*mV*(activity - 1), 0*mV, 40*mV)", dt=10 * ms)
    synapses = Synapses(
        neurons,
        neurons,
        """w : 1
           total_post = w : 1 (summed)
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="""g_post += w
                  x += 2e-4
                  w = clip(w - y, 0, 0.02)""",
        on_post="""y += 2e-4
                   w = clip(w + x, 0, 0.02)""",
        delay=1.5 * ms,
    )
    synapses.connect(**pairs(random, n, n, 0.1, loops=False))
    synapses.w = 0.01 * random.random(len(synapses))
    synapses.run_regularly("w = clip(w*0.75/(total_post + 1e-9), 0, 0.02)", dt=50 * ms)
    synapses.run_regularly("w = w + 1e-3*int(w < 1e-4)", dt=100 * ms)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("STDP at 1,000 synapses of one neuron", 10.0, {"n": 100}, 0.05, random=True)
def stdp_one(n: int = 1000) -> Namespace:
    """Make the experiment of S. Song, K.D. Miller and L.F. Abbott (2000): little in a time step."""
    inputs = PoissonGroup(n, rates=15 * Hz)
    neurons = _leaky(1, 0 * mV)
    synapses = Synapses(
        inputs,
        neurons,
        """w : 1
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="""g_post += w
                  x += 0.0001
                  w = clip(w + y, 0, 0.01)""",
        on_post="""y -= 0.000105
                   w = clip(w + x, 0, 0.01)""",
    )
    synapses.connect()
    synapses.w = "rand()*0.01"
    spikes, input_spikes = SpikeMonitor(neurons), SpikeMonitor(inputs)
    return locals()
