/* Put recorded rows in order, by merging: what one time step has recorded comes in whatever order its
   threads had their turns.  Nothing is assumed of the order; rows with the same key keep theirs.
   CUDA C++. */
#ifndef BRIAN2GENN_ROWS_H
#define BRIAN2GENN_ROWS_H

#include "brian2genn_platform.h"

/* What is done at present; the host and `next_merge` set it. */
typedef struct {
    const int64_t *keys;      /* in order within each part of `width` rows, ... */
    const int32_t *places;    /* ... and where these rows were before; not read of parts of one row */
    int64_t *keys_after;      /* the same in parts of twice the width */
    int32_t *places_after;
    const void *column;       /* values of rows, ... */
    void *column_after;       /* ... and where they are put in order */
    int32_t n;
    int32_t width;            /* a power of two */
    int32_t bytes;            /* of a value */
    int32_t padding;
} b2g_rows;

extern "C" {
__device__ b2g_rows b2g_rows_now;
}

/* Merge neighbouring parts: a row's place is its own part's and that of all smaller ones' of the other. */
extern "C" __global__ void merge_rows(void)
{
    const b2g_rows *const rows = &b2g_rows_now;
    const int32_t n = rows->n, width = rows->width;
    for (int64_t row = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; row < n;
         row += (int64_t)gridDim.x * blockDim.x) {
        const int64_t key = rows->keys[row];
        const bool is_second = row & width;
        const int64_t own = row & ~(int64_t)(width - 1), other = own ^ width;
        int64_t low = other < n ? other : n, high = other + width < n ? other + width : n;
        const int64_t first = low;
        while (low < high) {
            const int64_t middle = (low + high) / 2, its = rows->keys[middle];
            if (its < key || (is_second && its == key))
                low = middle + 1;
            else
                high = middle;
        }
        const int64_t place = (own & ~(int64_t)width) + (row - own) + (low - first);
        rows->keys_after[place] = key;
        rows->places_after[place] = width == 1 ? (int32_t)row : rows->places[row];
    }
}

/* Go on to parts that are twice as wide; by one thread. */
extern "C" __global__ void next_merge(void)
{
    if (blockIdx.x != 0 || threadIdx.x != 0)
        return;
    b2g_rows *const rows = &b2g_rows_now;
    int64_t *const keys = rows->keys_after;
    int32_t *const places = rows->places_after;
    rows->keys_after = (int64_t *)rows->keys;
    rows->places_after = (int32_t *)rows->places;
    rows->keys = keys;
    rows->places = places;
    rows->width *= 2;
}

template <typename T> B2G_FN void b2g_take_rows(const b2g_rows *rows)
{
    for (int64_t row = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; row < rows->n;
         row += (int64_t)gridDim.x * blockDim.x)
        ((T *)rows->column_after)[row] = ((const T *)rows->column)[rows->places[row]];
}

/* Copy a column's values in the order that was found. */
extern "C" __global__ void take_rows(void)
{
    const b2g_rows *const rows = &b2g_rows_now;
    switch (rows->bytes) {
    case 1: b2g_take_rows<uint8_t>(rows); break;
    case 2: b2g_take_rows<uint16_t>(rows); break;
    case 4: b2g_take_rows<uint32_t>(rows); break;
    default: b2g_take_rows<uint64_t>(rows);
    }
}

#endif
