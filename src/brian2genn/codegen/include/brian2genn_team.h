/* The threads of this process that programs share their work out among.

   There is one team for the process.  Its threads are started when they are first needed; they wait
   for the next piece of work for a moment, then sleep.  Part of the support library. */
#ifndef BRIAN2GENN_TEAM_H
#define BRIAN2GENN_TEAM_H

#include "brian2genn_runtime.h"
#include "brian2genn_subnormal.h"

/* Parts from `first` on, one after the other. */
static void b2g_alone(b2g_share share, void *work, int32_t first, int32_t parts)
{
    for (int32_t part = first; part < parts; part++)
        share(work, part, parts);
}

#if defined(_WIN32) || !defined(__GNUC__)

int32_t b2g_together(b2g_share share, void *work, int32_t parts)
{
    b2g_alone(share, work, 0, parts);
    return 0;
}

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>

enum { B2G_MOST_THREADS = 256, B2G_SPINS = 200 };

/* Seconds that a thread without work is awake. */
#define B2G_AWAKE 3e-4

/* Each in cache lines of its own. */
typedef struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int32_t sleeping;
    uint64_t seen;            /* the last call that it knows of */
    char apart_1[64];
    uint64_t claimed;         /* the last call whose part is somebody's: the member's or the caller's */
    uint64_t done;            /* the last call whose part the member has done */
    char apart_2[112];
} b2g_member;

static struct {
    uint64_t call;            /* counts the calls; its low 16 bits say how many take part */
    b2g_share share;
    void *work;
    int32_t parts;
    b2g_arithmetic arithmetic; /* how the caller computes */
    char apart[96];
    int32_t taken;            /* somebody uses the team */
    int32_t size;             /* the caller and the threads there are */
    int32_t most;             /* no more than these can be had; 0 at first */
    b2g_member members[B2G_MOST_THREADS];
} b2g_team;

static inline void b2g_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Wait for a call that the member does not know. */
static uint64_t b2g_next_call(b2g_member *self)
{
    uint64_t call;
    double began = 0.0;
    for (int32_t spins = 0;; spins++) {
        call = __atomic_load_n(&b2g_team.call, __ATOMIC_ACQUIRE);
        if (call != self->seen)
            return call;
        if (spins < B2G_SPINS) {
            b2g_pause();
            continue;
        }
        /* others may have something to do */
        sched_yield();
        if (began == 0.0)
            began = b2g_seconds();
        else if (b2g_seconds() - began > B2G_AWAKE)
            break;
    }
    pthread_mutex_lock(&self->mutex);
    __atomic_store_n(&self->sleeping, 1, __ATOMIC_SEQ_CST);
    while ((call = __atomic_load_n(&b2g_team.call, __ATOMIC_SEQ_CST)) == self->seen)
        pthread_cond_wait(&self->wake, &self->mutex);
    __atomic_store_n(&self->sleeping, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&self->mutex);
    return call;
}

/* Take on a member's part of a call; false if somebody has it, or it is long done. */
static inline bool b2g_claim(b2g_member *member, uint64_t call)
{
    uint64_t last = __atomic_load_n(&member->claimed, __ATOMIC_RELAXED);
    return last < call && __atomic_compare_exchange_n(&member->claimed, &last, call, 0, __ATOMIC_ACQ_REL,
                                                      __ATOMIC_RELAXED);
}

static void *b2g_member_main(void *argument)
{
    b2g_member *const self = (b2g_member *)argument;
    const int32_t part = (int32_t)(self - b2g_team.members);
    for (;;) {
        self->seen = b2g_next_call(self);
        /* the caller waits for parts that members have claimed, and changes nothing until then */
        if (part < (int32_t)(self->seen & 0xFFFF) && b2g_claim(self, self->seen)) {
            b2g_compute_so(b2g_team.arithmetic);
            b2g_team.share(b2g_team.work, part, b2g_team.parts);
            __atomic_store_n(&self->done, self->seen, __ATOMIC_RELEASE);
        }
    }
    return NULL;
}

