"""Sweeps over pools that others have made."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from brian2 import ms, set_device

import brian2genn
from tests.sweeps import functions

pytestmark = pytest.mark.slow


def pool(workers: int = 2) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def loky():
    joblib_loky = pytest.importorskip(
        "joblib.externals.loky", reason="the extra 'sweep' is not installed"
    )
    return joblib_loky.ProcessPoolExecutor(2)


GRID = {"tau": [5, 10] * ms, "g": [4, 6]}


@pytest.mark.parametrize("make", [pool, loky, lambda: ThreadPoolExecutor(2)])
def test_results_are_those_of_one_process(make):
    set_device("genn", backend="cpu")
    one = brian2genn.sweep(functions.neurons, GRID, repeats=2, seed=1, executor="serial")
    with make() as executor:
        two = brian2genn.sweep(functions.neurons, GRID, repeats=2, seed=1, executor=executor)
    assert not two.failed, two.failed[0]
    for here, there in zip(one, two, strict=True):
        np.testing.assert_array_equal(here["v"], there["v"])
        assert there["device"] == "genn"


def test_a_large_order_is_sent_to_each_worker_once():
    numbers = np.random.rand(100_000)

    def simulate(a):
        return numbers[a]

    with pool() as executor:
        results = brian2genn.sweep(simulate, {"a": range(20)}, executor=executor)
    assert [run["result"] for run in results] == list(numbers[:20])


def test_parameters_that_only_cloudpickle_can_send():
    with pool(1) as executor:
        results = brian2genn.sweep(lambda f: f(), {"f": [lambda: 1, lambda: 2]}, executor=executor)
    assert [run["result"] for run in results] == [1, 2]


@pytest.mark.parametrize("how", ["os._exit", "kill"])
def test_a_pool_is_made_anew(how, tmp_path):
    """A worker that dies breaks the pool; nobody tells which run it was."""
    parameters = {"how": ["a", "b", how, "c", "kill once", "d"], "folder": [str(tmp_path)]}
    results = brian2genn.sweep(functions.misbehave, parameters, executor=pool)
    assert [run.state for run in results] == ["done"] * 2 + ["failed"] + ["done"] * 3
    assert results.failed[0].attempts == 2


def test_a_pool_of_somebody_else_is_not_made_anew(tmp_path):
    parameters = {"how": ["a", "b", "kill once", *"cdefghij"], "folder": [str(tmp_path)]}
    with pool() as executor:
        results = brian2genn.sweep(
            functions.misbehave, parameters, executor=executor, store=tmp_path / "scan"
        )
    assert 0 < len(results.failed) < 11
    assert "It belongs to you" in results.failed[-1].error
    with pool() as executor:
        results = brian2genn.sweep(
            functions.misbehave, parameters, executor=executor, store=tmp_path / "scan"
        )
    assert not results.failed


@pytest.mark.parametrize("how", ["loop", "hang"])
def test_time_limits(how):
    with pool() as executor:
        results = brian2genn.sweep(
            functions.misbehave, {"how": ["a", how, "b"]}, executor=executor, timeout=1
        )
    assert [run.state for run in results] == ["done", "failed", "done"]
    assert results.failed[0].error == "It took longer than 1 s."


def blocked(a):
    """Where no signal is heard."""
    import signal

    if a == 1:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        time.sleep(25)
        os._exit(0)
    return a


def test_nobody_waits_for_a_worker_that_hangs():
    began = time.monotonic()
    executor = pool()
    results = brian2genn.sweep(blocked, {"a": [0, 1, 2, 3]}, executor=executor, timeout=0.1)
    assert {run.number: run.state for run in results}[0] == "done"
    assert results[1].state == "failed"
    assert time.monotonic() - began < 200
    executor.shutdown(wait=False, cancel_futures=True)
