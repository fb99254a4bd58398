/* Blocks of random words of many elements at once, in the lanes of vectors.
 *
 * Each block is the one that b2g_philox4x32_10 gives its element; brian2genn_numbers.h makes numbers of
 * the words.
 */
#ifndef BRIAN2GENN_BLOCKS_H
#define BRIAN2GENN_BLOCKS_H

#include "brian2genn_random.h"

/* How many elements a call may be for, at most. Their numbers stay in the fastest cache, and what
 * a call prepares (the keys of ten rounds) weighs little. */
#define B2G_CHUNK 512

/* A multiple of the elements of all vectors. */
#define B2G_VECTOR 16

/* List n neighbours from `first` on. */
static inline void b2g_list(int32_t *which, int64_t first, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        which[k] = (int32_t)(first + k);
}

/* Repeat the last of n listed elements until there are whole vectors; returns how many there are. */
static inline int64_t b2g_fill_up(int32_t *which, int64_t n)
{
    const int64_t whole = (n + B2G_VECTOR - 1) / B2G_VECTOR * B2G_VECTOR;
    for (int64_t k = n; k < whole; k++)
        which[k] = which[n - 1];
    return whole;
}

/* The first element of a call is a multiple of this; all chunks but a group's last are whole. */
#define B2G_CHUNK_ALIGNMENT 4

/* gcc does not see that a product of low halves is one instruction, and takes three: on x86-64
 * it is told so. Other compilers do, and other processors have none. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 9
/* Functions of the compiler: immintrin.h takes a tenth of a second in each compilation. */
#if defined(__AVX512F__)
#define B2G_LANES 8
#define B2G_ROUND_AS_SET 4
#elif defined(__AVX2__)
#define B2G_LANES 4
#else
#define B2G_LANES 2
#endif
typedef uint64_t b2g_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef long long b2g_signed_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef int b2g_half_lanes __attribute__((vector_size(8 * B2G_LANES)));
typedef uint32_t b2g_words __attribute__((vector_size(4 * B2G_LANES)));
typedef double b2g_doubles __attribute__((vector_size(8 * B2G_LANES)));
typedef uint16_t b2g_digits __attribute__((vector_size(8 * B2G_LANES)));
typedef int8_t b2g_lane_bytes __attribute__((vector_size(B2G_LANES)));

B2G_FN b2g_lanes b2g_all_lanes(uint64_t x)
{
    const b2g_lanes none = {0};
    return x + none;
}

B2G_FN b2g_lanes b2g_lanes_product(b2g_lanes x, b2g_lanes factor)
{
#if B2G_LANES == 8
    return (b2g_lanes)__builtin_ia32_pmuludq512_mask((b2g_half_lanes)x, (b2g_half_lanes)factor,
                                                     (b2g_signed_lanes)x, (unsigned char)-1);
#elif B2G_LANES == 4
    return (b2g_lanes)__builtin_ia32_pmuludq256((b2g_half_lanes)x, (b2g_half_lanes)factor);
#else
    return (b2g_lanes)__builtin_ia32_pmuludq128((b2g_half_lanes)x, (b2g_half_lanes)factor);
#endif
}
#define B2G_LANES_PRODUCT(x, factor) b2g_lanes_product(x, b2g_all_lanes(factor))

/* 0, 1, 2 ... */
B2G_FN b2g_lanes b2g_lane_numbers(void)
{
#if B2G_LANES == 8
    const b2g_lanes numbers = {0, 1, 2, 3, 4, 5, 6, 7};
#elif B2G_LANES == 4
    const b2g_lanes numbers = {0, 1, 2, 3};
#else
    const b2g_lanes numbers = {0, 1};
#endif
    return numbers;
}

/* The keys of ten rounds, which are made once for many blocks. */
typedef struct {
    b2g_lanes of[20];
} b2g_keys;

B2G_FN void b2g_make_keys(uint64_t seed, b2g_keys *keys)
{
    const uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (uint32_t i = 0; i < 10; i++) {
        keys->of[2 * i] = b2g_all_lanes(B2G_PHILOX_KEY0(k0, i));
        keys->of[2 * i + 1] = b2g_all_lanes(B2G_PHILOX_KEY1(k1, i));
    }
#if defined(__GNUC__)
    /* kept in memory: instructions read them from there, while registers are few */
    __asm__("" : "+m"(*keys));
#endif
}

#define B2G_LANES_ROUND(i)                                                                          \
    B2G_PHILOX_KEYED_ROUND(b2g_lanes, B2G_LANES_PRODUCT, keys->of[2 * (i)], keys->of[2 * (i) + 1])
