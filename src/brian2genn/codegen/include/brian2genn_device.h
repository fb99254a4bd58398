/* What generated CUDA programs share: memory, atomics, queues, recorders, the
   end of a time step.  CUDA C++; the tests compile it for the CPU over a shim. */
#ifndef BRIAN2GENN_DEVICE_H
#define BRIAN2GENN_DEVICE_H

#include "brian2genn_clocks.h"

/* Why the device gave control back (the values of the host's Outcome). */
enum { B2G_FINISHED = 0, B2G_TIME_USED = 1, B2G_HOST_IS_NEXT = 2 };

/* What changes from step to step and belongs to no array. */
typedef struct {
    uint64_t random_step;     /* number of the time step in the random streams */
    uint64_t late_random_step; /* that of late steps */
    int32_t running;          /* 0: every kernel returns at once */
    int32_t outcome;          /* why, once running is 0 */
    uint32_t arrived;         /* blocks that have finished a stage */
    uint32_t meetings;        /* how often a block came to a meeting of all blocks, ... */
    uint32_t met;             /* ... and how often before this launch */
    uint32_t most_steps;      /* time steps that one launch may execute */
    int32_t next_running;     /* running after this time step, ... */
    int32_t next_outcome;     /* ... or why not */
    int32_t full[4];          /* whether recorders were full, in the time step before, ... */
} b2g_state;

/* A clock in another time step than the present one, and whether it ticks then: in the next
   one, or as late steps see it, which are executed one time step after they were due. */
typedef struct {
    double t;
    int64_t timestep;
    int32_t active;
    int32_t padding;
} b2g_time;

/* The number of a time step in the random streams, and whether there is another one after it,
   or why not. */
typedef struct {
    uint64_t random_step;
    int32_t running, outcome;
} b2g_ahead;

/* Where a time step has its spikes in a queue. */
typedef struct {
    int64_t step;             /* counted since the program began */
    int32_t head;             /* its list */
    int32_t padding;
} b2g_place;

/* How far a queue is: the present time step, and for late steps the one before. */
typedef struct {
    b2g_place now, late;
} b2g_position;

/* The spikes on their way to the synapses of a pathway.  A ring of lists, one
   for each time step as far back as the longest delay, holds the sources that
   spiked; delivery looks `delay` steps back.  A run is the set of synapses of
   one source with the same delay: order[start[r]] .. order[start[r + 1] - 1].
   Either every source has n_delays runs, empty ones among them, or first_run and
   which tell what there is.  The structure itself is constant during a run of the
   network, so that finding a list takes no more memory than where the queue is. */
typedef struct {
    int32_t *ring;            /* n_slots lists of up to n_sources sources */
    int32_t *count;           /* length of each list */
    int32_t *stamp;           /* like the ring, by source: the last step in which it spiked */
    const int32_t *first_run; /* per source, or NULL */
    const int32_t *which;     /* per run, the place of its delay in delays, or NULL */
    const int32_t *delays;    /* those that there are, in steps, ascending */
    const int32_t *start;
    const int32_t *order;     /* NULL where it would be 0, 1, 2, ... */
    const int32_t *left_start; /* events from before this run of the network: */
    const int32_t *left;      /* synapses by the step, counted from its begin */
    /* if blocks own the targets: for every block where the synapses of each run begin, ... */
    const int32_t *owned_start;
    const int32_t *owned_order;  /* ... the synapses in this order, */
    const int32_t *owned_target; /* and their targets */
    int64_t n_left_steps;
    int32_t n_slots;
    int32_t n_sources;
    int32_t source_start, source_stop;
    int32_t n_delays;
    int32_t shortest;         /* the first of delays */
    int32_t width_bits;       /* 1 << width_bits threads share a run */
    int32_t clock;
    int32_t left_in_order;    /* a synapse may be there twice in a step */
    int32_t n_runs;
    int32_t near_at;          /* where blocks keep owned_start in b2g_near, or -1 */
    int32_t in_a_row;         /* delays are shortest, shortest + 1, ... */
} b2g_queue;

/* How many numbers blocks keep near, of 16 bits. */
enum { B2G_NEAR = 5120 };

