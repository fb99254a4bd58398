/* What programs for set-up code need on every device: ranges, and samples with a
   probability.  C11, valid C++ and CUDA C++ too.

   Every row of a connection pattern has random numbers of its own (the element of
   the counter is the row), so that rows can be made in any order. */
#ifndef BRIAN2GENN_SAMPLE_H
#define BRIAN2GENN_SAMPLE_H

#include "brian2genn_random.h"

/* What a set-up program returns instead of a count. */
enum {
    B2G_SETUP_NO_MEMORY = -1,
    B2G_SETUP_TIME_USED = -2,
    B2G_SETUP_OUT_OF_RANGE = -3,
    B2G_SETUP_NEGATIVE_SAMPLE = -4,
    B2G_SETUP_SAMPLE_TOO_LARGE = -5,
    B2G_SETUP_ZERO_STEP = -6,
    B2G_SETUP_TOO_MANY = -7,
    B2G_SETUP_MISSED = -8,
    B2G_SETUP_THROWN = -9
};

/* How many numbers range(low, high, step) has. */
B2G_FN_LONG int64_t b2g_range_size(int64_t low, int64_t high, int64_t step)
{
    const int64_t distance = step > 0 ? high - low : low - high;
    const int64_t stride = step > 0 ? step : -step;
    return distance <= 0 ? 0 : (distance + stride - 1) / stride;
}

/* ---- the random numbers of a row ------------------------------------------ */

typedef struct {
    uint64_t seed, block;
    uint32_t row, hi, lo, have_half;
} b2g_row_rng;

B2G_FN_LONG b2g_row_rng b2g_row_rng_init(uint64_t seed, int64_t row)
{
    b2g_row_rng rng = {seed, 0, (uint32_t)row, 0, 0, 0};
    return rng;
}

/* The next number in [0, 1) from stream 0, which no call in the code takes. */
B2G_FN_LONG double b2g_row_uniform(b2g_row_rng *rng)
{
    uint32_t w0, w1;
    if (rng->have_half) {
        rng->have_half = 0;
        return b2g_uniform(rng->hi, rng->lo);
    }
    b2g_random_bits(rng->seed, 0, rng->row, rng->block++, 0, &w0, &w1, &rng->hi, &rng->lo);
    rng->have_half = 1;
    return b2g_uniform(w0, w1);
}

/* ---- samples with a probability ------------------------------------------- */

typedef struct {
    b2g_row_rng rng;
    int64_t n;
    double p;
    double scale;             /* 1/log(1 - p) where gaps are drawn, else 0 */
} b2g_sampler;

B2G_FN_LONG b2g_sampler b2g_sampler_init(uint64_t seed, int64_t row, int64_t n, double p)
{
    b2g_sampler sample;
    sample.rng = b2g_row_rng_init(seed, row);
    sample.n = p > 0.0 ? n : 0;
    sample.p = p;
    sample.scale = 0.0;
    if (p > 0.0 && p < 0.25) {
        /* log(1 - p) with all its digits, by operations that round alike everywhere */
        const double rest = 1.0 - p;
        sample.scale = rest == 1.0 ? -1.0 / p : (rest - 1.0) / (-p * b2g_log(rest));
    }
    return sample;
}

/* The next chosen number after `place`; n or more when there is none.  Small
   probabilities: the gap to the next one has a geometric distribution. */
B2G_FN_LONG int64_t b2g_sampler_next(b2g_sampler *sample, int64_t place)
{
    place++;
    if (sample->scale != 0.0) {
        double gap;
        if (place >= sample->n)
            return sample->n;
        gap = b2g_log(1.0 - b2g_row_uniform(&sample->rng)) * sample->scale;
        return gap >= (double)(sample->n - place) ? sample->n : place + (int64_t)gap;
    }
    if (sample->p < 1.0)
        while (place < sample->n && b2g_row_uniform(&sample->rng) >= sample->p)
            place++;
    return place;
}

#endif
