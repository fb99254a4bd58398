"""Sweeps over processes of this machine: two of them, through joblib's loky."""

from __future__ import annotations

import functools
import os
import signal
import threading
import time

import numpy as np
import pytest
from brian2 import ms, mV, set_device

import brian2genn
from brian2genn.sweeps import resources
from brian2genn.sweeps.engines import local
from brian2genn.sweeps.sending import CannotBeSent
from tests.sweeps import functions

pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")


@pytest.fixture(scope="module", autouse=True)
def no_workers_left():
    yield
    for pools in local._waiting.values():
        for pool in pools:
            pool.shutdown(wait=False, kill_workers=True)
    local._waiting.clear()


def test_results_are_those_of_one_process():
    set_device("genn", backend="cpu")
    grid = {"tau": [5, 10] * ms, "g": [4, 6]}
    one = brian2genn.sweep(functions.neurons, grid, repeats=2, seed=1, executor="serial")
    two = brian2genn.sweep(functions.neurons, grid, repeats=2, seed=1)
    assert not two.failed
    for here, there in zip(one, two, strict=True):
        assert here["rate"] == there["rate"]
        np.testing.assert_array_equal(here["v"], there["v"])
        assert there["device"] == "genn"
    assert [run.place for run in one] == [run.place for run in two]


def test_workers_are_processes_that_are_used_again():
    results = brian2genn.sweep(functions.times, {"a": range(40)})
    workers = {run["process"] for run in results}
    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2
    assert [run["product"] for run in results] == list(range(40))
    again = brian2genn.sweep(functions.times, {"a": range(40)})
    assert {run["process"] for run in again} <= workers


def test_functions_of_any_kind():
    factor = 3

    def nested(a):
        return a * factor

    class Callable:
        def __call__(self, a):
            return a * factor

    expected = [0, 3, 6]
    for function in (
        nested, lambda a: nested(a), Callable(), Callable().__call__,
        functools.partial(functions.times, b=3),
    ):  # fmt: skip
        results = brian2genn.sweep(function, {"a": range(3)})
        name = results.names[0]
        assert [run[name] for run in results] == expected, results.failed


def test_names_that_occur_in_equations_only():
    """Brian finds them among the names of the module, where cloudpickle finds nobody to ask."""
    names = {"__name__": "__main__"}
    exec(
        "from brian2 import *\n"
        "tau = 7*ms\n"
        "level = 2\n"
        "equations = 'dv/dt = (level*mV - v)/tau : volt'\n"
        "def make():\n"
        "    return NeuronGroup(1, equations, method='exact')\n"
        "def simulate(a):\n"
        '    """Some text: tau."""\n'
        "    cells = make()\n"
        "    cells.v = 'a*level*mV'\n"
        "    run(7*ms)\n"
        "    return cells.v[0]\n",
        names,
    )
    results = brian2genn.sweep(names["simulate"], {"a": [1, 3]})
    assert not results.failed, results.failed[0]
    expected = [2, 2 + 4 * np.exp(-1)]
    np.testing.assert_allclose([float(run["result"] / mV) for run in results], expected)


@pytest.mark.parametrize(
    ("how", "attempts", "told"),
    [
        ("raise", 1, "ValueError: it went wrong"),
        ("no text", 1, "NoText: <exception str() failed>"),
        ("sys.exit", 1, "SystemExit: 3"),
        pytest.param("os._exit", 2, "The worker process ended", marks=pytest.mark.slow),
        ("kill", 2, "SIGKILL"),
        ("memory", 2, "Memory was used up"),
        ("lambda", 1, "The result 'file' cannot be kept"),
        pytest.param("hang", 2, "It took longer than 0.7 s.", marks=pytest.mark.slow),
    ],
)
def test_a_run_that_fails_costs_itself_only(how, attempts, told):
    parameters = {"how": ["a", "b", how, "c", "d", "e"]}
    timeout = 0.7 if how == "hang" else None
    results = brian2genn.sweep(functions.misbehave, parameters, timeout=timeout)
    assert [run.state for run in results] == ["done"] * 2 + ["failed"] + ["done"] * 3
    (failure,) = results.failed
    assert told in failure.error
    assert failure.attempts == attempts


@pytest.mark.slow
def test_a_worker_that_is_killed_once_costs_nothing(tmp_path):
    parameters = {"how": ["a", "kill once", "b", "c"], "folder": [str(tmp_path)]}
    results = brian2genn.sweep(functions.misbehave, parameters, workers=2)
    assert not results.failed
    assert [run["value"] for run in results] == ["a", "kill once", "b", "c"]


@pytest.mark.slow
def test_much_output_and_large_results(capfd):
    results = brian2genn.sweep(functions.misbehave, {"how": ["print", "huge", "print"]})
    assert not results.failed
    assert results[1]["value"].nbytes == 240_000_000
    capfd.readouterr()


@pytest.mark.slow
def test_threads_that_a_run_leaves_keep_nobody_waiting():
    def simulate(a):
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return os.getpid()

    (run,) = brian2genn.sweep(simulate, {"a": [1]})
    for pools in local._waiting.values():
        while pools:
            pools.pop().shutdown(wait=True)
    with pytest.raises(ProcessLookupError):
        os.kill(run["result"], 0)


