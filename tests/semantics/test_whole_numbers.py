"""Whole numbers at the ends of their types, and floats that do not fit into them."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms, prefs

from tests.semantics.harness import SINGLE, Case, Cases, check, observe

cases = Cases()

#: Floats that are converted; x is far outside of every whole number, or is none.
CONVERSIONS = ["int(x)", "int(-x)", "int(0.5*y)", "int(y)", "int(1000*y)", "int(x) + 1", "int(y)*3"]

#: Operations on the largest and smallest whole numbers.
OPERATIONS = [
    "n + 1", "n - 1", "-n", "n*2", "n*n", "abs(n)", "n**2", "n**3", "n + n", "n - 7*n", "n // (-1)",
    "n % (-1)", "n // (i - 1)", "n % (i - 1)", "sign(n)*n", "clip(n, -5, 5)", "int(n > 0)*n",
]  # fmt: skip


def extremes(dtype: type) -> NeuronGroup:
    group = NeuronGroup(6, "n : integer\nr : integer\nf : 1", dtype={"n": dtype, "r": dtype})
    group.n = [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, -1, np.iinfo(dtype).min + 1, 46341]
    return group


@cases.over(conversion=CONVERSIONS, to=["f", "n"])
def floats_that_do_not_fit(conversion, to):
    """What does not fit, and what is no number, is the smallest whole number of 32 bits."""
    group = NeuronGroup(7, "x : 1\ny : 1\nn : integer\nf : 1\ns : 1")
    group.x = [np.nan, np.inf, -np.inf, 1e300, -1e300, 3e9, 1e19]
    group.y = [2147483647.5, -2147483648.5, 2147483648, -2147483649, 4294967297, 0.7, -0.7]
    group.run_regularly(f"{to} = {conversion}")
    group.s = conversion
    Network(group).run(0.1 * ms)
    return observe(group=group)


@cases.over(operation=OPERATIONS, dtype=[np.int32, np.int64])
def whole_numbers_wrap_around(operation, dtype):
    """In the loop."""
    group = extremes(dtype)
    group.run_regularly(f"r = {operation}")
    Network(group).run(0.1 * ms)
    return observe(group=group)


@cases.over(operation=OPERATIONS, dtype=[np.int32, np.int64])
def whole_numbers_wrap_around_when_set(operation, dtype):
    """In set-up code."""
    group = extremes(dtype)
    group.r = operation
    return observe(group=group)


@cases
def counts_of_synapses_wrap_around():
    source = NeuronGroup(3, "", threshold="i >= 0")
    target = NeuronGroup(1, "n : integer")
    target.n = 2147483646
    synapses = Synapses(source, target, "k : integer", on_pre="n_post += 1\nk += k")
    synapses.connect()
    synapses.k = 2**30
    Network(source, target, synapses).run(0.2 * ms)
    return observe(target=target, synapses=synapses)


#: Whole numbers of the script (5, -3, 0, 2**24 + 1), beside floats, whole numbers and literals.
WITH_NUMBERS = [
    "k*x", "-k*x", "k/x + m", "x - -m", "(k + m)*x", "k/m*x", "k//m*x", "2**k*x", "x**k", "x**m",
    "10**k + x", "k*j", "j*k + x", "(j + k) % 3 + x", "x % k", "x // -k", "int(x > k)*k", "k + 0*x",
    "int(k*x)", "clip(x, m, k)", "z*x", "x/(z + 1)", "large*x", "-large*j + x", "sin(k)*x", "k",
    "int(j*0.2 >= k*0.2) + x", "int(x > m and j < k)*k + x", "0.5*k*m*x",
]  # fmt: skip


def whole_numbers_of_the_script(expression):
    """In the loop and in set-up code; other ones in the second run."""
    group = NeuronGroup(7, "x : 1\nf : 1\ns : 1\nj : integer")
    group.x = "0.7*i - 1.1"
    group.j = "i - 2"
    group.run_regularly(f"f += {expression}")
    network = Network(group)
    numbers = {"k": 5, "m": -3, "z": 0, "large": 2**24 + 1}
    network.run(0.2 * ms, namespace=numbers)
    numbers |= {"k": 2, "m": 7}
    network.run(0.1 * ms, namespace=numbers)
    group.s.set_item(slice(None), f"f + {expression}", namespace=numbers)
    return observe(group=group)


@cases.over(expression=WITH_NUMBERS)
def whole_numbers_beside_doubles(expression):
    return whole_numbers_of_the_script(expression)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", WITH_NUMBERS)
def test_whole_numbers_beside_single_floats(expression):
    case = Case(whole_numbers_of_the_script, {"expression": expression}, SINGLE)
    prefs.core.default_float_dtype = np.float32
    check(case)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees(case):
    check(case)
