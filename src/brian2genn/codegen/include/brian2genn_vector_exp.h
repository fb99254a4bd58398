/* exp and expm1 for loops of processors with AVX-512, for gcc: eight numbers at once.
 *
 * They take the places of those of the C library: loops that have been declared to call a vector
 * version of exp call these.  They are functions, not inlined: a loop with ten exponentials would be
 * compiled for twice as long, and its code be too long to be kept decoded.  One number, two and four
 * are computed as eight, so what an element gets does not depend on which others are beside it.
 *
 * exp: x = k log(2)/16 + r with |r| <= log(2)/32; 2^(k/16) is 2^floor(k/16) times a number of a table
 * that fits into two registers (P. T. P. Tang, 1989, ACM Trans. Math. Softw. 15:144-157), and
 * exp(r) - 1 = r + r^2 q(r), where q is of degree 4 and interpolates at Chebyshev's points.  expm1 has
 * the polynomial of brian2genn_exp.h: numbers of the table would be rounded, and 1 subtracted.  Errors
 * are below 1.3 (exp) and 2 (expm1) units in the last place (tests/codegen/include/test_exp_header.py). */
#ifndef BRIAN2GENN_VECTOR_EXP_H
#define BRIAN2GENN_VECTOR_EXP_H

#include "brian2genn_platform.h"

