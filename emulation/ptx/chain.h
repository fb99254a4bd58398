/* How long a kernel takes if nothing but waiting for results takes time: every thread has a
   clock, and every register a time from which its value is there.  An instruction is issued
   when its operands are there.  Within a basic block instructions may change places, as the
   assembler puts them, but for those that access memory behind those that write to it; all of
   them are issued before those of the next basic block.  Threads that wait for each other go on
   at the time of the last one.

   So this is what no number of multiprocessors would shorten.  What threads take from each other
   (issue slots, units, bandwidth) is not in it: count.h counts that.  Cycles of operations are
   given by the translation (latencies.py). */
#ifndef PTX_CHAIN_H
#define PTX_CHAIN_H

/* A thread: since when its basic block is executed, how many instructions of it there were,
   when the last of these was issued, when the present one and the last write was, when its
   writes have arrived, and when it came to the barrier of its cluster. */
struct ptx_thread_time {
    uint32_t base, n, latest, at, stored, settled, arrived;
};
/* A sector of 32 bytes in the first-level cache, or with atomic operations in the second.  Threads
   are not executed in the order of their times: what counts is the earliest that wanted it. */
struct ptx_sector_time {
    uint64_t sector;
    uint32_t turn;            /* of which block, since its last fence, or which launch this is */
    uint32_t ready;           /* when it is there, or when the first operation is */
    uint32_t operations;
};
enum { PTX_SECTORS = 1 << 16 };

static ptx_thread_time *ptx_times_of_threads; /* as many as `ptx_n_threads` */
static uint32_t ptx_turns[SHIM_MOST];         /* by block of a cluster; otherwise the first */
static uint32_t ptx_last_turn;
static ptx_sector_time ptx_first_level[PTX_SECTORS], ptx_atomic_places[PTX_SECTORS];
static uint32_t ptx_launch_turn;
static uint64_t ptx_chain; /* of all launches since it was asked */
static uint32_t ptx_longest; /* of the threads of this launch */

static void ptx_begin_times(void)
{
    memset(ptx_times_of_threads, 0, ptx_n_threads * sizeof(ptx_thread_time));
    for (unsigned k = 0; k < ptx_n_threads / blockDim.x; k++)
        ptx_turns[k] = ++ptx_last_turn;
}

static ptx_sector_time *ptx_sector(ptx_sector_time *table, uint64_t sector, uint32_t turn)
{
    /* of two sectors at one place the later one remains: as in a cache */
    ptx_sector_time *const found = &table[((sector ^ (uint64_t)turn << 40) * 0x9E3779B97F4A7C15u >> 40) % PTX_SECTORS];
    if (found->sector != sector || found->turn != turn)
        *found = {sector, turn, 0xFFFFFFFFu, 0};
    return found;
}

