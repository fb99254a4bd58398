"""The three defects measured in Brian2GeNN 1.7, each against what Brian's manual says."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    prefs,
    run,
    set_device,
)


@pytest.fixture(autouse=True)
def _on_device(device):
    set_device(device)
    prefs.codegen.target = "numpy"


def steps(changes: np.ndarray) -> list[int]:
    """The steps at which a recorded value has changed."""
    return [int(k) for k in np.flatnonzero(np.diff(changes)) + 1]


@pytest.mark.parametrize("post_first", [False, True])
def test_a_post_delay_does_not_overwrite_the_pre_delay(post_first):
    source = SpikeGeneratorGroup(1, [0], [0.1] * ms)
    target = SpikeGeneratorGroup(1, [0], [0.2] * ms)
    synapses = Synapses(source, target, "a : 1\nb : 1", on_pre="a += 1", on_post="b += 1")
    synapses.connect()
    delays = [("post", 0.7 * ms), ("pre", 0.3 * ms)]
    for pathway, delay in delays if post_first else reversed(delays):
        getattr(synapses, pathway).delay = delay
    states = StateMonitor(synapses, ["a", "b"], record=True, when="end")
    run(1.5 * ms)
    assert steps(states.a[0]) == [1 + 3]
    assert steps(states.b[0]) == [2 + 7]


def test_an_effect_without_delay_comes_in_the_step_of_the_spike():
    source = SpikeGeneratorGroup(1, [0], [0.4] * ms)
    target = NeuronGroup(1, "v : 1", threshold="v > 0.5", reset="v = 0")
    synapses = Synapses(source, target, on_pre="v_post += 1")
    synapses.connect()
    at_end = StateMonitor(target, "v", record=True, when="after_synapses")
    spikes = SpikeMonitor(target)
    run(1 * ms)
    assert steps(at_end.v[0])[0] == 4
    # The threshold of that step is over, so the target fires in the next one.
    assert list(np.round(spikes.t / ms, 9)) == [0.5]


def test_a_spike_monitor_records_values_before_the_reset():
    group = NeuronGroup(
        3,
        "dv/dt = (0.93 + 0.21*i)/ms : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    spikes = SpikeMonitor(group, "v")
    run(5 * ms)
    assert spikes.num_spikes >= 12
    assert np.all(spikes.v > 1)
    rates = 0.93 + 0.21 * np.asarray(spikes.i)
    expected = np.ceil(1 / (0.1 * rates)) * 0.1 * rates
    np.testing.assert_allclose(spikes.v, expected, rtol=1e-9)
