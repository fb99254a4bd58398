"""A square millimetre of early sensory cortex: eight populations in four layers.

T.C. Potjans and M. Diesmann, "The cell-type specific cortical microcircuit: relating structure and
activity in a full-scale spiking network model", Cereb. Cortex 24 (2014) 785-806. 77,169 neurons
have about 0.3 billion synapses; the numbers are those of its tables 4 and 5. A smaller network has
fewer neurons with fewer synapses each, which are stronger, and a constant current that makes up for
what is missing in the mean (S.J. van Albada, M. Helias and M. Diesmann, PLoS Comput. Biol. 11,
2015, e1004490).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2 import (
    Hz,
    NeuronGroup,
    PoissonInput,
    SpikeMonitor,
    Synapses,
    amp,
    ms,
    mV,
    pA,
    pF,
    second,
)

#: Layers 2/3, 4, 5 and 6; of each the excitatory and the inhibitory neurons.
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
#: Spikes per second, for the constant current of smaller networks.
RATES = np.array([0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523])
#: The probability that two neurons are connected; rows are targets.
PROBABILITIES = np.array(
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)


def build(scale: float = 1.0) -> dict[str, Any]:
    """Make the network.

    Parameters
    ----------
    scale
        The part of the neurons, and of the synapses of each.
    """
    random = np.random.default_rng(np.random.randint(2**31))
    tau_m, tau_syn, C, E_L = 10 * ms, 0.5 * ms, 250 * pF, -65 * mV
    V_threshold, V_reset = -50 * mV, -65 * mV
    w_external = 87.8 * pA
    rate_external = 8 * Hz

    sizes = np.round(SIZES * scale).astype(int)
    first = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.tile([87.8, -4 * 87.8], (8, 4))
    weights[0, 2] *= 2  # from layer 4 to layer 2/3
    # so many synapses, with repetitions, that two neurons are connected with that probability
    indegrees = np.log1p(-PROBABILITIES) / np.log1p(-1 / np.outer(SIZES, SIZES)) / SIZES[:, None]

    neurons = NeuronGroup(
        first[-1],
        """dV/dt = (E_L - V)/tau_m + (I + I_missing)/C : volt (unless refractory)
           dI/dt = -I/tau_syn : amp
           I_missing : amp (constant)""",
        threshold="V > V_threshold",
        reset="V = V_reset",
        refractory=2 * ms,
        method="exact",
    )
    neurons.V = "-58*mV + 10*mV*randn()"
    mean = (weights * indegrees) @ RATES * pA / second + w_external * EXTERNAL * rate_external
    missing = tau_syn * (1 - np.sqrt(scale)) * mean / amp
    neurons.I_missing = np.repeat(missing, sizes) * amp

    inputs = {
        f"input_{k}": PoissonInput(
            neurons[first[k] : first[k + 1]],
            "I",
            max(1, round(EXTERNAL[k] * scale)),
            rate_external,
            w_external / np.sqrt(scale),
        )
        for k in range(8)
    }

    counts = np.round(indegrees * scale * sizes[:, None]).astype(int)
    pairs = [(target, source) for source in range(8) for target in range(8)]
    pairs = [pair for pair in pairs if counts[pair]]
    synapses = Synapses(neurons, neurons, "w : amp (constant)", on_pre="I_post += w")

    def drawn(population: int, count: int) -> np.ndarray:
        return random.integers(*first[population : population + 2], count, dtype=np.int32)

    synapses.connect(
        i=np.concatenate([drawn(source, counts[target, source]) for target, source in pairs]),
        j=np.concatenate([drawn(target, counts[target, source]) for target, source in pairs]),
    )
    w = [weights[pair] * (1 + 0.1 * random.standard_normal(counts[pair])) for pair in pairs]
    synapses.w = np.concatenate(w) / np.sqrt(scale) * pA
    delays = [
        (0.75 if source % 2 else 1.5) * (1 + 0.5 * random.standard_normal(counts[target, source]))
        for target, source in pairs
    ]
    synapses.delay = np.maximum(np.concatenate(delays), 0.1) * ms

    spikes = SpikeMonitor(neurons)
    return locals() | inputs
