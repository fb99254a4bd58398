"""Numbers that are very large or very small, in every place of an expression."""

import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeGeneratorGroup, StateMonitor, Synapses, ms, run, second

from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()

CODE = """
a = x*A/B
b = x/(A*B)*C
c = (A*x)*(y/B)
d = x/y/A
f = A/(B*x)
"""
VARIABLES = "x : 1\ny : 1\na : 1\nb : 1\nc : 1\nd : 1\nf : 1"


def neurons(namespace, size):
    group = NeuronGroup(5, VARIABLES, namespace=namespace)
    group.x = (1 + np.arange(5)) * size
    group.y = (1 + np.arange(5)) / size
    group.run_regularly(CODE)
    run(0.1 * ms)
    return observe(group=group)


@cases.over(size=[1e-200, 1.0, 1e200])
def products(size):
    return neurons({"A": 1e200 * size, "B": 3e200 * size, "C": 2e250}, 1 / size)


@cases.over(constant=[1e-300, 1e-160, 1.0, 1e160, 1e300])
def with_literals_and_parameters(constant):
    group = NeuronGroup(5, "x : 1\nb : 1\nc : 1", namespace={"A": constant, "B": 1 / constant})
    group.x = "(1 + i)*B"
    group.run_regularly("b = A*x*1e160*1e-160\nc = x*A*1e-160*1e160")
    run(0.1 * ms)
    return observe(group=group)


@cases
def what_vanishes_is_not_undone():
    """By two factors that are too small for one number, and two more that take them back."""
    group = NeuronGroup(3, "x : 1\na : 1\nf : 1")
    group.x = "0.2*(i - 1)"
    group.run_regularly(
        """a = x*1e-200*1e-200*1e200*1e200
        f = -(1e-200*(1e-200*x))*1e200/1e-200"""
    )
    with np.errstate(all="ignore"):
        run(0.1 * ms)
    return observe(group=group)


QUOTIENTS = [
    "w/exp(-x)", "exp(-x)/exp(-x - 1)", "1/(exp(-x)/exp(-x - 1))", "B/exp(-x)", "1e-300/exp(-x)",
    "2/exp(-x)", "exp(x)/exp(x + 1)",
]  # fmt: skip


@cases.over(expression=QUOTIENTS)
def quotients_of_what_is_nearly_zero(expression):
    """Exponentials below all normal numbers, whose inverse is none.

    On the processor what is less than a normal number is 0, so their arguments are just above.
    """
    group = NeuronGroup(5, "x : 1\nw : 1\na : 1", namespace={"B": 1e-290})
    group.x = [*((707, 705, 700) if devices.BACKEND == "cpu" else (709, 711, 720)), 300, -5]
    group.w = 1e-300
    group.run_regularly(f"a = {expression}")
    with np.errstate(all="ignore"):
        run(0.1 * ms)
    return observe(group=group)


@cases.over(weight=[1e-300, 1e-150, 1e150, 1e300])
def weights(weight):
    source = SpikeGeneratorGroup(2, [0, 1, 0], [0, 0, 0.3] * ms)
    target = NeuronGroup(2, "dg/dt = -g/(2*ms) + u/(3*ms) : 1\ndu/dt = -u/ms : 1", method="exact")
    synapses = Synapses(
        source, target, "w : 1", on_pre="g += w*A*B*3", namespace={"A": 1e-200, "B": 1e180}
    )
    synapses.connect()
    synapses.w = weight
    states = StateMonitor(target, "g", record=True)
    run(1 * ms)
    return observe(target=target, states=states)


@cases.over(tau=[1e-6, 1e-3, 1.0, 1e9])
def coefficients_of_exact_integration(tau):
    """Products of exponentials that vanish or overflow on the way."""
    group = NeuronGroup(
        3,
        "dv/dt = (g - v)/tau : 1\ndg/dt = -g/(5*ms) : 1",
        method="exact",
        namespace={"tau": tau * second},
    )
    group.v, group.g = [1, 2, 3], [5, 0, -1]
    states = StateMonitor(group, "v", record=True)
    run(1 * ms)
    return observe(group=group, states=states)


@cases.single
def charges_and_areas():
    """Constants that are no single floats, in products that are."""
    namespace = {"area": 1e-16, "length": 1e-8, "charge": 1.6e-19, "volume": 1e-24}
    group = NeuronGroup(3, "n : 1\nrho : 1\nflow : 1\nsum : 1", namespace=namespace)
    group.n = "(i + 1)*1.6e-19"
    group.run_regularly(
        "rho = n/(area*length*charge)*volume\n"
        "flow = rho*(area*length*charge)*1e35\n"
        "sum = rho*(1e-25 + charge*1e-3)*1e22"
    )
    run(0.1 * ms)
    return observe(group=group)


CONVERTED = {
    "truncated": "int(clip(1.3, -2, 2))",
    "towards_zero": "int(clip(-1.7, -2, 2))",
    "of_a_sum": "int(3*clip(0.12137, -2, 2) + 0.94137)",
    "vanishes": "int(3*clip(0.12137, -2, 2))",
    "truth": "int(clip(-1.3, -2, 2) > 0.1)",
    "rest": "(int(clip(1.3, -2, 2)*3) % 2)",
    "quotient": "(int(clip(1.3, -2, 2)*3) // 2)",
    "of_a_run": "int(tau/ms)",
    "truth_of_a_run": "int(tau > 2*ms)",
}


@cases.over(
    kind=list(CONVERTED), text=["{0}*(0.5 + i)", "x*{0}*2.5", "x/(2 - {0})/3", "x*2.5/({0} + 3)"]
)
def conversions_of_constants_as_factors(kind, text):
    namespace = {"tau": 2.7 * ms}
    group = NeuronGroup(3, "x : 1\ny : 1", namespace=namespace)
    group.x = "1.5 + i"
    group.run_regularly(f"y = {text.format(CONVERTED[kind])}")
    run(0.1 * ms)
    return observe(group=group)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    with np.errstate(all="ignore"):
        check(case)


def test_a_sweep_past_the_limit_compiles_twice(device, monkeypatch):
    """Values are no part of the program, but for whether they may be collected."""
    from brian2genn.model.network import describe
    from brian2genn.runtime.network import compilation as module

    built = []
    monkeypatch.setattr(module, "verify", lambda network: built.append(describe(network)))
    from brian2 import set_device

    set_device(device)
    namespace = {}
    group = NeuronGroup(2, "x : 1\na : 1", namespace=namespace)
    group.x = 1e-250
    group.run_regularly("a = x*A*B")
    for factor in (1e3, 1e100, 1e150, 1e160, 1e170, 1e2):
        namespace["A"] = namespace["B"] = factor
        run(0.1 * ms)
        np.testing.assert_allclose(group.a[:], 1e-250 * factor * factor, rtol=1e-12)
    assert len(built) == 2
