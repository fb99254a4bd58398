"""Hodgkin-Huxley neurons with conductance-based synapses (COBAHH).

Benchmark 3 of R. Brette et al., "Simulation of networks of spiking neurons: a review of tools and
strategies", J. Comput. Neurosci. 23 (2007) 349-398, after T. P. Vogels and L. F. Abbott (2005):
4,000 neurons, four fifths of them excitatory, each pair connected with a probability of 2 %.
The first network of the Brian2GeNN paper.
"""

from __future__ import annotations

from typing import Any

from brian2 import (
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    cm,
    mV,
    ms,
    msiemens,
    nS,
    siemens,
    ufarad,
    umetre,
)


def build(n_neurons: int = 4000, n_synapses: int = 80) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    n_neurons
        Neurons.
    n_synapses
        Synapses of a neuron, on average (80 are 2 % of 4,000). Their strength scales with the
        inverse.
    """
    p = min(1.0, n_synapses / n_neurons)

    area = 20000 * umetre**2
    Cm = 1 * ufarad * cm**-2 * area
    g_leak = 5e-5 * siemens * cm**-2 * area
    g_Na = 100 * msiemens * cm**-2 * area
    g_K = 30 * msiemens * cm**-2 * area
    E_leak = -60 * mV
    E_K = -90 * mV
    E_Na = 50 * mV
    VT = -63 * mV
    tau_e = 5 * ms
    tau_i = 10 * ms
    E_e = 0 * mV
    E_i = -80 * mV
    w_e = 6 * nS * (80 / n_synapses)
    w_i = 67 * nS * (80 / n_synapses)

    equations = """
    dv/dt = (g_leak*(E_leak - v) + ge*(E_e - v) + gi*(E_i - v)
             - g_Na*(m*m*m)*h*(v - E_Na) - g_K*(n*n*n*n)*(v - E_K))/Cm : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dge/dt = -ge/tau_e : siemens
    dgi/dt = -gi/tau_i : siemens
    alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
    beta_m = 0.28*(mV**-1)*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
    alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
    beta_h = 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
    alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
    beta_n = .5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
    """
    neurons = NeuronGroup(
        n_neurons,
        equations,
        threshold="v > -20*mV",
        refractory=3 * ms,
        method="exponential_euler",
    )
    neurons.v = "E_leak + (randn()*5 - 5)*mV"
    neurons.ge = "(randn()*1.5 + 4)*10*nS"
    neurons.gi = "(randn()*12 + 20)*10*nS"

    n_excitatory = int(0.8 * n_neurons)
    excitatory = Synapses(neurons[:n_excitatory], neurons, on_pre="ge += w_e")
    inhibitory = Synapses(neurons[n_excitatory:], neurons, on_pre="gi += w_i")
    excitatory.connect(p=p)
    inhibitory.connect(p=p)

    spikes = SpikeMonitor(neurons)
    return locals()
