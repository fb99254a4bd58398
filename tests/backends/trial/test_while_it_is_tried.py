"""A script goes on while compilers are at work on the trial; the GPU computes nothing for it."""

import logging

import numpy as np
import pytest
from brian2 import (
    BrianLogger,
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.backends.cuda import setup
from brian2genn.backends.cuda.device.driver import CudaUnavailable
from brian2genn.backends.trial.attempt import Attempt
from tests import devices
from tests.cuda_shim.driver import ShimDriver
from tests.cuda_shim.faults import FaultyDriver
from tests.faults.processes import in_fork

WRONG = "exp is single"


@pytest.fixture(autouse=True)
def _nothing_was_said(monkeypatch):
    monkeypatch.setattr(BrianLogger, "_log_messages", set())


def plastic_network() -> Network:
    seed(4)
    group = NeuronGroup(
        60, "dv/dt = (1.3 - v)/(5*ms) + 0.2*xi/ms**0.5 : 1", threshold="v > 1", reset="v = 0",
        method="euler", name="cells*",
    )  # fmt: skip
    group.v = "rand()"
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w; w += 0.01", name="links*")
    synapses.connect(p=0.2)
    synapses.delay = "rand()*3*ms"
    synapses.w = "0.1*rand()"
    return Network(group, synapses, SpikeMonitor(group, name="spikes*"))


def seen(network: Network) -> list[np.ndarray]:
    cells, links, spikes = sorted(network.objects, key=lambda obj: obj.name)[:3]
    return [np.array(x) for x in (cells.v, links.w, links.i, links.delay, spikes.i, spikes.t)]


def on_the_processor() -> list[np.ndarray]:
    set_device("genn", backend="cpu")
    network = plastic_network()
    network.run(8 * ms)
    return seen(network)


@pytest.mark.parametrize("arguments", [{}, {"backend": "cuda"}])
def test_nothing_is_computed_before_the_verdict(gpu, folder, arguments):
    expected = on_the_processor()
    driver = gpu(ShimDriver())
    set_device("genn", **arguments)
    network = plastic_network()
    chosen = brian2genn.genn_device._chosen
    assert chosen.get().name == "cuda"
    assert not chosen.is_final
    assert "being found out" in chosen.explanation()
    assert driver.counts["launches"] == 0
    assert not driver._memory
    assert list(folder.glob("gpu-*.json")) == []
    network.run(8 * ms)
    assert len(list(folder.glob("gpu-*.json"))) == 1
    assert chosen.get().name == "cuda"
    assert "the same results there as on the processor" in str(brian2genn.explain())
    for found, right in zip(seen(network), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)


def test_a_network_is_compiled_before_the_verdict(gpu, monkeypatch):
    """It has not to wait for its turn."""
    driver = gpu(ShimDriver())
    begun = []
    driver.compile_ahead = lambda text, *, exact=False: begun.append(text)
    differences = Attempt.differences

    def executed(self, patience):
        # those of the trial and of its set-up code, two each, what looks at values, and the network
        assert len(set(begun)) == 6
        return differences(self, patience)

    monkeypatch.setattr(Attempt, "differences", executed)
    set_device("genn", backend="cuda")
    network = plastic_network()
    assert len(set(begun)) == 5
    network.run(1 * ms)
    assert brian2genn.genn_device.backend.name == "cuda"
    # the next one is compiled at once, and where it is needed
    NeuronGroup(2, "dv/dt = -v/(7*ms) : 1", method="exact")
    plastic_network().run(1 * ms)
    assert len(set(begun)) == 6


def test_memory_of_the_gpu_is_closed_until_then(gpu):
    gpu(ShimDriver())
    set_device("genn", backend="cuda")
    backend = brian2genn.genn_device._chosen.get()
    with pytest.raises(RuntimeError, match="not known yet"):
        backend.memory.constant(np.zeros(3))
    assert brian2genn.genn_device.backend is backend  # who asks for it waits
    backend.memory.constant(np.zeros(3))


def test_objects_that_were_made_for_a_wrong_gpu_run_on_the_processor(gpu):
    expected = on_the_processor()
    gpu(FaultyDriver(WRONG))
    set_device("genn")
    network = plastic_network()
    assert brian2genn.genn_device._chosen.get().name == "cuda"
    with catch_logs(log_level=logging.INFO) as logs:
        network.run(8 * ms)
    said = [(level, text) for level, name, text in logs if name.startswith("brian2.devices.genn")]
    ((level, text),) = said
    assert level == "WARNING"
    assert "computes something else" in text
    assert brian2genn.genn_device.backend.name == "cpu"
    for found, right in zip(seen(network), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_after_an_error_the_objects_go_on_with_another_backend(gpu):
    expected = on_the_processor()
    gpu(FaultyDriver(WRONG))
    set_device("genn", backend="cuda")
    network = plastic_network()
    with pytest.raises(CudaUnavailable, match="wrong values"):
        network.run(8 * ms)
    set_device("genn", backend="cpu")
    network.run(8 * ms)
    for found, right in zip(seen(network), expected, strict=True):
        np.testing.assert_array_equal(found, right)


def test_a_process_that_is_forked_meanwhile(gpu):
    """What is being compiled is waited for; the new process has a GPU that it cannot use."""
    gpu(ShimDriver())
    set_device("genn", backend="cuda")
    network = plastic_network()

    def go_on():
        network.run(8 * ms)
        return seen(network), brian2genn.genn_device.backend.name

    found, backend = in_fork(go_on)
    assert backend == "cpu"
    network.run(8 * ms)
    assert brian2genn.genn_device.backend.name == "cuda"
    for one, other in zip(found, seen(network), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("worth_waiting", "launched"), [(1 << 28, False), (100, True)])
def test_set_up_code_waits_only_where_that_is_worth_it(gpu, monkeypatch, worth_waiting, launched):
    monkeypatch.setattr(setup, "_WORTH_WAITING", worth_waiting)
    driver = gpu(ShimDriver())
    devices.set_defaults(monkeypatch, backend="auto", setup_from=100)
    set_device("genn", backend="cuda")
    group = NeuronGroup(50, "v : 1")
    synapses = Synapses(group, group)
    synapses.connect(p=0.2)
    assert (driver.counts["launches"] > 0) == launched


@pytest.mark.parametrize("backend", ["auto", "cuda"])
def test_set_up_code_that_has_waited_for_a_wrong_gpu(gpu, monkeypatch, backend):
    monkeypatch.setattr(setup, "_WORTH_WAITING", 100)
    devices.set_defaults(monkeypatch, backend="auto", setup_from=100)
    gpu(FaultyDriver(WRONG))
    set_device("genn", backend=backend)
    if backend == "cuda":
        with pytest.raises(CudaUnavailable, match="wrong values"):
            plastic_network()
        return
    network = plastic_network()
    network.run(8 * ms)
    assert brian2genn.genn_device.backend.name == "cpu"
    found = seen(network)
    for one, right in zip(found, on_the_processor(), strict=True):
        np.testing.assert_array_equal(one, right)
