/* What generated programs and the support library share: clocks, spike queues,
   recorders, and the context in which a program runs.  C11, valid C++ too. */
#ifndef BRIAN2GENN_RUNTIME_H
#define BRIAN2GENN_RUNTIME_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "brian2genn_clocks.h"
#include "brian2genn_pace.h"
#include "brian2genn_gather.h"
#include "brian2genn_latest.h"
#include "brian2genn_recorder.h"
#include "brian2genn_groups.h"
#include "brian2genn_pack.h"

/* For functions that are called from another unit of the same library. */
#if defined(__GNUC__) && !defined(_WIN32)
#define B2G_HIDDEN __attribute__((visibility("hidden")))
#else
#define B2G_HIDDEN
#endif

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

/* How a sum over synapses is made.  Tables have what is computed of neurons alone: that of table k
   for the n_used[k] elements used[k], or for as many as there are if that is NULL.
   Where synapses stand by target, B2G_BESIDE targets make a slice: the synapse number n of lane l of
   slice s is at place starts[s] + n * B2G_BESIDE + l of all copies of what synapses have; its number
   is in order.  Behind the end of a lane (its length) there is anything.
   Where targets are neighbours, synapses are in rows: those from row_starts[r] on have the targets
   from row_targets[r] on. */
typedef struct {
    void *const *tables;
    const int32_t *const *used;
    const int64_t *n_used;
    int64_t n_slices;         /* 0 if synapses do not stand by target */
    int64_t n_targets;
    const int32_t *targets;   /* B2G_BESIDE for each slice, as in lengths */
    const int32_t *lengths;
    const int64_t *starts;    /* n_slices + 1 */
    const int32_t *order;
    const void *const *copies;
    int64_t n_rows;           /* 0 if synapses are not in rows */
    const int32_t *row_starts; /* n_rows + 1 */
    const int32_t *row_targets;
    int64_t all_once;         /* whether the only row has all targets */
    int64_t alike;            /* whether all that is read of other neurons is the same in a row */
} b2g_sum;

/* The row that has a synapse. */
static inline int64_t b2g_row_of(const b2g_sum *sum, int64_t synapse)
{
    int64_t row = 0, end = sum->n_rows;
    while (end - row > 1) {
        const int64_t middle = row + (end - row) / 2;
        if (sum->row_starts[middle] <= synapse)
            row = middle;
        else
            end = middle;
    }
    return row;
}

