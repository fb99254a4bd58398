/* What a translated program runs on: fibres, PTX's operations and, if asked for, a closer
   look at what it does.

   PTX_WATCH    every access is checked and races are found (watch.h)
   PTX_COUNT    executed instructions and memory traffic are counted (count.h) */
#ifndef PTX_RUNTIME_H
#define PTX_RUNTIME_H

#include <stdint.h>

static void ptx_before_launch(void);
static const char *ptx_after_launch(void);
#define SHIM_BEFORE_LAUNCH() ptx_before_launch()
#define SHIM_AFTER_LAUNCH() ptx_after_launch()
#ifdef PTX_COUNT
static void ptx_warp_served(unsigned first);
static void ptx_barrier_passed(unsigned threads);
static void ptx_cluster_passed(unsigned blocks, unsigned threads);
#define SHIM_WARP_SERVED(first) ptx_warp_served(first)
#define SHIM_BARRIER_PASSED(threads) ptx_barrier_passed(threads)
#define SHIM_CLUSTER_PASSED(blocks, threads) ptx_cluster_passed(blocks, threads)
#define SHIM_TOGETHER true
#endif
#include "../fibres.h"

/* Where an instruction stands that accesses memory. */
struct ptx_site {
    const char *function;
    int line;                 /* of the PTX */
    const char *source;       /* file and line of the CUDA program, or "" */
    const char *text;
};
/* A variable of the program. */
struct ptx_variable {
    const char *name;
    const void *place;
    uint64_t size;
};
extern const ptx_site ptx_sites[];
extern const ptx_variable ptx_variables[];
extern const unsigned ptx_n_sites, ptx_n_variables, ptx_n_blocks;

/* Where the instructions for shared memory count from. */
extern "C" char __start_shim_shared[] __attribute__((weak)), __stop_shim_shared[] __attribute__((weak));
#define PTX_SHARED_BEGIN ((uint64_t)(uintptr_t)__start_shim_shared)
#define PTX_SHARED_END ((uint64_t)(uintptr_t)__stop_shim_shared)

enum ptx_access { PTX_READ, PTX_WRITE, PTX_ATOMIC, PTX_STRONG_READ, PTX_STRONG_WRITE };
enum ptx_space { PTX_GENERIC, PTX_GLOBAL, PTX_SHARED, PTX_LOCAL, PTX_CONST };

/* Stop: the message is what is wrong. */
#define PTX_FAIL(...)                                                  \
    do {                                                               \
        if (!shim_error[0])                                            \
            snprintf(shim_error, sizeof(shim_error), __VA_ARGS__);     \
        for (;;)                                                       \
            shim_yield();                                              \
    } while (0)

static inline void ptx_all_lanes(uint32_t members)
{
    if (members != 0xFFFFFFFFu)
        PTX_FAIL("an operation of a part of a warp (%08x)", members);
}
static inline void ptx_trap(void) { PTX_FAIL("thread %u of block %u meets a trap", shim_current, blockIdx.x); }

#include "operations.h"

#ifdef PTX_COUNT
#include "count.h"
#else
#define PTX_TIMES(...)
#define PTX_CLOCK ((void)0)
#define PTX_ISSUE(operands) ((void)0)
#define PTX_READY(time, cycles) ((void)0)
#define PTX_READY_FROM(time, space, place) ((void)0)
#define PTX_WRITES(space, place) ((void)0)
#define PTX_ATOMIC_AT(time, space, place) ((void)0)
#define PTX_SETTLE() ((void)0)
#define PTX_SYNC() ((void)0)
#define PTX_ARRIVES() ((void)0)
#define PTX_ENTER ((void)0)
#define PTX_BLOCK(block) ((void)0)
#define PTX_COUNT_ACCESS(site, block, kind, space, place, n) ((void)0)
static void ptx_begin_counting(void) {}
static void ptx_end_counting(void) {}
#endif

#ifdef PTX_WATCH
#include "watch.h"
#else
#define ptx_watch(site, kind, space, place, n) ((void)0)
#define ptx_watch_elsewhere(site, place, n, block) ((void)0)
static void ptx_fence(void) {}
static void ptx_barrier(void) { shim_barrier(); }
static void ptx_cluster_arrive(void) { shim_cluster_arrive(); }
static void ptx_cluster_await(void) { shim_cluster_await(); }
static void ptx_begin_watching(void) {}
static const char *ptx_end_watching(void) { return NULL; }
extern "C" void ptx_set_memory(const uint64_t *, unsigned) {}
#endif

/* An access, made ready: its address. */
#define PTX_AT(site, block, kind, space, place, n)                                     \
    ({                                                                                 \
        const uint64_t at_ = (place);                                                  \
        if (kind == PTX_STRONG_READ)                                                   \
            ptx_look_again(at_);                                                       \
        ptx_watch(site, kind, space, at_, n);                                          \
        PTX_COUNT_ACCESS(site, block, kind, space, at_, n);                            \
        (char *)at_;                                                                   \
    })

/* The same place in the shared memory of another block, as a number: the block, and then 24 bits. */
static inline uint32_t ptx_map(uint32_t place, uint32_t block) { return (block + 1) << 24 | place; }

/* Write there what others may read meanwhile. */
static char *ptx_elsewhere(unsigned site, uint64_t place, unsigned n)
{
    const unsigned block = (unsigned)(place >> 24) - 1;
    const uint64_t here = PTX_SHARED_BEGIN + (place & 0xFFFFFF);
    char *const there = shim_in_block((const char *)here, block);
    ptx_watch_elsewhere(site, here, n, block);
    return there;
}
#define PTX_PUT(site, block, place, type, value, n)                                    \
    do {                                                                               \
        shim_perhaps_wait();                                                           \
        *(type *)ptx_elsewhere(site, place, n) = (value);                              \
    } while (0)

/* Whoever looks at shared memory again and again waits for another block. */
static inline void ptx_look_again(uint64_t place)
{
    if (place >= PTX_SHARED_BEGIN && place < PTX_SHARED_END)
        shim_pause();
}

static void ptx_before_launch(void)
{
    ptx_begin_counting();
    ptx_begin_watching();
}
static const char *ptx_after_launch(void)
{
    ptx_end_counting();
    return ptx_end_watching();
}

#endif
