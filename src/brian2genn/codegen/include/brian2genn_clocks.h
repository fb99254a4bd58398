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
    for (int32_t c = 0; c < n; c++)
        clocks[c].active = b2g_same_time(&clocks[c], first);
    return true;
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
