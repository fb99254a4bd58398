"""How many cycles pass until the result of an instruction is there, on a GPU like Hopper's.

Of memory, barriers and double precision as `benchmarks.gpu_report` has measured them on an H200
(benchmarks/results/gpu), rounded: those of memory are longer than Luo et al. tell (2025, Dissecting
the NVIDIA Hopper architecture through microbenchmarking and multiple level analysis,
arXiv:2501.12084). The others are assumptions, from what was measured of its predecessors.
"""

from __future__ import annotations

#: By class (see `classes.CLASSES`); accesses to memory are below.
CYCLES = {
    "fp64": 8,
    "fp32": 4,
    "integer": 5,
    "special": 20,
    "division": 120,
    "moves": 4,
    "control": 5,
}

#: Memory: shared or in the first-level cache; in the second-level cache; constant; atomic
#: operations at one place one after the other; and a barrier of a block, or of a cluster.
MEMORY = {
    "PTX_NEAR_CYCLES": 35,
    "PTX_FAR_CYCLES": 370,
    "PTX_CONSTANT_CYCLES": 8,
    "PTX_SAME_PLACE_CYCLES": 2,
    "PTX_BARRIER_CYCLES": 28,
    "PTX_CLUSTER_CYCLES": 380,
}
