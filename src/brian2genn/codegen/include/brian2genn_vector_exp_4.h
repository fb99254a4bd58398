/* exp and expm1 for loops of processors with AVX2 and without AVX-512, for gcc: four numbers at once.
 *
 * They take the places of those of the C library, as those of brian2genn_vector_exp.h do.  Those of the
 * library are nearly as fast where numbers are of usual size, but compute what is beyond, where the
 * result is 0 or infinite, one by one and ten times as slowly: what has decayed since a spike is often 0.
 *
 * The method, its source and the polynomial are those of brian2genn_exp.h.  Errors are below 1.1 (exp)
 * and 2 (expm1) units in the last place (tests/codegen/include/test_exp_header.py). */
#ifndef BRIAN2GENN_VECTOR_EXP_4_H
#define BRIAN2GENN_VECTOR_EXP_4_H

#include "brian2genn_platform.h"

#ifdef __cplusplus
extern "C" {
#endif
/* with another name each, which their vector versions have, too */
#define B2G_HAS_VECTORS __attribute__((simd("notinbranch"), const, nothrow))
extern B2G_HAS_VECTORS double exp(double) __asm__("b2g_loop_exp");
extern B2G_HAS_VECTORS double expm1(double) __asm__("b2g_loop_expm1");

typedef double b2g_4 __attribute__((vector_size(32)));
typedef double b2g_2 __attribute__((vector_size(16)));
typedef long long b2g_whole_4 __attribute__((vector_size(32)));
/* what may overflow, where the result is none */
typedef unsigned long long b2g_bits_4 __attribute__((vector_size(32)));

B2G_FN b2g_4 b2g_all_4(double x)
{
    const b2g_4 all = {x, x, x, x};
    return all;
}

/* The instructions, as the headers of gcc have them. */
B2G_FN b2g_4 b2g_fma_4(b2g_4 a, b2g_4 b, b2g_4 c) { return __builtin_ia32_vfmaddpd256(a, b, c); }
B2G_FN b2g_4 b2g_fma_of_4(b2g_4 a, double b, double c)
{
    return b2g_fma_4(a, b2g_all_4(b), b2g_all_4(c));
}
/* What is in a lane where its condition holds, else what is in the other one. */
B2G_FN b2g_4 b2g_where_4(b2g_whole_4 condition, b2g_4 value, b2g_4 other)
{
    return __builtin_ia32_blendvpd256(other, value, (b2g_4)condition);
}
/* Infinity for numbers whose exponential is none, and NaN for NaN. */
B2G_FN b2g_4 b2g_or_infinite_4(b2g_4 x, b2g_4 value)
{
    return b2g_where_4(~(x <= 709.782712893384), x + INFINITY, value);
}

/* The nearest whole number to what is added to it, which is in the last bits of the sum. */
#define B2G_TO_WHOLE 6755399441055744.0

/* exp(x) = 2^k (1 + p), with k in the last bits; of use where 2^k is about a number of this type. */
B2G_FN b2g_bits_4 b2g_reduce_4(b2g_4 x, b2g_4 *const p)
{
    const b2g_4 shifted = b2g_fma_of_4(x, 1.4426950408889634, B2G_TO_WHOLE);
    const b2g_4 k = shifted - B2G_TO_WHOLE;
    const b2g_4 rest = b2g_fma_4(k, b2g_all_4(-0.6931471805601177), x);
    const b2g_4 r = b2g_fma_4(k, b2g_all_4(1.7239444525614835e-13), rest);
    const b2g_4 r2 = r * r, r4 = r2 * r2;
    const b2g_4 q01 = b2g_fma_of_4(r, 0.166666666666667, 0.5000000000000012);
    const b2g_4 q23 = b2g_fma_of_4(r, 0.008333333333307238, 0.041666666666515535);
    const b2g_4 q45 = b2g_fma_of_4(r, 0.00019841269917309672, 0.0013888888946981765);
    const b2g_4 q67 = b2g_fma_of_4(r, 2.7557216370292567e-06, 2.4801489980560488e-05);
    const b2g_4 q89 = b2g_fma_of_4(r, 2.5117838154683124e-08, 2.7631265717670046e-07);
    const b2g_4 q4567 = b2g_fma_4(q67, r2, q45), q0123 = b2g_fma_4(q23, r2, q01);
    const b2g_4 q = b2g_fma_4(b2g_fma_4(q89, r4, q4567), r4, q0123);
    *p = b2g_fma_4(r2, q, r);
    return (b2g_bits_4)shifted;
}

B2G_FN b2g_4 b2g_exp_of_4(b2g_4 x)
{
    b2g_4 p;
    const b2g_bits_4 k = b2g_reduce_4(x, &p);
    /* times 2^k; what is less than the smallest normal number is 0 in the time loop */
    const b2g_4 value = (b2g_4)((b2g_bits_4)(1.0 + p) + (k << 52));
    return b2g_or_infinite_4(x, (b2g_4)((b2g_whole_4)value & (x >= -708.3964185322641)));
}

B2G_FN b2g_4 b2g_expm1_of_4(b2g_4 x)
{
    b2g_4 p;
    const b2g_bits_4 k = b2g_reduce_4(x, &p);
    /* the result may be finite where 2^k is not */
    const b2g_4 half = (b2g_4)((k + 1022) << 52);
    const b2g_4 value = 2.0 * b2g_fma_4(p, half, half - 0.5);
    return b2g_or_infinite_4(x, b2g_where_4(x < -40.0, b2g_all_4(-1.0), value));
}

/* What the compiler calls by these names, with 4, 2 and 1 numbers.  It does not see that it does.
   Weak, because each half of a large program has them. */
#define B2G_NAMED(name) __attribute__((used, weak, visibility("hidden"))) name
#define B2G_LOOP_FUNCTION(function) \
    b2g_4 b2g_##function##_4(b2g_4 x) __asm__("_ZGVdN4v_b2g_loop_" #function); \
    b2g_2 b2g_##function##_2(b2g_2 x) __asm__("_ZGVbN2v_b2g_loop_" #function); \
    double b2g_##function##_1(double x) __asm__("b2g_loop_" #function); \
    __attribute__((noinline)) B2G_NAMED(b2g_4) b2g_##function##_4(b2g_4 x) \
    { \
        return b2g_##function##_of_4(x); \
    } \
    B2G_NAMED(b2g_2) b2g_##function##_2(b2g_2 x) \
    { \
        const b2g_4 four = {x[0], x[1], x[0], x[1]}; \
        const b2g_4 y = b2g_##function##_4(four); \
        const b2g_2 two = {y[0], y[1]}; \
        return two; \
    } \
    B2G_NAMED(double) b2g_##function##_1(double x) \
    { \
        return b2g_##function##_4(b2g_all_4(x))[0]; \
    }
B2G_LOOP_FUNCTION(exp)
B2G_LOOP_FUNCTION(expm1)

#ifdef __cplusplus
}
#endif

#endif
