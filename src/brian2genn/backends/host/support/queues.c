/* Spike queues: what is on its way. */

b2g_queue *b2g_queue_new(int32_t source_start, int32_t source_stop)
{
    b2g_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL)
        return NULL;
    queue->slots = calloc(1, sizeof(b2g_slot));
    if (queue->slots == NULL) {
        free(queue);
        return NULL;
    }
    queue->n_slots = 1;
    queue->n_parts = 1;
    queue->source_start = source_start;
    queue->source_stop = source_stop;
    return queue;
}

static void free_slots(b2g_slot *slots, int32_t n)
{
    for (int32_t k = 0; k < n; k++) {
        free(slots[k].synapses);
        free(slots[k].runs);
    }
    free(slots);
}

static void free_division(b2g_queue *queue)
{
    free(queue->bounds);
    free(queue->split);
    free(queue->by_target);
    queue->bounds = queue->split = queue->by_target = NULL;
    queue->n_parts = 1;
    queue->divided = 0;
    queue->consecutive = 0;
}

static void free_arrangement(b2g_queue *queue)
{
    free_division(queue);
    free(queue->first_run);
    free(queue->delay);
    free(queue->start);
    free(queue->order);
    free(queue->own_order);
    queue->first_run = queue->delay = queue->start = queue->order = queue->own_order = NULL;
    queue->numbers = NULL;
    queue->n_synapses = queue->n_runs = queue->shortest = queue->longest = 0;
    queue->fingerprint = 0;
}

void b2g_queue_free(b2g_queue *queue)
{
    free_payload(queue);
    free_slots(queue->slots, queue->n_slots);
    free_arrangement(queue);
    free(queue);
}

/* How many synapses arrive `ahead` steps from now. */
int64_t b2g_queue_count(const b2g_queue *queue, int32_t ahead)
{
    const int32_t s = (queue->head + ahead) % queue->n_slots;
    const b2g_slot *slot = &queue->slots[s];
    int64_t n = slot->n_synapses + b2g_n_brought(queue->payload, s);
    for (int64_t r = 0; r < slot->n_runs; r++)
        n += queue->start[slot->runs[r] + 1] - queue->start[slot->runs[r]];
    return n;
}

/* The number of a synapse in Brian: that of the k-th one of all runs. */
static inline int32_t synapse_at(const b2g_queue *queue, int32_t k)
{
    const int32_t place = queue->order ? queue->order[k] : k;
    return queue->numbers ? queue->numbers[place] : place;
}

/* Write those of a run; returns where the next ones go. */
static int32_t *write_run(const b2g_queue *queue, int32_t run, int32_t *synapses)
{
    for (int32_t k = queue->start[run]; k < queue->start[run + 1]; k++)
        *synapses++ = synapse_at(queue, k);
    return synapses;
}

/* Write them to `synapses`, in the order in which they will be delivered. */
void b2g_queue_synapses(const b2g_queue *queue, int32_t ahead, int32_t *synapses)
{
    const int32_t s = (queue->head + ahead) % queue->n_slots;
    const b2g_slot *slot = &queue->slots[s];
    for (int64_t k = 0; k < slot->n_synapses; k++)
        *synapses++ = queue->numbers ? queue->numbers[slot->synapses[k]] : slot->synapses[k];
    for (int64_t r = 0; r < slot->n_runs; r++)
        synapses = write_run(queue, slot->runs[r], synapses);
    for (event_place place = first_event(queue, s); place.block;)
        synapses = write_run(queue, next_run(queue, &place), synapses);
}

static inline int32_t larger(int32_t one, int32_t other) { return one > other ? one : other; }

/* The largest number of a synapse of a run, or `largest`. */
static int32_t largest_of(const b2g_queue *queue, int32_t run, int32_t largest)
{
    for (int32_t k = queue->start[run]; k < queue->start[run + 1]; k++)
        largest = larger(largest, synapse_at(queue, k));
    return largest;
}

/* The largest number of a synapse that something is on its way to, or -1. */
int32_t b2g_queue_largest(const b2g_queue *queue)
{
    int32_t largest = -1;
    for (int32_t s = 0; s < queue->n_slots; s++) {
        const b2g_slot *slot = &queue->slots[s];
        for (int64_t k = 0; k < slot->n_synapses; k++) {
            const int32_t place = slot->synapses[k];
            largest = larger(largest, queue->numbers ? queue->numbers[place] : place);
        }
        for (int64_t r = 0; r < slot->n_runs; r++)
            largest = largest_of(queue, slot->runs[r], largest);
        for (event_place place = first_event(queue, s); place.block;)
            largest = largest_of(queue, next_run(queue, &place), largest);
    }
    return largest;
}

