/* How the processes (ranks) that run one network meet, and exchange what each has computed for
   elements of its own.  Part of the support library.

   Whatever ranks do together begins with blocks of one size, which say what it is for.  So ranks that
   have parted are told, in place of waiting for each other. */
#ifndef BRIAN2GENN_RANKS_H
#define BRIAN2GENN_RANKS_H

#include "brian2genn_runtime.h"

/* Numbers in a block, and where what it says is. */
enum {
    B2G_BLOCK = 64,
    B2G_PURPOSE = 0,          /* what the meeting is for */
    B2G_WHICH = 1,            /* which of these it is */
    B2G_SEQUENCE = 2,         /* how many there were before */
    B2G_BYTES = 3,            /* of the message; a short one is in the block */
    B2G_MESSAGE = 4
};

enum { B2G_FOR_EXCHANGE = 1 };

/* Functions of MPI; handles are addresses or numbers, as the library has it. */
typedef int (*b2g_iallgather)(const void *, int, intptr_t, void *, int, intptr_t, intptr_t,
                              intptr_t *);
typedef int (*b2g_wait)(intptr_t *, void *);
typedef int (*b2g_allgatherv)(const void *, int, intptr_t, void *, const int *, const int *,
                              intptr_t, intptr_t);

typedef struct {
    b2g_ranks ranks;
    intptr_t communicator, byte;
    b2g_iallgather iallgather;
    b2g_wait wait;
    b2g_allgatherv allgatherv;
    intptr_t request;         /* of the meeting that has begun */
    int32_t *own, *blocks;    /* one block, and one of each rank */
    int32_t *told;            /* the block of the meeting that has begun */
    int32_t *counts, *places; /* one of each rank */
    int64_t sequence;         /* meetings up to now */
    int64_t sent;             /* bytes that this rank has sent in exchanges */
    int64_t exchanges;
    double seconds;           /* spent in exchanges */
    int32_t failed;           /* what MPI said of the last call; 0 if all was well */
    int32_t is_long;          /* whether the last messages did not fit into blocks */
    int32_t has_begun;        /* whether a meeting has begun that has not ended */
    void *send, *receive;
    int64_t send_capacity, receive_capacity;
} b2g_world;

static int b2g_told(b2g_world *world, int error)
{
    world->failed = error;
    return error ? B2G_PARTED : B2G_OK;
}

/* Begin to meet.  All meetings are begun in one way: then those that are for different things find each
   other, too. */
static int32_t b2g_begin_meeting(b2g_world *world)
{
    const int32_t bytes = B2G_BLOCK * (int32_t)sizeof(int32_t);
    world->own[B2G_SEQUENCE] = (int32_t)(world->sequence++ & INT32_MAX);
    memcpy(world->told, world->own, (size_t)bytes);
    if (b2g_told(world, world->iallgather(world->told, bytes, world->byte, world->blocks, bytes,
                                          world->byte, world->communicator, &world->request)))
        return B2G_PARTED;
    world->has_begun = 1;
    return B2G_OK;
}

/* Meet those with whom a meeting has begun: the blocks of all ranks are there afterwards.  Whether they
   are for the same thing: B2G_OK. */
static int32_t b2g_end_meeting(b2g_world *world)
{
    int64_t status[16];       /* room for what MPI tells */
    world->has_begun = 0;
    if (b2g_told(world, world->wait(&world->request, status)))
        return B2G_PARTED;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++)
        for (int32_t k = B2G_PURPOSE; k <= B2G_SEQUENCE; k++)
            if (world->blocks[rank * B2G_BLOCK + k] != world->told[k])
                return B2G_PARTED;
    return B2G_OK;
}

