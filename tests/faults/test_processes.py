"""Networks in forked and spawned processes, also while the parent has one."""

import json
import multiprocessing
import os
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, ms, seed

from tests import devices
from tests.faults import networks
from tests.faults.processes import environment, in_fork


@pytest.fixture(autouse=True)
def _quiet_fork():
    with warnings.catch_warnings():
        # pytest-xdist has threads, which do not matter here
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def test_forked_with_a_compiled_network():
    """Parent and children go on with the same network, each for itself."""
    expected = networks.reference(8 * ms)
    network = networks.build()
    network.run(5 * ms)

    def go_on():
        network.run(3 * ms)
        return networks.seen(network)

    children = in_fork(go_on, go_on)
    for result in children:
        networks.assert_same(result, expected)
    networks.assert_same(go_on(), expected)


def test_forked_in_the_middle_of_a_run():
    """An operation that forks: the child ends on its own, the parent's run goes on."""
    from brian2 import NetworkOperation

    expected = networks.reference(8 * ms)
    network = networks.build()
    children = []

    def operation(t):
        if abs(np.asarray(t).item() - 0.004) < 1e-9:
            children.append(in_fork(lambda: networks.run_here(8 * ms)))

    network.add(NetworkOperation(operation, dt=1 * ms, name="forks"))
    network.run(8 * ms)
    networks.assert_same(networks.seen(network), expected)
    networks.assert_same(children[0], expected)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_pools(method):
    expected = [networks.reference(number * ms) for number in (2, 5)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.map(networks.worker, [2, 5, 2])
    for result, number in zip(results, (0, 1, 0), strict=True):
        networks.assert_same(result, expected[number])


def test_concurrent_futures():
    expected = networks.reference(2 * ms)
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        for result in pool.map(networks.worker, [2, 2]):
            networks.assert_same(result, expected)


@pytest.mark.slow
def test_joblib():
    """Loky's workers are new processes, which use the compiled program of the cache."""
    joblib = pytest.importorskip("joblib")
    expected = networks.reference(2 * ms)
    results = joblib.Parallel(n_jobs=2)(joblib.delayed(networks.worker)(2) for _ in range(3))
    for result in results:
        networks.assert_same(result, expected)


RACE = """
import json, sys
from brian2 import ms
from tests import devices
from tests.faults import networks
devices.register()
result = networks.run_here(5*ms)
print(json.dumps(result["states"].tolist()))
"""


@pytest.mark.slow
def test_new_processes_compile_the_same_at_once(tmp_path):
    """From an empty cache, support library and all; each program is there once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE],
            env=environment(BRIAN2GENN_CACHE_DIR=str(tmp_path)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    expected = networks.reference(5 * ms)["states"]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        np.testing.assert_allclose(json.loads(out), expected, rtol=1e-9)
    if devices.DEVICE != "plain":
        assert len(list(tmp_path.glob("network-*.so"))) == 1
        assert len(list(tmp_path.glob("support-*.so"))) == 1


def noise() -> np.ndarray:
    group = NeuronGroup(3, "dv/dt = xi*ms**-0.5 : 1", method="euler", name="noisy")
    states = StateMonitor(group, "v", record=True)
    Network(group, states).run(1 * ms)
    return np.array(states.v)[:, 1:]


def noise_with_numpys_seed(number: int):
    def run():
        np.random.seed(number)
        return noise()

    return run


def test_workers_that_seed_numpy():
    """As under Brian's runtime, NumPy's seed decides where Brian's `seed` was not called."""
    networks.choose()
    seed()  # forgets that of an earlier test
    noise()
    first, second, again = in_fork(*(noise_with_numpys_seed(number) for number in (1, 2, 1)))
    assert not np.any(first == second)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(noise_with_numpys_seed(2)(), second)
    np.testing.assert_array_equal(noise_with_numpys_seed(2)(), second)
    assert not np.any(noise() == second)


def test_workers_that_seed():
    networks.choose()
    seed(3)

    def seeded(number):
        def run():
            seed(number)
            return noise()

        return run

    first, second, again = in_fork(seeded(1), seeded(2), seeded(1))
    assert not np.any(first == second)
    np.testing.assert_array_equal(first, again)


def test_a_child_that_ends_takes_nothing_with_it():
    """What a forked process frees when it ends is its own."""
    networks.choose()
    network = networks.build()
    network.run(2 * ms)
    child = os.fork()
    if child == 0:
        os._exit(0 if networks.seen(network)["times"].size == 20 else 1)
    assert os.waitpid(child, 0)[1] == 0
    network.run(3 * ms)
    result = networks.seen(network)
    networks.assert_same(result, networks.reference(5 * ms))
