"""How long the parts of a time step take on a card, one by one: what predictions assume."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from brian2genn.backends.cuda.device.driver import Launch
from brian2genn.backends.cuda.device.driver import Meeting

#: What the kernels of ``latencies.cu`` enter at each number, in cycles.
CYCLES = {
    0: "fused multiply-add, double", 1: "addition, double", 2: "division, double",
    3: "exp, double", 4: "1/exprel, double", 5: "barrier of a block of a warp", 6: "trunc, double",
    8: "fused multiply-add, double, 8 warps", 9: "addition, double, 8 warps",
    10: "division, double, 8 warps", 11: "exp, double, 8 warps",
    12: "1/exprel, double, 8 warps", 13: "barrier of a block of 8 warps",
    16: "load from the second-level cache", 17: "load from the first-level cache",
    18: "atomic addition, its result", 19: "write and fence for the device",
    24: "barrier of a cluster, 16 blocks of 256",
    25: "barrier of a cluster, 16 blocks of 256, with a write before and a read after it",
    26: "barrier of a cluster, 16 blocks of 512",
    27: "barrier of a cluster, 16 blocks of 512, with a write before and a read after it",
    28: "barrier of a cluster, 16 blocks of 1,024",
    29: "barrier of a cluster, 16 blocks of 1,024, with a write before and a read after it",
    32: "barrier in memory, 16 blocks",
    33: "barrier in memory, 16 blocks, with a write before and a read after it",
    34: "barrier in memory, a block each multiprocessor",
    35: "barrier in memory, a block each multiprocessor, with a write before and a read after it",
}  # fmt: skip
CYCLES |= {
    first + number: f"an instruction of {instructions:,} in a row, {who}"
    for first, who in ((42, "1 warp"), (47, "8 warps"))
    for number, instructions in enumerate((128, 512, 2048, 8192))
}
CYCLES |= {
    first + number: f"a jump of {jumps} over {over} instructions each, {who}"
    for first, who in ((52, "1 warp"), (56, "8 warps"))
    for number, (jumps, over) in enumerate(((16, 8), (16, 64), (64, 64), (16, 256)))
}
CYCLES |= {
    60: "messages of 16 bytes from each to each of 16 blocks of 256, with a barrier of the block",
    61: "1 if these messages are right",
    62: "words from each warp to each of 16 blocks of 256, as networks tell of events",
    63: "1 if these words are right",
    64: "words from each warp to each of 16 blocks of 1,024",
    65: "1 if these words are right, too",
}
_CLOCK = 40


def measure(driver: Any) -> dict[str, Any]:
    """Cycles for each of `CYCLES`, the clock in GHz, and microseconds for a kernel of a graph."""
    module = driver.build((Path(__file__).with_name("latencies.cu")).read_text())
    driver.upload(module.symbol("values"), np.array([0.7, 0.999, 0.01, 0.0]))
    places = np.random.default_rng(1).permutation(1 << 16).astype(np.uint32)
    chain = np.empty(1 << 16, np.uint32)
    chain[places] = np.roll(places, -1)  # one round through all of them
    driver.upload(module.symbol("chain"), chain)

    def launch(name: str, blocks: int, threads: int, meeting: Meeting = Meeting.NOWHERE) -> Launch:
        return Launch(module.kernel(name), blocks, threads, meeting)

    launches = [launch("clock_rate", 1, 32)]
    launches += [launch("arithmetic", 1, 32), launch("arithmetic", 1, 256), launch("memory", 1, 1)]
    for name in ("instructions", "leaps"):
        launches += [launch(name, 1, 32), launch(name, 1, 256)]
    for threads in (256, 512, 1024):
        kernel = module.kernel("cluster")
        if driver.most_blocks(kernel, threads, Meeting.CLUSTER) >= 16:
            launches.append(launch("cluster", 16, threads, Meeting.CLUSTER))
            also = {256: ("messages", "words"), 1024: ("words",)}.get(threads, ())
            # for each kernel, a cluster of this size has to be allowed, which asking does
            launches += [
                launch(name, 16, threads, Meeting.CLUSTER)
                for name in also
                if driver.most_blocks(module.kernel(name), threads, Meeting.CLUSTER) >= 16
            ]
    launches += [
        launch("grid", blocks, 128, Meeting.MEMORY) for blocks in (16, driver.multiprocessors)
    ]
    driver.launch(launches)
    found = np.empty(80)
    driver.download(found, module.symbol("found"))
    cycles = {what: float(found[number]) for number, what in CYCLES.items() if found[number]}
    graphs = {}
    for name in ("nothing", "pass"):
        for blocks in (1, driver.multiprocessors, 800):
            graph = driver.graph([launch(name, blocks, 128)] * 200)
            seconds = []
            for _ in range(10):
                began = time.perf_counter()
                driver.replay(graph)
                driver.download(found, module.symbol("found"))
                seconds.append(time.perf_counter() - began)
            graphs[f"{name}, {blocks} blocks"] = 1e6 * statistics.median(seconds) / 200
    return {"cycles": cycles, "clock": float(found[_CLOCK]), "graphs": graphs}
