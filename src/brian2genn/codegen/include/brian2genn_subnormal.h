/* Numbers below the smallest normal one (2.2e-308, in single precision 1.2e-38) as 0, as Brian's C++
   targets have them.

   What decays comes there in a few seconds and stays there for ever, as it is rounded up; each
   operation with such a number takes many times as long: on some processors a hundred times. */
#ifndef BRIAN2GENN_SUBNORMAL_H
#define BRIAN2GENN_SUBNORMAL_H

#include "brian2genn_platform.h"

/* How this thread computes, and a way to compute that has no subnormal numbers, else the same. */
#if defined(__x86_64__) || defined(_M_X64)
typedef unsigned b2g_arithmetic;
#ifdef __GNUC__
B2G_FN b2g_arithmetic b2g_arithmetic_now(void) { return __builtin_ia32_stmxcsr(); }
B2G_FN void b2g_compute_so(b2g_arithmetic how) { __builtin_ia32_ldmxcsr(how); }
#else
#include <xmmintrin.h>
B2G_FN b2g_arithmetic b2g_arithmetic_now(void) { return _mm_getcsr(); }
B2G_FN void b2g_compute_so(b2g_arithmetic how) { _mm_setcsr(how); }
#endif
/* results (bit 15) and operands (bit 6) */
B2G_FN b2g_arithmetic b2g_without_subnormals(b2g_arithmetic how) { return how | 0x8040u; }
#elif defined(__aarch64__) && defined(__GNUC__)
typedef uint64_t b2g_arithmetic;
B2G_FN b2g_arithmetic b2g_arithmetic_now(void)
{
    b2g_arithmetic how;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(how));
    return how;
}
B2G_FN void b2g_compute_so(b2g_arithmetic how)
{
    __asm__ __volatile__("msr fpcr, %0" : : "r"(how) : "memory");
}
B2G_FN b2g_arithmetic b2g_without_subnormals(b2g_arithmetic how) { return how | 1u << 24; }
#else
typedef unsigned b2g_arithmetic;
B2G_FN b2g_arithmetic b2g_arithmetic_now(void) { return 0; }
B2G_FN void b2g_compute_so(b2g_arithmetic how) { (void)how; }
B2G_FN b2g_arithmetic b2g_without_subnormals(b2g_arithmetic how) { return how; }
#endif

#endif
