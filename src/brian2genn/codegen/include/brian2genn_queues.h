/* Spike queues: what is on its way, and the runs of synapses that it arrives at.  C11, valid C++
   too; a part of brian2genn_runtime.h. */
#ifndef BRIAN2GENN_QUEUES_H
#define BRIAN2GENN_QUEUES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "brian2genn_payload.h"
#include "brian2genn_platform.h"
#include "brian2genn_recorder.h"

/* The events that arrive in one time step: single synapses (left over from an
   earlier arrangement of the synapses) first, then runs of synapses. */
typedef struct {
    int32_t *synapses;
    int32_t *runs;
    int64_t n_synapses, synapses_capacity;
    int64_t n_runs, runs_capacity;
} b2g_slot;

/* The spike queue of a pathway: a ring of slots, one for every time step.
   A run is the set of synapses of one source neuron with the same delay; with
   one delay for all, run r is source r.  Synapses of run r are
   order[start[r]] .. order[start[r + 1] - 1]; order is NULL where it would be
   0, 1, 2, ... */
typedef struct {
    b2g_slot *slots;
    int32_t n_slots, head;
    int32_t source_start, source_stop;
    double dt;
    int32_t same_delay;       /* delay in steps if first_run is NULL */
    int32_t *first_run;       /* n_sources + 1, or NULL: one run per source */
    int32_t *delay;           /* per run */
    int32_t *start;           /* n_runs + 1 */
    int32_t *order;           /* n_synapses, or NULL */
    int64_t n_synapses, n_runs;
    int64_t shortest, longest; /* of the runs: how many synapses */
    uint64_t fingerprint;
    /* For the time of a run, synapses may have other numbers: that of each one in Brian (NULL if they
       have those), and the order of these. */
    const int32_t *numbers;
    int32_t *own_order;
    /* How synapses are divided among parts, each with targets of its own: those of part p have
       targets from bounds[p] on, and end before bounds[p + 1].  In each run they are neighbours:
       those of part p begin at split[(p - 1) * n_runs + run].  Without split, runs are so short
       that one looks at each synapse. */
    int32_t n_parts;          /* 1 if they are not divided */
    int32_t *bounds;          /* n_parts + 1 */
    int32_t *split;           /* (n_parts - 1) * n_runs, or NULL */
    int32_t *by_target;       /* takes the place of order where a run's targets do not ascend */
    uint64_t divided;         /* what it was divided for */
    int64_t first, last;      /* of the runs that arrive now, those that are delivered at once */
    /* whether synapses and their targets are neighbours: order would be 0, 1, 2, ..., targets of a
       run ascend, and most of them follow one another */
    int32_t consecutive;
    int32_t rearranged;       /* whether it was arranged anew since somebody has asked */
    b2g_payload *payload;     /* what events bring along; NULL if they are but numbers of runs */
} b2g_queue;

/* What one of several parts delivers to. */
typedef struct {
    const int32_t *begins, *ends; /* of the runs */
    int32_t lower, upper;         /* targets; upper is not included */
} b2g_rows;

static inline b2g_rows b2g_rows_of(const b2g_queue *queue, int32_t part, int32_t parts)
{
    b2g_rows rows = {queue->start, queue->start + 1, INT32_MIN, INT32_MAX};
    if (parts == 1)
        return rows;
    const int32_t first = (int32_t)((int64_t)queue->n_parts * part / parts);
    const int32_t last = (int32_t)((int64_t)queue->n_parts * (part + 1) / parts);
    rows.lower = queue->bounds[first];
    rows.upper = queue->bounds[last];
    if (queue->split && first > 0)
        rows.begins = queue->split + (first - 1) * queue->n_runs;
    if (queue->split && last < queue->n_parts)
        rows.ends = queue->split + (last - 1) * queue->n_runs;
    return rows;
}

/* Memory that stays near anyway is not fetched ahead. */
enum { B2G_NEAR_BYTES = 1 << 19 };

/* How many runs, and how many synapses, are fetched ahead. */
enum { B2G_RUNS_AHEAD = 32, B2G_SYNAPSES_AHEAD = 512 };

/* How far ahead one has looked among the runs that arrive, and how many of their synapses are still
   to come. */
typedef struct {
    int64_t run, waiting;
} b2g_horizon;

