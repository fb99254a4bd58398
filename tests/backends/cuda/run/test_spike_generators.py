"""Spike generators on a device, where a flag says whether a neuron spikes."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, defaultclock, ms, set_device

from brian2genn.backends.cuda.memory.lookups import spikes_twice


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int32)


@pytest.mark.parametrize(
    ("neurons", "bins", "lastindex", "timestep", "period", "twice"),
    [
        ([0, 1, 2], [3, 3, 4], 0, 0, 0, None),
        ([0, 1, 0], [3, 3, 3], 0, 0, 0, 0),
        ([4, 1, 0, 1], [2, 3, 3, 3], 0, 0, 0, 1),
        ([0, 1, 0], [3, 3, 4], 0, 5, 0, 0),  # both are late
        ([0, 1, 0], [3, 3, 3], 3, 5, 0, None),  # they have been emitted
        ([0, 1, 0], [3, 3, 3], 3, 5, 10, 0),  # and will be again
        ([], [], 0, 0, 0, None),
    ],
)
def test_two_spikes_of_a_neuron_in_a_time_step(neurons, bins, lastindex, timestep, period, twice):
    arrays = ints(*neurons), ints(*bins), ints(lastindex), ints(timestep), ints(period)
    assert spikes_twice(*arrays) == twice


def test_what_flags_cannot_hold_is_an_error(shim):
    """Brian compares neighbours in its list only, so it does not notice these."""
    set_device("genn", backend="cuda")
    inputs = SpikeGeneratorGroup(3, [0, 1, 0, 1], [1.2, 1.2, 1.3, 1.3] * ms, name="inputs")
    group = NeuronGroup(3, "v : 1")
    synapses = Synapses(inputs, group, on_pre="v_post += 1")
    synapses.connect(j="i")
    network = Network(inputs, group, synapses)
    network.run(1 * ms)
    defaultclock.dt = 0.5 * ms
    with pytest.raises(
        ValueError, match=r"'inputs' has more spikes .* than one of neuron 0"
    ) as info:
        network.run(1 * ms)
    assert "backend='cpu'" in str(info.value)
    np.testing.assert_array_equal(group.v, 0)
