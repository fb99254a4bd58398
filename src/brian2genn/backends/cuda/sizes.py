"""How many blocks of threads a task is given."""

from __future__ import annotations

from .driver import Driver
from .queue import DeviceQueue
from .ways import Way

#: Blocks for each multiprocessor where a task takes any number, ...
_BLOCKS_EACH = 8

#: ... and where it delivers spikes, of which there are few in most time steps.
_BLOCKS_EACH_FOR_SPIKES = 2


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
    most = driver.multiprocessors * (1 if together else _BLOCKS_EACH)
    return min(blocks, most) if kind == "share" else blocks


def blocks_for_queue(driver: Driver, queue: DeviceQueue, width: int, way: Way) -> int:
    """The blocks that deliver the spikes of a pathway: no more than if all sources spike at once.

    Parameters
    ----------
    driver : Driver
    queue : DeviceQueue
    width : int
        Threads that share the synapses of a spike.
    way : Way
    """
    a = queue.arrangement
    if a is None or a.n_synapses == 0:
        return 1
    threads = (queue.source_stop - queue.source_start) * width
    each = 1 if way.together else _BLOCKS_EACH_FOR_SPIKES
    most = max(int(each * driver.multiprocessors * 2.0**way.spreading), 1)
    blocks = min(-(-threads // driver.threads), most)
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