#define B2G_LANES_ROUNDS                                                                            \
    do {                                                                                            \
        B2G_LANES_ROUND(0); B2G_LANES_ROUND(1); B2G_LANES_ROUND(2); B2G_LANES_ROUND(3);             \
        B2G_LANES_ROUND(4); B2G_LANES_ROUND(5); B2G_LANES_ROUND(6); B2G_LANES_ROUND(7);             \
        B2G_LANES_ROUND(8); B2G_LANES_ROUND(9);                                                     \
    } while (0)

B2G_FN void b2g_store_words(b2g_lanes x, uint32_t *to)
{
    const b2g_words low = __builtin_convertvector(x, b2g_words);
    __builtin_memcpy(to, &low, sizeof(low));
}

/* Ten rounds of two sets of blocks in turns: each round needs the one before it, and a processor would
   wait for that. */
#define B2G_SETS 2

B2G_FN void b2g_rounds_of_sets(b2g_lanes words[B2G_SETS][4], const b2g_keys *keys)
{
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
#pragma GCC unroll 2
        for (int s = 0; s < B2G_SETS; s++) {
            b2g_lanes x0 = words[s][0], x1 = words[s][1], x2 = words[s][2], x3 = words[s][3];
            B2G_LANES_ROUND(i);
            words[s][0] = x0;
            words[s][1] = x1;
            words[s][2] = x2;
            words[s][3] = x3;
        }
    }
}

/* The words of the blocks of n elements, the first words of all, then the second words ...; the elements'
   numbers follow one another from `first` on, or are listed and have their last bits shifted out.  There
   is room for whole sets. */
B2G_FN __attribute__((always_inline)) void
b2g_some_blocks(uint64_t seed, uint32_t stream, uint32_t first, const int32_t *listed, int shift,
                int64_t n, uint64_t step, uint32_t block, uint32_t *w, int64_t room)
{
    b2g_keys made;
    b2g_make_keys(seed, &made);
    b2g_lanes element = b2g_all_lanes(first) + b2g_lane_numbers();
    for (int64_t b = 0; b < n; b += B2G_SETS * B2G_LANES) {
        b2g_lanes words[B2G_SETS][4];
#pragma GCC unroll 2
        for (int s = 0; s < B2G_SETS; s++) {
            if (listed) {
                b2g_words numbers;
                __builtin_memcpy(&numbers, listed + b + s * B2G_LANES, sizeof(numbers));
                words[s][0] = __builtin_convertvector(numbers, b2g_lanes) >> shift;
            } else {
                words[s][0] = element;
                element += B2G_LANES;
            }
            words[s][1] = b2g_all_lanes((uint32_t)step);
            words[s][2] = b2g_all_lanes(b2g_counter_word(step, block));
            words[s][3] = b2g_all_lanes(stream);
        }
        b2g_rounds_of_sets(words, &made);
#pragma GCC unroll 2
        for (int s = 0; s < B2G_SETS; s++)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                b2g_store_words(words[s][k], w + k * room + b + s * B2G_LANES);
    }
}

/* The words of n blocks, the first words of all, then the second words ... */
B2G_FN_LONG void b2g_blocks(uint64_t seed, uint32_t stream, uint32_t first, int32_t n,
                            uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK / 2])
{
    b2g_some_blocks(seed, stream, first, NULL, 0, n, step, block, w[0], B2G_CHUNK / 2);
}

/* The words of the blocks of n listed elements, whole vectors of them. */
B2G_FN_LONG void b2g_blocks_at(uint64_t seed, uint32_t stream, const int32_t *elements, int shift,
                               int64_t n, uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK])
{
    b2g_some_blocks(seed, stream, 0, elements, shift, n, step, block, w[0], B2G_CHUNK);
}
#else
B2G_FN_LONG void b2g_blocks(uint64_t seed, uint32_t stream, uint32_t first, int32_t n,
                            uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK / 2])
{
#pragma omp simd
    for (int32_t b = 0; b < n; b++)
        b2g_random_bits(seed, stream, first + (uint32_t)b, step, block, &w[0][b], &w[1][b],
                        &w[2][b], &w[3][b]);
}

B2G_FN_LONG void b2g_blocks_at(uint64_t seed, uint32_t stream, const int32_t *elements, int shift,
                               int64_t n, uint64_t step, uint32_t block, uint32_t w[4][B2G_CHUNK])
{
#pragma omp simd
    for (int64_t b = 0; b < n; b++)
        b2g_random_bits(seed, stream, (uint32_t)elements[b] >> shift, step, block, &w[0][b],
                        &w[1][b], &w[2][b], &w[3][b]);
}
#endif

#endif /* BRIAN2GENN_BLOCKS_H */
