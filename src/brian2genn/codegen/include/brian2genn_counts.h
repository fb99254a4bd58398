/* Numbers of distributions whose parameters stay the same, for many neighbours at once: the same as those
 * of brian2genn_distribution.h. */
#ifndef BRIAN2GENN_COUNTS_H
#define BRIAN2GENN_COUNTS_H

#include "brian2genn_distribution.h"
#include "brian2genn_numbers.h"

#if defined(B2G_LANES)
/* Digits beside each other as bytes, B2G_LANES of them at each of four places. */
B2G_FN void b2g_store_digits(b2g_digits digits, uint8_t *to)
{
    for (int32_t k = 0; k < 4; k++) {
        const b2g_signed_lanes of_place = (b2g_signed_lanes)((b2g_lanes)digits >> (16 * k) & 0xFFu);
        const b2g_lane_bytes bytes = __builtin_convertvector(of_place, b2g_lane_bytes);
        __builtin_memcpy(to + B2G_CHANCES_BESIDE * k, &bytes, sizeof(bytes));
    }
}

/* Of B2G_CHANCES elements count the limits that their numbers are below, and mark those of which the first
   digits do not tell; returns whether there are any. */
B2G_FN bool b2g_counts(const b2g_distribution *table, const b2g_keys *keys, uint32_t stream,
                       uint32_t first_block, uint64_t step, uint32_t block,
                       uint8_t *B2G_RESTRICT counts, uint8_t *B2G_RESTRICT open)
{
    const b2g_digits none = {0}, all = none - 1;
    const b2g_digits nearly = none + (uint16_t)table->nearly;
    const b2g_digits at_end = table->nearly > 0 ? all : none;
    const b2g_digits at_begin = table->positive < table->limits ? all : none;
    b2g_lanes shared = b2g_all_lanes(first_block) + b2g_lane_numbers();
    bool is_open = false;
    for (int32_t b = 0; b < B2G_CHANCES_BESIDE; b += B2G_LANES, shared += B2G_LANES) {
        b2g_lanes x0 = shared, x1 = b2g_all_lanes((uint32_t)step);
        b2g_lanes x2 = b2g_all_lanes(b2g_counter_word(step, block)), x3 = b2g_all_lanes(stream);
        B2G_LANES_ROUNDS;
        const b2g_digits low = b2g_side_by_side(x0, x1), high = b2g_side_by_side(x2, x3);
        b2g_digits below_low = nearly, below_high = nearly;
        b2g_digits open_low = ((b2g_digits)(low == all) & at_end) | ((b2g_digits)(low == none) & at_begin);
        b2g_digits open_high = ((b2g_digits)(high == all) & at_end) | ((b2g_digits)(high == none) & at_begin);
        for (int32_t k = table->nearly; k < table->positive; k++) {
            const b2g_digits limit = none + table->whole[k];
            const b2g_digits maybe_low = (b2g_digits)(low <= limit), maybe_high = (b2g_digits)(high <= limit);
            if (!b2g_any((b2g_lanes)(maybe_low | maybe_high)))
                break; /* nor is any below the others */
            const b2g_digits same_low = (b2g_digits)(low == limit), same_high = (b2g_digits)(high == limit);
            below_low -= maybe_low & ~same_low; /* all bits: minus 1 */
            below_high -= maybe_high & ~same_high;
            open_low |= same_low;
            open_high |= same_high;
        }
        b2g_store_digits(below_low, counts + b);
        b2g_store_digits(below_high, counts + 4 * B2G_CHANCES_BESIDE + b);
        if (b2g_any((b2g_lanes)(open_low | open_high)) || is_open) {
            if (!is_open)
                __builtin_memset(open, 0, B2G_CHANCES);
            is_open = true;
            b2g_store_digits(open_low, open + b);
            b2g_store_digits(open_high, open + 4 * B2G_CHANCES_BESIDE + b);
        }
    }
    return is_open;
}
#else
B2G_FN bool b2g_counts(const b2g_distribution *table, const b2g_keys *keys, uint32_t stream,
                       uint32_t first_block, uint64_t step, uint32_t block,
                       uint8_t *B2G_RESTRICT counts, uint8_t *B2G_RESTRICT open)
{
    bool is_open = false;
    for (int32_t b = 0; b < B2G_CHANCES_BESIDE; b++) {
        uint32_t w[4];
        b2g_random_bits(*keys, stream, first_block + (uint32_t)b, step, block, &w[0], &w[1], &w[2],
                        &w[3]);
        for (int32_t place = 0; place < 8; place++) {
            const uint32_t x = w[place / 2] >> place % 2 * 16 & 0xFFFFu;
            const int32_t e = place * B2G_CHANCES_BESIDE + b;
            int32_t k = table->nearly;
            while (k < table->positive && x < table->whole[k])
                k++;
            counts[e] = (uint8_t)k;
            open[e] = (x == 65535u && table->nearly > 0) || (x == 0 && table->positive < table->limits)
                      || (k < table->positive && x == table->whole[k]);
            is_open |= open[e];
        }
    }
    return is_open;
}
#endif

