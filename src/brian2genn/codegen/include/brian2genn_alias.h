/* Numbers of a distribution by one uniform number and one look into a table for each, by the alias method
 * (A. J. Walker, "An efficient
 * method for generating discrete random variables with general distributions", ACM Trans. Math. Softw. 3
 * (1977) 253-256; M. D. Vose, "A linear algorithm for generating random numbers with a given
 * distribution", IEEE Trans. Softw. Eng. 17 (1991) 972-975). C99, C++ and CUDA.
 *
 * Tables are made of additions, products and quotients alone, each rounded by itself, so that all
 * devices have the same. */
#ifndef BRIAN2GENN_ALIAS_H
#define BRIAN2GENN_ALIAS_H

#include "brian2genn_random.h"

/* As many values as a table can tell apart: a standard deviation of 13. */
#define B2G_ALIAS_MOST 256

typedef struct {
    double keep[B2G_ALIAS_MOST];   /* the part of a cell that is its own value, ... */
    int32_t other[B2G_ALIAS_MOST]; /* ... and what the rest is */
    int64_t first;                 /* the value of the first cell */
    int32_t cells;                 /* a power of two; 0: there is no table */
    int32_t padding;
} b2g_alias;

/* A product that is rounded before anything is added to it. */
#if defined(__CUDA_ARCH__)
#define B2G_ROUNDED(a, b) __dmul_rn((a), (b))
#else
#define B2G_ROUNDED(a, b) ((a) * (b))
#endif

/* Make the table of weights[0 .. n - 1]; they are changed. */
B2G_FN_APART void b2g_make_alias(b2g_alias *table, double *weights, int32_t n, int64_t first)
{
    int32_t stack[B2G_ALIAS_MOST], small = 0, large = B2G_ALIAS_MOST, cells = 1;
    double sum = 0.0;
    while (cells < n)
        cells *= 2;
    for (int32_t k = 0; k < n; k++)
        sum += weights[k];
    for (int32_t k = 0; k < cells; k++) {
        weights[k] = k < n ? B2G_ROUNDED(weights[k] / sum, (double)cells) : 0.0;
        table->other[k] = k;
        if (weights[k] < 1.0)
            stack[small++] = k;
        else
            stack[--large] = k;
    }
    /* a cell that is not full is filled up from one that has too much */
    while (small > 0 && large < B2G_ALIAS_MOST) {
        const int32_t low = stack[--small], high = stack[large];
        table->keep[low] = weights[low];
        table->other[low] = high;
        weights[high] -= 1.0 - weights[low];
        if (weights[high] < 1.0) {
            large++;
            stack[small++] = high;
        }
    }
    /* what is left is full, but for rounding */
    while (small > 0)
        table->keep[stack[--small]] = 1.0;
    while (large < B2G_ALIAS_MOST)
        table->keep[stack[large++]] = 1.0;
    table->first = first;
    table->cells = cells;
}

/* The table of one value. */
B2G_FN void b2g_alias_of_one(b2g_alias *table, int64_t value)
{
    table->keep[0] = 1.0;
    table->other[0] = 0;
    table->first = value;
    table->cells = 1;
}

/* The value that a uniform number in [0, 1) stands for; there is a table. */
B2G_FN int64_t b2g_look_up(const b2g_alias *table, double u)
{
    const double place = u * (double)table->cells; /* exact */
    const int32_t cell = (int32_t)place;
    return table->first + (place - (double)cell < table->keep[cell] ? cell : table->other[cell]);
}

#endif
