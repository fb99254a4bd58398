"""What only a real GPU can show: that its driver does what this package asks of it."""

import re

import numpy as np
import pytest
from brian2 import NeuronGroup, SpikeMonitor, StateMonitor, Synapses, ms, run, seed, set_device

import brian2genn
from brian2genn.backends.cuda.device.driver import CudaError, Launch
from brian2genn.backends.cuda.memory import ordering
from brian2genn.backends.trial.verdict import verdict
from tests.semantics.harness import compare, observe

pytestmark = pytest.mark.gpu

COUNTING = """
#include "brian2genn_device.h"
extern "C" { __device__ int32_t count; }
extern "C" __global__ void reserve(void) { b2g_take(b2g_ask(&count, threadIdx.x % 3 == 0)); }
"""


def test_it_computes_what_the_processor_computes(driver, tmp_path, monkeypatch):
    """What `set_device` wants to see before it takes a GPU."""
    monkeypatch.setattr("brian2genn.backends.trial.verdict.cache_directory", lambda: tmp_path)
    found = verdict(driver)
    assert found.is_right, "\n".join(found.differences)


def test_memory(driver):
    array = np.arange(100_000, dtype=np.float64)
    one, other = driver.allocate(array.nbytes), driver.allocate(array.nbytes)
    try:
        driver.upload(one, array)
        driver.copy(other, one, array.nbytes)
        found = np.empty_like(array)
        driver.download(found, other)
        assert np.array_equal(found, array)
        driver.fill(other, 0xFF, array.nbytes)
        driver.download(found, other)
        assert np.isnan(found).all()
        free, total = driver.memory()
        assert 0 < free < total
    finally:
        driver.free(one)
        driver.free(other)


def test_launches_graphs_and_timers(driver):
    module = driver.build(COUNTING)
    launch = Launch(module.kernel("reserve"), 10, 96)
    driver.launch([launch] * 2)
    graph = driver.graph([launch] * 5)
    driver.replay(graph)
    driver.replay(graph)
    assert all(0 < seconds < 1 for seconds in driver.time([launch] * 3))
    count = np.zeros(1, dtype=np.int32)
    driver.download(count, module.symbol("count"))
    assert count[0] == 15 * 10 * 32
    attributes = driver.attributes(launch.kernel, 128)
    assert 0 < attributes.registers <= 255
    assert attributes.resident_blocks > 0


@pytest.mark.parametrize("n", [1, 1000, 8193, 300_000])
def test_rows_are_put_in_order(driver, n, monkeypatch):
    """More of them than the networks of other tests record."""
    monkeypatch.setattr(ordering, "_WORTHWHILE", 0)
    module = driver.build('#include "brian2genn_rows.h"\n')
    order = ordering.RowOrder(driver, lambda: module)
    random = np.random.default_rng(1)
    keys, values = random.integers(0, n, n), random.random(n)
    places = [driver.allocate(8 * n) for _ in range(2)]
    try:
        for place, array in zip(places, (keys, values), strict=True):
            driver.upload(place, array)
        assert order.find(places[0], n)
        found = np.empty_like(values)
        order.column(found, places[1])
        assert np.array_equal(found, values[np.argsort(keys, kind="stable")])
    finally:
        for place in places:
            driver.free(place)


def test_what_does_not_compile_is_an_error(driver):
    assert not driver.compiles("__global__ void k(void) { undefined_name = 1; }")
    with pytest.raises(CudaError, match="undefined_name"):
        driver.build("__global__ void k(void) { undefined_name = 1; }")


def test_more_memory_than_there_is(driver):
    with pytest.raises(MemoryError, match="no memory left"):
        driver.allocate(driver.memory()[1] * 2)


def balanced(n: int = 2000):
    group = NeuronGroup(
        n, "dv/dt = (1.2 - v)/(10*ms) + 0.2*xi/ms**0.5 : 1 (unless refractory)",
        threshold="v > 1", reset="v = 0", refractory=2 * ms, method="euler", name="cells",
    )  # fmt: skip
    group.v = "rand()"
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w", name="links")
    synapses.connect(p=0.02)
    synapses.w = "0.01*randn()"
    synapses.delay = "rand()*3*ms"
    return group, synapses


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_network_is_the_same_as_on_the_processor(deterministic):
    results = []
    for options in ({"backend": "cpu"}, {"backend": "cuda", "deterministic": deterministic}):
        set_device("genn", **options)
        seed(8)
        group, synapses = balanced()
        states = StateMonitor(group, "v", record=[0, 5, 1999])
        spikes = SpikeMonitor(group)
        # so short that what is rounded otherwise has not grown
        run(5 * ms)
        results.append(observe(group=group, synapses=synapses, states=states, spikes=spikes))
    compare(*results)


def test_deterministic_runs_are_the_same_bit_by_bit():
    results = []
    for _ in range(2):
        set_device("genn", backend="cuda", deterministic=True)
        seed(9)
        group, _synapses = balanced(500)
        run(100 * ms)
        results.append(np.array(group.v))
    assert np.array_equal(*results)


def test_profiling_and_explaining():
    set_device("genn", backend="cuda")
    group, _synapses = balanced(500)
    run(10 * ms, profile=True)
    run(10 * ms)
    assert group.v[:].max() <= 1
    text = str(brian2genn.explain())
    assert int(re.search(r"Kernel stage_0: (\d+) registers", text)[1]) > 0
    assert "MiB are free" in text
