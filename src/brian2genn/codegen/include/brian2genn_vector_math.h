/* Functions of the C library whose results do not depend on where in a loop an element is, for gcc and
 * glibc.
 *
 * A compiler takes vector functions of several widths for a loop, and the scalar one for what is left
 * over; each of them rounds in its own way.  Here one, two and four numbers are computed as the
 * widest vector, by the function that glibc has for that.  So what an element gets does not depend on
 * which others are beside it: on the range that a process or a thread has of an array.
 *
 * The functions that a program calls are those of which B2G_LOOPS_CALL_... is defined: each takes the
 * compiler some time. */
#ifndef BRIAN2GENN_VECTOR_MATH_H
#define BRIAN2GENN_VECTOR_MATH_H

#include "brian2genn_platform.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef double b2g_f64x2 __attribute__((vector_size(16)));
typedef double b2g_f64x4 __attribute__((vector_size(32)));
typedef double b2g_f64x8 __attribute__((vector_size(64)));
typedef float b2g_f32x4 __attribute__((vector_size(16)));
typedef float b2g_f32x8 __attribute__((vector_size(32)));
typedef float b2g_f32x16 __attribute__((vector_size(64)));

#define B2G_HAS_LOOPS __attribute__((simd("notinbranch"), const, nothrow))
/* Weak, because each half of a large program has them; the compiler does not see that it calls them. */
#define B2G_OF_LOOPS __attribute__((used, weak, visibility("hidden")))


/* The widest vectors that a loop can have here, and what names of their functions begin with. */
#if defined(__AVX512F__)
#define B2G_WIDE_F64 b2g_f64x8
#define B2G_WIDE_F32 b2g_f32x16
#define B2G_WIDE_NAME_F64 "_ZGVeN8"
#define B2G_WIDE_NAME_F32 "_ZGVeN16"
#define B2G_FOUR "_ZGVdN4"
#define B2G_EIGHT "_ZGVdN8"
#elif defined(__AVX2__)
#define B2G_WIDE_F64 b2g_f64x4
#define B2G_WIDE_F32 b2g_f32x8
#define B2G_WIDE_NAME_F64 "_ZGVdN4"
#define B2G_WIDE_NAME_F32 "_ZGVdN8"
#elif defined(__AVX__)
#define B2G_WIDE_F64 b2g_f64x4
#define B2G_WIDE_F32 b2g_f32x8
#define B2G_WIDE_NAME_F64 "_ZGVcN4"
#define B2G_WIDE_NAME_F32 "_ZGVcN8"
#else
#define B2G_WIDE_F64 b2g_f64x2
#define B2G_WIDE_F32 b2g_f32x4
#define B2G_WIDE_NAME_F64 "_ZGVbN2"
#define B2G_WIDE_NAME_F32 "_ZGVbN4"
#endif

/* The compiler's function for `n` numbers, by that for the widest vector.  `vectors` are `v` for each
   argument; lanes that nobody wants repeat those that somebody does, as they may be slow otherwise. */
#define B2G_LOOP_OF_ONE(function, name, n, some, wide, prefix) \
    some b2g_##function##_##n(some x) __asm__(prefix "v_b2g_loop_" name); \
    B2G_OF_LOOPS some b2g_##function##_##n(some x) \
    { \
        wide all; \
        some result; \
        for (int k = 0; k < (int)(sizeof(wide) / sizeof(x[0])); k++) \
            all[k] = x[k % n]; \
        const wide y = b2g_##function##_wide(all); \
        for (int k = 0; k < n; k++) \
            result[k] = y[k]; \
        return result; \
    }
#define B2G_LOOP_OF_TWO(function, name, n, some, wide, prefix) \
    some b2g_##function##_##n(some x, some z) __asm__(prefix "vv_b2g_loop_" name); \
    B2G_OF_LOOPS some b2g_##function##_##n(some x, some z) \
    { \
        wide all, others; \
        some result; \
        for (int k = 0; k < (int)(sizeof(wide) / sizeof(x[0])); k++) { \
            all[k] = x[k % n]; \
            others[k] = z[k % n]; \
        } \
        const wide y = b2g_##function##_wide(all, others); \
        for (int k = 0; k < n; k++) \
            result[k] = y[k]; \
        return result; \
    }

/* Those of all widths of a function of one argument, and of two. */
#define B2G_WIDEST_OF_ONE(function, name, number, wide, wide_name) \
    extern wide b2g_##function##_wide(wide) __asm__(wide_name "v_" name); \
    wide b2g_##function##_loop(wide x) __asm__(wide_name "v_b2g_loop_" name); \
    B2G_OF_LOOPS wide b2g_##function##_loop(wide x) { return b2g_##function##_wide(x); } \
    extern B2G_HAS_LOOPS number function(number) __asm__("b2g_loop_" name); \
    number b2g_##function##_1(number x) __asm__("b2g_loop_" name); \
    B2G_OF_LOOPS number b2g_##function##_1(number x) \
    { \
        const wide none = {0}; \
        return b2g_##function##_wide(x - none)[0]; \
    }
