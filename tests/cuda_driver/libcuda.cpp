/* A stand-in for the library of NVIDIA's driver, for tests of what calls it: the part of the driver
   API that nvidia.py uses, and no more. It checks every argument, answers with the code that the real
   one documents, and notes each mistake of the caller in the file FAKE_CUDA_LOG. Kernels are
   executed by a process of their own (device.cpp), and no sooner than something waits for them.

   Environment variables, read when first needed:
     FAKE_CUDA_MEMORY            bytes of the device
     FAKE_CUDA_VERSION           of the driver, as cuDriverGetVersion gives it
     FAKE_CUDA_DEVICES           how many there are
     FAKE_CUDA_INIT              the code that cuInit returns
     FAKE_CUDA_CONTEXT           the code that cuDevicePrimaryCtxRetain returns
     FAKE_CUDA_CAPABILITY        compute capability, as 90
     FAKE_CUDA_FAILING_LAUNCH    the number of the kernel that fails, counting from 1
     FAKE_CUDA_FAILURE           the code with which it fails
     FAKE_CUDA_KERNEL_MICROSECONDS  how long every kernel takes at least
*/
#include "state.h"

typedef int code;
typedef uint64_t address_t;

#define API extern "C" code
#define ENTER(function, needs_context)                                     \
    static const char *const me __attribute__((unused)) = function;       \
    const std::lock_guard<std::recursive_mutex> guard(lock);               \
    if (const code early = at_entry(me, needs_context))                    \
        return early;
#define NEED_HANDLE(handle, kind)          \
    if (!is_alive((const void *)(handle), kind)) \
        return wrong_handle(me, (const void *)(handle), kind);
#define NEED(condition, ...) \
    if (!(condition))        \
        return mistake(INVALID_VALUE, "%s: " __VA_ARGS__);
#define NEED_RANGE(address, size)                              \
    if (const code wrong = check_range(me, address, size))     \
        return wrong;

static const unsigned MULTIPROCESSORS = 2, THREADS_EACH = 256, MOST_THREADS = 1024;

template <typename T> static T *made(T *one)
{
    objects.insert(one);
    return one;
}

static uint64_t all_memory(void)
{
    static const uint64_t bytes = (uint64_t)setting("FAKE_CUDA_MEMORY", 4L << 30);
    return bytes;
}

/* ---- the driver and its devices --------------------------------------------------- */

API cuGetErrorName(int error, const char **name)
{
    for (const auto &one : RESULT_NAMES)
        if (one.code == error) {
            *name = one.name;
            return SUCCESS;
        }
    *name = NULL;
    return INVALID_VALUE;
}

API cuInit(unsigned flags)
{
    const std::lock_guard<std::recursive_mutex> guard(lock);
    if (flags != 0)
        return mistake(INVALID_VALUE, "cuInit: flags %u", flags);
    if (const code failure = (code)setting("FAKE_CUDA_INIT", 0))
        return failure;
    const char *const visible = getenv("CUDA_VISIBLE_DEVICES");
    if (visible != NULL && (*visible < '0' || *visible > '9'))
        return NO_DEVICE;
    if (started_by != 0)
        return started_by == getpid() ? SUCCESS : NOT_INITIALIZED;
    if (!start_device())
        return 999;
    started_by = getpid();
    return SUCCESS;
}

/* NVRTC looks for tables of the driver, and goes on where there are none. */
API cuGetExportTable(const void **table, const void *)
{
    *table = NULL;
    return NOT_FOUND;
}

API cuDriverGetVersion(int *version)
{
    *version = (int)setting("FAKE_CUDA_VERSION", 13000);
    return SUCCESS;
}

static int n_devices(void) { return (int)setting("FAKE_CUDA_DEVICES", 1); }

API cuDeviceGetCount(int *count)
{
    ENTER("cuDeviceGetCount", false)
    *count = n_devices();
    return SUCCESS;
}

