"""A model built by hand, without Brian, compiled and run."""

import numpy as np
import pytest

from brian2genn.backends.cpu.program import CpuProgram
from brian2genn.backends.interface import Bound, ClockState, Outcome
from brian2genn.model import expr as ex
from brian2genn.model.dtypes import FLOAT64, INT64
from brian2genn.model.kernel import Access, Kernel, Store
from brian2genn.model.names import Names
from brian2genn.model.network import (
    Array,
    Clock,
    Network,
    OnEvents,
    Param,
    Threshold,
    Update,
    describe,
)
from brian2genn.model.verify import verify
from brian2genn.transforms.simplify import simplify


def integrate_and_fire() -> Network:
    """``v`` grows by ``rate`` in every step; above 1 it is an event and becomes 0."""
    network = Network(
        arrays={
            "v": Array("v", FLOAT64, "v"),
            "rate": Array("rate", FLOAT64, "rate"),
            "events": Array("events", "int32", "events"),
        },
        params={"N": Param("N", INT64), "one": Param("one", FLOAT64)},
        clocks=[Clock("clock")],
    )
    v = ex.make("load", attr="v")
    accesses = {name: Access(name, name, FLOAT64) for name in ("v", "rate")}
    grow = Kernel("grow", "test", accesses)
    grow.stores = [Store("v", ex.binary("add", v, ex.make("load", attr="rate")))]
    cross = Kernel("cross", "test", {"v": accesses["v"]})
    cross.outputs = {"_cond": ex.compare("gt", v, ex.make("param", attr="one"))}
    reset = Kernel("reset", "test", {"v": accesses["v"]})
    reset.stores = [Store("v", ex.const(0.0))]
    network.steps = [
        Update("grow_step", "test", "test", 0, grow, "N"),
        Threshold("cross_step", "test", "test", 0, cross, "N", "events"),
        OnEvents("reset_step", "test", "test", 0, reset, "events"),
    ]
    return network


def run(network: Network, n: int, steps: int) -> dict[str, np.ndarray]:
    verify(network)
    simplify(network)
    program = CpuProgram(network)
    arrays = {
        "v": np.zeros(n),
        "rate": np.linspace(0.1, 0.4, n),
        "events": np.zeros(n + 1, dtype=np.int32),
    }
    t, timestep = np.zeros(1), np.zeros(1, dtype=np.int64)
    clock = ClockState(t, timestep, 0.1, None, steps)
    program.bind(Bound(arrays, {"N": n, "one": 1.0}, [clock], [], [], 1, 0, Names()))
    assert program.run(60.0) == Outcome.FINISHED
    assert timestep[0] == steps
    assert t[0] == pytest.approx(0.1 * steps)
    return arrays


@pytest.mark.parametrize("n", [0, 1, 7, 8, 65])
def test_runs(n):
    arrays = run(integrate_and_fire(), n, 50)
    v = np.zeros(n)
    for _ in range(50):
        v += arrays["rate"]
        events = np.flatnonzero(v > 1)
        v[events] = 0
    np.testing.assert_array_equal(arrays["v"], v)
    assert arrays["events"][-1] == len(events)
    np.testing.assert_array_equal(arrays["events"][: len(events)], events)


def test_description_names_everything():
    text = describe(integrate_and_fire())
    for word in ("grow_step", "cross_step", "reset_step", "(v + rate)", "(v > one)"):
        assert word in text
