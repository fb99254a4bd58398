/* What the blocks of a cluster tell each other about events, without any memory that all of them
   see: every warp writes which of its threads have an event into the shared memory of every block.
   A word says itself for which time step it is, so that nothing has to be in order beside it: no
   fence, which would empty the first-level cache. Included by brian2genn_device.h. */
#ifndef BRIAN2GENN_MESSAGES_H
#define BRIAN2GENN_MESSAGES_H

/* Warps in a cluster of 16 blocks, at most. */
enum { B2G_WORDS = 512 };

/* Words that are looked at, at most, before something must be wrong: this takes seconds. */
enum { B2G_PATIENCE = 1 << 26 };

/* One word for each warp of each block, in turn for every other time step: nobody is two time steps
   ahead of a block, for that it would need to have heard of all of its warps in between. The upper
   half is the time step, counted from 1 in a launch; the lower half has a bit for each thread. */
typedef struct {
    uint64_t words[2][B2G_WORDS];
    int32_t lists[32][32];    /* of each warp of this block: what its threads are busy with */
} b2g_inbox;

/* Write a word at the same place in the shared memory of a block of the cluster. */
B2G_FN void b2g_put(uint64_t *place, uint32_t block, uint64_t value)
{
#if !defined(__CUDA_ARCH__)
    *(volatile uint64_t *)__cluster_map_shared_rank(place, block) = value;
#elif __CUDA_ARCH__ >= 900
    uint32_t there;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                 : "=r"(there)
                 : "r"((uint32_t)__cvta_generic_to_shared(place)), "r"(block));
    asm volatile("st.relaxed.cluster.shared::cluster.u64 [%0], %1;" ::"r"(there), "l"(value)
                 : "memory");
#endif
}

/* A word as it is now: others write it meanwhile. */
B2G_FN uint64_t b2g_see(const uint64_t *place)
{
#if !defined(__CUDA_ARCH__)
    b2g_pause(); /* which nobody would do otherwise */
#endif
    return *(const volatile uint64_t *)place;
}

/* Nothing is known yet; all threads of all blocks. */
B2G_FN void b2g_open(b2g_inbox *inbox)
{
    for (uint32_t k = threadIdx.x; k < 2 * B2G_WORDS; k += blockDim.x)
        inbox->words[k / B2G_WORDS][k % B2G_WORDS] = 0;
}

/* Tell all blocks of a time step which threads of this warp have an event. All of its threads have
   to call it, of every warp of every block. */
B2G_FN void b2g_tell(b2g_inbox *inbox, uint32_t step, bool event)
{
    const uint32_t events = __ballot_sync(0xFFFFFFFFu, event), lane = threadIdx.x & 31u;
    const uint32_t warp = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (lane < gridDim.x)
        b2g_put(&inbox->words[step & 1][warp], lane, (uint64_t)step << 32 | events);
}

/* Wait until all warps of all blocks have told of a time step. All threads of a block have to call
   it, and to wait for each other then. */
B2G_FN void b2g_listen(const b2g_inbox *inbox, uint32_t step)
{
    const uint32_t warps = gridDim.x * blockDim.x / 32;
    for (uint32_t k = threadIdx.x; k < warps; k += blockDim.x)
        for (uint32_t looks = 0; b2g_see(&inbox->words[step & 1][k]) >> 32 != step; looks++)
            if (looks == B2G_PATIENCE) {
#if defined(__CUDA_ARCH__)
                __trap(); /* an error, and no wait without end */
#endif
            }
}

/* Of the bits for 32 elements from `first` on, those for elements from start to stop. */
B2G_FN uint32_t b2g_between(int32_t first, int32_t start, int32_t stop)
{
    const int32_t below = start - first, above = first + 32 - stop;
    const uint32_t from = below <= 0 ? 0xFFFFFFFFu : below < 32 ? 0xFFFFFFFFu << below : 0;
    const uint32_t until = above <= 0 ? 0xFFFFFFFFu : above < 32 ? 0xFFFFFFFFu >> above : 0;
    return from & until;
}

/* The events that were told, of elements from start to stop among those of a task. */
typedef struct {
    const uint64_t *words;    /* of the task's first block, in this time step */
    int32_t start, stop;
} b2g_told;

/* Those of 32 elements, from a multiple of 32 on. */
B2G_FN uint32_t b2g_events(b2g_told told, int32_t word)
{
    return (uint32_t)b2g_see(&told.words[word]) & b2g_between(32 * word, told.start, told.stop);
}

/* How many there are before a word. All threads of a warp have to call it. */
B2G_FN int32_t b2g_count_told(b2g_told told, int32_t end)
{
    const int32_t lane = (int32_t)(threadIdx.x & 31u);
    int32_t count = 0;
    for (int32_t word = told.start / 32 + lane; word < end; word += 32)
        count += __popc(b2g_events(told, word));
    if (__ballot_sync(0xFFFFFFFFu, count != 0) == 0)
        return 0;
    for (int32_t distance = 16; distance > 0; distance /= 2)
        count += __shfl_down_sync(0xFFFFFFFFu, count, distance);
    return __shfl_sync(0xFFFFFFFFu, count, 0);
}

/* Call `execute` with the number, from start on, of every element with an event: of `teams`, each
   has one in turn. All threads of a warp have to call it, with the `team` that each is in: these
   are neighbours, and there is none for a thread if it is not below `teams`. The warp's list has
   room for 32. */
template <typename Execute>
B2G_FN void b2g_for_told(b2g_told told, int32_t *list, int32_t team, int32_t teams, Execute execute)
{
    const int32_t lane = (int32_t)(threadIdx.x & 31u), end = (told.stop + 31) / 32;
    const int32_t first_team = __shfl_sync(0xFFFFFFFFu, team, 0);
    for (int32_t first = told.start / 32; first < end; first += 128) {
        uint32_t events[4]; /* several waits are one */
        int32_t count = 0;
        for (int32_t n = 0; n < 4; n++) {
            const int32_t word = first + 32 * n + lane;
            events[n] = word < end ? b2g_events(told, word) : 0;
        }
        for (int32_t n = 0; n < 4; n++)
            count += __popc(events[n]);
        if (__ballot_sync(0xFFFFFFFFu, count != 0) == 0)
            continue;
        const int32_t through = b2g_sum_through(count);
        const int32_t total = __shfl_sync(0xFFFFFFFFu, through, 31);
        for (int32_t begin = 0; begin < total; begin += teams) {
            /* each lane writes those of its events that are for a team of this warp */
            int32_t place = through - count - begin - first_team;
            for (int32_t n = 0; n < 4; n++)
                for (uint32_t bits = events[n]; bits; bits &= bits - 1, place++)
                    if ((uint32_t)place < 32)
                        *(volatile int32_t *)&list[place] = 32 * (first + 32 * n + lane) + __ffs((int)bits) - 1 - told.start;
            __syncwarp();
            if (team < teams && begin + team < total)
                execute(*(const volatile int32_t *)&list[team - first_team]);
            __syncwarp();
        }
    }
}

#endif
