"""Preferences of Brian's other devices: accepted, and said once to do nothing."""

import logging

import pytest
from brian2 import BrianLogger, Network, NeuronGroup, ms, prefs, set_device
from brian2.utils.logger import catch_logs

from brian2genn.runtime.activation import foreign
from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="tests this device")


@pytest.fixture
def put_back():
    """The preferences as they were."""
    names = [
        f"{category}.{name}"
        for category in foreign._CATEGORIES
        for name in prefs.pref_register[category][0]
    ]
    before = {name: prefs[name] for name in names}
    yield
    for name, value in before.items():
        prefs[name] = value


def said(monkeypatch) -> list[str]:
    """What is said of preferences in two runs."""
    monkeypatch.setattr(BrianLogger, "_log_messages", set())
    set_device("genn", backend="cpu")
    with catch_logs(log_level=logging.INFO) as logs:
        for number in range(2):
            group = NeuronGroup(number + 1, f"dv/dt = -v/({number + 3}*ms) : 1", method="euler")
            Network(group).run(0.1 * ms)
    return [text for _level, name, text in logs if "foreign" in name]


def test_nothing_is_said_where_nothing_is_set(put_back, monkeypatch):
    assert said(monkeypatch) == []


def test_preferences_of_cpp_standalone_and_brian2cuda(put_back, monkeypatch):
    prefs.devices.cpp_standalone.openmp_threads = 4
    prefs.devices.cuda_standalone.parallel_blocks = 1
    prefs["devices.cuda_standalone.cuda_backend.gpu_id"] = 1
    threads, blocks, card = said(monkeypatch)
    assert "openmp_threads' is of another device" in threads and "threads=..." in threads
    assert "parallel_blocks'" in blocks and "Instead" not in blocks
    assert "Instead: CUDA_VISIBLE_DEVICES" in card


def test_where_brian2cuda_is_there_it_registers_them_itself(monkeypatch):
    monkeypatch.setattr(foreign, "find_spec", lambda name: object())
    monkeypatch.setattr(type(prefs), "register_preferences", None)
    foreign.accept_preferences()
