/* Spike queues and recorders for Python: what generated programs do not do
   themselves.  Compiled once per machine. */
#include "brian2genn_ranks.h"
#include "brian2genn_runtime.h"
#include "brian2genn_team.h"

#ifdef __cplusplus
#error "this file is C"
#endif

/* ---- set-up code -------------------------------------------------------- */

/* Free what a set-up program has allocated. */
void b2g_setup_release(void *memory) { free(memory); }

/* Count how often each neuron is listed. */
void b2g_count(const int32_t *neurons, int64_t n, int32_t *counts)
{
    for (int64_t k = 0; k < n; k++)
        counts[neurons[k]]++;
}

/* For every synapse, how many before it connect the same two neurons. */
int32_t b2g_synapse_numbers(const int32_t *pre, const int32_t *post, int64_t n, int64_t n_pre,
                            int64_t n_post, int32_t *numbers)
{
    int64_t *next = calloc((size_t)n_pre + 1, sizeof(int64_t));
    int32_t *order = malloc((size_t)(n ? n : 1) * sizeof(int32_t));
    int32_t *seen = calloc((size_t)(n_post ? n_post : 1), sizeof(int32_t));
    const int32_t error = next == NULL || order == NULL || seen == NULL;
    if (!error) {
        /* synapses by source, in their order */
        for (int64_t k = 0; k < n; k++)
            next[pre[k] + 1]++;
        for (int64_t i = 0; i < n_pre; i++)
            next[i + 1] += next[i];
        for (int64_t k = 0; k < n; k++)
            order[next[pre[k]]++] = (int32_t)k;
        for (int64_t first = 0, last; first < n; first = last) {
            const int32_t source = pre[order[first]];
            for (last = first; last < n && pre[order[last]] == source; last++)
                numbers[order[last]] = seen[post[order[last]]]++;
            for (int64_t k = first; k < last; k++)
                seen[post[order[k]]] = 0;
        }
    }
    free(next);
    free(order);
    free(seen);
    return error ? B2G_NO_MEMORY : B2G_OK;
}

/* ---- recorders ---------------------------------------------------------- */

b2g_recorder *b2g_recorder_new(int32_t n_columns, const int64_t *items)
{
    b2g_recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder == NULL)
        return NULL;
    recorder->columns = calloc((size_t)(n_columns ? n_columns : 1), sizeof(b2g_column));
    if (recorder->columns == NULL) {
        free(recorder);
        return NULL;
    }
    recorder->n_columns = n_columns;
    for (int32_t c = 0; c < n_columns; c++)
        recorder->columns[c].item = items[c];
    return recorder;
}

int64_t b2g_recorder_rows(const b2g_recorder *recorder) { return recorder->rows; }

void *b2g_recorder_data(const b2g_recorder *recorder, int32_t column)
{
    return recorder->columns[column].data;
}

static void empty_column(b2g_column *column)
{
    if (!column->lent)
        free(column->data);
    column->data = NULL;
    column->capacity = column->touched = 0;
    column->lent = 0;
}

/* Forget the rows and give their memory back. */
void b2g_recorder_clear(b2g_recorder *recorder)
{
    for (int32_t c = 0; c < recorder->n_columns; c++)
        empty_column(&recorder->columns[c]);
    recorder->rows = recorder->room = 0;
}

/* Let an empty column write into memory of somebody else's, who keeps it. */
void b2g_recorder_lend(b2g_recorder *recorder, int32_t number, void *data, int64_t capacity)
{
    b2g_column *const column = &recorder->columns[number];
    empty_column(column);
    column->data = data;
    column->capacity = capacity;
    column->lent = 1;
    recorder->room = 0;
}

/* Whether the rows of a column are in the memory that it was lent. */
int32_t b2g_recorder_is_lent(const b2g_recorder *recorder, int32_t number)
{
    return recorder->columns[number].lent;
}

void b2g_recorder_free(b2g_recorder *recorder)
{
    b2g_recorder_clear(recorder);
    free(recorder->columns);
    free(recorder);
}

/* ---- queues ------------------------------------------------------------- */

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
    free_slots(queue->slots, queue->n_slots);
    free_arrangement(queue);
    free(queue);
}

