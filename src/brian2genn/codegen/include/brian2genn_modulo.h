/* Python's % and // of floating point numbers.  The remainder is exact, but for the one addition
   that gives it the sign of the divisor, and the quotient is the one that belongs to it.  Results
   are NumPy's to the last bit, also for zeros, infinities and NaN. */
#ifndef BRIAN2GENN_MODULO_H
#define BRIAN2GENN_MODULO_H

#include "brian2genn_bits.h"

#if !defined(B2G_FMA_IS_EXACT)
#define B2G_DEFINE_FMOD(type, suffix, f, fma_, select, limit) \
    B2G_FN type b2g_fmod##suffix(type x, type y) { return (type)fmod((double)x, (double)y); }
#else
#if defined(B2G_VECTOR_MATH)
/* The loop around it stays a vector loop: it is called for all elements, does nothing for those of
   which it is not asked anything, and computes the others one after the other. */
#define B2G_DEFINE_FMOD_OF_FEW(type, suffix) \
    static __attribute__((simd("notinbranch"), const, nothrow, noinline, unused)) type \
        b2g_fmod_of_few##suffix(type x, type y) \
    { \
        return (x == 0) & (y == 1) ? x : (type)fmod((double)x, (double)y); \
    }
#define B2G_OR_FMOD(type, suffix, f, select) \
    const uint32_t few = !(fabs##f(q) < limit); \
    return select(few, b2g_fmod_of_few##suffix(select(few, x, 0), select(few, y, 1)), result);
#else
#define B2G_DEFINE_FMOD_OF_FEW(type, suffix)
#define B2G_OR_FMOD(type, suffix, f, select) return fabs##f(q) < limit ? result : (type)fmod((double)x, (double)y);
#endif
/* fmod, which has no vector version (and of doubles is exact for floats, too), is needed only where quotients are large.  Where they are below
   2^53 (2^24), `q` is the whole part or the next number, as the quotient is rounded; what is left is
   exact, because fma rounds once, and x - q y is less than y and a multiple of its last bit.  If it
   has not the sign of x, the sum with y is exact, too.  (An infinite y is larger than x.) */
#define B2G_DEFINE_FMOD(type, suffix, f, fma_, select, largest) \
    B2G_DEFINE_FMOD_OF_FEW(type, suffix) \
    B2G_FN type b2g_fmod##suffix(type x, type y) \
    { \
        const type limit = largest, q = trunc##f(x / y); \
        const type left = fabs##f(x) < fabs##f(y) ? x : fma_(-q, y, x); \
        const type other = left + copysign##f(y, x); \
        const type result = (x < 0 ? left > 0 : left < 0) ? other : left; \
        B2G_OR_FMOD(type, suffix, f, select) \
    }
#endif

#define B2G_DEFINE_MODULO(type, suffix, f, fma_, select, largest) \
    B2G_DEFINE_FMOD(type, suffix, f, fma_, select, largest) \
    B2G_FN type b2g_mod##suffix(type x, type y) \
    { \
        const type rest = b2g_fmod##suffix(x, y); \
        const type signed_as_y = (rest < 0) != (y < 0) ? rest + y : rest; \
        return rest == 0 ? copysign##f((type)0, y) : signed_as_y; \
    } \
    B2G_FN type b2g_floordiv##suffix(type x, type y) \
    { \
        const type rest = b2g_fmod##suffix(x, y); \
        /* very nearly a whole number: where it is not, this is from rounding */ \
        const type nearly = (x - rest) / y - (type)((rest != 0) & ((rest < 0) != (y < 0))); \
        const type below = floor##f(nearly); \
        const type whole = nearly - below > (type)0.5 ? below + 1 : below; \
        const type quotient = nearly == 0 ? copysign##f((type)0, x / y) : whole; \
        return y == 0 ? x / y : quotient; \
    }

B2G_DEFINE_MODULO(double, _f64, , B2G_FMA, b2g_select, 9007199254740992.0)
B2G_DEFINE_MODULO(float, _f32, f, B2G_FMAF, b2g_selectf, 16777216.0f)

#endif