#ifdef __cplusplus
extern "C" {
#endif
/* with another name each, which their vector versions have, too */
#define B2G_HAS_VECTORS __attribute__((simd("notinbranch"), const, nothrow))
extern B2G_HAS_VECTORS double exp(double) __asm__("b2g_loop_exp");
extern B2G_HAS_VECTORS double expm1(double) __asm__("b2g_loop_expm1");

typedef double b2g_8 __attribute__((vector_size(64)));
typedef double b2g_4 __attribute__((vector_size(32)));
typedef double b2g_2 __attribute__((vector_size(16)));
typedef long long b2g_whole_8 __attribute__((vector_size(64)));

B2G_FN b2g_8 b2g_all_8(double x)
{
    const b2g_8 all = {x, x, x, x, x, x, x, x};
    return all;
}

/* The instructions, as the headers of gcc have them: of all eight elements, rounded as ever. */
#define B2G_ALL_8 ((unsigned char)-1), 4
B2G_FN b2g_8 b2g_fma_8(b2g_8 a, b2g_8 b, b2g_8 c)
{
    return __builtin_ia32_vfmaddpd512_mask(a, b, c, B2G_ALL_8);
}
B2G_FN b2g_8 b2g_fma_of_8(b2g_8 a, double b, double c)
{
    return b2g_fma_8(a, b2g_all_8(b), b2g_all_8(c));
}
/* a 2^floor(b), with the result that is nearest, be it subnormal or infinite */
B2G_FN b2g_8 b2g_scale_8(b2g_8 a, b2g_8 b)
{
    return __builtin_ia32_scalefpd512_mask(a, b, a, B2G_ALL_8);
}
/* Between -1000 and 1000, where functions have long reached their limits; NaN stays. */
B2G_FN b2g_8 b2g_moderate_8(b2g_8 x)
{
    x = __builtin_ia32_maxpd512_mask(b2g_all_8(-1000.0), x, x, B2G_ALL_8);
    return __builtin_ia32_minpd512_mask(b2g_all_8(1000.0), x, x, B2G_ALL_8);
}

/* The nearest whole number to what is added to it, which is in the last bits of the sum. */
#define B2G_TO_WHOLE 6755399441055744.0

B2G_FN b2g_8 b2g_exp_of_8(b2g_8 x)
{
    const b2g_8 low = {0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0,
                       0x1.2387a6e756238p+0, 0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0,
                       0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0};
    const b2g_8 high = {0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0,
                        0x1.9c49182a3f090p+0, 0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0,
                        0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0};
    b2g_8 shifted, k, r, r2, q01, q23, q, p, power;
    x = b2g_moderate_8(x);
    shifted = b2g_fma_of_8(x, 23.083120654223414, B2G_TO_WHOLE);
    k = shifted - B2G_TO_WHOLE;
    r = b2g_fma_8(k, b2g_all_8(-0x1.62e42fefa39efp-5), x);
    r = b2g_fma_8(k, b2g_all_8(-0x1.abc9e3b39803fp-60), r);
    r2 = r * r;
    q01 = b2g_fma_of_8(r, 0x1.55555554dd388p-3, 0.5);
    q23 = b2g_fma_of_8(r, 0x1.11120b03cd855p-7, 0x1.555555551946fp-5);
    q = b2g_fma_8(b2g_fma_8(b2g_all_8(0x1.6c17bb5ebddb4p-10), r2, q23), r2, q01);
    p = b2g_fma_8(r2, q, r);
    /* the last four bits choose */
    power = __builtin_shuffle(low, high, (b2g_whole_8)shifted);
    return b2g_scale_8(b2g_fma_8(p, power, power), k * 0.0625);
}

B2G_FN b2g_8 b2g_expm1_of_8(b2g_8 x)
{
    b2g_8 k, r, r2, r4, q01, q23, q45, q67, q89, q, finite, power;
    x = b2g_moderate_8(x);
    k = b2g_fma_of_8(x, 1.4426950408889634, B2G_TO_WHOLE) - B2G_TO_WHOLE;
    r = b2g_fma_8(k, b2g_all_8(-0.6931471805601177), x);
    r = b2g_fma_8(k, b2g_all_8(1.7239444525614835e-13), r);
    r2 = r * r;
    r4 = r2 * r2;
    q01 = b2g_fma_of_8(r, 0.166666666666667, 0.5000000000000012);
    q23 = b2g_fma_of_8(r, 0.008333333333307238, 0.041666666666515535);
    q45 = b2g_fma_of_8(r, 0.00019841269917309672, 0.0013888888946981765);
    q67 = b2g_fma_of_8(r, 2.7557216370292567e-06, 2.4801489980560488e-05);
    q89 = b2g_fma_of_8(r, 2.5117838154683124e-08, 2.7631265717670046e-07);
    q = b2g_fma_8(b2g_fma_8(q89, r4, b2g_fma_8(q67, r2, q45)), r4, b2g_fma_8(q23, r2, q01));
    /* the result may be finite where 2^k is not */
    finite = __builtin_ia32_minpd512_mask(b2g_all_8(1023.0), k, k, B2G_ALL_8);
    power = b2g_scale_8(b2g_all_8(1.0), finite);
    return b2g_scale_8(b2g_fma_8(b2g_fma_8(r2, q, r), power, power - 1.0), k - finite);
}

/* What the compiler calls by these names, with 8, 4, 2 and 1 numbers.  It does not see that it does.
   Weak, because each half of a large program has them. */
#define B2G_NAMED(name) __attribute__((used, weak, visibility("hidden"))) name
#define B2G_LOOP_FUNCTION(function) \
    b2g_8 b2g_##function##_8(b2g_8 x) __asm__("_ZGVeN8v_b2g_loop_" #function); \
    b2g_4 b2g_##function##_4(b2g_4 x) __asm__("_ZGVdN4v_b2g_loop_" #function); \
    b2g_2 b2g_##function##_2(b2g_2 x) __asm__("_ZGVbN2v_b2g_loop_" #function); \
    double b2g_##function##_1(double x) __asm__("b2g_loop_" #function); \
    __attribute__((noinline)) B2G_NAMED(b2g_8) b2g_##function##_8(b2g_8 x) \
    { \
        return b2g_##function##_of_8(x); \
    } \
    B2G_NAMED(b2g_4) b2g_##function##_4(b2g_4 x) \
    { \
        const b2g_8 eight = {x[0], x[1], x[2], x[3]}; \
        const b2g_8 y = b2g_##function##_8(eight); \
        const b2g_4 four = {y[0], y[1], y[2], y[3]}; \
        return four; \
    } \
    B2G_NAMED(b2g_2) b2g_##function##_2(b2g_2 x) \
    { \
        const b2g_8 eight = {x[0], x[1]}; \
        const b2g_8 y = b2g_##function##_8(eight); \
        const b2g_2 two = {y[0], y[1]}; \
        return two; \
    } \
    B2G_NAMED(double) b2g_##function##_1(double x) \
    { \
        const b2g_8 eight = {x}; \
        return b2g_##function##_8(eight)[0]; \
    }
B2G_LOOP_FUNCTION(exp)
B2G_LOOP_FUNCTION(expm1)

#ifdef __cplusplus
}
#endif

#endif
