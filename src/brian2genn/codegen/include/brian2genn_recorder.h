/* Memory that grows, and recorders: what monitors record on its way to Brian's arrays.  C11, valid
   C++ too. */
#ifndef BRIAN2GENN_RECORDER_H
#define BRIAN2GENN_RECORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

/* B2G_APART: a function that does much, and is not repeated where it is called; B2G_RARE: one whose
   own code is little of what a program does, so that compilers should not take long for it;
   B2G_ALWAYS_INLINE: one that is short, and used in such functions, too. */
#if defined(__GNUC__)
#define B2G_APART __attribute__((noinline, hot))
#define B2G_RARE __attribute__((cold))
#define B2G_ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define B2G_APART
#define B2G_RARE
#define B2G_ALWAYS_INLINE static inline
#endif

enum { B2G_OK = 0, B2G_NO_MEMORY = 1, B2G_TOO_MANY_SPIKES = 2, B2G_MISSED = 3, B2G_PARTED = 4,
       B2G_THROWN = 5 };

#if defined(_WIN32)
/* Windows has no clock_gettime, and its own header has names that scripts use, too. */
#ifdef __cplusplus
extern "C" {
#endif
__declspec(dllimport) int __stdcall QueryPerformanceCounter(int64_t *count);
__declspec(dllimport) int __stdcall QueryPerformanceFrequency(int64_t *frequency);
#ifdef __cplusplus
}
#endif
#endif

static inline double b2g_seconds(void)
{
#if defined(_WIN32)
    int64_t count, frequency;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    return (double)count / (double)frequency;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#endif
}

/* ---- growing memory ---------------------------------------------------- */

static inline int b2g_grow(void **data, int64_t *capacity, int64_t needed, int64_t item)
{
    if (needed <= *capacity)
        return B2G_OK;
    int64_t larger = *capacity + *capacity / 2;
    if (larger < needed)
        larger = needed;
    if (larger < 64)
        larger = 64;
    void *memory = realloc(*data, (size_t)(larger * item));
    if (memory == NULL)
        return B2G_NO_MEMORY;
    *data = memory;
    *capacity = larger;
    return B2G_OK;
}

/* ---- recorders ---------------------------------------------------------- */

/* One column of a recorder: a growing array, or memory that is lent to it. */
typedef struct {
    char *data;
    int64_t capacity;         /* in bytes */
    int64_t item;             /* bytes added by one row */
    int64_t touched;          /* lent memory: so many bytes of it the system has provided */
    int32_t lent;
} b2g_column;

typedef struct {
    b2g_column *columns;
    int32_t n_columns;
    int64_t rows;
    int64_t room;             /* of rows, in all columns */
} b2g_recorder;

enum { B2G_PAGE = 4096, B2G_LARGE_PAGE = 2 << 20 };

#if defined(__linux__)
/* How large pages are tried: not for less memory than this, and again after so many pieces of it. */
enum { B2G_LEAST_PIECES = 8, B2G_FIRST_PAUSE = 24, B2G_LONGEST_PAUSE = 384 };

/* Whether memory comes as large pages. */
typedef struct {
    double small;             /* seconds that small pages take for a piece */
    bool large;               /* whether the last piece was a large page, and that paid */
    int32_t left;             /* if it was not: pieces until that is tried again */
    int32_t pause;            /* how many there were at the last time */
} b2g_page_choice;

/* Note how long a piece took.  Small pages always take as long; a large page takes a third of that
   where the system has one at hand, and seven times as long where a virtual machine's host has to
   look for it.  Where it does, it mostly goes on like that: each trial is later than the last one. */
static inline void b2g_weigh_pages(b2g_page_choice *choice, bool large, double seconds)
{
    if (!large) {
        choice->small = choice->small > 0 ? 0.5 * (choice->small + seconds) : seconds;
        choice->left -= choice->left > 0;
        return;
    }
    choice->large = seconds <= choice->small;
    if (choice->large) {
        choice->pause = 0;
        return;
    }
    choice->pause = choice->pause ? 2 * choice->pause : B2G_FIRST_PAUSE;
    if (choice->pause > B2G_LONGEST_PAUSE)
        choice->pause = B2G_LONGEST_PAUSE;
    choice->left = choice->pause;
}

