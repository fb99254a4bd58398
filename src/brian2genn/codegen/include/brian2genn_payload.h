/* What events bring along. Where delays differ, a neuron's synapses get its spike at different times, each
   of them somewhere in memory. When the neuron spikes they are looked at in their order: what deliveries
   read of them, and nobody changes during a run, then travels with the event. C11, valid C++ too; a
   part of brian2genn_queues.h. */
#ifndef BRIAN2GENN_PAYLOAD_H
#define BRIAN2GENN_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "brian2genn_platform.h"
#include "brian2genn_recorder.h"

/* Events are copied so many bytes at once, more than a short run has: what is too much is written over
   by the next ones. To copy just as much as there is means to guess how much that is. */
enum { B2G_COPIED_AT_ONCE = 64 };

/* Events lie in blocks of so many bytes, all of them in a few large pages: those of neighbouring time
   steps are far apart, and to find small pages takes longer than to write an event. Blocks that have
   been delivered are the next to be written to, as they are near. A block has an odd number of cache
   lines: all time steps are written to at about the same distance from the beginning of a block, which
   would be the same few places of a cache otherwise. */
enum { B2G_BLOCK_OF_EVENTS = 67 * 64, B2G_EVENTS_OF_BLOCK = B2G_BLOCK_OF_EVENTS - 64 - B2G_COPIED_AT_ONCE };

typedef struct b2g_event_block {
    struct b2g_event_block *after;
    int64_t before;           /* how many bytes of events are in the blocks before */
    char *end;                /* of the events, but for those of the last block */
    char unused[64 - 3 * sizeof(int64_t)];
    char events[B2G_EVENTS_OF_BLOCK + B2G_COPIED_AT_ONCE];
} b2g_event_block;

/* The events that arrive in one time step, behind those of the slot; all NULL if there are none. */
typedef struct {
    char *next, *limit;       /* in the last block */
    b2g_event_block *first, *last;
} b2g_brought;

/* Memory for blocks. */
typedef struct b2g_event_memory {
    struct b2g_event_memory *before;
    int64_t n, used;
    b2g_event_block *blocks;
} b2g_event_memory;

/* A run of synapses: when its events arrive, and how many bytes they have. */
typedef struct {
    int32_t delay, bytes;
} b2g_brought_run;

typedef struct {
    int64_t bytes;            /* of an event, which begins with the number of its run */
    char *events;             /* of all synapses, in the order of delivery */
    b2g_brought_run *runs;
    int64_t *first;           /* of each neuron: where its events are */
    int64_t *before;          /* of each delay: how many synapses have less */
    int32_t n_delays;
    b2g_brought *slots;
    b2g_event_block *free;
    b2g_event_memory *memory;
    int32_t busy;             /* whether a thread takes a block */
    /* what threads share out, each of them some of the delays, and whether there was no memory for it */
    const int32_t *spiking;
    int64_t n_spiking;
    int32_t failed;
} b2g_payload;

