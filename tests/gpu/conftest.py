"""The real GPU, whatever the other tests run on, and whether it would be taken or not."""

import pytest
from brian2 import set_device

from brian2genn.backends.cuda.device import choice
from tests import devices


@pytest.fixture(autouse=True)
def driver():
    """Its driver; ``set_device("genn", backend="cuda")`` takes it."""
    devices.use(None)
    driver = choice.find_driver()
    devices.use(driver)
    yield driver
    set_device("runtime")
    devices.use(devices.shim)
