"""Python's % and //, of floats and integers, wherever code can stand."""

import itertools

import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, ms, prefs, run, set_device

from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()

FLOATS = [0.0, -0.0, 1, -1, 0.1, -0.1, 0.3, -0.3, 2.5, -7.25, 1e10, 1e30, -1e30, 1e-30]
FLOATS += [np.inf, -np.inf, np.nan]
INTEGERS = [0, 1, -1, 2, -2, 3, -3, 7, -7, 1000, 2**31 - 1, -(2**31), 1 - 2**31]


def pairs(values):
    return np.array(list(itertools.product(values, values))).T


def floats(where):
    x, y = pairs(FLOATS)
    group = NeuronGroup(x.size, "x : 1\ny : 1\nrest : 1\nquotient : 1")
    group.x, group.y = x, y
    assign(group, where)
    found = np.array([group.rest[:], group.quotient[:]])
    return observe(group=group, signs_of_zeros=np.signbit(found) & (found == 0))


def assign(group, where):
    code = {"rest": "x % y", "quotient": "x // y"}
    if where == "set-up":
        group.rest, group.quotient = code["rest"], code["quotient"]
    elif where == "subset":
        group.rest["i % 2 == 0"] = code["rest"]
        group.quotient["i % 2 == 0"] = code["quotient"]
    elif where == "in place":
        group.rest, group.quotient = group.x[:], group.x[:]
        group.rest %= group.y
        group.quotient //= group.y
    else:
        group.run_regularly("\n".join(f"{name} = {text}" for name, text in code.items()))
        run(0.1 * ms)


@cases.over(where=["set-up", "subset", "in place", "loop"])
def of_floats(where):
    return floats(where)


@cases.over(where=["set-up", "subset", "in place", "loop"])
def of_integers(where):
    x, y = pairs(INTEGERS)
    group = NeuronGroup(x.size, "x : integer\ny : integer\nrest : integer\nquotient : integer")
    group.x, group.y = x, y
    assign(group, where)
    return observe(group=group)


@cases.over(where=["set-up", "loop"])
def of_floats_and_integers(where):
    x, y = pairs(INTEGERS)
    group = NeuronGroup(x.size, "x : integer\ny : 1\nrest : 1\nquotient : 1")
    group.x, group.y = x, 0.3 * y
    assign(group, where)
    return observe(group=group)


@cases
def multiples_of_a_tenth():
    """Whole numbers of steps, but for rounding: who is connected hangs on the last bit."""
    group = NeuronGroup(300, "x : 1\ny : 1\nz : 1")
    group.x = "i*0.1"
    group.y = "x % 0.1"
    group.z = "x // 0.1"
    synapses = Synapses(group, group)
    synapses.connect("i == j and (x_pre % 0.1) < 0.05")
    timed = NeuronGroup(1, "on = int((t % (1*ms)) < 0.45*ms) : 1\nn : 1\nm : second")
    states = StateMonitor(timed, "on", record=True)
    timed.run_regularly("n += (t/ms) // 0.1\nm += t % (0.3*ms)")
    run(20 * ms)
    return observe(group=group, synapses=synapses, timed=timed, states=states)


@cases
def phases():
    """In equations, beside functions that are computed for several elements at once."""
    group = NeuronGroup(
        37,
        "dtheta/dt = (10 + i)*Hz*(1 + 0.5*sin(theta % (pi/3)))  : 1\nturns = theta // pi : 1",
        threshold="theta % (2*pi) > 6",
        reset="theta = (theta + 0.5) % (2*pi)",
        method="euler",
    )
    group.theta = "-10 + i"
    states = StateMonitor(group, ["theta", "turns"], record=True)
    run(5 * ms)
    return observe(group=group, states=states)


@cases.over(small=[1.5, 300.0, 1e12, 1e200], large=[1.5, 300.0, 1e15, 1e250])
def quotients_of_any_size(small, large):
    group = NeuronGroup(16, "x : 1\ny : 1\nrest : 1\nquotient : 1")
    group.x, group.y = "large*(i - 7.7)", "(-1)**i/(3 + i)/small"
    assign(group, "loop")
    return observe(group=group)


