"""The other processes that a device knows of: what it asks them before, during and after a run."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from ...backends.interface import Program, RankedProgram
from ...frontend.network import Translation
from ..run.recordings import Recording
from .joining import hook, join, same_random_numbers
from .running import RankedNetwork, RankedRun, plan_for
from .states import restoring, storing
from .world import RankWorld


class Processes:
    """The processes that run one script together; mostly, this one is alone.

    Attributes
    ----------
    world : RankWorld or None
        None if it is.
    looked_at : RankedRun or None
        The run that an object of Brian's may look at now.
    """

    def __init__(self) -> None:
        self.world: RankWorld | None = None
        self.looked_at: RankedRun | None = None

    def join(self, device: Any) -> None:
        """Join the others, or part from them, as a device that was activated is to do.

        Raises
        ------
        ModuleNotFoundError, ValueError
            If that cannot be.
        """
        asked = device.build_options.get("mpi")
        self.world = join(
            None if asked is None else bool(asked),
            device.build_options.get("backend"),
            device.build_on_run,
        )
        hook(device, self.world)

    def seed_alike(self) -> None:
        """Let all have the same random numbers where a script wants any."""
        if self.world is not None:
            same_random_numbers(self.world)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that tells people and writes files."""
        return self.world is None or self.world.rank == 0

    def all_or_none(self, purpose: str) -> AbstractContextManager[None]:
        """What fails within this on one process fails on all."""
        return nullcontext() if self.world is None else self.world.all_or_none(purpose)

    def plan(self, objects: Sequence[Any], translation: Translation) -> RankedNetwork | None:
        """How they run a network together, which is changed for that; None if this one is alone.

        Raises
        ------
        RefusedOnSeveralRanks
            If they cannot.
        """
        return None if self.world is None else plan_for(self.world, objects, translation)

    def still_fit(self, ranked: RankedNetwork | None) -> bool:
        """Whether they can run a network as they did."""
        return self.world is None or ranked is None or ranked.fits(self.world)

    def begin(
        self,
        ranked: RankedNetwork | None,
        program: Program,
        recordings: Sequence[Recording],
        arrays: MutableMapping[Any, Any],
        numbers: Sequence[Any],
    ) -> RankedRun | None:
        """What they do together in a run, once they have found that it is the same for all.

        Parameters
        ----------
        ranked : RankedNetwork or None
            What `plan` has returned.
        program : Program
        recordings : sequence of Recording
        arrays : mapping
            From Brian's variables to their arrays.
        numbers : sequence
            What else the run depends on.
        """
        if self.world is None or ranked is None:
            return None
        # only the processor's backend knows other processes, and makes no other programs then
        run = RankedRun(self.world, ranked, cast(RankedProgram, program), recordings, arrays)
        run.compare(numbers)
        return run

    def show(self, variable: Any) -> None:
        """Let an object that Brian runs see what all have recorded."""
        if self.looked_at is not None:
            self.looked_at.show(variable)

    def storing(self, objects: Sequence[Any]) -> AbstractContextManager[None]:
        """Within this, objects have the states that they would have in one process."""
        return nullcontext() if self.world is None else storing(self.world, objects)

    def restoring(
        self, arrays: MutableMapping[Any, Any], objects: Sequence[Any]
    ) -> AbstractContextManager[None]:
        """Within this, objects are given states of one process."""
        return nullcontext() if self.world is None else restoring(self.world, arrays, objects)