/* Memory that is large pages, where the system has them. */
B2G_RARE static void *b2g_large_pages(int64_t bytes)
{
#if defined(__linux__)
    void *memory;
    if (bytes >= B2G_LARGE_PAGE) {
        if (posix_memalign(&memory, B2G_LARGE_PAGE, (size_t)bytes))
            return NULL;
        madvise(memory, (size_t)bytes, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return malloc((size_t)bytes);
}

/* More memory for blocks; a block of it. */
B2G_RARE static b2g_event_block *b2g_more_blocks(b2g_payload *payload)
{
    enum { FEW = 1 << 6, MANY = 1 << 10 };
    const int64_t n = payload->memory ? MANY : FEW;
    b2g_event_memory *const memory = (b2g_event_memory *)malloc(sizeof(*memory));
    void *const blocks = memory ? b2g_large_pages(n * (int64_t)sizeof(b2g_event_block)) : NULL;
    if (blocks == NULL) {
        free(memory);
        return NULL;
    }
    memory->before = payload->memory;
    memory->n = n;
    memory->used = 1;
    memory->blocks = (b2g_event_block *)blocks;
    payload->memory = memory;
    return memory->blocks;
}

/* A block that nobody has; several threads may ask. */
static inline b2g_event_block *b2g_take_block(b2g_payload *payload)
{
    while (__atomic_exchange_n(&payload->busy, 1, __ATOMIC_ACQUIRE))
        ;
    b2g_event_block *block = payload->free;
    if (block)
        payload->free = block->after;
    else if (payload->memory && payload->memory->used < payload->memory->n)
        block = payload->memory->blocks + payload->memory->used++;
    else
        block = b2g_more_blocks(payload);
    __atomic_store_n(&payload->busy, 0, __ATOMIC_RELEASE);
    return block;
}

/* Let a slot have one more block. */
B2G_APART static int b2g_add_block(b2g_payload *payload, b2g_brought *slot)
{
    b2g_event_block *const block = b2g_take_block(payload);
    if (block == NULL)
        return B2G_NO_MEMORY;
    block->after = NULL;
    block->before = 0;
    if (slot->last) {
        slot->last->after = block;
        slot->last->end = slot->next;
        block->before = slot->last->before + (slot->next - slot->last->events);
    } else {
        slot->first = block;
    }
    slot->last = block;
    slot->next = block->events;
    slot->limit = slot->next + B2G_EVENTS_OF_BLOCK / payload->bytes * payload->bytes;
    return B2G_OK;
}

/* The delay at which one of several parts begins, but the first one, which have about as many synapses
   each. */
static inline int32_t b2g_first_delay(const b2g_payload *payload, int32_t part, int32_t parts)
{
    const int64_t wanted = payload->before[payload->n_delays] * part / parts;
    int32_t first = 0, end = payload->n_delays;
    while (first < end) {
        const int32_t middle = first + (end - first) / 2;
        if (payload->before[middle] < wanted)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* The first of a neuron's runs, which ascend, whose delay is not less. */
static inline int32_t b2g_first_run_of(const b2g_payload *payload, int32_t run, int32_t end_run, int32_t delay)
{
    while (run < end_run) {
        const int32_t middle = run + (end_run - run) / 2;
        if (payload->runs[middle].delay < delay)
            run = middle + 1;
        else
            end_run = middle;
    }
    return run;
}

/* Queue the events of a neuron: of the runs from `run` on, whose last one is before `end_run`, and whose
   events begin at `first`. Those of the neuron that comes next begin at `next`: no processor foresees
   which one that is. */
B2G_APART static int b2g_bring(b2g_payload *payload, int32_t run, int32_t end_run, int64_t first, int64_t next,
                               int32_t head, int32_t n_slots)
{
    enum { LINES_AHEAD = 8, WRITTEN_AHEAD = 128 };
    const char *from = payload->events + first;
    for (int line = 0; line < LINES_AHEAD; line++)
        B2G_PREFETCH(payload->events + next + 64 * line);
    b2g_brought *const slots = payload->slots;
    for (; run < end_run; run++) {
        const int32_t place = head + payload->runs[run].delay;
        b2g_brought *const slot = &slots[place >= n_slots ? place - n_slots : place];
        for (int64_t left = payload->runs[run].bytes, bytes; left > 0; left -= bytes, from += bytes) {
            if (slot->next == slot->limit && b2g_add_block(payload, slot))
                return B2G_NO_MEMORY;
            char *const to = slot->next;
            bytes = left < slot->limit - to ? left : slot->limit - to;
            memcpy(to, from, B2G_COPIED_AT_ONCE);
            if (bytes > B2G_COPIED_AT_ONCE)
                memcpy(to, from, (size_t)bytes);
            slot->next = to + bytes;
            B2G_PREFETCH_TO_WRITE(to + WRITTEN_AHEAD);
        }
    }
    return B2G_OK;
}

/* How many events of a slot are in a block. */
static inline int64_t b2g_n_of_block(const b2g_payload *payload, const b2g_brought *slot,
                                     const b2g_event_block *block)
{
    return ((block->after ? block->end : slot->next) - block->events) / payload->bytes;
}

/* How many events have arrived in a slot with what they bring. */
static inline int64_t b2g_n_brought(const b2g_payload *payload, int32_t number)
{
    if (payload == NULL || payload->slots[number].last == NULL)
        return 0;
    const b2g_brought *const slot = &payload->slots[number];
    return (slot->last->before + (slot->next - slot->last->events)) / payload->bytes;
}

/* The events of a slot have been delivered. */
static inline void b2g_leave_blocks(b2g_payload *payload, int32_t number)
{
    b2g_brought *const slot = &payload->slots[number];
    if (slot->last == NULL)
        return;
    slot->last->after = payload->free;
    payload->free = slot->first;
    memset(slot, 0, sizeof(*slot));
}

/* Have the first events of the next block fetched. */
static inline void b2g_look_at_block(const b2g_event_block *block)
{
    for (int line = 0; block && line < 8; line++)
        B2G_PREFETCH((const char *)block + 64 * line);
}

#endif