#define B2G_WIDEST_OF_TWO(function, name, number, wide, wide_name) \
    extern wide b2g_##function##_wide(wide, wide) __asm__(wide_name "vv_" name); \
    wide b2g_##function##_loop(wide x, wide z) __asm__(wide_name "vv_b2g_loop_" name); \
    B2G_OF_LOOPS wide b2g_##function##_loop(wide x, wide z) \
    { \
        return b2g_##function##_wide(x, z); \
    } \
    extern B2G_HAS_LOOPS number function(number, number) __asm__("b2g_loop_" name); \
    number b2g_##function##_1(number x, number z) __asm__("b2g_loop_" name); \
    B2G_OF_LOOPS number b2g_##function##_1(number x, number z) \
    { \
        const wide none = {0}; \
        return b2g_##function##_wide(x - none, z - none)[0]; \
    }

#if defined(__AVX512F__)
#define B2G_NARROW_F64(of, function, name) \
    of(function, name, 2, b2g_f64x2, B2G_WIDE_F64, "_ZGVbN2") \
    of(function, name, 4, b2g_f64x4, B2G_WIDE_F64, B2G_FOUR)
#define B2G_NARROW_F32(of, function, name) \
    of(function, name, 4, b2g_f32x4, B2G_WIDE_F32, "_ZGVbN4") \
    of(function, name, 8, b2g_f32x8, B2G_WIDE_F32, B2G_EIGHT)
#elif defined(__AVX__)
#define B2G_NARROW_F64(of, function, name) of(function, name, 2, b2g_f64x2, B2G_WIDE_F64, "_ZGVbN2")
#define B2G_NARROW_F32(of, function, name) of(function, name, 4, b2g_f32x4, B2G_WIDE_F32, "_ZGVbN4")
#else
#define B2G_NARROW_F64(of, function, name)
#define B2G_NARROW_F32(of, function, name)
#endif

/* A function for doubles, and for floats. */
#define B2G_LOOPS_F64(arguments, function) \
    B2G_WIDEST_OF_##arguments(function, #function, double, B2G_WIDE_F64, B2G_WIDE_NAME_F64) \
    B2G_NARROW_F64(B2G_LOOP_OF_##arguments, function, #function)
#define B2G_LOOPS_F32(arguments, function) \
    B2G_WIDEST_OF_##arguments(function, #function, float, B2G_WIDE_F32, B2G_WIDE_NAME_F32) \
    B2G_NARROW_F32(B2G_LOOP_OF_##arguments, function, #function)

#ifdef B2G_LOOPS_CALL_log
B2G_LOOPS_F64(ONE, log)
B2G_LOOPS_F32(ONE, logf)
#endif
#ifdef B2G_LOOPS_CALL_sin
B2G_LOOPS_F64(ONE, sin)
B2G_LOOPS_F32(ONE, sinf)
#endif
#ifdef B2G_LOOPS_CALL_cos
B2G_LOOPS_F64(ONE, cos)
B2G_LOOPS_F32(ONE, cosf)
#endif
#ifdef B2G_LOOPS_CALL_pow
B2G_LOOPS_F64(TWO, pow)
B2G_LOOPS_F32(TWO, powf)
#endif
/* with AVX2 and AVX-512, exp and expm1 of doubles are our own (brian2genn_vector_exp.h) */
#ifdef B2G_LOOPS_CALL_exp
#ifndef B2G_LOOP_FUNCTION
B2G_LOOPS_F64(ONE, exp)
#endif
B2G_LOOPS_F32(ONE, expf)
#endif
#if B2G_VECTOR_MATH > 1 /* glibc 2.35 and newer */
#ifdef B2G_LOOPS_CALL_log1p
B2G_LOOPS_F64(ONE, log1p)
B2G_LOOPS_F32(ONE, log1pf)
#endif
#ifdef B2G_LOOPS_CALL_log10
B2G_LOOPS_F64(ONE, log10)
B2G_LOOPS_F32(ONE, log10f)
#endif
#ifdef B2G_LOOPS_CALL_tan
B2G_LOOPS_F64(ONE, tan)
B2G_LOOPS_F32(ONE, tanf)
#endif
#ifdef B2G_LOOPS_CALL_sinh
B2G_LOOPS_F64(ONE, sinh)
B2G_LOOPS_F32(ONE, sinhf)
#endif
#ifdef B2G_LOOPS_CALL_cosh
B2G_LOOPS_F64(ONE, cosh)
B2G_LOOPS_F32(ONE, coshf)
#endif
#ifdef B2G_LOOPS_CALL_tanh
B2G_LOOPS_F64(ONE, tanh)
B2G_LOOPS_F32(ONE, tanhf)
#endif
#ifdef B2G_LOOPS_CALL_asin
B2G_LOOPS_F64(ONE, asin)
B2G_LOOPS_F32(ONE, asinf)
#endif
#ifdef B2G_LOOPS_CALL_acos
B2G_LOOPS_F64(ONE, acos)
B2G_LOOPS_F32(ONE, acosf)
#endif
#ifdef B2G_LOOPS_CALL_atan
B2G_LOOPS_F64(ONE, atan)
B2G_LOOPS_F32(ONE, atanf)
#endif
#ifdef B2G_LOOPS_CALL_expm1
#ifndef B2G_LOOP_FUNCTION
B2G_LOOPS_F64(ONE, expm1)
#endif
B2G_LOOPS_F32(ONE, expm1f)
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif
