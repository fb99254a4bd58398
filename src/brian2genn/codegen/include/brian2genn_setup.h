/* What programs for set-up code need on a processor: lists of new synapses, and
   samples of a fixed size.  C11, valid C++ too. */
#ifndef BRIAN2GENN_SETUP_H
#define BRIAN2GENN_SETUP_H

#include "brian2genn_random.h"
#include "brian2genn_runtime.h"
#include "brian2genn_sample.h"

/* A set of whole numbers below n, of `size` chosen ones: one bit for each, and one
   bit for every word with a chosen number. */
typedef struct {
    uint64_t *bits, *summary;
    int64_t words;            /* room for so many */
    int64_t n, word;
    uint64_t current;
    int32_t inverted;         /* the bits say which numbers are left out */
} b2g_choice;

/* Synapses on their way to Brian's arrays. */
typedef struct {
    int32_t *pre, *post;
    int64_t count, capacity;
    int64_t row;              /* the next one */
    int64_t wrong, limit;     /* numbers for an error message */
    /* Of several processes, each keeps the synapses of its own neurons, from `lower` on and below
       `upper`, and their numbers among all. */
    int32_t is_part, of_pre, lower, upper;
    int32_t *numbers;
    int64_t all, numbers_capacity;
    b2g_choice choice;
    int64_t end;              /* the row to stop at; 0: all are to be made */
} b2g_pairs;

static inline int b2g_pairs_grow(b2g_pairs *pairs, int64_t needed)
{
    int64_t capacity = pairs->capacity;
    void *data = pairs->pre;
    if (b2g_grow(&data, &capacity, needed, sizeof(int32_t)))
        return B2G_NO_MEMORY;
    pairs->pre = (int32_t *)data;
    data = pairs->post;
    if (b2g_grow(&data, &pairs->capacity, needed, sizeof(int32_t)))
        return B2G_NO_MEMORY;
    pairs->post = (int32_t *)data;
    return B2G_OK;
}

/* Make so many synapses from one neuron to another. */
static inline int64_t b2g_pairs_add(b2g_pairs *pairs, int32_t pre, int32_t post, int64_t count)
{
    if (pairs->all + count > INT32_MAX)
        return B2G_SETUP_TOO_MANY;
    const int64_t number = pairs->all;
    pairs->all += count > 0 ? count : 0;
    if (pairs->is_part) {
        const int32_t neuron = pairs->of_pre ? pre : post;
        if (neuron < pairs->lower || neuron >= pairs->upper)
            return B2G_OK;
        void *data = pairs->numbers;
        if (b2g_grow(&data, &pairs->numbers_capacity, pairs->count + count, sizeof(int32_t)))
            return B2G_SETUP_NO_MEMORY;
        pairs->numbers = (int32_t *)data;
        for (int64_t copy = 0; copy < count; copy++)
            pairs->numbers[pairs->count + copy] = (int32_t)(number + copy);
    }
    if (pairs->count + count > pairs->capacity && b2g_pairs_grow(pairs, pairs->count + count))
        return B2G_SETUP_NO_MEMORY;
    for (int64_t copy = 0; copy < count; copy++) {
        pairs->pre[pairs->count] = pre;
        pairs->post[pairs->count++] = post;
    }
    return B2G_OK;
}

/* ---- samples of a fixed size ----------------------------------------------- */

static inline int b2g_choice_reserve(b2g_choice *choice, int64_t words)
{
    if (words > choice->words) {
        free(choice->bits);
        free(choice->summary);
        choice->words = 0;
        choice->bits = (uint64_t *)calloc((size_t)words, sizeof(uint64_t));
        choice->summary = (uint64_t *)calloc((size_t)(words + 63) / 64, sizeof(uint64_t));
        if (choice->bits == NULL || choice->summary == NULL)
            return B2G_NO_MEMORY;
        choice->words = words;
    }
    return B2G_OK;
}

/* Choose `size` of the numbers below n, all sets being equally likely: R. Floyd in
   J. Bentley, "Programming pearls", Communications of the ACM 30 (1987) 754-757. */
static inline int b2g_choose(b2g_choice *choice, uint64_t seed, int64_t row, int64_t n,
                             int64_t size)
{
    b2g_row_rng rng = b2g_row_rng_init(seed, row);
    int64_t draws;
    choice->n = n;
    choice->word = -1;
    choice->current = 0;
    choice->inverted = size > n / 2;
    draws = choice->inverted ? n - size : size;
    if (b2g_choice_reserve(choice, (n + 63) / 64))
        return B2G_NO_MEMORY;
    for (int64_t j = n - draws; j < n; j++) {
        int64_t t = (int64_t)(b2g_row_uniform(&rng) * (double)(j + 1));
        if (choice->bits[t / 64] >> (t % 64) & 1)
            t = j;
        choice->bits[t / 64] |= (uint64_t)1 << (t % 64);
        choice->summary[t / 4096] |= (uint64_t)1 << (t / 64 % 64);
    }
    return B2G_OK;
}

/* The next chosen number, ascending; n when there is none.  Leaves no bit set. */
static inline int64_t b2g_choice_next(b2g_choice *choice)
{
    const int64_t words = (choice->n + 63) / 64;
    int64_t bit;
    while (choice->current == 0) {
        choice->word++;
        if (choice->word >= words)
            return choice->n;
        if (!choice->inverted) {
            const uint64_t rest = choice->summary[choice->word / 64] >> (choice->word % 64);
            if (rest == 0) {
                choice->word |= 63; /* the last of those that the summary's word tells of */
                continue;
            }
            choice->word += __builtin_ctzll(rest);
        }
        choice->summary[choice->word / 64] &= ~((uint64_t)1 << (choice->word % 64));
        choice->current = choice->bits[choice->word];
        choice->bits[choice->word] = 0;
        if (choice->inverted) {
            const int64_t left = choice->n - choice->word * 64;
            choice->current = ~choice->current;
            if (left < 64)
                choice->current &= ((uint64_t)1 << left) - 1;
        }
    }
    bit = __builtin_ctzll(choice->current);
    choice->current &= choice->current - 1;
    return choice->word * 64 + bit;
}

#endif
