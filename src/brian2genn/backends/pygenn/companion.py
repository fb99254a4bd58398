"""The CPU backend's program beside GeNN: what of a time step GeNN does not do, or cannot.

It does the pending half of the last time step before Brian's objects see values, what comes with
these objects at the beginning or the end of a time step, and whole time steps where there are such
objects in the middle.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from ...model.network import Host, Network, Step
from ...transforms.pipeline import FOR_A_PROCESSOR, lower
from ..cpu.program import CpuProgram
from ..interface import Bound, ClockState, Outcome
from .instance import Instance
from .recorder import MixedRecorder
from .rotation import read, written


class Part(Enum):
    """When in a time step something is done, as GeNN sees it.

    What is done beside GeNN in the middle takes the whole time step with it.
    """

    PROLOGUE = "before GeNN's part"
    BODY = "in GeNN's part"
    EPILOGUE = "after it"


def parts_of(
    steps: Sequence[Step], pending: Collection[int], forced: Collection[int]
) -> list[Part]:
    """The part of every step of a schedule.

    Parameters
    ----------
    steps : sequence of Step
    pending, forced : collection of int
        The identities of what remains to be done after GeNN's time step, and of what GeNN cannot
        do.
    """
    own = [k for k, step in enumerate(steps) if id(step) not in pending and id(step) not in forced]
    last = max(own, default=-1)
    alone = next((k for k, step in enumerate(steps) if id(step) not in forced), len(steps))
    parts = []
    for number, step in enumerate(steps):
        if id(step) in forced:
            part = Part.EPILOGUE if number > last else Part.BODY
            part = Part.PROLOGUE if number < alone else part
        else:
            part = Part.EPILOGUE if id(step) in pending else Part.BODY
        parts.append(part)
    return parts


class Companion:
    """The whole network, compiled for the processor, with cuts between the parts of a time step.

    Parameters
    ----------
    network : Network
        As translated from the script; it is changed.
    instance : Instance
    parts : sequence of Part
        Of every step.
    bound : Bound
        All that a run works with.
    recorders : sequence of MixedRecorder

    Attributes
    ----------
    whole, prologue, epilogue : list of (str, int)
        What of `Program.schedule` is done in a time step that is executed here, and in these parts.
    prologue_reads, epilogue_reads, epilogue_writes : set of str
        The arrays that what is compiled of these parts uses, and changes.
    written : set of str
        The arrays that a time step changes.
    """

    def __init__(
        self,
        network: Network,
        instance: Instance,
        parts: Sequence[Part],
        bound: Bound,
        recorders: Sequence[MixedRecorder],
    ) -> None:
        self.clocks: Sequence[ClockState] = instance.clocks
        self._instance = instance
        self._count_touched(network.steps, parts)
        entries = self._cut(network, parts)
        self.whole = [(kind, number) for _, kind, number in entries]
        self.prologue = [(k, n) for part, k, n in entries if part is Part.PROLOGUE]
        self.epilogue = [(k, n) for part, k, n in entries if part is Part.EPILOGUE]
        lower(network, FOR_A_PROCESSOR)
        self.program = CpuProgram(network)
        natives = self.program.bind(bound)
        for recorder, native in zip(recorders, natives, strict=True):
            recorder.native = native

    def _count_touched(self, steps: Sequence[Step], parts: Sequence[Part]) -> None:
        self.prologue_reads: set[str] = set()
        self.epilogue_reads: set[str] = set()
        self.epilogue_writes: set[str] = set()
        self.written: set[str] = set()
        for part, step in zip(parts, steps, strict=True):
            self.written |= written(step)
            if part is Part.PROLOGUE:
                self.prologue_reads |= read(step)
            elif part is Part.EPILOGUE:
                self.epilogue_reads |= read(step) | written(step)
                self.epilogue_writes |= written(step)

    def _cut(self, network: Network, parts: Sequence[Part]) -> list[tuple[Part, str, int]]:
        """Put cuts into the schedule; returns its blocks and hosts, with their parts."""
        cut = 1 + max((s.number for s in network.steps if isinstance(s, Host)), default=-1)
        steps: list[Step] = []
        entries: list[tuple[Part, str, int]] = []
        before: Part | None = None
        blocks = 0
        for part, step in zip(parts, network.steps, strict=True):
            if isinstance(step, Host):
                entries.append((part, "host", step.number))
                before = None
            elif part is not before:
                steps.append(self._host(cut))
                cut += 1
                entries.append((part, "block", blocks))
                blocks += 1
                before = part
            steps.append(step)
        # also a network without anything stops in each of its time steps
        network.steps = [*steps, self._host(cut)]
        return entries

    def _host(self, number: int) -> Host:
        return Host(f"cut_{number}", "a cut", "", self._instance.base, number, "")

    def set_clocks(self, step: int) -> None:
        """Set all clocks to the beginning of a time step."""
        for number, clock in enumerate(self.clocks):
            ratio = self._instance.ratio(number) or 1
            ticks = -(-step // ratio)
            clock.timestep[0] = ticks
            clock.t[0] = ticks * float(clock.dt or 0.0)

    def begin(self) -> bool:
        """Begin the present time step; False at the end of the run."""
        return self.program.run(0.0) == Outcome.HOST_IS_NEXT

    def blocks(self, entries: Sequence[tuple[str, int]]) -> None:
        """Execute what is compiled of a stretch of the present time step, which has begun."""
        for kind, number in entries:
            if kind == "block":
                self.program.block(number)

    def half_step(self, step: int) -> None:
        """Do the epilogue of a time step without Brian's objects, and end it."""
        self.set_clocks(step)
        self.begin()
        self.blocks(self.epilogue)
        self.program.end_step()