/* How many synapses arrive `ahead` steps from now. */
int64_t b2g_queue_count(const b2g_queue *queue, int32_t ahead)
{
    const b2g_slot *slot = &queue->slots[(queue->head + ahead) % queue->n_slots];
    int64_t n = slot->n_synapses;
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

/* Write them to `synapses`, in the order in which they will be delivered. */
void b2g_queue_synapses(const b2g_queue *queue, int32_t ahead, int32_t *synapses)
{
    const b2g_slot *slot = &queue->slots[(queue->head + ahead) % queue->n_slots];
    int64_t n = 0;
    for (; n < slot->n_synapses; n++)
        synapses[n] = queue->numbers ? queue->numbers[slot->synapses[n]] : slot->synapses[n];
    for (int64_t r = 0; r < slot->n_runs; r++)
        for (int32_t k = queue->start[slot->runs[r]]; k < queue->start[slot->runs[r] + 1]; k++)
            synapses[n++] = synapse_at(queue, k);
}

/* The largest number of a synapse that something is on its way to, or -1. */
int32_t b2g_queue_largest(const b2g_queue *queue)
{
    int32_t largest = -1;
    for (int32_t s = 0; s < queue->n_slots; s++) {
        const b2g_slot *slot = &queue->slots[s];
        for (int64_t k = 0; k < slot->n_synapses; k++) {
            const int32_t place = slot->synapses[k];
            const int32_t synapse = queue->numbers ? queue->numbers[place] : place;
            if (synapse > largest)
                largest = synapse;
        }
        for (int64_t r = 0; r < slot->n_runs; r++)
            for (int32_t k = queue->start[slot->runs[r]]; k < queue->start[slot->runs[r] + 1]; k++)
                if (synapse_at(queue, k) > largest)
                    largest = synapse_at(queue, k);
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
    free_slots(queue->slots, queue->n_slots);
    queue->slots = slots;
    queue->n_slots = n_slots;
    queue->head = head;
    return B2G_OK;
}

/* Turn runs in flight into single synapses, before the runs change. */
static int loosen(b2g_queue *queue)
{
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

static uint64_t mix(uint64_t hash, const void *data, int64_t bytes)
{
    const unsigned char *p = data;
    uint64_t a = hash, b = hash ^ 0x9E3779B97F4A7C15u;
    for (; bytes >= 16; bytes -= 16, p += 16) {
        uint64_t words[2];
        memcpy(words, p, 16);
        a = (a ^ words[0]) * 0xFF51AFD7ED558CCDu;
        b = (b ^ words[1]) * 0xC4CEB9FE1A85EC53u;
        a ^= a >> 32;
        b ^= b >> 29;
    }
    for (; bytes > 0; bytes--)
        a = (a ^ *p++) * 0x100000001B3u;
    return a ^ (b << 1 | b >> 63);
}

/* The library is compiled for a short wait (-O1), but for what needs vectors. */
#if defined(__GNUC__) && !defined(__clang__)
#define WITH_VECTORS __attribute__((optimize("O3")))
#else
#define WITH_VECTORS
#endif

/* A number that is another one if one of so many bytes is, as good as always.  The eight parts of it
   do not wait for each other: memory is the limit. */
WITH_VECTORS uint64_t b2g_digest(const void *data, int64_t bytes)
{
    enum { PARTS = 8 };
    const unsigned char *p = data;
    uint64_t parts[PARTS];
    for (int k = 0; k < PARTS; k++)
        parts[k] = 0x9E3779B97F4A7C15u * (uint64_t)(k + 1);
    for (; bytes >= (int64_t)sizeof(parts); bytes -= sizeof(parts), p += sizeof(parts)) {
        uint64_t words[PARTS];
        memcpy(words, p, sizeof(words));
        for (int k = 0; k < PARTS; k++) {
            parts[k] = (parts[k] ^ words[k]) * 0xFF51AFD7ED558CCDu;
            parts[k] ^= parts[k] >> 32;
        }
    }
    return mix(mix(bytes, parts, sizeof(parts)), p, bytes);
}

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

void b2g_queue_restore_numbers(b2g_queue *queue)
{
    if (queue->numbers == NULL)
        return;
    free_division(queue);
    map_single_ones(queue, queue->numbers);
    free(queue->order);
    queue->order = queue->own_order;
    queue->own_order = NULL;
    queue->numbers = NULL;
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

    if (loosen(queue))
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
    queue->shortest = queue->longest = queue->n_runs ? queue->start[1] : 0;
    for (int64_t run = 1; run < queue->n_runs; run++) {
        const int64_t length = queue->start[run + 1] - queue->start[run];
        queue->shortest = length < queue->shortest ? length : queue->shortest;
        queue->longest = length > queue->longest ? length : queue->longest;
    }
    return B2G_OK;
}

/* ---- parts of a pathway -------------------------------------------------- */

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

/* Bring the synapses of a run into ascending order of their targets, equal ones as they were. */
static int sort_run(int32_t *synapses, int64_t n, const int32_t *targets)
{
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

/* ---- what neurons keep for their synapses -------------------------------- */

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

/* Write the number of each synapse's run. */
void b2g_queue_keys(const b2g_queue *queue, int32_t *keys)
{
    for (int64_t run = 0; run < queue->n_runs; run++)
        for (int32_t k = queue->start[run]; k < queue->start[run + 1]; k++)
            keys[queue->order ? queue->order[k] : k] = (int32_t)run;
}

/* For each run the synapse with the earliest of these times, the first of several; without times,
   the first one; -1 for a run without synapses. */
void b2g_earliest(const int32_t *keys, const double *times, int64_t n, int64_t n_runs, int32_t *chosen)
{
    for (int64_t run = 0; run < n_runs; run++)
        chosen[run] = -1;
    for (int64_t k = 0; k < n; k++) {
        int32_t *const best = &chosen[keys[k]];
        if (*best < 0 || (times && times[k] < times[*best]))
            *best = (int32_t)k;
    }
}

/* Arrange the synapses anew at the next prepare. */
void b2g_queue_forget(b2g_queue *queue) { queue->fingerprint = 0; }