static_assert(sizeof(b2g_queue) == 160, "of constant memory");

/* Where recorded values are put: all values of one column lie together. */
typedef struct {
    char *data;
    int64_t capacity;         /* in rows */
    int64_t room;             /* rows that must be free while a step is executed */
} b2g_recorder;

/* How many there are. */
typedef struct {
    int64_t rows;
    int32_t events;           /* counted in this step (a rate monitor) */
    int32_t padding;
} b2g_recorded;

/* A product that is rounded before anything is added to it. */
#define B2G_PRODUCT(a, b) __dmul_rn((a), (b))

/* The value is needed here: what reads it is not put behind what follows. */
template <typename T> B2G_FN void b2g_keep(T value)
{
#if defined(__CUDA_ARCH__)
    if constexpr (sizeof(T) == 8)
        asm volatile("" ::"l"(*(const uint64_t *)&value));
    else
        asm volatile("" ::"r"(sizeof(T) == 4 ? *(const uint32_t *)&value : (uint32_t)value));
#else
    (void)value;
#endif
}

/* A place in a time step that has a number, behind something that is done and a value that is there:
   whoever wants to know the time there defines it before (benchmarks.gpu_report). */
#ifndef B2G_MARK
#define B2G_MARK(number, value) (void)0
#endif

/* ---- atomics ------------------------------------------------------------- */

B2G_FN void b2g_add(float *place, float value)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
    asm volatile("red.relaxed.gpu.global.add.f32 [%0], %1;" ::"l"(__cvta_generic_to_global(place)),
                 "f"(value)
                 : "memory");
#else
    atomicAdd(place, value);
#endif
}
B2G_FN void b2g_add(int32_t *place, int32_t value) { atomicAdd(place, value); }
B2G_FN void b2g_add(int64_t *place, int64_t value)
{
    atomicAdd((unsigned long long *)place, (unsigned long long)value);
}
B2G_FN void b2g_add(double *place, double value)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 600 /* no instruction for it */
    unsigned long long *word = (unsigned long long *)place, old = *word, seen;
    do {
        seen = old;
        old = atomicCAS(word, seen, __double_as_longlong(value + __longlong_as_double(seen)));
    } while (old != seen);
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
    /* in global memory, without a result: compilers that do not see this wait for one */
    asm volatile("red.relaxed.gpu.global.add.f64 [%0], %1;" ::"l"(__cvta_generic_to_global(place)),
                 "d"(value)
                 : "memory");
#else
    atomicAdd(place, value);
#endif
}

B2G_FN int32_t b2g_fetch_add(int32_t *place, int32_t value) { return atomicAdd(place, value); }
B2G_FN int64_t b2g_fetch_add(int64_t *place, int64_t value)
{
    return (int64_t)atomicAdd((unsigned long long *)place, (unsigned long long)value);
}

/* Places in a list for the threads of a warp that want one: which these are, and the first
   place, which their first thread has asked for. */
template <typename T> struct b2g_places {
    T first;
    uint32_t mask;
};

/* Ask for a place for every thread of the warp that `wants` one: one atomic operation for all
   of them, whose result is not waited for here.  All threads of the warp have to call it. */
template <typename T> B2G_FN b2g_places<T> b2g_ask(T *count, bool wants)
{
    b2g_places<T> places = {0, __ballot_sync(0xFFFFFFFFu, wants)};
    if (places.mask != 0 && (threadIdx.x & 31u) == 0)
        places.first = b2g_fetch_add(count, (T)__popc(places.mask));
    return places;
}

/* Whether a thread has asked for a place. */
template <typename T> B2G_FN bool b2g_wants(b2g_places<T> places)
{
    return places.mask >> (threadIdx.x & 31u) & 1u;
}

/* The place of a thread.  All threads of the warp have to call it. */
template <typename T> B2G_FN T b2g_take(b2g_places<T> places)
{
    if (places.mask == 0)
        return 0;
    const T first = __shfl_sync(0xFFFFFFFFu, places.first, 0);
    return first + (T)__popc(places.mask & ((1u << (threadIdx.x & 31u)) - 1u));
}

