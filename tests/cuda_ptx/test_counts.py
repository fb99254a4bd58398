"""Instructions of warps and sectors of memory, where they can be counted by hand."""

import ctypes
import re

import pytest

from brian2genn.backends.cuda.device.driver import CudaError, Launch, Meeting
from emulation.ptx.driver import KernelCounts, PtxDriver
from emulation.ptx.latencies import CYCLES, MEMORY
from emulation.ptx.translate import translate

TEXT = """
#include "brian2genn_math.h"
#include "brian2genn_device.h"
extern "C" {
alignas(32) __device__ double values[65536];
__device__ int32_t counts[1024];
}
extern "C" { __device__ uint32_t arrived; }
#define THREAD (blockIdx.x * blockDim.x + threadIdx.x)
#define KERNEL extern "C" __global__ void

KERNEL follows_pointers(void)
{
    int32_t place = (int32_t)threadIdx.x;
#pragma unroll 1
    for (int32_t k = 0; k < 10; k++)
        place = counts[place];
    values[THREAD] = place;
}
KERNEL reads_side_by_side(void)
{
    double sum = 0.0;
#pragma unroll
    for (int32_t k = 0; k < 10; k++)
        sum += values[1024 * k + THREAD];
    values[THREAD] = sum;
}
KERNEL one_exponential(void) { values[THREAD] = b2g_exp_f64(values[THREAD]); }
KERNEL five_exponentials(void)
{
    const double x = values[THREAD];
    const double sum = b2g_exp_f64(x) + b2g_exp_f64(2.5 * x) + b2g_expm1_f64(0.7 * x);
    values[THREAD] = sum + (b2g_exprel_f64(-x) + b2g_exp_f64(-2.5 * x));
}
KERNEL waits_for_one(void)
{
    if (threadIdx.x == 7)
        values[0] = values[(int32_t)values[64]];
    __syncthreads();
    values[128 + THREAD] = 1.0;
}
KERNEL meets(void) { b2g_cluster_barrier(); }
KERNEL reads_meanwhile(void)
{
    b2g_cluster_arrive();
    const double value = values[THREAD];
    b2g_keep(value);
    b2g_cluster_await();
    values[THREAD] = value;
}
KERNEL ends(void)
{
    if (b2g_last_block(&arrived, gridDim.x))
        values[threadIdx.x] = 1.0;
}
KERNEL side_by_side(void) { values[THREAD] *= 2.0; }
KERNEL far_apart(void) { values[16 * THREAD] *= 2.0; }
KERNEL the_same(void) { values[1024 + THREAD] = values[0]; }
KERNEL added(void) { atomicAdd(&counts[THREAD % 2], 1); }
KERNEL half_of_the_lanes(void)
{
    double value = values[THREAD];
    if (threadIdx.x % 2)
        value = sqrt(value);
    values[THREAD] = value;
}
KERNEL as_often_as_the_lane_says(void)
{
    double value = values[THREAD];
#pragma unroll 1
    for (uint32_t k = 0; k < threadIdx.x; k++)
        value = value * 0.5 + 1.0;
    values[THREAD] = value;
}
"""


@pytest.fixture(scope="module")
def driver() -> PtxDriver:
    driver = PtxDriver(count=True)
    module = driver.build(TEXT)
    # sectors begin where the array does, as on a GPU
    assert module.symbol("values") % 32 == 0
    ctypes.memset(module.symbol("values"), 0, 8 * 65536)
    return driver


def counted(
    driver: PtxDriver, name: str, blocks: int, threads: int, meeting: Meeting = Meeting.NOWHERE
) -> KernelCounts:
    driver.kernels.clear()
    driver.launch([Launch(driver.build(TEXT).kernel(name), blocks, threads, meeting)])
    return driver.kernels[name]


def test_neighbours_share_sectors(driver):
    counts = counted(driver, "side_by_side", 3, 64)
    # 6 warps, 32 doubles each: 8 sectors
    assert counts.requests == {"read": 6, "write": 6}
    assert counts.sectors == {"read": 48, "write": 48}
    assert counts.nbytes() == 2 * 3 * 64 * 8
    assert counts.nbytes("write") == 3 * 64 * 8
    assert counts.instructions["fp64"] == 6  # one for a warp
    assert counts.instructions["memory"] == 12
    assert (counts.launches, counts.blocks, counts.threads) == (1, 3, 64)


def test_distant_elements_have_a_sector_each(driver):
    counts = counted(driver, "far_apart", 1, 64)
    assert counts.sectors == {"read": 64, "write": 64}
    assert counts.requests == {"read": 2, "write": 2}


def test_one_element_is_one_sector(driver):
    counts = counted(driver, "the_same", 2, 32)
    assert counts.sectors == {"read": 2, "write": 16}


def test_atomics_are_counted_apart(driver):
    counts = counted(driver, "added", 2, 32)
    assert counts.sectors["atomic"] == counts.requests["atomic"] == 2
    assert counts.instructions["atomics"] == 2
    assert counts.hottest == 2, "both warps add to the same sector"