/* Of neighbours from `first` on, a multiple of B2G_CHANCES, count the limits that their numbers are below;
   there is room for whole B2G_CHANCES. */
B2G_FN_LONG void b2g_fill_counts(const b2g_distribution *table, uint64_t seed, uint32_t stream,
                                 int64_t first, int64_t end, uint64_t step, uint32_t block,
                                 uint8_t *B2G_RESTRICT counts)
{
    uint8_t open[B2G_CHANCES];
    b2g_keys keys;
    b2g_make_keys(seed, &keys);
    for (int64_t from = first; from < end; from += B2G_CHANCES, counts += B2G_CHANCES) {
        const uint32_t blocks = (uint32_t)(from / B2G_CHANCES * B2G_CHANCES_BESIDE);
        if (!b2g_counts(table, &keys, stream, blocks, step, block, counts, open))
            continue;
        for (int32_t k = 0; k < B2G_CHANCES; k++)
            if (open[k])
                counts[k] = (uint8_t)(b2g_count(table, seed, stream, (uint32_t)(from + k), step, block)
                                      - table->alias.first);
    }
}

/* Fill `values`; `each` is the number of the element first + k. */
#define B2G_FILL(type, each)                                                                       \
    do {                                                                                           \
        const int32_t n = (int32_t)(end - first);                                                  \
        if (table->limits && first % B2G_CHANCES == 0) {                                           \
            uint8_t counts[B2G_CHUNK];                                                             \
            const int64_t least = table->alias.first;                                              \
            b2g_fill_counts(table, seed, stream, first, end, step, block, counts);                 \
            if (least == 0) {                                                                      \
                B2G_SIMD                                                                           \
                for (int32_t k = 0; k < n; k++)                                                    \
                    values[k] = (type)(int32_t)counts[k];                                          \
            } else {                                                                               \
                B2G_SIMD                                                                           \
                for (int32_t k = 0; k < n; k++)                                                    \
                    values[k] = (type)(least + (int64_t)counts[k]);                                \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        if (table->limits || table->alias.cells == 0) {                                            \
            for (int32_t k = 0; k < n; k++)                                                        \
                values[k] = (type)(each);                                                          \
            return;                                                                                \
        }                                                                                          \
        double u[B2G_CHUNK];                                                                       \
        b2g_fill_rand(seed, stream, first, end, step, block, u);                                   \
        B2G_SIMD                                                                                   \
        for (int32_t k = 0; k < n; k++)                                                            \
            values[k] = (type)b2g_look_up(&table->alias, u[k]);                                    \
    } while (0)
#define B2G_SIMD _Pragma("omp simd")

#define B2G_FILL_POISSON(name, type)                                                               \
    B2G_FN_LONG void name(const b2g_distribution *table, double lambda, uint64_t seed,             \
                          uint32_t stream, int64_t first, int64_t end, uint64_t step,              \
                          uint32_t block, uint32_t own_stream, type *B2G_RESTRICT values)          \
    {                                                                                              \
        B2G_FILL(type, b2g_poisson_from(table, lambda, seed, stream, own_stream,                   \
                                        (uint32_t)(first + k), step, block));                      \
    }
#define B2G_FILL_BINOMIAL(name, type)                                                              \
    B2G_FN_LONG void name(const b2g_distribution *table, int64_t trials, double p, uint64_t seed,  \
                          uint32_t stream, int64_t first, int64_t end, uint64_t step,              \
                          uint32_t block, uint32_t own_stream, type *B2G_RESTRICT values)          \
    {                                                                                              \
        B2G_FILL(type, b2g_binomial_from(table, trials, p, seed, stream, own_stream,               \
                                         (uint32_t)(first + k), step, block));                     \
    }
/* whole numbers as code has them, and as doubles where code turns them into such at once */
B2G_FILL_POISSON(b2g_fill_poisson, int32_t)
B2G_FILL_POISSON(b2g_fill_poisson_f64, double)
B2G_FILL_BINOMIAL(b2g_fill_binomial, int64_t)
B2G_FILL_BINOMIAL(b2g_fill_binomial_f64, double)

#endif
