"""Objects of a script go on where they were when another backend runs them."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    set_device,
)


def results(*backends):
    """What a network gives that runs 3.5 ms in each backend, with events on their way between."""
    found = []
    cells = NeuronGroup(
        3, "dv/dt = (1 + i)/ms : 1", threshold="v > 3", reset="v = 0", method="euler"
    )
    links = Synapses(cells, cells, "w : 1", on_pre="v += w; w += 0.01")
    links.connect()
    links.delay = "(1 + i + j)*ms"
    links.w = 0.1
    trace, spikes = StateMonitor(cells, "v", record=True), SpikeMonitor(cells)
    network = Network(cells, links, trace, spikes)
    for backend in backends:
        set_device(*backend[:1], **dict(backend[1:]))
        found += [cells.v[:], links.w[:]]
        network.run(3.5 * ms)
    found += [cells.v[:], links.w[:], trace.v[:], spikes.t[:], spikes.i[:]]
    return [np.array(array) for array in found]


CPU = ("genn", ("backend", "cpu"))
CUDA = ("genn", ("backend", "cuda"))


@pytest.mark.parametrize("backends", [(CUDA, CPU, CUDA), (CPU, CUDA, CPU)])
def test_values_and_events_come_along(shim, backends):
    set_device("runtime")
    expected = results(*[("runtime",)] * 3)
    set_device("genn", backend=dict(backends[0][1:])["backend"])
    for found, right in zip(results(*backends), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)