def test_a_branch_that_some_lanes_take_counts_once(driver):
    counts = counted(driver, "half_of_the_lanes", 1, 64)
    assert counts.instructions["division"] == 2


def test_a_warp_loops_as_often_as_its_busiest_lane(driver):
    counts = counted(driver, "as_often_as_the_lane_says", 1, 64)
    assert counts.instructions["fp64"] == 31 + 63


def test_launches_add_up_and_can_be_left_out(driver):
    counted(driver, "side_by_side", 1, 32)
    launch = Launch(driver.build(TEXT).kernel("side_by_side"), 1, 32)
    driver.counting = False
    driver.launch([launch])
    driver.counting = True
    driver.launch([launch])
    counts = driver.kernels["side_by_side"]
    assert counts.launches == 2
    assert counts.instructions["fp64"] == 2
    assert counts.sectors == {"read": 16, "write": 16}


def test_blocks_that_take_turns_are_refused(driver):
    with pytest.raises(CudaError, match="not counted"):
        driver.launch([Launch(driver.build(TEXT).kernel("added"), 2, 32, Meeting.MEMORY)])


# -- chains ------------------------------------------------------------------------

FAR, NEAR = MEMORY["PTX_FAR_CYCLES"], MEMORY["PTX_NEAR_CYCLES"]


def test_reads_that_wait_for_each_other_add_up(driver):
    """Ten of them (what lies beside a value that was read is near), and a write."""
    chain = counted(driver, "follows_pointers", 1, 32).chain
    # all counters are zero: after the first two sectors, the same one is read again and again
    assert FAR * 2 + NEAR * 9 < chain < FAR * 3 + NEAR * 9 + 500


def test_reads_that_do_not_wait_take_as_long_as_one(driver):
    chain = counted(driver, "reads_side_by_side", 1, 32).chain
    assert 2 * FAR + 10 * CYCLES["fp64"] < chain < 3 * FAR


def test_a_barrier_waits_for_the_last(driver):
    chain = counted(driver, "waits_for_one", 1, 64).chain
    assert 3 * FAR < chain < 4 * FAR


def test_exponentials_do_not_wait_for_each_other(driver):
    one, five = (
        counted(driver, name, 1, 32).chain for name in ("one_exponential", "five_exponentials")
    )
    assert one > FAR + 10 * CYCLES["fp64"]
    # what adds them up, the quotient of exprel, and its choices
    quotient = 6 * CYCLES["integer"] + CYCLES["special"] + 12 * CYCLES["fp64"]
    assert five < one + quotient + 9 * CYCLES["fp64"]


def test_registers_have_a_time_before_anything_is_written_to_them():
    ptx = """.visible .entry k(){ .reg .pred %p<2>; .reg .b32 %r<3>;
        mov.u32 %r1, %tid.x; setp.eq.s32 %p1, %r1, 0; @%p1 mov.u32 %r2, 7; add.s32 %r1, %r1, %r2;
        ret; }"""
    lines = ptx.replace("; ", ";\n").replace("{ ", "\n{\n").replace("}", "\n}")
    declared = re.findall(r"PTX_TIMES\((.*) = 0, (.*)\);", translate(lines).text)
    assert sum(len(names.split(", ")) for _, names in declared) == 3
    assert all(at_first.split(" = ") == names.split(", ") for at_first, names in declared)


def test_more_blocks_are_no_longer_chain(driver):
    one, many = (counted(driver, "reads_side_by_side", blocks, 32).chain for blocks in (1, 20))
    assert one == many


def test_the_last_block_waits_for_all_counts(driver):
    few, many = (counted(driver, "ends", blocks, 32).chain for blocks in (2, 402))
    assert many - few == 400 * MEMORY["PTX_SAME_PLACE_CYCLES"]


def test_the_barrier_of_a_cluster_is_part_of_the_chain(driver):
    alone = counted(driver, "meets", 4, 64).chain
    together = counted(driver, "meets", 4, 64, Meeting.CLUSTER)
    more = MEMORY["PTX_CLUSTER_CYCLES"] - MEMORY["PTX_BARRIER_CYCLES"]
    assert more - 2 <= together.chain - alone <= more
    assert together.instructions["control"] >= 4 * 2 * 2


def test_what_threads_do_before_they_wait_is_done_meanwhile(driver):
    chain = counted(driver, "reads_meanwhile", 4, 64, Meeting.CLUSTER).chain
    read, barrier = MEMORY["PTX_FAR_CYCLES"], MEMORY["PTX_CLUSTER_CYCLES"]
    assert max(read, barrier) + read <= chain < max(read, barrier) + read + 100


def test_a_cluster_is_counted_as_its_blocks_are(driver):
    alone = counted(driver, "side_by_side", 4, 64)
    together = counted(driver, "side_by_side", 4, 64, Meeting.CLUSTER)
    assert (together.sectors, together.requests) == (alone.sectors, alone.requests)
    assert together.instructions == alone.instructions
    assert together.chain == alone.chain