/* The shortest delay of all synapses in time steps; INT32_MAX if there are none. */
int32_t b2g_queue_shortest(const b2g_queue *queue)
{
    if (queue->n_synapses == 0)
        return INT32_MAX;
    if (queue->first_run == NULL)
        return queue->same_delay;
    int32_t shortest = INT32_MAX;
    for (int64_t run = 0; run < queue->n_runs; run++)
        if (queue->delay[run] < shortest)
            shortest = queue->delay[run];
    return shortest;
}

int32_t b2g_queue_slots(const b2g_queue *queue) { return queue->n_slots; }
int32_t b2g_queue_head(const b2g_queue *queue) { return queue->head; }
int32_t b2g_queue_push(b2g_queue *queue, const int32_t *events, int64_t n) { return b2g_push(queue, events, n); }
void b2g_queue_advance(b2g_queue *queue) { b2g_advance(queue); }

/* Replace everything in flight by n_slots slots; counts[k] synapses each. */
int32_t b2g_queue_set(b2g_queue *queue, int32_t n_slots, int32_t head, const int64_t *counts,
                      const int32_t *synapses)
{
    b2g_slot *slots = calloc((size_t)n_slots, sizeof(b2g_slot));
    if (slots == NULL)
        return B2G_NO_MEMORY;
    for (int32_t k = 0; k < n_slots; k++) {
        if (counts[k] == 0)
            continue;
        slots[k].synapses = malloc((size_t)counts[k] * sizeof(int32_t));
        if (slots[k].synapses == NULL) {
            free_slots(slots, n_slots);
            return B2G_NO_MEMORY;
        }
        memcpy(slots[k].synapses, synapses, (size_t)counts[k] * sizeof(int32_t));
        slots[k].n_synapses = slots[k].synapses_capacity = counts[k];
        synapses += counts[k];
    }
    free_payload(queue);
    free_slots(queue->slots, queue->n_slots);
    queue->slots = slots;
    queue->n_slots = n_slots;
    queue->head = head;
    return B2G_OK;
}

/* Turn runs in flight into single synapses, before the runs change. */
int32_t b2g_queue_loosen(b2g_queue *queue)
{
    if (end_payload(queue))
        return B2G_NO_MEMORY;
    for (int32_t s = 0; s < queue->n_slots; s++) {
        b2g_slot *slot = &queue->slots[(queue->head + s) % queue->n_slots];
        if (slot->n_runs == 0)
            continue;
        int64_t n = b2g_queue_count(queue, s);
        int32_t *synapses = malloc((size_t)(n ? n : 1) * sizeof(int32_t));
        if (synapses == NULL)
            return B2G_NO_MEMORY;
        b2g_queue_synapses(queue, s, synapses);
        free(slot->synapses);
        slot->synapses = synapses;
        slot->n_synapses = slot->synapses_capacity = n;
        slot->n_runs = 0;
    }
    return B2G_OK;
}

/* The ring gets `n_slots` slots, beginning with the present one. */
static int resize_ring(b2g_queue *queue, int32_t n_slots)
{
    b2g_slot *slots = calloc((size_t)n_slots, sizeof(b2g_slot));
    if (slots == NULL)
        return B2G_NO_MEMORY;
    for (int32_t s = 0; s < queue->n_slots; s++)
        slots[s] = queue->slots[(queue->head + s) % queue->n_slots];
    free(queue->slots);
    queue->slots = slots;
    queue->n_slots = n_slots;
    queue->head = 0;
    return B2G_OK;
}

/* dt has changed: everything in flight keeps its time of arrival, rounded as
   Brian rounds it (of two slots that fall together, the later one remains).
   The last slot may round up to one more than Brian makes. */
static int rescale(b2g_queue *queue, double factor)
{
    const int32_t brians = (int32_t)(queue->n_slots * factor) + 1;
    const int32_t last = (int32_t)((queue->n_slots - 1) * factor + 0.5);
    const int32_t n_slots = brians > last ? brians : last + 1;
    b2g_slot *slots = calloc((size_t)n_slots, sizeof(b2g_slot));
    if (slots == NULL)
        return B2G_NO_MEMORY;
    for (int32_t s = 0; s < queue->n_slots; s++) {
        b2g_slot *slot = &queue->slots[(queue->head + s) % queue->n_slots];
        int32_t place = (int32_t)(s * factor + 0.5);
        free(slots[place].synapses);
        free(slots[place].runs);
        slots[place] = *slot;
        memset(slot, 0, sizeof(*slot));
    }
    free_slots(queue->slots, queue->n_slots);
    queue->slots = slots;
    queue->n_slots = n_slots;
    queue->head = 0;
    return B2G_OK;
}
