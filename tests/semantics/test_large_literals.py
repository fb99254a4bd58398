"""Whole numbers of expressions that do not fit into 64 bits: floats, or Brian's error."""

import brian2
import numpy as np
import pytest
from brian2 import BrianObjectException, msecond

LARGE = {
    "10**23": 1e23,
    "2**63": 2.0**63,
    "-(2**64)": -(2.0**64),
    "100000000000000000000 + x": 1e20,
    "(10**9)*(10**9)*(10**9)": 1e27,
}


@pytest.mark.parametrize("text", LARGE)
def test_whole_numbers_beyond_64_bits_are_floats(device, text):
    group = brian2.NeuronGroup(2, f"x : 1\ny : 1\nz = 0*x + {text} : 1")
    group.x = text
    assert np.all(group.x[:] == pytest.approx(LARGE[text], rel=1e-15))
    group.x = 0
    assert np.all(group.z[:] == pytest.approx(LARGE[text], rel=1e-15))
    group.run_regularly(f"y = {text}")
    brian2.Network(group).run(0.1 * msecond)
    assert np.all(group.y[:] == pytest.approx(LARGE[text], rel=1e-15))


def test_a_power_that_no_float_holds_is_brians_error_and_not_zero(device):
    group = brian2.NeuronGroup(2, "x : 1\ny : 1")
    with pytest.raises(BrianObjectException) as error:
        group.x = "10**400"
    assert "too large" in str(error.value.__cause__)
    group.run_regularly("y = 2**2000")
    with pytest.raises((BrianObjectException, OverflowError)) as failed:
        brian2.Network(group).run(0.1 * msecond)
    assert "too large" in str(failed.value) + str(failed.value.__cause__)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize(
    "code",
    ["n = 100000000000000000000000", "n = 10**23", "n = 2**63", "n = -(2**64)", "n += 10**23",
     "n = 10**23*i", "n = int(10**23)", "large = 10**23\nn = large"],
)  # fmt: skip
def test_what_no_integer_variable_holds_is_brians_error_in_a_loop(code, dtype, device):
    group = brian2.NeuronGroup(2, "n : integer", dtype={"n": np.dtype(dtype)})
    group.run_regularly(code)
    with pytest.raises(BrianObjectException) as failed:
        brian2.Network(group).run(0.1 * msecond)
    assert isinstance(failed.value.__cause__, OverflowError)


def test_the_ends_of_64_bits_fit_into_an_integer_variable(device):
    group = brian2.NeuronGroup(2, "n : integer\nm : integer", dtype={"n": np.int64, "m": np.int64})
    group.run_regularly("n = 2**63 - 1\nm = -2**63")
    brian2.Network(group).run(0.1 * msecond)
    assert list(group.n) == [2**63 - 1] * 2
    assert list(group.m) == [-(2**63)] * 2
