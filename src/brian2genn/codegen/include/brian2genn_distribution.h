/* Numbers of binomial and Poisson distributions whose parameters stay the same during a run. C99, C++ and
 * CUDA.
 *
 * Where few values are probable, a number is counted: of so many probabilities P(value > first + k) a
 * uniform number is below. For most elements its first 16 binary digits tell, as in brian2genn_chance.h.
 * Where there are more, there is a table for the alias method (brian2genn_alias.h). What either leaves
 * out has a probability below 2^-60; sums of probabilities begin with the least. */
#ifndef BRIAN2GENN_DISTRIBUTION_H
#define BRIAN2GENN_DISTRIBUTION_H

#include "brian2genn_alias.h"
#include "brian2genn_chance.h"

/* Up to so many probabilities: a standard deviation of 3 to 4. */
enum { B2G_MOST_LIMITS = 64 };

typedef struct {
    b2g_alias alias;                 /* its first value belongs to both forms */
    double limit[B2G_MOST_LIMITS];   /* probabilities times 2^16, the largest first */
    uint16_t whole[B2G_MOST_LIMITS]; /* the whole part of each, or what comes nearest to it */
    int32_t limits;                  /* how many; 0: there is a table, or nothing */
    int32_t nearly;                  /* of so many the whole part is 2^16 - 1 or more, */
    int32_t positive;                /* of so many not 0 */
    int32_t unused;
} b2g_distribution;

B2G_FN_APART void b2g_make_limits(b2g_distribution *table, const double *weights, int32_t n, int64_t first)
{
    double sum = 0.0, tail = 0.0;
    for (int32_t k = n - 1; k >= 0; k--)
        sum += weights[k];
    for (int32_t k = n - 1; k > 0; k--) {
        tail += weights[k];
        table->limit[k - 1] = B2G_ROUNDED(tail / sum, 65536.0);
    }
    table->limits = n - 1;
    table->nearly = table->positive = 0;
    for (int32_t k = 0; k < n - 1; k++) {
        table->nearly += table->limit[k] >= 65535.0;
        table->positive += table->limit[k] >= 1.0;
        table->whole[k] = (uint16_t)(table->limit[k] >= 65535.0 ? 65535.0 : table->limit[k]);
    }
    table->alias.first = first;
}

/* Make what numbers are drawn from: of weights[0 .. n - 1], which are changed. */
B2G_FN_APART void b2g_make_tables(b2g_distribution *table, double *weights, int32_t n, int64_t first)
{
    if (n > 1 && n <= B2G_MOST_LIMITS)
        b2g_make_limits(table, weights, n, first);
    else
        b2g_make_alias(&table->alias, weights, n, first);
}

/* There is but one value. */
B2G_FN void b2g_one_value(b2g_distribution *table, int64_t value)
{
    table->limits = 0;
    b2g_alias_of_one(&table->alias, value);
}

/* From the most probable value outwards: weights of a distribution relative to that one, as long as
 * they count. `up` and `down` are the factors to the next and from the previous value. */
#define B2G_FROM_MODE(table, mode, most, up, down)                                   \
    do {                                                                             \
        double weights[B2G_ALIAS_MOST], weight = 1.0;                                \
        int32_t below = 0, n = 1;                                                    \
        int64_t k = (mode);                                                          \
        while (k > 0 && (weight = B2G_ROUNDED(weight, (down))) > 5e-20) {            \
            if (++below >= B2G_ALIAS_MOST)                                           \
                return;                                                              \
            weights[B2G_ALIAS_MOST - below] = weight;                                \
            k--;                                                                     \
        }                                                                            \
        for (int32_t j = 0; j < below; j++)                                          \
            weights[j] = weights[B2G_ALIAS_MOST - below + j];                        \
        weights[below] = weight = 1.0;                                               \
        n = below + 1;                                                               \
        k = (mode);                                                                  \
        while (k < (most) && (weight = B2G_ROUNDED(weight, (up))) > 5e-20) {         \
            if (n >= B2G_ALIAS_MOST)                                                 \
                return;                                                              \
            weights[n++] = weight;                                                   \
            k++;                                                                     \
        }                                                                            \
        b2g_make_tables(table, weights, n, (mode) - below);                          \
    } while (0)