/* The first element of a warp, of those that the warps of `n_blocks` blocks take in turn. Where blocks
   own elements, these are as many neighbours as a block has threads; elsewhere, all blocks have the
   same number of warps that are busy, whatever the number of elements. */
B2G_FN int64_t b2g_first_of_warp(uint32_t block, uint32_t n_blocks, bool neighbours)
{
    const int64_t warp = threadIdx.x / 32;
    return 32 * (neighbours ? (int64_t)block * (blockDim.x / 32) + warp : warp * n_blocks + block);
}

/* What a thread takes part in, of several things that the warps of a block share out: every
   `shares`-th from `number` on; there it is the `thread`-th of so many. */
typedef struct {
    uint32_t number, shares;
    int32_t thread, threads;
} b2g_share;

B2G_FN b2g_share b2g_share_of_warps(uint32_t things)
{
    const uint32_t warps = blockDim.x / 32, shares = things < warps ? things > 0 ? things : 1 : warps;
    const uint32_t number = threadIdx.x / 32 * shares / warps;
    const uint32_t first = (number * warps + shares - 1) / shares;
    const uint32_t end = ((number + 1) * warps + shares - 1) / shares;
    return {number, shares, (int32_t)(threadIdx.x - 32 * first), (int32_t)(32 * (end - first))};
}

/* Between two looks at what another block will change. */
B2G_FN void b2g_pause(void)
{
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 700
    __nanosleep(20);
#endif
}

/* Whether this block is the last of `n_blocks` to arrive: then everything that
   the others wrote can be seen, and none of them reads any more.  All threads
   of the block have to call it. */
B2G_FN bool b2g_last_block(uint32_t *arrived, uint32_t n_blocks)
{
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrived, 1u) + 1u == n_blocks;
        if (last)
            *arrived = 0;
    }
    __syncthreads();
    if (last)
        __threadfence();
    return last;
}

/* All threads of all blocks, which are one cluster, wait for each other: then everything
   that any of them wrote before can be seen. */
B2G_FN void b2g_cluster_arrive(void)
{
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
    __cluster_barrier_arrive(); /* releases */
#endif
}
B2G_FN void b2g_cluster_await(void)
{
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
    __cluster_barrier_wait(); /* acquires */
#endif
}
B2G_FN void b2g_cluster_barrier(void)
{
    b2g_cluster_arrive();
    b2g_cluster_await();
}

/* Once more for everybody to see, after all that this thread has seen or written. */
B2G_FN void b2g_count_in(uint32_t *place)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
    asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(__cvta_generic_to_global(place))
                 : "memory");
#else
    __threadfence();
    atomicAdd(place, 1u);
#endif
}

/* How often others have called b2g_count_in: what they did before can be seen. */
B2G_FN uint32_t b2g_look(uint32_t *place)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
    uint32_t count;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                 : "=r"(count)
                 : "l"(__cvta_generic_to_global(place))
                 : "memory");
    return count;
#else
    const uint32_t count = *(volatile uint32_t *)place;
    __threadfence();
    return count;
#endif
}

/* All blocks of the grid meet; all of them have to be on the device at the same time. */

/* Come to a meeting.  Until b2g_await, a block may do what is its own affair.  All threads of all
   blocks have to call both. */
B2G_FN void b2g_arrive(b2g_state *state, bool in_cluster)
{
    if (in_cluster) {
        b2g_cluster_arrive();
        return;
    }
    __syncthreads();
    if (threadIdx.x == 0)
        b2g_count_in(&state->meetings);
}

/* Wait for the others: then everything that any block wrote before it arrived can be seen, and
   what the threads of this one have done since.  `met` is how often blocks came to meetings until this one; thread 0 keeps it. */
B2G_FN void b2g_await(b2g_state *state, bool in_cluster, uint32_t *met)
{
    if (in_cluster) {
        b2g_cluster_await();
        /* others of the block may have arrived, but not done yet what is its own affair */
        __syncthreads();
        return;
    }
    if (threadIdx.x == 0) {
        *met += gridDim.x;
        while ((int32_t)(b2g_look(&state->meetings) - *met) < 0)
            b2g_pause();
    }
    __syncthreads();
}