API cuDeviceGet(int *device, int number)
{
    ENTER("cuDeviceGet", false)
    if (number < 0 || number >= n_devices())
        return mistake(INVALID_DEVICE, "cuDeviceGet: there is no device %d", number);
    *device = number;
    return SUCCESS;
}

API cuDeviceGetName(char *name, int size, int device)
{
    ENTER("cuDeviceGetName", false)
    NEED(size > 0, "no room for the name", me)
    if (device < 0 || device >= n_devices())
        return mistake(INVALID_DEVICE, "cuDeviceGetName: there is no device %d", device);
    snprintf(name, (size_t)size, "Stand-in for a GPU");
    return SUCCESS;
}

API cuDeviceGetUuid_v2(unsigned char *identifier, int device)
{
    ENTER("cuDeviceGetUuid", false)
    if (device < 0 || device >= n_devices())
        return mistake(INVALID_DEVICE, "cuDeviceGetUuid: there is no device %d", device);
    for (int k = 0; k < 16; k++)
        identifier[k] = (unsigned char)(device + 16 * k);
    return SUCCESS;
}

API cuDeviceGetAttribute(int *value, int attribute, int device)
{
    ENTER("cuDeviceGetAttribute", false)
    if (device < 0 || device >= n_devices())
        return mistake(INVALID_DEVICE, "cuDeviceGetAttribute: there is no device %d", device);
    const int capability = (int)setting("FAKE_CUDA_CAPABILITY", 90);
    switch (attribute) {
    case 1: *value = (int)MOST_THREADS; return SUCCESS;
    case 10: *value = 32; return SUCCESS;
    case 16: *value = (int)MULTIPROCESSORS; return SUCCESS;
    case 39: *value = (int)THREADS_EACH; return SUCCESS;
    case 75: *value = capability / 10; return SUCCESS;
    case 76: *value = capability % 10; return SUCCESS;
    case 95: *value = 1; return SUCCESS;
    case 120: *value = capability >= 90; return SUCCESS; /* clusters */
    }
    return mistake(INVALID_VALUE, "cuDeviceGetAttribute: attribute %d is not known here", attribute);
}

/* ---- contexts ------------------------------------------------------------------------- */

API cuDevicePrimaryCtxRetain(object **context, int device)
{
    ENTER("cuDevicePrimaryCtxRetain", false)
    NEED(device == 0, "device %d", me, device)
    if (const code failure = (code)setting("FAKE_CUDA_CONTEXT", 0))
        return failure;
    if (primary == NULL || !primary->alive)
        primary = made(new object(CONTEXT));
    *context = primary;
    return SUCCESS;
}

/* As another library might: all that belongs to the context is gone. */
API cuDevicePrimaryCtxReset_v2(int device)
{
    ENTER("cuDevicePrimaryCtxReset", false)
    NEED(device == 0, "device %d", me, device)
    for (object *const o : objects)
        o->alive = false;
    for (const auto &one : regions)
        freed[one.first] = one.second.size;
    regions.clear();
    return SUCCESS;
}

API cuCtxPushCurrent_v2(object *context)
{
    ENTER("cuCtxPushCurrent", false)
    if (objects.count(context) && context->what == CONTEXT && !context->alive)
        return CONTEXT_IS_DESTROYED;
    NEED_HANDLE(context, CONTEXT)
    if (sticky)
        return sticky;
    current.push_back(context);
    return SUCCESS;
}

API cuCtxPopCurrent_v2(object **context)
{
    ENTER("cuCtxPopCurrent", false)
    if (current.empty())
        return mistake(INVALID_CONTEXT, "cuCtxPopCurrent: this thread has no current context");
    if (context != NULL)
        *context = current.back();
    current.pop_back();
    return SUCCESS;
}

API cuCtxGetCurrent(object **context)
{
    ENTER("cuCtxGetCurrent", false)
    *context = current.empty() ? NULL : current.back();
    return SUCCESS;
}

