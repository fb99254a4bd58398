"""Some random networks, always the same; ``make test-property`` draws thousands of others."""

import logging

import pytest

from tests import devices
from tests.random_networks.property import explore

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="compares nothing of the device")


@pytest.fixture(autouse=True)
def _quiet():
    """Random networks give Brian much to warn of."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_agree_with_runtime(seed):
    tally = explore(seed, 10)
    assert tally["with results"] >= 7, tally
