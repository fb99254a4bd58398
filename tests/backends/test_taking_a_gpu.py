"""What a script gets on a machine with a GPU, what it is told, and what forked processes do."""

import logging

import numpy as np
import pytest
from brian2 import (
    BrianLogger,
    Network,
    NetworkOperation,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.backends.cuda.device.driver import CudaUnavailable, Meeting
from brian2genn.backends.host import toolchain
from brian2genn.backends.trial.attempt import NothingToCompare
from brian2genn.backends.trial.verdict import verdict
from tests import devices
from tests.cuda_shim.driver import ShimDriver
from tests.cuda_shim.faults import FailingDriver, FaultyDriver
from tests.faults.processes import in_fork


@pytest.fixture(autouse=True)
def _nothing_was_said(monkeypatch):
    monkeypatch.setattr(BrianLogger, "_log_messages", set())


def messages(function) -> list[tuple[str, str]]:
    """Level and text of what the device says."""
    with catch_logs(log_level=logging.INFO) as logs:
        function()
    return [(level, text) for level, name, text in logs if name.startswith("brian2.devices.genn")]


# -- what a script gets and what it is told ------------------------------------------------


def small_run() -> NeuronGroup:
    group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
    Network(group).run(1 * ms)
    assert group.v[0] == pytest.approx(1)
    return group


def backend_name() -> str:
    return brian2genn.genn_device.backend.name


def test_a_right_gpu_is_taken_and_that_is_said_once(gpu, folder):
    driver = gpu(ShimDriver())

    def script():
        for _ in range(2):
            set_device("genn")
            small_run()

    assert messages(script) == [("INFO", f"Networks run on the GPU: {driver.name}.")]
    assert backend_name() == "cuda"
    assert len(list(folder.glob("gpu-*.json"))) == 1
    assert "the same results there as on the processor" in str(brian2genn.explain())


def test_a_wrong_gpu_is_not_taken_and_that_is_said_once(gpu):
    gpu(FaultyDriver("exp is single"))

    def script():
        for _ in range(2):
            set_device("genn")
            small_run()

    ((level, text),) = messages(script)
    assert level == "WARNING"
    for part in ("computes something else", "wrong values", "Please report", ".json", "processor."):
        assert part in text
    assert backend_name() == "cpu"
    explained = str(brian2genn.explain())
    assert "Networks run on this machine's processor." in explained
    assert "wrong values" in explained


@pytest.mark.parametrize(
    ("fault", "left_out"),
    [
        ("in one kernel of a cluster, queues stay where they are", [Meeting.CLUSTER]),
        (
            "in one kernel for many steps, queues stay where they are",
            [Meeting.MEMORY, Meeting.CLUSTER],
        ),
    ],
)
def test_what_is_wrong_with_one_way_is_left_out(gpu, monkeypatch, fault, left_out):
    """The second time, it is remembered."""
    for _ in range(2):
        devices.reset()
        driver = gpu(FaultyDriver(fault))
        monkeypatch.setattr(BrianLogger, "_log_messages", set())
        ((level, text), *_) = messages(lambda: (set_device("genn"), small_run()))
        assert level == "WARNING"
        assert "computes something else" in text
        for way in Meeting:
            assert (f"'{way.value}'" in text.partition("used, without")[2]) == (way in left_out)
        assert backend_name() == "cuda"
        assert "used, without" in str(brian2genn.explain())
        used = brian2genn.genn_device.backend.rules.meetings
        assert set(used) == set(driver.rules.meetings) - set(left_out)


def test_insisting_on_a_wrong_gpu_is_an_error(gpu):
    """Before a network runs; when it is remembered, at once."""
    gpu(FaultyDriver("exp is single"))
    wrong = r"(?s)wrong values .*backend='cpu'"
    set_device("genn", backend="cuda")
    with pytest.raises(CudaUnavailable, match=wrong):
        small_run()
    with pytest.raises(CudaUnavailable, match=wrong):
        small_run()
    with pytest.raises(CudaUnavailable, match=wrong):
        set_device("genn", backend="cuda")


def test_a_gpu_that_fails_is_not_taken(gpu):
    gpu(FailingDriver())
    ((level, text),) = messages(lambda: (set_device("genn"), small_run()))
    assert level == "WARNING"
    assert "an illegal address" in text
    assert backend_name() == "cpu"
    set_device("genn", backend="cuda")
    for _ in range(2):
        with pytest.raises(CudaUnavailable, match="an illegal address"):
            small_run()


def test_without_a_c_compiler_nothing_can_be_compared(gpu, monkeypatch):
    def none():
        raise toolchain.ToolchainError("No working C compiler (say the tests).")

    monkeypatch.setattr(toolchain, "find", none)
    gpu(ShimDriver())
    with pytest.raises(NothingToCompare):
        verdict(ShimDriver())
    for arguments, backend in (({}, "cpu"), ({"backend": "cuda"}, "cuda")):
        monkeypatch.setattr(BrianLogger, "_log_messages", set())

        def script(arguments=arguments):
            set_device("genn", **arguments)
            backend_name()

        ((level, text),) = messages(script)
        assert (level, backend_name()) == ("WARNING", backend)
        assert "No working C compiler" in text


# -- processes -----------------------------------------------------------------------------


def plastic_network() -> Network:
    seed(4)
    group = NeuronGroup(
        60, "dv/dt = (1.3 - v)/(5*ms) + 0.2*xi/ms**0.5 : 1", threshold="v > 1", reset="v = 0",
        method="euler", name="cells",
    )  # fmt: skip
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w; w += 0.01", name="links")
    synapses.connect(p=0.2)
    synapses.delay = "rand()*3*ms"
    return Network(group, synapses, SpikeMonitor(group, name="spikes"))


def seen(network: Network) -> list[np.ndarray]:
    cells, links, spikes = (network[name] for name in ("cells", "links", "spikes"))
    return [np.array(x) for x in (cells.v, links.w, spikes.i, spikes.t)]


def test_a_forked_process_goes_on_with_a_network_on_the_processor(gpu):
    """With the values that are on the GPU, and the spikes that are in flight."""
    gpu(ShimDriver())
    set_device("genn")
    network = plastic_network()
    network.run(8 * ms)
    assert backend_name() == "cuda"

    def go_on():
        inherited = seen(network)
        said = messages(lambda: network.run(4 * ms))
        return inherited, seen(network), said, backend_name()

    inherited, later, said, backend = in_fork(go_on)
    for found, expected in zip(inherited, seen(network), strict=True):
        np.testing.assert_array_equal(found, expected)
    ((level, text),) = said
    assert (level, backend) == ("WARNING", "cpu")
    assert "forked" in text
    assert "spawn" in text
    network.run(4 * ms)
    for found, expected in zip(later, seen(network), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("arguments", [{}, {"backend": "cuda"}])
def test_a_forked_process_makes_networks_of_its_own(gpu, arguments):
    gpu(ShimDriver())
    set_device("genn", **arguments)
    network = plastic_network()
    network.run(8 * ms)

    def own():
        mine = plastic_network()
        mine.run(8 * ms)
        return seen(mine), backend_name()

    (found, backend), (again, _) = in_fork(own, own)
    assert backend == "cpu"
    for results in (found, again):
        for one, other in zip(results, seen(network), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_a_process_that_was_forked_before_opens_the_gpu_itself(gpu):
    gpu(ShimDriver())
    set_device("genn")

    def own():
        small_run()
        return backend_name()

    assert in_fork(own, own) == ["cuda", "cuda"]


def test_a_fork_in_the_middle_of_a_run(gpu):
    gpu(ShimDriver())
    set_device("genn")
    network = plastic_network()
    children = []

    def operation(t):
        if abs(np.asarray(t).item() - 0.004) < 1e-9:
            children.append((in_fork(lambda: seen(network)), seen(network)))

    network.add(NetworkOperation(operation, dt=1 * ms, name="forks"))
    network.run(8 * ms)
    ((there, here),) = children
    for one, other in zip(there, here, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_goes_on_after_another_backend_was_chosen(gpu):
    """To the processor and back; what is in flight arrives."""
    gpu(ShimDriver())
    set_device("genn", backend="cpu")
    expected = plastic_network()
    expected.run(9 * ms)
    set_device("genn")
    network = plastic_network()
    for backend in ("cuda", "cpu", "auto"):
        set_device("genn", backend=backend)
        network.run(3 * ms)
    for one, other in zip(seen(network), seen(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
