"""Code whose result depends on the order of its elements.

Brian warns of such code in synapses, and its targets differ: NumPy computes all elements before it
writes any, compiled code takes one element after the other, reads its variables, executes its
statements and writes. The device does what Brian's compiled target, its default, does. The expected
numbers here are computed by hand from that rule.
"""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    linked_var,
    ms,
    set_device,
)

from tests import devices

pytestmark = pytest.mark.skipif(
    devices.DEVICE != "genn", reason="Brian's NumPy target, which 'plain' uses, has another order"
)


@pytest.fixture(autouse=True)
def _on_device(device):
    set_device(device)


def test_update_that_reads_what_it_writes():
    ring = NeuronGroup(3, "dv/dt = (neighbour - v)/ms : 1\nneighbour : 1 (linked)", method="euler")
    ring.neighbour = linked_var(ring, "v", index=np.array([2, 0, 1]))
    ring.v = [1, 2, 4]
    Network(ring).run(0.2 * ms)
    v = [1.0, 2.0, 4.0]
    for _ in range(2):
        for i, neighbour in enumerate([2, 0, 1]):
            v[i] += 0.1 * (v[neighbour] - v[i])
    np.testing.assert_allclose(ring.v, v, rtol=1e-12)


def test_synapses_that_read_what_they_write():
    """Every synapse sees what the synapses before it have added."""
    source = SpikeGeneratorGroup(3, [0, 1, 2], [0.1, 0.1, 0.1] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(source, target, "w : 1", on_pre="v_post += w*(1 + v_post)")
    synapses.connect()
    synapses.w = "0.1 + 0.2*i"
    Network(source, target, synapses).run(0.2 * ms)
    v = 0.0
    for w in (0.1, 0.3, 0.5):
        v += w * (1 + v)
    np.testing.assert_allclose(target.v, [v], rtol=1e-12)


def test_self_connection_that_writes_both_sides():
    """Both sides are read before either is written; the side written last remains.

    As in Brian's compiled code variables are written in the order of their names.
    """
    group = NeuronGroup(1, "v : 1", threshold="v > 1", reset="")
    group.v = 2
    synapses = Synapses(group, group, on_pre="v_pre += 10\nv_post += 1")
    synapses.connect()
    Network(group, synapses).run(0.1 * ms)
    # v_post < v_pre: v_pre is written last
    np.testing.assert_array_equal(group.v, [12])


def test_subexpression_of_what_the_same_code_has_changed():
    """A subexpression of the synapse reads its variables under names of their own, at the start.

    It does not see what event-driven equations or earlier statements have made of them. Brian's
    NumPy target reads them at the place where the subexpression is used.
    """
    source = SpikeGeneratorGroup(1, [0, 0], [0.1, 1.1] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(
        source,
        target,
        "dy/dt = -y/ms : 1 (event-driven)\nx = 1 - y : 1",
        on_pre="y += 0.5\nv_post += x",
    )
    synapses.connect()
    Network(source, target, synapses).run(1.2 * ms)
    y = 0.5  # after the first spike, which has seen y = 0
    np.testing.assert_allclose(target.v, [1 + (1 - y)], rtol=1e-12)
    np.testing.assert_allclose(synapses.y, [0.5 * np.exp(-1) + 0.5], rtol=1e-12)


def test_two_spikes_at_one_synapse_in_one_step():
    """Both count, as in Brian's compiled targets; its NumPy target executes the code once.

    It takes a delay that was changed while a spike was on its way.
    """
    source = SpikeGeneratorGroup(1, [0, 0], [0, 0.3] * ms)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(source, target, "count : integer", on_pre="count += 1\nv_post += 2")
    synapses.connect()
    synapses.delay = "0.4*ms"
    network = Network(source, target, synapses)
    network.run(0.2 * ms)
    synapses.delay = "0.1*ms"
    network.run(0.4 * ms)
    np.testing.assert_array_equal(synapses.count, [2])
    np.testing.assert_array_equal(target.v, [4])
