/* State updates that are put off for some time steps. */
#ifndef BRIAN2GENN_PUT_OFF_H
#define BRIAN2GENN_PUT_OFF_H

#include <stdbool.h>
#include <stdint.h>

#include "brian2genn_platform.h"
#include "brian2genn_queues.h"

/* Elements are brought up to the present in blocks, all at once after so many time steps.  A time step
   needs the results of the one before: while a processor waits for those of some elements, it computes
   others of the block, so many vectors of them in turns. */
enum { B2G_LATE_LANES = 4, B2G_LATE_VECTOR = 8, B2G_LATE_BLOCK = 32, B2G_MOST_PUT_OFF = 16 };

/* A state update whose elements may be some time steps behind. */
typedef struct {
    uint8_t *done;            /* of each block: how many of the time steps noted it has done */
    void *values;             /* what all elements share, for each time step noted */
    int64_t n;                /* elements; 0: it is never put off */
    int64_t reached;          /* blocks that were brought up to the present by themselves */
    int32_t noted;            /* time steps */
    int32_t wait;             /* in so many time steps it is not put off */
} b2g_put_off;

/* Where many blocks are reached by themselves, they are not put off for so many time steps. */
enum { B2G_PUT_OFF_AGAIN = 500 };

/* A block by itself takes as long as so many blocks gain by being put off for a time step. */
enum { B2G_REACHED_IS_WORTH = 10 };

static inline int64_t b2g_blocks_of(const b2g_put_off *late)
{
    return (late->n + B2G_LATE_BLOCK - 1) / B2G_LATE_BLOCK;
}

/* Whether to put off the present time step. */
static inline bool b2g_is_to_put_off(b2g_put_off *late, int32_t always)
{
    if (late->n == 0)
        return false;
    late->wait -= late->wait > 0;
    return late->wait == 0 || always;
}

/* All elements have done all that was noted. */
static inline void b2g_all_done(b2g_put_off *late)
{
    if (late->reached * B2G_REACHED_IS_WORTH > b2g_blocks_of(late) * late->noted)
        late->wait = B2G_PUT_OFF_AGAIN;
    late->noted = 0;
    late->reached = 0;
}

#endif
