/* The synapses of a queue in runs, by source and delay, and their other numbers for the time of a run. */

/* A delay in time steps: not below 0 (whoever asks for less is told so elsewhere), and never more
   than an index can be, whatever it is. */
static int32_t in_steps(double delay, double dt)
{
    const double steps = delay / dt + 0.5;
    return steps >= INT32_MAX - 1 ? INT32_MAX - 1 : steps > 0.0 ? (int32_t)steps : 0;
}

/* ---- other numbers for the time of a run ---------------------------------- */

/* The synapses in the order in which their runs are, or no order if it is that of their numbers. */
const int32_t *b2g_queue_order(const b2g_queue *queue) { return queue->order; }

/* The same as they are divided among threads: in each run by target. */
const int32_t *b2g_queue_divided_order(const b2g_queue *queue)
{
    return queue->by_target ? queue->by_target : queue->order;
}

static void map_single_ones(b2g_queue *queue, const int32_t *numbers)
{
    for (int32_t s = 0; s < queue->n_slots; s++)
        for (int64_t k = 0; k < queue->slots[s].n_synapses; k++)
            queue->slots[s].synapses[k] = numbers[queue->slots[s].synapses[k]];
}

/* Give synapse k the number `places[k]`; with `in_order`, the runs have the synapses in the order of
   these numbers.  `numbers`, the inverse, has to be kept until synapses have their own numbers
   again. */
int32_t b2g_queue_renumber(b2g_queue *queue, const int32_t *places, const int32_t *numbers,
                           int32_t in_order)
{
    if (end_payload(queue))
        return B2G_NO_MEMORY;
    int32_t *order = NULL;
    if (!in_order) {
        order = malloc((size_t)(queue->n_synapses + 1) * sizeof(int32_t));
        if (order == NULL)
            return B2G_NO_MEMORY;
        for (int64_t k = 0; k < queue->n_synapses; k++)
            order[k] = places[queue->order ? queue->order[k] : k];
    }
    free_division(queue);
    map_single_ones(queue, places);
    queue->own_order = queue->order;
    queue->order = order;
    queue->numbers = numbers;
    return B2G_OK;
}

int32_t b2g_queue_restore_numbers(b2g_queue *queue)
{
    if (end_payload(queue))
        return B2G_NO_MEMORY;
    if (queue->numbers == NULL)
        return B2G_OK;
    free_division(queue);
    map_single_ones(queue, queue->numbers);
    free(queue->order);
    queue->order = queue->own_order;
    queue->own_order = NULL;
    queue->numbers = NULL;
    return B2G_OK;
}

/* Arrange the synapses by source (and delay) for a run; keep what is in flight.
   Synapses of one run stay in ascending order.  Two stable counting sorts: by
   delay, then by source. */
