/* The random numbers of many neighbouring elements at once, on a processor.
 *
 * What generated loops over all elements of a group draw: b2g_fill_rand(...) and its kin give the
 * elements first to end - 1 of a group the numbers that b2g_rand(...) and its kin give each of
 * them, to the last bit. No random word is wasted: a block is computed once for the two or four
 * elements that share it.
 */
#ifndef BRIAN2GENN_NUMBERS_H
#define BRIAN2GENN_NUMBERS_H

#include "brian2genn_alias.h"
#include "brian2genn_inversion.h"

/* How many elements a call may be for, at most. Their numbers stay in the fastest cache, and what
 * a call prepares (the keys of ten rounds) weighs little. */
#define B2G_CHUNK 512

/* A multiple of the elements of all vectors. */
#define B2G_VECTOR 16

/* List n neighbours from `first` on. */
static inline void b2g_list(int32_t *which, int64_t first, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        which[k] = (int32_t)(first + k);
}

/* Repeat the last of n listed elements until there are whole vectors; returns how many there are. */
static inline int64_t b2g_fill_up(int32_t *which, int64_t n)
{
    const int64_t whole = (n + B2G_VECTOR - 1) / B2G_VECTOR * B2G_VECTOR;
    for (int64_t k = n; k < whole; k++)
        which[k] = which[n - 1];
    return whole;
}

/* The first element of a call is a multiple of this; all chunks but a group's last are whole. */
#define B2G_CHUNK_ALIGNMENT 4

/* ---- blocks ---------------------------------------------------------------------------------- */

/* gcc does not see that a product of low halves is one instruction, and takes three: on x86-64
 * it is told so. Other compilers do, and other processors have none. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
#if defined(__AVX512F__)
#define B2G_LANES 8
#elif defined(__AVX2__)
#define B2G_LANES 4
#else
#define B2G_LANES 2
#endif
typedef uint64_t b2g_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef long long b2g_signed_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef int b2g_half_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef uint32_t b2g_words __attribute__((vector_size(4 * B2G_LANES)));

B2G_FN b2g_lanes b2g_all_lanes(uint64_t x)
{
    const b2g_lanes none = {0};
    return x + none;
}

B2G_FN b2g_lanes b2g_lanes_product(b2g_lanes x, b2g_lanes factor)
{
#if B2G_LANES == 8
    return (b2g_lanes)__builtin_ia32_pmuludq512_mask((b2g_half_lanes)x, (b2g_half_lanes)factor,
                                                     (b2g_signed_lanes)x, (unsigned char)-1);
#elif B2G_LANES == 4
    return (b2g_lanes)__builtin_ia32_pmuludq256((b2g_half_lanes)x, (b2g_half_lanes)factor);
#else
    return (b2g_lanes)__builtin_ia32_pmuludq128((b2g_half_lanes)x, (b2g_half_lanes)factor);
#endif
}
#define B2G_LANES_PRODUCT(x, factor) b2g_lanes_product(x, b2g_all_lanes(factor))

B2G_FN void b2g_store_words(b2g_lanes x, uint32_t *to)
{
    const b2g_words low = __builtin_convertvector(x, b2g_words);
    __builtin_memcpy(to, &low, sizeof(low));
}

/* The words of n blocks, the first words of all, then the second words ... */
B2G_FN_LONG void b2g_blocks(uint64_t seed, uint32_t stream, uint32_t first, int32_t n,
                            uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK / 2])
{
    const uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    b2g_lanes element = b2g_all_lanes(first);
    for (int lane = 0; lane < B2G_LANES; lane++)
        element[lane] += (uint64_t)lane;
    for (int32_t b = 0; b < n; b += B2G_LANES) {
        b2g_lanes x0 = element, x1 = b2g_all_lanes((uint32_t)step);
        b2g_lanes x2 = b2g_all_lanes(b2g_counter_word(step, block)), x3 = b2g_all_lanes(stream);
        B2G_PHILOX_ROUNDS(b2g_lanes, B2G_LANES_PRODUCT);
        b2g_store_words(x0, &w[0][b]);
        b2g_store_words(x1, &w[1][b]);
        b2g_store_words(x2, &w[2][b]);
        b2g_store_words(x3, &w[3][b]);
        element += B2G_LANES;
    }
}
#else
B2G_FN_LONG void b2g_blocks(uint64_t seed, uint32_t stream, uint32_t first, int32_t n,
                            uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK / 2])
{
#pragma omp simd
    for (int32_t b = 0; b < n; b++)
        b2g_random_bits(seed, stream, first + (uint32_t)b, step, block, &w[0][b], &w[1][b],
                        &w[2][b], &w[3][b]);
}
#endif