API cuCtxSetCurrent(object *context)
{
    ENTER("cuCtxSetCurrent", false)
    if (context != NULL)
        NEED_HANDLE(context, CONTEXT)
    if (sticky)
        return sticky;
    if (!current.empty())
        current.pop_back();
    if (context != NULL)
        current.push_back(context);
    return SUCCESS;
}

/* ---- memory --------------------------------------------------------------------------- */

API cuMemGetInfo_v2(size_t *free_bytes, size_t *all_bytes)
{
    ENTER("cuMemGetInfo", true)
    *free_bytes = all_memory() - used_memory;
    *all_bytes = all_memory();
    return SUCCESS;
}

/* What an allocation takes of the device's memory. */
static uint64_t taken(uint64_t size) { return (size + 511) / 512 * 512; }

API cuMemAlloc_v2(address_t *address, size_t size)
{
    ENTER("cuMemAlloc", true)
    NEED(size > 0, "no bytes", me)
    if (size > all_memory() || taken(size) > all_memory() - used_memory)
        return OUT_OF_MEMORY;
    *address = ask(request(WIRE_ALLOCATE, 0, size)).value;
    if (sticky)
        return sticky;
    used_memory += taken(size);
    regions[*address] = region{size, NULL};
    return SUCCESS;
}

/* Waits for the device, as documented for what cuMemAlloc has reserved. */
API cuMemFree_v2(address_t address)
{
    ENTER("cuMemFree", true)
    if (address == 0)
        return SUCCESS;
    const auto found = regions.find(address);
    if (found == regions.end() || found->second.module != NULL)
        return mistake(INVALID_VALUE, "cuMemFree: %#llx %s", (unsigned long long)address,
                       freed.count(address) ? "was freed before" : "was not allocated");
    if (finish_all())
        return sticky;
    const uint64_t written = ask(request(WIRE_FREE, address)).value;
    if (written > 0)
        mistake(0, "%llu of the bytes behind an allocation of %llu bytes were written to",
                (unsigned long long)written, (unsigned long long)found->second.size);
    used_memory -= taken(found->second.size);
    freed[address] = found->second.size;
    regions.erase(found);
    return sticky;
}

/* ---- streams and events ------------------------------------------------------------------ */

API cuStreamCreate(stream_object **stream, unsigned flags)
{
    ENTER("cuStreamCreate", true)
    NEED(flags <= 1, "flags %u", me, flags)
    *stream = made(new stream_object);
    streams.push_back(*stream);
    return SUCCESS;
}

API cuStreamSynchronize(stream_object *stream)
{
    ENTER("cuStreamSynchronize", true)
    NEED_HANDLE(stream, STREAM)
    return finish(stream);
}

API cuMemsetD8Async(address_t address, unsigned char byte, size_t size, stream_object *stream)
{
    ENTER("cuMemsetD8Async", true)
    NEED_HANDLE(stream, STREAM)
    NEED_RANGE(address, size)
    wire_request r = request(WIRE_FILL, address, size);
    r.byte = byte;
    stream->queue.push_back(work{r, NULL, NULL, NULL, NULL});
    return SUCCESS;
}

API cuMemcpyDtoDAsync_v2(address_t target, address_t source, size_t size, stream_object *stream)
{
    ENTER("cuMemcpyDtoDAsync", true)
    NEED_HANDLE(stream, STREAM)
    NEED_RANGE(target, size)
    NEED_RANGE(source, size)
    stream->queue.push_back(work{request(WIRE_COPY, target, size, source), NULL, NULL, NULL, NULL});
    return SUCCESS;
}

/* Copies touch the host's memory no sooner than something waits for them: a real driver may do it
   at once where the memory is pageable, and does not where it is pinned. */
API cuMemcpyHtoDAsync_v2(address_t target, const void *source, size_t size, stream_object *stream)
{
    ENTER("cuMemcpyHtoDAsync", true)
    NEED_HANDLE(stream, STREAM)
    NEED(size == 0 || source != NULL, "no source", me)
    NEED_RANGE(target, size)
    if (size > 0)
        stream->queue.push_back(work{request(WIRE_WRITE, target, size), NULL, NULL, source, NULL});
    return SUCCESS;
}

