/* Values of eight neurons by their numbers, on a processor.
 *
 * The instructions that gather are slower on many processors than a load for each value; what limits
 * is the number of loads. So numbers are loaded in pairs, and values are put together in registers.
 */
#ifndef BRIAN2GENN_GATHER_H
#define BRIAN2GENN_GATHER_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

/* So many targets are beside each other in a slice of synapses that stand by target. */
enum { B2G_BESIDE = 8 };

#if defined(__AVX__)
static inline __m128d b2g_gather_two(const double *from, const int32_t *which)
{
    uint64_t pair;
    memcpy(&pair, which, sizeof(pair));
    return _mm_loadh_pd(_mm_load_sd(from + (uint32_t)pair), from + (pair >> 32));
}

static inline __m256d b2g_gather_four(const double *from, const int32_t *which)
{
    return _mm256_insertf128_pd(_mm256_castpd128_pd256(b2g_gather_two(from, which)),
                                b2g_gather_two(from, which + 2), 1);
}
#endif

/* to[k] = from[which[k]] for the B2G_BESIDE numbers from `which` on. */
static inline void b2g_gather_double(double *to, const double *from, const int32_t *which)
{
#if defined(__AVX512F__)
    _mm512_storeu_pd(to, _mm512_insertf64x4(
                             _mm512_castpd256_pd512(b2g_gather_four(from, which)),
                             b2g_gather_four(from, which + 4), 1));
#elif defined(__AVX__)
    _mm256_storeu_pd(to, b2g_gather_four(from, which));
    _mm256_storeu_pd(to + 4, b2g_gather_four(from, which + 4));
#else
    for (int k = 0; k < B2G_BESIDE; k++)
        to[k] = from[which[k]];
#endif
}

#endif /* BRIAN2GENN_GATHER_H */
