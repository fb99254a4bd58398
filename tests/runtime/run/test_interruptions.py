"""Ctrl-C during a run."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    prefs,
    second,
    set_device,
    start_scope,
)


@pytest.fixture(autouse=True)
def _on_device(device):
    set_device(device)
    prefs.codegen.target = "numpy"


def interrupted_network() -> dict:
    """Deterministic, busy enough for a long run, with monitors that grow slowly."""
    group = NeuronGroup(
        500,
        "dv/dt = (1.2 + 0.001*i - v)/(5*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        name="cells",
    )
    synapses = Synapses(group, group, on_pre="v_post += 0.01", delay=1.5 * ms, name="links")
    synapses.connect(j="(i + 1) % N_post")
    return {
        "group": group,
        "synapses": synapses,
        "spikes": SpikeMonitor(group[:3], name="spikes"),
        "states": StateMonitor(group, "v", record=[0], dt=10 * ms, name="states"),
    }


LONG = 10000 * second


def interrupt_once(elapsed, completed, start, duration):
    """A report callback that sends Ctrl-C soon after the loop has begun."""
    if completed == 0:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()


def check_monitors(network: Network, objects: dict) -> None:
    """What a run that was cut short has recorded is whole up to its time."""
    spikes, states = objects["spikes"], objects["states"]
    assert 0 < network.t_ < float(LONG)
    assert len(spikes.i) == len(spikes.t) == spikes.num_spikes > 0
    assert np.sum(spikes.count) == spikes.num_spikes
    assert np.all(np.diff(spikes.t_) >= 0)
    assert np.max(spikes.t_) <= network.t_ + 1e-4
    assert states.v.shape == (1, len(states.t))
    assert np.all(np.diff(states.t_[:]) > 0)
    assert np.all(np.isfinite(objects["group"].v))


def test_ctrl_c_stops_after_the_step():
    """By default Brian turns Ctrl-C into `stop`; the next run goes on as if nothing had been."""
    objects = interrupted_network()
    network = Network(objects)
    begin = time.monotonic()
    network.run(LONG, report=interrupt_once)
    assert time.monotonic() - begin < 30
    check_monitors(network, objects)
    network.run(20 * ms)
    total = network.t

    start_scope()
    reference = interrupted_network()
    Network(reference).run(total)
    np.testing.assert_allclose(objects["group"].v, reference["group"].v, rtol=1e-9)
    for name in ("spikes", "states"):
        np.testing.assert_array_equal(objects[name].t, reference[name].t)
    np.testing.assert_array_equal(objects["spikes"].i, reference["spikes"].i)


def test_ctrl_c_as_an_exception_leaves_a_usable_state():
    prefs.core.stop_on_keyboard_interrupt = False
    objects = interrupted_network()
    network = Network(objects)
    with pytest.raises(KeyboardInterrupt):
        network.run(LONG, report=interrupt_once)
    check_monitors(network, objects)
    stopped = network.t_
    network.run(20 * ms)
    assert network.t_ == pytest.approx(stopped + 0.02, abs=1e-9)
    assert np.max(objects["spikes"].t_) > stopped
    network.store()
    network.restore()


def test_ctrl_c_before_and_after_a_run_is_pythons_own():
    """The handler the user had is there again after a run, also after one that failed."""
    before = signal.getsignal(signal.SIGINT)
    group = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    network = Network(group)
    network.run(1 * ms)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ValueError):
        network.run(-1 * ms)
    assert signal.getsignal(signal.SIGINT) is before
