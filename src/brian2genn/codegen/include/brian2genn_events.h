/* Lists of events: how they are made of marks, and how they go into the queues of pathways.  C11,
   valid C++ too; the end of brian2genn_runtime.h. */
#ifndef BRIAN2GENN_EVENTS_H
#define BRIAN2GENN_EVENTS_H

/* So many marks are looked at together, and there is room for as many behind the last one. */
enum { B2G_MARKS = 64 };

/* Which of B2G_MARKS marks, each 0 or 1, are set: a bit for each. */
static inline uint64_t b2g_marked(const uint8_t *marks)
{
    uint64_t set = 0;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (int k = 0; k < B2G_MARKS; k += 8) {
        uint64_t eight;
        memcpy(&eight, marks + k, 8);
        /* the lowest bits of eight bytes, brought together in the highest byte */
        set |= (eight * UINT64_C(0x0102040810204080) >> 56) << k;
    }
#else
    for (int k = 0; k < B2G_MARKS; k++)
        set |= (uint64_t)marks[k] << k;
#endif
    return set;
}

/* List the elements from `first` on whose mark, one of n, is set.  Most of them are not: what is
   cheap is to find that out for many at once.  Returns how many events there are now. */
B2G_ALWAYS_INLINE int64_t b2g_list_marked(uint8_t *marks, int64_t n, int64_t first, int32_t *events,
                                      int64_t n_events)
{
    memset(marks + n, 0, B2G_MARKS);
    for (int64_t k = 0; k < n; k += B2G_MARKS) {
        uint64_t w[B2G_MARKS / 8];
        memcpy(w, marks + k, sizeof(w));
        if ((w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7]) == 0)
            continue;
        for (uint64_t set = b2g_marked(marks + k); set != 0; set &= set - 1)
            events[n_events++] = (int32_t)(first + k + __builtin_ctzll(set));
    }
    return n_events;
}

/* A queue that events go into, and the step that does it. */
typedef struct {
    int32_t queue, step;
} b2g_push_into;

/* What one of several threads does of spikes that bring something along: those at synapses of some delays. */
B2G_APART static void b2g_bring_part(void *work, const int32_t part, const int32_t parts)
{
    b2g_queue *const queue = ((b2g_context *)work)->bringing;
    b2g_payload *const payload = queue->payload;
    if (b2g_bring_part_of(queue, payload->spiking, payload->n_spiking, 0, part, parts))
        __atomic_store_n(&payload->failed, 1, __ATOMIC_RELAXED);
}

/* Queue spikes of the queue's sources, with what they bring along. */
static inline int b2g_bring_together(b2g_context *ctx, int32_t step, b2g_queue *queue, const int32_t *spikes,
                                     int64_t n)
{
    b2g_payload *const payload = queue->payload;
    ctx->bringing = queue;
    payload->spiking = spikes;
    payload->n_spiking = n;
    payload->failed = 0;
    const double length = (double)queue->n_synapses / (double)(queue->source_stop - queue->source_start);
    b2g_share_out_some(ctx, step, b2g_bring_part, ctx->threads, (double)n * length);
    return payload->failed ? B2G_NO_MEMORY : B2G_OK;
}

/* Put the events of a list, of which there are some, into the queues of several pathways.  Those of
   one subgroup follow each other: its part of the list is found once. */
B2G_APART static int32_t b2g_push_each(b2g_context *ctx, int32_t list, const b2g_push_into *pushes,
                                    int32_t n_pushes)
{
    const int32_t *const events = (const int32_t *)ctx->arrays[list];
    const int32_t *const end = events + events[ctx->lengths[list] - 1];
    const int32_t *first = events, *last = events;
    int32_t start = 0, stop = 0; /* the part of no sources */
    for (int32_t k = 0; k < n_pushes; k++) {
        const double began = ctx->seconds ? b2g_seconds() : 0.0;
        b2g_queue *const queue = ctx->queues[pushes[k].queue];
        if (queue->source_start != start || queue->source_stop != stop) {
            start = queue->source_start;
            stop = queue->source_stop;
            first = b2g_from(events, end, start);
            last = b2g_from(first, end, stop);
        }
        const int64_t n = last - first;
        if (n > 0 && (queue->payload ? b2g_bring_together(ctx, pushes[k].step, queue, first, n)
                                     : b2g_push(queue, first, n))) {
            ctx->error_step = pushes[k].step;
            return ctx->error = B2G_NO_MEMORY;
        }
        if (ctx->seconds)
            ctx->seconds[pushes[k].step] += b2g_seconds() - began;
    }
    return B2G_OK;
}

#endif
