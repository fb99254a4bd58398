/* How many threads pay for some work, found out by trying.  C11, valid C++ too; a part of
   brian2genn_runtime.h. */
#ifndef BRIAN2GENN_EFFORT_H
#define BRIAN2GENN_EFFORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

#endif
