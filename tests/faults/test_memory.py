"""Memory that is refused."""

import logging
import resource

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, ms, second

from brian2genn.runtime.run import recordings
from tests import devices
from tests.faults import networks
from tests.faults.processes import in_fork

pytestmark = pytest.mark.skipif(devices.DEVICE == "plain", reason="of the device's own recordings")

MEGABYTE = 1 << 20


def limit_memory(more: int) -> None:
    """Let this process have `more` bytes more than it has."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.RLIM_INFINITY))


def lift_limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def large(n: int = 100_000) -> tuple[Network, StateMonitor, SpikeMonitor]:
    """A network that records 0.8 MB in each step."""
    networks.choose()
    group = NeuronGroup(
        n, "dv/dt = 1/ms : 1", threshold="v > 0.95", reset="v = 0", method="euler", name="group"
    )
    states = StateMonitor(group, "v", record=True, name="states")
    spikes = SpikeMonitor(group[:2], name="spikes")
    return Network(group, states, spikes), states, spikes


def step_values(steps: int) -> np.ndarray:
    """What `large` records of each neuron."""
    values, v = [], 0.0
    for _ in range(steps):
        values.append(v)
        v += 0.1
        if v > 0.95:
            v = 0.0
    return np.array(values)


@pytest.mark.parametrize("more", [30, 150], ids="{} MB".format)
def test_a_monitor_that_gets_no_memory(more):
    """MemoryError; what was recorded is there; with memory, the rest; and the run goes on."""

    def run():
        network, states, spikes = large()
        network.run(0.1 * ms)  # compiled, and all that is imported when first used is there
        limit_memory(more * MEGABYTE)
        try:
            network.run(1 * second)
            raise AssertionError("there was memory enough")
        except MemoryError as error:
            said = str(error)
        # nothing but the views, which need no memory
        data, times = (states.variables[name].get_value() for name in ("v", "t"))
        seen_then = data.shape[0], times.shape[0]
        lift_limit()
        steps = round(network.t_ / 1e-4)
        v, t = np.array(states.v[:2]), np.array(states.t_)
        v_spikes = np.array(spikes.t_)
        network.run(2 * ms)
        return said, seen_then, steps, v, t, v_spikes, len(states.t), network.t_

    said, seen_then, steps, v, t, spike_times, recorded, end = in_fork(run)
    assert "memory" in said and "states" in said
    assert seen_then[0] == seen_then[1]  # rows are there whole, or not at all
    assert steps > 10
    assert len(t) == v.shape[1] == steps
    np.testing.assert_allclose(t, np.arange(steps) * 1e-4)
    np.testing.assert_allclose(v[0], step_values(steps), atol=1e-9)
    np.testing.assert_array_equal(v[0], v[1])
    assert len(spike_times) == 2 * (steps // 10)
    assert recorded == steps + 20
    assert end == pytest.approx(steps * 1e-4 + 2e-3)


def test_a_monitor_that_is_deleted_gives_its_memory_back():
    """Then another network runs."""

    def run():
        network, states, spikes = large()
        network.run(0.1 * ms)
        limit_memory(300 * MEGABYTE)
        with pytest.raises(MemoryError):
            network.run(1 * second)
        del network, states, spikes
        network, states, _ = large(10_000)
        network.run(20 * ms)
        return np.array(states.v[0])

    np.testing.assert_allclose(in_fork(run), step_values(200), atol=1e-9)


@pytest.fixture
def refuse(monkeypatch):
    """Make a monitor's variable refuse to grow."""

    def refuse(variable):
        grow = recordings.Recording._resize

        def _resize(self, which, rows):
            if which is variable and rows > len(which.get_value()):
                raise MemoryError("none left")
            grow(self, which, rows)

        monkeypatch.setattr(recordings.Recording, "_resize", _resize)

        def allow():
            monkeypatch.setattr(recordings.Recording, "_resize", grow)

        return allow

    return refuse


def test_rows_that_wait(refuse, caplog):
    """They are said to be missing, whenever somebody looks, until they are there."""
    networks.choose()
    network = networks.build()
    network.run(1 * ms)
    states, spikes = network["states"], network["spikes"]
    allow = refuse(states.variables["v"])
    with pytest.raises(MemoryError, match="the last 10 rows"):
        network.run(1 * ms)
    assert network.t_ == pytest.approx(0.002)
    assert spikes.num_spikes == len(spikes.t)
    with caplog.at_level(logging.WARNING, "brian2"):
        assert states.v.shape == (20, 10)
        assert len(states.t) == 10
    assert "They are kept apart" in caplog.text
    with pytest.raises(MemoryError):  # not a run whose monitor lacks rows in the middle
        network.run(1 * ms)
    allow()
    network.run(1 * ms)
    networks.assert_same(networks.seen(network), networks.reference(3 * ms))


def test_rows_that_wait_are_not_of_the_state_that_is_restored(refuse):
    networks.choose()
    network = networks.build()
    network.run(1 * ms)
    network.store()
    allow = refuse(network["states"].variables["v"])
    with pytest.raises(MemoryError):
        network.run(1 * ms)
    network.restore()
    allow()
    assert len(network["states"].t) == 10
    network.run(2 * ms)
    networks.assert_same(networks.seen(network), networks.reference(3 * ms))


def test_other_monitors_get_their_rows(refuse):
    networks.choose()
    network = networks.build()
    refuse(network["spikes"].variables["t"])
    with pytest.raises(MemoryError, match="spikes"):
        network.run(5 * ms)
    assert network["states"].v.shape == (20, 50)
    assert len(network["spikes"].i) == len(network["spikes"].t) == 0
