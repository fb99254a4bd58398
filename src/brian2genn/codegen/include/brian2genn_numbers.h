/* The random numbers of many neighbouring elements at once, on a processor.
 *
 * What generated loops over all elements of a group draw: b2g_fill_rand(...) and its kin give the
 * elements first to end - 1 of a group the numbers that b2g_rand(...) and its kin give each of
 * them, to the last bit. No random word is wasted: a block is computed once for the two or four
 * elements that share it.
 */
#ifndef BRIAN2GENN_NUMBERS_H
#define BRIAN2GENN_NUMBERS_H

#include <string.h>

#include "brian2genn_blocks.h"
#include "brian2genn_chance.h"
#include "brian2genn_inversion.h"

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

/* ---- numbers of listed elements -------------------------------------------------------------- */

B2G_FN_LONG void b2g_rand_at(uint64_t seed, uint32_t stream, const int32_t *elements, int64_t n,
                             uint64_t step, uint32_t block, double *B2G_RESTRICT x)
{
    uint32_t w[4][B2G_CHUNK];
    b2g_blocks_at(seed, stream, elements, 1, n, step, block, w);
#pragma omp simd
    for (int64_t b = 0; b < n; b++) {
        const uint32_t odd = (uint32_t)elements[b] & 1u;
        x[b] = b2g_uniform(b2g_select_word(odd, w[2][b], w[0][b]),
                           b2g_select_word(odd, w[3][b], w[1][b]));
    }
}

B2G_FN_LONG void b2g_randf_at(uint64_t seed, uint32_t stream, const int32_t *elements, int64_t n,
                              uint64_t step, uint32_t block, float *B2G_RESTRICT x)
{
    uint32_t w[4][B2G_CHUNK];
    b2g_blocks_at(seed, stream, elements, 2, n, step, block, w);
#pragma omp simd
    for (int64_t b = 0; b < n; b++) {
        const uint32_t odd = (uint32_t)elements[b] & 1u, high = (uint32_t)elements[b] >> 1 & 1u;
        x[b] = b2g_uniformf(b2g_select_word(high, b2g_select_word(odd, w[3][b], w[2][b]),
                                            b2g_select_word(odd, w[1][b], w[0][b])));
    }
}

B2G_FN_LONG void b2g_randn_at(uint64_t seed, uint32_t stream, const int32_t *elements, int64_t n,
                              uint64_t step, uint32_t block, double *B2G_RESTRICT x)
{
    uint32_t w[4][B2G_CHUNK];
    b2g_blocks_at(seed, stream, elements, 1, n, step, block, w);
#pragma omp simd
    for (int64_t b = 0; b < n; b++) {
        double z0, z1;
        b2g_normal_pair(w[0][b], w[1][b], w[2][b], w[3][b], &z0, &z1);
        x[b] = b2g_select((uint32_t)elements[b] & 1u, z1, z0);
    }
}

B2G_FN_LONG void b2g_randnf_at(uint64_t seed, uint32_t stream, const int32_t *elements, int64_t n,
                               uint64_t step, uint32_t block, float *B2G_RESTRICT x)
{
    uint32_t w[4][B2G_CHUNK];
    b2g_blocks_at(seed, stream, elements, 2, n, step, block, w);
#pragma omp simd
    for (int64_t b = 0; b < n; b++) {
        const uint32_t high = (uint32_t)elements[b] >> 1 & 1u;
        float z0, z1;
        b2g_normal_pairf(b2g_select_word(high, w[2][b], w[0][b]),
                         b2g_select_word(high, w[3][b], w[1][b]), &z0, &z1);
        x[b] = b2g_selectf((uint32_t)elements[b] & 1u, z1, z0);
    }
}

/* ---- chances --------------------------------------------------------------------------------- */

#if defined(B2G_LANES)
/* The larger ones, lane by lane; `before` where p is NaN. */
B2G_FN b2g_doubles b2g_larger(const double *p, b2g_doubles before)
{
    b2g_doubles now;
    memcpy(&now, p, sizeof(now));
#if B2G_LANES == 8
    return __builtin_ia32_maxpd512_mask(now, before, now, (unsigned char)-1, B2G_ROUND_AS_SET);
#elif B2G_LANES == 4
    return __builtin_ia32_maxpd256(now, before);
#else
    return __builtin_ia32_maxpd(now, before);
#endif
}

