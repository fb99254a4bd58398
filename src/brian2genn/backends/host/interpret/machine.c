/* An interpreter of set-up code: what a script does once need not be compiled.

   A program is a list of instructions on registers, of which each holds the values of up to B2G_LANES
   elements.  The operations and functions are those of generated code (brian2genn_math.h and the C
   library), rounded as there, so that results are the same to the last bit.  The numbers of the
   instructions are those of codegen/instructions.py.
   Single precision is left to the compiler. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define B2G_EXP_OF_THE_LIBRARY
#include "brian2genn_math.h"
#include "brian2genn_random.h"
#include "brian2genn_runtime.h"
#include "brian2genn_setup.h"

#include <string.h>

#define B2G_LANES 256

typedef struct {
    int32_t op, to, a, b, c, extra;
} b2g_instruction;

/* A part of the program that is executed at once. */
typedef struct {
    const b2g_instruction *code;
    int64_t length;
} b2g_part;

typedef struct {
    b2g_context *ctx;
    char *registers;
    int64_t idx[B2G_LANES];       /* the elements */
    uint32_t element[B2G_LANES];  /* whose random numbers */
    uint64_t step[B2G_LANES];
} b2g_machine;

typedef double f64;
typedef int32_t i32;
typedef int64_t i64;
typedef uint32_t ui32;
typedef uint64_t ui64;
typedef bool b1;

#define REGISTER(type, number) ((type *)(machine->registers + (size_t)(number) * B2G_LANES * 8))
#define EACH for (int k = 0; k < lanes; k++)

#define UNARY(number, from, into, text) \
    case number: { \
        const from *const a = REGISTER(const from, at->a); \
        into *const to = REGISTER(into, at->to); \
        EACH { const from x = a[k]; to[k] = text; } \
        break; \
    }
#define BINARY(number, from, into, text) \
    case number: { \
        const from *const a = REGISTER(const from, at->a), *const b = REGISTER(const from, at->b); \
        into *const to = REGISTER(into, at->to); \
        EACH { const from x = a[k], y = b[k]; to[k] = text; } \
        break; \
    }
#define SELECT(number, type) \
    case number: { \
        const b1 *const a = REGISTER(const b1, at->a); \
        const type *const b = REGISTER(const type, at->b), *const c = REGISTER(const type, at->c); \
        type *const to = REGISTER(type, at->to); \
        EACH to[k] = a[k] ? b[k] : c[k]; \
        break; \
    }
#define CLIP(number, type, suffix) \
    case number: { \
        const type *const a = REGISTER(const type, at->a), *const b = REGISTER(const type, at->b); \
        const type *const c = REGISTER(const type, at->c); \
        type *const to = REGISTER(type, at->to); \
        EACH to[k] = b2g_clip##suffix(a[k], b[k], c[k]); \
        break; \
    }
#define DRAW(number, type, function) \
    case number: { \
        type *const to = REGISTER(type, at->to); \
        const uint32_t shared = (uint32_t)at->a; \
        EACH to[k] = function(ctx->seed, (uint32_t)at->b, shared ? UINT32_MAX : machine->element[k], \
                              shared ? ctx->random_step : machine->step[k], (uint32_t)at->c); \
        break; \
    }
/* a variable: one for all, of the element, of the element that a register names */
#define LOADS(number, stored, type, text) \
    case number: { \
        const stored *const values = (const stored *)ctx->arrays[at->extra]; \
        type *const to = REGISTER(type, at->to); \
        const stored x = values[0]; \
        EACH to[k] = text; \
        break; \
    } \
    case number + 1: { \
        const stored *const values = (const stored *)ctx->arrays[at->extra]; \
        type *const to = REGISTER(type, at->to); \
        EACH { const stored x = values[machine->idx[k]]; to[k] = text; } \
        break; \
    } \
    case number + 2: { \
        const stored *const values = (const stored *)ctx->arrays[at->extra]; \
        const i32 *const a = REGISTER(const i32, at->a); \
        type *const to = REGISTER(type, at->to); \
        EACH { const stored x = values[a[k]]; to[k] = text; } \
        break; \
    }
#define COMPARISONS(number, type) \
    BINARY(number, type, b1, x < y) \
    BINARY(number + 1, type, b1, x <= y) \
    BINARY(number + 2, type, b1, x > y) \
    BINARY(number + 3, type, b1, x >= y) \
    BINARY(number + 4, type, b1, x == y) \
    BINARY(number + 5, type, b1, x != y)
