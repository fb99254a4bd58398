"""The interpreter of set-up code and compiled code give the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, prefs, seed, set_device

from brian2genn.backends.host import interpreter
from brian2genn.runtime.code import setup as runtime_setup

#: Values of a neuron set by a string: operations, functions, types, random numbers.
EXPRESSIONS = [
    "x + 2.5*i", "x - y", "x/y", "x*x*y - 3", "-x", "x//0.3", "x % 0.3", "x % y", "i//3 + n % 7",
    "i % -3", "-i // 4", "x**3", "x**3.5", "abs(x)**y", "x**2", "abs(x)**0.5", "x**-1", "x**-1.5",
    "exp(x)", "expm1(x)", "exprel(x)", "log(abs(x) + 1)", "log10(abs(y))", "log1p(abs(x))",
    "sqrt(abs(x))", "sin(x)", "cos(x)", "tan(x)", "sinh(x)", "cosh(x)", "tanh(x)",
    "arcsin(x/10)", "arccos(x/10)", "arctan(x)", "ceil(x)", "floor(x)", "sign(x)", "sign(i - 5)",
    "abs(i - 20)", "clip(x, -0.5, y)", "clip(i, 3, 10)", "int(x)", "int(x > y)", "int(b)*x",
    "x*int(i > 3 and x < 1 or not b)", "rand()", "randn()", "rand() + randn()*x", "k*i", "k + n",
    "x*k", "i/N", "exp(1)*x", "timestep(x*second, 0.1*ms)*1.0", "f*x", "poisson(3)",
    "1e300*x*1e10", "x/0", "0*x/0", "n*n*n", "(i*100000)*100000",
]  # fmt: skip

PATTERNS: list[dict[str, object]] = [
    {"condition": "i != j"},
    {"condition": "abs(x_pre - x_post) < 0.3"},
    {"condition": "abs(x_pre - x_post) < 0.3", "p": 0.5},
    {"p": 0.1},
    {"p": 0.7},
    {"p": "0.2 + 0.1*(i > j)"},
    {"p": "exp(-abs(i - j)/10.0)", "n": 2},
    {"n": "i % 3", "condition": "i > 5"},
    {"j": "i"},
    {"i": "j // 2"},
    {"j": "(i + 7) % N_post"},
    {"i": "(j*j) % N_pre", "n": 3},
    {"j": "k for k in range(i - 3, i + 4)", "skip_if_invalid": True},
    {"j": "k for k in range(N_post - 1, -1, -2)"},
    {"j": "k for k in range(0, N_post, i + 1) if k != i"},
    {"j": "k for k in sample(N_post, p=0.2)"},
    {"j": "k for k in sample(0, N_post, 2, p=0.1 + 0.01*i)"},
    {"j": "k for k in sample(N_post, size=i % 9)"},
    {"j": "k*k for k in sample(6, size=3) if x_post < 1"},
    {"i": "k for k in sample(N_pre, size=4)"},
    {"j": "int(N_post*rand()) for k in range(5)", "n": 2},
    {"j": "i + int(5*randn())", "skip_if_invalid": True},
    {"p": 1.0, "condition": "rand() < 0.3"},
]

FAILING: list[dict[str, object]] = [
    {"j": "i + 20"},
    {"j": "i - 3"},
    {"j": "k for k in sample(N_post, size=i*10)"},
    {"j": "k for k in sample(N_post, size=-1)"},
    {"j": "k for k in range(0, 5, i - i)"},
    {"j": "i + 20", "condition": "x_post > 0"},
]


class Counts:
    """What executes set-up code."""

    def __init__(self) -> None:
        self.interpreted = self.compiled = 0


@pytest.fixture
def counts(monkeypatch) -> Counts:
    found = Counts()
    program = runtime_setup._program

    def counting(translation, threads):
        made = program(translation, threads)
        if isinstance(made, interpreter.InterpretedSetup):
            found.interpreted += 1
        else:
            found.compiled += 1
        return made

    monkeypatch.setattr(runtime_setup, "_program", counting)
    monkeypatch.setattr(interpreter, "_done", {})
    set_device("genn", backend="cpu")
    return found


def _cells(size: int = 300) -> NeuronGroup:
    cells = NeuronGroup(
        size,
        """
        x : 1
        y : 1
        z : 1
        b : boolean
        n : integer
        m : integer
        f = x*y + i : 1
        """,
        threshold="x > 9",
        name="cells",
    )
    cells.x = np.linspace(-3, 4, size)
    cells.y = np.cos(np.arange(size))
    cells.b = np.arange(size) % 3 == 0
    cells.n = np.arange(size) * 37 % 101 - 50
    return cells


def _both(monkeypatch, counts: Counts, function):
    """What a function gives, interpreted and compiled."""
    results = []
    for most in (interpreter._MOST, -1):
        monkeypatch.setattr(interpreter, "_MOST", most)
        seed(12)
        try:
            results.append(function())
        except Exception as error:
            results.append(f"{type(error).__name__} {error.__cause__ or error}")
    return results


K = 2**33


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values(monkeypatch, counts, expression):
    def assign():
        cells = _cells()
        k = K
        cells.z = expression
        part = cells[10:200]
        part.z["x > 0 and i > 5"] = f"({expression}) + 1"
        read = cells.z["y > 0"]
        assert k
        return cells.z[:].tobytes(), read.tobytes(), cells.indices["x < y"].tobytes()

    interpreted, compiled = _both(monkeypatch, counts, assign)
    assert interpreted == compiled


@pytest.mark.parametrize(
    "expression", ["n + i", "int(x*10)", "m + n*n", "i % 4", "int(rand()*100)", "n//3"]
)
def test_whole_numbers(monkeypatch, counts, expression):
    def assign():
        cells = _cells()
        cells.m = expression
        cells.b = "n > m or x < y"
        cells.b["not b"] = "i % 2 == 0"
        return cells.m[:].tobytes(), cells.b[:].tobytes()

    interpreted, compiled = _both(monkeypatch, counts, assign)
    assert interpreted == compiled
    assert counts.interpreted


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_patterns(monkeypatch, counts, pattern):
    def connect():
        cells = _cells(40)
        synapses = Synapses(cells[5:], cells, "w : 1", on_pre="x_post += w", name="synapses")
        synapses.connect(**pattern)
        synapses.w = "x_pre*2 + i - rand()*j"
        synapses.w["w > 3"] = "w + x_post"
        synapses.delay = "(1 + rand())*ms"
        return (
            synapses.i[:].tobytes(), synapses.j[:].tobytes(), synapses.w[:].tobytes(),
            synapses.delay[:].tobytes(), synapses.N_outgoing[:].tobytes(),
        )  # fmt: skip

    interpreted, compiled = _both(monkeypatch, counts, connect)
    assert interpreted == compiled
    assert not isinstance(interpreted, str), interpreted
    assert counts.interpreted >= 3


@pytest.mark.parametrize("pattern", FAILING, ids=str)
def test_errors(monkeypatch, counts, pattern):
    def connect():
        cells = _cells(40)
        synapses = Synapses(cells, cells[:30], "w : 1", name="synapses")
        synapses.connect(**pattern)
        return len(synapses)

    interpreted, compiled = _both(monkeypatch, counts, connect)
    assert interpreted == compiled
    assert isinstance(interpreted, str)


def test_elements_that_read_each_other(monkeypatch, counts):
    def assign():
        cells = _cells(600)
        synapses = Synapses(cells, cells, "w : 1", name="synapses")
        synapses.connect(j="(i + 1) % N_post")
        synapses.x_post = "x_pre + y_post"
        synapses.x_pre = "x_post*2"
        cells.x[[1, 1, 2, 599]] = "x + y"
        cells.x_[np.array([5, 4, 300])] = "x*2"
        return cells.x[:].tobytes()

    interpreted, compiled = _both(monkeypatch, counts, assign)
    assert interpreted == compiled


def test_single_precision_is_compiled(monkeypatch, counts):
    prefs.core.default_float_dtype = np.float32
    cells = _cells(10)
    before = counts.compiled
    cells.z = "exp(x)*rand()"
    assert counts.compiled == before + 1


def test_what_is_large_is_compiled(counts):
    cells = NeuronGroup(20_000, "x : 1")
    synapses = Synapses(cells, cells)
    before = counts.compiled
    synapses.connect(condition="i == j + 1")
    assert counts.compiled == before + 1
    assert len(synapses) == 19_999


def test_what_is_done_again_and_again_is_compiled(monkeypatch, counts):
    monkeypatch.setattr(interpreter, "_MOST", 2000)
    cells = NeuronGroup(100, "x : 1")
    for number in range(20):
        cells.x = f"i*{number}.5"  # another number is the same code
        assert cells.x[2] == 2 * (number + 0.5)
    assert counts.interpreted > 1
    assert counts.compiled > 1
    assert counts.interpreted + counts.compiled == 20
