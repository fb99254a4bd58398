/* Whether a uniform number is below another one, by as few random words as that takes: for most
 * elements the first 16 binary digits tell, and one block has those of eight elements.  C99, C++ and
 * CUDA. */
#ifndef BRIAN2GENN_CHANCE_H
#define BRIAN2GENN_CHANCE_H

#include "brian2genn_random.h"

/* Of 64 neighbours those at places 0, 8, 16 ... share a block, those at 1, 9, 17 ... the next one: so
 * eight blocks beside each other in vectors have the numbers of eight neighbours beside each other. */
#define B2G_CHANCES 64
#define B2G_CHANCES_BESIDE 8

/* More digits are in blocks with this bit. */
#define B2G_CHANCE_IN_DETAIL 0x8000u

/* Whether a number in [0, 1) that begins with these 16 digits is below p. */
B2G_FN bool b2g_begins_below(double p, uint32_t digits, uint64_t seed, uint32_t stream,
                             uint32_t element, uint64_t step, uint32_t block)
{
    const double q = p * 65536.0, x = (double)(int32_t)digits;
    if (!(x < q)) /* nothing is below NaN */
        return false;
    if (x + 1.0 <= q)
        return true;
    return b2g_rand(seed, stream, element, step, block | B2G_CHANCE_IN_DETAIL) < q - x;
}

/* The first 16 digits of the element's number. */
B2G_FN uint32_t b2g_first_digits(uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                                 uint32_t block)
{
    const uint32_t shared =
        element / B2G_CHANCES * B2G_CHANCES_BESIDE + element % B2G_CHANCES_BESIDE;
    const uint32_t place = element % B2G_CHANCES / B2G_CHANCES_BESIDE;
    uint32_t w0, w1, w2, w3, word;
    b2g_random_bits(seed, stream, shared, step, block, &w0, &w1, &w2, &w3);
    word = place < 4 ? (place < 2 ? w0 : w1) : (place < 6 ? w2 : w3);
    return word >> (place % 2 * 16) & 0xFFFFu;
}

/* Whether the element's number is below p. */
B2G_FN bool b2g_below(double p, uint64_t seed, uint32_t stream, uint32_t element, uint64_t step,
                      uint32_t block)
{
    const uint32_t digits = b2g_first_digits(seed, stream, element, step, block);
    return b2g_begins_below(p, digits, seed, stream, element, step, block);
}

#endif
