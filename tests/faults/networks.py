"""A small network with all that a run touches, and what can be seen of it."""

from functools import cache

import numpy as np
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

from tests import devices


def choose(device: str = devices.DEVICE) -> None:
    """Start anew on a device."""
    set_device(device)
    prefs.codegen.target = "numpy"
    start_scope()


def build(n: int = 20, **options) -> Network:
    """Deterministic: cells that fire, delayed synapses, monitors."""
    cells = NeuronGroup(
        n,
        "dv/dt = (1.2 + 0.01*i - v)/(2*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        name="cells",
    )
    links = Synapses(cells, cells, on_pre="v_post += 0.01", delay=0.7 * ms, name="links")
    links.connect(j="(i + 1) % N_post")
    spikes = SpikeMonitor(cells, name="spikes")
    states = StateMonitor(cells, "v", record=True, name="states", **options)
    return Network(cells, links, spikes, states)


def seen(network: Network) -> dict[str, np.ndarray]:
    """Copies of the values and of all that was recorded."""
    spikes, states = network["spikes"], network["states"]
    return {
        "t": np.array(network.t_),
        "v": np.array(network["cells"].v),
        "spike times": np.array(spikes.t_),
        "spike indices": np.array(spikes.i),
        "counts": np.array(spikes.count),
        "times": np.array(states.t_),
        "states": np.array(states.v),
    }


def assert_same(result: dict, reference: dict) -> None:
    """Times and indices to the bit, values up to rounding."""
    for name, value in reference.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-9, err_msg=name)


@cache
def _reference(seconds: float) -> dict[str, np.ndarray]:
    choose("runtime")
    network = build()
    network.run(seconds * second)
    return seen(network)


def reference(duration) -> dict[str, np.ndarray]:
    """What Brian's runtime gives; the device is chosen after it."""
    result = _reference(float(duration))
    choose()
    return result


def run_here(duration) -> dict[str, np.ndarray]:
    """Build a network in this process, run it on the device, and look at it."""
    choose()
    network = build()
    network.run(duration)
    return seen(network)


def worker(number: int) -> dict[str, np.ndarray]:
    """A job for a pool of processes; nothing but a number has to be pickled."""
    devices.register()
    return run_here(number * ms)
