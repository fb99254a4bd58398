/* Small tables of distributions, held in registers: a permutation takes the place of a gather, which
 * takes as long as the uniform numbers themselves.  The same numbers as by b2g_look_up. */
#ifndef BRIAN2GENN_FEW_CELLS_H
#define BRIAN2GENN_FEW_CELLS_H

#include <string.h>

#include "brian2genn_alias.h"

/* The cells that two registers have. */
enum { B2G_FEW_CELLS = 16 };

/* Replace the first uniform numbers by what they stand for, as far as that can be done in whole
 * vectors; returns how many they are. */
static inline int32_t b2g_look_up_few(const b2g_alias *table, double *u, int32_t n)
{
#if defined(__AVX512DQ__) && defined(__GNUC__) && !defined(__clang__)
    typedef double numbers __attribute__((vector_size(64)));
    typedef int64_t places __attribute__((vector_size(64)));
    if (table->cells > B2G_FEW_CELLS)
        return 0;
    numbers keep[2];
    places other[2];
    memcpy(keep, table->keep, sizeof(keep));
    for (int32_t k = 0; k < 2; k++)
        for (int32_t j = 0; j < 8; j++)
            other[k][j] = table->other[8 * k + j];
    const double cells = (double)table->cells;
    const int32_t whole = n / 8 * 8;
    for (int32_t k = 0; k < whole; k += 8) {
        numbers place;
        memcpy(&place, u + k, sizeof(place));
        place *= cells;
        const places cell = __builtin_convertvector(place, places);
        const numbers part = place - __builtin_convertvector(cell, numbers);
        const places own = part < __builtin_shuffle(keep[0], keep[1], cell);
        const places chosen = (cell & own) | (__builtin_shuffle(other[0], other[1], cell) & ~own);
        const numbers value = __builtin_convertvector(chosen + table->first, numbers);
        memcpy(u + k, &value, sizeof(value));
    }
    return whole;
#else
    (void)table, (void)u, (void)n;
    return 0;
#endif
}

#endif /* BRIAN2GENN_FEW_CELLS_H */