/* Gather `bytes` of each rank's, as world->counts says of all of them, in world->receive. */
static int32_t b2g_gather_bytes(b2g_world *world)
{
    int64_t all = 0;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
        if (all > INT32_MAX)
            return B2G_NO_MEMORY;
        world->places[rank] = (int32_t)all;
        all += world->counts[rank];
    }
    if (all > INT32_MAX ||
        b2g_grow(&world->receive, &world->receive_capacity, all ? all : 1, 1))
        return B2G_NO_MEMORY;
    world->sent += world->counts[world->ranks.rank];
    return b2g_told(world, world->allgatherv(world->send, world->counts[world->ranks.rank],
                                             world->byte, world->receive, world->counts,
                                             world->places, world->byte, world->communicator));
}

/* Begin to exchange messages of `numbers` numbers, which lie in world->send until that has ended: short
   ones in blocks. */
static int32_t b2g_begin_messages(b2g_world *world, int64_t numbers)
{
    const int32_t room = B2G_BLOCK - B2G_MESSAGE;
    if (numbers > INT32_MAX / (int64_t)sizeof(int32_t))
        return B2G_NO_MEMORY;
    world->own[B2G_BYTES] = (int32_t)(numbers * (int64_t)sizeof(int32_t));
    memcpy(world->own + B2G_MESSAGE, world->send,
           (size_t)(numbers < room ? numbers : room) * sizeof(int32_t));
    return b2g_begin_meeting(world);
}

/* Have exchanged them.  Where those of each rank are then: b2g_message_of. */
static int32_t b2g_end_messages(b2g_world *world)
{
    const int32_t room = B2G_BLOCK - B2G_MESSAGE;
    const int32_t error = b2g_end_meeting(world);
    if (error)
        return error;
    world->sent += B2G_BLOCK * (int64_t)sizeof(int32_t);
    world->is_long = 0;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
        world->counts[rank] = world->blocks[rank * B2G_BLOCK + B2G_BYTES];
        world->is_long |= world->counts[rank] > room * (int32_t)sizeof(int32_t);
    }
    return world->is_long ? b2g_gather_bytes(world) : B2G_OK;
}

static int32_t b2g_exchange_messages(b2g_world *world, int64_t numbers)
{
    const int32_t error = b2g_begin_messages(world, numbers);
    return error ? error : b2g_end_messages(world);
}

/* Meet.  If the program has failed while its messages travel, the others wait for them: then the ranks
   meet only if all is well with these. */
int32_t b2g_meet(b2g_world *world)
{
    int32_t error = world->has_begun ? b2g_end_messages(world) : B2G_OK;
    if (error == B2G_OK)
        error = b2g_begin_meeting(world);
    return error ? error : b2g_end_meeting(world);
}

static const int32_t *b2g_message_of(const b2g_world *world, int32_t rank)
{
    return world->is_long ? (const int32_t *)((const char *)world->receive + world->places[rank])
                          : world->blocks + rank * B2G_BLOCK + B2G_MESSAGE;
}

/* This rank's own events in a list, and their number. */
static const int32_t *b2g_own_events(const b2g_world *world, const b2g_exchanged *list, int64_t *n)
{
    const int32_t *const listed = (const int32_t *)list->data;
    const int64_t elements = list->length - 1;
    const int32_t *const end = listed + listed[elements];
    const int32_t rank = world->ranks.rank;
    const int32_t *const first = b2g_from(listed, end, b2g_cut(&world->ranks, elements, rank));
    *n = b2g_from(first, end, b2g_cut(&world->ranks, elements, rank + 1)) - first;
    return first;
}

