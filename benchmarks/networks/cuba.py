"""Integrate-and-fire neurons with current-based synapses (CUBA).

Benchmark 2 of R. Brette et al., "Simulation of networks of spiking neurons: a review of tools and
strategies", J. Comput. Neurosci. 23 (2007) 349-398, after T. P. Vogels and L. F. Abbott (2005):
4,000 neurons, four fifths of them excitatory, each pair connected with a probability of 2 %.
"""

from __future__ import annotations

from typing import Any

from brian2 import (
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    mV,
    ms,
)


def build(n_neurons: int = 4000, p: float | None = None) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    n_neurons
        Neurons.
    p
        The probability of a connection; 80 synapses a neuron if not given (2 % of 4,000).
    """
    p = min(1.0, 80 / n_neurons) if p is None else p

    tau_m = 20 * ms
    tau_e = 5 * ms
    tau_i = 10 * ms
    V_threshold = -50 * mV
    V_reset = -60 * mV
    E_leak = -49 * mV
    w_e = 60 * 0.27 / 10 * mV
    w_i = -20 * 4.5 / 10 * mV

    equations = """
    dv/dt = (ge + gi - (v - E_leak))/tau_m : volt (unless refractory)
    dge/dt = -ge/tau_e : volt
    dgi/dt = -gi/tau_i : volt
    """
    neurons = NeuronGroup(
        n_neurons,
        equations,
        threshold="v > V_threshold",
        reset="v = V_reset",
        refractory=5 * ms,
        method="exact",
    )
    neurons.v = "V_reset + rand()*(V_threshold - V_reset)"

    n_excitatory = int(0.8 * n_neurons)
    excitatory = Synapses(neurons[:n_excitatory], neurons, on_pre="ge += w_e")
    inhibitory = Synapses(neurons[n_excitatory:], neurons, on_pre="gi += w_i")
    excitatory.connect(p=p)
    inhibitory.connect(p=p)

    spikes = SpikeMonitor(neurons)
    return locals()
