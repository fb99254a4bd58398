/* Values of neurons by their numbers, eight at a time, on a processor.
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
    /* two vectors of four, which compilers keep in registers; one of eight goes through memory */
    typedef double vector __attribute__((vector_size(32)));
    const vector low = {B2G_BOTH(p), B2G_BOTH(q)}, high = {B2G_BOTH(r), B2G_BOTH(s)};
    memcpy(to, &low, sizeof(low));
    memcpy(to + 4, &high, sizeof(high));
#undef B2G_BOTH
#else
    for (int k = 0; k < B2G_BESIDE; k++)
        to[k] = from[which[k]];
#endif
}

/* to[k] = from[which[k]] for n numbers that synapses have beside each other.  In the order of most
 * networks, eight neighbours often have the same neuron on one side, and neighbours on the other one:
 * then there is no more to do than to copy. */
static inline void b2g_gather_doubles(double *B2G_RESTRICT to, const double *B2G_RESTRICT from,
                                      const int32_t *B2G_RESTRICT which, int64_t n)
{
    int64_t k = 0;
#if defined(__AVX__)
    const uint64_t twice = ((uint64_t)2 << 32) + 2;
    for (; k + B2G_BESIDE <= n; k += B2G_BESIDE) {
        const uint64_t p = b2g_pair(which + k), q = b2g_pair(which + k + 2);
        const uint64_t r = b2g_pair(which + k + 4), s = b2g_pair(which + k + 6);
        const double *const first = from + (uint32_t)p;
        const uint64_t second = (p >> 32) - (uint32_t)p;
        if (second == 1 && q - p == twice && r - q == twice && s - r == twice) {
            memcpy(to + k, first, B2G_BESIDE * sizeof(*to));
        } else if (second == 0 && p == q && q == r && r == s) {
            for (int j = 0; j < B2G_BESIDE; j++)
                to[k + j] = *first;
        } else {
            b2g_gather_double(to + k, from, which + k);
        }
    }
#endif
    for (; k < n; k++)
        to[k] = from[which[k]];
}

#endif /* BRIAN2GENN_GATHER_H */