/* Prepare what b2g_poisson_from and b2g_binomial_from look into. */
B2G_FN_APART void b2g_prepare_poisson(b2g_distribution *table, double lambda)
{
    if (!(lambda > 0.0)) {
        b2g_one_value(table, 0);
        return;
    }
    table->alias.cells = table->limits = 0;
    if (lambda > 1e6)
        return;
    const int64_t mode = (int64_t)lambda;
    B2G_FROM_MODE(table, mode, (int64_t)1 << 62, lambda / (double)(k + 1), (double)k / lambda);
}

B2G_FN_APART void b2g_prepare_binomial(b2g_distribution *table, int64_t trials, double p)
{
    if (trials <= 0 || !(p > 0.0) || p >= 1.0) {
        b2g_one_value(table, trials > 0 && p >= 1.0 ? trials : 0);
        return;
    }
    table->alias.cells = table->limits = 0;
    if (trials > (int64_t)1 << 52)
        return;
    const double odds = p / (1.0 - p);
    const int64_t mode = (int64_t)B2G_ROUNDED((double)(trials + 1), p);
    const int64_t likely = mode > trials ? trials : mode;
    B2G_FROM_MODE(table, likely, trials, B2G_ROUNDED((double)(trials - k) / (double)(k + 1), odds),
                  (double)k / B2G_ROUNDED((double)(trials - k + 1), odds));
}

/* The element's number, counted. */
B2G_FN int64_t b2g_count(const b2g_distribution *table, uint64_t seed, uint32_t stream, uint32_t element,
                         uint64_t step, uint32_t block)
{
    const double x = (double)(int32_t)b2g_first_digits(seed, stream, element, step, block);
    int32_t k = x < 65535.0 ? table->nearly : 0;
    while (k < table->limits && x + 1.0 <= table->limit[k])
        k++;
    if (k < table->limits && x < table->limit[k]) {
        const double more = b2g_rand(seed, stream, element, step, block | B2G_CHANCE_IN_DETAIL);
        while (k < table->limits && more < table->limit[k] - x)
            k++;
    }
    return table->alias.first + k;
}

/* Numbers of a stream of their own: seldom called, and with more registers than all else takes. */
B2G_FN_APART int64_t b2g_poisson_of_stream(double lambda, uint64_t seed, uint32_t stream,
                                           uint32_t element, uint64_t step)
{
    b2g_rng rng = b2g_rng_init(seed, stream, element, step);
    return b2g_poisson(lambda, &rng);
}
B2G_FN_APART int64_t b2g_binomial_of_stream(int64_t trials, double p, uint64_t seed,
                                            uint32_t stream, uint32_t element, uint64_t step)
{
    b2g_rng rng = b2g_rng_init(seed, stream, element, step);
    return b2g_binomial(trials, p, &rng);
}

/* The element's number, of blocks of `stream`; where a table would be too large, by numbers of a stream of
   its own. */
B2G_FN int64_t b2g_poisson_from(const b2g_distribution *table, double lambda, uint64_t seed, uint32_t stream,
                                uint32_t own_stream, uint32_t element, uint64_t step, uint32_t block)
{
    if (table->limits)
        return b2g_count(table, seed, stream, element, step, block);
    if (table->alias.cells)
        return b2g_look_up(&table->alias, b2g_rand(seed, stream, element, step, block));
    return b2g_poisson_of_stream(lambda, seed, own_stream, element, step);
}
B2G_FN int64_t b2g_binomial_from(const b2g_distribution *table, int64_t trials, double p, uint64_t seed,
                                 uint32_t stream, uint32_t own_stream, uint32_t element, uint64_t step,
                                 uint32_t block)
{
    if (table->limits)
        return b2g_count(table, seed, stream, element, step, block);
    if (table->alias.cells)
        return b2g_look_up(&table->alias, b2g_rand(seed, stream, element, step, block));
    return b2g_binomial_of_stream(trials, p, seed, own_stream, element, step);
}

#endif
