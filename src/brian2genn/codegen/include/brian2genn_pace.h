/* Whether a network as a whole is faster with several threads than with one.

   Each stretch of steps finds out by itself how many threads it uses, but threads cost more than a
   stretch shows: what one of them has written has to come to the other one later, and processors of
   one core slow each other down.  So now and then some time steps are executed as chosen, some by
   one thread, in turns; then the faster way is gone on with. */
#ifndef BRIAN2GENN_PACE_H
#define BRIAN2GENN_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* In turns so often; so many time steps at least, and for so long, and before them, unmeasured, for
   so long: caches change over, and threads without work go on looking for some. */
enum { B2G_PAIRS = 5, B2G_WINDOW = 8 };
#define B2G_WINDOW_SECONDS 1e-3
#define B2G_CHANGE_SECONDS 4e-4

/* Time steps until the first comparison, in which stretches make their choices; from one comparison
   to the next. */
enum { B2G_FIRST_PACE = 100, B2G_LONGEST_PACE = 20000 };

/* One comparison takes no more than one time step in so many. */
enum { B2G_PACE_SHARE = 12 };

/* Several threads are worth it where they save more than this part of the time. */
#define B2G_PACE_GAIN 0.03

typedef struct {
    int32_t alone;            /* one thread does everything */
    int32_t comparing;        /* nobody tries other numbers of threads */
    int32_t several;          /* whether several threads have taken part since that began */
    int32_t windows;          /* those that are over */
    int32_t measured;         /* the present one is, by now */
    int64_t left;             /* time steps until something else begins */
    int64_t wait;             /* how many there were at the last choice */
    int64_t steps;            /* of the present window */
    int64_t cost;             /* of the present comparison, in time steps */
    double began;             /* when the present window did */
    double tried[2][B2G_PAIRS]; /* seconds of a step, as chosen and alone, ascending */
    int64_t times, times_alone; /* all time steps, and those of one thread alone */
} b2g_pace;

/* Go on as is faster, until the next comparison. */
static inline void b2g_choose_pace(b2g_pace *pace, bool alone)
{
    const int64_t least = (pace->wait > B2G_FIRST_PACE ? B2G_PACE_SHARE : 4) * pace->cost;
    pace->wait = 16 * pace->wait < B2G_LONGEST_PACE ? 16 * pace->wait : B2G_LONGEST_PACE;
    pace->left = pace->wait > least ? pace->wait : least;
    pace->alone = alone;
    pace->comparing = 0;
}

static inline void b2g_begin_window(b2g_pace *pace, double now)
{
    pace->alone = pace->windows & 1;
    pace->measured = 0;
    pace->steps = 0;
    pace->began = now;
}

/* Note how long a time step takes in the window that is over. */
static inline void b2g_end_window(b2g_pace *pace, double now)
{
    double *const tried = pace->tried[pace->alone];
    const double seconds = (now - pace->began) / (double)pace->steps;
    int32_t place = pace->windows / 2;
    for (; place > 0 && tried[place - 1] > seconds; place--)
        tried[place] = tried[place - 1];
    tried[place] = seconds;
    pace->windows++;
    if (!pace->several)
        b2g_choose_pace(pace, false);
    else if (pace->windows == 2 * B2G_PAIRS)
        b2g_choose_pace(pace, pace->tried[0][B2G_PAIRS / 2]
                                  > (1.0 - B2G_PACE_GAIN) * pace->tried[1][B2G_PAIRS / 2]);
    else
        b2g_begin_window(pace, now);
}

/* A time step is over; `now` tells the time. */
static void b2g_keep_pace(b2g_pace *pace, double (*now)(void))
{
    pace->times++;
    pace->times_alone += pace->alone;
    if (pace->comparing) {
        pace->cost++;
        if (++pace->steps < B2G_WINDOW)
            return;
        const double time = now(), passed = time - pace->began;
        if (pace->measured && passed > B2G_WINDOW_SECONDS) {
            b2g_end_window(pace, time);
        } else if (!pace->measured && passed > B2G_CHANGE_SECONDS) {
            pace->measured = 1;
            pace->steps = 0;
            pace->began = time;
        }
        return;
    }
    if (pace->wait == 0)
        pace->wait = pace->left = B2G_FIRST_PACE;
    if (--pace->left > 0)
        return;
    if (pace->alone) {
        /* stretches may choose anew */
        pace->alone = 0;
        pace->left = B2G_FIRST_PACE;
        return;
    }
    pace->comparing = 1;
    pace->several = pace->windows = 0;
    pace->cost = 0;
    b2g_begin_window(pace, now());
}

#endif
