"""Numbers below the smallest normal one are 0 in the time loop, in all its threads, only there."""

import ctypes

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, defaultclock, ms, network_operation, set_device

from brian2genn.backends.host.structures import support
from tests import devices

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="of the processor's backend")

SMALLEST = 5e-324


@ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32)
def nothing(work, part, parts):
    """Give threads that are started for it no other way to compute."""


@pytest.mark.parametrize("operations", [False, True])
@pytest.mark.parametrize("threads", [1, 7])
def test_what_decays_comes_to_nothing(threads, operations, monkeypatch):
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True))
    set_device(devices.DEVICE, threads=threads)
    support().b2g_together(ctypes.cast(nothing, ctypes.c_void_p), None, threads)
    group = NeuronGroup(200_000, "dx/dt = -x/(1*ms) : 1", method="exact")
    synapses = Synapses(group, group, "dy/dt = -y/(1*ms) : 1 (clock-driven)", method="exact")
    synapses.connect(j="i")
    group.x = synapses.y = 1e-306

    @network_operation(when="end")
    def look():
        # what Brian runs computes as ever
        assert np.all(np.full(100, SMALLEST) * 1 != 0)

    network = Network([group, synapses, look] if operations else [group, synapses])
    network.run(3 * ms)
    np.testing.assert_allclose(group.x[:], 1e-306 * np.exp(-3), rtol=1e-9)
    network.run(2 * ms)
    assert not np.any(group.x[:])
    assert not np.any(synapses.y[:])
    look.function()


def test_infinity_and_nan_keep_their_meaning():
    set_device(devices.DEVICE)
    group = NeuronGroup(3, "x : 1\ny : 1")
    group.x = [np.inf, np.nan, SMALLEST]
    group.run_regularly("y = 1/x")
    Network(group, *group.contained_objects).run(defaultclock.dt)
    np.testing.assert_array_equal(group.y[:], [0, np.nan, np.inf])
    assert group.x[2] == SMALLEST  # what nobody writes stays as it is
