"""Functions in equations: Brian's own, the user's with C++ code, and the user's in Python."""

import numpy as np
import pytest
from brian2 import (
    Function,
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    check_units,
    declare_types,
    implementation,
    ms,
    mV,
    run,
    second,
    volt,
)
from brian2.core.functions import DEFAULT_FUNCTIONS

from tests.semantics.harness import Cases, check, observe

cases = Cases()

#: Calls of Brian's default functions; x goes from -6 to 6 and u from 0 to 1.
CALLS = {
    "abs": "abs(x)",
    "arccos": "arccos(u)",
    "arcsin": "arcsin(-u)",
    "arctan": "arctan(x)",
    "ceil": "ceil(x) + ceil(-u)",
    "clip": "clip(x, -1, 2.5)",
    "cos": "cos(x*20)",
    "cosh": "cosh(x)",
    "exp": "exp(x) + exp(-20*x**2)",
    "expm1": "expm1(x*1e-6) + expm1(x)",
    "exprel": "exprel(x) + exprel(x*1e-18) + exprel(0*x)",
    "floor": "floor(x) + floor(-u)",
    "int": "int(x*1.5) + int(x > 0)",
    "log": "log(u + 0.01) + log(abs(x) + 1e-300)",
    "log10": "log10(u + 0.01)",
    "log1p": "log1p(u*1e-9) + log1p(u)",
    "sign": "sign(x)",
    "sin": "sin(x*20)",
    "sinh": "sinh(x)",
    "sqrt": "sqrt(abs(x))",
    "tan": "tan(x)",
    "tanh": "tanh(x)",
    "timestep": "timestep(x*ms + 10*ms, dt)",
    "constants": "x*pi + u*e + clip(x, -inf, inf)",
    "powers": "abs(x)**2.5 + x**3 + u**0.5 + 2**x + (u + 0.1)**x + x**0 + (x + 7)**-2",
    "comparisons": "int(x < u) + 2*int(x >= 0.5) + 4*int(x == 0) + 8*int(x != u and not x > 3)",
    "nested": "tanh(exp(-abs(sin(x)*cos(u)))) - log(1 + sqrt(u))",
}


@cases.over(call=list(CALLS))
def default_functions(call):
    """In an equation, a threshold and a reset, over many elements."""
    group = NeuronGroup(
        101,
        f"dy/dt = ({CALLS[call]})/ms : 1\nx : 1\nu : 1\nz : 1",
        threshold=f"abs({CALLS[call]}) > 0.25",
        reset=f"z = {CALLS[call]}",
        method="euler",
    )
    group.x = "-6 + 12.0*i/(N - 1)"
    group.u = "1.0*i/(N - 1)"
    spikes = SpikeMonitor(group)
    run(0.2 * ms)
    return observe(group=group, spikes=spikes)


def test_no_default_function_is_forgotten():
    """`poisson`, `rand` and `randn` are in test_random."""
    assert set(DEFAULT_FUNCTIONS) - {"poisson", "rand", "randn"} <= set(CALLS)


@implementation("cpp", "double squash(double x, double k) { return x/(k + fabs(x)); }")
@check_units(x=1, k=1, result=1)
def squash(x, k):
    return x / (k + np.abs(x))


@cases
def user_function_in_cpp():
    """The same function in C++ and in NumPy, everywhere it can stand."""
    group = NeuronGroup(
        5,
        "dv/dt = squash(2 - v, 0.5 + i)/ms : 1\ncurrent = squash(v, 2) : 1\nw : 1",
        threshold="squash(v, 1) > 0.3",
        reset="v = squash(v, 3) - 0.2",
        method="euler",
        name="cells",
    )
    synapses = Synapses(group, group, "g : 1", on_pre="v_post += squash(w_pre + j, 20)*0.1")
    synapses.connect(condition="i != j")
    group.run_regularly("w += squash(v, 1)", dt=0.3 * ms)
    group.v = "squash(i, 4)"
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, ["v", "current"], record=True)
    run(2 * ms)
    return observe(group=group, spikes=spikes, states=states)


@implementation(
    "cpp",
    """
    static inline double helper(double x) { return x*x; }
    double longer(double x, int n, bool on)
    {
        double total = 0;
        for (int k = 0; k < n; k++)
            total += helper(x)/(k + 1);
        return on ? total : -total;
    }
    """,
)
@declare_types(x="float", n="integer", on="boolean", result="float")
@check_units(x=1, n=1, on=1, result=1)
def longer(x, n, on):
    total = sum(np.where(k < n, x * x / (k + 1), 0) for k in range(10))
    return np.where(on, total, -total)