B2G_FN b2g_doubles b2g_at_most(b2g_doubles x, double most)
{
    const b2g_doubles none = {0.0}, limit = most + none;
#if B2G_LANES == 8
    return __builtin_ia32_minpd512_mask(x, limit, x, (unsigned char)-1, B2G_ROUND_AS_SET);
#elif B2G_LANES == 4
    return __builtin_ia32_minpd256(x, limit);
#else
    return __builtin_ia32_minpd(x, limit);
#endif
}

/* Whether any bit is set. */
B2G_FN bool b2g_any(b2g_lanes x)
{
#if B2G_LANES == 8
    return __builtin_ia32_ptestmq512((b2g_signed_lanes)x, (b2g_signed_lanes)x,
                                     (unsigned char)-1) != 0;
#elif B2G_LANES == 4
    return !__builtin_ia32_ptestz256((b2g_signed_lanes)x, (b2g_signed_lanes)x);
#else
    return (x[0] | x[1]) != 0;
#endif
}

/* The low halves of two lanes side by side, as sixteen digits each. */
B2G_FN b2g_digits b2g_side_by_side(b2g_lanes low, b2g_lanes high)
{
    return (b2g_digits)((low & 0xFFFFFFFFu) | high << 32);
}

/* Whether any of the numbers with digits in four words may be below its p. This is found out lane by
   lane: for the largest p there. */
B2G_FN bool b2g_any_below(const double *p, b2g_lanes x0, b2g_lanes x1, b2g_lanes x2, b2g_lanes x3)
{
    b2g_doubles largest = (b2g_doubles)b2g_all_lanes(0);
    for (int32_t k = 0; k < B2G_CHANCES; k += B2G_CHANCES_BESIDE)
        largest = b2g_larger(p + k, largest);
    /* in whole digits, or nearly so: the last bits of the double */
    largest = b2g_at_most(largest * 65536.0, 65535.0) + 4503599627370496.0;
    b2g_lanes limit = (b2g_lanes)largest & 0xFFFFu;
    limit |= limit << 16;
    limit |= limit << 32;
    const b2g_digits limits = (b2g_digits)limit;
    return b2g_any((b2g_lanes)(b2g_side_by_side(x0, x1) <= limits) |
                   (b2g_lanes)(b2g_side_by_side(x2, x3) <= limits));
}

/* Sixteen digits as numbers. */
B2G_FN b2g_doubles b2g_digits_of(b2g_lanes x)
{
    const b2g_lanes lifted = (x & 0xFFFFu) | b2g_all_lanes(0x4330000000000000u);
    return (b2g_doubles)lifted - 4503599627370496.0; /* 2^52 */
}

/* Whether the numbers with 16 digits of x are below p (1 or 0, beside each other in memory); returns
   those for which the digits do not tell. */
B2G_FN b2g_lanes b2g_some_below(const double *p, b2g_lanes x, uint8_t *values)
{
    const b2g_doubles digits = b2g_digits_of(x);
    b2g_doubles limit;
    __builtin_memcpy(&limit, p, sizeof(limit));
    limit *= 65536.0;
    const b2g_signed_lanes below = digits < limit;
    const b2g_lane_bytes ones = -__builtin_convertvector(below, b2g_lane_bytes);
    __builtin_memcpy(values, &ones, sizeof(ones));
    return (b2g_lanes)(below & (digits + 1.0 > limit));
}

/* The same for the elements whose digits are in four words. */
B2G_FN_RARE bool b2g_which_below(const double *p, const b2g_lanes *x, uint8_t *values)
{
    b2g_lanes open = {0};
    for (int32_t k = 0; k < 4; k++) {
        open |= b2g_some_below(p + 16 * k, x[k], values + 16 * k);
        open |= b2g_some_below(p + 16 * k + 8, x[k] >> 16, values + 16 * k + 8);
    }
    return b2g_any(open);
}