/* Of so many runs it is known which synapses they have; of so many these were fetched. */
typedef struct {
    b2g_horizon listed, fetched;
} b2g_ahead;

/* Whether to look at one more run now. */
static inline bool b2g_is_soon(const b2g_horizon *horizon, int64_t present, int64_t end, int64_t times)
{
    return horizon->run < end
           && (horizon->run <= present
               || (horizon->run < present + B2G_RUNS_AHEAD
                   && horizon->waiting < times * B2G_SYNAPSES_AHEAD));
}

typedef struct {
    int32_t begin, end;
} b2g_range;

/* The synapses of a run, no more than are fetched at once. */
static inline b2g_range b2g_range_of(const b2g_rows *rows, int32_t run)
{
    enum { AT_ONCE = 512 };
    b2g_range range = {rows->begins[run], rows->ends[run]};
    if (range.end > range.begin + AT_ONCE)
        range.end = range.begin + AT_ONCE;
    return range;
}

/* Go on to the next run; its synapses. */
static inline b2g_range b2g_look_at(b2g_horizon *horizon, const b2g_rows *rows, const int32_t *runs)
{
    const b2g_range range = b2g_range_of(rows, runs[horizon->run++]);
    horizon->waiting += range.end - range.begin;
    return range;
}

/* The present run is done. */
static inline void b2g_look_past(b2g_ahead *ahead, const b2g_rows *rows, int32_t run)
{
    const b2g_range range = b2g_range_of(rows, run);
    ahead->listed.waiting -= range.end - range.begin;
    ahead->fetched.waiting -= range.end - range.begin;
}

/* Where neighbours end, of which the first synapse is `first`: those up to `end` are of one run, and
   their targets ascend. */
static inline int32_t b2g_end_of_neighbours(const int32_t *targets, int32_t first, int32_t end)
{
    if (targets[end - 1] - targets[first] == end - 1 - first)
        return end;
    int32_t last = first;
    for (int32_t beyond = end - 1; beyond - last > 1;) {
        const int32_t middle = last + (beyond - last) / 2;
        if (targets[middle] - targets[first] == middle - first)
            last = middle;
        else
            beyond = middle;
    }
    return last + 1;
}

/* A short run; such runs are listed synapse by synapse. */
enum { B2G_LISTED_RUN = 16 };

/* List so many neighbours, of which fewer may be wanted. */
static inline void b2g_list_run(int32_t *which, int32_t first)
{
    #pragma omp simd
    for (int32_t k = 0; k < B2G_LISTED_RUN; k++)
        which[k] = first + k;
}

/* Whether most runs are so short that what takes time is to find out where each ends. */
static inline bool b2g_runs_are_short(const b2g_queue *queue)
{
    return queue->n_synapses < queue->n_runs * (B2G_LISTED_RUN / 2);
}

/* About how many synapses events arrive at in this time step. */
static inline double b2g_arriving(const b2g_queue *queue, const b2g_slot *slot)
{
    const double runs = queue->n_runs ? (double)queue->n_runs : 1.0;
    return (double)slot->n_synapses + (double)slot->n_runs * ((double)queue->n_synapses / runs);
}

/* Make room for n more runs. */
static inline int b2g_reserve_runs(b2g_slot *slot, int64_t n)
{
    void *data = slot->runs;
    if (b2g_grow(&data, &slot->runs_capacity, slot->n_runs + n, sizeof(int32_t)))
        return B2G_NO_MEMORY;
    slot->runs = (int32_t *)data;
    return B2G_OK;
}

static inline int b2g_push_run(b2g_queue *queue, int32_t delay, int32_t run)
{
    int32_t place = queue->head + delay;
    b2g_slot *slot = &queue->slots[place >= queue->n_slots ? place - queue->n_slots : place];
    if (slot->n_runs == slot->runs_capacity && b2g_reserve_runs(slot, 1))
        return B2G_NO_MEMORY;
    slot->runs[slot->n_runs++] = run;
    return B2G_OK;
}

/* Queue spikes of the queue's sources with what they bring along, of some time steps ago: those at the
   synapses that one of several parts has. */
