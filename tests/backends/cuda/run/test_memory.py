"""What does not fit into the device's memory, and what `explain` tells of it."""

import re

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, Synapses, ms, set_device

import brian2genn
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from brian2genn.backends.cuda.run.options import only
from tests import devices

pytestmark = pytest.mark.usefixtures("device_is_cuda")

MIB = 2**20


@pytest.fixture
def device_is_cuda(shim, monkeypatch):
    monkeypatch.setattr("brian2genn.backends.cuda.memory.recorder._BYTES", 1000)
    set_device("genn", backend="cuda")


def network(n: int = 1000):
    group = NeuronGroup(
        n, "dv/dt = (1.1 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
        method="exact", name="cells",
    )  # fmt: skip
    group.v = np.linspace(0, 1, n)
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w", name="links")
    synapses.connect(j="k for k in range(i - 300, i + 300)", skip_if_invalid=True)
    synapses.w = 1e-5
    return Network(group, synapses, SpikeMonitor(group, name="spikes"))


def test_too_little_memory_is_said_with_the_figures(shim):
    net = network()
    shim.total_memory = 4 * MIB
    with pytest.raises(MemoryError) as raised:
        net.run(1 * ms)
    text = str(raised.value)
    n_synapses = len(net["links"])
    needed = float(re.search(r"It needs ([\d.]+) MiB", text)[1])
    # weights, targets, and a few small things
    assert 12 * n_synapses / MIB < needed < 20 * n_synapses / MIB
    available = float(re.search(r"([\d.]+) MiB of the 4.0 MiB of .* are available", text)[1])
    assert 3.5 < available <= 4
    assert f"Most is for 'w' of 'links' {8 * n_synapses / MIB:.1f} MiB" in text
    assert "set_device('genn', backend='cpu')" in text


def test_after_that_a_smaller_network_runs_and_the_same_one_where_there_is_room(shim):
    net = network()
    shim.total_memory = 4 * MIB
    with pytest.raises(MemoryError):
        net.run(1 * ms)
    small = NeuronGroup(10, "dv/dt = 1/ms : 1", method="euler")
    Network(small).run(1 * ms)
    assert np.allclose(small.v, 1)
    shim.total_memory = 100 * MIB
    net.run(1 * ms)
    assert net.t == 1 * ms
    assert net["spikes"].num_spikes > 0


def test_a_monitor_that_does_not_fit_is_said(shim):
    group = NeuronGroup(100_000, "v : 1", name="cells")
    net = Network(group, StateMonitor(group, "v", record=True, name="all_values"))
    shim.total_memory = 10 * MIB
    with pytest.raises(MemoryError, match="Most is for the rows of the state monitor 'all_values'"):
        net.run(1 * ms)


def test_memory_is_given_back(shim, monkeypatch):
    # where blocks own targets there are more arrays, and the fastest way is another now and then
    devices.set_execution(monkeypatch, candidates=only(LaunchPlan()))
    set_device("genn", backend="cuda")
    net = network()
    net.run(0.5 * ms)
    taken = shim.total_memory - shim.memory()[0]
    assert taken > 12 * len(net["links"])
    for _ in range(3):
        net.run(0.5 * ms)
    assert shim.total_memory - shim.memory()[0] < taken + 100_000


def test_explain_tells_the_memory_and_the_occupancy(shim):
    net = network()
    net.run(0.5 * ms)
    text = str(brian2genn.explain())
    assert "registers, occupancy 50% (1 blocks of 64 threads" in text
    found = re.search(r"takes ([\d.]+) MiB of the GPU's memory \(variables ([\d.]+) MiB,", text)
    assert float(found[1]) >= float(found[2]) > 12 * len(net["links"]) / MIB
    assert re.search(r"[\d,.]+ MiB of [\d,.]+ MiB are free", text)
    assert "At the beginning of the next time step, because that saves a kernel: reset" in text
