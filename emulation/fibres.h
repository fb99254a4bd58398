/* Executes the threads of a GPU on the processor.  Every thread of a block is a
   fibre; fibres run one at a time, in shuffled order, until they wait at a barrier
   or at an operation of their warp.  Blocks run one after the other, shuffled too;
   those of a cooperative launch, and of a cluster, take turns of different lengths.
   What a GPU would leave undefined (a barrier that some threads never reach) is an
   error here.

   What a program's text becomes is decided by whoever includes this: shim.h lets
   g++ read CUDA C++, ptx/operations.h what NVRTC has made of it. */
#ifndef FIBRES_H
#define FIBRES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shared memory: one after the other in memory, for blocks that take turns have
   copies of it all. */
#define SHIM_SHARED __attribute__((section("shim_shared")))

/* What is done before the first block of a launch, and after the last: then NULL, or
   what is wrong. */
#ifndef SHIM_BEFORE_LAUNCH
#define SHIM_BEFORE_LAUNCH() ((void)0)
#define SHIM_AFTER_LAUNCH() ((const char *)NULL)
#endif

/* What is done when the threads of a warp, a block or a cluster have waited for each other. */
#ifndef SHIM_WARP_SERVED
#define SHIM_WARP_SERVED(first) ((void)0)
#define SHIM_BARRIER_PASSED(threads) ((void)0)
#define SHIM_CLUSTER_PASSED(blocks, threads) ((void)0)
#define SHIM_TOGETHER false
#endif

struct shim_dim { unsigned x, y, z; };
static shim_dim threadIdx, blockIdx, blockDim, gridDim;

/* ---- fibres -------------------------------------------------------------- */

enum shim_wait { SHIM_RUNNABLE, SHIM_WARP, SHIM_BLOCK, SHIM_CLUSTER, SHIM_DONE };
enum shim_op { SHIM_BALLOT, SHIM_SHFL, SHIM_DOWN };

struct shim_fibre {
    void *stack_pointer;
    char *stack;
    shim_wait wait;
    shim_op op;
    uint64_t value, argument, result;
    uint32_t arrived, awaited; /* how often, at the barrier of its cluster */
};

/* The threads of a block, the order in which they run, and its shared memory. */
struct shim_block {
    shim_fibre *fibres;
    unsigned *order;
    unsigned number;
    char *shared;
    bool done;
};

/* What a round of a block's threads has brought. */
enum shim_result { SHIM_STUCK, SHIM_WENT_ON, SHIM_FINISHED, SHIM_FAILED };

static const unsigned SHIM_MOST = 1024;
static const size_t SHIM_STACK = 64 * 1024;
/* rounds in which every thread only waits for another block */
static const unsigned SHIM_PATIENCE = 10000;
static shim_block shim_now; /* the block whose threads run */
static unsigned shim_current;
static bool shim_only_waits;
static bool shim_is_cluster; /* the blocks of this launch are one */
static void *shim_scheduler;
static void (*shim_kernel)(void);
static uint64_t shim_random = 88172645463325252u;
static char shim_error[2048];

static unsigned shim_draw(unsigned n)
{
    shim_random ^= shim_random << 13;
    shim_random ^= shim_random >> 7;
    shim_random ^= shim_random << 17;
    return (unsigned)((shim_random >> 11) % n);
}

#if defined(__x86_64__)
extern "C" void shim_switch(void **save, void *load);
__asm__(".text\n.globl shim_switch\n.hidden shim_switch\n.type shim_switch,@function\nshim_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n");
#elif defined(__aarch64__)
extern "C" void shim_switch(void **save, void *load);
__asm__(".text\n.globl shim_switch\n.hidden shim_switch\nshim_switch:\n"
        "stp x29, x30, [sp, #-160]!\nstp x19, x20, [sp, #16]\nstp x21, x22, [sp, #32]\n"
        "stp x23, x24, [sp, #48]\nstp x25, x26, [sp, #64]\nstp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\nstp d12, d13, [sp, #128]\n"
        "stp d14, d15, [sp, #144]\nmov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
        "ldp x19, x20, [sp, #16]\nldp x21, x22, [sp, #32]\nldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]\nldp x27, x28, [sp, #80]\nldp d8, d9, [sp, #96]\n"
        "ldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"
        "ldp x29, x30, [sp], #160\nret\n");