@cases
def user_function_with_a_helper_and_types():
    group = NeuronGroup(6, "dv/dt = longer(0.3 + v, i, i % 2 == 0)/ms : 1", method="euler")
    run(0.5 * ms)
    return observe(group=group)


@implementation("cpp", "double to_volt(double x) { return 0.001*x*x; }")
@check_units(x=1, result=volt)
def to_volt(x):
    return x * x * mV


@cases
def user_function_with_units():
    group = NeuronGroup(4, "dv/dt = (to_volt(i) - v)/(2*ms) : volt", method="euler")
    run(1 * ms)
    return observe(group=group)


@check_units(x=1, result=1)
def only_in_python(x):
    return np.where(x > 0.5, x**2, -x)


@cases
def python_only_function():
    """Objects that use it are run by Brian among compiled ones."""
    group = NeuronGroup(
        4,
        "dv/dt = (0.9 + only_in_python(v) + 0.1*i)/ms : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        name="python_cells",
    )
    compiled = NeuronGroup(
        4, "dv/dt = (1.1 - v)/ms : 1\nu : 1", threshold="v > 0.9", reset="v = 0", method="euler"
    )
    there = Synapses(group, compiled, on_pre="v_post += 0.05", delay=0.2 * ms)
    back = Synapses(compiled, group, on_pre="v_post += only_in_python(0.1*j)")
    there.connect()
    back.connect()
    compiled.run_regularly("u = only_in_python(v)", dt=0.2 * ms)
    spikes, others = SpikeMonitor(group, "v"), SpikeMonitor(compiled, "v")
    states = StateMonitor(group, "v", record=True)
    run(4 * ms)
    return observe(group=group, compiled=compiled, spikes=spikes, others=others, states=states)


@cases
def python_only_function_in_a_threshold_and_a_reset():
    group = NeuronGroup(
        3,
        "dv/dt = (1.1 + 0.2*i)/ms : 1",
        threshold="only_in_python(v) > 0.6",
        reset="v = only_in_python(v) - 0.6",
        method="euler",
    )
    spikes = SpikeMonitor(group)
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def python_function_with_state():
    """Called once a step for all elements, in order: it may remember."""
    calls = []

    @check_units(t=second, result=1)
    def remember(t):
        calls.append(np.array(t, dtype=float).ravel()[0])
        return np.zeros_like(np.asarray(t), dtype=float) + len(calls)

    group = NeuronGroup(2, "x : 1", name="remembering")
    group.run_regularly("x += remember(t)")
    run(0.5 * ms)
    return observe(group=group, calls=calls)


@cases
def function_with_an_array_of_its_own():
    """A look-up table, as C++ code that finds its array by name, and in NumPy."""
    table = np.array([0.5, -1.0, 2.0, 4.0])

    def look_up(index):
        return table[np.asarray(index).astype(int) % 4]

    function = Function(
        look_up, arg_units=[1], return_unit=1, arg_types=["integer"], return_type="float"
    )
    function.implementations.add_implementation(
        "cpp",
        "double look_up(int index) { return _namespace_table[index % 4]; }",
        namespace={"_table": table},
    )
    group = NeuronGroup(
        6, "dv/dt = look_up(i)/ms : 1", method="euler", namespace={"look_up": function}
    )
    run(0.5 * ms)
    return observe(group=group)


@cases
def two_functions_of_one_name():
    """Each group has its own function in its namespace."""

    def scaling(factor):
        @implementation("cpp", f"double scaled(double x) {{ return {factor}.0*x; }}")
        @check_units(x=1, result=1)
        def scaled(x):
            return factor * x

        return scaled

    groups = [
        NeuronGroup(
            2,
            "dv/dt = scaled(1 + i)/ms : 1",
            method="euler",
            namespace={"scaled": scaling(factor)},
            name=f"times_{factor}",
        )
        for factor in (2, 5)
    ]
    network = Network(groups)
    network.run(0.5 * ms)
    return observe(network=network, first=groups[0], second=groups[1])


@cases
def function_in_synapses_only():
    source = SpikeGeneratorGroup(2, [0, 1, 1], [0.1, 0.2, 0.4] * ms)
    target = NeuronGroup(3, "v : 1\ntotal : 1")
    synapses = Synapses(
        source,
        target,
        """dg/dt = -squash(g, 0.5)/ms : 1 (clock-driven)
           total_post = squash(g, 1) : 1 (summed)""",
        on_pre="g += 1 + squash(j, 3)\nv_post += squash(g, 1)",
        method="euler",
    )
    synapses.connect()
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
