"""Synapses with exponentials: several are computed at once, and add to neurons in their order."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    defaultclock,
    ms,
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

PLASTIC = """
w : 1
da/dt = -a/(3*ms) : 1 (event-driven)
db/dt = (1 - b)/(7*ms) : 1 (event-driven)
"""


def spikes(n: int, times: int = 60) -> SpikeGeneratorGroup:
    random = np.random.default_rng(5)
    who = random.integers(0, n, times)
    when = random.integers(0, 80, times)
    once = np.unique(np.stack((who, when)), axis=1)
    return SpikeGeneratorGroup(n, once[0], once[1] * 0.1 * ms, name="source")


@cases.over(n_targets=[1, 3, 31, 33, 700], delays=["none", "one", "each"])
def runs_of_all_lengths(n_targets, delays):
    source = spikes(5)
    target = NeuronGroup(n_targets, "g : 1\nh : 1", name="target")
    synapses = Synapses(
        source, target, PLASTIC,
        on_pre="a += 1; g_post += w*a*b; b *= 0.9", on_post="", name="synapses",
    )  # fmt: skip
    synapses.connect(condition="(3*i + j) % 4 != 0")
    synapses.w = "0.1 + 0.01*i + 0.003*j"
    if delays == "one":
        synapses.delay = 0.5 * ms
    elif delays == "each":
        synapses.delay = "0.1*ms*((i + 7*j) % 9)"
    run(9 * ms)
    return observe(target=target, synapses=synapses)


@cases
def a_neuron_twice_in_a_time_step():
    """The same synapses twice: the second spike sees what the first has done."""
    defaultclock.dt = 0.1 * ms
    source = SpikeGeneratorGroup(
        3, [0, 1, 0, 0, 2, 2], [0.1, 0.1, 0.12, 0.2, 0.5, 0.52] * ms, name="source", dt=0.01 * ms
    )
    source.set_spikes([0, 1, 0, 2], [0.1, 0.1, 0.3, 0.3] * ms)
    target = NeuronGroup(4, "g : 1", name="target", dt=0.01 * ms)
    synapses = Synapses(
        source, target, PLASTIC, on_pre="a += 1; g_post += a*b", name="synapses", dt=0.01 * ms
    )
    synapses.connect()
    synapses.connect(i=[0, 0], j=[1, 1])
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def both_ends_and_recurrent():
    """It writes to neurons that it reads: one after the other, as before."""
    group = NeuronGroup(
        20, "dv/dt = (1.2 - v)/(3*ms) : 1 (unless refractory)\nx : 1", threshold="v > 1",
        reset="v = 0", refractory=1 * ms, method="exact", name="group",
    )  # fmt: skip
    group.v = "i/20."
    plastic = Synapses(
        group, group, PLASTIC,
        on_pre="a += 0.1; v_post += 0.01*a*exp(-b)", on_post="b += 0.1*exp(-a); x_pre += exp(-b)",
        name="plastic",
    )  # fmt: skip
    plastic.connect(condition="i != j")
    reads = Synapses(
        group, group, PLASTIC, on_pre="a += exp(-x_post); x_post += 0.1*a", name="reads"
    )
    reads.connect(condition="(i + j) % 3 == 0")
    run(10 * ms)
    return observe(group=group, plastic=plastic, reads=reads)


@cases
def delays_changed_with_spikes_in_flight():
    source = spikes(4)
    target = NeuronGroup(40, "g : 1", name="target")
    synapses = Synapses(source, target, PLASTIC, on_pre="a += 1; g_post += a", name="synapses")
    synapses.connect(condition="(i + j) % 2 == 0")
    synapses.delay = "0.1*ms*(j % 6)"
    run(4 * ms)
    # later than all that is in flight: of two events of one synapse in a time step, Brian's NumPy
    # code loses one
    synapses.delay = "0.1*ms*((j + i) % 5 + 6)"
    run(5 * ms)
    return observe(target=target, synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