/* Exchange lists of events: each rank's own become those of all. */
static int32_t b2g_exchange_lists(b2g_world *world, const b2g_exchanged *lists, int32_t n_lists)
{
    int64_t numbers = n_lists;
    for (int32_t k = 0; k < n_lists; k++)
        numbers += lists[k].length;
    if (numbers < B2G_BLOCK)
        numbers = B2G_BLOCK;
    if (b2g_grow(&world->send, &world->send_capacity, numbers * (int64_t)sizeof(int32_t), 1))
        return B2G_NO_MEMORY;
    int32_t *const message = (int32_t *)world->send;
    numbers = n_lists;
    for (int32_t k = 0; k < n_lists; k++) {
        int64_t n;
        const int32_t *const first = b2g_own_events(world, &lists[k], &n);
        message[k] = (int32_t)n;
        memcpy(message + numbers, first, (size_t)n * sizeof(int32_t));
        numbers += n;
    }
    const int32_t error = b2g_exchange_messages(world, numbers);
    if (error)
        return error;
    for (int32_t k = 0; k < n_lists; k++)
        ((int32_t *)lists[k].data)[lists[k].length - 1] = 0;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
        const int32_t *const counts = b2g_message_of(world, rank);
        const int32_t *events = counts + n_lists;
        for (int32_t k = 0; k < n_lists; k++) {
            int32_t *const listed = (int32_t *)lists[k].data;
            int32_t *const n_listed = &listed[lists[k].length - 1];
            memcpy(listed + *n_listed, events, (size_t)counts[k] * sizeof(int32_t));
            *n_listed += counts[k];
            events += counts[k];
        }
    }
    return B2G_OK;
}

/* The first byte of a rank's part of values. */
static int64_t b2g_place(const b2g_world *world, const b2g_exchanged *values, int32_t rank)
{
    return b2g_cut(&world->ranks, values->length, rank) * values->item;
}

/* Exchange values: the elements of the other ranks become what they are there. */
static int32_t b2g_exchange_values(b2g_world *world, const b2g_exchanged *values, int32_t n_values)
{
    int64_t most = 0;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
        int64_t bytes = 0;
        for (int32_t k = 0; k < n_values; k++)
            bytes += b2g_place(world, &values[k], rank + 1) - b2g_place(world, &values[k], rank);
        if (bytes > INT32_MAX)
            return B2G_NO_MEMORY;
        world->counts[rank] = (int32_t)bytes;
        most = bytes > most ? bytes : most;
    }
    if (b2g_grow(&world->send, &world->send_capacity, most ? most : 1, 1))
        return B2G_NO_MEMORY;
    char *place = (char *)world->send;
    for (int32_t k = 0; k < n_values; k++) {
        const int64_t first = b2g_place(world, &values[k], world->ranks.rank);
        const int64_t last = b2g_place(world, &values[k], world->ranks.rank + 1);
        memcpy(place, values[k].data + first, (size_t)(last - first));
        place += last - first;
    }
    const int32_t error = b2g_gather_bytes(world);
    if (error)
        return error;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
        const char *received = (const char *)world->receive + world->places[rank];
        for (int32_t k = 0; k < n_values; k++) {
            const int64_t first = b2g_place(world, &values[k], rank);
            const int64_t last = b2g_place(world, &values[k], rank + 1);
            if (rank != world->ranks.rank)
                memcpy(values[k].data + first, received, (size_t)(last - first));
            received += last - first;
        }
    }
    return B2G_OK;
}

enum { B2G_FOR_LATE_EVENTS = -1 };

/* Begin to exchange the events that were collected. */
static int32_t b2g_send(b2g_context *ctx)
{
    b2g_world *const world = (b2g_world *)ctx->ranks;
    b2g_late *const late = ctx->late;
    const double began = b2g_seconds();
    const int64_t numbers = late->used < B2G_BLOCK ? B2G_BLOCK : late->used;
    if (b2g_grow(&world->send, &world->send_capacity, numbers * (int64_t)sizeof(int32_t), 1))
        return B2G_NO_MEMORY;
    memcpy(world->send, late->events, (size_t)late->used * sizeof(int32_t));
    world->own[B2G_PURPOSE] = B2G_FOR_EXCHANGE;
    world->own[B2G_WHICH] = B2G_FOR_LATE_EVENTS;
    const int32_t error = b2g_begin_messages(world, late->used);
    late->travelling = late->steps;
    late->steps = 0;
    late->used = 0;
    world->seconds += b2g_seconds() - began;
    return error;
}