def test_a_sweep_within_a_sweep():
    results = brian2genn.sweep(functions.sweep_within, {"a": [1, 2, 3]})
    assert not results.failed, results.failed[0]
    assert [run["products"] for run in results] == [[3, 6], [6, 12], [9, 18]]
    assert all(all(run["here"]) for run in results)  # not more processes than cores
    assert results[2]["results"][1]["product"] == 18


def test_whatever_a_run_leaves_the_next_one_does_not_find():
    set_device("genn", backend="cpu")
    results = brian2genn.sweep(functions.changes_everything, {"step": range(6)}, seed=1)
    assert not results.failed, results.failed[0]
    for run in results:
        assert (run["device"], run["dt"], run["target"]) == ("genn", 0.1, "numpy")
    assert len({run["random"] for run in results}) == 6


@pytest.mark.parametrize("executor", [None, "serial"])
def test_what_a_run_does_to_its_process_ends_with_it(executor, tmp_path, monkeypatch):
    """A relative path was another one in a worker where a run had called os.chdir."""
    monkeypatch.chdir(tmp_path)
    grid = {"step": range(5)}
    results = brian2genn.sweep(functions.changes_the_process, grid, executor=executor)
    assert not results.failed, results.failed[0]
    for name in ("folder", "variable", "path", "filters"):
        assert len({run[name] for run in results}) == 1, name
    assert results[0]["variable"] == ""
    assert os.getcwd() == str(tmp_path)


def test_workers_times_threads_are_the_cores(monkeypatch):
    for cores, workers, threads in [(2, None, None), (2, 1, None), (6, None, 3), (8, 2, None)]:
        monkeypatch.setattr(resources, "usable_cores", lambda cores=cores: cores)
        for runs in (1, 2, 100):
            found = resources.share_out(workers, threads, runs)
            assert found[0] * found[1] <= cores
            assert found[1] >= (threads or 1)


@pytest.mark.slow
def test_workers_use_no_more_threads_than_are_for_them(monkeypatch):
    monkeypatch.setattr(resources, "usable_cores", lambda: 6)
    results = brian2genn.sweep(functions.threads_used, {"a": range(4)}, workers=2)
    assert not results.failed, results.failed[0]
    assert {(run["threads"], run["share"], run["numpy"]) for run in results} == {(3, 3, "3")}


@pytest.mark.slow
def test_workers_share_out_the_cards(monkeypatch):
    from brian2genn.sweeps import cards

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-5")
    assert [cards.card_for(worker) for worker in range(3)] == ["4", "GPU-5", "4"]

    def seen(a):
        time.sleep(0.2)
        return os.environ["CUDA_VISIBLE_DEVICES"]

    results = brian2genn.sweep(seen, {"a": range(6)})
    assert {run["result"] for run in results} == {"4", "GPU-5"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    assert cards.card_for(1) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert cards.visible_cards() == []


def test_what_cannot_be_sent():
    lock = threading.Lock()

    def simulate(a):
        return lock.locked()

    with pytest.raises(CannotBeSent, match=r"'simulate' cannot be sent.*executor='serial'"):
        brian2genn.sweep(simulate, {"a": [1]})
    assert not brian2genn.sweep(simulate, {"a": [1]}, executor="serial").failed


@pytest.mark.slow
def test_ctrl_c_stops_at_once_and_leaves_what_is_done(tmp_path):
    grid = {"seconds": [0, 0, 300, 300, 0]}
    threading.Timer(4, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="of 5 runs were done") as caught:
        brian2genn.sweep(functions.wait, grid, store=tmp_path / "scan")
    assert time.monotonic() - began < 60
    assert [run.state for run in caught.value.results].count("done") >= 2
    found = brian2genn.load_sweep(tmp_path / "scan")
    assert [run.state for run in found] == [run.state for run in caught.value.results]


@pytest.mark.slow
def test_workers_that_cannot_start(monkeypatch):
    monkeypatch.setattr(local, "begin", functions.refuse)
    local._waiting.clear()
    results = brian2genn.sweep(functions.times, {"a": [1, 2]})
    assert len(results.failed) == 2
    assert "Worker processes cannot be started" in results.failed[0].error


def test_without_joblib(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "joblib.externals.loky", None)
    with pytest.raises(ImportError, match="pip install joblib"):
        brian2genn.sweep(functions.times, {"a": [1]})


def test_without_what_pickles_functions(monkeypatch):
    """It is no fault of the function."""
    import sys

    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    monkeypatch.setitem(sys.modules, "joblib.externals.cloudpickle", None)
    with pytest.raises(ImportError, match="pip install joblib"):
        brian2genn.sweep(functions.times, {"a": [1]})


def test_a_bar_for_those_who_want_one(capfd):
    pytest.importorskip("tqdm", reason="the extra 'sweep' is not installed")
    brian2genn.sweep(functions.misbehave, {"how": ["raise", "a"]}, progress=True)
    shown = capfd.readouterr().err
    assert "2/2" in shown
    assert "failed=1" in shown
    brian2genn.sweep(functions.misbehave, {"how": ["a"]}, progress=False)
    brian2genn.sweep(functions.misbehave, {"how": ["a"]})
    assert "1/1" not in capfd.readouterr().err
