"""Competition of Poisson inputs through spike-timing-dependent plasticity.

S. Song, K. D. Miller and L. F. Abbott, "Competitive Hebbian learning through spike-timing-dependent
synaptic plasticity", Nat. Neurosci. 3 (2000) 919-926, in the size of Brian2CUDA's benchmark
(D. Alevi et al., Front. Neuroinform. 16, 2022, 883700): 10,000 inputs of 15 Hz, of which each
neuron receives a tenth.
"""

from __future__ import annotations

from typing import Any, Literal

from brian2 import (
    Hz,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    Synapses,
    mV,
    ms,
)


def build(
    n_inputs: int = 10_000,
    n_neurons: int = 10,
    p: float = 0.1,
    delays: Literal["fixed", "uniform"] = "fixed",
) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    n_inputs, n_neurons
        Poisson inputs and neurons.
    p
        The probability of a connection.
    delays
        "fixed": 2 ms; "uniform": between 0 and 4 ms, drawn for each synapse.
    """
    rate = 15 * Hz
    tau_m = 10 * ms
    tau_e = 5 * ms
    tau_stdp = 20 * ms
    V_threshold = -54 * mV
    V_reset = -60 * mV
    E_leak = -74 * mV
    E_e = 0 * mV
    w_max = 0.01
    delay = 2 * ms
    step_input = 0.01 * w_max
    step_output = -1.05 * step_input

    inputs = PoissonGroup(n_inputs, rates=rate)
    neurons = NeuronGroup(
        n_neurons,
        """
        dv/dt = (ge*(E_e - V_reset) + E_leak - v)/tau_m : volt
        dge/dt = -ge/tau_e : 1
        """,
        threshold="v > V_threshold",
        reset="v = V_reset",
        method="exact",
    )
    neurons.v = E_leak

    plastic = """
    w : 1
    da_input/dt = -a_input/tau_stdp : 1 (event-driven)
    da_output/dt = -a_output/tau_stdp : 1 (event-driven)
    """
    on_pre = """
    ge += w
    a_input += step_input
    w = clip(w + a_output, 0, w_max)
    """
    on_post = """
    a_output += step_output
    w = clip(w + a_input, 0, w_max)
    """
    if delays == "fixed":
        synapses = Synapses(inputs, neurons, plastic, on_pre=on_pre, on_post=on_post, delay=delay)
        synapses.connect(p=p)
    else:
        synapses = Synapses(inputs, neurons, plastic, on_pre=on_pre, on_post=on_post)
        synapses.connect(p=p)
        synapses.pre.delay = "2*delay*rand()"
    synapses.w = "rand()*w_max"

    input_spikes = SpikeMonitor(inputs)
    spikes = SpikeMonitor(neurons)
    return locals()
