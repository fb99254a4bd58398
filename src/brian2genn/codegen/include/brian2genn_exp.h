/* exp and expm1 in double precision without branches.  A processor computes them for several elements
   at once, with any compiler; on a GPU, where what follows a branch waits until it is known where
   that goes, several of them are computed side by side.

   x = k log 2 + r with |r| <= log(2)/2 (W. J. Cody and W. Waite, 1980, Software manual for the
   elementary functions); exp(r) - 1 = r + r^2 q(r), where q is of degree 9, by Remez's algorithm;
   its error is below 2^-58.  The polynomial is evaluated from pairs of terms (G. Estrin, 1960), in
   half the steps that wait for each other.  Errors are below 1.1 (exp) and 2 (expm1) units in the
   last place (tests/codegen/include/test_exp_header.py). */
#ifndef BRIAN2GENN_EXP_H
#define BRIAN2GENN_EXP_H

#include "brian2genn_bits.h"

/* exp(x) = 2^k (1 + p), for -1400 < x < 1400; k is signed. */
typedef struct {
    double p;
    uint32_t k;
} b2g_reduced;

B2G_FN b2g_reduced b2g_reduce(double x)
{
    /* the sum has k in its last bits, rounded to the nearest */
    const double shifted = B2G_FMA(x, 1.4426950408889634, 6755399441055744.0);
    const double k = shifted - 6755399441055744.0;
    /* so many bits of log 2 that the first difference is exact, and the others */
    const double r = B2G_FMA(k, 1.7239444525614835e-13, B2G_FMA(k, -0.6931471805601177, x));
    const double r2 = r * r, r4 = r2 * r2;
    const double q01 = B2G_FMA(r, 0.166666666666667, 0.5000000000000012);
    const double q23 = B2G_FMA(r, 0.008333333333307238, 0.041666666666515535);
    const double q45 = B2G_FMA(r, 0.00019841269917309672, 0.0013888888946981765);
    const double q67 = B2G_FMA(r, 2.7557216370292567e-06, 2.4801489980560488e-05);
    const double q89 = B2G_FMA(r, 2.5117838154683124e-08, 2.7631265717670046e-07);
    const double q0123 = B2G_FMA(q23, r2, q01), q4567 = B2G_FMA(q67, r2, q45);
    const double q = B2G_FMA(B2G_FMA(q89, r4, q4567), r4, q0123);
    const b2g_reduced reduced = {B2G_FMA(r2, q, r), (uint32_t)b2g_bits(shifted)};
    return reduced;
}

/* 2^k for -1023 < k < 1024 (of k as a signed number; unsigned ones may overflow). */
B2G_FN double b2g_power_of_2(uint32_t k) { return b2g_from_bits((uint64_t)(k + 1023u) << 52); }

B2G_FN double b2g_exp_f64(double x)
{
    const b2g_reduced e = b2g_reduce(x);
    /* in two factors: 2^k may be more than the largest number, or less than the smallest */
    const uint32_t half = (uint32_t)((int32_t)e.k >> 1);
    const double scale = b2g_power_of_2(half);
    const double value = B2G_FMA(e.p, scale, scale) * b2g_power_of_2(e.k - half);
    const double above = x < -746.0 ? 0.0 : value;
    return x > 710.0 ? INFINITY : above;
}

B2G_FN double b2g_expm1_f64(double x)
{
    const b2g_reduced e = b2g_reduce(x);
    const double scale = b2g_power_of_2(e.k - 1u);
    const double value = 2.0 * B2G_FMA(e.p, scale, scale - 0.5);
    const double around_0 = e.k == 0 ? e.p : value; /* exact also where numbers are subnormal */
    const double above = x < -40.0 ? -1.0 : around_0;
    return x > 710.0 ? INFINITY : above;
}

#endif
