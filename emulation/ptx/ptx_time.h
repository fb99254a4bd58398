/* What precedes what in a launch: clocks of threads and blocks, barriers, fences and hand-overs.
   watch.h says what orders two accesses. */
#ifndef PTX_TIME_H
#define PTX_TIME_H

static const uint32_t PTX_NEVER = 0xFFFFFFFFu;

/* What a thread did before its fence number `fences`, in an epoch that is not over. */
struct ptx_done {
    uint32_t thread, fences, epoch;
};
/* What a thread knows of other blocks: what happened in block b before epoch[b] has
   happened for it, and what these threads have done. */
struct ptx_clock {
    uint32_t *epoch;
    ptx_done *done;
    uint32_t n_done;
};
/* Threads in a clock; with more of them the oldest are forgotten. That may find what is no
   race, but hides none. */
static uint32_t ptx_most_done(void) { return gridDim.x + 32; }
static ptx_clock *ptx_clocks;  /* number 0 knows nothing */
static uint32_t ptx_n_clocks, ptx_room_for_clocks;

struct ptx_thread {
    uint32_t fences;          /* how many it has executed */
    uint32_t fence_epoch;     /* the epoch of the last one */
    uint32_t uncovered;       /* the first epoch with an access since then, or PTX_NEVER */
    uint32_t last_access;     /* the epoch of the last access */
    uint32_t known, pending;  /* clocks; pending until it executes a fence */
};
struct ptx_block_time {
    uint32_t epoch;
    uint32_t covered;         /* a fence follows all accesses of earlier epochs */
    uint32_t at_barrier;
};
static ptx_thread *ptx_threads;
static ptx_block_time *ptx_times;
static uint32_t ptx_at_cluster_barrier; /* threads that have come to it */

static uint32_t ptx_new_clock(uint32_t from)
{
    if (ptx_n_clocks == ptx_room_for_clocks) {
        ptx_room_for_clocks = ptx_room_for_clocks ? 2 * ptx_room_for_clocks : 64;
        ptx_clocks = (ptx_clock *)realloc(ptx_clocks, ptx_room_for_clocks * sizeof(ptx_clock));
    }
    ptx_clock *const made = &ptx_clocks[ptx_n_clocks];
    made->epoch = (uint32_t *)calloc(gridDim.x, sizeof(uint32_t));
    made->done = (ptx_done *)malloc(ptx_most_done() * sizeof(ptx_done));
    made->n_done = 0;
    if (ptx_n_clocks) {
        memcpy(made->epoch, ptx_clocks[from].epoch, gridDim.x * sizeof(uint32_t));
        made->n_done = ptx_clocks[from].n_done;
        memcpy(made->done, ptx_clocks[from].done, made->n_done * sizeof(ptx_done));
    }
    return ptx_n_clocks++;
}

static void ptx_know_thread(ptx_clock *clock, ptx_done done)
{
    uint32_t kept = 0;
    for (uint32_t k = 0; k < clock->n_done; k++) {
        const ptx_done old = clock->done[k];
        if (old.thread == done.thread)
            done.fences = old.fences > done.fences ? old.fences : done.fences;
        else if (clock->epoch[old.thread / blockDim.x] <= old.epoch)
            clock->done[kept++] = old;
    }
    if (kept == ptx_most_done())
        memmove(clock->done, clock->done + 1, --kept * sizeof(ptx_done));
    clock->done[kept] = done;
    clock->n_done = kept + 1;
}

static bool ptx_knows_thread(const ptx_clock *clock, uint32_t thread, uint32_t fences)
{
    for (uint32_t k = 0; k < clock->n_done; k++)
        if (clock->done[k].thread == thread)
            return clock->done[k].fences >= fences;
    return false;
}

static bool ptx_includes(uint32_t more, uint32_t less)
{
    const ptx_clock *const a = &ptx_clocks[more], *const b = &ptx_clocks[less];
    for (uint32_t k = 0; k < gridDim.x; k++)
        if (a->epoch[k] < b->epoch[k])
            return false;
    for (uint32_t k = 0; k < b->n_done; k++)
        if (a->epoch[b->done[k].thread / blockDim.x] <= b->done[k].epoch
            && !ptx_knows_thread(a, b->done[k].thread, b->done[k].fences))
            return false;
    return true;
}

