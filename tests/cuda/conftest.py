"""A device that executes CUDA programs on the processor, for these tests."""

import pytest

from brian2genn.backends.cuda import choice
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
