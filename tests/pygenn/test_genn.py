"""Networks over a real GeNN; where there is none, these tests are skipped."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, ms, seed, set_device

import brian2genn
from tests import devices
from tests.pygenn import networks
from tests.semantics.harness import compare

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pygenn") is None, reason="there is no GeNN here"
)


def run(build, device, **options):
    devices.reset()
    set_device(device, **options)
    try:
        return {name: np.array(value) for name, value in build().items()}
    finally:
        devices.reset()


@pytest.mark.parametrize("build", networks.ALL, ids=lambda build: build.__name__)
def test_agrees_with_runtime(build):
    reference = run(build, "runtime")
    spikes = [value for name, value in reference.items() if name.endswith("spikes.t")]
    assert all(len(times) > 5 for times in spikes)
    compare(reference, run(build, "genn", backend="pygenn"))


def test_genn_does_the_work():
    set_device("genn", backend="pygenn")
    group = networks.neurons()
    network = Network(group)
    network.run(5 * ms)
    assert "executed 50 time steps" in str(brian2genn.explain(network))
    assert "and 0 were executed on the processor" in str(brian2genn.explain(network))


def test_random_numbers_have_the_right_distribution():
    set_device("genn", backend="pygenn")
    seed(7)
    equations = "dx/dt = -x/(2*ms) + xi*(2/(2*ms))**0.5 : 1"
    group = NeuronGroup(2000, equations, threshold="rand() < 0.1", method="euler")
    spikes = SpikeMonitor(group)
    Network(group, spikes).run(20 * ms)
    assert abs(np.mean(group.x)) < 0.1
    assert 0.9 < np.std(group.x) < 1.15
    assert abs(spikes.num_events - 2000 * 200 * 0.1) < 5 * (2000 * 200 * 0.09) ** 0.5


def test_exported_script_goes_on_as_brian_does(tmp_path):
    set_device("genn", backend="pygenn")
    group = networks.neurons(name="cells")
    synapses = networks.connected(group, group, "w : 1", on_pre="ge_post += 0.1", delay=2 * ms)
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(20.3 * ms)
    before = spikes.num_events
    script = brian2genn.export_genn(network, tmp_path / "model")
    network.run(20 * ms)
    subprocess.run([sys.executable, script, "200"], check=True, capture_output=True)
    results = np.load(script.with_name("results.npz"))
    assert spikes.num_events > before + 5
    np.testing.assert_array_equal(results["cells.spike_neuron"], spikes.i[before:])
    np.testing.assert_array_equal(results["cells.spike_time"], spikes.t_[before:])
