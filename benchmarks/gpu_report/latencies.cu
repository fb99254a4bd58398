/* How long the parts of a time step take on this card: each kernel does one thing over and over,
   each time waiting for the result of the last, and counts cycles. */
#include "brian2genn_math.h"
#include "brian2genn_device.h"

#define REPEATS 512

extern "C" {
__device__ double found[64];       /* cycles for one, by number */
__device__ double values[4];       /* what the compiler does not know */
__device__ uint32_t chain[1 << 16]; /* where to look next */
__device__ int32_t counters[1 << 10];
__device__ double sums[1 << 16];
__device__ b2g_state state;
}

#define MEASURE(number, first, operation)                                                         \
    {                                                                                             \
        double x = first;                                                                         \
        const double y = values[1], z = values[2];                                                \
        (void)y; (void)z;                                                                         \
        operation;                                                                                \
        const long long began = clock64();                                                        \
        for (int k = 0; k < REPEATS; k++) { operation; }                                          \
        const long long ended = clock64();                                                        \
        if (threadIdx.x == 0) { found[number] = (double)(ended - began) / REPEATS; values[3] = x; } \
        __syncthreads();                                                                          \
    }

/* One warp, or as many as there are: arithmetic in double precision. */
extern "C" __global__ void arithmetic(void)
{
    const int base = blockDim.x > 32 ? 8 : 0;
    MEASURE(base + 0, values[0], x = fma(x, y, z))
    MEASURE(base + 1, values[0], x = x + y)
    MEASURE(base + 2, values[0], x = y / x)
    MEASURE(base + 3, values[0], x = b2g_exp_f64(x * z))
    MEASURE(base + 4, values[0], x = b2g_inverse_exprel_f64(x * z))
    MEASURE(base + 5, values[0], __syncthreads())
    MEASURE(base + 6, values[0], x = trunc(x * y))
}

/* So many instructions one behind the other, over and over: what takes longer the more there are
   is to fetch them.  Eight sums, so that none has to wait for another. */
template <int N> static __device__ void in_a_row(const int number)
{
    const float y = (float)values[1], z = (float)values[2];
    float x[8] = {y, z, y, z, y, z, y, z};
    long long began = 0;
#pragma unroll 1
    for (int round = -1; round < 8; round++) {
        if (round == 0)
            began = clock64();
#pragma unroll
        for (int k = 0; k < N; k++)
            x[k % 8] = fmaf(x[k % 8], y, z);
    }
    const long long ended = clock64();
    if (threadIdx.x == 0) {
        found[number] = (double)(ended - began) / (8 * N);
        values[3] = x[0] + x[1] + x[2] + x[3] + x[4] + x[5] + x[6] + x[7];
    }
    __syncthreads();
}
extern "C" __global__ void instructions(void)
{
    const int base = blockDim.x > 32 ? 47 : 42;
    in_a_row<128>(base);
    in_a_row<512>(base + 1);
    in_a_row<2048>(base + 2);
    in_a_row<8192>(base + 3);
}

/* Memory: one thread. */
extern "C" __global__ void memory(void)
{
    uint32_t place = 0;
    for (int round = 0; round < 2; round++) {
        const long long began = clock64();
        for (int k = 0; k < REPEATS; k++)
            place = __ldcg(&chain[place]);      /* from the second-level cache */
        found[16] = (double)(clock64() - began) / REPEATS;
    }
    for (int round = 0; round < 2; round++) {
        const long long began = clock64();
        for (int k = 0; k < REPEATS; k++)
            place = chain[place & 1023];
        found[17] = (double)(clock64() - began) / REPEATS;
    }
    long long began = clock64();
    int32_t n = 0;
    for (int k = 0; k < REPEATS; k++)
        n = atomicAdd(&counters[n & 1], 2);
    found[18] = (double)(clock64() - began) / REPEATS;
    began = clock64();
    for (int k = 0; k < REPEATS; k++) {
        sums[k] = (double)(n + k);
        __threadfence();
    }
    found[19] = (double)(clock64() - began) / REPEATS;
    counters[2] = n + (int32_t)place;
}

/* All blocks are a cluster: they meet without, and with, something written before. */
extern "C" __global__ void cluster(void)
{
    const int base = blockDim.x > 512 ? 4 : blockDim.x > 256 ? 2 : 0;
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    b2g_cluster_barrier();
    long long began = clock64();
    for (int k = 0; k < REPEATS; k++)
        b2g_cluster_barrier();
    if (thread == 0)
        found[24 + base] = (double)(clock64() - began) / REPEATS;
    began = clock64();
    double x = 0;
    for (int k = 0; k < REPEATS; k++) {
        sums[thread] = x + k;
        b2g_cluster_barrier();
        x = sums[(thread + 256) & 0x3FFF];
    }
    if (thread == 0)
        found[25 + base] = (double)(clock64() - began) / REPEATS;
    values[3] = x;
}

/* All blocks are on the device: they meet in memory. */
extern "C" __global__ void grid(void)
{
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    const int base = gridDim.x > 16 ? 34 : 32;
    uint32_t met = state.met;
    b2g_meet(&state, false, &met);
    long long began = clock64();
    for (int k = 0; k < REPEATS; k++)
        b2g_meet(&state, false, &met);
    if (thread == 0)
        found[base] = (double)(clock64() - began) / REPEATS;
    began = clock64();
    double x = 0;
    for (int k = 0; k < REPEATS; k++) {
        sums[thread] = x + k;
        b2g_meet(&state, false, &met);
        x = sums[(thread + 256) & 0x3FFF];
    }
    values[3] = x;
    if (thread == 0) {
        found[base + 1] = (double)(clock64() - began) / REPEATS;
        state.met = met;
    }
}

/* A pass over elements, without any waiting for other blocks. */
extern "C" __global__ void pass(void)
{
    const int thread = blockIdx.x * blockDim.x + threadIdx.x;
    sums[thread & 0xFFFF] += values[1];
}

extern "C" __global__ void nothing(void) {}

/* The clock. */
extern "C" __global__ void clock_rate(void)
{
    unsigned long long first, last;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(first));
    const long long began = clock64();
    while (clock64() - began < 20000000) {}
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(last));
    found[40] = (double)(clock64() - began) / (double)(last - first);
}
