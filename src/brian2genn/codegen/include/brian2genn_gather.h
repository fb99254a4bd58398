/* Values of eight neurons by their numbers, on a processor.
 *
 * The instructions that gather are slower on many processors than a load for each value; what limits
 * is the number of loads. So numbers are loaded in pairs, and values are put together in registers:
 * as vectors of the compiler, because immintrin.h takes a tenth of a second in each compilation.
 */
#ifndef BRIAN2GENN_GATHER_H
#define BRIAN2GENN_GATHER_H

#include <stdint.h>
#include <string.h>

/* So many targets are beside each other in a slice of synapses that stand by target. */
enum { B2G_BESIDE = 8 };

static inline uint64_t b2g_pair(const int32_t *numbers)
{
    uint64_t pair;
    memcpy(&pair, numbers, sizeof(pair));
    return pair;
}

/* to[k] = from[which[k]] for the B2G_BESIDE numbers from `which` on. */
static inline void b2g_gather_double(double *to, const double *from, const int32_t *which)
{
#if defined(__AVX__)
    const uint64_t p = b2g_pair(which), q = b2g_pair(which + 2);
    const uint64_t r = b2g_pair(which + 4), s = b2g_pair(which + 6);
#define B2G_BOTH(pair) from[(uint32_t)(pair)], from[(pair) >> 32]
#if defined(__AVX512F__)
    typedef double vector __attribute__((vector_size(64)));
    const vector values = {B2G_BOTH(p), B2G_BOTH(q), B2G_BOTH(r), B2G_BOTH(s)};
    memcpy(to, &values, sizeof(values));
#else
    typedef double vector __attribute__((vector_size(32)));
    const vector low = {B2G_BOTH(p), B2G_BOTH(q)}, high = {B2G_BOTH(r), B2G_BOTH(s)};
    memcpy(to, &low, sizeof(low));
    memcpy(to + 4, &high, sizeof(high));
#endif
#undef B2G_BOTH
#else
    for (int k = 0; k < B2G_BESIDE; k++)
        to[k] = from[which[k]];
#endif
}

#endif /* BRIAN2GENN_GATHER_H */
