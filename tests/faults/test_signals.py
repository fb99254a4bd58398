"""Signals in the middle of a run; Ctrl-C has tests of its own in test_interruptions.py."""

import os
import signal
import sys
import threading
import time

import numpy as np
import pytest
from brian2 import Network, NetworkOperation, ms, prefs, second

from brian2genn.runtime.run import recordings
from tests.faults import networks
from tests.faults.processes import in_fork

LONG = 10_000 * second


class Interruption(Exception):
    """What a handler raises."""


@pytest.fixture
def handle():
    """Set handlers of signals for a test."""
    before = {}

    def set_handler(number, handler):
        before[number] = signal.signal(number, handler)

    yield set_handler
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: int, enough=lambda: True):
    """A report function that sends signals to this process once the loop has begun."""

    def kill():
        os.kill(os.getpid(), number)
        while not enough():
            time.sleep(0.03)
            os.kill(os.getpid(), number)

    def report(elapsed, completed, start, duration):
        if completed == 0:
            threading.Timer(0.2, kill).start()

    return report


def small() -> Network:
    """A network whose monitor does not grow much."""
    networks.choose()
    return networks.build(5, dt=10 * ms)


def check_goes_on(network: Network) -> None:
    """What was cut short is whole, and the network ends where it would have without."""
    result = networks.seen(network)
    assert 0 < result["t"] < float(LONG)
    assert len(result["spike times"]) == len(result["spike indices"]) == np.sum(result["counts"])
    assert result["states"].shape[1] == len(result["times"])
    network.run(20 * ms)
    result = networks.seen(network)
    total = network.t
    uninterrupted = small()
    uninterrupted.run(total)
    networks.assert_same(result, networks.seen(uninterrupted))


def test_a_handler_that_returns(handle):
    """It is called while the run goes on, each time."""
    calls = []
    handle(signal.SIGUSR1, lambda number, frame: calls.append(number))
    network = small()
    calls_at_the_end = []

    def report(elapsed, completed, start, duration):
        if len(calls) >= 3:
            calls_at_the_end.append(completed)
            network.stop()
        elif completed == 0:
            send(signal.SIGUSR1, lambda: len(calls) >= 3)(elapsed, completed, start, duration)

    network.run(LONG, report=report, report_period=20 * ms)
    assert len(calls) >= 3 and set(calls) == {signal.SIGUSR1}
    assert calls_at_the_end[0] < 1
    check_goes_on(network)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM, signal.SIGALRM])
def test_a_handler_that_raises(handle, number):
    """A time limit, or an orderly end: the error comes out, and nothing is lost."""

    def handler(number, frame):
        raise Interruption

    handle(number, handler)
    network = small()
    with pytest.raises(Interruption):
        network.run(LONG, report=send(number))
    check_goes_on(network)


def test_sigterm_without_a_handler():
    """The process ends at once, as the signal's sender expects."""

    def run():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        small().run(LONG, report=send(signal.SIGTERM))

    begin = time.monotonic()
    with pytest.raises(EOFError):
        in_fork(run)
    assert time.monotonic() - begin < 60


def test_sigchld_of_a_process_that_ends(handle):
    """Signals that interrupt system calls disturb nothing."""
    calls = []
    handle(signal.SIGCHLD, lambda number, frame: calls.append(number))
    network = small()

    def report(elapsed, completed, start, duration):
        if completed == 0:
            threading.Timer(
                0.1, lambda: os.waitpid(os.spawnlp(os.P_NOWAIT, "true", "true"), 0)
            ).start()
        elif calls:
            network.stop()

    network.run(LONG, report=report, report_period=20 * ms)
    assert calls
    check_goes_on(network)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Interruption, MemoryError])
@pytest.mark.parametrize("when", ["start", "thresholds", "end"])
def test_an_operation_that_raises(error, when):
    """As under Brian's runtime: the time is that step's, and the next run repeats the step."""
    prefs.core.stop_on_keyboard_interrupt = False

    def run(device: str):
        networks.choose(device)
        network = networks.build()
        armed = [True]

        def operation(t):
            if armed[0] and abs(np.asarray(t).item() - 0.0021) < 1e-9:
                armed[0] = False
                raise error

        network.add(NetworkOperation(operation, when=when, order=-1, name="operation"))
        with pytest.raises(error):
            network.run(5 * ms)
        stopped = networks.seen(network)
        assert stopped["t"] == pytest.approx(0.0021)
        network.run(3 * ms)
        return stopped, networks.seen(network)

    for result, reference in zip(run(networks.devices.DEVICE), run("runtime"), strict=True):
        networks.assert_same(result, reference)


def test_an_error_in_a_report():
    networks.choose()
    network = networks.build(5, dt=10 * ms)

    def report(elapsed, completed, start, duration):
        if 0 < completed < 1:
            raise Interruption

    with pytest.raises(Interruption):
        network.run(LONG, report=report, report_period=20 * ms)
    check_goes_on(network)


@pytest.mark.parametrize("event", range(1, 60, 5))
def test_rows_are_handed_over_once_wherever_it_is_interrupted(event):
    """Handlers of signals are called between calls of functions: at any of them no row is lost,
    and none comes twice."""
    expected = networks.reference(2 * ms)
    network = networks.build()
    left = [event]
    code = {recordings.Recording._hand_over.__code__, recordings.Recording.hand_over.__code__}

    def interrupt(frame, kind, argument):
        if kind != "c_call" and {frame.f_code, frame.f_back and frame.f_back.f_code} & code:
            left[0] -= 1
            if left[0] == 0:
                sys.setprofile(None)
                raise Interruption

    before = sys.getprofile()
    sys.setprofile(interrupt)
    try:
        with pytest.raises(Interruption):
            network.run(2 * ms)
    finally:
        sys.setprofile(before)
    networks.assert_same(networks.seen(network), expected)