/* ---- numbers --------------------------------------------------------------------------------- */

B2G_FN_LONG void b2g_fill_rand(uint64_t seed, uint32_t stream, int64_t first, int64_t end,
                               uint64_t step, uint32_t block, double *B2G_RESTRICT x)
{
    const int32_t n = (int32_t)(end - first + 1) / 2;
    uint32_t w[4][B2G_CHUNK / 2];
    b2g_blocks(seed, stream, (uint32_t)(first / 2), n, step, block, w);
#pragma omp simd
    for (int32_t b = 0; b < n; b++) {
        x[2 * b] = b2g_uniform(w[0][b], w[1][b]);
        x[2 * b + 1] = b2g_uniform(w[2][b], w[3][b]);
    }
}

B2G_FN_LONG void b2g_fill_randf(uint64_t seed, uint32_t stream, int64_t first, int64_t end,
                                uint64_t step, uint32_t block, float *B2G_RESTRICT x)
{
    const int32_t n = (int32_t)(end - first + 3) / 4;
    uint32_t w[4][B2G_CHUNK / 2];
    b2g_blocks(seed, stream, (uint32_t)(first / 4), n, step, block, w);
#pragma omp simd
    for (int32_t b = 0; b < n; b++) {
        x[4 * b] = b2g_uniformf(w[0][b]);
        x[4 * b + 1] = b2g_uniformf(w[1][b]);
        x[4 * b + 2] = b2g_uniformf(w[2][b]);
        x[4 * b + 3] = b2g_uniformf(w[3][b]);
    }
}

B2G_FN_LONG void b2g_fill_randn(uint64_t seed, uint32_t stream, int64_t first, int64_t end,
                                uint64_t step, uint32_t block, double *B2G_RESTRICT x)
{
    const int32_t n = (int32_t)(end - first + 1) / 2;
    uint32_t w[4][B2G_CHUNK / 2];
    b2g_blocks(seed, stream, (uint32_t)(first / 2), n, step, block, w);
#pragma omp simd
    for (int32_t b = 0; b < n; b++) {
        double z0, z1;
        b2g_normal_pair(w[0][b], w[1][b], w[2][b], w[3][b], &z0, &z1);
        x[2 * b] = z0;
        x[2 * b + 1] = z1;
    }
}

B2G_FN_LONG void b2g_fill_randnf(uint64_t seed, uint32_t stream, int64_t first, int64_t end,
                                 uint64_t step, uint32_t block, float *B2G_RESTRICT x)
{
    const int32_t n = (int32_t)(end - first + 3) / 4;
    uint32_t w[4][B2G_CHUNK / 2];
    b2g_blocks(seed, stream, (uint32_t)(first / 4), n, step, block, w);
#pragma omp simd
    for (int32_t b = 0; b < n; b++) {
        float z0, z1, z2, z3;
        b2g_normal_pairf(w[0][b], w[1][b], &z0, &z1);
        b2g_normal_pairf(w[2][b], w[3][b], &z2, &z3);
        x[4 * b] = z0;
        x[4 * b + 1] = z1;
        x[4 * b + 2] = z2;
        x[4 * b + 3] = z3;
    }
}

/* ---- numbers of distributions that have a table ------------------------------------------------ */

