/* What the stand-in for the driver (libcuda.cpp) and its device (device.cpp) say to each other. */
#include <stdint.h>

enum wire_what {
    WIRE_ALLOCATE, /* size -> address */
    WIRE_FREE,     /* address -> 0, or how many bytes behind its end were written */
    WIRE_WRITE,    /* address, size, bytes */
    WIRE_READ,     /* address, size -> bytes */
    WIRE_FILL,     /* address, byte, size */
    WIRE_COPY,     /* address (from `other`), size */
    WIRE_LOAD,     /* size, path -> number of the module; 0 if it cannot be loaded */
    WIRE_UNLOAD,   /* address: number of the module */
    WIRE_SYMBOL,   /* address: number of the module; size, name -> address, size, is it a function */
    WIRE_LAUNCH,   /* address: kernel; other: number of the module; blocks, threads, meeting (no answer) */
    WIRE_TIME,     /* other: number of an event (no answer) */
    WIRE_ELAPSED,  /* from `address` to `other` -> nanoseconds */
    WIRE_WAIT,     /* -> 1 and the text of an error that a kernel has met since the last one */
};

/* Where the blocks of a kernel wait for each other. */
enum wire_meeting { NOWHERE, IN_MEMORY, IN_CLUSTER };

struct wire_request {
    uint32_t what, byte, blocks, threads, meeting, padding;
    uint64_t address, other, size;
};

struct wire_answer {
    uint64_t value, size, is_function;
};