/* A process that was forked has only the thread that forked. */
static void b2g_forget_members(void)
{
    b2g_team.size = 1;
    b2g_team.most = B2G_MOST_THREADS;
    __atomic_store_n(&b2g_team.taken, 0, __ATOMIC_RELEASE);
}

/* Start threads until there are `size` members, or no more can be had. */
static void b2g_grow_team(int32_t size)
{
    sigset_t all, before;
    if (b2g_team.most == 0) {
        b2g_team.size = 1;
        b2g_team.most = pthread_atfork(NULL, NULL, b2g_forget_members) ? 1 : B2G_MOST_THREADS;
    }
    if (size > b2g_team.most)
        size = b2g_team.most;
    if (b2g_team.size >= size)
        return;
    /* signals are for the threads of Python, but for those that say where a fault is */
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (b2g_team.size < size) {
        b2g_member *const member = &b2g_team.members[b2g_team.size];
        pthread_t thread;
        member->sleeping = 0;
        member->seen = member->claimed = member->done = b2g_team.call;
        if (pthread_mutex_init(&member->mutex, NULL) != 0 ||
            pthread_cond_init(&member->wake, NULL) != 0 ||
            pthread_create(&thread, NULL, b2g_member_main, member) != 0) {
            b2g_team.most = b2g_team.size;
            break;
        }
        pthread_detach(thread);
        b2g_team.size++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Wake the members of a call that sleep. */
static inline void b2g_wake(int32_t members)
{
    for (int32_t k = 1; k < members; k++) {
        b2g_member *const member = &b2g_team.members[k];
        if (__atomic_load_n(&member->sleeping, __ATOMIC_SEQ_CST)) {
            pthread_mutex_lock(&member->mutex);
            pthread_cond_signal(&member->wake);
            pthread_mutex_unlock(&member->mutex);
        }
    }
}

/* Have all parts of some work done, by several threads if they can be had: whoever has begun none
   when the caller is done with its own leaves it to the caller.  To wake a thread may take longer
   than the work.  Returns how many parts others have done. */
int32_t b2g_together(b2g_share share, void *work, int32_t parts)
{
    int32_t none = 0, helped = 0;
    /* a program that another thread of Python runs may have the team */
    if (parts < 2 || !__atomic_compare_exchange_n(&b2g_team.taken, &none, 1, 0, __ATOMIC_ACQUIRE,
                                                  __ATOMIC_RELAXED)) {
        b2g_alone(share, work, 0, parts);
        return 0;
    }
    b2g_grow_team(parts);
    const int32_t members = parts < b2g_team.size ? parts : b2g_team.size;
    const uint64_t call = ((b2g_team.call >> 16) + 1) << 16 | (uint64_t)members;
    b2g_team.share = share;
    b2g_team.work = work;
    b2g_team.parts = parts;
    b2g_team.arithmetic = b2g_arithmetic_now();
    __atomic_store_n(&b2g_team.call, call, __ATOMIC_SEQ_CST);
    b2g_wake(members);
    share(work, 0, parts);
    b2g_alone(share, work, members, parts);
    for (int32_t k = 1; k < members; k++) {
        if (b2g_claim(&b2g_team.members[k], call)) {
            share(work, k, parts);
            b2g_team.members[k].done = call;
        } else {
            helped++;
        }
    }
    for (int32_t k = 1; k < members; k++)
        for (int32_t spins = 0; __atomic_load_n(&b2g_team.members[k].done, __ATOMIC_ACQUIRE) != call; spins++) {
            if (spins < B2G_SPINS)
                b2g_pause();
            else
                sched_yield();
        }
    __atomic_store_n(&b2g_team.taken, 0, __ATOMIC_RELEASE);
    return helped;
}

#endif
#endif