/* Wait for all blocks. */
B2G_FN void b2g_meet(b2g_state *state, bool in_cluster, uint32_t *met)
{
    if (in_cluster) {
        b2g_cluster_barrier();
        return;
    }
    b2g_arrive(state, false);
    b2g_await(state, false, met);
}

/* ---- queues -------------------------------------------------------------- */

/* The delay at a place of `delays`. */
B2G_FN int32_t b2g_delay(const b2g_queue *queue, int32_t which)
{
    return queue->in_a_row ? queue->shortest + which : queue->delays[which];
}

/* The list of sources that spiked `ago` steps before a time step. */
B2G_FN int32_t b2g_slot(const b2g_queue *queue, b2g_place place, int32_t ago)
{
    const int32_t slot = place.head - ago;
    return slot < 0 ? slot + queue->n_slots : slot;
}

/* The run of a source with the delay at a place of `delays`, or -1. */
B2G_FN_LONG int32_t b2g_find_run(const b2g_queue *queue, int32_t source, int32_t which)
{
    if (queue->first_run == NULL)
        return source * queue->n_delays + which;
    int32_t low = queue->first_run[source], high = queue->first_run[source + 1];
    while (low < high) {
        const int32_t middle = (low + high) / 2;
        if (queue->which[middle] < which)
            low = middle + 1;
        else
            high = middle;
    }
    return low < queue->first_run[source + 1] && queue->which[low] == which ? low : -1;
}

/* For every lane of a warp the sum of the values up to its own.  All of them have to call it. */
B2G_FN int32_t b2g_sum_through(int32_t value)
{
    const int32_t lane = (int32_t)(threadIdx.x & 31u);
    for (int32_t distance = 1; distance < 32; distance *= 2) {
        const int32_t before = __shfl_sync(0xFFFFFFFFu, value, lane - distance & 31);
        value += lane < distance ? 0 : before;
    }
    return value;
}

/* Sort a short list (by one thread). */
B2G_FN_LONG void b2g_sort(int32_t *list, int32_t n)
{
    for (int32_t gap = n / 2; gap > 0; gap /= 2)
        for (int32_t k = gap; k < n; k++) {
            const int32_t value = list[k];
            int32_t j = k;
            for (; j >= gap && list[j - gap] > value; j -= gap)
                list[j] = list[j - gap];
            list[j] = value;
        }
}

/* Whether events from before this run of the network arrive in a time step. */
B2G_FN bool b2g_has_left(const b2g_queue *queue, b2g_place place)
{
    return place.step < queue->n_left_steps
           && queue->left_start[place.step] < queue->left_start[place.step + 1];
}

/* Where a queue is in the next time step. */
B2G_FN b2g_position b2g_next_position(const b2g_queue *queue, b2g_position position)
{
    const b2g_place now = position.now;
    return {{now.step + 1, now.head + 1 == queue->n_slots ? 0 : now.head + 1, 0}, now};
}

/* ---- what monitors record ------------------------------------------------ */

/* Count the threads of the warp that have an event.  All of them have to call it. */
B2G_FN void b2g_count_events(int32_t *count, bool event)
{
    const uint32_t mask = __ballot_sync(0xFFFFFFFFu, event);
    if (mask != 0 && (threadIdx.x & 31u) == 0)
        atomicAdd(count, (int32_t)__popc(mask));
}

/* Which elements a monitor records: `mask` has a bit for each, `rank` says how many
   there are below each word; the columns of the k-th one are
   order[first[k]] .. order[first[k + 1] - 1]. */
B2G_FN bool b2g_is_recorded(const uint32_t *mask, int64_t element)
{
    return mask[element / 32] >> (element % 32) & 1u;
}

B2G_FN int32_t b2g_rank(const uint32_t *mask, const int32_t *rank, int64_t element)
{
    return rank[element / 32] + __popc(mask[element / 32] & ((1u << (element % 32)) - 1u));
}

#include "brian2genn_messages.h"

#endif
