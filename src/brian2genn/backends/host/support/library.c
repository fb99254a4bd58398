/* Spike queues and recorders for Python: what generated programs do not do themselves.  Compiled once
   per machine, all files of this folder as one. */
#include "brian2genn_ranks.h"
#include "brian2genn_runtime.h"
#include "brian2genn_team.h"

#ifdef __cplusplus
#error "this file is C"
#endif

/* The library is compiled for a short wait (-O1), but for what needs vectors. */
#if defined(__GNUC__) && !defined(__clang__)
#define WITH_VECTORS __attribute__((optimize("O3")))
#else
#define WITH_VECTORS
#endif