/* The same for B2G_CHANCES elements.  Often no number is below: this is found out first. */
B2G_FN bool b2g_chances(const double *B2G_RESTRICT p, const b2g_keys *keys, uint32_t stream,
                        uint32_t first_block, uint64_t step, uint32_t block,
                        uint8_t *B2G_RESTRICT values)
{
    b2g_lanes shared = b2g_all_lanes(first_block) + b2g_lane_numbers();
    bool open = false;
    __builtin_memset(values, 0, B2G_CHANCES);
    for (int32_t b = 0; b < B2G_CHANCES_BESIDE; b += B2G_LANES, shared += B2G_LANES) {
        b2g_lanes x0 = shared, x1 = b2g_all_lanes((uint32_t)step);
        b2g_lanes x2 = b2g_all_lanes(b2g_counter_word(step, block)), x3 = b2g_all_lanes(stream);
        B2G_LANES_ROUNDS;
        if (b2g_any_below(p + b, x0, x1, x2, x3)) {
            const b2g_lanes x[4] = {x0, x1, x2, x3};
            open |= b2g_which_below(p + b, x, values + b);
        }
    }
    return open;
}
#else
typedef uint64_t b2g_keys;

B2G_FN void b2g_make_keys(uint64_t seed, b2g_keys *keys)
{
    *keys = seed;
}

B2G_FN bool b2g_chances(const double *B2G_RESTRICT p, const b2g_keys *keys, uint32_t stream,
                        uint32_t first_block, uint64_t step, uint32_t block,
                        uint8_t *B2G_RESTRICT values)
{
    bool open = false;
    for (int32_t b = 0; b < B2G_CHANCES_BESIDE; b++) {
        uint32_t w[4];
        b2g_random_bits(*keys, stream, first_block + (uint32_t)b, step, block, &w[0], &w[1], &w[2],
                        &w[3]);
        for (int32_t place = 0; place < 8; place++) {
            const int32_t k = place * B2G_CHANCES_BESIDE + b;
            const double limit = p[k] * 65536.0;
            const double digits = (double)(int32_t)(w[place / 2] >> place % 2 * 16 & 0xFFFFu);
            values[k] = digits < limit;
            open |= digits < limit && digits + 1.0 > limit;
        }
    }
    return open;
}
#endif

/* What b2g_below says of each of n elements, one by one: as vectors, which a compiler would make,
   these are 32 kB of code that take it half a second. */
B2G_FN_RARE void b2g_each_below(const double *p, uint64_t seed, uint32_t stream, int64_t first,
                                int32_t n, uint64_t step, uint32_t block, uint8_t *values)
{
    for (int32_t k = 0; k < n; k++) {
        values[k] = b2g_below(p[k], seed, stream, (uint32_t)(first + k), step, block);
#if defined(__GNUC__)
        __asm__ volatile("");
#endif
    }
}

/* The same, of many at once.  There is room for B2G_CHUNK of them: those of p behind the last element
   are set. */
B2G_FN_LONG void b2g_fill_below(double *B2G_RESTRICT p, uint64_t seed, uint32_t stream,
                                int64_t first, int64_t end, uint64_t step, uint32_t block,
                                uint8_t *B2G_RESTRICT values)
{
    const int32_t n = (int32_t)(end - first);
    b2g_keys keys;
    if (first % B2G_CHANCES) {
        b2g_each_below(p, seed, stream, first, n, step, block, values);
        return;
    }
    for (int32_t k = n; k % B2G_CHANCES; k++)
        p[k] = 0.0;
    b2g_make_keys(seed, &keys);
    for (int32_t k = 0; k < n; k += B2G_CHANCES) {
        const uint32_t blocks = (uint32_t)((first + k) / B2G_CHANCES * B2G_CHANCES_BESIDE);
        if (b2g_chances(p + k, &keys, stream, blocks, step, block, values + k))
            b2g_each_below(p + k, seed, stream, first + k, n - k < B2G_CHANCES ? n - k : B2G_CHANCES,
                           step, block, values + k);
    }
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
