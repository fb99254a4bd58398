/* The program of a set-up step. */
typedef struct {
    const b2g_part *parts;
    int64_t n_registers;
    /* of a step over elements */
    int64_t n_elements;
    const int32_t *indices;       /* or NULL */
    int32_t condition;            /* registers and arrays; -1: there is none */
    int32_t n_stores;
    const int32_t *stores;        /* register, array, kind of place, register of the index, bytes */
    int32_t buffered;
    int32_t result, result_bytes; /* of a reading step */
    /* of new synapses */
    int64_t n_rows, n_partners, row_offset, partner_offset;
    int32_t iteration, condition_on_row, check_first, skip_invalid, outer_is_pre;
    int32_t row, raw_row, inner, partner, raw_partner; /* registers that are given; -1: not used */
    int32_t low, high, step, sample, computed_partner, count;
} b2g_setup_program;

enum { RANGE, SAMPLE_BY_PROBABILITY, SAMPLE_BY_SIZE };

/* ---- a step over elements ---------------------------------------------------------------------- */

static void b2g_put(char *array, int64_t where, const char *values, int k, int bytes)
{
    memcpy(array + where * bytes, values + (size_t)k * (size_t)bytes, (size_t)bytes);
}

static int b2g_block(b2g_machine *machine, const b2g_setup_program *program, int64_t first)
{
    const int64_t left = program->n_elements - first;
    const int lanes = (int)(left < B2G_LANES ? left : B2G_LANES);
    EACH {
        machine->idx[k] = program->indices ? program->indices[first + k] : first + k;
        machine->element[k] = (uint32_t)machine->idx[k];
        machine->step[k] = machine->ctx->random_step;
    }
    return lanes;
}

/* Where a value of an element goes. */
static int64_t b2g_target(const b2g_machine *machine, const int32_t *store, int k)
{
    return store[2] == 0 ? machine->idx[k] : REGISTER(const i32, store[3])[k];
}

static int64_t b2g_assign(b2g_machine *machine, const b2g_setup_program *program)
{
    b2g_context *const ctx = machine->ctx;
    const int64_t n = program->n_elements;
    char *values = NULL;
    int64_t *targets = NULL;
    const int n_stores = program->n_stores;
    if (program->buffered) {
        values = (char *)malloc((size_t)(n + 1) * (size_t)n_stores * 8);
        targets = (int64_t *)malloc((size_t)(n + 1) * (size_t)n_stores * sizeof(int64_t));
        if (values == NULL || targets == NULL) {
            free(values);
            free(targets);
            return B2G_SETUP_NO_MEMORY;
        }
    }
    for (int64_t first = 0; first < n; first += B2G_LANES) {
        const int lanes = b2g_block(machine, program, first);
        const b1 *condition = NULL;
        b2g_execute(machine, program->parts[0], lanes);
        if (program->condition >= 0)
            condition = REGISTER(const b1, program->condition);
        b2g_execute(machine, program->parts[1], lanes);
        for (int s = 0; s < n_stores; s++) {
            const int32_t *const store = program->stores + 5 * s;
            const char *const from = REGISTER(const char, store[0]);
            char *const array = (char *)ctx->arrays[store[1]];
            EACH {
                const int64_t where = condition && !condition[k] ? -1 : b2g_target(machine, store, k);
                if (program->buffered) {
                    targets[(first + k) * n_stores + s] = where;
                    memcpy(values + ((first + k) * n_stores + s) * 8,
                           from + (size_t)k * (size_t)store[4], (size_t)store[4]);
                } else if (where >= 0)
                    b2g_put(array, where, from, k, store[4]);
            }
        }
    }
    if (program->buffered) {
        for (int64_t k = 0; k < n; k++)
            for (int s = 0; s < n_stores; s++) {
                const int32_t *const store = program->stores + 5 * s;
                const int64_t where = targets[k * n_stores + s];
                if (where >= 0)
                    memcpy((char *)ctx->arrays[store[1]] + where * store[4],
                           values + (k * n_stores + s) * 8, (size_t)store[4]);
            }
        free(values);
        free(targets);
    }
    return 0;
}

