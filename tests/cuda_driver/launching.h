/* Launches and graphs of the stand-in for the driver; a part of libcuda.cpp. */

/* ---- launching ------------------------------------------------------------------------------- */

static code check_launch(const char *me, const function_object *function, const unsigned *grid, const unsigned *block,
                         unsigned shared, void **parameters, void **extra, wire_meeting meeting)
{
    NEED_HANDLE(function, FUNCTION)
    NEED(grid[0] && grid[1] && grid[2] && grid[0] <= 0x7FFFFFFFu, "%u x %u x %u blocks", me, grid[0], grid[1], grid[2])
    NEED(grid[1] == 1 && grid[2] == 1 && block[1] == 1 && block[2] == 1, "the shim has one dimension", me)
    NEED(block[0] && block[0] <= MOST_THREADS, "%u threads in a block", me, block[0])
    NEED(shared <= 48 * 1024, "%u bytes of shared memory", me, shared)
    NEED(parameters == NULL && extra == NULL, "our kernels have no parameters", me)
    if (meeting == IN_MEMORY && grid[0] > resident(block[0]) * MULTIPROCESSORS)
        return mistake(COOPERATIVE_LAUNCH_TOO_LARGE, "%s: %u blocks at once", me, grid[0]);
    return SUCCESS;
}

static work as_work(function_object *function, unsigned blocks, unsigned threads, wire_meeting meeting)
{
    wire_request r = request(WIRE_LAUNCH, function->address, 0, function->module->number);
    r.blocks = blocks;
    r.threads = threads;
    r.meeting = meeting;
    return work{r, function, NULL, NULL, NULL};
}

static code launch_kernel(const char *me, function_object *function, const unsigned *grid, const unsigned *block,
                          unsigned shared, stream_object *stream, void **parameters, void **extra,
                          wire_meeting meeting)
{
    NEED_HANDLE(stream, STREAM)
    if (const code wrong = check_launch(me, function, grid, block, shared, parameters, extra, meeting))
        return wrong;
    stream->queue.push_back(as_work(function, grid[0], block[0], meeting));
    return SUCCESS;
}

API cuLaunchKernel(function_object *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                   unsigned bz, unsigned shared, stream_object *stream, void **parameters, void **extra)
{
    ENTER("cuLaunchKernel", true)
    const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
    return launch_kernel(me, function, grid, block, shared, stream, parameters, extra, NOWHERE);
}

API cuLaunchCooperativeKernel(function_object *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                              unsigned by, unsigned bz, unsigned shared, stream_object *stream, void **parameters)
{
    ENTER("cuLaunchCooperativeKernel", true)
    const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
    return launch_kernel(me, function, grid, block, shared, stream, parameters, NULL, IN_MEMORY);
}

struct launch_attribute {
    int id, padding;
    unsigned value[16];
};

struct launch_config {
    unsigned grid[3], block[3], shared;
    stream_object *stream;
    const launch_attribute *attributes;
    unsigned n_attributes;
};

/* The blocks of a cluster; 0 if that is no cluster of this GPU. */
static unsigned cluster_of(const launch_config *config, const function_object *function)
{
    const launch_attribute *const one = config->attributes;
    if (config->n_attributes != 1 || one->id != 4 || one->value[1] != 1 || one->value[2] != 1)
        return 0;
    const unsigned blocks = one->value[0];
    return blocks <= (function->large_clusters ? 16u : 8u) && config->grid[0] == blocks ? blocks : 0;
}

API cuOccupancyMaxActiveClusters(int *clusters, function_object *function, const launch_config *config)
{
    ENTER("cuOccupancyMaxActiveClusters", true)
    NEED_HANDLE(function, FUNCTION)
    const unsigned blocks = cluster_of(config, function);
    if (!blocks) /* it is asked to find out */
        return INVALID_CLUSTER_SIZE;
    *clusters = (int)(resident(config->block[0]) * MULTIPROCESSORS / blocks);
    return SUCCESS;
}

API cuLaunchKernelEx(const launch_config *config, function_object *function, void **parameters, void **extra)
{
    ENTER("cuLaunchKernelEx", true)
    NEED_HANDLE(function, FUNCTION)
    const unsigned blocks = cluster_of(config, function);
    if (!blocks || blocks > resident(config->block[0]) * MULTIPROCESSORS)
        return mistake(INVALID_CLUSTER_SIZE, "%s: a cluster of %u blocks", me, config->grid[0]);
    return launch_kernel(me, function, config->grid, config->block, config->shared, config->stream, parameters, extra,
                         IN_CLUSTER);
}

