"""Devices that compute something else than they should."""

import re

import numpy as np

from brian2genn.backends.cuda.device.driver import CudaError
from tests.cuda_shim.driver import ShimDriver

#: What a device can do wrong, as changes of the text that it executes. `WRONG(n)` is whether the
#: n-th of these is the case, so that all are compiled once.
FAULTS = {
    "additions are lost": (r"b2g_add\(&", r"if (!WRONG({n}) || threadIdx.x % 32 != 7) b2g_add(&"),
    "single additions are lost": (
        r"b2g_add\(&_array_slow",
        r"if (!WRONG({n}) || threadIdx.x % 64 != 7) b2g_add(&_array_slow",
    ),
    "additions to integers are lost": (
        r"b2g_add\(&_array_reached",
        r"if (!WRONG({n}) || threadIdx.x % 64 != 7) b2g_add(&_array_reached",
    ),
    "exp is single": (
        r"= b2g_exp_f64\(([^;]*)\);",
        r"= WRONG({n}) ? (double)expf(\1) : b2g_exp_f64(\1);",
    ),
    "expf is rough": (r"\bb2g_exp_f32\(", r"(WRONG({n}) ? 0.9999f : 1.0f) * b2g_exp_f32("),
    "sqrt is rough": (r"= sqrt\(", r"= (WRONG({n}) ? 0.9999999 : 1.0) * sqrt("),
    "events are those of the step before": (
        r"events\[_idx\] = (own_\w+ = )?crossed;",
        r"if (crossed || !WRONG({n})) events[_idx] = \1crossed;",
    ),
    "the last block is missing": (
        r"const bool crossed = (.*);",
        r"const bool crossed = (\1) && !(WRONG({n}) && _idx >= 416);",
    ),
    "a warp is late": (
        r"const int32_t count = queue->count\[slot\];",
        r"const int32_t count = queue->count[slot] - (WRONG({n}) && queue->count[slot] > 8);",
    ),
    "refractoriness is forgotten": (
        r"not_refractory\[_idx\] = (own_\w+ = )?0;",
        r"not_refractory[_idx] = \1WRONG({n});",
    ),
    "the reset is forgotten now and then": (
        r"if \(inside && (own_\w+|\(.*\[_idx\])\) {",
        r"if (inside && \1 && !(WRONG({n}) && _idx == 100)) {",
    ),
    "random numbers are others": (r"ctx->seed, 2,", r"ctx->seed + WRONG({n}), 2,"),
    "normal numbers are others": (
        r"= b2g_randn\((.*)\);",
        r"= b2g_randn(\1) + 1e-6 * WRONG({n});",
    ),
    "delays are one step shorter": (
        r"b2g_slot\(queue, place, queue->shortest\)",
        r"b2g_slot(queue, place, queue->shortest - (WRONG({n}) && queue->shortest > 0))",
    ),
    "one of several delays is overlooked": (
        r"first \+ lane < n_delays \?",
        r"first + lane < n_delays && !(WRONG({n}) && lane == 2) ?",
    ),
    "what is in flight is lost": (
        r"b2g_has_left\(queue, place\)",
        r"(b2g_has_left(queue, place) && !WRONG({n}))",
    ),
    # (launches may be of one time step each, where they take long)
    "in one kernel for many steps, queues stay where they are": (
        r"(b2g_block\.places\[k\] = b2g_next.*;)",
        r"if (!WRONG({n}) || ctx->in_cluster || blockIdx.x == 0) \1",
    ),
    "in one kernel of a cluster, queues stay where they are": (
        r"(b2g_block\.places\[k\] = b2g_next.*;)",
        r"if (!WRONG({n}) || !ctx->in_cluster || blockIdx.x == 0) \1",
    ),
    "in one kernel for many steps, blocks have another time": (
        r"(b2g_block\.now\[k\] = b2g_block\.next\[k\];)",
        r"if (!WRONG({n}) || ctx->in_cluster || blockIdx.x == 0) \1",
    ),
    "a time step has another time": (
        r"(ctx->next\[k\] = b2g_block.next\[k\];"
        r"|b2g_block.next\[k\].active = b2g_block.clocks\[k\].active;)",
        r"b2g_block.next[k].t += 1e-6 * (WRONG({n}) && b2g_block.next[k].timestep % 8 == 5), \1",
    ),
    "in one kernel for many steps, a time step has another time": (
        r"(b2g_block\.next\[0\] = \{times.*\};)",
        r"\1 b2g_block.next[0].t += 1e-6 * (WRONG({n}) && timestep % 8 == 5);",
    ),
    "blocks do not tell each other of all events": (
        r"(b2g_tell\(&b2g_inbox_of_block, told, inside && )",
        r"\1!(WRONG({n}) && threadIdx.x == 37) && ",
    ),
    "a row that blocks have found is another's": (
        r"row \+ __popc\(recorded & \(bit - 1\)\)",
        r"row + __popc(recorded & (bit - 1) & (WRONG({n}) ? 0xFFFF0000u : 0xFFFFFFFFu))",
    ),
    "a lane of a sum is lost": (
        r"sum \+= __shfl_down_sync\(0xFFFFFFFFu, sum, distance\)",
        r"sum += __shfl_down_sync(0xFFFFFFFFu, sum, distance) * !(WRONG({n}) && distance == 2)",
    ),
    "a row of a monitor is overwritten": (
        r"const int64_t row = ctx->recorded",
        r"const int64_t row = WRONG({n}) ? 0 : ctx->recorded",
    ),
    "a value that is set differs in its last digit": (
        r"_array_w_single\[_idx\] = (.*);",
        r"_array_w_single[_idx] = (float)(\1) * (1.0f + 6e-8f * WRONG({n}));",
    ),
    "a synapse is made that should not be": (
        r"sqrt\(here_of__j_\)",
        r"(sqrt(here_of__j_) + 1e-3 * WRONG({n}))",
    ),
}


class WrongDriver(ShimDriver):
    """A device that may write where it should not, which costs no process its life here."""

    gap = 1 << 20


class FaultyDriver(WrongDriver):
    """A device with one of the faults, or with none; it has room for one kernel for many steps."""

    most_blocks_together, largest_cluster = 1000, 16

    def __init__(self, fault: str | None = None) -> None:
        super().__init__()
        self.number = list(FAULTS).index(fault) + 1 if fault else 0
        self.identity = f"the tests' device, {fault or 'without a fault'}"
        self.changed = set()

    def build(self, text, *, exact=False):
        for number, (name, (pattern, instead)) in enumerate(FAULTS.items(), start=1):
            instead = instead.replace("{n}", str(number))
            text, count = re.subn(pattern, instead, text)
            if count:
                self.changed.add(name)
        head = 'extern "C" { int shim_fault; }\n#define WRONG(n) (shim_fault == (n))\n'
        module = super().build(head + text, exact=exact)
        self.upload(module.symbol("shim_fault"), np.array([self.number], dtype=np.int32))
        return module


class FailingDriver(ShimDriver):
    """A device that does not execute anything."""

    error: Exception = CudaError("kernel stage_0: an illegal address")

    def launch(self, launches):
        raise self.error
