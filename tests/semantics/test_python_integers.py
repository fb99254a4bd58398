"""Whole numbers of the code and of the script are Python's in Brian: they have no size."""

import pytest
from brian2 import Network, NeuronGroup, ms, set_device

from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()

NUMBERS = {"k": 10**6, "small": 3, "m": -(2**31)}
EXPRESSIONS = [
    "2**40", "1/10**10", "k*k", "10**10", "10**9*10", "2**31", "2147483647+1", "2**32-1",
    "-2**31-1", "7**13", "1e10*10**10", "abs(-2**31)", "int(3e9)", "k*k*k",
    "-k*k", "k+2147483647", "(k*k)//7", "(k*k)%7", "k*k/3", "abs(-k*k)", "m*m", "v+k*k", "3*k",
    "k**2", "k**3", "i*small", "7//2", "-7//2", "-7%3", "N*N", "i//small*2", "-m",
]  # fmt: skip


@cases.over(expression=EXPRESSIONS)
def in_loops_and_assignments(expression):
    group = NeuronGroup(
        2, "dv/dt = -v/ms : 1\nx : 1\ny : 1", threshold="True", reset=f"x = {expression}",
        method="euler", namespace=NUMBERS, name="group",
    )  # fmt: skip
    Network(group).run(0.1 * ms)
    group.y = expression
    return observe(group=group)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.parametrize("device", ["runtime", devices.DEVICE])
@pytest.mark.parametrize("expression", ["2**33", "2**31", "k*k", "-2**31 - 1"])
def test_what_does_not_fit_into_a_variable_is_an_error(device, expression):
    set_device(device)
    group = NeuronGroup(2, "n : integer", namespace=NUMBERS)
    with pytest.raises(Exception) as failed:
        group.n = expression
    causes = [failed.value, failed.value.__cause__, failed.value.__context__]
    assert any(isinstance(cause, OverflowError) for cause in causes)
    for fits in ("2**31 - 1", "-2**31", "k", "7"):
        group.n = fits
    assert list(group.n) == [7, 7]
