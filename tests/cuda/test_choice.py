"""Which backend is taken, and what is said if it cannot be had."""

import logging

import pytest
from brian2 import BrianLogger, Network, NeuronGroup, ms, run, set_device
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.backends import choice
from brian2genn.backends.cpu.backend import CpuBackend
from brian2genn.backends.cuda import choice as cuda_choice
from brian2genn.backends.cuda.driver import CudaUnavailable


@pytest.fixture(autouse=True)
def _another_device_afterwards():
    yield
    brian2genn.genn_device.build_options = {}
    set_device("runtime")


@pytest.fixture
def no_gpu(monkeypatch):
    def missing():
        raise CudaUnavailable("There is no NVIDIA driver on this machine (say the tests).")

    monkeypatch.setattr(choice, "find_driver", missing)
    monkeypatch.setattr(choice, "default", "auto")


def test_without_a_gpu_the_processor_is_taken(no_gpu):
    set_device("genn")
    assert isinstance(brian2genn.genn_device.backend, CpuBackend)


def test_asking_for_a_gpu_says_at_once_what_is_missing(no_gpu):
    with pytest.raises(CudaUnavailable, match="no NVIDIA driver"):
        set_device("genn", backend="cuda")


def test_an_unknown_backend_is_refused_at_once():
    with pytest.raises(ValueError, match=r"'opencl'.*'auto', 'cpu', 'cuda'"):
        set_device("genn", backend="opencl")


def test_a_gpu_that_is_usable_is_taken(shim, monkeypatch):
    monkeypatch.setattr(choice, "default", "auto")
    set_device("genn")
    assert brian2genn.genn_device.backend.name == "cuda"
    set_device("genn", backend="cpu")
    group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
    launches = shim.counts["launches"]
    run(1 * ms)
    assert shim.counts["launches"] == launches
    assert group.v[0] == pytest.approx(1)


def test_where_networks_run_is_said_once(shim, monkeypatch):
    monkeypatch.setattr(choice, "default", "auto")
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    with catch_logs(log_level=logging.INFO) as logs:
        for _ in range(2):
            set_device("genn")
            group = NeuronGroup(3, "dv/dt = 1/ms : 1", method="euler")
            Network(group).run(1 * ms)
    said = [text for _level, _name, text in logs if "Networks run on" in text]
    assert said == [f"Networks run on the GPU: {shim.name}."]


def test_what_is_missing_for_a_real_gpu_is_said(monkeypatch):
    """On this machine there may be anything from a GPU to nothing at all."""
    cuda_choice._gpu.cache_clear()
    monkeypatch.setattr(cuda_choice, "_instead", None)
    try:
        driver = cuda_choice.find_driver()
    except CudaUnavailable as missing:
        assert any(
            text in str(missing) for text in ("pip install", "no NVIDIA driver", "NVIDIA GPUs")
        )
    else:
        assert driver.multiprocessors > 0
    cuda_choice._gpu.cache_clear()
