/* What events bring along: begun and ended here, written by whoever puts events into queues. */

static void free_payload(b2g_queue *queue)
{
    b2g_payload *const payload = queue->payload;
    if (payload == NULL)
        return;
    for (b2g_event_memory *memory = payload->memory, *before; memory; memory = before) {
        before = memory->before;
        free(memory->blocks);
        free(memory);
    }
    free(payload->events);
    free(payload->runs);
    free(payload->first);
    free(payload->before);
    free(payload->slots);
    free(payload);
    queue->payload = NULL;
}

/* A place among the events of a slot: the k-th one of a block. */
typedef struct {
    const b2g_brought *slot;
    const b2g_event_block *block;
    int64_t k;
} event_place;

static event_place first_event(const b2g_queue *queue, int32_t slot)
{
    const event_place nothing = {NULL, NULL, 0};
    if (queue->payload == NULL)
        return nothing;
    const event_place place = {&queue->payload->slots[slot], queue->payload->slots[slot].first, 0};
    return place;
}

/* The run of an event; goes on to the next run, whose events come behind all of this one. */
static int32_t next_run(const b2g_queue *queue, event_place *place)
{
    int32_t run;
    memcpy(&run, place->block->events + place->k * queue->payload->bytes, sizeof(run));
    place->k += queue->start[run + 1] - queue->start[run];
    while (place->block && place->k >= b2g_n_of_block(queue->payload, place->slot, place->block)) {
        place->k -= b2g_n_of_block(queue->payload, place->slot, place->block);
        place->block = place->block->after;
    }
    return run;
}

/* From now on, events are but the numbers of their runs, also those on their way. */
static int end_payload(b2g_queue *queue)
{
    for (int32_t s = 0; queue->payload && s < queue->n_slots; s++) {
        b2g_slot *const slot = &queue->slots[s];
        if (b2g_reserve_runs(slot, b2g_n_brought(queue->payload, s)))
            return B2G_NO_MEMORY;
        for (event_place place = first_event(queue, s); place.block;)
            slot->runs[slot->n_runs++] = next_run(queue, &place);
        b2g_leave_blocks(queue->payload, s);
    }
    free_payload(queue);
    return B2G_OK;
}

/* Values that synapses have, and where they are in an event: whole numbers of as many bytes. */
typedef struct {
    const char *values;
    int32_t bytes, place;
} b2g_brought_values;

/* Write what each synapse's events bring along. */
WITH_VECTORS static void fill_events(const b2g_queue *queue, int32_t n_values, const b2g_brought_values *values)
{
    const b2g_payload *const payload = queue->payload;
    for (int64_t run = 0; run < queue->n_runs; run++) {
        const int32_t number = (int32_t)run;
        payload->before[queue->delay[run] + 1] += queue->start[run + 1] - queue->start[run];
        payload->runs[run].delay = queue->delay[run];
        payload->runs[run].bytes = (int32_t)((queue->start[run + 1] - queue->start[run]) * payload->bytes);
        for (int64_t k = queue->start[run]; k < queue->start[run + 1]; k++)
            memcpy(payload->events + k * payload->bytes, &number, 4);
    }
    for (int32_t delay = 0; delay < payload->n_delays; delay++)
        payload->before[delay + 1] += payload->before[delay];
    for (int32_t v = 0; v < n_values; v++) {
        char *const to = payload->events + values[v].place;
        if (values[v].bytes == 4)
            for (int64_t k = 0; k < queue->n_synapses; k++)
                memcpy(to + k * payload->bytes, values[v].values + 4 * k, 4);
        else
            for (int64_t k = 0; k < queue->n_synapses; k++)
                memcpy(to + k * payload->bytes, values[v].values + 8 * k, 8);
    }
    const int32_t n_sources = queue->source_stop - queue->source_start;
    for (int32_t source = 0; source <= n_sources; source++)
        payload->first[source] = queue->start[queue->first_run[source]] * payload->bytes;
}

enum { FEW_BYTES = 1 << 22 };

/* Let events bring along what synapses have, where that pays: where a neuron's synapses get few of them at
   once.  The arrays are in the order of delivery, an event is a structure of so many
   bytes.  Who changes the arrays has to call this again; without any, events bring nothing. */
int32_t b2g_queue_bring(b2g_queue *queue, int32_t n_values, const b2g_brought_values *values, int64_t bytes)
{
    if (end_payload(queue))
        return B2G_NO_MEMORY;
    const bool in_order = queue->first_run && queue->numbers && queue->order == NULL;
    /* every slot may have a block for an event or two */
    const int64_t least = (int64_t)queue->n_slots * B2G_BLOCK_OF_EVENTS;
    const bool pays = b2g_runs_are_short(queue) && (least < FEW_BYTES || least < queue->n_synapses * bytes);
    if (n_values == 0 || !in_order || !pays)
        return B2G_OK;
    /* where there is no memory for it, events are but the numbers of their runs */
    b2g_payload *const payload = calloc(1, sizeof(*payload));
    if (payload == NULL)
        return B2G_OK;
    queue->payload = payload;
    payload->bytes = bytes;
    /* one looks beyond the end of what one copies */
    payload->events = b2g_large_pages(queue->n_synapses * bytes + B2G_COPIED_AT_ONCE);
    payload->runs = malloc(((size_t)queue->n_runs + 1) * sizeof(*payload->runs));
    payload->first = malloc(((size_t)(queue->source_stop - queue->source_start) + 1) * sizeof(*payload->first));
    payload->slots = calloc((size_t)queue->n_slots, sizeof(*payload->slots));
    payload->n_delays = queue->n_slots; /* the longest one is less */
    payload->before = calloc((size_t)payload->n_delays + 1, sizeof(*payload->before));
    if (payload->events == NULL || payload->runs == NULL || payload->first == NULL || payload->slots == NULL
        || payload->before == NULL) {
        free_payload(queue);
        return B2G_OK;
    }
    fill_events(queue, n_values, values);
    return B2G_OK;
}

/* Whether events bring along what synapses have. */
int32_t b2g_queue_brings(const b2g_queue *queue) { return queue->payload != NULL; }
