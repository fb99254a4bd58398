"""Whole numbers at the ends of their types, and floats that do not fit into them."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Synapses, ms

from tests.semantics.harness import Cases, check, observe

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


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees(case):
    check(case)
