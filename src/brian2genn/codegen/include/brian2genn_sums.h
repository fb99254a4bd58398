/* How sums over synapses are made.  C11, valid C++ too; a part of brian2genn_runtime.h. */
#ifndef BRIAN2GENN_SUMS_H
#define BRIAN2GENN_SUMS_H

#include <stdint.h>

/* How a sum over synapses is made.  Tables have what is computed of neurons alone: that of table k
   for the n_used[k] elements used[k], or for as many as there are if that is NULL.
   Where synapses stand by target, B2G_BESIDE targets make a slice: the synapse number n of lane l of
   slice s is at place starts[s] + n * B2G_BESIDE + l of all copies of what synapses have; its number
   is in order.  Behind the end of a lane (its length) there is anything.
   Where targets are neighbours, synapses are in rows: those from row_starts[r] on have the targets
   from row_targets[r] on. */
typedef struct {
    void *const *tables;
    const int32_t *const *used;
    const int64_t *n_used;
    int64_t n_slices;         /* 0 if synapses do not stand by target */
    int64_t n_targets;
    const int32_t *targets;   /* B2G_BESIDE for each slice, as in lengths */
    const int32_t *lengths;
    const int64_t *starts;    /* n_slices + 1 */
    const int32_t *order;
    const void *const *copies;
    int64_t n_rows;           /* 0 if synapses are not in rows */
    const int32_t *row_starts; /* n_rows + 1 */
    const int32_t *row_targets;
    int64_t all_once;         /* whether the only row has all targets */
    int64_t alike;            /* whether all that is read of other neurons is the same in a row */
    int64_t n_stretches;      /* 0: or synapses that read of the same other neurons, with ascending targets */
    const int32_t *stretch_starts; /* where each stretch begins, and the end */
} b2g_sum;

/* The row that has a synapse. */
static inline int64_t b2g_row_of(const b2g_sum *sum, int64_t synapse)
{
    int64_t row = 0, end = sum->n_rows;
    while (end - row > 1) {
        const int64_t middle = row + (end - row) / 2;
        if (sum->row_starts[middle] <= synapse)
            row = middle;
        else
            end = middle;
    }
    return row;
}

/* The first of the synapses from `first` to `end`, with ascending targets, whose target is not below. */
static inline int64_t b2g_not_below(const int32_t *target_of, int64_t first, int64_t end, int64_t lower)
{
    while (first < end) {
        const int64_t middle = first + (end - first) / 2;
        if (target_of[middle] < lower)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* The first slice of a part: parts have about as many synapses. */
static inline int64_t b2g_first_slice(const b2g_sum *sum, int32_t part, int32_t parts)
{
    int64_t low = 0, high = sum->n_slices;
    const int64_t before = sum->starts[high] / parts * part;
    if (part == parts)
        return high;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (sum->starts[middle] < before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
