"""Sparse inhibition that oscillates fast while its neurons fire slowly.

N. Brunel and V. Hakim, "Fast global oscillations in networks of integrate-and-fire neurons with low
firing rates", Neural Comput. 11 (1999) 1621-1671, here with 10,000 neurons that receive 1,000
synapses each, with one delay for all as in the paper or with a delay for each synapse. The latter
takes the drive that Brian2CUDA's benchmark (D. Alevi et al., Front. Neuroinform. 16, 2022, 883700)
gives it to stay in a similar state.
"""

from __future__ import annotations

from typing import Any, Literal

from brian2 import (
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    mV,
    ms,
)


def build(
    n_neurons: int = 10_000,
    n_inputs: int = 1000,
    delays: Literal["fixed", "uniform"] = "fixed",
) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    n_neurons
        Neurons.
    n_inputs
        Synapses onto a neuron, on average. Their strength scales with the inverse.
    delays
        "fixed": 2 ms; "uniform": between 0 and 4 ms, drawn for each synapse.
    """
    V_reset = 10 * mV
    V_threshold = 20 * mV
    tau = 20 * ms
    delay = 2 * ms
    J = 0.1 * mV * (1000 / n_inputs)
    if delays == "fixed":
        mu = 25 * mV
        sigma = 1 * mV
    else:
        mu = 27 * mV
        sigma = 0.33 * mV

    neurons = NeuronGroup(
        n_neurons,
        "dV/dt = (-V + mu + sigma*sqrt(tau)*xi)/tau : volt",
        threshold="V > V_threshold",
        reset="V = V_reset",
        refractory=2 * ms,
        method="euler",
    )
    neurons.V = V_reset

    if delays == "fixed":
        synapses = Synapses(neurons, neurons, on_pre="V -= J", delay=delay)
        synapses.connect(p=n_inputs / n_neurons)
    else:
        synapses = Synapses(neurons, neurons, on_pre="V -= J")
        synapses.connect(p=n_inputs / n_neurons)
        synapses.delay = "2*delay*rand()"

    spikes = SpikeMonitor(neurons)
    return locals()
