"""A device that executes CUDA programs on the processor, for these tests."""

import pytest

from brian2genn.backends.cuda import choice, ways
from tests import devices
from tests.cuda_shim.driver import ShimDriver


@pytest.fixture
def shim(monkeypatch):
    """The driver; ``set_device("genn", backend="cuda")`` takes it.

    Time steps are executed in all ways in turn, also in short runs.
    """
    monkeypatch.setattr(ways, "STEPS", 3)
    driver = ShimDriver()
    choice.use(driver)
    yield driver
    devices.reset()
    choice.use(devices.shim)
