"""The real GPU, whatever the other tests run on."""

import pytest
from brian2 import set_device

from brian2genn.backends.cuda import choice
from tests import devices


@pytest.fixture(autouse=True)
def driver():
    """Its driver; ``set_device("genn", backend="cuda")`` takes it."""
    choice.use(None)
    yield choice.find_driver()
    set_device("runtime")
    choice.use(devices.shim)