/* The first slice of a part: parts have about as many synapses. */
static inline int64_t b2g_first_slice(const b2g_sum *sum, int32_t part, int32_t parts)
{
    int64_t low = 0, high = sum->n_slices;
    const int64_t before = sum->starts[high] / parts * part;
    if (part == parts)
        return high;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sum->starts[middle] < before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Does one of several parts of some work. */
typedef void (*b2g_share)(void *work, int32_t part, int32_t parts);

enum { B2G_TRIALS = 8 };

/* How many threads a stretch of steps is shared out among: found out by trying. */
typedef struct {
    int32_t parts;            /* so many at present; 0 at first */
    int32_t left;             /* so many times, then another number is tried */
    int32_t wait;             /* how many times there were at the last choice */
    int32_t candidate;        /* what is tried in turns with `parts`; 0 if nothing is */
    int32_t absent;           /* how often others came too late for a trial */
    int32_t trials[2];        /* how often `parts` and the candidate have been tried */
    double tried[2][B2G_TRIALS]; /* seconds of these trials for an amount of one, ascending */
    double best;              /* seconds that `parts` need */
    double usual;             /* the usual amount of work */
    int64_t shared;           /* how often several threads took part */
    int64_t times;            /* how often there was something to do */
} b2g_effort;

/* Where in the program's tables that begins what one of several steps with one function works on. */
typedef struct {
    int32_t step;
    uint32_t stream;
    int32_t arrays, numbers, integers, queues, recorders, literals;
    int64_t constants;        /* bytes */
} b2g_scope;

typedef struct b2g_context b2g_context;

/* Several processes (ranks) that run one network: elements of every group are cut into ranges, one
   for each rank. */
typedef struct {
    int32_t rank, ranks;
    int32_t grain;            /* ranges begin at multiples of this */
} b2g_ranks;

/* A list of events, whose number is its last element, and values of elements, for an exchange. */
typedef struct {
    char *data;
    int64_t length;           /* elements; of a list, with the last one */
    int64_t item;             /* bytes of each */
} b2g_exchanged;

/* A queue that takes events of a list late. */
typedef struct {
    int32_t list, queue;
} b2g_late_push;

/* Events that have not been exchanged yet: for each time step and each list, how many, and which. */
typedef struct {
    int32_t window;           /* they are exchanged after so many time steps */
    int32_t steps;            /* so many have been collected */
    void *events;
    int64_t used, capacity;   /* numbers */
    const b2g_late_push *pushes;
    int32_t n_lists, n_pushes;
} b2g_late;

struct b2g_context {
    /* what nearly all steps need, in one line of the cache: in a network of many small groups, those of
       the scopes are a good part of what has to be near */
    void **arrays;
    const double *numbers;    /* float parameters */
    const int64_t *integers;  /* integer parameters */
    const int64_t *lengths;   /* of the arrays; of those with two dimensions, the rows */
    void *constants;          /* what the program computes once per run */
    const double *literals;   /* in a scope: numbers in its code */
    b2g_queue **queues;
    b2g_recorder **recorders;
    /* not needed in every step of every scope */
    const int64_t *shapes;    /* two for each: columns, and elements from one row to the next */
    b2g_sum **sums;
    int32_t step;             /* in a scope: its step */
    uint32_t stream;          /* in a scope: its first stream of random numbers */
    uint64_t seed;
    uint64_t random_step;     /* counts time steps of this process */
    b2g_clock *clocks;
    int32_t n_clocks;
    b2g_effort *efforts;      /* one for every step */
    b2g_resting *resting;     /* the same */
    b2g_pace *pace;           /* of the whole network */
    int32_t (*together)(b2g_share share, void *work, int32_t parts);
    int32_t threads;          /* no more than these */
    int32_t always;           /* share out whatever can be shared out (for tests) */
    int32_t only;             /* the step of a stretch to execute; -1: all */
    double *seconds;          /* per step, when profiling, else NULL */
    int32_t error;
    int32_t error_step;
    const b2g_ranks *ranks;   /* NULL if this process is the only one */
    int32_t (*exchange)(b2g_context *ctx, int32_t number, const b2g_exchanged *lists,
                        int32_t n_lists, const b2g_exchanged *values, int32_t n_values);
    int32_t (*collect)(b2g_context *ctx, const b2g_exchanged *lists, int32_t n_lists,
                       const b2g_late_push *pushes, int32_t n_pushes);
    b2g_late *late;
    int64_t most;             /* time steps before control is given back; 0: as the time goes */
    int64_t last;             /* whether it is given back after this one */
    /* the context as steps see it that share a function: their things are the first ones */
    b2g_context *scopes;
    int64_t unused[3];        /* the next one begins with a line, too */
};

/* Make the scopes of a program: whenever it is entered, as its tables may be others then. */
static inline void b2g_fill_scopes(b2g_context *ctx, const b2g_scope *scopes, int32_t n,
                                   const double *literals)
{
    for (int32_t k = 0; k < n; k++) {
        b2g_context *const own = &ctx->scopes[k];
        *own = *ctx;
        own->arrays += scopes[k].arrays;
        own->lengths += scopes[k].arrays;
        own->shapes += 2 * scopes[k].arrays;
        own->numbers += scopes[k].numbers;
        own->integers += scopes[k].integers;
        own->queues += scopes[k].queues;
        own->recorders += scopes[k].recorders;
        own->constants = (char *)ctx->constants + scopes[k].constants;
        own->literals = literals + scopes[k].literals;
        own->step = scopes[k].step;
        own->stream = scopes[k].stream;
    }
}

/* The scope of a step that begins. */
static inline b2g_context *b2g_enter(b2g_context *ctx, int32_t scope)
{
    ctx->scopes[scope].random_step = ctx->random_step;
    return &ctx->scopes[scope];
}

/* ---- spike queues ------------------------------------------------------- */

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

/* Queue events (ascending indices of the source's group) of some time steps ago. */
static inline int b2g_push_late(b2g_queue *queue, const int32_t *events, int64_t n, int32_t late)
{
    int64_t k = 0;
    while (k < n && events[k] < queue->source_start)
        k++;
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
    queue->head = queue->head + 1 == queue->n_slots ? 0 : queue->head + 1;
}

/* Whether events arrive in this time step; if none do, the time step is over for the queue. */
B2G_ALWAYS_INLINE bool b2g_arrives(b2g_queue *queue)
{
    const b2g_slot *const slot = &queue->slots[queue->head];
    if (slot->n_runs > 0 || slot->n_synapses > 0)
        return true;
    queue->head = queue->head + 1 == queue->n_slots ? 0 : queue->head + 1;
    return false;
}

/* Whether there are events in a list, which has their number at its end. */
B2G_ALWAYS_INLINE bool b2g_happened(const b2g_context *ctx, int32_t list)
{
    return ((const int32_t *)ctx->arrays[list])[ctx->lengths[list] - 1] > 0;
}

/* ---- neurons that rest ---------------------------------------------------- */

static inline b2g_resting *b2g_resting_of(const b2g_context *ctx, int32_t step)
{
    return &ctx->resting[step];
}

/* ---- what neurons keep for their synapses -------------------------------- */

/* Whether two values differ by no more than `tolerance` times their size. */
static inline bool b2g_is_alike(double one, double other, double tolerance)
{
    const double size = (one < 0 ? -one : one) + (other < 0 ? -other : other);
    const double difference = one < other ? other - one : one - other;
    const bool is_finite = size < 1.0 / 0.0;
    return one == other || (is_finite && difference <= tolerance * size)
           || (one != one && other != other) || (tolerance > 0 && size < 1e-280);
}

/* ---- sharing out ---------------------------------------------------------- */

/* The first of n elements that a part of the work goes through; that of part `parts` is n.  Parts
   begin at multiples of 64 elements and the last ends with what is left over, so that vectors of
   elements are the same ones as in a single part: results are the same to the last bit. */
static inline int64_t b2g_first(int64_t n, int32_t part, int32_t parts)
{
    return part == parts ? n : part == 0 ? 0 : n / 64 * part / parts * 64;
}

/* Where the range of a rank begins, of n elements: near to equal shares. */
static inline int64_t b2g_cut(const b2g_ranks *ranks, int64_t n, int32_t rank)
{
    const int64_t grain = ranks->grain;
    const int64_t place = (n * rank / ranks->ranks + grain / 2) / grain * grain;
    return rank == ranks->ranks || place > n ? n : place;
}

/* The same as b2g_first, but of this rank's elements among n. */
static inline int64_t b2g_own_first(const b2g_context *ctx, int64_t n, int32_t part, int32_t parts)
{
    if (ctx->ranks == NULL)
        return b2g_first(n, part, parts);
    const int64_t begin = b2g_cut(ctx->ranks, n, ctx->ranks->rank);
    return begin + b2g_first(b2g_cut(ctx->ranks, n, ctx->ranks->rank + 1) - begin, part, parts);
}

/* How many of n elements are this rank's own. */
static inline int64_t b2g_own_size(const b2g_context *ctx, int64_t n)
{
    return b2g_own_first(ctx, n, 1, 1) - b2g_own_first(ctx, n, 0, 1);
}

/* The first of ascending numbers, up to `end`, that is not below `least`. */
static inline const int32_t *b2g_from(const int32_t *first, const int32_t *end, int64_t least)
{
    while (first < end) {
        const int32_t *const middle = first + (end - first) / 2;
        if (*middle < least)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* How often a choice is made use of before it is made anew: what else the machine does changes.
   The first choices are made anew sooner: caches were cold, and events few. */
enum { B2G_FIRST_TIMES = 60, B2G_TIMES = 4000 };

/* So many trials of one thread come first: where they say that there is little to do, it is at that. */
enum { B2G_FIRST_TRIALS = 3 };

/* How often others may come too late until they count as no help. */
enum { B2G_MOST_ABSENT = 500 };

/* Seconds of work that are not worth a trial with another thread. */
#define B2G_TOO_LITTLE 3e-6

static inline void b2g_rest(b2g_effort *effort)
{
    effort->candidate = 0;
    effort->wait = effort->wait ? 4 * effort->wait : B2G_FIRST_TIMES;
    if (effort->wait > B2G_TIMES)
        effort->wait = B2G_TIMES;
    effort->left = effort->wait;
}

/* Have trials of `parts` and of another number begin. */
static inline void b2g_try(b2g_effort *effort, int32_t candidate)
{
    effort->candidate = candidate;
    effort->absent = effort->trials[0] = effort->trials[1] = 0;
}

/* The median of trials, rather high than low: a thread that is often kept waiting for its turn is no
   help. */
static inline double b2g_typical(const b2g_effort *effort, int32_t which)
{
    return effort->tried[which][effort->trials[which] / 2];
}

/* Choose between `parts` and the candidate, which were tried in turns; go on to another one. */
static inline void b2g_settle(b2g_effort *effort, int32_t most)
{
    const bool more = effort->candidate > effort->parts;
    const double present = b2g_typical(effort, 0), other = b2g_typical(effort, 1);
    const bool is_better = more ? other < 0.9 * present : 0.9 * other < present;
    effort->best = is_better ? other : present;
    int32_t next = 0;
    if (is_better) {
        effort->parts = effort->candidate;
        next = more ? 2 * effort->parts : effort->parts / 2;
    } else if (!more) {
        next = 2 * effort->parts;
    }
    if (next > most)
        next = most > effort->parts ? most : 0;
    if (next)
        b2g_try(effort, next);
    else
        b2g_rest(effort);
}

/* Note how long a trial of `parts` (0) or of the candidate (1) took. */
static inline void b2g_weigh(b2g_effort *effort, int32_t which, int32_t most, double seconds)
{
    double *const tried = effort->tried[which];
    int32_t place = effort->trials[which]++;
    for (; place > 0 && tried[place - 1] > seconds; place--)
        tried[place] = tried[place - 1];
    tried[place] = seconds;
    if (which == 0 && effort->trials[0] == B2G_FIRST_TRIALS && effort->parts == 1 &&
        b2g_typical(effort, 0) * effort->usual < B2G_TOO_LITTLE) {
        effort->best = b2g_typical(effort, 0);
        b2g_rest(effort);
    } else if (effort->trials[1] == B2G_TRIALS - 1) {
        b2g_settle(effort, most);
    }
}

/* Do some work in at most so many parts, as many as pay.  Returns the number of parts. */
static inline int32_t b2g_share_among(b2g_context *ctx, int32_t step, b2g_share share, int32_t most,
                                      double amount)
{
    b2g_effort *const effort = &ctx->efforts[step];
    if (effort->parts == 0)
        effort->parts = 1;
    int32_t parts = ctx->always ? most : ctx->pace->alone ? 1 : effort->parts;
    /* times are compared for amounts that are not far below the usual one */
    if (ctx->always || ctx->pace->alone || ctx->pace->comparing || effort->left > 0 ||
        amount < 0.5 * effort->usual) {
        effort->left -= effort->left > 0;
        ctx->together(share, ctx, parts);
    } else {
        if (effort->candidate == 0)
            b2g_try(effort, parts > 1 ? parts / 2 : 2);
        const int32_t which =
            effort->trials[0] >= B2G_FIRST_TRIALS && effort->trials[0] > effort->trials[1];
        parts = which ? effort->candidate : parts;
        const double began = b2g_seconds();
        const int32_t helped = ctx->together(share, ctx, parts);
        const double took = b2g_seconds() - began;
        /* threads that still sleep, or have other things to do */
        if (2 * helped >= parts - 1 || ++effort->absent > B2G_MOST_ABSENT)
            b2g_weigh(effort, which, most, took / amount);
    }
    effort->shared += parts > 1;
    ctx->pace->several |= parts > 1;
    return parts;
}

/* Do some work on groups of which the largest has n elements.  Returns the number of parts. */
static inline int32_t b2g_share_out(b2g_context *ctx, int32_t step, b2g_share share, int64_t n)
{
    const int32_t most = ctx->threads < n / 64 ? ctx->threads : (int32_t)(n / 64);
    b2g_effort *const effort = &ctx->efforts[step];
    effort->times++;
    effort->usual = 1.0;
    if (most >= 2)
        return b2g_share_among(ctx, step, share, most, 1.0);
    share(ctx, 0, 1);
    return 1;
}

/* Amounts of work (synapses): fewer are never shared out. */
enum { B2G_LEAST_AMOUNT = 128 };

/* The same for an amount of work that is another one each time.  Where it is known that it would
   take no longer than waking others takes, one thread does it. */
static inline void b2g_share_out_some(b2g_context *ctx, int32_t step, b2g_share share, int32_t most,
                                      double amount)
{
    b2g_effort *const effort = &ctx->efforts[step];
    if (most > ctx->threads)
        most = ctx->threads;
    effort->usual += (amount - effort->usual) / (effort->times < 16 ? (double)effort->times + 1.0 : 16.0);
    effort->times++;
    const double expected = effort->best * amount;
    const bool little = amount < B2G_LEAST_AMOUNT || (effort->left > 0 && expected < B2G_TOO_LITTLE);
    if (most < 2 || (little && !ctx->always))
        share(ctx, 0, 1);
    else
        b2g_share_among(ctx, step, share, most, amount);
}

/* ---- the time step ------------------------------------------------------- */

/* Programs know how many clocks they have: for one, little is left of these. */
static inline bool b2g_begin_step(b2g_context *ctx, const int32_t n_clocks)
{
    return b2g_mark_clocks(ctx->clocks, n_clocks);
}

static inline void b2g_end_step(b2g_context *ctx, const int32_t n_clocks)
{
    if (ctx->threads > 1 && !ctx->always)
        b2g_keep_pace(ctx->pace, b2g_seconds);
    b2g_advance_clocks(ctx->clocks, n_clocks);
    ctx->random_step++;
}

#include "brian2genn_events.h"

#endif
