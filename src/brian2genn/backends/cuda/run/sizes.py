"""How many blocks of threads a task is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ..device.driver import Driver
from ..memory.queue import DeviceQueue
from .autotuning import LaunchPlan

#: Blocks for each multiprocessor where a task takes any number, ...
_BLOCKS_EACH = 8

#: ... and where it delivers spikes, of which there are few in most time steps.
_BLOCKS_EACH_FOR_SPIKES = 2


def threads_of(driver: Driver, plan: LaunchPlan) -> int:
    """Threads in a block of the kernels of the time loop."""
    return plan.threads or driver.threads


def blocks_wanted(kind: str, count: int, threads: int) -> int:
    """The blocks with which every thread of a task (see `TaskPlan`) has one element at most.

    Parameters
    ----------
    kind : str
    count : int
        Elements.
    threads : int
        In a block.
    """
    if kind == "one":
        return 1
    return max(1, -(-(32 * count if kind == "warps" else count) // threads))


def blocks_for(driver: Driver, kind: str, count: int, plan: LaunchPlan) -> int:
    """The blocks for a task with so many elements, for kernels whose blocks are no cluster.

    Parameters
    ----------
    driver : Driver
    kind : str
    count : int
    plan : LaunchPlan
    """
    blocks = blocks_wanted(kind, count, driver.threads)
    most = driver.multiprocessors * (1 if plan.together else _BLOCKS_EACH)
    # a kernel that ends leaves its place to others, one for many steps does not
    bounded = kind == "share" or (kind == "warps" and plan.together)
    return min(blocks, most) if bounded else blocks


def blocks_for_queue(driver: Driver, queue: DeviceQueue, width: int, plan: LaunchPlan) -> int:
    """The blocks that deliver the spikes of a pathway, for kernels whose blocks are no cluster.

    No more than if all sources spike at once.

    Parameters
    ----------
    driver : Driver
    queue : DeviceQueue
    width : int
        Threads that share the synapses of a spike.
    plan : LaunchPlan
    """
    each = 1 if plan.together else _BLOCKS_EACH_FOR_SPIKES
    most = max(int(each * driver.multiprocessors * 2.0**plan.spreading), 1)
    blocks = min(blocks_wanted("share", threads_for_queue(queue, width), driver.threads), most)
    team = max(width // driver.threads, 1)
    return max(team, blocks // team * team)


def threads_for_queue(queue: DeviceQueue, width: int) -> int:
    """The threads that would deliver the spikes of a pathway if all sources spiked at once."""
    a = queue.arrangement
    if a is None or a.n_synapses == 0:
        return 1
    return (queue.source_stop - queue.source_start) * width


def shares_of_stage(
    wanted: Mapping[int, int], spikes: Collection[int], most: int, spreading: int
) -> dict[int, int]:
    """The blocks of the tasks of a stage, where all multiprocessors are filled and stay so.

    What delivers spikes has half of them beside other tasks: it waits for memory most of the time.

    Parameters
    ----------
    wanted : mapping
        By the number of a task, with how many blocks each thread has one element at most.
    spikes : collection of int
        Those that deliver spikes.
    most : int
        Blocks of all tasks.
    spreading : int
        Powers of two by which the share of those that deliver spikes is larger.
    """
    by_spikes = {task: count for task, count in wanted.items() if task in spikes}
    others = {task: count for task, count in wanted.items() if task not in spikes}
    part = round(most * 2.0**spreading / (1 + 2.0**spreading))
    part = max(min(part, sum(by_spikes.values())), most - sum(others.values()), len(by_spikes))
    part = min(part, most - len(others))
    shares = dict[int, int]()
    for tasks, blocks in ((by_spikes, part), (others, most - part)):
        shares |= zip(tasks, dealt_out([*tasks.values()], blocks), strict=True)
    return shares


def dealt_out(wanted: Sequence[int], most: int) -> list[int]:
    """The blocks of a cluster for tasks that take any number: at least one for each.

    Parameters
    ----------
    wanted : sequence of int
        What is enough for each.
    most : int
        Blocks for all of them.
    """
    given = [1] * len(wanted)
    for _ in range(most - len(given)):
        shares = [blocks / want for blocks, want in zip(given, wanted, strict=True)]
        if min(shares, default=1.0) >= 1.0:
            break
        given[shares.index(min(shares))] += 1
    return given


def width_for_owners(
    queue: DeviceQueue, owners: int, at_once: int, threads: int, plan: LaunchPlan
) -> int:
    """How many threads share those synapses of a run whose targets a block owns.

    Parameters
    ----------
    queue : DeviceQueue
    owners : int
        Blocks that own targets.
    at_once : int
        Synapses that a thread executes side by side.
    threads : int
        In a block, for this pathway.
    plan : LaunchPlan
    """
    mean = queue.arrangement.mean_run / (owners * at_once) if queue.arrangement is not None else 0.0
    width = 1
    while width < mean:
        width *= 2
    width = width << plan.widening if plan.widening > 0 else width >> -plan.widening
    return min(max(width, 1), 1 << threads.bit_length() - 1)


def width_for(driver: Driver, queue: DeviceQueue, plan: LaunchPlan, at_once: int = 1) -> int:
    """How many threads share a run of synapses: a power of two.

    Parameters
    ----------
    driver : Driver
    queue : DeviceQueue
    plan : LaunchPlan
    at_once : int, optional
        Synapses that a thread executes side by side.
    """
    a = queue.arrangement
    if a is None:
        return 1
    usual = a.width(driver.threads, at_once)
    most = a.width(driver.threads * driver.multiprocessors // 2)
    if plan.threads:  # any number of blocks has to make a team
        most = 1 << plan.threads.bit_length() - 1
    width = usual << plan.widening if plan.widening > 0 else usual >> -plan.widening
    return min(max(width, 1), max(usual, most))
