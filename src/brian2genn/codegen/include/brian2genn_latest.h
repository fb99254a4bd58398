/* The latest time of a last spike that is early enough: a neuron is no longer refractory. */
#ifndef BRIAN2GENN_LATEST_H
#define BRIAN2GENN_LATEST_H

#include "brian2genn_bits.h"

/* Whether so many time steps have passed since `time`, counted as the model counts them. */
static inline bool b2g_has_passed(double rate, double now, double steps, double time)
{
    return trunc(rate * (now - time)) >= steps;
}

/* Numbers in their order as whole numbers: neighbours differ by 1.  Its own inverse, as bits. */
static inline int64_t b2g_in_order(int64_t bits) { return bits ^ ((bits >> 63) & INT64_MAX); }

static inline double b2g_number_at(int64_t place)
{
    return b2g_from_bits((uint64_t)b2g_in_order(place));
}

/* The last of the places from `low` on, where they have passed, that is before `high`, where they
   have not, and for which they have. */
B2G_FN_RARE int64_t b2g_last_place(double rate, double now, double steps, int64_t low, int64_t high)
{
    while (low + 1 < high) {
        const int64_t middle = (low & high) + ((low ^ high) >> 1); /* their sum may be too large */
        if (b2g_has_passed(rate, now, steps, b2g_number_at(middle)))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The largest time for which that holds; the earlier, the more steps have passed.  It is near to
   what a division gives, but where one of two times is far smaller than the other. */
static inline double b2g_latest_search(double rate, double now, double steps)
{
    const int64_t first = b2g_in_order((int64_t)b2g_bits(-INFINITY));
    const int64_t last = b2g_in_order((int64_t)b2g_bits(INFINITY));
    int64_t place = b2g_in_order((int64_t)b2g_bits(now - steps / rate));
    for (int tries = 0; tries < 4; tries++) {
        if (!b2g_has_passed(rate, now, steps, b2g_number_at(place)))
            place--;
        else if (b2g_has_passed(rate, now, steps, b2g_number_at(place + 1)))
            place++;
        else
            return b2g_number_at(place);
    }
    if (b2g_has_passed(rate, now, steps, b2g_number_at(place)))
        return b2g_number_at(b2g_last_place(rate, now, steps, place, last));
    return b2g_number_at(b2g_last_place(rate, now, steps, first, place));
}

/* The same; groups of a network mostly ask for the same. */
static inline double b2g_latest_f64(double rate, double now, double steps)
{
#if defined(__linux__) || defined(__APPLE__)
    static __thread double asked[3], answer;
    if (asked[0] != rate || asked[1] != now || asked[2] != steps) {
        answer = b2g_latest_search(rate, now, steps);
        asked[0] = rate;
        asked[1] = now;
        asked[2] = steps;
    }
    return answer;
#else
    return b2g_latest_search(rate, now, steps);
#endif
}

#endif
