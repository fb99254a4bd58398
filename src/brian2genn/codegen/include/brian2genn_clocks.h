/* Brian's clocks, as programs on every device advance them. */
#ifndef BRIAN2GENN_CLOCKS_H
#define BRIAN2GENN_CLOCKS_H

#include "brian2genn_platform.h"

/* A Brian clock.  times is NULL for a clock with a dt. */
typedef struct {
    double *t;
    int64_t *timestep;
    double dt;
    const double *times;
    int64_t end;
    int32_t active;
} b2g_clock;

B2G_FN_LONG bool b2g_same_time(const b2g_clock *a, const b2g_clock *b)
{
    double distance = fabs(*a->t - *b->t);
    if (a->times != NULL && b->times != NULL)
        return distance < 1e-14;
    double dt = a->times != NULL ? b->dt : b->times != NULL ? a->dt : a->dt < b->dt ? a->dt : b->dt;
    return *a->t == *b->t || distance / dt < 1e-4;
}

/* Mark the clocks that tick now; false at the end of the run. */
B2G_FN_LONG bool b2g_mark_clocks(b2g_clock *clocks, int32_t n)
{
    const b2g_clock *first = &clocks[0];
    for (int32_t c = 1; c < n; c++)
        if (*clocks[c].t < *first->t)
            first = &clocks[c];
    if (*first->timestep >= first->end)
        return false;
    if (n == 1) { /* there is nothing to compare, and this is waited for in every time step */
        clocks[0].active = 1;
        return true;
    }
    for (int32_t c = 0; c < n; c++)
        clocks[c].active = b2g_same_time(&clocks[c], first);
    return true;
}

/* Whether what a clock's ticks leave may be looked at before its next tick: after the last one, or
   because others may tick in between. */
B2G_FN_LONG bool b2g_is_seen(const b2g_clock *clocks, int32_t n, const b2g_clock *clock)
{
    bool seen = *clock->timestep + 1 >= clock->end || clock->times != NULL;
    for (int32_t c = 0; c < n; c++) {
        const double ticks = clocks[c].dt / clock->dt;
        const double drift = fabs(ticks - rint(ticks)) * (double)clocks[c].end;
        seen |= clocks[c].times != NULL || ticks < 0.5 || drift > 5e-5;
    }
    return seen;
}

/* Whether a slower clock ticks with the next tick of another one. */
B2G_FN_LONG bool b2g_ticks_next(const b2g_clock *slow, const b2g_clock *clock)
{
    return *slow->t + (slow->active ? slow->dt : 0.0) - *clock->t < 1.5 * clock->dt;
}

/* End the time step: the clocks that ticked go on to their next time. */
B2G_FN_LONG void b2g_advance_clocks(b2g_clock *clocks, int32_t n)
{
    for (int32_t c = 0; c < n; c++) {
        b2g_clock *clock = &clocks[c];
        if (clock->active) {
            *clock->timestep += 1;
            *clock->t = clock->times != NULL ? clock->times[*clock->timestep]
                                             : (double)*clock->timestep * clock->dt;
        }
    }
}

#endif
