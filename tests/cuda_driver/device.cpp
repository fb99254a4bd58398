/* The device of the tests' CUDA driver: a process of its own, so that the addresses of one side mean
   nothing to the other, as with a real GPU. It obeys what libcuda.cpp writes to its socket.

   A module is a shared library with `shim_launch` and its like (emulation/fibres.h). An access outside of
   what is allocated, or to what was freed, ends this process: that is how a context of CUDA is
   lost. */
#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

static const int SOCKET = 3;
static const uint64_t PAGE = 4096, ALIGNMENT = 256;
/* what nobody has written, and what is behind the end of an allocation */
static const int UNWRITTEN = 0xA5, BEHIND = 0x5A;
static const size_t KEPT = 4096; /* freed allocations whose addresses stay invalid */

struct allocation {
    char *pages;
    uint64_t n_pages_bytes, size;
};
typedef const char *shim_launcher(void (*)(void), unsigned, unsigned, uint64_t);
struct module {
    void *library;
    shim_launcher *launch[3]; /* by wire_meeting */
};

static std::map<uint64_t, allocation> allocations;
static std::deque<allocation> freed;
static std::vector<module> modules(1);
static std::map<uint64_t, uint64_t> times;
static std::string error;
static uint64_t seed = 88172645463325252u;
static const char *log_path;
static char running[200] = "no kernel";

static void get(void *place, uint64_t size)
{
    for (char *to = (char *)place; size > 0;) {
        const ssize_t n = read(SOCKET, to, size);
        if (n == 0 || (n < 0 && errno != EINTR))
            _exit(0); /* the host is gone */
        if (n > 0) {
            to += n;
            size -= (uint64_t)n;
        }
    }
}

static void put(const void *place, uint64_t size)
{
    for (const char *from = (const char *)place; size > 0;) {
        const ssize_t n = write(SOCKET, from, size);
        if (n < 0 && errno != EINTR)
            _exit(0);
        if (n > 0) {
            from += n;
            size -= (uint64_t)n;
        }
    }
}

static void answer(uint64_t value, uint64_t size = 0, uint64_t is_function = 0)
{
    const wire_answer a = {value, size, is_function};
    put(&a, sizeof(a));
}

static std::string text(uint64_t size)
{
    std::string s(size, 0);
    get(&s[0], size);
    return s;
}

static void on_fault(int, siginfo_t *info, void *)
{
    char line[400];
    const int n = snprintf(line, sizeof(line), "device: %s touched %p, which is not memory of the device\n",
                           running, info->si_addr);
    const int file = open(log_path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file >= 0 && write(file, line, (size_t)n) < 0)
        _exit(2);
    _exit(1);
}

/* The end lies as near to an inaccessible page as the alignment allows. */
static uint64_t allocate(uint64_t size)
{
    const uint64_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const uint64_t data = (rounded + PAGE - 1) / PAGE * PAGE, all = data + 2 * PAGE;
    char *const pages = (char *)mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + PAGE, data, PROT_READ | PROT_WRITE) != 0)
        abort();
    char *const start = pages + PAGE + data - rounded;
    memset(start, UNWRITTEN, size < (1 << 20) ? size : 1 << 20);
    memset(start + size, BEHIND, rounded - size);
    allocations[(uint64_t)start] = allocation{pages, all, size};
    return (uint64_t)start;
}