int32_t b2g_queue_prepare(b2g_queue *queue, const double *delays, int64_t n_delays, double dt,
                          const int32_t *sources, int64_t n_synapses)
{
    uint64_t fingerprint = mix(1, delays, n_delays * (int64_t)sizeof(double));
    fingerprint = mix(fingerprint, sources, n_synapses * (int64_t)sizeof(int32_t));
    fingerprint = mix(fingerprint, &dt, sizeof(dt));
    fingerprint = mix(fingerprint, &n_delays, sizeof(n_delays)) | 1;
    if (fingerprint == queue->fingerprint && n_synapses == queue->n_synapses)
        return B2G_OK;

    if (b2g_queue_loosen(queue))
        return B2G_NO_MEMORY;
    if (queue->dt != 0.0 && queue->dt != dt && rescale(queue, queue->dt / dt))
        return B2G_NO_MEMORY;
    queue->dt = dt;
    free_arrangement(queue);

    int32_t shortest = n_delays ? in_steps(delays[0], dt) : 0, longest = shortest;
    for (int64_t k = 1; k < n_delays; k++) {
        int32_t steps = in_steps(delays[k], dt);
        shortest = steps < shortest ? steps : shortest;
        longest = steps > longest ? steps : longest;
    }
    if (longest >= queue->n_slots && resize_ring(queue, longest + 1))
        return B2G_NO_MEMORY;

    const int64_t n_sources = queue->source_stop - queue->source_start;
    int failed = 0;
    int32_t *order = malloc((size_t)(n_synapses + 1) * sizeof(int32_t));
    int32_t *begin = calloc((size_t)n_sources + 2, sizeof(int32_t));
    int32_t *by_delay = NULL, *place = NULL;
    if (order == NULL || begin == NULL)
        failed = 1;

    if (!failed && shortest != longest) {
        const int64_t n_steps = (int64_t)longest - shortest + 1;
        by_delay = malloc((size_t)(n_synapses + 1) * sizeof(int32_t));
        place = calloc((size_t)n_steps + 1, sizeof(int32_t));
        if (by_delay == NULL || place == NULL) {
            failed = 1;
        } else {
            for (int64_t k = 0; k < n_synapses; k++)
                place[in_steps(delays[k], dt) - shortest + 1]++;
            for (int64_t d = 0; d < n_steps; d++)
                place[d + 1] += place[d];
            for (int64_t k = 0; k < n_synapses; k++)
                by_delay[place[in_steps(delays[k], dt) - shortest]++] = (int32_t)k;
        }
    }
    if (!failed) {
        for (int64_t k = 0; k < n_synapses; k++)
            begin[sources[k] - queue->source_start + 2]++;
        for (int64_t s = 0; s < n_sources; s++)
            begin[s + 2] += begin[s + 1];
        for (int64_t k = 0; k < n_synapses; k++) {
            int32_t synapse = by_delay ? by_delay[k] : (int32_t)k;
            order[begin[sources[synapse] - queue->source_start + 1]++] = synapse;
        }
    }
    if (!failed && shortest == longest) {
        bool identity = true;
        for (int64_t k = 0; identity && k < n_synapses; k++)
            identity = order[k] == k;
        if (identity) {
            free(order);
            order = NULL;
        }
        queue->same_delay = shortest;
        queue->start = begin;
        queue->order = order;
        queue->n_runs = n_sources;
        begin = NULL;
        order = NULL;
    } else if (!failed) {
        int64_t n_runs = 0;
        for (int64_t s = 0; s < n_sources; s++)
            for (int32_t k = begin[s]; k < begin[s + 1]; k++)
                n_runs += k == begin[s]
                          || in_steps(delays[order[k]], dt) != in_steps(delays[order[k - 1]], dt);
        queue->first_run = malloc((size_t)(n_sources + 1) * sizeof(int32_t));
        queue->delay = malloc((size_t)(n_runs + 1) * sizeof(int32_t));
        queue->start = malloc((size_t)(n_runs + 1) * sizeof(int32_t));
        if (queue->first_run == NULL || queue->delay == NULL || queue->start == NULL) {
            failed = 1;
        } else {
            int32_t r = 0;
            for (int64_t s = 0; s < n_sources; s++) {
                queue->first_run[s] = r;
                for (int32_t k = begin[s]; k < begin[s + 1]; k++) {
                    int32_t steps = in_steps(delays[order[k]], dt);
                    if (k == begin[s] || steps != queue->delay[r - 1]) {
                        queue->delay[r] = steps;
                        queue->start[r++] = k;
                    }
                }
            }
            queue->first_run[n_sources] = r;
            queue->start[r] = (int32_t)n_synapses;
            queue->order = order;
            queue->n_runs = n_runs;
            order = NULL;
        }
    }
    free(order);
    free(begin);
    free(by_delay);
    free(place);
    if (failed) {
        free_arrangement(queue);
        return B2G_NO_MEMORY;
    }
    queue->n_synapses = n_synapses;
    queue->fingerprint = fingerprint;
    queue->rearranged = 1;
    queue->shortest = queue->longest = queue->n_runs ? queue->start[1] : 0;
    for (int64_t run = 1; run < queue->n_runs; run++) {
        const int64_t length = queue->start[run + 1] - queue->start[run];
        queue->shortest = length < queue->shortest ? length : queue->shortest;
        queue->longest = length > queue->longest ? length : queue->longest;
    }
    return B2G_OK;
}
