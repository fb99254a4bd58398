/* Which neurons of a group rest. */
#ifndef BRIAN2GENN_GROUPS_H
#define BRIAN2GENN_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- neurons that rest ---------------------------------------------------- */

/* Which neurons of a group rest, as their refractory period is not over, if that is known. */
typedef struct {
    int32_t *list;            /* room for `capacity` */
    int64_t n, capacity;      /* no capacity: the group is so small that it is not worth it */
    int32_t known;
    int32_t wait;             /* so many time steps until it is tried again to list them */
} b2g_resting;

/* Where many rest, listing is tried again after so many time steps. */
enum { B2G_RESTING_AGAIN = 500 };

/* Neurons that have spiked rest from now on. */
static inline void b2g_begin_rest(b2g_resting *resting, const int32_t *events, int64_t n)
{
    resting->known = resting->known && resting->n + n <= resting->capacity;
    if (!resting->known)
        return;
    memcpy(resting->list + resting->n, events, (size_t)n * sizeof(*events));
    resting->n += n;
}

/* Whether to list the neurons that rest. */
static inline bool b2g_is_to_list(b2g_resting *resting)
{
    if (resting->known || resting->capacity == 0)
        return false;
    resting->wait -= resting->wait > 0;
    return resting->wait == 0;
}

/* List the neurons from `first` on that rest; in vain if there are many. */
static inline void b2g_list_resting(b2g_resting *resting, const uint8_t *not_refractory, int64_t first,
                                    int64_t end)
{
    resting->n = 0;
    for (int64_t k = first; k < end; k++) {
        if (not_refractory[k])
            continue;
        if (resting->n == resting->capacity) {
            resting->wait = B2G_RESTING_AGAIN;
            return;
        }
        resting->list[resting->n++] = (int32_t)k;
    }
    resting->known = 1;
}

#endif /* BRIAN2GENN_GROUPS_H */
