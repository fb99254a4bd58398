/* The synapses of a queue divided among threads, by target. */

/* The target of a synapse, or the synapse itself where that is all that events change. */
static inline int32_t target_of(const int32_t *targets, int32_t synapse)
{
    return targets ? targets[synapse] : synapse;
}

static int by_first(const void *one, const void *other)
{
    const int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

/* Runs up to this length are sorted by insertion. */
enum { B2G_SHORT_RUN = 64 };

static void sort_keys(int64_t *keys, int64_t n)
{
    if (n > B2G_SHORT_RUN) {
        qsort(keys, (size_t)n, sizeof(*keys), by_first);
        return;
    }
    for (int64_t k = 1; k < n; k++) {
        const int64_t key = keys[k];
        int64_t place = k;
        for (; place > 0 && keys[place - 1] > key; place--)
            keys[place] = keys[place - 1];
        keys[place] = key;
    }
}

/* Whether the targets of a run ascend, or are the same: such runs are many, as synapses are made
   in this order. */
static bool ascends(const int32_t *synapses, int64_t begin, int64_t end, const int32_t *targets)
{
    for (int64_t k = begin + 1; k < end; k++)
        if (synapses ? targets[synapses[k - 1]] > targets[synapses[k]] : targets[k - 1] > targets[k])
            return false;
    return true;
}

/* Bring the synapses of a run into ascending order of their targets, equal ones as they were. */
static int sort_run(int32_t *synapses, int64_t n, const int32_t *targets)
{
    if (ascends(synapses, 0, n, targets))
        return B2G_OK;
    int64_t few[B2G_SHORT_RUN];
    int32_t few_before[B2G_SHORT_RUN];
    const bool is_short = n <= B2G_SHORT_RUN;
    int64_t *const keys = is_short ? few : malloc((size_t)n * sizeof(int64_t));
    int32_t *const before = is_short ? few_before : malloc((size_t)n * sizeof(int32_t));
    const bool failed = keys == NULL || before == NULL;
    if (!failed) {
        for (int64_t k = 0; k < n; k++)
            keys[k] = ((int64_t)targets[synapses[k]] << 32) | (uint32_t)k;
        memcpy(before, synapses, (size_t)n * sizeof(int32_t));
        sort_keys(keys, n);
        for (int64_t k = 0; k < n; k++)
            synapses[k] = before[(uint32_t)keys[k]];
    }
    if (!is_short) {
        free(keys);
        free(before);
    }
    return failed ? B2G_NO_MEMORY : B2G_OK;
}

/* Whether synapses are delivered in their own order, and in each run by target. */
int32_t b2g_queue_is_sorted(const b2g_queue *queue, const int32_t *targets)
{
    if (queue->order)
        return 0;
    for (int64_t run = 0; run < queue->n_runs; run++)
        if (!ascends(NULL, queue->start[run], queue->start[run + 1], targets))
            return 0;
    return 1;
}

/* Write the synapses in the order in which they are delivered, but in each run by target. */
int32_t b2g_queue_sort(const b2g_queue *queue, const int32_t *targets, int32_t *sorted)
{
    for (int64_t k = 0; k < queue->n_synapses; k++)
        sorted[k] = queue->order ? queue->order[k] : (int32_t)k;
    for (int64_t run = 0; run < queue->n_runs; run++)
        if (sort_run(sorted + queue->start[run], queue->start[run + 1] - queue->start[run], targets))
            return B2G_NO_MEMORY;
    return B2G_OK;
}

/* Where parts begin that have about as many synapses each: numbers of targets. */
static int set_bounds(b2g_queue *queue, const int32_t *targets, int64_t n_targets, int32_t n_parts)
{
    /* parts that write to neighbours would wait for each other's cache lines */
    const int64_t together = n_targets >= 64 * (int64_t)n_parts ? 16 : 1;
    int64_t *count = calloc((size_t)(n_targets / together + 1), sizeof(int64_t));
    queue->bounds = malloc(((size_t)n_parts + 1) * sizeof(int32_t));
    if (count == NULL || queue->bounds == NULL) {
        free(count);
        return B2G_NO_MEMORY;
    }
    for (int64_t k = 0; targets && k < queue->n_synapses; k++)
        count[targets[k] / together]++;
    for (int64_t k = 0; !targets && k < queue->n_synapses; k++)
        count[k / together]++;
    int64_t place = 0, seen = 0;
    queue->bounds[0] = INT32_MIN;
    for (int32_t part = 1; part < n_parts; part++) {
        while (seen < queue->n_synapses * part / n_parts)
            seen += count[place++];
        queue->bounds[part] = (int32_t)(place * together);
    }
    queue->bounds[n_parts] = INT32_MAX;
    free(count);
    return B2G_OK;
}

/* Find the places in each run where the parts begin. */
static int set_split(b2g_queue *queue, const int32_t *targets, int32_t n_parts)
{
    queue->split = malloc((size_t)(n_parts - 1) * (size_t)(queue->n_runs + 1) * sizeof(int32_t));
    if (queue->split == NULL)
        return B2G_NO_MEMORY;
    for (int64_t run = 0; run < queue->n_runs; run++) {
        const int32_t begin = queue->start[run], end = queue->start[run + 1];
        const int32_t *order = queue->by_target ? queue->by_target : queue->order;
        bool ascends = true;
        for (int32_t k = begin + 1; ascends && targets && k < end; k++)
            ascends = target_of(targets, order ? order[k - 1] : k - 1)
                      <= target_of(targets, order ? order[k] : k);
        if (!ascends) {
            if (queue->by_target == NULL) {
                queue->by_target = malloc((size_t)queue->n_synapses * sizeof(int32_t));
                if (queue->by_target == NULL)
                    return B2G_NO_MEMORY;
                for (int64_t k = 0; k < queue->n_synapses; k++)
                    queue->by_target[k] = order ? order[k] : (int32_t)k;
            }
            if (sort_run(queue->by_target + begin, end - begin, targets))
                return B2G_NO_MEMORY;
            order = queue->by_target;
        }
        int32_t place = begin;
        for (int32_t part = 1; part < n_parts; part++) {
            /* the first synapse of the part: by halving what is left */
            int32_t beyond = end;
            while (place < beyond) {
                const int32_t middle = place + (beyond - place) / 2;
                if (target_of(targets, order ? order[middle] : middle) < queue->bounds[part])
                    place = middle + 1;
                else
                    beyond = middle;
            }
            queue->split[(part - 1) * queue->n_runs + run] = place;
        }
    }
    return B2G_OK;
}

/* Divide the synapses among parts that change nothing in common: `targets` has, for every synapse,
   the place that events at it write to, of n_targets; NULL if they change the synapses alone.
   There may be fewer parts: where there are few synapses, or where it would take much memory. */
int32_t b2g_queue_divide(b2g_queue *queue, const int32_t *targets, int64_t n_targets, int32_t n_parts)
{
    if (targets == NULL)
        n_targets = queue->n_synapses;
    /* a run of 16 synapses: at most 8 bytes for each of them */
    const int64_t length = queue->n_runs ? queue->n_synapses / queue->n_runs : 0;
    const bool short_runs = length < 8;
    if (!short_runs && n_parts > 1 + length / 2)
        n_parts = (int32_t)(1 + length / 2);
    if (n_parts > n_targets)
        n_parts = (int32_t)n_targets;
    if (n_parts < 2 || queue->start == NULL) {
        free_division(queue);
        return B2G_OK;
    }
    uint64_t key = mix(queue->fingerprint, &n_parts, sizeof(n_parts));
    key = mix(key, &n_targets, sizeof(n_targets));
    if (targets)
        key = mix(key, targets, queue->n_synapses * (int64_t)sizeof(int32_t));
    if ((key |= 1) == queue->divided)
        return B2G_OK;
    free_division(queue);
    if (set_bounds(queue, targets, n_targets, n_parts)
        || (!short_runs && set_split(queue, targets, n_parts))) {
        free_division(queue);
        return B2G_NO_MEMORY;
    }
    queue->n_parts = n_parts;
    queue->divided = key;
    return B2G_OK;
}

/* So many synapses, on average, that are neighbours and have neighbours for targets are worth a look
   at where they end. */
enum { B2G_NEIGHBOURS = 8 };

/* Find out whether synapses and their targets are neighbours; parts have been made before. */
int32_t b2g_queue_find_neighbours(b2g_queue *queue, const int32_t *targets)
{
    queue->consecutive = 0;
    if (queue->order || queue->by_target || queue->start == NULL)
        return 0;
    const int64_t most = queue->n_synapses / B2G_NEIGHBOURS;
    int64_t stretches = queue->n_runs;
    for (int64_t run = 0; run < queue->n_runs && stretches <= most; run++) {
        const int32_t end = queue->start[run + 1];
        int32_t descends = 0, gaps = 0;
        for (int32_t k = queue->start[run] + 1; k < end; k++) {
            descends |= targets[k] <= targets[k - 1];
            gaps += targets[k] - targets[k - 1] != 1;
        }
        if (descends)
            return 0;
        stretches += gaps;
    }
    queue->consecutive = stretches <= most;
    return queue->consecutive;
}

/* Let a queue that nothing is put into stand for all synapses in their order, which every time step
   goes through: a run is as long as targets ascend. */
int32_t b2g_queue_all(b2g_queue *queue, const int32_t *targets, int64_t n_synapses)
{
    const uint64_t fingerprint = mix(3, targets, n_synapses * (int64_t)sizeof(int32_t)) | 1;
    if (fingerprint == queue->fingerprint && n_synapses == queue->n_synapses)
        return B2G_OK;
    free_arrangement(queue);
    int64_t n_runs = n_synapses > 0;
    for (int64_t k = 1; k < n_synapses; k++)
        n_runs += targets[k] < targets[k - 1];
    queue->start = malloc((size_t)(n_runs + 1) * sizeof(int32_t));
    if (queue->start == NULL)
        return B2G_NO_MEMORY;
    int64_t run = 0;
    for (int64_t k = 0; k < n_synapses; k++)
        if (k == 0 || targets[k] < targets[k - 1])
            queue->start[run++] = (int32_t)k;
    queue->start[run] = (int32_t)n_synapses;
    queue->n_synapses = n_synapses;
    queue->n_runs = n_runs;
    queue->fingerprint = fingerprint;
    return B2G_OK;
}
