"""Refractory neurons: which comparisons are of times, and which stay as they are."""

import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeMonitor, StateMonitor, ms, run

from brian2genn.frontend.expressions import timestep
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import BOOL, FLOAT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.model.network import Array, Network, Role, Update
from brian2genn.transforms.latest import latest
from brian2genn.transforms.simplify import simplify
from tests.semantics.harness import Cases, check, observe

ACCESSES = [
    Access("lastspike", "lastspike", FLOAT64),
    Access("period", "period", FLOAT64),
    Access("t", "t", FLOAT64, None),
    Access("dt", "dt", FLOAT64, None),
    Access("other", "other", FLOAT64, None),
    Access("active", "active", BOOL),
]


def load(name):
    return ex.make("load", attr=name, dtype=FLOAT64)


def compiled(condition):
    """The calls in what becomes of a condition."""
    accesses = {access.name: access for access in ACCESSES}
    kernel = Kernel("k", "test", accesses, stores=[Store("active", condition)])
    network = Network(
        arrays={
            access.array: Array(
                access.array, access.dtype, "test",
                role=Role.DT if access.array == "dt" else Role.STATE,
            )
            for access in ACCESSES
        },
        params={},
        steps=[Update("u", "test", "test", 0, kernel, "n")],
    )  # fmt: skip
    simplify(network)
    latest(network)
    return kernel.attributes("call")


def since(name, dt):
    return timestep(ex.binary("sub", load("t"), load(name)), load(dt))


def test_a_period_that_all_neurons_have():
    period = timestep(ex.const(0.002), load("dt"))
    assert "latest" in compiled(ex.compare("ge", since("lastspike", "dt"), period))


@pytest.mark.parametrize(
    "condition",
    [
        ex.compare("ge", since("lastspike", "dt"), timestep(load("period"), load("dt"))),
        ex.compare("ge", since("lastspike", "other"), timestep(ex.const(0.002), load("other"))),
        ex.compare("lt", since("lastspike", "dt"), timestep(ex.const(0.002), load("dt"))),
        ex.compare("ge", since("other", "dt"), timestep(ex.const(0.002), load("dt"))),
    ],
    ids=["of each neuron", "no time step", "the other way", "no time of each neuron"],
)
def test_others_stay(condition):
    assert "latest" not in compiled(condition)


cases = Cases()


@cases.over(period=[0, 0.1, 0.2, 0.35, 1, 3], dt=[0.1, 0.05, 0.07])
def periods(period, dt):
    """Neurons that reach threshold in every step in which they can, also in the first ones."""
    group = NeuronGroup(
        37, "dv/dt = 20/ms : 1 (unless refractory)\nx : 1",
        threshold="v > 1 + x", reset="v = 0", refractory=period * ms, method="euler", dt=dt * ms,
    )  # fmt: skip
    group.x = "i % 5"
    spikes = SpikeMonitor(group)
    trace = StateMonitor(group, ["v", "not_refractory", "lastspike"], record=[0, 1, 36], dt=dt * ms)
    run(5 * ms)
    assert np.ptp(spikes.count) > 0 or period > 0
    return observe(group=group, spikes=spikes, trace=trace)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