@cases.single
def of_single_floats():
    """In single precision the remainder of single floats."""
    x, y = pairs(FLOATS)
    group = NeuronGroup(
        x.size, "x : 1\ny : 1\nrest : 1\nquotient : 1\nsetup_rest : 1\nsetup_quotient : 1"
    )
    group.x, group.y = x, y
    group.setup_rest = "x % y"
    group.setup_quotient = "x // y"
    assign(group, "loop")
    return observe(group=group)


@cases.single
def of_single_floats_and_numbers():
    group = NeuronGroup(300, "x : 1\ny : 1\nz : 1\nin_loop : 1")
    group.x = np.arange(-150, 150) * 0.1
    group.y = "x % 0.1"
    group.z = "x // 0.1"
    group.run_regularly("in_loop = x // 0.1 + x % 0.1")
    run(0.1 * ms)
    return observe(group=group)


@cases.single
def of_numbers_and_integers_in_single_precision():
    """NumPy computes with integer variables in double precision."""
    group = NeuronGroup(300, "x : 1\ny : 1\nz : 1\nn : integer", namespace={"k": 0.1})
    group.n = "i - 100"
    group.x = "(n*0.1) % k"
    group.y = "(n*k) // 0.1"
    group.z = "n % k + n // (-k)"
    on = Synapses(group, group)
    on.connect("i == j and (n_pre*0.1) % 0.1 > 0.05")
    return observe(group=group, on=on)


@cases.single
def of_numbers_and_integers_in_the_loop():
    """As in set-up code: a single 0.3 would be in 3 nine times."""
    group = NeuronGroup(300, "k : integer\nx : 1\ny : 1\nz : 1\nu : 1", namespace={"third": 0.3})
    group.k = "i - 100"
    group.run_regularly("x = k % 0.3\ny = k // 0.3\nz = 0.7 // (k + 0.1)\nu = k % third + k // 0.7")
    run(0.1 * ms)
    return observe(group=group)


@cases.single
def of_times():
    """Clocks have doubles in single precision, too."""
    group = NeuronGroup(1, "x : 1\ny : 1")
    group.run_regularly("x += (t/ms) // 0.1\ny += (t/ms) % 0.1")
    run(5 * ms)
    return observe(group=group)


@pytest.mark.skipif(devices.DEVICE != "genn", reason="Brian multiplies by a single 0.1")
def test_a_last_bit_of_whole_numbers_and_literals_decides(device):
    """In single precision, too, it is Python's; 0.1 would be in 0.3 twice and in 0.6 six times."""
    set_device(device)
    prefs.core.default_float_dtype = np.float32
    group = NeuronGroup(100, "\n".join(f"{name} : 1" for name in "abcdfghs"), namespace={"K": 0.1})
    group.run_regularly(
        """a = (i*0.1) // 0.1
        b = int(i*K >= 0.3)
        c = (0.1*i) % K
        d = floor(i*0.1*10)
        s = sign(i*0.1 - 0.3)
        f = int((i*0.1) % 0.3 < 0.2) + 0*g
        g = ceil(0.7*i/0.1)
        h = int(i*0.1 == 0.3)"""
    )
    run(0.1 * ms)
    i = np.arange(100)
    for name, expected in {
        "a": (i * 0.1) // 0.1,
        "b": i * 0.1 >= 0.3,
        "c": (0.1 * i) % 0.1,
        "d": np.floor(i * 0.1 * 10),
        "s": np.sign(i * 0.1 - 0.3),
        "f": (i * 0.1) % 0.3 < 0.2,
        "g": np.ceil(0.7 * i / 0.1),
        "h": i * 0.1 == 0.3,
    }.items():
        np.testing.assert_array_equal(getattr(group, name)[:], np.float32(expected), name)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    with np.errstate(all="ignore"):
        check(case)
