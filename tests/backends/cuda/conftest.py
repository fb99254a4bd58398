"""A device that executes CUDA programs on the processor, for these tests."""

import pytest

import brian2genn
from brian2genn.backends.cuda.device import choice
from brian2genn.backends.cuda.run import stepping
from brian2genn.backends.trial import verdict
from tests import devices
from tests.cuda_shim.driver import ShimDriver


@pytest.fixture
def shim():
    """The driver; ``set_device("genn", backend="cuda")`` takes it."""
    driver = ShimDriver()
    choice.use(driver)
    yield driver
    devices.reset()
    choice.use(devices.shim)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where it is kept which devices compute right; nothing is known of any.

    Launches are of several time steps, however slow the machine: some faults are between them.
    """
    monkeypatch.setattr(verdict, "cache_directory", lambda: tmp_path)
    monkeypatch.setattr(stepping, "_PATIENCE", 1000.0)
    return tmp_path


@pytest.fixture
def gpu(folder, monkeypatch):
    """Have a driver taken for the GPU of this machine, of which nothing is known."""
    devices.set_defaults(monkeypatch, backend="auto")

    def be(driver):
        choice.use(driver, checked=True)
        return driver

    yield be
    brian2genn.genn_device.build_options = {}  # what may have been refused
    devices.reset()
    choice.use(devices.shim)
