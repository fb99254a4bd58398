/* What the stand-in for the driver knows of its objects, and how it speaks with the device. */
#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

enum result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    CONTEXT_IS_DESTROYED = 709,
    LAUNCH_FAILED = 719,
    INVALID_CLUSTER_SIZE = 912,
    COOPERATIVE_LAUNCH_TOO_LARGE = 720,
};

static const struct { int code; const char *name; } RESULT_NAMES[] = {
    {SUCCESS, "CUDA_SUCCESS"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
    {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND"},
    {NOT_READY, "CUDA_ERROR_NOT_READY"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
    {CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED"},
    {COOPERATIVE_LAUNCH_TOO_LARGE, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE"},
    {INVALID_CLUSTER_SIZE, "CUDA_ERROR_INVALID_CLUSTER_SIZE"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
    {999, "CUDA_ERROR_UNKNOWN"},
};

/* Objects are never deleted, so that a handle of one that was destroyed is known as such. */
enum kind { CONTEXT, STREAM, EVENT, MODULE, FUNCTION, GRAPH, NODE, EXECUTABLE, N_KINDS };
static const char *const KIND_NAMES[] = {
    "context", "stream", "event", "module", "function", "graph", "node of a graph", "executable graph"};

struct object {
    kind what;
    bool alive;
    object(kind k) : what(k), alive(true) {}
};

struct module_object : object {
    uint64_t number;
    std::map<std::string, struct function_object *> functions;
    module_object() : object(MODULE), number(0) {}
};

struct function_object : object {
    module_object *module;
    uint64_t address;
    std::string name;
    bool large_clusters; /* those of more than 8 blocks are allowed */
    function_object() : object(FUNCTION), module(NULL), address(0), large_clusters(false) {}
};

struct node_object : object {
    struct graph_object *graph;
    function_object *function;
    unsigned blocks, threads;
    bool cooperative;
    std::vector<size_t> after; /* numbers of nodes of the same graph */
    size_t number;
    node_object() : object(NODE), graph(NULL), function(NULL), blocks(0), threads(0), cooperative(false), number(0) {}
};

struct graph_object : object {
    std::vector<node_object *> nodes;
    graph_object() : object(GRAPH) {}
};

struct launch {
    function_object *function;
    unsigned blocks, threads;
    std::vector<size_t> after;
};

struct executable_object : object {
    std::vector<launch> launches;
    executable_object() : object(EXECUTABLE) {}
};

struct event_object : object {
    bool measures, recorded, done;
    uint64_t number;
    event_object() : object(EVENT), measures(true), recorded(false), done(false), number(0) {}
};

/* What waits to be executed. */
struct work {
    wire_request request;
    function_object *function;
    event_object *event;
    const void *source; /* of the host, for a copy */
    void *target;
};

struct stream_object : object {
    std::vector<work> queue;
    stream_object() : object(STREAM) {}
};

struct region {
    uint64_t size;
    module_object *module; /* whose variable it is; NULL for an allocation */
};

static std::recursive_mutex lock;
static std::set<object *> objects;
static std::vector<stream_object *> streams;
static std::map<uint64_t, region> regions; /* by address */
static std::map<uint64_t, uint64_t> freed; /* sizes of what was given back, by address */
static object *primary;
static int sticky;
static pid_t started_by;
static int device_socket = -1;
static uint64_t used_memory;
static long launches_done;
static thread_local std::vector<object *> current; /* the stack of this thread's contexts */

static long setting(const char *name, long otherwise)
{
    const char *const value = getenv(name);
    return value == NULL || *value == 0 ? otherwise : strtol(value, NULL, 0);
}

/* Notes what a host program must not do; the tests want nothing to be noted. */
__attribute__((format(printf, 2, 3))) static int mistake(int code, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    n = n > (int)sizeof(line) - 2 ? (int)sizeof(line) - 2 : n;
    line[n++] = '\n';
    const char *const path = getenv("FAKE_CUDA_LOG");
    const int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : 2;
    if (file >= 0 && write(file, line, (size_t)n) < 0)
        abort();
    if (path && file >= 0)
        close(file);
    return code;
}

/* ---- the device's process --------------------------------------------------- */

static bool start_device(void)
{
    Dl_info here;
    int ends[2];
    if (!dladdr((void *)start_device, &here) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    const std::string path = here.dli_fname, program = path.substr(0, path.rfind('/') + 1) + "device";
    const pid_t child = fork();
    if (child == 0) {
        /* a grandchild, so that the host has no child that it does not know of */
        if (fork() == 0) {
            dup2(ends[1], 3);
            execl(program.c_str(), program.c_str(), (char *)NULL);
            _exit(127);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    close(ends[1]);
    device_socket = ends[0];
    return true;
}

/* The device's process has ended: so has the context. */
static void lose(void)
{
    if (!sticky)
        sticky = ILLEGAL_ADDRESS;
}

static void send_bytes(const void *place, uint64_t size)
{
    for (const char *from = (const char *)place; size > 0 && !sticky;) {
        const ssize_t n = send(device_socket, from, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return lose();
        if (n > 0) {
            from += n;
            size -= (uint64_t)n;
        }
    }
}

static void receive_bytes(void *place, uint64_t size)
{
    for (char *to = (char *)place; size > 0 && !sticky;) {
        const ssize_t n = recv(device_socket, to, size, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return lose();
        if (n > 0) {
            to += n;
            size -= (uint64_t)n;
        }
    }
}

static wire_request request(wire_what what, uint64_t address = 0, uint64_t size = 0, uint64_t other = 0)
{
    wire_request r = {};
    r.what = (uint32_t)what;
    r.address = address;
    r.size = size;
    r.other = other;
    return r;
}

static wire_answer ask(const wire_request &r, const void *bytes = NULL)
{
    wire_answer a = {};
    send_bytes(&r, sizeof(r));
    if (bytes != NULL)
        send_bytes(bytes, r.size);
    receive_bytes(&a, sizeof(a));
    return a;
}

/* ---- work that waits ---------------------------------------------------------- */

/* Has everything done that a stream was given; asynchronous work is done no sooner than here. */
static int finish(stream_object *stream)
{
    static const long fails_at = setting("FAKE_CUDA_FAILING_LAUNCH", 0);
    static const int failure = (int)setting("FAKE_CUDA_FAILURE", ILLEGAL_ADDRESS);
    std::vector<work> queue;
    queue.swap(stream->queue);
    for (const work &one : queue) {
        if (sticky)
            return sticky;
        if (one.function != NULL && !one.function->module->alive)
            mistake(0, "module of kernel %s unloaded before it was executed", one.function->name.c_str());
        else
            send_bytes(&one.request, sizeof(one.request));
        if (one.source != NULL)
            send_bytes(one.source, one.request.size);
        if (one.target != NULL)
            receive_bytes(one.target, one.request.size);
        if (one.event != NULL)
            one.event->done = true;
        if (one.function != NULL && ++launches_done == fails_at)
            sticky = failure;
    }
    if (sticky || queue.empty())
        return sticky;
    const wire_answer a = ask(request(WIRE_WAIT));
    if (!sticky && a.value) {
        std::string text(a.size, 0);
        receive_bytes(&text[0], a.size);
        mistake(0, "%s", text.c_str());
        sticky = LAUNCH_FAILED;
    }
    return sticky;
}

static int finish_all(void)
{
    for (stream_object *const stream : streams)
        finish(stream);
    return sticky;
}

/* ---- checks --------------------------------------------------------------------- */

static bool is_alive(const void *handle, kind what)
{
    object *const o = (object *)handle;
    return objects.count(o) != 0 && o->what == what && o->alive;
}

static int wrong_handle(const char *function, const void *handle, kind what)
{
    const bool known = objects.count((object *)handle) != 0;
    const bool was = known && ((object *)handle)->what == what;
    return mistake(what == CONTEXT ? INVALID_CONTEXT : INVALID_HANDLE, "%s: %p is %s %s", function, handle,
                   was ? "a destroyed" : "no", KIND_NAMES[what]);
}

/* The code with which a function fails before it looks at its arguments. */
static int at_entry(const char *function, bool needs_context)
{
    if (started_by == 0)
        return mistake(NOT_INITIALIZED, "%s: called before cuInit", function);
    if (started_by != getpid())
        return mistake(NOT_INITIALIZED, "%s: called in a forked process", function);
    if (!needs_context)
        return SUCCESS;
    if (current.empty() || current.back() == NULL)
        return mistake(INVALID_CONTEXT, "%s: this thread has no current context", function);
    if (!current.back()->alive)
        return CONTEXT_IS_DESTROYED;
    return sticky;
}

/* Whether bytes lie within one allocation, or one variable of a module. */
static int check_range(const char *function, uint64_t address, uint64_t size)
{
    if (size == 0)
        return SUCCESS;
    auto next = regions.upper_bound(address);
    if (next != regions.begin()) {
        const auto &found = *--next;
        if (address - found.first < found.second.size) {
            if (size <= found.second.size - (address - found.first))
                return SUCCESS;
            return mistake(INVALID_VALUE, "%s: %llu bytes at %#llx, %llu bytes before the end of what is there",
                           function, (unsigned long long)size, (unsigned long long)address,
                           (unsigned long long)(found.second.size - (address - found.first)));
        }
    }
    auto before = freed.upper_bound(address);
    const bool was = before != freed.begin() && address - (--before)->first < before->second;
    return mistake(INVALID_VALUE, "%s: %#llx %s", function, (unsigned long long)address,
                   was ? "was freed" : "is no address of the device");
}
