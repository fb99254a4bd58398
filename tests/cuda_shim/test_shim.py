"""The shim itself: what a GPU does, and what it would leave undefined."""

import ctypes

import numpy as np
import pytest

from brian2genn.backends.cuda.device.driver import CudaError, Launch, Meeting
from tests.cuda_shim.driver import ShimDriver

TEXT = """
#include "brian2genn_device.h"
extern "C" {
__device__ int32_t out[1024];
__device__ int32_t count;
}
extern "C" __global__ void reserve(void)
{
    const b2g_places<int32_t> places = b2g_ask(&count, threadIdx.x % 3 == 0);
    const int32_t place = b2g_take(places);
    if (b2g_wants(places))
        out[place] = (int32_t)(blockIdx.x * blockDim.x + threadIdx.x);
}
extern "C" __global__ void neighbours(void)
{
    __shared__ int32_t values[64];
    values[threadIdx.x] = (int32_t)threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = values[(threadIdx.x + 33) % 64];
}
extern "C" __global__ void neighbours_without_barrier(void)
{
    __shared__ int32_t values[64];
    values[threadIdx.x] = (int32_t)threadIdx.x + count;
    out[threadIdx.x] = values[(threadIdx.x + 33) % 64];
}
extern "C" __global__ void half_a_warp(void)
{
    if (threadIdx.x < 16)
        out[threadIdx.x] = (int32_t)__ballot_sync(0xFFFFFFFFu, true);
}
extern "C" __global__ void half_a_block(void)
{
    if (threadIdx.x < 32)
        __syncthreads();
}
extern "C" __global__ void sum(void)
{
    double value = threadIdx.x;
    for (int32_t distance = 16; distance > 0; distance /= 2)
        value += __shfl_down_sync(0xFFFFFFFFu, value, distance);
    if (threadIdx.x % 32 == 0)
        out[threadIdx.x / 32] = (int32_t)value;
}
extern "C" __global__ void last(void)
{
    static uint32_t arrived;
    atomicAdd(&out[0], 1);
    if (b2g_last_block(&arrived, gridDim.x) && threadIdx.x == 0)
        out[1] = out[0];
}
static __device__ b2g_state state;
static __device__ void pass_on(const bool in_cluster)
{
    __shared__ int32_t seen;
    uint32_t met = state.met;
    for (int32_t step = 1; step <= 3; step++) {
        if (threadIdx.x == 0) {
            seen = blockIdx.x ? out[blockIdx.x - 1] : step;
            __syncthreads();
        } else
            __syncthreads();
        b2g_meet(&state, in_cluster, &met);
        if (blockIdx.x == 0)
            count += threadIdx.x == 5;
        b2g_meet(&state, in_cluster, &met);
        if (threadIdx.x == 9)
            out[blockIdx.x] = seen;
        b2g_meet(&state, in_cluster, &met);
    }
    if (blockIdx.x == 0 && threadIdx.x == 0)
        state.met = met;
}
extern "C" __global__ void pass_on_in_memory(void) { pass_on(false); }
extern "C" __global__ void pass_on_in_cluster(void) { pass_on(true); }
static __device__ void work_between(const bool waits)
{
    __shared__ int32_t found;
    uint32_t met = 0;
    if (threadIdx.x == 0)
        found = 0;
    __syncthreads();
    if (waits)
        b2g_arrive(&state, true);
    else
        b2g_cluster_arrive();
    if (threadIdx.x == 0)
        found = 7;
    if (waits)
        b2g_await(&state, true, &met);
    else
        b2g_cluster_await();
    if (found != 7)
        atomicAdd(&count, 1);
}
extern "C" __global__ void own_affairs(void) { work_between(true); }
extern "C" __global__ void own_affairs_not_awaited(void) { work_between(false); }
extern "C" __global__ void leave_the_cluster(void)
{
    if (blockIdx.x)
        b2g_cluster_barrier();
}
extern "C" __global__ void wait_in_vain(void)
{
    if (blockIdx.x == 0)
        while (*(volatile int32_t *)&count == 0)
            b2g_pause();
}
"""


