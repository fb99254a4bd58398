/* What users' C++ functions find in the namespace `brian`: views of live arrays.  They have what the
   classes have that Brian's standalone programs use (std::vector and DynamicArray2D), but for what
   changes a size.  An element that does not exist is an error of the step, not one of the process.
   What a monitor records lies in two parts: in Brian's array, and in rows that wait to be appended to
   it.  So its elements can be read only, and have no common address. */
#ifndef BRIAN2GENN_VIEWS_H
#define BRIAN2GENN_VIEWS_H

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "brian2genn_runtime.h"

/* What was looked for and is not there: the number of the view, the index, and the size. */
typedef struct {
    int64_t view, index, size;
} b2g_miss;

static b2g_miss b2g_missed = {-1, 0, 0};

/* The error of a step: its own, or that something was not there. */
static inline int32_t b2g_all_found(int32_t error)
{
    return error == B2G_OK && b2g_missed.view >= 0 ? B2G_MISSED : error;
}

namespace b2g_views {

static inline bool inside(int64_t view, int64_t index, int64_t size)
{
    if (index >= 0 && index < size)
        return true;
    if (b2g_missed.view < 0) {
        const b2g_miss miss = {view, index, size};
        b2g_missed = miss;
    }
    return false;
}

/* A one-dimensional dynamic array. */
template <class T, int VIEW> struct vector {
    typedef T value_type;
    typedef size_t size_type;
    typedef T &reference;
    typedef T *iterator;
    typedef const T *const_iterator;
    T *first;
    int64_t count;

    void bind(const b2g_context *ctx, int array)
    {
        first = (T *)ctx->arrays[array];
        count = ctx->lengths[array];
    }
    size_t size() const { return (size_t)count; }
    bool empty() const { return count == 0; }
    T *data() const { return first; }
    T *begin() const { return first; }
    T *end() const { return first + count; }
    T &operator[](int64_t index) const
    {
        static T nothing;
        /* &x[0] of an empty array is common, and harmless */
        if ((index != 0 || count != 0) && inside(VIEW, index, count))
            return first[index];
        return nothing = T();
    }
    T &front() const { return (*this)[0]; }
    T &back() const { return (*this)[count - 1]; }
};

/* Goes through what can only be read, by index. */
template <class V> struct position {
    typedef std::random_access_iterator_tag iterator_category;
    typedef typename V::value_type value_type;
    typedef ptrdiff_t difference_type;
    typedef const value_type *pointer;
    typedef value_type reference;
    const V *view;
    int64_t index;

    value_type operator*() const { return (*view)[index]; }
    value_type operator[](ptrdiff_t k) const { return (*view)[index + k]; }
    position &operator++() { ++index; return *this; }
    position &operator--() { --index; return *this; }
    position operator++(int) { position old = *this; ++index; return old; }
    position operator--(int) { position old = *this; --index; return old; }
    position &operator+=(ptrdiff_t k) { index += k; return *this; }
    position &operator-=(ptrdiff_t k) { index -= k; return *this; }
    position operator+(ptrdiff_t k) const { position other = *this; return other += k; }
    position operator-(ptrdiff_t k) const { position other = *this; return other -= k; }
    ptrdiff_t operator-(const position &other) const { return index - other.index; }
    bool operator==(const position &other) const { return index == other.index; }
    bool operator!=(const position &other) const { return index != other.index; }
    bool operator<(const position &other) const { return index < other.index; }
    bool operator>(const position &other) const { return index > other.index; }
    bool operator<=(const position &other) const { return index <= other.index; }
    bool operator>=(const position &other) const { return index >= other.index; }
};

/* One dimension of what a monitor records. */
template <class T, int VIEW> struct recorded {
    typedef T value_type;
    typedef size_t size_type;
    typedef position<recorded> iterator;
    typedef position<recorded> const_iterator;
    const T *first;
    int64_t before;
    const b2g_recorder *recorder;
    int column;

    void bind(const b2g_context *ctx, int array, int number, int which)
    {
        first = (const T *)ctx->arrays[array];
        before = ctx->lengths[array];
        recorder = ctx->recorders[number];
        column = which;
    }
    int64_t count() const { return before + recorder->rows; }
    size_t size() const { return (size_t)count(); }
    bool empty() const { return count() == 0; }
    T operator[](int64_t index) const
    {
        if (!inside(VIEW, index, count()))
            return T();
        return index < before ? first[index]
                              : ((const T *)recorder->columns[column].data)[index - before];
    }
    T front() const { return (*this)[0]; }
    T back() const { return (*this)[count() - 1]; }
    iterator begin() const { const iterator here = {this, 0}; return here; }
    iterator end() const { const iterator here = {this, count()}; return here; }
};

/* A two-dimensional array, as it is only in monitors. */
template <class T, int VIEW> struct matrix {
    typedef T value_type;
    const T *first;
    int64_t before, stride, columns;
    const b2g_recorder *recorder; /* NULL if nothing is recorded now */
    int column;

    struct row {
        typedef T value_type;
        typedef size_t size_type;
        typedef position<row> iterator;
        typedef position<row> const_iterator;
        const matrix *whole;
        int64_t number;

        size_t size() const { return (size_t)whole->columns; }
        bool empty() const { return whole->columns == 0; }
        T operator[](int64_t index) const { return (*whole)(number, index); }
        T front() const { return (*this)[0]; }
        T back() const { return (*this)[whole->columns - 1]; }
        iterator begin() const { const iterator here = {this, 0}; return here; }
        iterator end() const { const iterator here = {this, whole->columns}; return here; }
    };
    /* sizes that follow the array, for who takes a reference to it */
    struct rows {
        const matrix *whole;
        operator int() const { return (int)whole->count(); }
    } n;
    int m;

    void bind(const b2g_context *ctx, int array, int number, int which)
    {
        first = (const T *)ctx->arrays[array];
        before = ctx->lengths[array];
        columns = ctx->shapes[2 * array];
        stride = ctx->shapes[2 * array + 1];
        recorder = number < 0 ? NULL : ctx->recorders[number];
        column = which;
        n.whole = this;
        m = (int)columns;
    }
    int64_t count() const { return before + (recorder ? recorder->rows : 0); }
    T operator()(int64_t i, int64_t j) const
    {
        if (!inside(VIEW, i, count()) || !inside(VIEW, j, columns))
            return T();
        return i < before
                   ? first[i * stride + j]
                   : ((const T *)recorder->columns[column].data)[(i - before) * columns + j];
    }
    row operator()(int64_t i) const { const row here = {this, i}; return here; }
};

/* How many rows a monitor has recorded: what `_array_..._N` is. */
template <class T> struct recorded_count {
    const T *before;
    const b2g_recorder *recorder;

    void bind(const b2g_context *ctx, int array, int number)
    {
        before = (const T *)ctx->arrays[array];
        recorder = ctx->recorders[number];
    }
    T operator*() const { return *before + (T)recorder->rows; }
    T operator[](int) const { return **this; }
};

struct clock {
    double *t, *dt;
    int64_t *timestep;
};

/* Random numbers from the streams of the function that asks. */
struct generator {
    double rand() const { return b2g_user_rand(-1); }
    double randn() const { return b2g_user_randn(-1); }
};

struct generators {
    generator operator[](int) const { return generator(); }
    size_t size() const { return 1; }
};

} /* namespace b2g_views */

#endif
