/* Floating point numbers as bits, and choices between them that are no branches. */
#ifndef BRIAN2GENN_BITS_H
#define BRIAN2GENN_BITS_H

#include "brian2genn_platform.h"

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define B2G_FMA_IS_EXACT
#define B2G_FMA(a, b, c) fma((a), (b), (c))
#define B2G_FMAF(a, b, c) fmaf((a), (b), (c))
B2G_FN uint64_t b2g_bits(double x) { return (uint64_t)__double_as_longlong(x); }
B2G_FN double b2g_from_bits(uint64_t x) { return __longlong_as_double((long long)x); }
B2G_FN uint32_t b2g_bitsf(float x) { return (uint32_t)__float_as_int(x); }
B2G_FN float b2g_from_bitsf(uint32_t x) { return __int_as_float((int)x); }
#else
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__FP_FAST_FMA)
#define B2G_FMA_IS_EXACT
#define B2G_FMA(a, b, c) fma((a), (b), (c))
#define B2G_FMAF(a, b, c) fmaf((a), (b), (c))
#else /* without the instruction fma() is a slow library function */
#define B2G_FMA(a, b, c) ((a) * (b) + (c))
#define B2G_FMAF(a, b, c) ((a) * (b) + (c))
#endif
B2G_FN uint64_t b2g_bits(double x) { uint64_t r; __builtin_memcpy(&r, &x, 8); return r; }
B2G_FN double b2g_from_bits(uint64_t x) { double r; __builtin_memcpy(&r, &x, 8); return r; }
B2G_FN uint32_t b2g_bitsf(float x) { uint32_t r; __builtin_memcpy(&r, &x, 4); return r; }
B2G_FN float b2g_from_bitsf(uint32_t x) { float r; __builtin_memcpy(&r, &x, 4); return r; }
#endif

/* a where which is 1, b where it is 0. Written with masks because a compiler moves the computation
 * of the operands of ?: into branches when a caller uses one result only, and then the loop does
 * not vectorise. */
B2G_FN double b2g_select(uint32_t which, double a, double b)
{
    const uint64_t mask = 0u - (uint64_t)which;
    return b2g_from_bits((b2g_bits(a) & mask) | (b2g_bits(b) & ~mask));
}

B2G_FN float b2g_selectf(uint32_t which, float a, float b)
{
    const uint32_t mask = 0u - which;
    return b2g_from_bitsf((b2g_bitsf(a) & mask) | (b2g_bitsf(b) & ~mask));
}

#endif
