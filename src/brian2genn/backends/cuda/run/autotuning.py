"""Ways to execute time steps; which one is the fastest is found out by trying them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from ..device.driver import Meeting, TuningRules

#: How often each way is tried; the first time does not count (a kernel is loaded, caches are cold).
_TURNS = 4

#: A way that takes so many times as long as another one has no further turn.
_HOPELESS = 2.0

#: Another way than the first one has to save this part of the time at least.
_WORTHWHILE = 0.03

#: After so many time steps the ways are tried again: the network may do something else by then.
_VALID = 100_000


@dataclass(frozen=True)
class LaunchPlan:
    """How time steps are executed.

    Attributes
    ----------
    meeting : Meeting
        Whether many steps are one kernel, whose blocks wait for each other, or a graph of kernels.
    widening : int
        Powers of two by which more threads than usual share the synapses of a spike.
    spreading : int
        Powers of two by which more blocks than usual deliver spikes.
    threads : int
        In each block; 0 for as many as is usual.
    each : int
        Blocks of each multiprocessor, whose threads take several elements if there are more than
        threads; 0 for a thread of its own for every element.
    owned : bool
        Whether blocks execute the synapses of the elements that they own, and wait for each other
        once less in a time step.
    aside : bool
        Whether synapses put aside what they add, and are executed beside the neurons: blocks wait
        for each other once less in a time step.
    told : bool
        Whether they tell each other of events, in a cluster, and wait for nothing else.
    """

    meeting: Meeting = Meeting.NOWHERE
    widening: int = 0
    spreading: int = 0
    threads: int = 0
    each: int = 0
    owned: bool = False
    aside: bool = False
    told: bool = False

    @property
    def together(self) -> bool:
        """Whether many steps are one kernel."""
        return self.meeting != Meeting.NOWHERE

    def __str__(self) -> str:
        text = self.meeting.value
        if self.each:
            several = "blocks" if self.each > 1 else "block"
            text += f", {self.each} {several} of {self.threads} threads on each multiprocessor"
        elif self.threads:
            text += f" of {self.threads} threads"
        if self.owned:
            text += ", targets owned by blocks"
        if self.aside:
            text += ", synapses beside neurons"
        if self.told:
            text += " that send messages"
        for power, what in (
            (self.widening, "threads for each spike"),
            (self.spreading, "blocks for spikes"),
        ):
            if power:
                other = "more" if power > 0 else "fewer"
                text += f", {2 ** abs(power)} times {other} {what}"
        return text


class Autotuner:
    """Tries several ways in turn and then keeps to the fastest.

    First it is found out how steps are launched, then how spikes are delivered; then more of what
    has helped there is tried.

    Parameters
    ----------
    launching : sequence of LaunchPlan
        What is usual comes first.
    variants : callable
        What else is to be tried of the way that is the fastest of those before.
    rules : TuningRules, optional
    """

    def __init__(
        self,
        launching: Sequence[LaunchPlan],
        variants: Callable[[LaunchPlan], Sequence[LaunchPlan]] = lambda _: (),
        rules: TuningRules | None = None,
    ) -> None:
        #: what a time step took, in seconds, in the ways that were compared last
        self.costs: dict[LaunchPlan, float] = {}
        #: how many time steps one launch should execute, as far as is known
        self.batch = 1
        self.rules = rules or TuningRules()
        self._launching, self._variants = list(launching), variants
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._valid = _VALID
        self._round = 0
        self._before: LaunchPlan | None = None
        self._tried: set[LaunchPlan] = set()
        self._begin(self._launching)
        if self.decided:
            self._decide(self.plan)

    def _begin(self, candidates: Sequence[LaunchPlan]) -> None:
        self._candidates = list(candidates)
        self._tried.update(candidates)
        self._seconds: dict[LaunchPlan, list[float]] = {plan: [] for plan in candidates}
        self._next = 0

    def _decide(self, best: LaunchPlan) -> None:
        self._round += 1
        goes_on = self._round == 1 or (self._round == 2 and best != self._before)
        self._before = best
        others = self._variants(best) if goes_on else ()
        self._begin([best, *(plan for plan in others if plan not in self._tried)])

    @property
    def decided(self) -> bool:
        """Whether the fastest way has been found, for the time being."""
        return len(self._candidates) == 1

    @property
    def plan(self) -> LaunchPlan:
        """How the next time steps should be executed."""
        return self._candidates[self._next]

    def note(self, seconds: float, steps: int) -> None:
        """Take note of what so many time steps took, launched at once in the present `way`."""
        if self.decided:
            self._valid -= steps
            if self._valid < 0:
                self._begin_anew()
            return
        if steps == 0 or (steps < self.rules.steps and seconds < self.rules.seconds):
            return  # it says more of launching than of the steps
        self._seconds[self.plan].append(seconds / steps)
        self._next += 1
        if self._next < len(self._candidates):
            return
        self._next = 0
        if len(self._seconds[self._candidates[0]]) < 2:
            return
        known = {plan: median(self._seconds[plan][1:]) for plan in self._candidates}
        self.costs |= known
        bound = _HOPELESS * min(known.values())
        hopeful = [plan for plan in self._candidates if min(self._seconds[plan][1:]) <= bound]
        best, *others = self._candidates = hopeful
        if others and len(self._seconds[best]) < _TURNS:
            return
        for plan in others:
            if known[plan] < (1 - _WORTHWHILE) * known[best]:
                best = plan
        self._decide(best)
