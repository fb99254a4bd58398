/* Looks at every access of a launch: whether it lies within living memory and is aligned, and
   whether two threads meet at a byte without anything that orders them.

   What orders two accesses, of which one at least writes and not both are atomic:

   - they are of one thread;
   - a barrier of their block, or of the cluster that all blocks are, lies between them;
   - a hand-over from block to block.  What precedes a fence of its thread, or is parted by a
     barrier from a fence that a thread of its block executes later, is released by the next
     atomic operation (or volatile store) that comes after the fence, in the same thread or
     behind a barrier.  A thread that sees this operation's effect, by an atomic operation or a
     volatile load of the same place, and then executes a fence, comes after what was released;
     so do the threads of its block that execute a fence behind the next barrier, or after it
     if it was fenced before.

   The order in which fibres happened to run orders nothing, so a race is found whichever way it
   went, as long as both accesses took place.  "Block" and "epoch" give the time of an access: the
   epoch of a block is the number of barriers that it has passed. */
#ifndef PTX_WATCH_H
#define PTX_WATCH_H

#include "ptx_time.h"

/* ---- memory that lives -------------------------------------------------------------- */

static const uint64_t *ptx_memory; /* beginnings and ends, ascending; the caller keeps it */
static unsigned ptx_n_memory;
static bool ptx_memory_known;

extern "C" void ptx_set_memory(const uint64_t *begins_and_ends, unsigned n)
{
    ptx_memory = begins_and_ends;
    ptx_n_memory = n;
    ptx_memory_known = true;
}

static bool ptx_within(uint64_t begin, uint64_t end, uint64_t place, unsigned n)
{
    return place >= begin && place + n <= end;
}

