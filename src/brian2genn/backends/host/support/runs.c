/* The runs of a queue's synapses: what neurons keep for their synapses is kept for each. */

int64_t b2g_queue_runs(const b2g_queue *queue) { return queue->n_runs; }

/* Whether events arrive at all synapses of a run, and not at single ones. */
int32_t b2g_queue_is_whole(const b2g_queue *queue)
{
    for (int32_t s = 0; s < queue->n_slots; s++)
        if (queue->slots[s].n_synapses > 0)
            return 0;
    return 1;
}

/* Whether a run has all synapses of its source. */
int32_t b2g_queue_has_one_delay(const b2g_queue *queue) { return queue->first_run == NULL; }

/* Whether the synapses were arranged anew since this was last asked. */
int32_t b2g_queue_rearranged(b2g_queue *queue)
{
    const int32_t rearranged = queue->rearranged;
    queue->rearranged = 0;
    return rearranged;
}

/* Write the source and the delay of each run; returns how many runs have synapses. */
int64_t b2g_queue_runs_of(const b2g_queue *queue, int32_t *sources, int32_t *delays)
{
    int64_t used = 0;
    for (int64_t run = 0; run < queue->n_runs; run++) {
        used += queue->start[run + 1] > queue->start[run];
        if (queue->first_run == NULL) {
            sources[run] = (int32_t)run;
            delays[run] = queue->same_delay;
        } else {
            delays[run] = queue->delay[run];
        }
    }
    if (queue->first_run != NULL)
        for (int32_t source = 0; source < queue->source_stop - queue->source_start; source++)
            for (int32_t run = queue->first_run[source]; run < queue->first_run[source + 1]; run++)
                sources[run] = source;
    return used;
}

/* Write the number of each synapse's run. */
void b2g_queue_keys(const b2g_queue *queue, int32_t *keys)
{
    for (int64_t run = 0; run < queue->n_runs; run++)
        for (int32_t k = queue->start[run]; k < queue->start[run + 1]; k++)
            keys[queue->order ? queue->order[k] : k] = (int32_t)run;
}

/* For each run the synapse with the earliest of these times, of several the one with the smallest
   number in Brian (NULL: their numbers are those that they have here); without times, the one with
   the smallest; -1 for a run without synapses. */
void b2g_earliest(const int32_t *keys, const double *times, const int32_t *numbers, int64_t n,
                  int64_t n_runs, int32_t *chosen)
{
    for (int64_t run = 0; run < n_runs; run++)
        chosen[run] = -1;
    for (int64_t k = 0; k < n; k++) {
        const int32_t best = chosen[keys[k]];
        if (best < 0 || (times && times[k] < times[best])
            || (numbers && numbers[k] < numbers[best] && !(times && times[k] > times[best])))
            chosen[keys[k]] = (int32_t)k;
    }
}

/* Arrange the synapses anew at the next prepare. */
void b2g_queue_forget(b2g_queue *queue) { queue->fingerprint = 0; }
