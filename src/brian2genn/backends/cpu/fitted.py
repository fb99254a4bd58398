"""A network whose memory is fitted to each run.

In runs that are long enough, synapses lie in the order in which they are delivered (`Arranged`),
and neurons keep what their synapses have in common (`Kept`).  For the latter there is a program of
its own, which is used if the values of the synapses are indeed those of their neurons when a run
begins.
Brian's arrays are filled in when the run ends, and whenever somebody asks for one before.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from ...codegen.c.program import Source
from ...model.footprint import How, arrays, footprint
from ...model.network import Network
from ...transforms.arrangeable import Arrangement
from ...transforms.shares import targets_of
from ..binding import Needs
from ..host.recorder import Recorder
from ..interface import Bound, Outcome, Together
from .apart import Alone, Apart
from .arranged import Arranged
from .kept import Kept
from .program import CpuProgram

#: By how much values of one neuron's synapses may differ, in relation to their size: in Brian's
#: arrays they have been rounded at different times.
_ROUNDING = 1e-9


_NOT_THE_SAME = "they are not the same at all synapses of a neuron"


class _OnDemand:
    """A program that is made when it is needed, once for all that are connected to memory.

    Parameters
    ----------
    make : callable
        Makes it.
    """

    def __init__(self, make: Callable[[], CpuProgram]) -> None:
        self._make = cache(make)
        self._own: CpuProgram | None = None

    def unbound(self) -> _OnDemand:
        """The same, not connected to any memory."""
        return _OnDemand(self._make)

    def get(self) -> CpuProgram:
        """The program; its text is compiled when it is first needed."""
        if self._own is None:
            self._own = self._make().unbound()
        return self._own


def _steps(bound: Bound) -> int:
    """How many time steps a run has."""
    return max((clock.remaining() for clock in bound.clocks), default=0)


class FittedProgram:
    """A network's programs, of which one is in use.

    Parameters
    ----------
    general : Network
        Verified and simplified.
    traced : list of Network
        The same network, in which neurons keep something, from the one where they keep the most to
        the one where they keep the least; simplified.
    arrangements : list of Arrangement
        The synapses that may be in another order.
    compiled : callable
        Makes the `CpuProgram` of a network, when it is needed.
    threads : callable
        Tells how many threads there may be.
    least_steps : int
        Shorter runs have Brian's arrays.
    live : list of FittedProgram
        Gets this program while Brian's arrays are not current.
    together : Together, optional
        The processes that run the network together, if there are several.
    """

    stays_bound = True
    within_step = False

    def __init__(
        self,
        general: Network,
        traced: list[Network],
        arrangements: list[Arrangement],
        compiled: Callable[..., CpuProgram],
        threads: Callable[[], int],
        least_steps: int,
        live: list[FittedProgram],
        together: Together | None = None,
    ) -> None:
        self._needs = Needs.of(general)
        self._others = Alone() if together is None else Apart(together)
        self._general = _OnDemand(partial(compiled, general))
        self._traced = [
            (_OnDemand(partial(compiled, one)), Kept(one, self._others)) for one in traced
        ]
        if not traced:
            self._general.get()
        self._chosen: CpuProgram | None = None
        self._is_traced = False
        #: of the program in use, or the one that comes next to what could be used
        self._kept = self._traced[-1][1] if traced else Kept(None, self._others)
        self._possible = arrangements
        self._arranged = Arranged(arrangements)
        self._threads = threads
        #: by what the synapses of pathways are divided among threads
        self._targets = targets_of(general)
        for one in traced:
            self._targets = dict(self._targets.items() & targets_of(one).items())
        touches = [touch for step in general.steps for touch in footprint(step)]
        self._written = arrays(touches, How.WRITE, How.ADD)
        self._least_steps = least_steps
        self._live = live
        self._bound: Bound | None = None
        self._why_not = ""
        #: which synapses are in another order, for people
        self._rearranged: list[str] = []
        #: whether somebody has seen the arrays since the last time step, and may have written
        self._shown = False
        self._lock = threading.RLock()
        # without objects of the host, a time step is one piece
        self.schedule = [("block", 0)]
        self.owners = [step.owner for step in general.steps]

    def unbound(self) -> FittedProgram:
        """The same programs, not connected to any memory."""
        other = copy.copy(self)
        other._general = self._general.unbound()
        other._traced = [(program.unbound(), kept.unbound()) for program, kept in self._traced]
        other._chosen, other._is_traced = None, False
        other._kept = other._traced[-1][1] if other._traced else Kept(None, other._others)
        other._arranged = Arranged(self._possible)
        other._bound = None
        other._lock = threading.RLock()
        return other

    # -- what is in use ------------------------------------------------------------
    @property
    def source(self) -> Source:
        """The text of the program in use."""
        return self._now.source

    @property
    def text(self) -> str:
        """What was compiled of it."""
        return self._now.text

    @property
    def library_path(self) -> str:
        """The file that it lies in."""
        return self._now.library_path

    @property
    def seconds(self) -> np.ndarray:
        """For every step, the time it took (when profiling)."""
        return self._now.seconds

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        return self._now.random_key

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        return self._now.random_step

    @property
    def _now(self) -> CpuProgram:
        if self._chosen is None:
            return self._general.get()
        return self._chosen

    def notes(self) -> list[str]:
        """What the program in use says, what neurons keep, and what is in another order."""
        assert self._bound is not None
        told = []
        for one in self._kept.traces:
            names = ", ".join(f"'{name}'" for name in one.names())
            names = f"{names} of '{self._bound.names.of(one.synapses)}'"
            if self._is_traced:
                told.append(
                    f"Neurons keep {names} for all of their synapses, which have the same of it:"
                    " less memory is read and written."
                )
            else:
                told.append(f"Each synapse keeps {names}: {self._why_not}.")
        if self._rearranged:
            names = ", ".join(f"'{self._bound.names.of(one)}'" for one in self._rearranged)
            told.append(f"In the order in which spikes arrive: variables of {names}.")
        return [*self._now.notes(), *told]

    # -- a run ------------------------------------------------------------------
    def bind(self, bound: Bound) -> list[Recorder]:
        """Choose a program for the run, and connect it to what the run works with.

        If neurons keep what synapses have in common, look whether they may.
        """
        self._needs.check_counts(bound)
        if _steps(bound) >= self._least_steps:
            self._needs.check(bound)  # the program does, but arrays are looked at before
        self._bound = bound
        self._give_back()
        recorders = self._choose(bound)
        if self._is_traced:
            self._kept.put_in_places(bound.queues)
            # constants have been compared when the program was chosen
            if self._others.any(self._differ_from_traces(_ROUNDING)):
                recorders = self._give_up(_NOT_THE_SAME)
        if self not in self._live and (self._is_traced or self._arranged.arrays):
            self._live.append(self)
        return recorders

    def _choose(self, bound: Bound) -> list[Recorder]:
        self._rearranged = []
        if self._traced:
            traces = [trace for _, kept in self._traced for trace in kept.traces]
            self._others.begin(traces, bound.queues, bound.parts)
        if _steps(bound) < self._least_steps:
            self._why_not = f"the run has fewer than {self._least_steps} time steps"
            return self._use(self._general)
        targets = self._targets if self._threads() > 1 else {}
        self._arranged.arrange(bound.arrays, bound.queues, targets)
        self._rearranged = self._arranged.labels
        for program, kept in self._traced:
            self._kept, self._why_not = kept, kept.why_not(bound.arrays)
            if self._why_not:
                continue
            kept.make_room(bound.arrays, bound.queues)
            kept.take_over(self._arrays(), bound.queues)
            if not self._others.any(not kept.have_the_same(self._arrays())):
                return self._use(program)
            kept.arrays, self._why_not = {}, _NOT_THE_SAME
        return self._use(self._general)

    def _give_back(self) -> None:
        """There is nothing but Brian's arrays, which are current."""
        self._arranged.give_back()
        self._kept.arrays = {}
        self._shown = False
        if self in self._live:
            self._live.remove(self)

    def _arrays(self) -> Mapping[str, Any]:
        """What the program works with: Brian's arrays, or what is there in their place."""
        assert self._bound is not None
        return {**self._bound.arrays, **self._arranged.arrays, **self._kept.arrays}

    def _use(self, wanted: _OnDemand) -> list[Recorder]:
        """Bind one of the programs, with the recorders of the other one."""
        assert self._bound is not None
        before, program = self._chosen, wanted.get()
        self._chosen, self._is_traced = program, wanted is not self._general
        self.owners = program.owners
        if before is not None and before is not program:
            program.continue_recording(before)
        params = self._bound.params
        if self._is_traced:
            params = {**params, **self._kept.params}
        return program.bind(replace(self._bound, arrays=self._arrays(), params=params))

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew."""
        assert self._bound is not None
        self._bound = replace(self._bound, arrays=arrays)
        # there may be other values in them
        self._shown = bool(self._live)
        self._now.move(self._arrays())

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self._now.seed(key, step)

    def _take_over(self) -> None:
        """Let neurons keep what their synapses have now, or go on with the other program."""
        assert self._bound is not None
        self._kept.take_over(self._arrays(), self._bound.queues)
        if self._others.any(self._differ(_ROUNDING)):
            self._give_up(_NOT_THE_SAME)

    def _differ(self, tolerance: float) -> bool:
        """Whether synapses have other values than those that follow from what neurons keep."""
        return not self._kept.have_the_same(self._arrays()) or self._differ_from_traces(tolerance)

    def _differ_from_traces(self, tolerance: float) -> bool:
        """The same of what synapses have by computing."""
        return self._now.differ_from_traces(len(self._kept.traces), tolerance)

    def _give_up(self, why: str) -> list[Recorder]:
        """Go on with the program in which synapses have all their variables."""
        assert self._bound is not None
        before, self._why_not = self._now, why
        before.exchange_rest()
        self._kept.arrays = {}
        self._bound = replace(self._bound, key=before.random_key, step=before.random_step)
        recorders = self._use(self._general)
        for owner, spent in zip(before.owners, before.seconds, strict=True):
            self._now.seconds[self._now.owners.index(owner)] += spent
        return recorders

    def _look_again(self) -> None:
        """Take over what somebody has written who has asked for an array."""
        assert self._bound is not None
        if self._arranged.differ(self._bound.arrays):
            self._arranged.take_over(self._bound.arrays)
            self._now.move(self._arrays())
        if self._is_traced and self._others.any(self._differ(0.0)):
            self._take_over()

    def run(self, seconds: float) -> Outcome:
        """Run time steps; see `CpuProgram.run`."""
        with self._lock:
            # a process may take other ways to look at its own synapses
            if self._others.any(self._shown) if self._is_traced else self._shown:
                self._show_all()
                self._shown = False
                self._look_again()
            return self._now.run(seconds)

    def exchange_rest(self) -> None:
        """Let spikes that wait for an exchange go into their queues; all processes do it."""
        self._now.exchange_rest()

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        self._now.block(number)

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""
        self._now.end_step()

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        return self._now.is_active(clock)

    def show(self, variable: Any) -> None:
        """Make an array current; whoever asks for it may write to it."""
        if self._may_hide(variable):
            self._show_all()

    def _may_hide(self, variable: Any) -> bool:
        assert self._bound is not None
        labels = {*self._arranged.labels, *(one.synapses for one in self._kept.traces)}
        owner = getattr(variable.owner, "name", None)
        return owner in {self._bound.names.of(label) for label in labels}

    def _show_all(self) -> None:
        assert self._bound is not None
        with self._lock:
            if self in self._live and not self._shown:
                if self._is_traced:
                    self._now.show_traces()
                self._arranged.show(self._bound.arrays, self._written)
                self._shown = True

    def finish(self) -> None:
        """All arrays are current; they may be given up."""
        if self in self._live:
            self._show_all()
        self._give_back()
        self._now.finish()