static inline int b2g_bring_part_of(b2g_queue *queue, const int32_t *spikes, int64_t n, int32_t late,
                                    int32_t part, int32_t parts)
{
    b2g_payload *const payload = queue->payload;
    const int32_t from = part > 0 ? b2g_first_delay(payload, part, parts) : 0;
    const int32_t to = part + 1 < parts ? b2g_first_delay(payload, part + 1, parts) : 0;
    for (int64_t k = 0; k < n; k++) {
        const int32_t source = spikes[k] - queue->source_start;
        const int32_t next = k + 1 < n ? spikes[k + 1] - queue->source_start : source;
        int32_t run = queue->first_run[source], end_run = queue->first_run[source + 1];
        int64_t first = payload->first[source];
        if (part > 0) {
            run = b2g_first_run_of(payload, run, end_run, from);
            first = queue->start[run] * payload->bytes;
        }
        if (part + 1 < parts)
            end_run = b2g_first_run_of(payload, run, end_run, to);
        if (b2g_bring(payload, run, end_run, first, payload->first[next], queue->head - late, queue->n_slots))
            return B2G_NO_MEMORY;
    }
    return B2G_OK;
}

/* Queue events (ascending indices of the source's group) of some time steps ago. */
static inline int b2g_push_late(b2g_queue *queue, const int32_t *events, int64_t n, int32_t late)
{
    int64_t k = 0;
    while (k < n && events[k] < queue->source_start)
        k++;
    if (queue->payload) {
        while (n > k && events[n - 1] >= queue->source_stop)
            n--;
        return b2g_bring_part_of(queue, events + k, n - k, late, 0, 1);
    }
    if (queue->first_run == NULL && queue->shortest > 0) {
        /* each source is a run, and none is empty */
        while (n > k && events[n - 1] >= queue->source_stop)
            n--;
        const int32_t place = queue->head + queue->same_delay - late;
        b2g_slot *slot = &queue->slots[place >= queue->n_slots ? place - queue->n_slots : place];
        if (slot->n_runs + n - k > slot->runs_capacity && b2g_reserve_runs(slot, n - k))
            return B2G_NO_MEMORY;
        int32_t *B2G_RESTRICT const runs = slot->runs + slot->n_runs;
        for (int64_t j = 0; j < n - k; j++)
            runs[j] = events[k + j] - queue->source_start;
        slot->n_runs += n - k;
        return B2G_OK;
    }
    for (; k < n && events[k] < queue->source_stop; k++) {
        int32_t source = events[k] - queue->source_start;
        if (queue->first_run == NULL) {
            if (queue->start[source] == queue->start[source + 1])
                continue;
            if (b2g_push_run(queue, queue->same_delay - late, source))
                return B2G_NO_MEMORY;
        } else {
            for (int32_t r = queue->first_run[source]; r < queue->first_run[source + 1]; r++)
                if (b2g_push_run(queue, queue->delay[r] - late, r))
                    return B2G_NO_MEMORY;
        }
    }
    return B2G_OK;
}

/* Queue the events of this time step. */
static inline int b2g_push(b2g_queue *queue, const int32_t *events, int64_t n)
{
    return b2g_push_late(queue, events, n, 0);
}

/* The number that a synapse has in Brian. */
static inline int64_t b2g_number(const int32_t *numbers, int64_t place)
{
    return numbers ? numbers[place] : place;
}

/* The runs from `first` on that arrive now are different ones until here: neighbours that are the
   same are spikes of one time step. */
static inline int64_t b2g_different(const b2g_slot *slot, int64_t first)
{
    int64_t end = first + 1;
    while (end < slot->n_runs && slot->runs[end] != slot->runs[end - 1])
        end++;
    return end;
}

static inline void b2g_advance(b2g_queue *queue)
{
    queue->slots[queue->head].n_synapses = 0;
    queue->slots[queue->head].n_runs = 0;
    if (queue->payload)
        b2g_leave_blocks(queue->payload, queue->head);
    queue->head = queue->head + 1 == queue->n_slots ? 0 : queue->head + 1;
}

/* Whether events arrive in this time step; if none do, the time step is over for the queue. */
B2G_ALWAYS_INLINE bool b2g_arrives(b2g_queue *queue)
{
    const b2g_slot *const slot = &queue->slots[queue->head];
    if (slot->n_runs > 0 || slot->n_synapses > 0)
        return true;
    if (b2g_n_brought(queue->payload, queue->head) > 0)
        return true;
    queue->head = queue->head + 1 == queue->n_slots ? 0 : queue->head + 1;
    return false;
}

#endif
