/* What set-up code needs beside its programs. */

/* Free what a set-up program has allocated. */
void b2g_setup_release(void *memory) { free(memory); }

/* Count how often each neuron is listed. */
void b2g_count(const int32_t *neurons, int64_t n, int32_t *counts)
{
    for (int64_t k = 0; k < n; k++)
        counts[neurons[k]]++;
}

/* For every synapse, how many before it connect the same two neurons. */
int32_t b2g_synapse_numbers(const int32_t *pre, const int32_t *post, int64_t n, int64_t n_pre,
                            int64_t n_post, int32_t *numbers)
{
    int64_t *next = calloc((size_t)n_pre + 1, sizeof(int64_t));
    int32_t *order = malloc((size_t)(n ? n : 1) * sizeof(int32_t));
    int32_t *seen = calloc((size_t)(n_post ? n_post : 1), sizeof(int32_t));
    const int32_t error = next == NULL || order == NULL || seen == NULL;
    if (!error) {
        /* synapses by source, in their order */
        for (int64_t k = 0; k < n; k++)
            next[pre[k] + 1]++;
        for (int64_t i = 0; i < n_pre; i++)
            next[i + 1] += next[i];
        for (int64_t k = 0; k < n; k++)
            order[next[pre[k]]++] = (int32_t)k;
        for (int64_t first = 0, last; first < n; first = last) {
            const int32_t source = pre[order[first]];
            for (last = first; last < n && pre[order[last]] == source; last++)
                numbers[order[last]] = seen[post[order[last]]]++;
            for (int64_t k = first; k < last; k++)
                seen[post[order[k]]] = 0;
        }
    }
    free(next);
    free(order);
    free(seen);
    return error ? B2G_NO_MEMORY : B2G_OK;
}
