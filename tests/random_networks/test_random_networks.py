"""Some random networks, always the same; ``make test-property`` draws thousands of others."""

import logging
import os
from collections import Counter

import pytest

from tests import devices
from tests.random_networks.property import Found, explore
from tests.random_networks.run import quick_compiler

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="compares nothing of the device")

#: A sanitizer is there to see what bad input does.
HOSTILE = 40 if "-fsanitize" in os.environ.get("BRIAN2GENN_CFLAGS", "") else 5


@pytest.fixture(autouse=True)
def _quiet():
    """Random networks give Brian much to warn of."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def well(found: Found) -> Counter:
    assert not found.failures, "\n\n".join(found.failures)
    return found.tally


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(3))
def test_agree_with_runtime(seed):
    tally = well(explore(seed, 5, hostile=0, shrinking=0))
    assert tally["with results"] >= 3, tally


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(4))
def test_hostile_networks_agree_or_are_refused(seed, monkeypatch, tmp_path):
    if compiler := quick_compiler(tmp_path):
        monkeypatch.setenv("CC", compiler)
    well(explore(seed, HOSTILE, hostile=100, shrinking=0))
