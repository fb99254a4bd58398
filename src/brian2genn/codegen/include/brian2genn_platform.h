/* What differs between the compilers of generated code: C11, C++ and CUDA. */
#ifndef BRIAN2GENN_PLATFORM_H
#define BRIAN2GENN_PLATFORM_H

#if defined(__CUDACC_RTC__)
/* NVRTC has the math functions built in and no C headers. */
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
typedef unsigned long long uintptr_t;
#define INT64_C(x) x##LL
#define UINT32_MAX 0xFFFFFFFFu
#define INT32_MAX 0x7FFFFFFF
#define INFINITY __int_as_float(0x7F800000)
#define NAN __int_as_float(0x7FC00000)
#define M_PI 3.14159265358979323846
#ifndef NULL
#define NULL 0
#endif
#else
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
#define B2G_RESTRICT __restrict__
#else
#define B2G_RESTRICT restrict
#endif

/* Have memory fetched that will be needed soon. */
#if defined(__GNUC__)
#define B2G_PREFETCH(address) __builtin_prefetch(address)
#define B2G_PREFETCH_TO_WRITE(address) __builtin_prefetch(address, 1)
#else
#define B2G_PREFETCH(address) ((void)0)
#define B2G_PREFETCH_TO_WRITE(address) ((void)0)
#endif

/* B2G_FN: for short functions that must be inlined into a vector loop; B2G_FN_LONG: for others;
   B2G_FN_APART: for those that a GPU's compiler should not repeat wherever they are called; B2G_FN_RARE:
   for those of processors that are not to take registers of a loop that seldom calls them. */
#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define B2G_FN static __device__ __forceinline__
#define B2G_FN_LONG static __device__
#define B2G_FN_APART static __device__ __noinline__
#elif defined(__GNUC__)
#define B2G_FN static inline __attribute__((always_inline, unused))
#define B2G_FN_LONG static inline __attribute__((unused))
#define B2G_FN_APART B2G_FN_LONG
#define B2G_FN_RARE static __attribute__((noinline, unused))
#else
#define B2G_FN static inline
#define B2G_FN_LONG static inline
#define B2G_FN_APART B2G_FN_LONG
#define B2G_FN_RARE B2G_FN_LONG
#endif

#endif