static int64_t b2g_read(b2g_machine *machine, const b2g_setup_program *program)
{
    int64_t count = 0;
    char *const result = (char *)machine->ctx->arrays[program->result];
    for (int64_t first = 0; first < program->n_elements; first += B2G_LANES) {
        const int lanes = b2g_block(machine, program, first);
        b2g_execute(machine, program->parts[0], lanes);
        b2g_execute(machine, program->parts[1], lanes);
        EACH {
            if (program->condition >= 0 && !REGISTER(const b1, program->condition)[k])
                continue;
            if (program->n_stores)
                b2g_put(result, count, REGISTER(const char, program->stores[0]), k,
                        program->result_bytes);
            else
                ((int32_t *)result)[count] = (int32_t)machine->idx[k];
            count++;
        }
    }
    return count;
}

/* ---- new synapses -------------------------------------------------------------------------------- */

static void b2g_give(b2g_machine *machine, int32_t number, int32_t value, int lanes)
{
    if (number >= 0) {
        i32 *const to = REGISTER(i32, number);
        EACH to[k] = value;
    }
}

static int64_t b2g_connect(b2g_machine *machine, const b2g_setup_program *program, b2g_pairs *pairs,
                           double seconds)
{
    b2g_context *const ctx = machine->ctx;
    const b2g_part *const parts = program->parts; /* condition on row, limits, copies, partner, condition, count */
    const int64_t n_partners = program->n_partners;
    const double end = b2g_seconds() + seconds;
    for (int64_t row = pairs->row; row < program->n_rows; row++) {
        const int32_t raw_row = (int32_t)(row + program->row_offset);
        int64_t low, step, population, place;
        int out_of_range = 0, more = 1, lanes = 1;
        b2g_sampler sample;
        if (b2g_seconds() > end) {
            pairs->row = row;
            return B2G_SETUP_TIME_USED;
        }
        b2g_give(machine, program->row, (int32_t)row, B2G_LANES);
        b2g_give(machine, program->raw_row, raw_row, B2G_LANES);
        EACH {
            machine->element[k] = (uint32_t)row;
            machine->step[k] = 0;
        }
        b2g_execute(machine, parts[0], 1);
        if (program->condition_on_row && program->condition >= 0 &&
            !REGISTER(const b1, program->condition)[0])
            continue;
        b2g_execute(machine, parts[1], 1);
        b2g_execute(machine, parts[2], B2G_LANES);
        low = REGISTER(const i64, program->low)[0];
        step = REGISTER(const i64, program->step)[0];
        if (step == 0)
            return B2G_SETUP_ZERO_STEP;
        population = b2g_range_size(low, REGISTER(const i64, program->high)[0], step);
        place = 0;
        if (program->iteration == SAMPLE_BY_PROBABILITY) {
            sample = b2g_sampler_init(ctx->seed, row, population,
                                      REGISTER(const f64, program->sample)[0]);
            place = b2g_sampler_next(&sample, -1);
        } else if (program->iteration == SAMPLE_BY_SIZE) {
            int64_t size = REGISTER(const i64, program->sample)[0];
            if (size < 0 || size > population) {
                if (!program->skip_invalid) {
                    pairs->wrong = size;
                    pairs->limit = population;
                    return size < 0 ? B2G_SETUP_NEGATIVE_SAMPLE : B2G_SETUP_SAMPLE_TOO_LARGE;
                }
                size = size < 0 ? 0 : population;
            }
            if (b2g_choose(&pairs->choice, ctx->seed, row, population, size))
                return B2G_SETUP_NO_MEMORY;
            place = b2g_choice_next(&pairs->choice);
        }
        while (more) {
            int64_t places[B2G_LANES];
            i32 partners[B2G_LANES];
            uint8_t chosen[B2G_LANES];
            lanes = 0;
            while (lanes < B2G_LANES) {
                if (place >= population ||
                    (program->iteration == SAMPLE_BY_PROBABILITY && place >= sample.n)) {
                    more = 0;
                    break;
                }
                places[lanes++] = place;
                place = program->iteration == RANGE ? place + 1
                        : program->iteration == SAMPLE_BY_PROBABILITY ? b2g_sampler_next(&sample, place)
                                                                      : b2g_choice_next(&pairs->choice);
            }
            if (lanes == 0)
                break;
            EACH {
                machine->element[k] = (uint32_t)row;
                machine->step[k] = (uint64_t)places[k];
            }
            if (program->inner >= 0) {
                i32 *const inner = REGISTER(i32, program->inner);
                EACH inner[k] = (i32)(low + places[k] * step);
            }
            b2g_execute(machine, parts[3], lanes);
            {
                const i32 *const computed = REGISTER(const i32, program->computed_partner);
                EACH partners[k] = computed[k];
                EACH chosen[k] = 1;
            }
            for (int turn = 0; turn < 2; turn++) {
                if (turn == (program->check_first ? 0 : 1)) {
                    EACH {
                        if (chosen[k] && (partners[k] < 0 || partners[k] >= n_partners)) {
                            chosen[k] = 0;
                            if (!program->skip_invalid) {
                                const int64_t wrong = partners[k];
                                if (!out_of_range || (pairs->wrong < 0 ? wrong < pairs->wrong
                                                      : wrong < 0 || wrong > pairs->wrong))
                                    pairs->wrong = wrong;
                                pairs->limit = n_partners;
                                out_of_range = 1;
                            }
                        }
                    }
                } else if (!program->condition_on_row && program->condition >= 0) {
                    const b1 *condition;
                    if (program->partner >= 0) {
                        /* where there is none, nothing is looked up */
                        i32 *const to = REGISTER(i32, program->partner);
                        EACH to[k] = chosen[k] || !program->check_first ? partners[k] : 0;
                    }
                    if (program->raw_partner >= 0) {
                        i32 *const to = REGISTER(i32, program->raw_partner);
                        EACH to[k] = (i32)((chosen[k] && program->check_first ? partners[k] : 0) +
                                           program->partner_offset);
                    }
                    b2g_execute(machine, parts[4], lanes);
                    condition = REGISTER(const b1, program->condition);
                    EACH chosen[k] = chosen[k] && condition[k];
                }
            }
            if (parts[5].length) {
                if (program->partner >= 0) {
                    i32 *const to = REGISTER(i32, program->partner);
                    EACH to[k] = chosen[k] ? partners[k] : 0;
                }
                if (program->raw_partner >= 0) {
                    i32 *const to = REGISTER(i32, program->raw_partner);
                    EACH to[k] = (i32)((chosen[k] ? partners[k] : 0) + program->partner_offset);
                }
                b2g_execute(machine, parts[5], lanes);
            }
            {
                const i64 *const counts = REGISTER(const i64, program->count);
                EACH {
                    const int32_t raw = (int32_t)(partners[k] + program->partner_offset);
                    int error;
                    if (!chosen[k])
                        continue;
                    error = program->outer_is_pre ? b2g_pairs_add(pairs, raw_row, raw, counts[k])
                                                  : b2g_pairs_add(pairs, raw, raw_row, counts[k]);
                    if (error)
                        return error;
                }
            }
        }
        if (out_of_range)
            return B2G_SETUP_OUT_OF_RANGE;
    }
    pairs->row = program->n_rows;
    return pairs->count;
}