static uint64_t release(uint64_t address)
{
    const allocation a = allocations.at(address);
    allocations.erase(address);
    const char *const end = a.pages + a.n_pages_bytes - PAGE;
    uint64_t written = 0;
    for (const char *p = (const char *)address + a.size; p < end; p++)
        written += *p != BEHIND;
    /* gives the memory back, keeps the addresses */
    mmap(a.pages, a.n_pages_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    freed.push_back(a);
    if (freed.size() > KEPT) {
        munmap(freed.front().pages, freed.front().n_pages_bytes);
        freed.pop_front();
    }
    return written;
}

/* A library of its own each time: variables of two modules are different also if their text is not. */
static uint64_t load(const std::string &path)
{
    char own[] = "/tmp/brian2genn-module-XXXXXX";
    const int to = mkstemp(own), from = open(path.c_str(), O_RDONLY);
    char buffer[1 << 16];
    ssize_t n = 0;
    bool copied = to >= 0 && from >= 0;
    while (copied && (n = read(from, buffer, sizeof(buffer))) > 0)
        copied = write(to, buffer, (size_t)n) == n;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    module m = {copied ? dlopen(own, RTLD_NOW | RTLD_LOCAL) : NULL, {}};
    unlink(own);
    if (m.library == NULL) {
        fprintf(stderr, "device: %s\n", copied ? dlerror() : path.c_str());
        return 0;
    }
    bool complete = true;
    for (const int meeting : {NOWHERE, IN_MEMORY, IN_CLUSTER}) {
        static const char *const names[] = {"shim_launch", "shim_launch_together", "shim_launch_cluster"};
        m.launch[meeting] = (shim_launcher *)dlsym(m.library, names[meeting]);
        complete = complete && m.launch[meeting] != NULL;
    }
    modules.push_back(m);
    return complete ? modules.size() - 1 : 0;
}

static void find_symbol(uint64_t number, const std::string &name)
{
    void *const address = dlsym(modules.at(number).library, name.c_str());
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (address == NULL || !dladdr1(address, &info, (void **)&symbol, RTLD_DL_SYMENT) || symbol == NULL)
        return answer(0);
    answer((uint64_t)address, symbol->st_size, ELF64_ST_TYPE(symbol->st_info) == STT_FUNC);
}

static void launch(const wire_request &r)
{
    static const char *const delay = getenv("FAKE_CUDA_KERNEL_MICROSECONDS");
    Dl_info info;
    const bool known = dladdr((void *)r.address, &info) && info.dli_sname != NULL;
    snprintf(running, sizeof(running), "kernel %s", known ? info.dli_sname : "?");
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const module &m = modules.at(r.other);
    shim_launcher *const execute = m.launch[r.meeting];
    const char *const failure = execute((void (*)(void))r.address, r.blocks, r.threads, seed >> 2);
    if (failure != NULL && error.empty())
        error = std::string(running) + ": " + failure;
    if (delay != NULL)
        usleep((useconds_t)atoi(delay));
    snprintf(running, sizeof(running), "no kernel");
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void obey(const wire_request &r)
{
    switch (r.what) {
    case WIRE_ALLOCATE: return answer(allocate(r.size));
    case WIRE_FREE: return answer(release(r.address));
    case WIRE_WRITE: return get((void *)r.address, r.size);
    case WIRE_READ: return put((void *)r.address, r.size);
    case WIRE_FILL: memset((void *)r.address, (int)r.byte, r.size); return;
    case WIRE_COPY: memmove((void *)r.address, (void *)r.other, r.size); return;
    case WIRE_LOAD: return answer(load(text(r.size)));
    case WIRE_UNLOAD: dlclose(modules.at(r.address).library); return;
    case WIRE_SYMBOL: return find_symbol(r.address, text(r.size));
    case WIRE_LAUNCH: return launch(r);
    case WIRE_TIME: times[r.other] = now(); return;
    case WIRE_ELAPSED: return answer(times.at(r.other) - times.at(r.address));
    case WIRE_WAIT:
        answer(!error.empty(), error.size());
        put(error.data(), error.size());
        error.clear();
        return;
    }
    abort();
}

int main(void)
{
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the host */
    log_path = getenv("FAKE_CUDA_LOG") ? getenv("FAKE_CUDA_LOG") : "/dev/stderr";
    static char stack[1 << 16];
    stack_t other = {};
    other.ss_sp = stack;
    other.ss_size = sizeof(stack);
    sigaltstack(&other, NULL);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    for (;;) {
        wire_request r;
        get(&r, sizeof(r));
        obey(r);
    }
}