#else
#error "the shim has no context switch for this processor"
#endif

static void shim_yield(void)
{
    const unsigned me = shim_current;
    shim_switch(&shim_now.fibres[me].stack_pointer, shim_scheduler);
}

static void shim_start(void)
{
    shim_kernel();
    shim_now.fibres[shim_current].wait = SHIM_DONE;
    for (;;)
        shim_yield();
}

static void shim_prepare(shim_fibre *fibre)
{
    if (fibre->stack == NULL)
        fibre->stack = (char *)malloc(SHIM_STACK);
    fibre->wait = SHIM_RUNNABLE;
    fibre->arrived = fibre->awaited = 0;
    char *top = fibre->stack + SHIM_STACK;
    top -= (uintptr_t)top % 16;
#if defined(__x86_64__)
    /* as after a call: the stack pointer is 8 bytes below a multiple of 16 */
    void **place = (void **)(top - 8);
    *place = NULL; /* where shim_start would return to */
    *--place = (void *)shim_start;
    place -= 6;
    memset(place, 0, 6 * sizeof(void *));
    fibre->stack_pointer = place;
#else
    char *frame = top - 160;
    memset(frame, 0, 160);
    ((void **)frame)[1] = (void *)shim_start; /* x30 */
    fibre->stack_pointer = frame;
#endif
}

static void shim_run(unsigned number)
{
    shim_current = number;
    threadIdx.x = number;
    shim_switch(&shim_scheduler, shim_now.fibres[number].stack_pointer);
}

/* Whether a warp waits as a whole; then its operation is done. */
static bool shim_serve_warp(unsigned first)
{
    shim_fibre *const lanes = shim_now.fibres + first;
    unsigned waiting = 0;
    for (unsigned k = 0; k < 32; k++)
        waiting += lanes[k].wait == SHIM_WARP;
    if (waiting < 32)
        return false;
    uint64_t mask = 0;
    for (unsigned k = 0; k < 32; k++) {
        if (lanes[k].op != lanes[0].op) {
            snprintf(shim_error, sizeof(shim_error), "threads of a warp wait at different operations");
            return false;
        }
        mask |= (uint64_t)(lanes[k].value != 0) << k;
    }
    for (unsigned k = 0; k < 32; k++) {
        const uint64_t source = lanes[k].op == SHIM_DOWN ? k + lanes[k].argument : lanes[k].argument;
        lanes[k].result = lanes[k].op == SHIM_BALLOT ? mask : lanes[source < 32 ? source : k].value;
    }
    for (unsigned k = 0; k < 32; k++)
        lanes[k].wait = SHIM_RUNNABLE;
    SHIM_WARP_SERVED(first);
    return true;
}

/* The fibres of a block, made once and used again. */
static void shim_begin(shim_block *block, unsigned number, unsigned n)
{
    if (block->fibres == NULL) {
        block->fibres = (shim_fibre *)calloc(SHIM_MOST, sizeof(shim_fibre));
        block->order = (unsigned *)malloc(SHIM_MOST * sizeof(unsigned));
    }
    block->number = number;
    block->done = false;
    for (unsigned k = 0; k < n; k++) {
        shim_prepare(&block->fibres[k]);
        block->order[k] = k;
    }
    for (unsigned k = n; k > 1; k--) {
        const unsigned j = shim_draw(k), other = block->order[j];
        block->order[j] = block->order[k - 1];
        block->order[k - 1] = other;
    }
}

/* Let every thread of a block run until it waits. */
static shim_result shim_round(shim_block block, unsigned n)
{
    unsigned done = 0, at_barrier = 0;
    bool progress = false;
    shim_now = block;
    blockIdx.x = block.number;
    for (unsigned k = 0; k < n; k++)
        if (block.fibres[block.order[k]].wait == SHIM_RUNNABLE) {
            shim_only_waits = false;
            shim_run(block.order[k]);
            progress = progress || !shim_only_waits;
        }
    for (unsigned first = 0; first < n; first += 32)
        progress = shim_serve_warp(first) || progress;
    for (unsigned k = 0; k < n; k++) {
        done += block.fibres[k].wait == SHIM_DONE;
        at_barrier += block.fibres[k].wait == SHIM_BLOCK;
    }
    if (shim_error[0])
        return SHIM_FAILED;
    if (done == n)
        return SHIM_FINISHED;
    if (at_barrier == n) {
        for (unsigned k = 0; k < n; k++)
            block.fibres[k].wait = SHIM_RUNNABLE;
        SHIM_BARRIER_PASSED(n);
        progress = true;
    }
    return progress ? SHIM_WENT_ON : SHIM_STUCK;
}