API cuMemcpyDtoHAsync_v2(void *target, address_t source, size_t size, stream_object *stream)
{
    ENTER("cuMemcpyDtoHAsync", true)
    NEED_HANDLE(stream, STREAM)
    NEED(size == 0 || target != NULL, "no target", me)
    NEED_RANGE(source, size)
    if (size > 0)
        stream->queue.push_back(work{request(WIRE_READ, source, size), NULL, NULL, NULL, target});
    return SUCCESS;
}

API cuEventCreate(event_object **event, unsigned flags)
{
    ENTER("cuEventCreate", true)
    NEED(flags <= 3, "flags %u", me, flags)
    static uint64_t number;
    *event = made(new event_object);
    (*event)->measures = !(flags & 2);
    (*event)->number = ++number;
    return SUCCESS;
}

API cuEventRecord(event_object *event, stream_object *stream)
{
    ENTER("cuEventRecord", true)
    NEED_HANDLE(event, EVENT)
    NEED_HANDLE(stream, STREAM)
    event->recorded = true;
    event->done = false;
    stream->queue.push_back(work{request(WIRE_TIME, 0, 0, event->number), NULL, event, NULL, NULL});
    return SUCCESS;
}

API cuEventElapsedTime_v2(float *milliseconds, event_object *from, event_object *to)
{
    ENTER("cuEventElapsedTime", true)
    for (const event_object *const one : {from, to}) {
        NEED_HANDLE(one, EVENT)
        if (!one->recorded || !one->measures)
            return mistake(INVALID_HANDLE, "%s: an event that %s", me,
                           one->recorded ? "measures no time" : "was not recorded");
        if (!one->done)
            return mistake(NOT_READY, "%s: nobody has waited for an event", me);
    }
    *milliseconds = 1e-6f * (float)ask(request(WIRE_ELAPSED, from->number, 0, to->number)).value;
    return sticky;
}

API cuEventDestroy_v2(event_object *event)
{
    ENTER("cuEventDestroy", true)
    NEED_HANDLE(event, EVENT)
    event->alive = false;
    return SUCCESS;
}

/* ---- modules ------------------------------------------------------------------------------- */

/* An image is this, and the path of a shared library. */
static const char IMAGE[] = "brian2genn-tests:";

API cuModuleLoadData(module_object **module, const char *image)
{
    ENTER("cuModuleLoadData", true)
    NEED(image != NULL, "no image", me)
    if (strncmp(image, IMAGE, sizeof(IMAGE) - 1) != 0)
        return INVALID_IMAGE;
    const char *const path = image + sizeof(IMAGE) - 1;
    const uint64_t number = ask(request(WIRE_LOAD, 0, strlen(path)), path).value;
    if (number == 0)
        return sticky ? sticky : INVALID_IMAGE;
    *module = made(new module_object);
    (*module)->number = number;
    return SUCCESS;
}

API cuModuleUnload(module_object *module)
{
    ENTER("cuModuleUnload", true)
    NEED_HANDLE(module, MODULE)
    for (const stream_object *const stream : streams)
        for (const work &one : stream->queue)
            if (one.function != NULL && one.function->module == module)
                return mistake(INVALID_VALUE, "%s: kernel %s has not been executed yet", me,
                               one.function->name.c_str());
    module->alive = false;
    for (const auto &one : module->functions)
        one.second->alive = false;
    for (auto one = regions.begin(); one != regions.end();)
        if (one->second.module == module) {
            freed[one->first] = one->second.size;
            one = regions.erase(one);
        } else
            ++one;
    const wire_request r = request(WIRE_UNLOAD, module->number);
    send_bytes(&r, sizeof(r));
    return sticky;
}

