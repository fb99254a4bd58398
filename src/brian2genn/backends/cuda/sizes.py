"""How many blocks of threads a task is given."""

from __future__ import annotations

from .driver import Driver
from .queue import DeviceQueue

#: Blocks for each multiprocessor where a task takes any number.
_BLOCKS_EACH = 8


def blocks_for(driver: Driver, kind: str, count: int, together: bool = False) -> int:
    """The blocks for a task (see `TaskPlan`) with so many elements.

    Parameters
    ----------
    driver : Driver
    kind : str
    count : int
    together : bool, optional
        Whether all blocks have to be on the device at the same time, and wait for each other.
    """
    if kind == "one":
        return 1
    threads = 32 * count if kind == "warps" else count
    blocks = max(1, -(-threads // driver.threads))
    return min(blocks, _most_blocks(driver, together)) if kind == "share" else blocks


def blocks_for_queue(driver: Driver, queue: DeviceQueue, width: int, together: bool = False) -> int:
    """The blocks that deliver the spikes of a pathway: enough if all sources spike at once.

    Parameters
    ----------
    driver : Driver
    queue : DeviceQueue
    width : int
        Threads that share the synapses of a spike.
    together : bool, optional
        As for `blocks_for`.
    """
    a = queue.arrangement
    if a is None or a.n_synapses == 0:
        return 1
    threads = (queue.source_stop - queue.source_start) * width
    blocks = min(-(-threads // driver.threads), _most_blocks(driver, together))
    team = max(width // driver.threads, 1)
    return max(team, blocks // team * team)


def width_for(driver: Driver, queue: DeviceQueue, widening: int = 0) -> int:
    """How many threads share a run of synapses: a power of two.

    Parameters
    ----------
    driver : Driver
    queue : DeviceQueue
    widening : int, optional
        Powers of two by which it is more than usual.
    """
    a = queue.arrangement
    if a is None:
        return 1
    usual, most = a.width(driver.threads), a.width(driver.threads * driver.multiprocessors // 2)
    width = usual << widening if widening > 0 else usual >> -widening
    return min(max(width, 1), max(usual, most))


def _most_blocks(driver: Driver, together: bool) -> int:
    return driver.multiprocessors * (1 if together else _BLOCKS_EACH)