static uint32_t ptx_join(uint32_t a, uint32_t b)
{
    if (a == b || b == 0 || ptx_includes(a, b))
        return a;
    if (a == 0 || ptx_includes(b, a))
        return b;
    const uint32_t made = ptx_new_clock(a);
    for (uint32_t k = 0; k < gridDim.x; k++)
        if (ptx_clocks[made].epoch[k] < ptx_clocks[b].epoch[k])
            ptx_clocks[made].epoch[k] = ptx_clocks[b].epoch[k];
    for (uint32_t k = 0; k < ptx_clocks[b].n_done; k++)
        ptx_know_thread(&ptx_clocks[made], ptx_clocks[b].done[k]);
    return made;
}

static inline uint32_t ptx_me(void) { return blockIdx.x * blockDim.x + shim_current; }

static void ptx_fence(void)
{
    ptx_thread *const me = &ptx_threads[ptx_me()];
    me->fences++;
    me->fence_epoch = ptx_times[blockIdx.x].epoch;
    me->uncovered = PTX_NEVER;
    me->known = ptx_join(me->known, me->pending);
    me->pending = 0;
}

/* All threads of a block have come to a barrier. */
static void ptx_pass_barrier(void)
{
    ptx_block_time *const time = &ptx_times[blockIdx.x];
    ptx_thread *const first = &ptx_threads[blockIdx.x * blockDim.x];
    uint32_t fenced = 0, covered = time->epoch + 1, known = 0, pending = 0;
    for (uint32_t k = 0; k < blockDim.x; k++) {
        fenced = first[k].fence_epoch > fenced ? first[k].fence_epoch : fenced;
        known = ptx_join(known, first[k].known);
        pending = ptx_join(pending, first[k].pending);
    }
    for (uint32_t k = 0; k < blockDim.x; k++) {
        if (first[k].uncovered < fenced) /* by a fence of another thread, behind a barrier */
            first[k].uncovered = first[k].last_access < fenced ? PTX_NEVER : fenced;
        covered = first[k].uncovered < covered ? first[k].uncovered : covered;
        first[k].known = known;
        first[k].pending = pending;
    }
    time->covered = covered;
    time->epoch++;
    time->at_barrier = 0;
}

static void ptx_barrier(void)
{
    if (++ptx_times[blockIdx.x].at_barrier == blockDim.x)
        ptx_pass_barrier();
    shim_barrier();
}

/* All threads of a cluster have come to its barrier: what any of them did before has happened
   for all of them, without fences.  (What some have done since they arrived is taken for earlier,
   too: no race is told for that, but values differ, as others may pass before.) */
static void ptx_pass_cluster_barrier(void)
{
    const uint32_t known = ptx_new_clock(0);
    for (uint32_t block = 0; block < gridDim.x; block++) {
        ptx_block_time *const time = &ptx_times[block];
        time->covered = ++time->epoch;
        ptx_clocks[known].epoch[block] = time->epoch;
    }
    for (uint32_t k = 0; k < gridDim.x * blockDim.x; k++) {
        ptx_threads[k].uncovered = PTX_NEVER;
        ptx_threads[k].known = known;
        ptx_threads[k].pending = 0;
    }
    ptx_at_cluster_barrier = 0;
}

static void ptx_cluster_arrive(void)
{
    if (shim_is_cluster && ++ptx_at_cluster_barrier == gridDim.x * blockDim.x)
        ptx_pass_cluster_barrier();
    shim_cluster_arrive();
}

static void ptx_cluster_await(void)
{
    if (shim_is_cluster)
        shim_cluster_await();
    else
        ptx_barrier(); /* a block is a cluster by itself */
}

/* What an atomic operation of this thread releases now. */
static uint32_t ptx_released(void)
{
    const uint32_t number = ptx_me();
    const ptx_thread *const me = &ptx_threads[number];
    const ptx_block_time *const time = &ptx_times[blockIdx.x];
    const uint32_t epoch = time->covered > me->fence_epoch ? time->covered : me->fence_epoch;
    const bool own = me->fences > 0 && me->fence_epoch == time->epoch;
    const ptx_clock *const known = &ptx_clocks[me->known];
    if (known->epoch[blockIdx.x] >= epoch && (!own || ptx_knows_thread(known, number, me->fences)))
        return me->known;
    const uint32_t made = ptx_new_clock(me->known);
    if (ptx_clocks[made].epoch[blockIdx.x] < epoch)
        ptx_clocks[made].epoch[blockIdx.x] = epoch;
    if (own)
        ptx_know_thread(&ptx_clocks[made], {number, me->fences, time->epoch});
    return made;
}

#endif
