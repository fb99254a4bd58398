/* Recorders. */

b2g_recorder *b2g_recorder_new(int32_t n_columns, const int64_t *items)
{
    b2g_recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder == NULL)
        return NULL;
    recorder->columns = calloc((size_t)(n_columns ? n_columns : 1), sizeof(b2g_column));
    if (recorder->columns == NULL) {
        free(recorder);
        return NULL;
    }
    recorder->n_columns = n_columns;
    for (int32_t c = 0; c < n_columns; c++)
        recorder->columns[c].item = items[c];
    return recorder;
}

int64_t b2g_recorder_rows(const b2g_recorder *recorder) { return recorder->rows; }

void *b2g_recorder_data(const b2g_recorder *recorder, int32_t column)
{
    return recorder->columns[column].data;
}

static void empty_column(b2g_column *column)
{
    if (!column->lent)
        free(column->data);
    column->data = NULL;
    column->capacity = column->touched = 0;
    column->lent = 0;
}

/* Forget the rows and give their memory back. */
void b2g_recorder_clear(b2g_recorder *recorder)
{
    for (int32_t c = 0; c < recorder->n_columns; c++)
        empty_column(&recorder->columns[c]);
    recorder->rows = recorder->room = 0;
}

/* Let an empty column write into memory of somebody else's, who keeps it. */
void b2g_recorder_lend(b2g_recorder *recorder, int32_t number, void *data, int64_t capacity)
{
    b2g_column *const column = &recorder->columns[number];
    empty_column(column);
    column->data = data;
    column->capacity = capacity;
    column->lent = 1;
    recorder->room = 0;
}

/* Whether the rows of a column are in the memory that it was lent. */
int32_t b2g_recorder_is_lent(const b2g_recorder *recorder, int32_t number)
{
    return recorder->columns[number].lent;
}

void b2g_recorder_free(b2g_recorder *recorder)
{
    b2g_recorder_clear(recorder);
    free(recorder->columns);
    free(recorder);
}