API cuModuleGetFunction(function_object **function, module_object *module, const char *name)
{
    ENTER("cuModuleGetFunction", true)
    NEED_HANDLE(module, MODULE)
    NEED(name != NULL && *name, "no name", me)
    function_object *&known = module->functions[name];
    if (known == NULL) {
        const wire_answer found = ask(request(WIRE_SYMBOL, module->number, strlen(name)), name);
        if (found.value == 0 || !found.is_function) {
            module->functions.erase(name);
            return sticky ? sticky : mistake(NOT_FOUND, "%s: no kernel '%s'", me, name);
        }
        known = made(new function_object);
        known->module = module;
        known->address = found.value;
        known->name = name;
    }
    *function = known;
    return SUCCESS;
}

API cuModuleGetGlobal_v2(address_t *address, size_t *size, module_object *module, const char *name)
{
    ENTER("cuModuleGetGlobal", true)
    NEED_HANDLE(module, MODULE)
    NEED(name != NULL && *name, "no name", me)
    const wire_answer found = ask(request(WIRE_SYMBOL, module->number, strlen(name)), name);
    if (found.value == 0 || found.is_function)
        return sticky ? sticky : mistake(NOT_FOUND, "%s: no variable '%s'", me, name);
    regions[found.value] = region{found.size, module};
    if (address != NULL)
        *address = found.value;
    if (size != NULL)
        *size = found.size;
    return SUCCESS;
}

API cuFuncGetAttribute(int *value, int attribute, function_object *function)
{
    ENTER("cuFuncGetAttribute", true)
    NEED_HANDLE(function, FUNCTION)
    switch (attribute) {
    case 0: *value = (int)MOST_THREADS; return SUCCESS;
    case 1: *value = 64; return SUCCESS; /* shared memory */
    case 3: *value = 0; return SUCCESS;  /* local memory */
    case 4: *value = 40; return SUCCESS; /* registers */
    }
    return mistake(INVALID_VALUE, "cuFuncGetAttribute: attribute %d is not known here", attribute);
}

API cuFuncSetAttribute(function_object *function, int attribute, int value)
{
    ENTER("cuFuncSetAttribute", true)
    NEED_HANDLE(function, FUNCTION)
    NEED(attribute == 14 && value == 1, "attribute %d is not known here", me, attribute)
    function->large_clusters = true;
    return SUCCESS;
}

static unsigned resident(unsigned threads) { return THREADS_EACH / threads; }

API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, function_object *function, int threads, size_t)
{
    ENTER("cuOccupancyMaxActiveBlocksPerMultiprocessor", true)
    NEED_HANDLE(function, FUNCTION)
    NEED(threads > 0 && (unsigned)threads <= MOST_THREADS, "%d threads", me, threads)
    *blocks = (int)resident((unsigned)threads);
    return SUCCESS;
}

#include "launching.h"

/* ---- for tests --------------------------------------------------------------------------------- */

/* How many objects of a kind there are; -1: allocations. */
extern "C" long fake_cuda_count(int what)
{
    const std::lock_guard<std::recursive_mutex> guard(lock);
    long n = 0;
    for (const auto &one : regions)
        n += what == -1 && one.second.module == NULL;
    for (const object *const o : objects)
        n += o->what == what && o->alive;
    return n;
}

/* ---- how functions are found -------------------------------------------------------------------- */