/* Whether the next piece should be a large page, where so many bytes are still to come. */
static inline bool b2g_is_large(const b2g_page_choice *choice, uintptr_t rest)
{
    const bool is_time = choice->left == 0 && rest >= (uintptr_t)B2G_LEAST_PIECES * B2G_LARGE_PAGE;
    return choice->small > 0 && (choice->large || is_time);
}

/* Have the system provide the memory of a piece that begins and ends at pages: for many at once this
   takes half the time that it takes for one after the other. */
static inline bool b2g_provide(uintptr_t first, uintptr_t end, uintptr_t rest)
{
    enum { HUGEPAGE = 14, NOHUGEPAGE = 15, POPULATE_WRITE = 23 }; /* the last since Linux 5.14 */
    static b2g_page_choice choice;
    if (end - first < B2G_LARGE_PAGE)
        return madvise((void *)first, end - first, POPULATE_WRITE) == 0;
    const bool large = b2g_is_large(&choice, rest);
    madvise((void *)first, end - first, large ? HUGEPAGE : NOHUGEPAGE);
    const double began = b2g_seconds();
    const bool done = madvise((void *)first, end - first, POPULATE_WRITE) == 0;
    b2g_weigh_pages(&choice, large, b2g_seconds() - began);
    return done;
}
#endif

/* Have the system provide the next pieces of lent memory. */
static inline void b2g_touch(b2g_column *column, int64_t needed)
{
#if defined(__linux__)
    const uintptr_t begin = (uintptr_t)column->data, stop = begin + (uintptr_t)column->capacity;
    while (column->touched < needed) {
        const uintptr_t first = (begin + (uintptr_t)column->touched) / B2G_PAGE * B2G_PAGE;
        uintptr_t next = (first / B2G_LARGE_PAGE + 1) * B2G_LARGE_PAGE;
        if (next > stop)
            next = stop;
        column->touched = (int64_t)(next - begin);
        if (!b2g_provide(first, (next + B2G_PAGE - 1) / B2G_PAGE * B2G_PAGE, stop - first))
            column->touched = column->capacity; /* page after page, then, as they are written */
    }
#else
    column->touched = column->capacity;
    (void)needed;
#endif
}

/* Make room for rows in all columns, and note for how many there is. */
B2G_RARE static int b2g_make_room(b2g_recorder *recorder, int64_t rows)
{
    int64_t room = INT64_MAX;
    for (int32_t c = 0; c < recorder->n_columns; c++) {
        b2g_column *column = &recorder->columns[c];
        const int64_t needed = rows * column->item;
        if (column->lent && needed > column->capacity) {
            /* more than was expected: memory of its own from here on */
            void *data = NULL;
            int64_t capacity = 0;
            if (b2g_grow(&data, &capacity, needed, 1))
                return B2G_NO_MEMORY;
            memcpy(data, column->data, (size_t)(recorder->rows * column->item));
            column->data = (char *)data;
            column->capacity = capacity;
            column->lent = 0;
        } else if (column->lent) {
            b2g_touch(column, needed);
        } else {
            void *data = column->data;
            if (b2g_grow(&data, &column->capacity, needed, 1))
                return B2G_NO_MEMORY;
            column->data = (char *)data;
        }
        const int64_t bytes = column->lent ? column->touched : column->capacity;
        if (column->item > 0 && bytes / column->item < room)
            room = bytes / column->item;
    }
    recorder->room = room;
    return B2G_OK;
}

/* Make room for `rows` more rows in all columns. */
static inline int b2g_reserve(b2g_recorder *recorder, int64_t rows)
{
    return recorder->rows + rows <= recorder->room ? B2G_OK
                                                   : b2g_make_room(recorder, recorder->rows + rows);
}

#endif
