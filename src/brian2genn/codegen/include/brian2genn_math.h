/* Brian's functions that C lacks, and vector versions of those it has.
   C11, valid C++ and CUDA too. */
#ifndef BRIAN2GENN_MATH_H
#define BRIAN2GENN_MATH_H

#include "brian2genn_platform.h"

/* With these attributes a loop uses the vector versions in libmvec without
   -ffast-math, so that NaN and infinity keep their meaning. */
#ifdef B2G_VECTOR_MATH
#ifdef B2G_EXPONENTIALS
/* exp and expm1 of our own, where a program's steps have any: they take two thirds of the time with
   AVX-512, and with AVX2 a tenth where results are 0 or infinite */
#if defined(__AVX512F__)
#include "brian2genn_vector_exp.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "brian2genn_vector_exp_4.h"
#endif
#endif
#include "brian2genn_vector_math.h"
#ifdef __cplusplus
extern "C" {
#endif
#define B2G_VECTOR __attribute__((simd("notinbranch"), const, nothrow))
#define B2G_DECLARE(name) \
    extern B2G_VECTOR double name(double); \
    extern B2G_VECTOR float name##f(float);
B2G_DECLARE(exp)
B2G_DECLARE(log)
B2G_DECLARE(sin)
B2G_DECLARE(cos)
extern B2G_VECTOR double pow(double, double);
extern B2G_VECTOR float powf(float, float);
#if B2G_VECTOR_MATH > 1 /* glibc 2.35 and newer */
B2G_DECLARE(expm1)
B2G_DECLARE(log1p)
B2G_DECLARE(log10)
B2G_DECLARE(tan)
B2G_DECLARE(sinh)
B2G_DECLARE(cosh)
B2G_DECLARE(tanh)
B2G_DECLARE(asin)
B2G_DECLARE(acos)
B2G_DECLARE(atan)
#endif
#ifdef __cplusplus
}
#endif
#endif

/* A function in which a*b + c is rounded twice, as written. */
#if defined(__clang__)
#define B2G_NO_CONTRACTION
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#define B2G_NO_CONTRACTION __attribute__((optimize("fp-contract=off")))
#else
#define B2G_NO_CONTRACTION
#endif

/* exp and expm1.  Vector functions are faster in a loop that has many of them, and set-up code has to
   round as Brian's NumPy code does; elsewhere they are our own, inlined. */
#if defined(B2G_VECTOR_MATH) || defined(B2G_EXP_OF_THE_LIBRARY)
B2G_FN double b2g_exp_f64(double x) { return exp(x); }
B2G_FN double b2g_expm1_f64(double x) { return expm1(x); }
#else
#include "brian2genn_exp.h"
#endif
#if defined(B2G_VECTOR_MATH) || defined(B2G_EXP_OF_THE_LIBRARY) || defined(__CUDACC_RTC__)
B2G_FN float b2g_exp_f32(float x) { return expf(x); }
B2G_FN float b2g_expm1_f32(float x) { return expm1f(x); }
#else
B2G_FN float b2g_exp_f32(float x) { return (float)b2g_exp_f64(x); }
B2G_FN float b2g_expm1_f32(float x) { return (float)b2g_expm1_f64(x); }
#endif

/* A quotient.  On a GPU it has no branches, so that a thread computes several side by side: that of
   the compiler branches for the largest and smallest numbers, and what is behind a branch waits.
   Both are scaled by a power of two, after which the divisor is of moderate size; the reciprocal is
   refined twice at once, the quotient by its remainder (P. Markstein, "Computation of elementary
   functions on the IBM RISC System/6000 processor", IBM J. Res. Dev. 34 (1990) 111-119).  Quotients
   that are numbers of this type are exact; subnormal ones may lack bits. */
#if defined(__CUDA_ARCH__)
B2G_FN double b2g_div(double a, double b)
{
    const int exponent = __double2hiint(b) >> 20 & 0x7FF;
    const double scale = __hiloint2double(max(2045 - exponent, 1) << 20, 0);
    const double x = a * scale, y = b * scale;
    double r;
    asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(y));
    const double special = x * r; /* right for 0, infinity and NaN */
    const double error = fma(-y, r, 1.0);
    r = fma(r, fma(error, error, error), r);
    const double q = x * r;
    const double rest = fma(-y, q, x);
    return fabs(rest) < INFINITY && x != 0.0 ? fma(rest, r, q) : special;
}
#else
B2G_FN double b2g_div(double a, double b) { return a / b; }
#endif

