"""The CPU backend's program beside GeNN: what of a time step GeNN does not do, or cannot.

It does the pending half of the last time step before values go back to Brian, and whole time steps
in which Brian's own objects take part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...model.network import Host, Network, Step
from ...transforms.simplify import simplify
from ...transforms.specialise import specialise
from ..cpu.program import CpuProgram
from ..interface import ClockState, Outcome
from .facts import Facts
from .recorder import MixedRecorder


class Companion:
    """The whole network, compiled for the processor, with cuts around what is pending.

    Parameters
    ----------
    network : Network
        As translated from the script; it is changed.
    facts : Facts
    is_pending : callable
        Whether a step (by its number) remains to be done after GeNN's time step.
    bindings : sequence of (str, object)
        Methods of `CpuProgram` and what they are called with, in order.
    recorders : sequence of (list of columns, MixedRecorder)
    profile : bool
    """

    def __init__(
        self,
        network: Network,
        facts: Facts,
        is_pending: Callable[[int], bool],
        bindings: Sequence[tuple[str, tuple[Any, ...]]],
        columns: Sequence[list[tuple[np.dtype, int]]],
        recorders: Sequence[MixedRecorder],
        profile: bool,
    ) -> None:
        self.clocks: Sequence[ClockState] = facts.clocks
        self._facts = facts
        first_cut = 1 + max(
            (step.number for step in network.steps if isinstance(step, Host)), default=-1
        )
        cuts = 0
        steps: list[Step] = []
        kinds: list[bool] = []
        for number, step in enumerate(network.steps):
            pending = is_pending(number)
            if not isinstance(step, Host):
                if not kinds or kinds[-1] != pending or isinstance(steps[-1], Host):
                    steps.append(self._cut(facts.base, first_cut + cuts))
                    cuts += 1
                kinds.append(pending)
            steps.append(step)
        steps.append(self._cut(facts.base, first_cut + cuts))
        network.steps = steps
        specialise(network)
        simplify(network)
        self.program = CpuProgram(network)
        self.schedule = [
            (kind, number)
            for kind, number in self.program.schedule
            if kind == "block" or number < first_cut
        ]
        self._pending = self._pending_blocks(steps, kinds)
        for method, arguments in bindings:
            getattr(self.program, method)(*arguments)
        natives = self.program.bind_recorders(columns)
        for recorder, native in zip(recorders, natives, strict=True):
            recorder.native = native
        self.program.prepare(profile)

    @staticmethod
    def _cut(clock: int, number: int) -> Host:
        return Host(f"cut_{number}", "a cut", "", clock, number, "")

    @staticmethod
    def _pending_blocks(steps: list[Step], kinds: list[bool]) -> list[int]:
        """The numbers of the blocks that are pending, as `print_program` counts them."""
        blocks: list[bool] = []
        kind = iter(kinds)
        fresh = True
        for step in steps:
            if isinstance(step, Host):
                fresh = True
                continue
            pending = next(kind)
            if fresh:
                blocks.append(pending)
                fresh = False
        return [number for number, pending in enumerate(blocks) if pending]

    def set_clocks(self, step: int) -> None:
        """Set all clocks to the beginning of a time step."""
        for number, clock in enumerate(self.clocks):
            ratio = self._facts.ratio(number) or 1
            ticks = -(-step // ratio)
            clock.timestep[0] = ticks
            clock.t[0] = ticks * float(clock.dt or 0.0)

    def begin(self) -> bool:
        """Begin the present time step; False at the end of the run."""
        return self.program.run(0.0) == Outcome.HOST_IS_NEXT

    def half_step(self, step: int) -> None:
        """Do the pending half of a time step, and end it."""
        self.set_clocks(step)
        self.begin()
        for number in self._pending:
            self.program.block(number)
        self.program.end_step()

    def whole_step(self) -> None:
        """Execute the present time step, which has begun."""
        for kind, number in self.schedule:
            if kind == "block":
                self.program.block(number)
        self.program.end_step()
