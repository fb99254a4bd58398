/* Short runs of synapses put together: what a processor computes in whole vectors. */
#ifndef BRIAN2GENN_PACK_H
#define BRIAN2GENN_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "brian2genn_recorder.h"

/* So many synapses are put together, and what they have stays in the nearest cache. */
enum { B2G_PACKED = 256 };

/* A longer run is not put together with others. */
enum { B2G_LONG_RUN = 32 };

/* Memory of packed elements: whole blocks are copied, and vectors filled up. */
#define B2G_PACKED_ROOM (B2G_PACKED + 64)

/* Synapses that are neighbours, and their run. */
typedef struct {
    int32_t first, length, run;
} b2g_piece;

/* Blocks of 64 bytes one by one: of a loop, compilers make a call. */
#define B2G_COPY_BLOCK(to, from, k) memcpy((char *)(to) + 64 * (k), (const char *)(from) + 64 * (k), 64)
#define B2G_COPY_BOTH_ENDS(to, from, bytes, size)                                                  \
    do {                                                                                           \
        memcpy(to, from, size);                                                                    \
        memcpy((char *)(to) + (bytes) - (size), (const char *)(from) + (bytes) - (size), size);    \
    } while (0)

/* Whether n numbers follow one another.  Where all are connected to all they do; elsewhere the last of
   them tells. */
static inline bool b2g_follow(const int32_t *numbers, int64_t n)
{
    const int32_t first = numbers[0];
    if (numbers[n - 1] - first != n - 1)
        return false;
    int32_t differ = 0;
    #pragma omp simd reduction(|:differ)
    for (int64_t k = 0; k < n; k++)
        differ |= numbers[k] ^ (first + (int32_t)k);
    return differ == 0;
}

/* Copy what a piece has of one array, at most 256 bytes, and no more: lines of memory behind it have
   not been fetched. */
B2G_ALWAYS_INLINE void b2g_copy_few(void *to, const void *from, int64_t bytes)
{
    if (bytes > 128) {
        B2G_COPY_BLOCK(to, from, 0);
        B2G_COPY_BLOCK(to, from, 1);
        if (bytes > 192)
            B2G_COPY_BLOCK(to, from, 2);
        memcpy((char *)to + bytes - 64, (const char *)from + bytes - 64, 64);
    } else if (bytes >= 64) {
        B2G_COPY_BOTH_ENDS(to, from, bytes, 64);
    } else if (bytes >= 32) {
        B2G_COPY_BOTH_ENDS(to, from, bytes, 32);
    } else if (bytes >= 16) {
        B2G_COPY_BOTH_ENDS(to, from, bytes, 16);
    } else if (bytes >= 8) {
        B2G_COPY_BOTH_ENDS(to, from, bytes, 8);
    } else if (bytes >= 4) {
        B2G_COPY_BOTH_ENDS(to, from, bytes, 4);
    } else {
        for (int64_t k = 0; k < bytes; k++)
            ((char *)to)[k] = ((const char *)from)[k];
    }
}

#endif /* BRIAN2GENN_PACK_H */