static const char *shim_set_up(void (*kernel)(void), unsigned blocks, unsigned threads, uint64_t seed)
{
    shim_error[0] = 0;
    shim_kernel = kernel;
    shim_random ^= seed;
    gridDim.x = blocks;
    blockDim.x = threads;
    gridDim.y = gridDim.z = blockDim.y = blockDim.z = 1;
    if (threads % 32 || threads > SHIM_MOST)
        return "the number of threads in a block must be a multiple of 32, and not above 1024";
    SHIM_BEFORE_LAUNCH();
    return NULL;
}

extern "C" const char *shim_launch(void (*kernel)(void), unsigned blocks, unsigned threads, uint64_t seed)
{
    static shim_block block;
    const char *const wrong = shim_set_up(kernel, blocks, threads, seed);
    if (wrong)
        return wrong;
    /* an arbitrary block first, then with a stride that meets all */
    const unsigned first = shim_draw(blocks), backwards = shim_draw(2);
    for (unsigned k = 0; k < blocks; k++) {
        shim_result result;
        shim_begin(&block, backwards ? (first + blocks - k) % blocks : (first + k) % blocks, threads);
        do
            result = shim_round(block, threads);
        while (result == SHIM_WENT_ON);
        if (result == SHIM_STUCK)
            return "threads wait at a barrier or warp operation that others never reach";
        if (result == SHIM_FAILED)
            return shim_error;
    }
    return SHIM_AFTER_LAUNCH();
}

extern "C" char __start_shim_shared[] __attribute__((weak)), __stop_shim_shared[] __attribute__((weak));

/* Let those go on that wait for the barrier of their cluster, if all threads of all blocks have
   arrived: others may still be busy with what they do before they wait.  With SHIM_TOGETHER, they
   go on only when all wait. */
static bool shim_serve_cluster(shim_block *all, unsigned blocks, unsigned threads)
{
    uint32_t everywhere = UINT32_MAX;
    bool all_wait = true, some = false;
    for (unsigned k = 0; k < blocks; k++)
        for (unsigned thread = 0; thread < threads; thread++) {
            const shim_fibre *const fibre = &all[k].fibres[thread];
            everywhere = fibre->arrived < everywhere ? fibre->arrived : everywhere;
            all_wait = all_wait && fibre->wait == SHIM_CLUSTER;
        }
    if (SHIM_TOGETHER && !all_wait)
        return false;
    for (unsigned k = 0; k < blocks; k++)
        for (unsigned thread = 0; thread < threads; thread++) {
            shim_fibre *const fibre = &all[k].fibres[thread];
            if (fibre->wait != SHIM_CLUSTER || fibre->awaited >= everywhere)
                continue;
            fibre->awaited++;
            fibre->wait = SHIM_RUNNABLE;
            some = true;
        }
    if (some && all_wait)
        SHIM_CLUSTER_PASSED(blocks, threads);
    return some;
}

