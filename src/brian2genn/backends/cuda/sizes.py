"""How many blocks of threads a task is given."""

from __future__ import annotations

from .driver import Driver
from .queue import DeviceQueue

#: Blocks for each multiprocessor where a task takes any number.
_BLOCKS_EACH = 8


def blocks_for(driver: Driver, kind: str, count: int) -> int:
    """The blocks for a task (see `TaskPlan`) with so many elements."""
    if kind == "one":
        return 1
    threads = 32 * count if kind == "warps" else count
    blocks = max(1, -(-threads // driver.threads))
    return min(blocks, _BLOCKS_EACH * driver.multiprocessors) if kind == "share" else blocks


def blocks_for_queue(driver: Driver, queue: DeviceQueue) -> int:
    """The blocks that deliver the spikes of a pathway: enough if all sources spike at once."""
    a = queue.arrangement
    if a is None or a.n_synapses == 0:
        return 1
    threads = (queue.source_stop - queue.source_start) * a.width(driver.threads)
    blocks = -(-threads // driver.threads)
    return max(1, min(blocks, _BLOCKS_EACH * driver.multiprocessors))
