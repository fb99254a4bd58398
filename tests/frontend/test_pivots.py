"""Integrators of linear equations find by numbers what sympy finds by algebra, and no more."""

from __future__ import annotations

import pytest
import sympy
from brian2 import Equations, NeuronGroup, set_device
from brian2.stateupdaters.base import UnsupportedEquationsException
from brian2.stateupdaters.exact import LinearStateUpdater, linear

from brian2genn.frontend import brian_costs, pivots

a, b = sympy.symbols("a b", real=True)
dt = sympy.Symbol("dt", real=True, positive=True)
whole = sympy.Symbol("whole", integer=True)
odd = sympy.Symbol("odd", odd=True)
unknown = sympy.Function("unknown")


@pytest.mark.parametrize(
    "expression",
    [
        dt / a - dt / b,
        dt * (a * unknown(b) - 1) / a,
        a,
        whole - 2,
        1 - dt,
        1 / a - 3,
    ],
)
def test_unknown_signs(expression):
    assert expression.is_zero is None
    assert pivots.may_be_zero_or_not(expression)
    assert sympy.simplify(expression).is_zero is None
    assert expression.equals(0) is not True


@pytest.mark.parametrize(
    "expression",
    [
        a - a * b / b + sympy.S.Zero,  # zero everywhere
        (a + b) ** 2 - a**2 - 2 * a * b - b**2,
        sympy.sin(a) ** 2 + sympy.cos(a) ** 2 - 1,
        sympy.exp(a) - sympy.exp(b),  # no fraction
        a**2 + 1,  # zero nowhere
        1 + dt,
        3 * whole - 1,
        2 * a + odd,
        unknown(a + b) - unknown(b + a * 1),
        unknown(a * (a + b)) - unknown(a**2 + a * b),  # the same, but written in two ways
        sympy.sqrt(a) - b,
        a - 1.5,
        (a - b) * (a + b),  # no line: nothing was found out
    ],
)
def test_nothing_is_claimed(expression):
    assert not pivots.may_be_zero_or_not(sympy.sympify(expression))


def test_values_of_one_function_do_not_come_apart():
    # at a = b, both have to be the same
    difference = (unknown(a) - unknown(b)) / (a - b + unknown(a) - unknown(b))
    for values in pivots._roots(difference, pivots._somewhere_not_zero(difference)):
        assert values[a] != values[b]


SYSTEMS = [
    """
    dv/dt = (ge + gi - (v - El))/taum : 1 (unless refractory)
    dge/dt = -ge/taue : 1
    dgi/dt = -gi/taui : 1
    """,
    "dv/dt = (ge - v)/taum : 1\ndge/dt = -ge/taue : 1",
    "dv/dt = (g - v)/taum : 1\ndg/dt = (s - g)/taue : 1\nds/dt = -s/taue : 1",  # no own eigenvector
    "dv/dt = (El - v)/taum : 1",
    "dv/dt = -v/(10*ms) + 3.5*Hz : 1\ndw/dt = (v - w)/(20*ms) : 1",
    "dx/dt = a*y : 1\ndy/dt = b*x : 1\na : Hz (constant)\nb : Hz (constant)",
    "dx/dt = y/taum : 1\ndy/dt = -x/taum : 1",
    "dx/dt = -x/taum : 1\ndy/dt = -y/taum : 1\ndz/dt = (x + y - z)/taue : 1",
    "dx/dt = a*x + b*y : 1\ndy/dt = a*y : 1\na : Hz (constant)\nb : Hz (constant)",
    "dv/dt = 3*Hz : 1",
]


@pytest.mark.parametrize("system", SYSTEMS)
def test_statements_are_the_same(system):
    set_device("genn", backend="cpu")
    group = NeuronGroup(
        2, Equations(system), method="exact", refractory="v > 0" if "v" in system else False
    )
    names = {"El": 1.0, "taum": 0.02, "taue": 0.005, "taui": 0.01}
    variables = dict(group.variables) | group.resolve_all(
        {name for name in names if name in system}, names
    )
    (replacement,) = (
        replacement
        for replacement in brian_costs.REPLACEMENTS
        if replacement.place is LinearStateUpdater
    )

    def statements():
        sympy.core.cache.clear_cache()
        replacement.original._cache.clear()
        try:
            return replacement.original(linear, group.equations, variables, None)
        except UnsupportedEquationsException as error:
            return str(error)

    expected = statements()
    with pivots.integrating():
        assert statements() == expected


def test_pivots_of_others_are_left_alone(monkeypatch):
    set_device("genn", backend="cpu")
    monkeypatch.setattr(pivots, "may_be_zero_or_not", None)
    monkeypatch.setattr(pivots, "_somewhere_not_zero", None)
    assert sympy.Matrix([[a, b], [b, a]]).rref()[1] == (0, 1)
    assert (a - b).equals(0) is False