#define DOUBLES(number, type, suffix) \
    BINARY(number, type, type, x + y) \
    BINARY(number + 1, type, type, x - y) \
    BINARY(number + 2, type, type, x * y) \
    BINARY(number + 3, type, type, x / y) \
    BINARY(number + 4, type, type, b2g_floordiv##suffix(x, y)) \
    BINARY(number + 5, type, type, b2g_mod##suffix(x, y)) \
    BINARY(number + 6, type, type, pow(x, y)) \
    UNARY(number + 7, type, type, -x) \
    SELECT(number + 8, type) \
    CLIP(number + 9, type, suffix) \
    UNARY(number + 10, type, type, fabs(x)) \
    UNARY(number + 11, type, type, b2g_sign##suffix(x)) \
    UNARY(number + 12, type, type, b2g_exp##suffix(x)) \
    UNARY(number + 13, type, type, b2g_expm1##suffix(x)) \
    UNARY(number + 14, type, type, b2g_exprel##suffix(x)) \
    UNARY(number + 15, type, type, sqrt(x)) \
    UNARY(number + 16, type, type, log(x)) \
    UNARY(number + 17, type, type, log10(x)) \
    UNARY(number + 18, type, type, log1p(x)) \
    UNARY(number + 19, type, type, sin(x)) \
    UNARY(number + 20, type, type, cos(x)) \
    UNARY(number + 21, type, type, tan(x)) \
    UNARY(number + 22, type, type, sinh(x)) \
    UNARY(number + 23, type, type, cosh(x)) \
    UNARY(number + 24, type, type, tanh(x)) \
    UNARY(number + 25, type, type, asin(x)) \
    UNARY(number + 26, type, type, acos(x)) \
    UNARY(number + 27, type, type, atan(x)) \
    UNARY(number + 28, type, type, ceil(x)) \
    UNARY(number + 29, type, type, floor(x)) \
    UNARY(number + 30, type, type, trunc(x)) \
    COMPARISONS(number + 31, type) \
    DRAW(number + 37, type, b2g_rand) \
    DRAW(number + 38, type, b2g_randn) \
    LOADS(number + 39, type, type, x)
#define WHOLES(number, type, suffix) \
    BINARY(number, type, type, (type)((u##type)x + (u##type)y)) \
    BINARY(number + 1, type, type, (type)((u##type)x - (u##type)y)) \
    BINARY(number + 2, type, type, (type)((u##type)x * (u##type)y)) \
    BINARY(number + 4, type, type, b2g_floordiv##suffix(x, y)) \
    BINARY(number + 5, type, type, b2g_mod##suffix(x, y)) \
    BINARY(number + 6, type, type, b2g_pow##suffix(x, y)) \
    UNARY(number + 7, type, type, (type)((u##type)0 - (u##type)x)) \
    SELECT(number + 8, type) \
    CLIP(number + 9, type, suffix) \
    UNARY(number + 10, type, type, b2g_abs##suffix(x)) \
    UNARY(number + 11, type, type, b2g_sign##suffix(x)) \
    COMPARISONS(number + 31, type) \
    LOADS(number + 39, type, type, x)

static void b2g_execute(b2g_machine *machine, b2g_part part, int lanes)
{
    b2g_context *const ctx = machine->ctx;
    const b2g_instruction *const end = part.code + part.length;
    for (const b2g_instruction *at = part.code; at < end; at++) {
        switch (at->op) {
        DOUBLES(100, f64, _f64)
        WHOLES(300, i32, _i32)
        WHOLES(400, i64, _i64)
        COMPARISONS(531, b1)
        BINARY(500, b1, b1, x & y)
        BINARY(501, b1, b1, x | y)
        UNARY(502, b1, b1, !x)
        SELECT(508, b1)
        LOADS(539, uint8_t, b1, x != 0)
        /* from a type into another one */
        UNARY(601, i32, f64, (f64)x)
        UNARY(602, i64, f64, (f64)x)
        UNARY(603, b1, f64, (f64)x)
        UNARY(620, f64, i32, b2g_whole_i32(x))
        UNARY(622, i64, i32, (i32)x)
        UNARY(623, b1, i32, (i32)x)
        UNARY(630, f64, i64, b2g_whole_i64(x))
        UNARY(632, i32, i64, (i64)x)
        UNARY(633, b1, i64, (i64)x)
        UNARY(640, f64, b1, (b1)x)
        UNARY(642, i32, b1, (b1)x)
        UNARY(643, i64, b1, (b1)x)
        /* what is the same for all: copied from the first element to the others */
        case 700: {
            uint64_t *const to = REGISTER(uint64_t, at->to);
            EACH to[k] = to[0];
            break;
        }
        case 701: {
            uint32_t *const to = REGISTER(uint32_t, at->to);
            EACH to[k] = to[0];
            break;
        }
        case 702: {
            uint8_t *const to = REGISTER(uint8_t, at->to);
            EACH to[k] = to[0];
            break;
        }
        }
    }
}

