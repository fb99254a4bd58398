"""Runs in other threads than the main one, and threads that look on."""

import threading
import time

import numpy as np
import pytest
from brian2 import NetworkOperation, ms, second

from tests.faults import networks


def in_thread(function) -> None:
    """Run a function in a thread; what it raises is raised here."""
    errors = []

    def run():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(300)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def test_a_run_in_another_thread():
    expected = networks.reference(5 * ms)
    network = networks.build()
    in_thread(lambda: network.run(3 * ms))
    network.run(2 * ms)
    networks.assert_same(networks.seen(network), expected)


def test_an_error_in_another_thread():
    networks.choose()
    network = networks.build()

    def operation():
        raise ZeroDivisionError

    network.add(NetworkOperation(operation, name="operation"))
    with pytest.raises(ZeroDivisionError):
        in_thread(lambda: network.run(1 * ms))
    network.remove(network["operation"])
    in_thread(lambda: network.run(5 * ms))
    assert len(network["states"].t) == 50 or len(network["states"].t) == 51


def test_looking_on_from_another_thread():
    """What is recorded can be read at any time of a run; it grows, and is never torn."""
    networks.choose()
    network = networks.build(200)
    spikes, states = network["spikes"], network["states"]
    looks = []

    def run():
        while not looks or looks[-1] < 500:
            network.run(0.2 * second)
            if network.t > 20 * second:
                break

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and (not looks or looks[-1] < 500):
        rows = states.variables["v"].get_value()
        looks.append(len(rows))
        assert np.all(np.isfinite(rows))
        assert len(spikes.variables["i"].get_value()) <= spikes.num_spikes
        time.sleep(0.001)
    looks.append(500)
    thread.join(300)
    assert not thread.is_alive()
    assert len(set(looks)) > 2
    assert np.all(np.diff(looks[:-1]) >= 0)
    total = network.t
    result = networks.seen(network)
    networks.choose()
    alone = networks.build(200)
    alone.run(total)
    networks.assert_same(result, networks.seen(alone))


def test_a_reader_does_not_wait_for_the_end():
    """The program gives way to a thread that wants to read."""
    networks.choose()
    network = networks.build(5, dt=10 * ms)
    thread = threading.Thread(target=lambda: network.run(100_000 * second))
    thread.start()
    while network["spikes"].num_spikes == 0:
        time.sleep(0.001)
    begin = time.monotonic()
    for _ in range(10):
        assert len(network["states"].t) >= 0
    assert time.monotonic() - begin < 30
    network.stop()
    thread.join(60)
    assert not thread.is_alive()
    assert 0 < network.t_ < 100_000


def test_stop_from_another_thread():
    networks.choose()
    network = networks.build(5, dt=10 * ms)

    def report(elapsed, completed, start, duration):
        if completed == 0:
            threading.Timer(0.2, network.stop).start()

    network.run(100_000 * second, report=report)
    assert 0 < network.t_ < 100_000
    network.run(1 * ms)
