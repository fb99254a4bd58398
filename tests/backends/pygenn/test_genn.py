"""Networks over a real GeNN; where there is none, these tests are skipped."""

import importlib.util
import subprocess
import sys

import brian2
import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    TimedArray,
    ms,
    network_operation,
    seed,
    set_device,
)

import brian2genn
from tests import devices
from tests.backends.pygenn import networks
from tests.semantics.harness import compare

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pygenn") is None, reason="there is no GeNN here"
)


def _marks(build):
    if build is not networks.synapses_made_during_a_run:
        return ()
    reason = "Brian's queue keeps what it knew of the synapses: Brian's runtime fails from 2.10 on"
    return pytest.mark.skipif(not brian2.__version__.startswith("2.9"), reason=reason)


BUILDS = [
    pytest.param(build, marks=_marks(build), id=build.__name__) for build in networks.ALL
]  # fmt: skip


def run(build, device, **options):
    devices.reset()
    set_device(device, **options)
    try:
        return {name: np.array(value) for name, value in build().items()}
    finally:
        devices.reset()


@pytest.mark.parametrize("build", BUILDS)
def test_agrees_with_runtime(build):
    reference = run(build, "runtime")
    spikes = [value for name, value in reference.items() if name.endswith("spikes.t")]
    assert all(len(times) > 5 for times in spikes)
    compare(reference, run(build, "genn", backend="pygenn"))


@pytest.mark.parametrize("when", ["start", "end"])
@pytest.mark.parametrize("build", BUILDS)
def test_goes_on_with_what_is_on_its_way(build, when, monkeypatch):
    """GeNN stops every seven time steps, and nobody changes anything."""

    class Interrupted(Network):
        def __init__(self, *objects):
            looking = network_operation(dt=0.7 * ms, when=when, order=99)(lambda: None)
            super().__init__(*objects, looking)

    reference = run(build, "runtime")
    monkeypatch.setattr(networks, "Network", Interrupted)
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


def simple():
    group = networks.neurons(name="cells")
    return group, networks.connected(group, group, on_pre="ge_post += 0.1", delay=2 * ms)


def of_many_kinds():
    """Plasticity, delays of single synapses, functions of time, generators, a slower clock."""
    given = SpikeGeneratorGroup(30, np.arange(30), np.linspace(1, 9, 30) * ms, period=10 * ms)
    current = TimedArray(np.arange(20) / 10, dt=2 * ms)
    group = NeuronGroup(
        30,
        "dv/dt = (current(t) + ge - v)/(10*ms) : 1\ndge/dt = -ge/(5*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        name="cells",
        namespace={"current": current},
    )
    operation = group.run_regularly("v = v + 0.001*i", dt=1 * ms)
    plastic = networks.connected(
        group,
        group,
        """w : 1
        dx/dt = -x/(20*ms) : 1 (event-driven)
        dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="ge_post += w; x += 0.1; w = clip(w - y, 0, 1)",
        on_post="y += 0.1; w = clip(w + x, 0, 1)",
        delay={"pre": 0.5 * ms},
    )
    plastic.w = 0.2
    delayed = networks.connected(group, group, "u : 1", on_pre="ge_post += u")
    delayed.u = 0.01
    delayed.delay = np.linspace(0, 3, 300) * ms
    external = networks.connected(given, group, on_pre="v_post += 0.1")
    return group, given, operation, plastic, delayed, external


@pytest.mark.parametrize("build", [simple, of_many_kinds], ids=lambda build: build.__name__)
def test_exported_script_goes_on_as_brian_does(build, tmp_path):
    set_device("genn", backend="pygenn")
    group, *others = build()
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=[3, 1], name="states")
    network = Network(group, *others, spikes, states)
    network.run(20.3 * ms)
    before = spikes.num_events
    script = brian2genn.export_genn(network, tmp_path / "model")
    network.run(20 * ms)
    subprocess.run([sys.executable, script, "200"], check=True, capture_output=True)
    results = np.load(script.with_name("results.npz"))
    assert spikes.num_events > before + 5
    np.testing.assert_array_equal(results["cells.spike_neuron"], spikes.i[before:])
    np.testing.assert_array_equal(results["cells.spike_time"], spikes.t_[before:])
    # GeNN records neurons by their number
    np.testing.assert_allclose(results["rec_states_v"], states.v[::-1, 203:].T, rtol=1e-9)
