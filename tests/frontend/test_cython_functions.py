"""Users' functions with an implementation for Brian's Cython target, and no C++."""

import sys

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    check_units,
    implementation,
    ms,
    set_device,
)
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.core.base import BrianObjectException

import brian2genn
from brian2genn.frontend import cython_target
from brian2genn.frontend.functions import GennTarget

CYTHON = "cdef double {0}(double x):\n    return 3*x + 1\n"


def function(body, name="tripled", languages=("cython",)):
    """A function of a user with this Python body."""
    body.__name__ = name
    made = check_units(x=1, result=1)(body)
    for language in languages:
        code = CYTHON if language == "cython" else "double {0}(double x) {{ return 3*x + 1; }}"
        made = implementation(language, code.format(name))(made)
    return made


def refusing(x):
    """As in Brian's documentation."""
    raise NotImplementedError("use another target")


def refusing_with_words(x):
    what = f"{x} of {len(sys.argv)}"
    raise NotImplementedError(what)


def empty(x):
    pass


def documented(x):
    """Nothing but words."""
    ...


def computing(x):
    return 3 * x + 1


def computing_sometimes(x):
    if np.any(x > 100):
        raise ValueError("too large")
    return 3 * x + 1


def raising_in_the_end(x):
    for value in x:
        if value > 0:
            return x
    raise ValueError("none")


@pytest.mark.parametrize("body", [refusing, refusing_with_words, empty, documented])
def test_bodies_that_compute_nothing(body):
    made = function(body)
    assert cython_target.refuses(made)
    assert cython_target.needs_cython(made, GennTarget)
    assert not cython_target.needs_cython(function(body, languages=("cpp",)), GennTarget)
    assert not cython_target.needs_cython(function(body, languages=("cpp", "cython")), GennTarget)


@pytest.mark.parametrize("body", [computing, computing_sometimes, raising_in_the_end])
def test_bodies_that_compute(body):
    assert not cython_target.needs_cython(function(body), GennTarget)


@pytest.mark.parametrize("discard_units", [True, False])
def test_a_function_for_numpy_beside_the_body(discard_units):
    made = function(refusing)
    made.implementations.add_numpy_implementation(refusing, discard_units=discard_units)
    assert cython_target.needs_cython(made, GennTarget)
    made.implementations.add_numpy_implementation(computing, discard_units=discard_units)
    assert not cython_target.needs_cython(made, GennTarget)


@pytest.fixture
def group(device):
    set_device(device)
    made = NeuronGroup(3, "v : 1", threshold="v > 1000", reset="v = 0", name="cells")
    made.v = "i"
    return made


@pytest.mark.slow
def test_brians_cython_target_executes_it(group):
    """The rest of the network is compiled; Brian runs what only Cython can."""
    tripled = function(refusing)
    group.namespace["tripled"] = tripled
    operation = group.run_regularly("v = tripled(v)", name="operation")
    states = StateMonitor(group, "v", record=True)
    network = Network(group, operation, states)
    for _ in range(2):
        network.run(0.1 * ms)
    np.testing.assert_array_equal(group.v, [4, 13, 22])
    explanation = brian2genn.explain(network)
    assert explanation.where("operation") == "Brian"
    assert "only one for Cython, which Brian takes" in repr(explanation)
    assert explanation.where(states.name) == "compiled"


@pytest.mark.slow
def test_beside_a_function_in_python(group):
    """Cython's code calls that one."""
    other = check_units(x=1, result=1)(lambda x: x + 100)
    group.namespace.update(tripled=function(refusing), other=other)
    operation = group.run_regularly("v = tripled(other(v))")
    Network(group, operation).run(0.1 * ms)
    np.testing.assert_array_equal(group.v, [301, 304, 307])


def test_a_refusing_body_alone(group):
    """There is nothing else: the user's own error, as in Brian."""
    group.namespace["tripled"] = function(refusing, languages=[])
    operation = group.run_regularly("v = tripled(v)")
    with pytest.raises(BrianObjectException) as raised:
        Network(group, operation).run(0.1 * ms)
    assert str(raised.value.__cause__) == "use another target"


@pytest.mark.slow
def test_synapses_that_are_made_with_it(group):
    tripled = function(refusing)
    synapses = Synapses(group, group, namespace={"tripled": tripled})
    synapses.connect(condition="j < tripled(i) - 2")
    np.testing.assert_array_equal(synapses.N_outgoing_pre, [0, 2, 3])


@pytest.fixture
def told(group):
    """The error that a function of this kind ends with."""

    def run(body, code="v = tripled(v)", **namespace):
        operation = group.run_regularly(code, name="operation")
        group.namespace.update(tripled=function(body), **namespace)
        with pytest.raises(BrianObjectException) as raised:
            Network(group, operation).run(0.1 * ms)
        error = raised.value.__cause__
        assert type(error) is NotImplementedError
        return str(error)

    return run


def test_cython_that_cannot_be_used(told, monkeypatch):
    monkeypatch.setattr(cython_target, "_is_available", lambda: False)
    text = told(refusing)
    assert "'tripled' has an implementation for Cython only" in text
    assert "'cells' cannot, because Cython, or a compiler for it, is missing" in text
    assert "@implementation('cpp', ...)" in text and "a Python body" in text


def test_a_function_without_cython_beside_it(told):
    other = function(refusing, "other", ["cpp"])
    text = told(refusing, "v = tripled(other(v))", other=other)
    assert "'other', which is used together with it, has no Cython implementation" in text


@pytest.mark.skipif(
    "_queue_capsule" not in CythonCodeObject.templater.synapses.variables,
    reason="this Brian's Cython code works with any queue",
)
def test_code_of_pathways(group):
    synapses = Synapses(
        group, group, on_pre="v_post = tripled(v_post)", namespace={"tripled": function(refusing)}
    )
    synapses.connect()
    with pytest.raises(BrianObjectException) as raised:
        Network(group, synapses).run(0.1 * ms)
    assert "this device's own spike queues" in str(raised.value.__cause__)
