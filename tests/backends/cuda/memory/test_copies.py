"""What is copied between host and device, and how often."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    network_operation,
    run,
    set_device,
)

from brian2genn.backends.cuda.device.driver import TuningRules
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from brian2genn.backends.cuda.run.options import only
from tests import devices

pytestmark = pytest.mark.usefixtures("device_is_cuda")


@pytest.fixture
def device_is_cuda(shim, monkeypatch):
    """Time steps are executed in one way, with graphs that grow whatever time they take."""
    shim.rules = TuningRules(patience=60.0)
    devices.set_execution(monkeypatch, candidates=only(LaunchPlan()))
    set_device("genn", backend="cuda")


def network(n: int = 1000):
    group = NeuronGroup(
        n, "dv/dt = (1.1 - v)/(10*ms) : 1\nu : 1", threshold="v > 1", reset="v = 0", method="exact"
    )
    group.v = np.linspace(0, 1, n)
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w")
    synapses.connect(i=np.arange(n), j=(np.arange(n) * 7) % n)
    synapses.w = 1e-3
    return group, synapses


def test_the_loop_copies_nothing_but_its_state(shim):
    group, _synapses = network()
    run(1 * ms)
    before = dict(shim.counts)
    run(100 * ms)
    done = {name: shim.counts[name] - before[name] for name in before}
    steps = 100 * ms / defaultclock.dt
    # neurons, then synapses; the last graph launches more than there are steps
    assert 2 * steps <= done["launches"] < 2.6 * steps
    assert done["replays"] < steps / 20
    # one download of the state for each replay, one for each pause, a few before and after
    assert done["downloads"] <= 2 * done["replays"] + 10
    assert done["bytes_up"] + done["bytes_down"] < 40_000 + 8 * 1000 * 2
    assert group.v[:].max() <= 1


def test_a_second_run_uploads_only_what_was_written(shim):
    _group, synapses = network()
    run(1 * ms)
    before = shim.counts["bytes_up"]
    run(1 * ms)
    unchanged = shim.counts["bytes_up"] - before
    synapses.w = 2e-3
    before = shim.counts["bytes_up"]
    run(1 * ms)
    changed = shim.counts["bytes_up"] - before
    assert unchanged < 8 * 1000  # less than one variable of the group
    assert changed - unchanged == 8 * 1000  # the weights


def test_reading_a_variable_downloads_that_variable(shim):
    group, synapses = network()
    run(1 * ms)
    before = shim.counts["bytes_down"]
    group.u[:]
    assert shim.counts["bytes_down"] == before  # no program writes it
    synapses.w[:]
    assert shim.counts["bytes_down"] == before


def test_an_array_that_the_script_keeps_is_copied_with_every_run(shim):
    group, _synapses = network()
    array = group.variables["v"].get_value()
    run(1 * ms)
    seen = np.array(array)
    before = shim.counts["bytes_down"]
    assert np.array_equal(group.v[:], seen)
    assert shim.counts["bytes_down"] == before  # it was there already
    del array
    run(1 * ms)
    assert not np.array_equal(group.v[:], seen)
    assert shim.counts["bytes_down"] - before > 8 * 1000


def test_objects_of_the_host_exchange_what_they_touch_when_they_run(shim):
    group, _synapses = network()
    seen = []

    @network_operation(dt=10 * ms)
    def watch():
        seen.append(float(group.v[3]))
        group.v[5] = 0.25

    run(5 * ms)
    before = dict(shim.counts)
    run(100 * ms)
    done = {name: shim.counts[name] - before[name] for name in before}
    assert len(seen) == 11
    # ten times v down, ten times v up, and the state
    assert 10 * 8000 <= done["bytes_down"] < 10 * 8000 + 200_000
    assert 10 * 8000 <= done["bytes_up"] < 10 * 8000 + 100_000


def test_a_full_recorder_is_emptied(shim, monkeypatch):
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)
    group = NeuronGroup(20, "v : 1", threshold="True")
    monitor = SpikeMonitor(group)
    run(10 * ms)
    assert monitor.num_spikes == 20 * 100
    assert np.array_equal(monitor.i, np.tile(np.arange(20), 100))
    assert np.array_equal(np.rint(monitor.t / defaultclock.dt), np.repeat(np.arange(100), 20))


def test_a_recorder_is_emptied_where_the_device_has_stopped(shim, monkeypatch):
    """Few of many neurons spike: the room that must be free is for many time steps."""
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)
    group = NeuronGroup(200, "v : 1", threshold="i == 7")
    monitor = SpikeMonitor(group)
    before = shim.counts["downloads"]
    run(500 * ms)
    assert monitor.num_spikes == 5000
    # it stops every 400 time steps; each time, the state and two or three columns are fetched
    assert shim.counts["downloads"] - before < 300


def test_a_full_recorder_that_only_counts_is_emptied(shim, monkeypatch):
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)
    group = NeuronGroup(20, "v : 1", threshold="True")
    monitor = SpikeMonitor(group, record=False)
    run(10 * ms)
    assert monitor.num_spikes == 20 * 100
    assert list(monitor.count) == [100] * 20


@pytest.mark.parametrize("every", [1, 2, 5, 7])
def test_a_recorder_that_fills_while_objects_of_the_host_run(shim, monkeypatch, every):
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)
    group = NeuronGroup(20, "v : 1", threshold="True")
    group.v = "i"
    spikes, states = SpikeMonitor(group), StateMonitor(group, "v", record=[1, 5])
    calls = []

    @network_operation(dt=every * defaultclock.dt)
    def now_and_then():
        calls.append(group.v[0])

    run(40 * ms)
    assert len(calls) == -(-400 // every)
    assert np.array_equal(spikes.i, np.tile(np.arange(20), 400))
    assert np.array_equal(states.v, np.repeat([[1.0], [5.0]], 400, axis=1))


@pytest.mark.parametrize(
    ("dt", "steps"), [(0.1 * ms, 30), (None, 2)], ids=["own clocks", "one clock"]
)
def test_a_network_within_a_network(shim, dt, steps):
    """Where they share a clock, the inner network takes the outer one's time: as with Brian."""

    def decay(name: str, start: float, x: float) -> NeuronGroup:
        group = NeuronGroup(
            2, "dv/dt = -x*v/ms : 1", method="exact", name=name, namespace={"x": x}, dt=dt
        )
        group.v = start
        return group

    outer, inner = decay("outer", 1, 1), decay("inner", 100, 2)
    within = Network(inner)

    @network_operation(dt=1 * ms)
    def run_the_other():
        within.run(1 * ms)

    Network(outer, run_the_other).run(3 * ms)
    assert np.allclose(outer.v, np.exp(-0.1 * steps))
    assert np.allclose(inner.v, 100 * np.exp(-6))