static bool ptx_lives(ptx_space space, uint64_t place, unsigned n)
{
    for (unsigned k = 0; k < ptx_n_variables; k++) {
        const uint64_t begin = (uint64_t)(uintptr_t)ptx_variables[k].place;
        if (ptx_within(begin, begin + ptx_variables[k].size, place, n))
            return true;
    }
    if (space == PTX_CONST)
        return false;
    if (!ptx_memory_known)
        return true;
    unsigned low = 0, high = ptx_n_memory;
    while (low < high) {
        const unsigned middle = (low + high) / 2;
        if (ptx_memory[2 * middle + 1] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < ptx_n_memory && ptx_within(ptx_memory[2 * low], ptx_memory[2 * low + 1], place, n);
}

/* ---- a table of what hangs on addresses ------------------------------------------------ */

struct ptx_table {
    uint64_t *keys;           /* 0: free */
    void **values;
    size_t size, used;
};

static void **ptx_find(ptx_table *table, uint64_t key)
{
    if (2 * table->used >= table->size) {
        ptx_table larger = {NULL, NULL, table->size ? 2 * table->size : 256, 0};
        larger.keys = (uint64_t *)calloc(larger.size, sizeof(uint64_t));
        larger.values = (void **)calloc(larger.size, sizeof(void *));
        for (size_t k = 0; k < table->size; k++)
            if (table->keys[k])
                *ptx_find(&larger, table->keys[k]) = table->values[k];
        free(table->keys);
        free(table->values);
        *table = larger;
    }
    size_t k = (size_t)(key * 0x9E3779B97F4A7C15u >> 20) & (table->size - 1);
    while (table->keys[k] && table->keys[k] != key)
        k = (k + 1) & (table->size - 1);
    if (!table->keys[k]) {
        table->keys[k] = key;
        table->used++;
    }
    return &table->values[k];
}

/* ---- who touched a byte ------------------------------------------------------------------ */

/* A thread's access; of many threads of a block, in one epoch, `thread` is PTX_NEVER. */
struct ptx_touch_of {
    uint32_t block, thread, epoch, fences, site;
    bool there;
};
/* Accesses of which none comes after all others: one for each block that has any. */
struct ptx_touches_of {
    ptx_touch_of one, *others;
    uint32_t n_others;
};
struct ptx_cell {
    ptx_touch_of write, atomic;
    /* before it, in its block, the last one of another thread; what a thread of another block has
       seen by an atomic operation precedes it */
    ptx_touch_of other_atomic;
    ptx_touches_of reads, strong_reads;
};
/* 64 words of 4 bytes; with single bytes as soon as one was accessed. */
struct ptx_page {
    uint32_t launch;
    bool bytes;
    ptx_cell *cells;
};
enum { PTX_PAGE = 256 };

static ptx_table ptx_pages, ptx_releases;
static uint32_t ptx_launch_number;
static char ptx_races[sizeof(shim_error)];
static unsigned ptx_n_races;
static struct { uint32_t one, other; } ptx_told[8];

static void ptx_clear(ptx_page *page, bool bytes)
{
    const unsigned n = page->bytes ? PTX_PAGE : PTX_PAGE / 4, wanted = bytes ? PTX_PAGE : PTX_PAGE / 4;
    if (page->cells)
        for (unsigned k = 0; k < n; k++) {
            free(page->cells[k].reads.others);
            free(page->cells[k].strong_reads.others);
        }
    page->cells = (ptx_cell *)realloc(page->cells, wanted * sizeof(ptx_cell));
    memset(page->cells, 0, wanted * sizeof(ptx_cell));
    page->bytes = bytes;
    page->launch = ptx_launch_number;
}

static void ptx_copy_others(ptx_touches_of *touches)
{
    if (touches->n_others) {
        const size_t n = touches->n_others * sizeof(ptx_touch_of);
        touches->others = (ptx_touch_of *)memcpy(malloc(n), touches->others, n);
    }
}

static void ptx_part_words(ptx_page *page)
{
    ptx_cell *const cells = (ptx_cell *)malloc(PTX_PAGE * sizeof(ptx_cell));
    for (unsigned k = 0; k < PTX_PAGE; k++) {
        cells[k] = page->cells[k / 4];
        if (k % 4) {
            ptx_copy_others(&cells[k].reads);
            ptx_copy_others(&cells[k].strong_reads);
        }
    }
    free(page->cells);
    page->cells = cells;
    page->bytes = true;
}

static bool ptx_ordered(const ptx_touch_of *before)
{
    const uint32_t block = blockIdx.x;
    if (!before->there || before->thread == ptx_me())
        return true;
    if (before->block == block)
        return before->epoch < ptx_times[block].epoch;
    const ptx_clock *const known = &ptx_clocks[ptx_threads[ptx_me()].known];
    return known->epoch[before->block] > before->epoch
           || (before->thread != PTX_NEVER && ptx_knows_thread(known, before->thread, before->fences + 1));
}

static const char *const PTX_DOES[] = {"reads", "writes", "changes atomically", "reads (volatile)", "writes (volatile)"};
static const char *const PTX_HAS[] = {"has read", "has written", "has changed atomically", "has read (volatile)"};

static int ptx_tell_site(char *text, size_t room, unsigned site)
{
    const ptx_site *const s = &ptx_sites[site];
    return snprintf(text, room, "%s%sPTX line %d of %s: '%s'", s->source, s->source[0] ? ", " : "", s->line, s->function, s->text);
}

static void ptx_tell_race(const ptx_touch_of *before, ptx_access had, unsigned site, ptx_access kind, uint64_t place)
{
    for (unsigned k = 0; k < ptx_n_races; k++)
        if (ptx_told[k].one == before->site && ptx_told[k].other == site)
            return;
    if (ptx_n_races == sizeof(ptx_told) / sizeof(ptx_told[0]))
        return;
    ptx_told[ptx_n_races].one = before->site;
    ptx_told[ptx_n_races++].other = site;
    const size_t used = strlen(ptx_races);
    char *const text = ptx_races + used, now[300], then[300], other[32];
    ptx_tell_site(now, sizeof(now), site);
    ptx_tell_site(then, sizeof(then), before->site);
    snprintf(other, sizeof(other), "thread %u", before->thread % blockDim.x);
    snprintf(text, sizeof(ptx_races) - used,
             "%srace: thread %u of block %u %s 0x%llx (%s), which %s of block %u %s (%s), and nothing orders them",
             used ? "\n" : "", shim_current, blockIdx.x, PTX_DOES[kind], (unsigned long long)place, now,
             before->thread == PTX_NEVER ? "another thread" : other, before->block, PTX_HAS[had], then);
}

static void ptx_check(const ptx_touch_of *before, ptx_access had, unsigned site, ptx_access kind, uint64_t place)
{
    if (!ptx_ordered(before))
        ptx_tell_race(before, had, site, kind, place);
}

static void ptx_check_all(const ptx_touches_of *before, ptx_access had, unsigned site, ptx_access kind, uint64_t place)
{
    ptx_check(&before->one, had, site, kind, place);
    for (uint32_t k = 0; k < before->n_others; k++)
        ptx_check(&before->others[k], had, site, kind, place);
}

static void ptx_note(ptx_touches_of *touches, const ptx_touch_of *now)
{
    ptx_touch_of *mine = touches->one.there && touches->one.block != now->block ? NULL : &touches->one;
    for (uint32_t k = 0; mine == NULL && k < touches->n_others; k++)
        if (touches->others[k].block == now->block)
            mine = &touches->others[k];
    if (mine == NULL) {
        const size_t n = (touches->n_others + 1) * sizeof(ptx_touch_of);
        touches->others = (ptx_touch_of *)realloc(touches->others, n);
        touches->others[touches->n_others++] = *now;
        return;
    }
    const bool another = mine->there && mine->epoch == now->epoch && mine->thread != now->thread;
    *mine = *now;
    if (another)
        mine->thread = PTX_NEVER;
}

static void ptx_forget(ptx_touches_of *touches)
{
    free(touches->others);
    memset(touches, 0, sizeof(*touches));
}

static void ptx_touch_cell(ptx_cell *cell, unsigned site, ptx_access kind, uint64_t place, const ptx_touch_of *now)
{
    ptx_check(&cell->write, PTX_WRITE, site, kind, place);
    if (kind == PTX_READ || kind == PTX_WRITE) {
        ptx_check(&cell->atomic, PTX_ATOMIC, site, kind, place);
        if (cell->other_atomic.there && cell->other_atomic.block == blockIdx.x)
            ptx_check(&cell->other_atomic, PTX_ATOMIC, site, kind, place);
    }
    if (kind != PTX_READ && kind != PTX_STRONG_READ)
        ptx_check_all(&cell->reads, PTX_READ, site, kind, place);
    if (kind == PTX_WRITE)
        ptx_check_all(&cell->strong_reads, PTX_STRONG_READ, site, kind, place);
    switch (kind) {
    case PTX_READ: ptx_note(&cell->reads, now); break;
    case PTX_STRONG_READ: ptx_note(&cell->strong_reads, now); break;
    case PTX_WRITE:
        cell->write = *now;
        ptx_forget(&cell->reads);
        ptx_forget(&cell->strong_reads);
        break;
    default: /* what comes after these comes after those that they have seen */
        if (cell->atomic.there && cell->atomic.block == now->block && cell->atomic.thread != now->thread)
            cell->other_atomic = cell->atomic;
        cell->atomic = *now;
    }
}

/* `owner` is 0, or the block whose shared memory it is, counted from 1. */
static void ptx_find_races(unsigned site, ptx_access kind, uint64_t place, unsigned n, uint32_t owner)
{
    ptx_thread *const me = &ptx_threads[ptx_me()];
    const uint32_t epoch = ptx_times[blockIdx.x].epoch;
    const ptx_touch_of now = {blockIdx.x, ptx_me(), epoch, me->fences, site, true};
    if (me->uncovered == PTX_NEVER)
        me->uncovered = epoch;
    me->last_access = epoch;
    /* every block has a shared memory of its own */
    const uint64_t where = place | (uint64_t)owner << 48;
    for (unsigned k = 0; k < n;) {
        void **const found = ptx_find(&ptx_pages, (where + k) / PTX_PAGE + 1);
        if (*found == NULL)
            *found = calloc(1, sizeof(ptx_page));
        ptx_page *const page = (ptx_page *)*found;
        if (page->launch != ptx_launch_number)
            ptx_clear(page, n < 4);
        if (n < 4 && !page->bytes)
            ptx_part_words(page);
        const unsigned offset = (unsigned)((where + k) % PTX_PAGE);
        ptx_touch_cell(&page->cells[page->bytes ? offset : offset / 4], site, kind, place + k, &now);
        k += page->bytes ? 1 : 4;
    }
    if (kind == PTX_READ || kind == PTX_WRITE)
        return;
    void **const released = ptx_find(&ptx_releases, where + 1);
    const uint32_t before = (uint32_t)(uintptr_t)*released;
    if (kind != PTX_STRONG_WRITE)
        me->pending = ptx_join(me->pending, before);
    if (kind == PTX_ATOMIC)
        *released = (void *)(uintptr_t)ptx_join(before, ptx_released());
    else if (kind == PTX_STRONG_WRITE)
        *released = (void *)(uintptr_t)ptx_released();
}

static void ptx_watch(unsigned site, ptx_access kind, ptx_space space, uint64_t place, unsigned n)
{
    const uint64_t stack = (uint64_t)(uintptr_t)shim_now.fibres[shim_current].stack;
    const bool local = ptx_within(stack, stack + SHIM_STACK, place, n);
    const bool shared = ptx_within(PTX_SHARED_BEGIN, PTX_SHARED_END, place, n);
    const char *wrong = NULL;
    if (place % n)
        wrong = "not aligned";
    else if (space == PTX_SHARED ? !shared : space == PTX_LOCAL ? !local : space != PTX_GENERIC && (shared || local))
        wrong = "not in the memory that the instruction is for";
    else if (!shared && !local && !ptx_lives(space, place, n))
        wrong = "outside of all memory";
    if (wrong) {
        char text[400];
        ptx_tell_site(text, sizeof(text), site);
        PTX_FAIL("thread %u of block %u %s %u bytes at 0x%llx, %s (%s)", shim_current, blockIdx.x, PTX_DOES[kind], n, (unsigned long long)place, wrong, text);
    }
    if (!local && space != PTX_CONST)
        ptx_find_races(site, kind, place, n, shared ? blockIdx.x + 1 : 0);
}

/* Written into the shared memory of another block, with an instruction for what others read. */
static void ptx_watch_elsewhere(unsigned site, uint64_t place, unsigned n, unsigned block)
{
    if (place % n || !ptx_within(PTX_SHARED_BEGIN, PTX_SHARED_END, place, n))
        PTX_FAIL("thread %u of block %u writes %u bytes into block %u at 0x%llx, which is not aligned or no shared memory", shim_current, blockIdx.x, n, block, (unsigned long long)place);
    ptx_find_races(site, PTX_STRONG_WRITE, place, n, block + 1);
}

static void ptx_begin_watching(void)
{
    ptx_launch_number++;
    ptx_races[0] = 0;
    ptx_n_races = 0;
    for (uint32_t k = 0; k < ptx_n_clocks; k++) {
        free(ptx_clocks[k].epoch);
        free(ptx_clocks[k].done);
    }
    ptx_n_clocks = 0;
    ptx_new_clock(0);
    free(ptx_threads);
    free(ptx_times);
    ptx_threads = (ptx_thread *)calloc(gridDim.x * blockDim.x, sizeof(ptx_thread));
    ptx_times = (ptx_block_time *)calloc(gridDim.x, sizeof(ptx_block_time));
    for (uint32_t k = 0; k < gridDim.x * blockDim.x; k++)
        ptx_threads[k].uncovered = PTX_NEVER;
    ptx_at_cluster_barrier = 0;
    for (size_t k = 0; k < ptx_releases.size; k++)
        ptx_releases.values[k] = NULL;
}

static const char *ptx_end_watching(void) { return ptx_n_races ? ptx_races : NULL; }

#endif
