/* Random numbers for the C++ functions that users write.  A call is given the
   numbers of its place in the code (a stream), the element and the time step. */
#ifndef BRIAN2GENN_USER_H
#define BRIAN2GENN_USER_H

#include "brian2genn_random.h"

#if defined(BRIAN2GENN_DEVICE_H) || !defined(__cpp_exceptions)
#define B2G_CATCH(call, name) return call
#else
#include <cstdio>
#include <stdexcept>
#include <type_traits>

/* What a function has thrown first, and which one it was: the error of a time step, or of set-up
   code.  Nothing is thrown through the program, which several threads may execute. */
typedef struct {
    int32_t is_there;
    char function[64], what[192];
} b2g_exception;

static b2g_exception b2g_thrown;

static void __attribute__((noinline, cold)) b2g_note_thrown(const char *function, const char *what)
{
    if (__atomic_exchange_n(&b2g_thrown.is_there, 1, __ATOMIC_ACQ_REL))
        return;
    snprintf(b2g_thrown.function, sizeof b2g_thrown.function, "%s", function);
    snprintf(b2g_thrown.what, sizeof b2g_thrown.what, "%s", what);
}

#define B2G_CATCH(call, name)                                         \
    try {                                                             \
        return call;                                                  \
    } catch (const std::exception &thrown) {                          \
        b2g_note_thrown(name, thrown.what());                         \
    } catch (...) {                                                   \
        b2g_note_thrown(name, "");                                    \
    }                                                                 \
    return typename std::decay<decltype(call)>::type()
#endif

typedef struct {
    uint64_t seed, step;
    uint32_t stream;
    int32_t fresh;      /* the place or the time is another one */
    b2g_rng rng;
} b2g_user_numbers;

#if defined(BRIAN2GENN_DEVICE_H)
/* one for every thread of a block (B2G_MOST_THREADS at most); nothing in it outlives a call of
   the function */
static __device__ b2g_user_numbers *b2g_user_of_thread(void)
{
    __shared__ b2g_user_numbers numbers[B2G_MOST_THREADS];
    return &numbers[threadIdx.x];
}
#define b2g_user (*b2g_user_of_thread())
#define B2G_USER_FRESH 1
#else
static b2g_user_numbers b2g_user;
#define B2G_USER_FRESH b2g_user.fresh
#endif

/* Say which numbers the function that is called next shall have. */
B2G_FN_LONG void b2g_user_site(uint64_t seed, uint32_t stream, uint64_t step)
{
    b2g_user.fresh = B2G_USER_FRESH || b2g_user.seed != seed || b2g_user.step != step ||
                     b2g_user.stream != stream;
    b2g_user.seed = seed;
    b2g_user.step = step;
    b2g_user.stream = stream;
}

B2G_FN_LONG void b2g_user_element(int element)
{
    if (b2g_user.fresh || b2g_user.rng.element != (uint32_t)element)
        b2g_user.rng =
            b2g_rng_init(b2g_user.seed, b2g_user.stream, (uint32_t)element, b2g_user.step);
    b2g_user.fresh = 0;
}

/* What Brian calls rand() and randn() in C++. */
B2G_FN_LONG double b2g_user_rand(int element)
{
    b2g_user_element(element);
    return b2g_next_uniform(&b2g_user.rng);
}

B2G_FN_LONG double b2g_user_randn(int element)
{
    b2g_user_element(element);
    const double radius = sqrt(-2.0 * log(1.0 - b2g_next_uniform(&b2g_user.rng)));
    return radius * cos(6.283185307179586 * b2g_next_uniform(&b2g_user.rng));
}

#endif