/* Put events that travel into the queues, those of all ranks in the order in which they would have come
   there: the time step in which the last were collected is over, and queues are at the next one. */
int32_t b2g_receive(b2g_context *ctx)
{
    b2g_world *const world = (b2g_world *)ctx->ranks;
    b2g_late *const late = ctx->late;
    const int32_t steps = late->travelling;
    late->travelling = 0;
    if (steps == 0 || !world->has_begun)
        return B2G_OK;
    const double began = b2g_seconds();
    const int32_t error = b2g_end_messages(world);
    if (error)
        return error;
    for (int32_t rank = 0; rank < world->ranks.ranks; rank++)
        world->counts[rank] = 0; /* how far each message has been read */
    for (int32_t step = 0; step < steps; step++)
        for (int32_t list = 0; list < late->n_lists; list++)
            for (int32_t rank = 0; rank < world->ranks.ranks; rank++) {
                const int32_t *const events = b2g_message_of(world, rank) + world->counts[rank];
                for (int32_t k = 0; k < late->n_pushes; k++)
                    if (late->pushes[k].list == list &&
                        b2g_push_late(ctx->queues[late->pushes[k].queue], events + 1, events[0],
                                      steps - step))
                        return B2G_NO_MEMORY;
                world->counts[rank] += 1 + events[0];
            }
    world->exchanges++;
    world->seconds += b2g_seconds() - began;
    return B2G_OK;
}

/* Exchange all that was collected. */
int32_t b2g_flush(b2g_context *ctx)
{
    int32_t error = b2g_receive(ctx);
    if (error == B2G_OK && ctx->late->steps > 0) {
        error = b2g_send(ctx);
        if (error == B2G_OK)
            error = b2g_receive(ctx);
    }
    return error;
}

/* The exchange with this number in a program. */
int32_t b2g_exchange(b2g_context *ctx, int32_t number, const b2g_exchanged *lists, int32_t n_lists,
                     const b2g_exchanged *values, int32_t n_values)
{
    b2g_world *const world = (b2g_world *)ctx->ranks;
    int32_t error = b2g_receive(ctx);
    if (error)
        return error;
    const double began = b2g_seconds();
    world->own[B2G_PURPOSE] = B2G_FOR_EXCHANGE;
    world->own[B2G_WHICH] = number;
    error = b2g_exchange_lists(world, lists, n_lists);
    if (!error && n_values)
        error = b2g_exchange_values(world, values, n_values);
    world->exchanges++;
    world->seconds += b2g_seconds() - began;
    return error;
}

/* A time step ends: keep this rank's own events.  With `goes_on`, they travel while the next time step
   begins, which calls b2g_receive before any can be due. */
int32_t b2g_collect(b2g_context *ctx, const b2g_exchanged *lists, int32_t n_lists,
                    const b2g_late_push *pushes, int32_t n_pushes, int32_t goes_on)
{
    const b2g_world *const world = (const b2g_world *)ctx->ranks;
    b2g_late *const late = ctx->late;
    late->pushes = pushes;
    late->n_lists = n_lists;
    late->n_pushes = n_pushes;
    for (int32_t k = 0; k < n_lists; k++) {
        int64_t n;
        const int32_t *const events = b2g_own_events(world, &lists[k], &n);
        if (b2g_grow(&late->events, &late->capacity, late->used + n + 1, sizeof(int32_t)))
            return B2G_NO_MEMORY;
        int32_t *const kept = (int32_t *)late->events + late->used;
        kept[0] = (int32_t)n;
        memcpy(kept + 1, events, (size_t)n * sizeof(int32_t));
        late->used += n + 1;
    }
    if (++late->steps < late->window)
        return B2G_OK;
    /* after the last one, others may meet */
    return goes_on && !ctx->last ? b2g_send(ctx) : b2g_flush(ctx);
}

#endif
