"""What is found by looking at every access, and what must not be."""

import ctypes

import numpy as np
import pytest

from brian2genn.backends.cuda.device.driver import CudaError, Launch, Meeting
from emulation.ptx.driver import PtxDriver

TEXT = """
#include "brian2genn_device.h"
extern "C" {
__device__ int32_t *place;
__device__ int32_t out[4096];
__device__ int32_t count;
__device__ uint32_t arrived;
}
static __device__ b2g_state state;
#define THREAD (blockIdx.x * blockDim.x + threadIdx.x)
/* an element of the next block */
#define NEIGHBOUR ((THREAD + blockDim.x) % (blockDim.x * gridDim.x))
#define KERNEL extern "C" __global__ void
/* how often blocks have met, for the next launch */
static __device__ void remember(const uint32_t met)
{
    if (THREAD == 0)
        state.met = met;
}

/* ---- wrong ---- */
KERNEL beyond_the_end(void) { place[THREAD] = 1; }
KERNEL not_coherent(void)
{
    int32_t value;
    asm volatile("ld.global.nc.s32 %0, [%1];" : "=r"(value) : "l"(place + THREAD));
    out[THREAD] = value;
}
__device__ const int32_t table[4] = {1, 2, 3, 4};
KERNEL table_not_coherent(void)
{
    int32_t value;
    asm volatile("ld.global.nc.s32 %0, [%1];" : "=r"(value) : "l"(table + THREAD % 4));
    out[THREAD] = value;
}
KERNEL misaligned(void) { *(int32_t *)((char *)place + 2 + 4 * threadIdx.x) = 1; }
KERNEL one_word(void) { out[0] = (int32_t)THREAD; }
KERNEL the_same_value(void) { out[0] = 1; }
KERNEL one_byte_of_a_word(void)
{
    if (threadIdx.x == 0)
        *(volatile double *)out = 1.0;
    if (threadIdx.x == 40)
        ((uint8_t *)out)[5] = 1;
}
KERNEL no_barrier(void)
{
    __shared__ int32_t values[64];
    values[threadIdx.x] = (int32_t)threadIdx.x + count;
    out[threadIdx.x] = values[(threadIdx.x + 33) % 64];
}
KERNEL read_while_others_add(void)
{
    atomicAdd(&count, 1);
    if (threadIdx.x == 3)
        out[THREAD] = count;
}
KERNEL another_block(void)
{
    out[THREAD] = 1;
    __syncthreads();
    out[2048 + THREAD] = out[NEIGHBOUR];
}
KERNEL last_without_fences(void)
{
    __shared__ bool last;
    out[THREAD] = 1;
    __syncthreads();
    if (threadIdx.x == 0)
        last = atomicAdd(&arrived, 1u) + 1u == gridDim.x;
    __syncthreads();
    if (last)
        out[2048 + threadIdx.x] = out[NEIGHBOUR];
}
KERNEL fence_too_early(void)
{
    __shared__ bool last;
    __threadfence();
    out[THREAD] = 1;
    __syncthreads();
    if (threadIdx.x == 0)
        last = atomicAdd(&arrived, 1u) + 1u == gridDim.x;
    __syncthreads();
    __threadfence();
    if (last)
        out[2048 + threadIdx.x] = out[NEIGHBOUR];
}
KERNEL arrival_by_one_warp(void)
{
    /* the other warps may not have written yet */
    __shared__ bool last;
    out[THREAD] = 1;
    __threadfence();
    if (threadIdx.x == 0)
        last = atomicAdd(&arrived, 1u) + 1u == gridDim.x;
    __syncthreads();
    __threadfence();
    if (last)
        out[2048 + threadIdx.x] = out[NEIGHBOUR];
}
KERNEL after_arriving(void)
{
    /* what a block does then is its own affair: others cannot know that it is done */
    uint32_t met = state.met;
    b2g_arrive(&state, false);
    out[THREAD] = 1;
    b2g_await(&state, false, &met);
    out[2048 + THREAD] = out[NEIGHBOUR];
    remember(met);
}
KERNEL after_the_cluster_s_barrier(void)
{
    out[THREAD] = 1;
    b2g_cluster_barrier();
    out[THREAD] = 2;
    __syncthreads();
    out[2048 + THREAD] = out[NEIGHBOUR];
}

/* ---- right ---- */
KERNEL own_elements(void) { out[THREAD] += (int32_t)THREAD; }
KERNEL own_bytes(void) { ((uint8_t *)out)[THREAD] = 1; }
KERNEL only_reading(void) { out[2048 + THREAD] = out[0]; }
KERNEL barriers(void)
{
    __shared__ int32_t values[64];
    for (int32_t k = 0; k < 5; k++) {
        values[threadIdx.x] = (int32_t)threadIdx.x;
        __syncthreads();
        out[THREAD] = values[(threadIdx.x + 33) % 64];
        __syncthreads();
    }
}
KERNEL atomics(void)
{
    atomicAdd(&count, 1);
    atomicAdd((unsigned long long *)&out[2 * (THREAD % 7)], 1ull);
}
KERNEL last_block(void)
{
    out[THREAD] = 1;
    atomicAdd(&count, 1);
    if (b2g_last_block(&arrived, gridDim.x)) {
        int32_t sum = count;
        for (uint32_t k = threadIdx.x; k < gridDim.x * blockDim.x; k += blockDim.x)
            sum += out[k];
        out[2048 + threadIdx.x] = sum;
    }
}
static __device__ void meet(const bool in_cluster)
{
    uint32_t met = state.met;
    for (int32_t step = 0; step < 4; step++) {
        out[THREAD] = step;
        b2g_meet(&state, in_cluster, &met);
        if (THREAD == 0)
            count++;
        b2g_meet(&state, in_cluster, &met);
        out[2048 + THREAD] = out[NEIGHBOUR] + count;
        b2g_meet(&state, in_cluster, &met);
    }
    remember(met);
}
KERNEL meetings(void) { meet(false); }
KERNEL meetings_in_cluster(void) { meet(true); }
KERNEL on_the_stack(void)
{
    volatile int32_t values[8];
    for (int32_t k = 0; k < 8; k++)
        values[(k + threadIdx.x) % 8] = k;
    out[THREAD] = values[count];
}
"""


