/* Counts what warps execute, and the sectors of global memory that they move.

   A warp executes an instruction once for all of its threads that execute it for the n-th
   time.  So of a basic block a warp's executions are the largest number of any of its
   threads, and an access of the warp are the accesses of its threads that are their n-th. */
#ifndef PTX_COUNT_H
#define PTX_COUNT_H

/* One thread's access to one sector (32 bytes). */
struct ptx_touch {
    uint64_t warp_access;     /* which access of which warp */
    uint64_t sector;
};

static bool ptx_counting = true;
/* Of the present block, or of all blocks of a cluster, which take turns: */
static unsigned ptx_n_threads;
static uint32_t *ptx_executed;           /* by thread, then by basic block */
static bool *ptx_reached;                /* basic blocks that any of them has executed */
static uint32_t ptx_present;             /* the block; for a cluster the first */
static uint64_t *ptx_warp_executed;      /* by basic block, since the last time it was asked */
static uint64_t *ptx_requests, *ptx_sectors; /* by site */
static bool *ptx_is_atomic;              /* by site */
static uint64_t ptx_hottest;             /* accesses to the sector with the most atomic ones */
static ptx_touch *ptx_touches;
static size_t ptx_n_touches, ptx_room;

static const uint32_t PTX_NO_BLOCK = 0xFFFFFFFFu;

static bool ptx_is_global(ptx_space space, uint64_t place)
{
    if (space != PTX_GENERIC)
        return space == PTX_GLOBAL;
    const char *const stack = shim_now.fibres[shim_current].stack;
    const bool local = place - (uint64_t)(uintptr_t)stack < SHIM_STACK;
    const bool shared = place >= PTX_SHARED_BEGIN && place < PTX_SHARED_END;
    return !local && !shared;
}

/* The number of the first thread of the block whose turn it is. */
static unsigned ptx_first_thread(void) { return shim_is_cluster ? blockIdx.x * blockDim.x : 0; }

#include "chain.h"

/* All is done: what threads have executed is what their warps have. */
static void ptx_sum_up(void)
{
    if (ptx_present == PTX_NO_BLOCK)
        return;
    ptx_end_times();
    for (unsigned block = 0; block < ptx_n_blocks; block++) {
        if (!ptx_reached[block])
            continue;
        ptx_reached[block] = false;
        for (unsigned first = 0; first < ptx_n_threads; first += 32) {
            uint32_t most = 0;
            for (unsigned thread = first; thread < first + 32; thread++) {
                uint32_t *const count = &ptx_executed[thread * (size_t)ptx_n_blocks + block];
                most = *count > most ? *count : most;
                *count = 0;
            }
            ptx_warp_executed[block] += ptx_counting ? most : 0;
        }
    }
}

/* Blocks run one after the other, if they are no cluster. */
static uint32_t *ptx_counts_of_thread(void)
{
    if (ptx_present == PTX_NO_BLOCK || (!shim_is_cluster && blockIdx.x != ptx_present)) {
        ptx_sum_up();
        ptx_present = blockIdx.x;
        ptx_begin_times();
    }
    return ptx_executed + (ptx_first_thread() + shim_current) * (size_t)ptx_n_blocks;
}

#define PTX_ENTER uint32_t *const ptx_counts = ptx_counts_of_thread()
#define PTX_BLOCK(block) (ptx_reached[block] = true, ptx_counts[block]++, ptx_sync(me_))
#define PTX_COUNT_ACCESS(site, block, kind, space, place, n) \
    ptx_touch_sectors(site, ptx_counts[block], kind, space, place, n)

static int ptx_compare(const void *a, const void *b)
{
    const ptx_touch *const x = (const ptx_touch *)a, *const y = (const ptx_touch *)b;
    if (x->warp_access != y->warp_access)
        return x->warp_access < y->warp_access ? -1 : 1;
    return x->sector < y->sector ? -1 : x->sector > y->sector;
}

/* What threads of a warp touch together is moved once. */
static void ptx_merge_touches(void)
{
    qsort(ptx_touches, ptx_n_touches, sizeof(ptx_touch), ptx_compare);
    size_t kept = 0;
    for (size_t k = 0; k < ptx_n_touches; k++)
        if (k == 0 || ptx_compare(&ptx_touches[k], &ptx_touches[k - 1]) != 0)
            ptx_touches[kept++] = ptx_touches[k];
    ptx_n_touches = kept;
}

