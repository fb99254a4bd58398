/* Reads CUDA C++ as C++: kernels are executed by fibres (see fibres.h). */
#include <math.h>

#include "../../emulation/fibres.h"

#define __device__
#define __global__
#define __launch_bounds__(...)
#define __constant__
#define __forceinline__ inline
#define __shared__ static SHIM_SHARED

static inline void __syncthreads(void) { shim_barrier(); }
static inline void __cluster_barrier_arrive(void) { shim_cluster_arrive(); }
static inline void __cluster_barrier_wait(void) { shim_cluster_await(); }
template <typename T> static T *__cluster_map_shared_rank(T *place, unsigned block) { return (T *)shim_in_block(place, block); }
static inline void __nanosleep(unsigned) { shim_pause(); }
static inline void __threadfence(void) {}
static inline int __popc(uint32_t x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline double __dmul_rn(double a, double b) { return a * b; }

static inline uint32_t __ballot_sync(uint32_t, bool value)
{
    return (uint32_t)shim_warp(SHIM_BALLOT, value, 0);
}

static inline void __syncwarp(void) { __ballot_sync(0xFFFFFFFFu, true); }

template <typename T> static T shim_shuffle(shim_op op, T value, uint64_t argument)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(T));
    bits = shim_warp(op, bits, argument);
    memcpy(&value, &bits, sizeof(T));
    return value;
}
template <typename T> static T __shfl_sync(uint32_t, T value, int lane) { return shim_shuffle(SHIM_SHFL, value, (uint64_t)lane); }
template <typename T> static T __shfl_down_sync(uint32_t, T value, unsigned by) { return shim_shuffle(SHIM_DOWN, value, by); }

template <typename T> static T atomicAdd(T *place, T value)
{
    shim_perhaps_wait();
    const T old = *place;
    *place = old + value;
    return old;
}
