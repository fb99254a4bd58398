"""What the kernels of a time step execute, counted by executing them without a GPU.

The programs are compiled by NVRTC as for a GPU, and its code (PTX) is executed on the processor by
the package `emulation`: instructions of warps and sectors of memory are counted, not estimated.
What the assembler makes of that code for a certain card is not seen: it leaves few of the moves
and makes several instructions of a division.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass, field, replace
from typing import Any

from brian2 import defaultclock, set_device

import brian2genn
from brian2genn.backends.cuda.device.driver import Meeting, TuningRules
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from brian2genn.backends.cuda.run.options import Execution
from emulation.ptx.driver import KernelCounts, PtxDriver

#: What a GPU of this kind has, so that kernels have the blocks and threads that they would have.
_MULTIPROCESSORS = 132
_THREADS = 128
_MOST_THREADS = 2048
_LARGEST_CLUSTER = 16


@dataclass
class Executed:
    """What the warps of one kernel execute in a time step, on average.

    Attributes
    ----------
    name : str
    blocks, threads : int
    instructions : dict
        By class (`emulation.ptx.classes.CLASSES`).
    requests, sectors : dict
        Accesses of warps to global memory and the sectors of 32 bytes that they touch: ``read``,
        ``write``, ``atomic``.
    hottest : float
        Atomic accesses to the sector that has the most of them.
    chain : float
        Cycles that it would take if nothing but waiting for results took time.
    """

    name: str
    blocks: int
    threads: int = _THREADS
    instructions: dict[str, float] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    sectors: dict[str, float] = field(default_factory=dict)
    hottest: float = 0.0
    chain: float = 0.0

    @property
    def bytes(self) -> float:
        """Bytes in all sectors."""
        return 32 * sum(self.sectors.values())


def _mean(name: str, counts: KernelCounts, steps: int) -> Executed:
    parts = counts.instructions, counts.requests, counts.sectors
    means = ({kind: number / steps for kind, number in part.items()} for part in parts)
    sizes = counts.blocks, counts.threads
    return Executed(name, *sizes, *means, counts.hottest / steps, counts.chain / steps)


class _DoesNotFit(Exception):
    """The network cannot be executed in the way that was asked for."""


def execute(
    namespace: dict[str, Any],
    network: Any,
    architecture: int,
    steps: int,
    meeting: Meeting = Meeting.NOWHERE,
    owned: bool = False,
) -> list[Executed]:
    """Execute time steps of a network and count what its kernels do.

    Parameters
    ----------
    namespace : dict
        What its equations refer to, by name.
    network : brian2.Network
        As another backend has run it, from where it goes on.
    architecture : int
        The compute capability that NVRTC compiles for.
    steps : int
        How many time steps are counted; one less than a power of two is done without launches
        that find nothing to do.
    meeting : Meeting, optional
        With `Meeting.CLUSTER`, many steps are one kernel.
    owned : bool, optional
        Whether blocks of a cluster execute the synapses of the elements that they own.

    Returns
    -------
    list of Executed
        Of every kernel; empty if the network cannot be executed in this way.

    Notes
    -----
    When control returns to the host, late steps are made up for by a kernel of their own
    (``late_stage_0``). Here time steps take so long that this can be after each of them.
    """
    driver = PtxDriver(architecture=architecture, count=True)
    driver.multiprocessors, driver.threads = _MULTIPROCESSORS, _THREADS
    driver.most_threads = _MOST_THREADS
    driver.largest_cluster = _LARGEST_CLUSTER
    # synapses are made, and ways compared, by nobody, however long the steps take here
    driver.rules = TuningRules(sys.maxsize, math.inf, (meeting,), patience=math.inf)

    def in_this_way(possible: list[LaunchPlan]) -> list[LaunchPlan]:
        # what does not fit is found out before its first time step: to execute it takes minutes
        ways = [plan for plan in possible if plan.owned == owned and not plan.told] or possible
        if (ways[0].meeting, ways[0].owned) != (meeting, owned):
            raise _DoesNotFit
        return ways

    device = brian2genn.genn_device
    usual = device.defaults
    device.defaults = replace(
        usual,
        setup_from=sys.maxsize,
        driver=driver,
        trusted=True,
        execution=Execution(candidates=in_this_way),
    )
    try:
        set_device("genn", backend="cuda")
        network.run(steps * defaultclock.dt, namespace=namespace)
    except _DoesNotFit:
        return []
    finally:
        set_device("runtime")
        device.defaults = usual
    # what begins and ends a run is not of a time step
    in_loop = re.compile(r"stage_\d+" if meeting == Meeting.NOWHERE else "run_steps")
    loop = [name for name in driver.kernels if in_loop.fullmatch(name)]
    return [_mean(name, driver.kernels[name], steps) for name in sorted(loop)]
