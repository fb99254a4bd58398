"""Users' C++ functions that throw: an error of the run, and no end of the process."""

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    StateMonitor,
    check_units,
    defaultclock,
    implementation,
    ms,
    run,
    set_device,
)

from tests import devices

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="C++ that the processor executes")


def thrower(code: str):
    @implementation("cpp", f"#include <vector>\ndouble may_throw(double x) {{ {code} }}")
    @check_units(x=1, result=1)
    def may_throw(x):
        return x

    return may_throw


KINDS = {
    "std::runtime_error": (
        'if (x > 7) throw std::runtime_error("too large"); return x;',
        "'may_throw' has thrown an exception: too large",
    ),
    "a number": ("if (x > 7) throw 5; return x;", "'may_throw' has thrown an exception that is no"),
    "of the library": ("return std::vector<double>(3).at((int)x);", "'may_throw' has thrown"),
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_in_the_loop(kind, threads, monkeypatch):
    code, message = KINDS[kind]
    devices.set_defaults(
        monkeypatch, processor=devices.processor(threads, share_always=threads > 1)
    )
    set_device("genn")
    may_throw = thrower(code)
    group = NeuronGroup(100, "dx/dt = may_throw(n*1.0)/ms : 1\nn : integer", method="euler")
    trace = StateMonitor(group, "x", record=[0])
    run(2 * defaultclock.dt)
    group.n = "i"
    for _ in range(2):
        with pytest.raises(Exception) as raised:
            run(1 * ms)
        assert message in str(raised.value.__cause__ or raised.value)
    # what was recorded before is there, and the network goes on when the cause is gone
    assert trace.x.shape[1] >= 2
    group.n = 0
    before = group.x[0]
    run(2 * defaultclock.dt)
    assert np.isfinite(before)
    assert group.x[0] == before


@pytest.mark.parametrize("kind", KINDS)
def test_in_set_up_code(kind):
    code, message = KINDS[kind]
    set_device("genn")
    may_throw = thrower(code)
    group = NeuronGroup(100, "x : 1")
    for _ in range(2):
        with pytest.raises(Exception) as raised:
            group.x = "may_throw(i*1.0)"
        assert message in str(raised.value.__cause__ or raised.value)
    group.x = "may_throw(0*i*1.0)"
    assert not group.x[:].any()
