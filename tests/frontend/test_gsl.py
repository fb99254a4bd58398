"""GSL integrators: Brian runs them, within a network that is otherwise compiled."""

import shutil

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    ms,
    prefs,
    set_device,
    start_scope,
)

import brian2genn


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gsl-config") is None, reason="the GSL is not installed")
def test_agrees_with_runtime():
    def simulate(device: str) -> tuple[np.ndarray, np.ndarray, Network]:
        set_device(device)
        prefs.codegen.target = "cython"  # what Brian's GSL integrators are compiled by
        start_scope()
        group = NeuronGroup(
            3, "dv/dt = (2 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0.1*i", method="gsl"
        )
        synapses = Synapses(group, group, on_pre="v_post += 0.01")
        synapses.connect()
        spikes = SpikeMonitor(group)
        network = Network(group, synapses, spikes)
        network.run(30 * ms)
        return np.array(spikes.t_), np.array(group.v), network

    reference = simulate("runtime")
    result = simulate("genn")
    np.testing.assert_array_equal(result[0], reference[0])
    np.testing.assert_allclose(result[1], reference[1], rtol=1e-9)
    explanation = brian2genn.explain(result[2])
    assert explanation.count("Brian") == 1
    assert explanation.count("compiled") == 4