#define B2G_FILL_FROM_TABLE(type, draw)                                                            \
    do {                                                                                           \
        const int32_t n = (int32_t)(end - first);                                                  \
        if (table->cells == 0) {                                                                   \
            for (int32_t k = 0; k < n; k++) {                                                      \
                b2g_rng rng = b2g_rng_init(seed, own_stream, (uint32_t)(first + k), step);         \
                values[k] = (type)(draw);                                                          \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        double u[B2G_CHUNK];                                                                       \
        b2g_fill_rand(seed, stream, first, end, step, block, u);                                   \
        B2G_SIMD                                                                                   \
        for (int32_t k = 0; k < n; k++)                                                            \
            values[k] = (type)b2g_look_up(table, u[k]);                                            \
    } while (0)
#define B2G_SIMD _Pragma("omp simd")

B2G_FN_LONG void b2g_fill_poisson(const b2g_alias *table, double lambda, uint64_t seed,
                                  uint32_t stream, int64_t first, int64_t end, uint64_t step,
                                  uint32_t block, uint32_t own_stream, int32_t *B2G_RESTRICT values)
{
    B2G_FILL_FROM_TABLE(int32_t, b2g_poisson(lambda, &rng));
}

B2G_FN_LONG void b2g_fill_binomial(const b2g_alias *table, int64_t trials, double p, uint64_t seed,
                                   uint32_t stream, int64_t first, int64_t end, uint64_t step,
                                   uint32_t block, uint32_t own_stream,
                                   int64_t *B2G_RESTRICT values)
{
    B2G_FILL_FROM_TABLE(int64_t, b2g_binomial(trials, p, &rng));
}

/* ---- Poisson numbers whose means change -------------------------------------------------------- */

/* So many are inverted together, until the last one is done; and so many sums of probabilities. */
enum { B2G_INVERTED = 16, B2G_MOST_SUMS = 256 };

/* The numbers of elements with means that are not large; 0 or B2G_MOST_SUMS for the other ones. */
B2G_FN void b2g_invert_some(const double *B2G_RESTRICT lambda, const double *B2G_RESTRICT u,
                            int32_t *B2G_RESTRICT values)
{
    double mean[B2G_INVERTED], p[B2G_INVERTED], sum[B2G_INVERTED];
    int64_t count[B2G_INVERTED];
#pragma omp simd
    for (int32_t k = 0; k < B2G_INVERTED; k++) {
        mean[k] = lambda[k] > 0.0 && lambda[k] <= B2G_INVERTED_MEAN ? lambda[k] : 0.0;
        sum[k] = p[k] = exp(-mean[k]);
        count[k] = 0;
    }
    for (int32_t n = 1; n <= B2G_MOST_SUMS; n++) {
        const double inverse = 1.0 / (double)n;
        int64_t more = 0;
#pragma omp simd reduction(| : more)
        for (int32_t k = 0; k < B2G_INVERTED; k++) {
            const int64_t one = u[k] >= sum[k] ? 1 : 0;
            count[k] += one;
            more |= one;
            p[k] *= mean[k] * inverse;
            sum[k] += p[k];
        }
        if (more == 0)
            break;
    }
    for (int32_t k = 0; k < B2G_INVERTED; k++)
        values[k] = (int32_t)count[k];
}

/* The numbers that b2g_poisson_by gives each element.  There is room for B2G_CHUNK of them, and as many
 * means: those behind the last element are set. */
B2G_FN_LONG void b2g_fill_poisson_by(double *B2G_RESTRICT lambda, uint64_t seed, uint32_t stream,
                                     int64_t first, int64_t end, uint64_t step, uint32_t block,
                                     uint32_t own_stream, int32_t *B2G_RESTRICT values)
{
    const int32_t n = (int32_t)(end - first);
    double u[B2G_CHUNK];
    b2g_fill_rand(seed, stream, first, end, step, block, u);
    for (int32_t k = n; k % B2G_INVERTED; k++)
        lambda[k] = u[k] = 0.0;
    for (int32_t k = 0; k < n; k += B2G_INVERTED)
        b2g_invert_some(lambda + k, u + k, values + k);
    for (int32_t k = 0; k < n; k++)
        if (lambda[k] > B2G_INVERTED_MEAN || values[k] == B2G_MOST_SUMS)
            values[k] = b2g_poisson_by(lambda[k], u[k], seed, own_stream, (uint32_t)(first + k), step);
}

#endif /* BRIAN2GENN_NUMBERS_H */
