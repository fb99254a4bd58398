"""Monitors whose values are written where scripts find them, without a copy in between."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    StateMonitor,
    defaultclock,
    ms,
    network_operation,
    set_device,
)

from brian2genn.backends.host.recorder import Recorder
from brian2genn.runtime.memory.arrays import GrowingArray
from brian2genn.runtime.run import recordings
from tests.semantics.harness import Case, Cases, check, observe

cases = Cases()


@pytest.fixture(autouse=True)
def _everything_is_lent(monkeypatch):
    """However little it is."""
    monkeypatch.setattr(recordings, "_LENT_BYTES", 1)


@pytest.fixture
def lent(monkeypatch):
    """Counts the columns that are lent."""
    seen = []
    real = Recorder.lend

    def lend(self, number, memory):
        seen.append(memory.shape)
        real(self, number, memory)

    monkeypatch.setattr(Recorder, "lend", lend)
    return seen


def neurons(n=7):
    group = NeuronGroup(n, "dv/dt = (i + 1)/ms : 1\nw : integer", threshold="v > 9", reset="v = 0")
    group.run_regularly("w += i", when="start")
    return group


def monitors(group):
    return [
        StateMonitor(group, ["v", "w"], record=True),
        StateMonitor(group, "v", record=[5, 2, 2]),
        StateMonitor(group, "v", record=[2, 3, 4], dt=0.3 * ms),
        StateMonitor(group, "v", record=[6], when="start"),
        StateMonitor(group, "v", record=[]),
        StateMonitor(group[2:5], ["v", "w"], record=[0, 1, 2]),
        PopulationRateMonitor(group),
    ]


def seen(all_monitors):
    return observe(**{f"m{number}": monitor for number, monitor in enumerate(all_monitors)})


@cases
def one_run():
    group = neurons()
    everything = monitors(group)
    Network(group, *everything).run(5 * ms)
    return seen(everything)


@cases
def two_runs_with_another_time_step():
    group = neurons()
    everything = monitors(group)
    network = Network(group, *everything)
    network.run(3 * ms)
    defaultclock.dt = 0.05 * ms
    network.run(2 * ms)
    network.run(0 * ms)
    network.run(1 * ms)
    return seen(everything)


@cases
def a_run_that_is_stopped():
    group = neurons()
    everything = monitors(group)

    @network_operation(dt=1 * ms)
    def stopping(t):
        if t >= 2 * ms:
            network.stop()

    network = Network(group, *everything, stopping)
    network.run(100 * ms)
    network.run(0.5 * ms)
    return seen(everything)


@cases
def looked_at_while_it_runs():
    group = neurons()
    everything = monitors(group)
    sums = []

    @network_operation(dt=0.7 * ms)
    def looking():
        sums.append(sum(float(np.sum(m.v_)) for m in everything[:-1]))
        sums.append(float(np.sum(everything[-1].rate_)))

    network = Network(group, *everything, looking)
    network.run(4 * ms)
    network.run(4 * ms)
    return {**seen(everything), "sums": np.array(sums)}


@cases
def restored_in_the_middle():
    group = neurons()
    everything = monitors(group)
    network = Network(group, *everything)
    network.store("first")
    network.run(2 * ms)
    network.store("second")
    network.run(3 * ms)
    network.restore("second")
    network.run(1 * ms)
    network.restore("first")
    network.run(1.5 * ms)
    return seen(everything)


@cases
def restored_while_it_runs():
    """What comes after it is of the state that was restored."""
    group = neurons()
    everything = monitors(group)
    network = Network(group, *everything)
    network.run(1 * ms)
    network.store()

    def run_and_go_back():
        network.run(2 * ms)
        network.restore()
        network.run(0.3 * ms)

    run_and_go_back()
    return seen(everything)


@cases
def recorded_by_hand_in_between():
    group = neurons()
    monitor = StateMonitor(group, ["v", "w"], record=True)

    @network_operation(dt=1 * ms)
    def more():
        monitor.record_single_timestep()

    network = Network(group, monitor, more)
    network.run(3 * ms)
    network.run(3 * ms)
    return observe(monitor=monitor)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case: Case):
    check(case)


def test_columns_are_lent(device, lent):
    set_device(device, backend="cpu")
    group = neurons()
    everything = monitors(group)
    Network(group, *everything).run(2 * ms)
    assert (20, 7) in lent
    assert (20,) in lent


def test_nothing_is_copied(device, lent):
    set_device(device, backend="cpu")
    group = neurons()
    monitor = StateMonitor(group, "v", record=True)
    network = Network(group, monitor)
    network.run(2 * ms)
    array = device_array(monitor, "v")
    address = array.data.ctypes.data
    assert array.data.base is array._memory
    assert array._memory.shape == (20, 7)
    held = monitor.variables["v"].get_value()
    network.run(1 * ms)
    assert device_array(monitor, "v").data.ctypes.data != address  # there was no room for more
    np.testing.assert_array_equal(held, monitor.v[:, :20].T)


def device_array(monitor, name):
    variable = monitor.variables[name]
    return variable.device.arrays[variable]


def test_what_is_held_keeps_its_values(device):
    set_device(device)
    group = neurons()
    monitor = StateMonitor(group, "v", record=True)
    held = []

    @network_operation(dt=0.5 * ms)
    def hold():
        held.append((monitor.v_[:], np.array(monitor.v_[:])))

    network = Network(group, monitor, hold)
    network.run(5 * ms)
    network.store()
    network.run(5 * ms)
    network.restore()
    network.run(5 * ms)
    for view, copy in held:
        np.testing.assert_array_equal(view, copy)


def test_more_memory_than_there_is(device):
    """A run that is to be stopped asks for more than any machine has; it gets what it needs."""
    set_device(device)
    group = neurons()
    monitor = StateMonitor(group, "v", record=True)

    @network_operation(dt=1 * ms)
    def stop(t):
        if t >= 1 * ms:
            network.stop()

    network = Network(group, monitor, stop)
    network.run(1e9 * ms * 1000)
    assert monitor.v.shape == (7, 11)
    np.testing.assert_array_equal(monitor.v[0, :3], group_values())


def group_values():
    return [0.0, 0.1, 0.2]


def test_more_rows_than_were_expected():
    """The recorder goes on in memory of its own."""
    recorder = Recorder([(np.dtype(np.float64), 2)])
    memory = np.zeros((3, 2))
    recorder.lend(0, memory)
    assert recorder.borrowed(0) is memory
    recorder.clear()
    assert recorder.borrowed(0) is None


def test_memory_comes_in_pieces(device):
    """Rows of 12 kB, some of them across large pages; a second run goes on behind the first."""
    set_device(device)
    group = NeuronGroup(1500, "v : 1\nn : integer")
    group.run_regularly("v = 1000*t/ms + i; n = i - timestep(t, dt)", when="start")
    monitor = StateMonitor(group, ["v", "n"], record=True)
    network = Network(group, monitor)
    network.run(30 * ms)
    network.run(5.5 * ms)
    steps, neurons = np.arange(355), np.arange(1500)[:, np.newaxis]
    np.testing.assert_allclose(monitor.v, 100 * steps + neurons)
    np.testing.assert_array_equal(monitor.n, neurons - steps)


def test_room():
    array = GrowingArray((2, 3), float, recorded=True)
    array[:] = 1
    room = array.room(5)
    assert room.shape == (5, 3)
    assert not room.any()
    assert array.is_room(room, 2)
    assert not array.is_room(room, 1)
    room[:4] = 2
    array.resize((6, 3))
    assert array.data.sum() == 6 + 24
    assert not array.is_room(room, 6)
    array.set(0)
    array.resize((40, 3))
    assert not array.is_room(room, 2)
    assert len(GrowingArray(0, float).room(0)) == 0
