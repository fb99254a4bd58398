"""The random numbers of the time loop are the processor's, to the last bit."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    kHz,
    ms,
    prefs,
    run,
    seed,
    set_device,
)

from tests.semantics.harness import observe


@pytest.mark.usefixtures("shim")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers(dtype):
    """Drawn for all elements, for those that spike, for synapses, and once for all."""

    def draw(backend):
        set_device("genn", backend=backend)
        prefs.core.default_float_dtype = dtype
        seed(8)
        inputs = PoissonGroup(1101, rates=1 * kHz, name="inputs")
        cells = NeuronGroup(
            603,
            "x : 1\ny : 1\nz : 1\ns : 1 (shared)",
            threshold="rand() < 0.1*(1 + i % 3)",
            reset="z = rand() + randn()",
            name="cells",
        )
        cells.run_regularly("s = rand()\nx = rand()\ny = randn() + rand()")
        synapses = Synapses(inputs, cells, "w : 1\nu : 1", on_pre="w = rand(); u = randn()")
        synapses.connect(j="i % N_post")
        spikes, input_spikes = SpikeMonitor(cells), SpikeMonitor(inputs)
        states = StateMonitor(cells, ["x", "y", "z"], record=True)
        run(3 * ms)
        assert spikes.num_spikes > 100
        assert input_spikes.num_spikes > 100
        return observe(
            cells=cells, synapses=synapses, spikes=spikes, inputs=input_spikes, states=states
        )

    here, there = draw("cpu"), draw("cuda")
    assert set(here) == set(there)
    for name, value in here.items():
        np.testing.assert_array_equal(value, there[name], name)