class Bench:
    """Runs one kernel of the text."""

    def __init__(self) -> None:
        self.driver = ShimDriver(seed=3)
        self.module = self.driver.build(TEXT)

    def run(self, name: str, blocks: int, threads: int, meeting: Meeting = Meeting.NOWHERE) -> None:
        self.driver.launch([Launch(self.module.kernel(name), blocks, threads, meeting)])

    def view(self, name: str, n: int) -> np.ndarray:
        address = self.module.symbol(name)
        return np.ctypeslib.as_array((ctypes.c_int32 * n).from_address(address))


@pytest.fixture
def bench():
    bench = Bench()
    bench.view("out", 1024)[:] = -1
    bench.view("count", 1)[:] = 0
    return bench


def test_every_thread_that_wants_gets_a_place_of_its_own(bench):
    bench.run("reserve", 4, 96)
    expected = [b * 96 + t for b in range(4) for t in range(0, 96, 3)]
    (count,) = bench.view("count", 1)
    found = bench.view("out", 1024)[:count]
    assert sorted(found) == expected
    assert list(found) != expected, "blocks came in order: a race would not show"


def test_barrier(bench):
    bench.run("neighbours", 1, 64)
    assert list(bench.view("out", 64)) == [(t + 33) % 64 for t in range(64)]


def test_a_missing_barrier_shows(bench):
    # each launch writes other values, so that those of the launch before are wrong
    seen = []
    for launch in range(5):
        bench.view("count", 1)[:] = 100 * launch
        bench.run("neighbours_without_barrier", 1, 64)
        expected = [(t + 33) % 64 + 100 * launch for t in range(64)]
        seen.append(list(bench.view("out", 64)) == expected)
    assert not all(seen)


@pytest.mark.parametrize("name", ["half_a_warp", "half_a_block"])
def test_what_never_ends_is_an_error(bench, name):
    with pytest.raises(CudaError, match="never reach"):
        bench.run(name, 1, 64)
    bench.run("neighbours", 1, 64)  # and the next kernel runs


def test_sum_of_a_warp(bench):
    bench.run("sum", 1, 64)
    assert list(bench.view("out", 2)) == [sum(range(32)), sum(range(32, 64))]


def test_the_last_block_sees_all_others(bench):
    bench.view("out", 2)[:] = 0
    for _ in range(3):
        bench.view("out", 2)[:] = 0
        bench.run("last", 7, 64)
        assert list(bench.view("out", 2)) == [7 * 64, 7 * 64]


@pytest.mark.parametrize(
    ("kernel", "meeting"),
    [("pass_on_in_memory", Meeting.MEMORY), ("pass_on_in_cluster", Meeting.CLUSTER)],
)
def test_blocks_that_run_together_meet(bench, kernel, meeting):
    """Each block hands on what the one before had in the round before."""
    bench.view("out", 5)[:] = 0
    bench.run(kernel, 5, 64, meeting)
    assert list(bench.view("out", 5)) == [3, 2, 1, 0, 0]
    assert bench.view("count", 1)[0] == 3, "the first block does something before the others go on"


def test_what_a_block_does_after_arriving_is_known_to_itself(bench):
    """On a GPU, threads leave a cluster's barrier when all have arrived, busy or not."""
    for kernel, known in (("own_affairs", True), ("own_affairs_not_awaited", False)):
        counts = []
        for _ in range(8):
            bench.view("count", 1)[0] = 0
            bench.run(kernel, 3, 64, Meeting.CLUSTER)
            counts.append(int(bench.view("count", 1)[0]))
        assert (max(counts) == 0) == known


@pytest.mark.parametrize(
    ("kernel", "meeting"),
    [
        ("wait_in_vain", Meeting.MEMORY),
        ("wait_in_vain", Meeting.CLUSTER),
        ("leave_the_cluster", Meeting.CLUSTER),
    ],
)
def test_blocks_that_wait_in_vain_are_an_error(bench, kernel, meeting):
    with pytest.raises(CudaError, match="wait for each other without end"):
        bench.run(kernel, 2, 64, meeting)