static const struct { const char *name; int since; void *function; } FUNCTIONS[] = {
#define OFFER(name, since, function) {#name, since, (void *)function}
    OFFER(cuGetErrorName, 6000, cuGetErrorName),
    OFFER(cuInit, 2000, cuInit),
    OFFER(cuDriverGetVersion, 2020, cuDriverGetVersion),
    OFFER(cuDeviceGetCount, 2000, cuDeviceGetCount),
    OFFER(cuDeviceGet, 2000, cuDeviceGet),
    OFFER(cuDeviceGetName, 2000, cuDeviceGetName),
    /* the first of the name differs only for parts of a GPU */
    OFFER(cuDeviceGetUuid, 9020, cuDeviceGetUuid_v2),
    OFFER(cuDeviceGetAttribute, 2000, cuDeviceGetAttribute),
    OFFER(cuDevicePrimaryCtxRetain, 7000, cuDevicePrimaryCtxRetain),
    OFFER(cuDevicePrimaryCtxReset, 11000, cuDevicePrimaryCtxReset_v2),
    OFFER(cuCtxPushCurrent, 4000, cuCtxPushCurrent_v2),
    OFFER(cuCtxPopCurrent, 4000, cuCtxPopCurrent_v2),
    OFFER(cuCtxGetCurrent, 4000, cuCtxGetCurrent),
    OFFER(cuCtxSetCurrent, 4000, cuCtxSetCurrent),
    OFFER(cuMemGetInfo, 3020, cuMemGetInfo_v2),
    OFFER(cuMemAlloc, 3020, cuMemAlloc_v2),
    OFFER(cuMemFree, 3020, cuMemFree_v2),
    OFFER(cuMemcpyHtoDAsync, 3020, cuMemcpyHtoDAsync_v2),
    OFFER(cuMemcpyDtoHAsync, 3020, cuMemcpyDtoHAsync_v2),
    OFFER(cuMemcpyDtoDAsync, 3020, cuMemcpyDtoDAsync_v2),
    OFFER(cuMemsetD8Async, 3020, cuMemsetD8Async),
    OFFER(cuStreamCreate, 2000, cuStreamCreate),
    OFFER(cuStreamSynchronize, 2000, cuStreamSynchronize),
    OFFER(cuEventCreate, 2000, cuEventCreate),
    OFFER(cuEventRecord, 2000, cuEventRecord),
    OFFER(cuEventElapsedTime, 2000, cuEventElapsedTime_v2),
    OFFER(cuEventDestroy, 4000, cuEventDestroy_v2),
    OFFER(cuModuleLoadData, 2000, cuModuleLoadData),
    OFFER(cuModuleUnload, 2000, cuModuleUnload),
    OFFER(cuModuleGetFunction, 2000, cuModuleGetFunction),
    OFFER(cuModuleGetGlobal, 3020, cuModuleGetGlobal_v2),
    OFFER(cuFuncGetAttribute, 2020, cuFuncGetAttribute),
    OFFER(cuOccupancyMaxActiveBlocksPerMultiprocessor, 6050, cuOccupancyMaxActiveBlocksPerMultiprocessor),
    OFFER(cuLaunchKernel, 4000, cuLaunchKernel),
    OFFER(cuLaunchCooperativeKernel, 9000, cuLaunchCooperativeKernel),
    OFFER(cuFuncSetAttribute, 9000, cuFuncSetAttribute),
    OFFER(cuOccupancyMaxActiveClusters, 11070, cuOccupancyMaxActiveClusters),
    OFFER(cuLaunchKernelEx, 11060, cuLaunchKernelEx),
    OFFER(cuGraphCreate, 10000, cuGraphCreate),
    OFFER(cuGraphAddKernelNode, 12000, cuGraphAddKernelNode_v2),
    OFFER(cuGraphKernelNodeSetAttribute, 11000, cuGraphKernelNodeSetAttribute),
    OFFER(cuGraphInstantiate, 12000, cuGraphInstantiateWithFlags),
    OFFER(cuGraphInstantiateWithFlags, 11040, cuGraphInstantiateWithFlags),
    OFFER(cuGraphLaunch, 10000, cuGraphLaunch),
    OFFER(cuGraphExecDestroy, 10000, cuGraphExecDestroy),
    OFFER(cuGraphDestroy, 10000, cuGraphDestroy),
};

API cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t, int *status)
{
    *function = NULL;
    int found = 1; /* no such symbol */
    if (strcmp(name, "cuGetProcAddress") == 0) {
        *function = (void *)cuGetProcAddress_v2;
        found = 0;
    }
    for (const auto &one : FUNCTIONS)
        if (strcmp(one.name, name) == 0) {
            found = version < one.since ? 2 : 0; /* 2: too new for the version that is asked for */
            *function = found ? NULL : one.function;
        }
    if (status != NULL)
        *status = found;
    return found ? NOT_FOUND : SUCCESS;
}
