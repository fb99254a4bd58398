"""Sweeps over a cluster of Dask: one of processes on this machine."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms, set_device
from brian2.utils.logger import catch_logs

import brian2genn
from tests.sweeps import functions

distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def test_results_are_those_of_one_process(client):
    set_device("genn", backend="cpu")
    grid = {"tau": [5, 10] * ms, "g": [4, 6]}
    one = brian2genn.sweep(functions.neurons, grid, repeats=2, seed=1, executor="serial")
    two = brian2genn.sweep(functions.neurons, grid, repeats=2, seed=1, executor=client)
    assert not two.failed, two.failed[0]
    for here, there in zip(one, two, strict=True):
        np.testing.assert_array_equal(here["v"], there["v"])
        assert there["device"] == "genn"


def test_a_function_of_a_script(client):
    factor = 3
    results = brian2genn.sweep(lambda a: a * factor, {"a": range(50)}, executor=client)
    assert [run["result"] for run in results] == list(range(0, 150, 3))


@pytest.mark.parametrize("how", ["raise", "no text", "sys.exit", "memory", "loop"])
def test_a_run_that_fails_costs_itself_only(client, how):
    results = brian2genn.sweep(
        functions.misbehave, {"how": ["a", how, "b", "c"]}, executor=client, timeout=2
    )
    assert [run.state for run in results] == ["done", "failed", "done", "done"]


@pytest.mark.parametrize("how", ["kill", "kill once", "hang"])
def test_a_worker_that_is_lost(client, how, tmp_path):
    parameters = {"how": ["a", how, "b", "c"], "folder": [str(tmp_path)]}
    # on a busy machine, a worker that replaces another one is slow to begin
    limit = 2 if how == "hang" else 60
    results = brian2genn.sweep(functions.misbehave, parameters, executor=client, timeout=limit)
    expected = "done" if how == "kill once" else "failed"
    assert [run.state for run in results] == ["done", expected, "done", "done"], results.failed


def test_workers_with_threads_take_one_run_at_a_time():
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=4, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        catch_logs() as logs,
    ):
        results = brian2genn.sweep(
            functions.neurons, {"tau": range(5, 13) * ms}, seed=1, executor=client
        )
        one = brian2genn.sweep(
            functions.neurons, {"tau": range(5, 13) * ms}, seed=1, executor="serial"
        )
    assert any("Dask workers have several threads" in text for _, _, text in logs)
    for here, there in zip(one, results, strict=True):
        np.testing.assert_array_equal(here["v"], there["v"])