class Bench:
    """Runs kernels of the text, watched."""

    def __init__(self) -> None:
        self.driver = PtxDriver(watch=True)
        self.module = self.driver.build(TEXT)

    def run(self, name: str, blocks: int, threads: int, meeting: Meeting = Meeting.NOWHERE) -> None:
        self.driver.launch([Launch(self.module.kernel(name), blocks, threads, meeting)])

    def error(
        self, name: str, blocks: int, threads: int, meeting: Meeting = Meeting.NOWHERE
    ) -> str:
        with pytest.raises(CudaError) as failed:
            self.run(name, blocks, threads, meeting)
        return str(failed.value)

    def point_at(self, address: int) -> None:
        ctypes.c_uint64.from_address(self.module.symbol("place")).value = address


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture(autouse=True)
def begin(bench: Bench) -> None:
    for name, nbytes in (("out", 4 * 4096), ("count", 4), ("arrived", 4)):
        ctypes.memset(bench.module.symbol(name), 0, nbytes)


def test_an_access_beyond_an_allocation_names_thread_and_line(bench):
    address = bench.driver.allocate(4 * 40)
    bench.point_at(address)
    error = bench.error("beyond_the_end", 1, 64)
    bench.driver.free(address)
    line = 1 + TEXT[: TEXT.index("KERNEL beyond_the_end")].count("\n")
    assert "outside of all memory" in error and "kernel beyond_the_end" in error
    assert f"network.cu:{line}, PTX line" in error and "st.global.u32" in error
    assert "of block 0 writes 4 bytes" in error


def test_within_an_allocation_nothing_is_said(bench):
    address = bench.driver.allocate(4 * 64)
    bench.point_at(address)
    bench.run("beyond_the_end", 1, 64)
    bench.driver.free(address)