static void ptx_touch_sectors(unsigned site, uint32_t execution, ptx_access kind, ptx_space space, uint64_t place, unsigned n)
{
    if (!ptx_counting || !ptx_is_global(space, place))
        return;
    ptx_is_atomic[site] = kind == PTX_ATOMIC;
    const uint64_t warp = (blockIdx.x * blockDim.x + shim_current) / 32;
    for (uint64_t sector = place / 32; sector <= (place + n - 1) / 32; sector++) {
        if (ptx_n_touches == ptx_room) {
            ptx_merge_touches();
            if (2 * ptx_n_touches >= ptx_room) {
                ptx_room = ptx_room ? 2 * ptx_room : 1 << 16;
                ptx_touches = (ptx_touch *)realloc(ptx_touches, ptx_room * sizeof(ptx_touch));
            }
        }
        /* 12 bits for the site, 20 for the warp, 32 for the execution */
        ptx_touch *const touch = &ptx_touches[ptx_n_touches++];
        touch->warp_access = (uint64_t)site << 52 | warp << 32 | execution;
        touch->sector = sector;
    }
}

static void ptx_begin_counting(void)
{
    if (ptx_warp_executed == NULL) {
        ptx_warp_executed = (uint64_t *)calloc(ptx_n_blocks + 1, sizeof(uint64_t));
        ptx_requests = (uint64_t *)calloc(ptx_n_sites + 1, sizeof(uint64_t));
        ptx_sectors = (uint64_t *)calloc(ptx_n_sites + 1, sizeof(uint64_t));
        ptx_is_atomic = (bool *)calloc(ptx_n_sites + 1, sizeof(bool));
        ptx_reached = (bool *)calloc(ptx_n_blocks + 1, sizeof(bool));
    }
    static unsigned room;
    ptx_n_threads = blockDim.x * (shim_is_cluster ? gridDim.x : 1);
    if (ptx_n_threads > room) {
        free(ptx_executed);
        free(ptx_times_of_threads);
        room = ptx_n_threads;
        ptx_executed = (uint32_t *)calloc((size_t)room * ptx_n_blocks + 1, sizeof(uint32_t));
        ptx_times_of_threads = (ptx_thread_time *)calloc(room, sizeof(ptx_thread_time));
    }
    ptx_present = PTX_NO_BLOCK;
    ptx_n_touches = 0;
    ptx_begin_chains();
}

static void ptx_end_counting(void)
{
    ptx_sum_up();
    if (!ptx_counting)
        return;
    ptx_chain += ptx_longest;
    ptx_merge_touches();
    for (size_t k = 0; k < ptx_n_touches; k++) {
        const uint64_t site = ptx_touches[k].warp_access >> 52;
        ptx_sectors[site]++;
        ptx_requests[site] += k == 0 || ptx_touches[k].warp_access != ptx_touches[k - 1].warp_access;
    }
    /* atomic operations on one sector wait for each other */
    size_t kept = 0;
    for (size_t k = 0; k < ptx_n_touches; k++)
        if (ptx_is_atomic[ptx_touches[k].warp_access >> 52])
            ptx_touches[kept++] = {0, ptx_touches[k].sector};
    qsort(ptx_touches, kept, sizeof(ptx_touch), ptx_compare);
    uint64_t most = 0, now = 0;
    for (size_t k = 0; k < kept; k++) {
        now = k && ptx_touches[k].sector == ptx_touches[k - 1].sector ? now + 1 : 1;
        most = now > most ? now : most;
    }
    ptx_hottest += most;
}

/* The cycles of the longest chains of all launches since the last call. */
extern "C" uint64_t ptx_take_chain(void)
{
    const uint64_t chain = ptx_chain;
    ptx_chain = 0;
    return chain;
}

/* Whether launches from now on count. */
extern "C" void ptx_set_counting(int on) { ptx_counting = on; }

/* What was counted since the last call: of basic blocks, then requests and sectors of sites;
   the result is the number of atomic accesses to the sector with the most of them. */
extern "C" uint64_t ptx_take_counts(uint64_t *blocks, uint64_t *requests, uint64_t *sectors)
{
    const uint64_t hottest = ptx_hottest;
    ptx_hottest = 0;
    const size_t n_blocks = ptx_n_blocks * sizeof(uint64_t), n_sites = ptx_n_sites * sizeof(uint64_t);
    memcpy(blocks, ptx_warp_executed, n_blocks);
    memcpy(requests, ptx_requests, n_sites);
    memcpy(sectors, ptx_sectors, n_sites);
    memset(ptx_warp_executed, 0, n_blocks);
    memset(ptx_requests, 0, n_sites);
    memset(ptx_sectors, 0, n_sites);
    return hottest;
}

#endif