/* ---- all of them ----------------------------------------------------------------------------------- */

enum { ASSIGN, READ, CONNECT };

/* `fixed` and `bytes`: the registers that stay as they are, the first ones. */
int64_t setup_interpret(b2g_context *ctx, b2g_pairs *pairs, double seconds, int32_t kind,
                        const b2g_setup_program *program, int64_t n_fixed, const uint64_t *fixed,
                        const int32_t *bytes)
{
    b2g_machine *const machine = (b2g_machine *)calloc(1, sizeof(b2g_machine));
    int64_t result = B2G_SETUP_NO_MEMORY;
    if (machine == NULL)
        return result;
    machine->ctx = ctx;
    machine->registers = (char *)malloc((size_t)(program->n_registers + 1) * B2G_LANES * 8);
    if (machine->registers != NULL) {
        for (int64_t r = 0; r < n_fixed; r++)
            for (int k = 0; k < B2G_LANES; k++)
                memcpy(machine->registers + ((size_t)r * B2G_LANES * 8) +
                           (size_t)k * (size_t)bytes[r],
                       &fixed[r], (size_t)bytes[r]);
        result = kind == ASSIGN ? b2g_assign(machine, program)
                 : kind == READ ? b2g_read(machine, program)
                                : b2g_connect(machine, program, pairs, seconds);
    }
    free(machine->registers);
    free(machine);
    return result;
}
