/* Executes a program far from Python: reads a file with all that it is bound to, runs it, and
   writes what has become of its arrays, and the rows of its recorders.  See captured.py. */
#include <stdio.h>

#include "brian2genn_runtime.h"

int64_t program_constants_size(void);
void program_prepare(b2g_context *ctx);
int32_t program_run(b2g_context *ctx, double seconds);

b2g_recorder *b2g_recorder_new(int32_t n_columns, const int64_t *items);
void *b2g_recorder_data(const b2g_recorder *recorder, int32_t column);
b2g_queue *b2g_queue_new(int32_t source_start, int32_t source_stop);
int32_t b2g_queue_prepare(b2g_queue *queue, const double *delays, int64_t n_delays, double dt,
                          const int32_t *sources, int64_t n_synapses);
int32_t b2g_together(b2g_share share, void *work, int32_t parts);

enum { MOST = 4096 }; /* entries of a table */

static FILE *in, *out;

static void *get(int64_t bytes)
{
    void *memory = calloc((size_t)bytes + 8, 1);
    if (!memory || fread(memory, 1, (size_t)bytes, in) != (size_t)bytes)
        exit(3);
    return memory;
}

static int64_t whole(void)
{
    int64_t number;
    if (fread(&number, sizeof number, 1, in) != 1)
        exit(3);
    return number;
}

static double number(void)
{
    double value;
    if (fread(&value, sizeof value, 1, in) != 1)
        exit(3);
    return value;
}

/* Things that a table has once more behind the first `n`; how many there are then. */
static int64_t again(void **table, int64_t n)
{
    const int64_t more = whole();
    for (int64_t i = 0; i < more; i++)
        table[n + i] = table[whole()];
    return n + more;
}

/* Memory that may be that of an array, by its number. */
static void *shared(void **arrays)
{
    const int64_t number = whole();
    void *own = get(8);
    return number < 0 ? own : arrays[number];
}

static void put(const void *memory, int64_t bytes)
{
    fwrite(&bytes, sizeof bytes, 1, out);
    fwrite(memory, 1, (size_t)bytes, out);
}

int main(int count, char **names)
{
    if (count != 3 || !(in = fopen(names[1], "rb")) || !(out = fopen(names[2], "wb")))
        return 2;
    b2g_context ctx = {0};
    const int64_t arrays = whole();
    int64_t *bytes = calloc((size_t)arrays + 1, sizeof *bytes);
    ctx.arrays = calloc(MOST, sizeof *ctx.arrays);
    for (int64_t i = 0; i < arrays; i++) {
        bytes[i] = whole();
        ctx.arrays[i] = get(bytes[i]);
    }
    const int64_t listed = again(ctx.arrays, arrays);
    ctx.lengths = get(8 * listed);
    ctx.shapes = get(16 * listed);
    ctx.numbers = get(8 * whole());
    ctx.integers = get(8 * whole());
    ctx.n_clocks = (int32_t)whole();
    ctx.clocks = calloc((size_t)ctx.n_clocks + 1, sizeof *ctx.clocks);
    for (int32_t i = 0; i < ctx.n_clocks; i++) {
        ctx.clocks[i].t = shared(ctx.arrays);
        ctx.clocks[i].timestep = shared(ctx.arrays);
        ctx.clocks[i].dt = number();
        ctx.clocks[i].end = whole();
    }
    const int64_t queues = whole();
    ctx.queues = calloc(MOST, sizeof *ctx.queues);
    for (int64_t i = 0; i < queues; i++) {
        const int32_t start = (int32_t)whole(), stop = (int32_t)whole();
        const double dt = number();
        const int64_t n_delays = whole();
        const double *delays = get(8 * n_delays);
        const int64_t n_sources = whole();
        const int32_t *sources = get(4 * n_sources);
        ctx.queues[i] = b2g_queue_new(start, stop);
        if (!ctx.queues[i] ||
            b2g_queue_prepare(ctx.queues[i], delays, n_delays, dt, sources, n_sources))
            return 4;
    }
    again((void **)ctx.queues, queues);
    const int64_t recorders = whole();
    ctx.recorders = calloc(MOST, sizeof *ctx.recorders);
    for (int64_t i = 0; i < recorders; i++) {
        const int64_t columns = whole();
        ctx.recorders[i] = b2g_recorder_new((int32_t)columns, get(8 * columns));
    }
    again((void **)ctx.recorders, recorders);
    ctx.seed = (uint64_t)whole();
    ctx.random_step = (uint64_t)whole();
    ctx.efforts = calloc((size_t)whole() + 1, sizeof *ctx.efforts);
    ctx.scopes = calloc((size_t)whole() + 1, sizeof *ctx.scopes);
    ctx.constants = calloc((size_t)program_constants_size() + 64, 1);
    ctx.together = b2g_together;
    ctx.threads = 1;
    ctx.only = -1;
    program_prepare(&ctx);
    const int32_t outcome = program_run(&ctx, 1e9);
    if (outcome)
        return 10 + outcome;
    for (int64_t i = 0; i < arrays; i++)
        put(ctx.arrays[i], bytes[i]);
    for (int64_t i = 0; i < recorders; i++)
        for (int32_t j = 0; j < ctx.recorders[i]->n_columns; j++)
            put(b2g_recorder_data(ctx.recorders[i], j),
                ctx.recorders[i]->rows * ctx.recorders[i]->columns[j].item);
    return fclose(out) ? 5 : 0;
}
