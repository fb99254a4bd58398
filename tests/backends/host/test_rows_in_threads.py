"""Rows of a connection pattern made by several threads: the same synapses, and the same errors."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, prefs, seed, set_device
from brian2.core.base import BrianObjectException

from brian2genn.backends.host import interpreter, setup
from tests import devices

if devices.BACKEND != "cpu":
    pytest.skip("about the processor", allow_module_level=True)

PATTERNS = [
    {"p": 0.1},
    {"p": 0.6, "condition": "i != j"},
    {"condition": "abs(x_pre - x_post) < 0.05", "n": 2},
    {"condition": "i < j", "p": "exp(-abs(i - j)/20.0)"},
    {"j": "i"},
    {"j": "k for k in range(i - 5, i + 5)", "skip_if_invalid": True},
    {"j": "k for k in sample(N_post, size=7)"},
    {"j": "k for k in sample(N_post, p=0.02) if k != i"},
    {"i": "(j + 1) % N_pre"},
    {"condition": "i > 10000"},
]


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """All patterns are compiled, and shared out however small they are."""
    monkeypatch.setattr(interpreter, "_MOST", -1)
    monkeypatch.setattr(setup, "_WORTH_SHARING", 0)
    monkeypatch.setattr(setup, "_WORTH_COPYING", 0)


def connected(threads: int, pattern: dict, n: int = 300) -> list[np.ndarray]:
    devices.reset()
    set_device("genn", backend="cpu", threads=threads)
    prefs.codegen.target = "numpy"
    seed(3)
    cells = NeuronGroup(n, "x : 1", threshold="x > 2")
    cells.x = "rand()"
    synapses = Synapses(cells[10:], cells, multisynaptic_index="k")
    synapses.connect(**pattern)
    synapses.connect(i=0, j=1)
    found = [np.array(values) for values in (synapses.i[:], synapses.j[:], synapses.k[:])]
    return [*found, np.array(synapses.N_outgoing_pre), np.array(synapses.N_incoming_post)]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_any_number_of_threads_makes_the_same(monkeypatch, pattern):
    expected = connected(1, pattern)
    shared = []
    by_rows = setup._by_rows
    monkeypatch.setattr(setup, "_by_rows", lambda *given: shared.append(1) or by_rows(*given))
    for threads in (2, 3, 7):
        for found, values in zip(connected(threads, pattern), expected, strict=True):
            np.testing.assert_array_equal(found, values)
    assert shared == [1] * 3


@pytest.mark.parametrize(
    "pattern",
    [
        {"j": "i + 11*int(i % 3 == 1)"},
        {"j": "k for k in range(i - 100, i + 100)"},
        {"j": "k for k in sample(N_post, size=i*3)"},
        {"j": "k for k in range(0, 10, int(i < 150))"},
    ],
    ids=str,
)
def test_the_error_is_that_of_the_first_row(pattern):
    said = []
    for threads in (1, 5):
        with pytest.raises((BrianObjectException, IndexError, ValueError)) as error:
            connected(threads, pattern)
        said.append((type(error.value.__cause__), str(error.value.__cause__ or error.value)))
    assert said[0] == said[1]


def test_functions_of_users_stay_on_one_thread(monkeypatch):
    from brian2 import check_units, implementation

    @implementation("cpp", "double counted(double x) { static int calls = 0; return x + calls++; }")
    @check_units(x=1, result=1)
    def counted(x):
        raise NotImplementedError

    monkeypatch.setattr(setup, "_by_rows", None)
    devices.reset()
    set_device("genn", backend="cpu", threads=3)
    cells = NeuronGroup(30, "x : 1", threshold="x > 2")
    synapses = Synapses(cells, cells)
    synapses.connect(condition="counted(x_pre) < 10", namespace={"counted": counted})
    assert set(synapses.i[:]) == set(range(10))  # rows are counted in their order


# -- side by side --------------------------------------------------------------------
def test_each_number_is_taken_once():
    done = []
    setup.side_by_side(done.append, 1000, 4)
    assert sorted(done) == list(range(1000))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("in_main", [False, True])
def test_an_error_ends_all_threads(error, in_main):
    failed = threading.Event()

    def do(number: int) -> None:
        if (threading.current_thread() is threading.main_thread()) == in_main:
            failed.set()
            raise error
        failed.wait(10)
        time.sleep(0.01)

    before = threading.active_count()
    with pytest.raises(error):
        setup.side_by_side(do, 10_000, 3)
    assert threading.active_count() == before


def test_without_threads_to_be_had(monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    done = []
    setup.side_by_side(done.append, 5, 3)
    assert done == [0, 1, 2, 3, 4]