/* (exp(x) - 1)/x and its inverse without branches: 1 at 0, and at infinity what
   the limit is.  The value that is not selected may be NaN. */
B2G_FN_LONG double b2g_exprel_f64(double x)
{
    const double quotient = b2g_div(b2g_expm1_f64(x), x);
    const double finite = x > 717.0 ? INFINITY : quotient;
    return fabs(x) < 1e-16 ? 1.0 : finite;
}
B2G_FN_LONG float b2g_exprel_f32(float x)
{
    const float quotient = b2g_expm1_f32(x) / x;
    const float finite = x > 93.0f ? INFINITY : quotient;
    return fabsf(x) < 1e-16f ? 1.0f : finite;
}
B2G_FN_LONG double b2g_inverse_exprel_f64(double x)
{
    const double quotient = b2g_div(x, b2g_expm1_f64(x));
    const double finite = x > 717.0 ? 0.0 : quotient;
    return fabs(x) < 1e-16 ? 1.0 : finite;
}
B2G_FN_LONG float b2g_inverse_exprel_f32(float x)
{
    const float quotient = x / b2g_expm1_f32(x);
    const float finite = x > 93.0f ? 0.0f : quotient;
    return fabsf(x) < 1e-16f ? 1.0f : finite;
}

#define B2G_FLOAT_FUNCTIONS(type, suffix) \
    B2G_FN_LONG type b2g_sign##suffix(type x) \
    { \
        return x != x ? x : (type)((x > 0) - (x < 0)); \
    } \
    B2G_FN_LONG type b2g_clip##suffix(type x, type low, type high) \
    { \
        type raised = x < low ? low : x; \
        return raised > high ? high : raised; \
    }

B2G_FLOAT_FUNCTIONS(double, _f64)
B2G_FLOAT_FUNCTIONS(float, _f32)

/* A float as a whole number. What does not fit, and what is no number, is the smallest one, as on
   x86, where NumPy leaves it to the processor. Others saturate, and C says nothing. */
B2G_FN_LONG int32_t b2g_whole_i32(double x)
{
    return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : -2147483647 - 1;
}
B2G_FN_LONG int64_t b2g_whole_i64(double x)
{
#if defined(__x86_64__) && !defined(__CUDACC__)
    return (int64_t)x; /* every time step has it where neurons are refractory */
#else
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0
               ? (int64_t)x : -9223372036854775807LL - 1;
#endif
}
#include "brian2genn_modulo.h"

/* Python's meaning of % and // : the result has the sign of the divisor.
   Division by zero gives 0, as NumPy's integers do, and not a crash. What is too large wraps
   around, as there, which C defines without a sign only. */
#define B2G_INTEGER_FUNCTIONS(type, suffix) \
    B2G_FN_LONG type b2g_abs##suffix(type x) { return x < 0 ? (type)(0 - (u##type)x) : x; } \
    B2G_FN_LONG type b2g_sign##suffix(type x) { return (type)((x > 0) - (x < 0)); } \
    B2G_FN_LONG type b2g_clip##suffix(type x, type low, type high) \
    { \
        type raised = x < low ? low : x; \
        return raised > high ? high : raised; \
    } \
    B2G_FN_LONG type b2g_mod##suffix(type x, type y) \
    { \
        if (y == 0 || y == -1) \
            return 0; \
        type r = x % y; \
        return r + ((r != 0) & ((r ^ y) < 0)) * y; \
    } \
    B2G_FN_LONG type b2g_floordiv##suffix(type x, type y) \
    { \
        if (y == 0) \
            return 0; \
        if (y == -1) \
            return (type)(0 - (uint64_t)x); \
        type q = x / y; \
        type r = x - q * y; \
        return q - ((r != 0) & ((r ^ y) < 0)); \
    } \
    B2G_FN_LONG type b2g_pow##suffix(type base, type exponent) \
    { \
        type result = 1; \
        if (exponent < 0) \
            return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0; \
        for (; exponent; exponent >>= 1, base = (type)((u##type)base * (u##type)base)) \
            if (exponent & 1) \
                result = (type)((u##type)result * (u##type)base); \
        return result; \
    }

B2G_INTEGER_FUNCTIONS(int32_t, _i32)
B2G_INTEGER_FUNCTIONS(int64_t, _i64)

/* The sample of a time array that holds at time t (Brian's TimedArray). */
B2G_FN_LONG int64_t b2g_sample(double t, double epsilon, double upsampling, int64_t rows)
{
    int64_t row = (int64_t)((t / epsilon + 0.5) / upsampling);
    return row < 0 ? 0 : row >= rows ? rows - 1 : row;
}

#endif
