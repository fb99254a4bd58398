/* Numbers of Poisson distributions whose mean changes: for means that are not large, one uniform number
 * each, by inversion (L. Devroye, Non-Uniform Random Variate Generation, 1986, section X.3.3): as many
 * as there are sums of probabilities p(0), p(0) + p(1), ... that it is not below.  C99, C++ and CUDA. */
#ifndef BRIAN2GENN_INVERSION_H
#define BRIAN2GENN_INVERSION_H

#include "brian2genn_random.h"

/* Larger means have numbers by rejection, in which a uniform number alone is not enough. */
#define B2G_INVERTED_MEAN 64.0

/* The number that a uniform number in [0, 1) stands for; the mean is at most B2G_INVERTED_MEAN. */
B2G_FN_APART int32_t b2g_invert_poisson(double lambda, double u)
{
    double p = exp(-lambda), sum = p, before = -1.0;
    int32_t k = 0;
    /* the sum of all probabilities may be a little below 1, and u above */
    while (u >= sum && sum > before) {
        k += 1;
        p *= lambda * (1.0 / (double)k);
        before = sum;
        sum += p;
    }
    return k;
}

/* A Poisson number by a uniform number or, where the mean is large, by a stream of its own. */
B2G_FN int32_t b2g_poisson_by(double lambda, double u, uint64_t seed, uint32_t stream,
                              uint32_t element, uint64_t step)
{
    if (!(lambda > 0.0))
        return 0;
    if (lambda <= B2G_INVERTED_MEAN)
        return b2g_invert_poisson(lambda, u);
    b2g_rng rng = b2g_rng_init(seed, stream, element, step);
    return b2g_poisson(lambda, &rng);
}

#endif
