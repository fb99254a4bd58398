/* How long the parts of a time step take on this card: each kernel does one thing over and over,
   each time waiting for the result of the last, and counts cycles. */
#include "brian2genn_math.h"
#include "brian2genn_device.h"

#define REPEATS 512

extern "C" {
__device__ double found[80];       /* cycles for one, by number */
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

/* Over and over, so many jumps over instructions that are not executed, and a few that are: what
   takes longer the more there are, or the farther they are from each other, is to find them. */
template <int JUMPS, int OVER> static __device__ void jumps(const int number)
{
    const float y = (float)values[1], z = (float)values[2];
    const bool never = values[0] > 1e9;
    float x = y;
    long long began = 0;
#pragma unroll 1
    for (int round = -1; round < 8; round++) {
        if (round == 0)
            began = clock64();
#pragma unroll
        for (int k = 0; k < JUMPS; k++) {
            x = fmaf(x, y, z);
            if (never) {
#pragma unroll
                for (int n = 0; n < OVER; n++) {
                    x = fmaf(x, y, z + (float)k);
                    asm volatile("" ::: "memory"); /* as it is, and where it is */
                }
                values[3] = x;
            }
        }
    }
    const long long ended = clock64();
    if (threadIdx.x == 0) {
        found[number] = (double)(ended - began) / (8 * JUMPS);
        values[3] = x;
    }
    __syncthreads();
}
extern "C" __global__ void leaps(void)
{
    const int base = blockDim.x > 32 ? 56 : 52;
    jumps<16, 8>(base);
    jumps<16, 64>(base + 1);
    jumps<64, 64>(base + 2);
    jumps<16, 256>(base + 3);
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

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
/* All blocks are a cluster: each writes 16 bytes into the memory of every other one, and waits until
   it has those of all others. */
extern "C" __global__ void messages(void)
{
#if defined(__CUDA_ARCH__)
    __shared__ alignas(16) uint4 inbox[2][16];
    __shared__ alignas(8) uint64_t arrived[2];
    const uint32_t here = (uint32_t)__cvta_generic_to_shared(arrived);
    const uint32_t box = (uint32_t)__cvta_generic_to_shared(inbox);
    if (threadIdx.x < 2)
        asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(here + 8 * threadIdx.x) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    __syncthreads();
    if (threadIdx.x < 2)
        asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                     ::"r"(here + 8 * threadIdx.x), "r"(16 * gridDim.x) : "memory");
    b2g_cluster_barrier();
    long long began = 0;
    uint32_t seen = 0;
    for (uint32_t k = 0; k < 2 * REPEATS; k++) {
        if (k == REPEATS)
            began = clock64();
        const uint32_t slot = k & 1, parity = k >> 1 & 1;
        __syncthreads();
        if (threadIdx.x < gridDim.x) {
            uint32_t there, barrier;
            asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                         : "=r"(there) : "r"(box + 16 * (16 * slot + blockIdx.x)), "r"(threadIdx.x));
            asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
                         : "=r"(barrier) : "r"(here + 8 * slot), "r"(threadIdx.x));
            asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32"
                         " [%0], {%1, %2, %3, %4}, [%5];"
                         ::"r"(there), "r"(k), "r"(seen), "r"(0), "r"(0), "r"(barrier) : "memory");
        }
        uint32_t done = 0; /* if none comes, it is told, too */
        for (uint32_t tries = 0; !done && tries < 10000; tries++)
            asm volatile("{ .reg .pred p;"
                         " mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;"
                         " selp.u32 %0, 1, 0, p; }" : "=r"(done) : "r"(here + 8 * slot), "r"(parity) : "memory");
        /* the last thread: the first are busy with messages */
        if (threadIdx.x == blockDim.x - 1)
            asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                         ::"r"(here + 8 * slot), "r"(16 * gridDim.x) : "memory");
        seen += inbox[slot][threadIdx.x & 15].x;
    }
    const long long ended = clock64();
    b2g_cluster_barrier();
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        found[60] = (double)(ended - began) / REPEATS;
        found[61] = seen == REPEATS * (2 * REPEATS - 1) ? 1 : -1; /* of messages that are right */
    }
#endif
}
#endif

/* All blocks are a cluster: every warp tells all blocks of its events, as networks do, which wait
   until they know of all others. */
__shared__ b2g_inbox words_inbox;
extern "C" __global__ void words(void)
{
    b2g_open(&words_inbox);
    __syncthreads();
    b2g_cluster_barrier();
    long long began = 0;
    uint32_t seen = 0;
    for (uint32_t k = 1; k <= 2 * REPEATS; k++) {
        if (k == REPEATS + 1)
            began = clock64();
        b2g_tell(&words_inbox, k, (k + seen) % 32 == threadIdx.x % 32);
        b2g_listen(&words_inbox, k);
        __syncthreads();
        const uint32_t last = gridDim.x * blockDim.x / 32 - 1;
        seen += (uint32_t)b2g_see(&words_inbox.words[k & 1][last]) == 1u << (k + seen) % 32;
    }
    const long long ended = clock64();
    b2g_cluster_barrier();
    const int base = blockDim.x > 256 ? 64 : 62;
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        found[base] = (double)(ended - began) / REPEATS;
        found[base + 1] = seen == 2 * REPEATS ? 1 : -1; /* of words that are right */
    }
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
