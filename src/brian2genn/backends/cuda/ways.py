"""Ways to execute time steps; which one is the fastest is found out by trying them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

#: Time steps in one turn of a way.
STEPS = 64

#: How often each way is tried; the first time does not count (a kernel is loaded, caches are cold).
_TURNS = 4

#: Another way than the first one has to save this part of the time at least.
_WORTHWHILE = 0.03


@dataclass(frozen=True)
class Way:
    """How time steps are executed.

    Attributes
    ----------
    together : bool
        Many steps in one kernel whose blocks wait for each other, instead of a graph of kernels.
    widening : int
        Powers of two by which more threads than usual share the synapses of a spike.
    """

    together: bool = False
    widening: int = 0

    def __str__(self) -> str:
        kind = "one kernel for many steps" if self.together else "graphs of kernels"
        if self.widening == 0:
            return kind
        other = "more" if self.widening > 0 else "fewer"
        return f"{kind}, {2 ** abs(self.widening)} times {other} threads for each spike"


class Contest:
    """Tries several ways in turn and then keeps to the fastest.

    First it is found out how steps are launched, then how many threads share the synapses of a
    spike.

    Parameters
    ----------
    launching : sequence of Way
        What is usual comes first.
    widenings : sequence of int
        Other values of `Way.widening` to be tried.
    """

    def __init__(self, launching: Sequence[Way], widenings: Sequence[int] = ()) -> None:
        #: time steps in one turn
        self.steps = STEPS
        #: what a time step took, in seconds, in the ways that were compared last
        self.costs: dict[Way, float] = {}
        self._widenings = list(widenings)
        self._begin(launching)

    def _begin(self, candidates: Sequence[Way]) -> None:
        self._candidates = list(candidates)
        self._seconds: list[list[float]] = [[] for _ in candidates]
        self._turn = 0
        self._spent, self._done = 0.0, 0
        if self.decided and self._widenings:
            self._decide(self._candidates[0])

    def _decide(self, best: Way) -> None:
        widenings, self._widenings = self._widenings, []
        self._begin([best, *(replace(best, widening=widening) for widening in widenings)])

    def _fastest(self) -> Way:
        best, *others = self._candidates
        for way in others:
            if self.costs[way] < (1 - _WORTHWHILE) * self.costs[best]:
                best = way
        return best

    @property
    def decided(self) -> bool:
        """Whether the fastest way has been found."""
        return len(self._candidates) == 1

    @property
    def way(self) -> Way:
        """How the next time steps should be executed."""
        return self._candidates[self._turn % len(self._candidates)]

    def note(self, seconds: float, steps: int) -> None:
        """Take note of what so many time steps took, executed in the present `way`."""
        if self.decided:
            return
        self._spent += seconds
        self._done += steps
        if self._done < self.steps:
            return
        number = self._turn % len(self._candidates)
        if self._turn >= len(self._candidates):
            self._seconds[number].append(self._spent / self._done)
        self._spent, self._done = 0.0, 0
        self._turn += 1
        if self._turn == _TURNS * len(self._candidates):
            medians = map(median, self._seconds)
            self.costs = dict(zip(self._candidates, medians, strict=True))
            self._decide(self._fastest())