static uint32_t ptx_later(uint32_t a, uint32_t b) { return a > b ? a : b; }
static uint32_t ptx_earlier(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* When a value is there that is read now. */
static uint32_t ptx_time_of_read(uint32_t now, ptx_space space, uint64_t place)
{
    if (space == PTX_CONST)
        return now + PTX_CONSTANT_CYCLES;
    if (!ptx_is_global(space, place))
        return now + PTX_NEAR_CYCLES;
    ptx_sector_time *const cached = ptx_sector(ptx_first_level, place / 32, ptx_turns[ptx_first_thread() / blockDim.x]);
    cached->ready = ptx_earlier(cached->ready, now + PTX_FAR_CYCLES);
    return ptx_later(cached->ready, now + PTX_NEAR_CYCLES);
}

/* When an atomic operation has its result: those at one place wait for each other. */
static uint32_t ptx_time_of_atomic(uint32_t now, ptx_space space, uint64_t place)
{
    if (!ptx_is_global(space, place))
        return now + 2 * PTX_NEAR_CYCLES;
    ptx_sector_time *const there = ptx_sector(ptx_atomic_places, place / 32, ptx_launch_turn);
    const uint32_t arrives = now + PTX_FAR_CYCLES / 2;
    there->ready = ptx_earlier(there->ready, arrives);
    const uint32_t its_turn = there->ready + PTX_SAME_PLACE_CYCLES * there->operations++;
    return ptx_later(its_turn, arrives) + PTX_FAR_CYCLES / 2;
}

static void ptx_issue(ptx_thread_time *me, uint32_t from)
{
    me->at = ptx_later(me->base, from);
    me->latest = ptx_later(me->latest, me->at);
}

/* What comes now is issued when all before it has been. */
static void ptx_sync(ptx_thread_time *me)
{
    me->base = ptx_later(me->latest, me->base + me->n);
    me->latest = me->at = me->base;
    me->n = 0;
}

static void ptx_settle(ptx_thread_time *me)
{
    ptx_sync(me);
    me->base = me->latest = ptx_later(me->base, me->settled);
    /* what others have written since is not in the first level */
    ptx_turns[ptx_first_thread() / blockDim.x] = ++ptx_last_turn;
}

/* Threads that have been synchronised meet at a barrier. */
static void ptx_wait_for_all(unsigned first, unsigned n, uint32_t cycles)
{
    uint32_t last = 0;
    for (unsigned k = first; k < first + n; k++)
        last = ptx_later(last, ptx_times_of_threads[k].base);
    for (unsigned k = first; k < first + n; k++)
        ptx_times_of_threads[k].base = ptx_times_of_threads[k].latest = last + cycles;
}
static void ptx_warp_served(unsigned first)
{
    ptx_thread_time *const lanes = ptx_times_of_threads + ptx_first_thread() + first;
    uint32_t last = 0;
    for (unsigned k = 0; k < 32; k++)
        last = ptx_later(last, lanes[k].at);
    for (unsigned k = 0; k < 32; k++)
        ptx_issue(&lanes[k], last);
}
static void ptx_barrier_passed(unsigned n) { ptx_wait_for_all(ptx_first_thread(), n, PTX_BARRIER_CYCLES); }
static void ptx_cluster_passed(unsigned blocks, unsigned threads)
{
    uint32_t last = 0;
    for (unsigned k = 0; k < blocks * threads; k++)
        last = ptx_later(last, ptx_times_of_threads[k].arrived);
    /* some may still be busy with what they do before they wait */
    for (unsigned k = 0; k < blocks * threads; k++) {
        ptx_thread_time *const one = &ptx_times_of_threads[k];
        one->base = one->latest = ptx_later(one->base, last + PTX_CLUSTER_CYCLES);
    }
    for (unsigned k = 0; k < blocks; k++)
        ptx_turns[k] = ++ptx_last_turn;
}

static void ptx_begin_chains(void)
{
    ptx_launch_turn++;
    ptx_longest = 0;
}
static void ptx_end_times(void)
{
    for (unsigned k = 0; k < ptx_n_threads; k++) {
        ptx_thread_time *const one = &ptx_times_of_threads[k];
        ptx_sync(one);
        ptx_longest = ptx_later(ptx_longest, ptx_later(one->base, one->settled));
    }
}

static uint32_t ptx_no_time __attribute__((unused));

#define PTX_NO_TIME ptx_no_time
/* Registers that are read before anything is written to them do not wait. */
#define PTX_TIMES(at_first, ...) uint32_t __VA_ARGS__; (at_first)

#define PTX_CLOCK ptx_thread_time *const me_ = &ptx_times_of_threads[ptx_first_thread() + shim_current]
#define PTX_ISSUE(operands) (me_->n++, ptx_issue(me_, (operands)))
#define PTX_SYNC() ptx_sync(me_)
/* What was written before can be seen by then. */
#define PTX_ARRIVES() (me_->arrived = ptx_later(me_->base, me_->settled))
#define PTX_LATER(a, b) ptx_later(a, b)
#define PTX_READY(time, cycles) (time = me_->at + (cycles))
#define PTX_READY_FROM(time, space, place)                                      \
    do {                                                                        \
        if (space != PTX_CONST)                                                 \
            ptx_issue(me_, ptx_later(me_->at, me_->stored));                    \
        time = ptx_time_of_read(me_->at, space, (uint64_t)(place));             \
    } while (0)
#define PTX_WRITES(space, place)                                                \
    do {                                                                        \
        ptx_issue(me_, ptx_later(me_->at, me_->stored));                        \
        me_->stored = me_->at;                                                  \
        if (ptx_is_global(space, (uint64_t)(place)))                            \
            me_->settled = ptx_later(me_->settled, me_->at + PTX_FAR_CYCLES);   \
    } while (0)
#define PTX_ATOMIC_AT(time, space, place)                                       \
    do {                                                                        \
        ptx_issue(me_, ptx_later(me_->at, me_->stored));                        \
        me_->stored = me_->at;                                                  \
        time = ptx_time_of_atomic(me_->at, space, (uint64_t)(place));           \
        me_->settled = ptx_later(me_->settled, time);                           \
    } while (0)
#define PTX_SETTLE() ptx_settle(me_)

#endif