/* Blocks that may wait for each other: each has a turn, in an order that changes. */
static shim_block *shim_all;
static const char *shim_take_turns(void (*kernel)(void), unsigned blocks, unsigned threads, uint64_t seed)
{
    static unsigned n_all;
    const char *const wrong = shim_set_up(kernel, blocks, threads, seed);
    if (wrong)
        return wrong;
    const size_t n_shared = (size_t)(__stop_shim_shared - __start_shim_shared);
    if (blocks > n_all) {
        shim_all = (shim_block *)realloc(shim_all, blocks * sizeof(shim_block));
        memset(shim_all + n_all, 0, (blocks - n_all) * sizeof(shim_block));
        n_all = blocks;
    }
    for (unsigned k = 0; k < blocks; k++) {
        shim_begin(&shim_all[k], k, threads);
        if (shim_all[k].shared == NULL)
            shim_all[k].shared = (char *)malloc(n_shared + 1);
        memset(shim_all[k].shared, 0xA5, n_shared);
    }
    unsigned left = blocks, without_progress = 0;
    while (left) {
        const unsigned first = shim_draw(blocks), backwards = shim_draw(2);
        bool progress = false;
        for (unsigned k = 0; k < blocks; k++) {
            shim_block *const block = &shim_all[backwards ? (first + blocks - k) % blocks : (first + k) % blocks];
            if (block->done)
                continue;
            memcpy(__start_shim_shared, block->shared, n_shared);
            /* now and then a block runs ahead, as far as it need not wait for others */
            unsigned rounds = shim_draw(8) ? 1 : 1 + shim_draw(100);
            shim_result result;
            do
                result = shim_round(*block, threads);
            while (--rounds && result == SHIM_WENT_ON);
            memcpy(block->shared, __start_shim_shared, n_shared);
            if (result == SHIM_FAILED)
                return shim_error;
            block->done = result == SHIM_FINISHED;
            left -= block->done;
            progress = progress || result != SHIM_STUCK;
        }
        progress = shim_serve_cluster(shim_all, blocks, threads) || progress;
        without_progress = progress ? 0 : without_progress + 1;
        if (without_progress > SHIM_PATIENCE)
            return "blocks wait for each other without end";
    }
    return SHIM_AFTER_LAUNCH();
}

extern "C" const char *shim_launch_together(void (*kernel)(void), unsigned blocks, unsigned threads, uint64_t seed)
{
    return shim_take_turns(kernel, blocks, threads, seed);
}

extern "C" const char *shim_launch_cluster(void (*kernel)(void), unsigned blocks, unsigned threads, uint64_t seed)
{
    shim_is_cluster = true;
    const char *const wrong = shim_take_turns(kernel, blocks, threads, seed);
    shim_is_cluster = false;
    return wrong;
}

/* ---- what threads do together ------------------------------------------------- */

static uint64_t shim_warp(shim_op op, uint64_t value, uint64_t argument)
{
    shim_fibre *const me = &shim_now.fibres[shim_current];
    me->op = op;
    me->value = value;
    me->argument = argument;
    me->wait = SHIM_WARP;
    shim_yield();
    return me->result;
}

/* Where a block of the cluster has what this one has at a place in its shared memory. */
static char *shim_in_block(const void *place, unsigned block)
{
    const size_t offset = (size_t)((const char *)place - __start_shim_shared);
    const char *wrong = NULL;
    if (!shim_is_cluster || block >= gridDim.x)
        wrong = "a block that is not in the cluster";
    else if (offset >= (size_t)(__stop_shim_shared - __start_shim_shared))
        wrong = "memory that is not shared";
    else if (shim_all[block].done || shim_all[block].fibres[0].arrived == 0)
        wrong = "a block that has ended, or may not have begun";
    if (wrong) {
        snprintf(shim_error, sizeof(shim_error), "block %u writes into %s", blockIdx.x, wrong);
        for (;;)
            shim_yield();
    }
    return block == blockIdx.x ? (char *)place : shim_all[block].shared + offset;
}

static inline void shim_barrier(void)
{
    shim_now.fibres[shim_current].wait = SHIM_BLOCK;
    shim_yield();
}

/* Come to the barrier of the cluster: from then on others may pass it. */
static inline void shim_cluster_arrive(void)
{
    shim_now.fibres[shim_current].arrived++;
    if (shim_draw(2) == 0)
        shim_yield(); /* still runnable */
}

/* Wait for all of the cluster to arrive; a block that is in none is one by itself. */
static inline void shim_cluster_await(void)
{
    shim_now.fibres[shim_current].wait = shim_is_cluster ? SHIM_CLUSTER : SHIM_BLOCK;
    shim_yield();
}

/* How a thread waits for another block: the others have their turn. */
static inline void shim_pause(void)
{
    shim_only_waits = true;
    shim_yield();
}

/* Other threads may come first: what was read before may have changed. */
static inline void shim_perhaps_wait(void)
{
    if (shim_draw(8) == 0)
        shim_yield(); /* still runnable */
}

#endif
