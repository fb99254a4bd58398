"""The interpreter agrees with what is compiled, and passes leave what it computes."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

import brian2genn
from brian2genn.backends.cpu.backend import CpuBackend
from brian2genn.backends.host import toolchain
from brian2genn.backends.trial.execution import copy_of, execute
from brian2genn.backends.trial.network import make_trial
from brian2genn.model import expr as ex
from brian2genn.model.network import Update
from brian2genn.transforms.chances import chances
from brian2genn.transforms.pipeline import FOR_A_GPU, FOR_A_PROCESSOR, FOR_GENN, lower
from tests import devices
from tests.interpreter.backend import InterpreterBackend, InterpreterProgram
from tests.semantics.harness import Tolerance, difference, observe

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="compares with the processor")

HERE = Path(__file__).parent

#: Exponentials of other libraries, a few hundred time steps on.
CLOSE = Tolerance(1e-9, 1e-9)


def run_trial(backend, passes=()):
    """The results of the trial's network, with these passes applied before."""
    trial = make_trial()
    if passes:
        network = trial.network.copied()
        lower(network, passes)
        return execute(trial, backend, InterpreterProgram(network))
    return execute(trial, backend, backend.build(copy_of(trial), profile=False))


def assert_same(reference, results, tolerance):
    assert set(reference) == set(results)
    told = {
        name: difference(name.replace(".", " "), value, results[name], tolerance)
        for name, value in reference.items()
    }
    assert not {name: text for name, text in told.items() if text}


#: Of the passes, only the one without which other random numbers are drawn.
FOR_A_REFERENCE = (chances,)

PIPELINES = pytest.mark.parametrize(
    "passes",
    # GeNN draws numbers of its own
    [FOR_A_PROCESSOR, FOR_A_GPU, (*FOR_GENN, chances)],
    ids=["processor", "gpu", "genn"],
)


@pytest.fixture(scope="module")
def reference():
    """The trial's results, of the network as it was translated."""
    return run_trial(InterpreterBackend(), FOR_A_REFERENCE)


def test_agrees_with_compiled_code(reference):
    assert_same(reference, run_trial(CpuBackend()), Tolerance(1e-4, 1e-4))


def test_agrees_as_a_backend(reference):
    assert_same(reference, run_trial(InterpreterBackend()), Tolerance(1e-4, 1e-4))


@PIPELINES
def test_passes_change_nothing_but_rounding(passes, reference):
    """It is the oracle for passes: what they have made of a network gives the same."""
    results = run_trial(InterpreterBackend(), passes)
    assert_same(reference, results, Tolerance(1e-4, 1e-4))


def one_percent_more(network):
    """A wrong pass: state updates store a little too much."""
    for step in network.steps:
        if isinstance(step, Update):
            step.kernel.stores = [
                replace(store, value=ex.cast(ex.binary("mul", store.value, ex.const(1.01)), dtype))
                for store in step.kernel.stores
                for dtype in [step.kernel.accesses[store.name].dtype]
            ]


@PIPELINES
def test_a_wrong_pass_is_found(passes, reference):
    results = run_trial(InterpreterBackend(), (*passes, one_percent_more))
    with pytest.raises(AssertionError, match="differ"):
        assert_same(reference, results, Tolerance(1e-4, 1e-4))


def arithmetic():
    """Only ``+ - * /`` and comparisons; random numbers without logarithms."""
    group = NeuronGroup(
        150,
        """dv/dt = (1.3 + 0.01*i - v)/(3*ms) + s*0.1/ms : 1 (unless refractory)
           dg/dt = -g/(2*ms) : 1
           s : 1
           n : integer""",
        threshold="v > 1 and rand() < 0.9",
        reset="v = 0; n += 1",
        refractory=0.7 * ms,
        method="euler",
    )
    group.v = "rand()"
    inputs = SpikeGeneratorGroup(5, [0, 3, 2, 2], [0, 0.2, 0.2, 1.1] * ms, period=1.5 * ms)
    synapses = Synapses(
        group,
        group,
        "w : 1\ns_post = w*(v_pre - v_post) : 1 (summed)",
        on_pre="g_post += w*rand(); w *= 0.99",
        on_post="w += 0.001*g_pre",
    )
    synapses.connect(condition="(i + 2*j) % 7 == 0")
    synapses.w, synapses.delay = "0.01*rand()", "0.1*ms*(i % 4)"
    drive = Synapses(inputs, group, on_pre="v_post += 0.1")
    drive.connect()
    spikes, states = SpikeMonitor(group, "g"), StateMonitor(group, ["v", "s"], record=[0, 9, 3])
    network = Network(group, inputs, synapses, drive, spikes, states)
    network.run(6 * ms)
    network.run(3 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes, states=states)


@pytest.fixture
def results(monkeypatch):
    """What a network gives, by the backend that takes the processor's place."""
    # as written: no product and sum are rounded at once
    monkeypatch.setenv(toolchain.FLAGS_VARIABLE, "-O2 -ffp-contract=off")
    toolchain.find.cache_clear()

    def run(backend, network):
        devices.set_defaults(monkeypatch, processor=backend)
        devices.reset()
        set_device("genn", backend="cpu")
        seed(4)
        return {name: np.array(value) for name, value in network().items()}

    yield run
    toolchain.find.cache_clear()


def test_arithmetic_agrees_bit_by_bit(results):
    compiled, interpreted = (
        results(backend, arithmetic) for backend in (CpuBackend, InterpreterBackend)
    )
    assert set(compiled) == set(interpreted)
    assert compiled["spikes.i"].size > 100
    for name, value in compiled.items():
        assert value.tobytes() == interpreted[name].tobytes(), name


def test_everything_is_interpreted(results):
    results(InterpreterBackend, arithmetic)
    assert brian2genn.genn_device.backend.name == "numpy"
    assert "0 run by Brian" in str(brian2genn.explain())


def code_lines(path):
    """Without comments, documentation, and empty lines."""
    text = path.read_text("utf-8")
    documented = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    return [
        line
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#") and number not in documented
    ]


def test_a_backend_can_be_this_small():
    files = [HERE / "backend.py", HERE / "values.py"]
    assert sum(len(code_lines(path)) for path in files) < 400
