/* In place of CUDA where there is no GPU: just what GeNN asks while it generates and compiles.
 *
 * It presents an H200, and reads from a cubin what a driver would tell of its kernels: with how many
 * registers and how much shared memory they were compiled decides GeNN's sizes of blocks. Built as
 * libcuda.so.1, and loaded before CUDA's runtime library.
 */
#include <cuda_runtime_api.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef cudaGetDeviceProperties

enum { NOT_FOUND = 500, SHARED_SIZE = 1, REGISTERS = 4 };

typedef struct {
    char *bytes;
} Module;

typedef struct {
    int registers, shared;
} Function;

/* -- CUDA's runtime library ------------------------------------------------------------ */

cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
    (void)device;
    return cudaSuccess;
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
    (void)flags;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
    (void)device;
    memset(p, 0, sizeof *p);
    strcpy(p->name, "a stand-in for an H200");
    p->major = 9;
    p->multiProcessorCount = 132;
    p->warpSize = 32;
    p->maxThreadsPerBlock = 1024;
    p->maxThreadsPerMultiProcessor = 2048;
    p->maxBlocksPerMultiProcessor = 32;
    p->regsPerBlock = p->regsPerMultiprocessor = 65536;
    p->sharedMemPerBlock = 49152;
    p->sharedMemPerBlockOptin = 232448;
    p->sharedMemPerMultiprocessor = 233472;
    p->reservedSharedMemPerBlock = 1024;
    p->totalConstMem = 65536;
    p->totalGlobalMem = 140ull << 30;
    p->l2CacheSize = 60 << 20;
    p->canMapHostMemory = 1;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
    p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 2147483647;
    p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    return cudaSuccess;
}

/* -- the driver ------------------------------------------------------------------------ */

int cuInit(unsigned flags) {
    (void)flags;
    return 0;
}

int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return 0;
}

int cuCtxCreate_v4(void **context) {
    *context = (void *)8;
    return 0;
}

int cuCtxDestroy_v2(void *context) {
    (void)context;
    return 0;
}

int cuCtxSetCurrent(void *context) {
    (void)context;
    return 0;
}

int cuGetErrorName(int error, const char **name) {
    *name = error == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : "the stand-in cannot do that";
    return 0;
}

int cuModuleLoad(void **module, const char *path) {
    FILE *file = fopen(path, "rb");
    Module *made = malloc(sizeof *made);
    if (!file || !made) return 301; /* CUDA_ERROR_FILE_NOT_FOUND */
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    made->bytes = malloc(size);
    if (!made->bytes || fread(made->bytes, 1, size, file) != (size_t)size) return 301;
    fclose(file);
    *module = made;
    return 0;
}

int cuModuleUnload(void *module) {
    free(((Module *)module)->bytes);
    free(module);
    return 0;
}

static const Elf64_Shdr *sections_of(const Module *module) {
    return (const Elf64_Shdr *)(module->bytes + ((const Elf64_Ehdr *)module->bytes)->e_shoff);
}

/* The section whose name is these two strings, one after the other. */
static const Elf64_Shdr *section(const Module *module, const char *kind, const char *kernel) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)module->bytes;
    const Elf64_Shdr *all = sections_of(module);
    const char *names = module->bytes + all[header->e_shstrndx].sh_offset;
    size_t length = strlen(kind);
    for (int k = 0; k < header->e_shnum; k++) {
        const char *name = names + all[k].sh_name;
        if (!strncmp(name, kind, length) && !strcmp(name + length, kernel)) return all + k;
    }
    return NULL;
}

/* Registers of a kernel. Entries of .nv.info are a format, an attribute, and two bytes that are the
 * value, or the length of the value that follows them. */
static int registers(const Module *module, const char *kernel) {
    enum { FOLLOWS = 4, REGISTER_COUNT = 0x2f };
    const Elf64_Shdr *info = section(module, ".nv.info", ""), *table = section(module, ".symtab", "");
    if (!info || !table) return 0;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(module->bytes + table->sh_offset);
    const char *names = module->bytes + sections_of(module)[table->sh_link].sh_offset;
    const unsigned char *at = (const unsigned char *)module->bytes + info->sh_offset;
    for (const unsigned char *end = at + info->sh_size; at + 4 <= end;) {
        unsigned format = at[0], attribute = at[1], length = at[2] | at[3] << 8;
        if (format == FOLLOWS && attribute == REGISTER_COUNT) {
            unsigned value[2]; /* symbol, registers */
            memcpy(value, at + 4, sizeof value);
            if (!strcmp(names + symbols[value[0]].st_name, kernel)) return (int)value[1];
        }
        at += 4 + (format == FOLLOWS ? length : 0);
    }
    return 0;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
    enum { RESERVED = 1024 }; /* of the shared memory of each block; drivers do not tell of it */
    const Elf64_Shdr *shared = section(module, ".nv.shared.", name);
    if (!section(module, ".text.", name)) return NOT_FOUND;
    Function *made = malloc(sizeof *made);
    if (!made) return 2;
    made->registers = registers(module, name);
    made->shared = shared ? (int)shared->sh_size : 0;
    if (made->shared >= RESERVED && section(module, ".nv.shared.", "reserved.0"))
        made->shared -= RESERVED;
    *function = made;
    return made->registers ? 0 : NOT_FOUND;
}

int cuFuncGetAttribute(int *value, int attribute, void *function) {
    const Function *known = function;
    *value = attribute == REGISTERS ? known->registers : attribute == SHARED_SIZE ? known->shared : 0;
    return 0;
}