/* ---- graphs ------------------------------------------------------------------------------------ */

struct kernel_node_parameters {
    function_object *function;
    unsigned grid[3], block[3], shared;
    void **parameters, **extra;
    void *kernel, *context;
};

API cuGraphCreate(graph_object **graph, unsigned flags)
{
    ENTER("cuGraphCreate", true)
    NEED(flags == 0, "flags %u", me, flags)
    *graph = made(new graph_object);
    return SUCCESS;
}

API cuGraphAddKernelNode_v2(node_object **node, graph_object *graph, node_object *const *after, size_t n_after,
                            const kernel_node_parameters *p)
{
    ENTER("cuGraphAddKernelNode", true)
    NEED_HANDLE(graph, GRAPH)
    NEED(p != NULL && (n_after == 0) == (after == NULL), "no parameters, or no dependences", me)
    if (const code wrong = check_launch(me, p->function, p->grid, p->block, p->shared, p->parameters, p->extra, NOWHERE))
        return wrong;
    node_object *const one = made(new node_object);
    for (size_t k = 0; k < n_after; k++) {
        NEED_HANDLE(after[k], NODE)
        NEED(after[k]->graph == graph, "depends on a node of another graph", me)
        one->after.push_back(after[k]->number);
    }
    one->graph = graph;
    one->function = p->function;
    one->blocks = p->grid[0];
    one->threads = p->block[0];
    one->number = graph->nodes.size();
    graph->nodes.push_back(one);
    *node = one;
    return SUCCESS;
}

API cuGraphKernelNodeSetAttribute(node_object *node, int attribute, const int *value)
{
    ENTER("cuGraphKernelNodeSetAttribute", true)
    NEED_HANDLE(node, NODE)
    NEED(attribute == 2 && value != NULL, "attribute %d is not known here", me, attribute)
    node->cooperative = *value != 0;
    return SUCCESS;
}

API cuGraphInstantiateWithFlags(executable_object **executable, graph_object *graph, unsigned long long flags)
{
    ENTER("cuGraphInstantiate", true)
    NEED_HANDLE(graph, GRAPH)
    NEED(flags == 0, "flags %llu", me, flags)
    executable_object *const made_of = new executable_object;
    for (const node_object *const one : graph->nodes) {
        NEED_HANDLE(one->function, FUNCTION)
        if (one->cooperative && one->blocks > resident(one->threads) * MULTIPROCESSORS)
            return mistake(COOPERATIVE_LAUNCH_TOO_LARGE, "%s: %u blocks at once", me, one->blocks);
        made_of->launches.push_back(launch{one->function, one->blocks, one->threads, one->after});
    }
    *executable = made(made_of);
    return SUCCESS;
}

/* Nodes are executed in any order that their dependences allow. */
API cuGraphLaunch(executable_object *executable, stream_object *stream)
{
    ENTER("cuGraphLaunch", true)
    NEED_HANDLE(executable, EXECUTABLE)
    NEED_HANDLE(stream, STREAM)
    static unsigned random = 1;
    const std::vector<launch> &launches = executable->launches;
    std::vector<size_t> missing, ready;
    std::vector<std::vector<size_t>> next(launches.size());
    for (size_t k = 0; k < launches.size(); k++) {
        if (!launches[k].function->alive)
            return mistake(INVALID_HANDLE, "%s: the module of kernel %s was unloaded", me,
                           launches[k].function->name.c_str());
        missing.push_back(launches[k].after.size());
        for (const size_t before : launches[k].after)
            next[before].push_back(k);
        if (missing[k] == 0)
            ready.push_back(k);
    }
    while (!ready.empty()) {
        random = random * 1664525u + 1013904223u;
        const size_t place = (random >> 8) % ready.size(), k = ready[place];
        ready[place] = ready.back();
        ready.pop_back();
        stream->queue.push_back(as_work(launches[k].function, launches[k].blocks, launches[k].threads, NOWHERE));
        for (const size_t after : next[k])
            if (--missing[after] == 0)
                ready.push_back(after);
    }
    return SUCCESS;
}

API cuGraphExecDestroy(executable_object *executable)
{
    ENTER("cuGraphExecDestroy", true)
    NEED_HANDLE(executable, EXECUTABLE)
    executable->alive = false;
    return SUCCESS;
}

API cuGraphDestroy(graph_object *graph)
{
    ENTER("cuGraphDestroy", true)
    NEED_HANDLE(graph, GRAPH)
    graph->alive = false;
    for (node_object *const node : graph->nodes)
        node->alive = false;
    return SUCCESS;
}
