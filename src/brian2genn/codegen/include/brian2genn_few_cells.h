/* Small tables of distributions, held in registers: permutations take the place of gathers, which
 * take as long as the uniform numbers themselves.  The same numbers as by b2g_look_up. */
#ifndef BRIAN2GENN_FEW_CELLS_H
#define BRIAN2GENN_FEW_CELLS_H

#include <string.h>

#include "brian2genn_alias.h"

/* The cells that four registers have; two are permuted at once. */
enum { B2G_FEW_CELLS = 32 };

#if defined(__AVX512DQ__) && defined(__GNUC__) && !defined(__clang__)
typedef double b2g_eight_numbers __attribute__((vector_size(64)));
typedef int64_t b2g_eight_places __attribute__((vector_size(64)));

/* What eight cells have. */
static inline b2g_eight_places b2g_pick(const b2g_eight_places *of, b2g_eight_places cell, int wide)
{
    const b2g_eight_places low = __builtin_shuffle(of[0], of[1], cell);
    if (!wide)
        return low;
    const b2g_eight_places high = __builtin_shuffle(of[2], of[3], cell), is_high = -(cell >> 4);
    return (high & is_high) | (low & ~is_high);
}

static inline void b2g_look_up_eight(const b2g_eight_places *keep, const b2g_eight_places *other,
                                     const b2g_alias *table, double *u, int wide)
{
    b2g_eight_numbers place;
    memcpy(&place, u, sizeof(place));
    place *= (double)table->cells; /* exact */
    const b2g_eight_places cell = __builtin_convertvector(place, b2g_eight_places);
    const b2g_eight_numbers part = place - __builtin_convertvector(cell, b2g_eight_numbers);
    const b2g_eight_places own = part < (b2g_eight_numbers)b2g_pick(keep, cell, wide);
    const b2g_eight_places chosen = (cell & own) | (b2g_pick(other, cell, wide) & ~own);
    place = __builtin_convertvector(chosen + table->first, b2g_eight_numbers);
    memcpy(u, &place, sizeof(place));
}
#endif

/* Replace the first uniform numbers by what they stand for, as far as that can be done in whole
 * vectors; returns how many they are. */
static inline int32_t b2g_look_up_few(const b2g_alias *table, double *u, int32_t n)
{
#if defined(__AVX512DQ__) && defined(__GNUC__) && !defined(__clang__)
    if (table->cells > B2G_FEW_CELLS)
        return 0;
    b2g_eight_places keep[4], other[4];
    memcpy(keep, table->keep, sizeof(keep));
    for (int32_t k = 0; k < B2G_FEW_CELLS; k++)
        other[k / 8][k % 8] = table->other[k];
    const int32_t whole = n / 8 * 8;
    if (table->cells <= B2G_FEW_CELLS / 2) {
        for (int32_t k = 0; k < whole; k += 8)
            b2g_look_up_eight(keep, other, table, u + k, 0);
    } else {
        for (int32_t k = 0; k < whole; k += 8)
            b2g_look_up_eight(keep, other, table, u + k, 1);
    }
    return whole;
#else
    (void)table, (void)u, (void)n;
    return 0;
#endif
}

#endif /* BRIAN2GENN_FEW_CELLS_H */