def test_memory_that_was_given_back(bench):
    address = bench.driver.allocate(4 * 64)
    bench.driver.free(address)
    bench.point_at(address)
    assert "outside of all memory" in bench.error("beyond_the_end", 1, 64)


def test_what_others_may_write_is_not_read_by_the_cache_that_would_not_see_it(bench):
    address = bench.driver.allocate(4 * 64)
    bench.point_at(address)
    assert "outside of all memory" in bench.error("not_coherent", 1, 64)
    bench.driver.free(address)
    bench.run("table_not_coherent", 1, 64)


def test_null(bench):
    bench.point_at(0)
    assert "outside of all memory" in bench.error("beyond_the_end", 1, 32)


def test_an_access_that_is_not_aligned(bench):
    address = bench.driver.allocate(4 * 64)
    bench.point_at(address)
    assert "not aligned" in bench.error("misaligned", 1, 32)
    bench.driver.free(address)


def test_the_host_copies_within_memory_only(bench):
    driver, four = bench.driver, np.zeros(4, dtype=np.uint8)
    address = driver.allocate(6)
    driver.upload(address + 2, four)
    with pytest.raises(CudaError, match="outside"):
        driver.upload(address + 3, four)
    driver.free(address)
    with pytest.raises(CudaError, match="outside"):
        driver.download(four, address)


@pytest.mark.parametrize(
    ("kernel", "blocks", "threads", "meeting"),
    [
        ("one_word", 1, 64, Meeting.NOWHERE),
        ("one_word", 2, 32, Meeting.NOWHERE),
        ("the_same_value", 1, 32, Meeting.NOWHERE),
        ("one_byte_of_a_word", 1, 64, Meeting.NOWHERE),
        ("no_barrier", 1, 64, Meeting.NOWHERE),
        ("read_while_others_add", 1, 32, Meeting.NOWHERE),
        ("read_while_others_add", 2, 32, Meeting.NOWHERE),
        ("another_block", 2, 32, Meeting.NOWHERE),
        ("last_without_fences", 3, 64, Meeting.NOWHERE),
        ("fence_too_early", 3, 64, Meeting.NOWHERE),
        ("arrival_by_one_warp", 3, 64, Meeting.NOWHERE),
        ("after_arriving", 3, 32, Meeting.MEMORY),
        ("after_the_cluster_s_barrier", 3, 32, Meeting.CLUSTER),
    ],
)
def test_a_race_is_found_whatever_the_order(bench, kernel, blocks, threads, meeting):
    for _ in range(40):  # a thread of a warp is the last one now and then
        error = bench.error(kernel, blocks, threads, meeting)
        assert error.startswith(f"kernel {kernel}: race: thread")
        assert error.count(f"of {kernel}: '") >= 2, "both accesses are named"
        begin.__wrapped__(bench)


@pytest.mark.parametrize(
    ("kernel", "blocks", "threads", "meeting"),
    [
        ("own_elements", 4, 64, Meeting.NOWHERE),
        ("own_bytes", 4, 64, Meeting.NOWHERE),
        ("only_reading", 3, 32, Meeting.NOWHERE),
        ("barriers", 3, 64, Meeting.NOWHERE),
        ("atomics", 4, 64, Meeting.NOWHERE),
        ("last_block", 5, 64, Meeting.NOWHERE),
        ("last_block", 1, 64, Meeting.NOWHERE),
        ("meetings", 4, 64, Meeting.MEMORY),
        ("meetings", 8, 32, Meeting.MEMORY),
        ("meetings_in_cluster", 4, 64, Meeting.CLUSTER),
        ("meetings_in_cluster", 8, 32, Meeting.CLUSTER),
        ("on_the_stack", 2, 32, Meeting.NOWHERE),
    ],
)
def test_what_is_ordered_is_no_race(bench, kernel, blocks, threads, meeting):
    for _ in range(5):
        bench.run(kernel, blocks, threads, meeting)
        begin.__wrapped__(bench)
