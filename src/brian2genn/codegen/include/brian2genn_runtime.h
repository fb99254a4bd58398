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
#include "brian2genn_put_off.h"
#include "brian2genn_queues.h"
#include "brian2genn_sums.h"
#include "brian2genn_effort.h"

/* For functions that are called from another unit of the same library. */
#if defined(__GNUC__) && !defined(_WIN32)
#define B2G_HIDDEN __attribute__((visibility("hidden")))
#else
#define B2G_HIDDEN
#endif

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
    int32_t travelling;       /* events of so many time steps have been sent, and not received */
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
    b2g_put_off *put_off;     /* the same */
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
                       const b2g_late_push *pushes, int32_t n_pushes, int32_t goes_on);
    int32_t (*receive)(b2g_context *ctx);
    b2g_late *late;
    int64_t most;             /* time steps before control is given back; 0: as the time goes */
    int64_t last;             /* whether it is given back after this one */
    /* the context as steps see it that share a function: their things are the first ones */
    b2g_context *scopes;
    b2g_queue *bringing;      /* that several threads put spikes into */
    int64_t unused;           /* the next one begins with a line, too */
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

/* ---- events -------------------------------------------------------------- */

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

/* Whether two values differ by no more than `tolerance` times their size. What is below all normal
   numbers has no such precision. */
static inline bool b2g_is_alike(double one, double other, double tolerance)
{
    const double size = (one < 0 ? -one : one) + (other < 0 ? -other : other);
    const double difference = one < other ? other - one : one - other;
    const bool is_finite = size < 1.0 / 0.0;
    return one == other || (is_finite && difference <= tolerance * size)
           || (one != one && other != other) || (tolerance > 0 && size < 2.3e-308);
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

/* The same for a part of a group of `whole`, whose n elements begin with the one at `first`: those that
   are this rank's own, and some beside them, so that vectors begin where they do in one process. */
static inline int64_t b2g_own_first_of(const b2g_context *ctx, int64_t whole, const int32_t *first,
                                       int64_t n, int32_t part, int32_t parts)
{
    if (ctx->ranks == NULL || n == 0)
        return b2g_first(n, part, parts);
    const int64_t grain = ctx->ranks->grain;
    int64_t begin = b2g_cut(ctx->ranks, whole, ctx->ranks->rank) - *first;
    int64_t end = b2g_cut(ctx->ranks, whole, ctx->ranks->rank + 1) - *first;
    begin = begin < 0 ? 0 : begin > n ? n : begin / grain * grain;
    end = end < begin ? begin : end > n ? n : (end + grain - 1) / grain * grain;
    if (end > n)
        end = n;
    return begin + b2g_first(end - begin, part, parts);
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
