/* exp and expm1 in double precision without branches, for a GPU: there, what follows a branch waits
   until it is known where that goes, so that several of these functions would be computed one after
   the other.

   x = k log 2 + r with |r| <= log(2)/2 (W. J. Cody and W. Waite, 1980, Software manual for the
   elementary functions); exp(r) - 1 = r + r^2 q(r), where q is of degree 9, by Remez's algorithm;
   its error is below 2^-58.  The polynomial is evaluated from pairs of terms (G. Estrin, 1960), in
   half the steps that wait for each other.  Errors are below 1.1 (exp) and 2 (expm1) units in the
   last place (tests/cuda/test_exp.py). */
#ifndef BRIAN2GENN_EXP_H
#define BRIAN2GENN_EXP_H

#include "brian2genn_bits.h"

/* exp(x) = 2^k (1 + p), for -1400 < x < 1400. */
typedef struct {
    double p;
    int32_t k;
} b2g_reduced;

B2G_FN b2g_reduced b2g_reduce(double x)
{
    /* the sum has k in its last bits, rounded to the nearest */
    const double shifted = fma(x, 1.4426950408889634, 6755399441055744.0);
    const double k = shifted - 6755399441055744.0;
    const double r = fma(k, -2.3190468138462996e-17, fma(k, -0.6931471805599453, x));
    const double r2 = r * r, r4 = r2 * r2;
    const double q01 = fma(r, 0.166666666666667, 0.5000000000000012);
    const double q23 = fma(r, 0.008333333333307238, 0.041666666666515535);
    const double q45 = fma(r, 0.00019841269917309672, 0.0013888888946981765);
    const double q67 = fma(r, 2.7557216370292567e-06, 2.4801489980560488e-05);
    const double q89 = fma(r, 2.5117838154683124e-08, 2.7631265717670046e-07);
    const double q0123 = fma(q23, r2, q01), q4567 = fma(q67, r2, q45);
    const double q = fma(fma(q89, r4, q4567), r4, q0123);
    const b2g_reduced reduced = {fma(r2, q, r), (int32_t)(uint32_t)b2g_bits(shifted)};
    return reduced;
}

/* 2^k for -1023 < k < 1024. */
B2G_FN double b2g_power_of_2(int32_t k) { return b2g_from_bits((uint64_t)(uint32_t)(k + 1023) << 52); }

B2G_FN double b2g_exp_f64(double x)
{
    const b2g_reduced e = b2g_reduce(x);
    /* in two factors: 2^k may be more than the largest number, or less than the smallest */
    const int32_t half = e.k >> 1;
    const double scale = b2g_power_of_2(half);
    const double value = fma(e.p, scale, scale) * b2g_power_of_2(e.k - half);
    const double small = x < -746.0 ? 0.0 : value;
    return x > 710.0 ? INFINITY : small;
}

B2G_FN double b2g_expm1_f64(double x)
{
    const b2g_reduced e = b2g_reduce(x);
    const double scale = b2g_power_of_2(e.k - 1);
    const double value = 2.0 * fma(e.p, scale, scale - 0.5);
    const double near = e.k == 0 ? e.p : value; /* exact also where numbers are subnormal */
    const double small = x < -40.0 ? -1.0 : near;
    return x > 710.0 ? INFINITY : small;
}

#endif
