"""Tests that several processes run together, which MPI has started (`make test-mpi`)."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from brian2.synapses.synapses import Synapses

from brian2genn.runtime.ranks import joining
from brian2genn.runtime.ranks.synapses import share_behind
from brian2genn.runtime.ranks.world import OtherRankFailed, RanksParted, processes_seen

#: Marks a test of what several processes do otherwise, and say so: arrays of synapses that are
#: held, which are copies there, and notes about memory.
for_one_process = pytest.mark.skipif(
    processes_seen() > 1, reason="about the arrays that one process has of synapses"
)


def begin(name: str) -> None:
    """Wait until all processes have come to a test.

    One that has failed in the test before may be ahead of others that still wait for it there. They
    are told where it is, fail, too, and come here.

    Raises
    ------
    RanksParted
        If another process has come to its end.
    """
    world = joining.world_of_all()
    while world is not None:
        try:
            world.meet(f"the test {name}")
            return
        except (RanksParted, OtherRankFailed):
            if world.is_over:
                raise


def same(text: str) -> str:
    """What the first process has."""
    world = joining.world_of_all()
    if world is None:
        return text
    world.meet("a text of the first process")
    return str(world.communicator.bcast(text))


@contextmanager
def folder() -> Iterator[str]:
    """A new folder, the same for all processes, until all have come to the end of this."""
    world = joining.world_of_all()
    name = same(tempfile.mkdtemp() if world is None or world.rank == 0 else "")
    try:
        yield name
    finally:
        if world is None:
            shutil.rmtree(name)


@contextmanager
def whole(*things: Any) -> Iterator[None]:
    """Within this, arrays of synapses are those of all processes."""
    with ExitStack() as stack:
        for thing in things:
            share = share_behind(thing) if isinstance(thing, Synapses) else None
            if share is not None:
                stack.enter_context(share.whole(write=False))
        yield
