"""State updates that list which neurons rest, and those that are done with the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...model.kernel import Kernel
from ...model.network import Network, Step, Threshold, Update
from ...transforms.one_pass import in_one_pass
from ...transforms.resting import Resting, resting
from ...transforms.shares import stretches, why_not_shared
from ...transforms.stages import touched_by
from .loops import LoopPrinter
from .printer import KernelPrinter
from .shared import Unit


@dataclass(frozen=True)
class PrintedResting:
    """The kernels of a `Resting`: of those that rest, and of all, with the same random numbers."""

    plan: Resting
    look: KernelPrinter
    #: None if the threshold has it
    others: LoopPrinter | None

    @classmethod
    def of(cls, plan: Resting, unit: Unit, taken: int, fused: bool) -> PrintedResting:
        """Print them.

        Parameters
        ----------
        plan : Resting
        unit : Unit
        taken : int
            So many random streams were taken before the step.
        fused : bool
            Whether the threshold's function does the rest.
        """
        look = KernelPrinter(plan.look, unit).print()
        if fused:
            return cls(plan, look, None)
        return cls(plan, look, LoopPrinter(plan.others, unit.again(taken)).print())


class Passes:
    """Which neurons rest in a network, and what is done in one pass over a group.

    Parameters
    ----------
    network : Network
    parts : list of list of Step
        Its steps, without those that the host runs.

    Attributes
    ----------
    resting : dict of str to Resting
        By the names of state updates.
    """

    def __init__(self, network: Network, parts: Sequence[Sequence[Step]]) -> None:
        self.resting = resting(network)
        #: by thresholds' names: the state update before it, and the kernel of both
        self._both: dict[str, tuple[Update, Kernel]] = {}
        #: by steps: its number, and how many random streams were taken before it
        self._printed: dict[str, tuple[int, int]] = {}
        for part in parts:
            for steps in stretches(part):
                if why_not_shared(steps[0]) is None:
                    self._find(steps)

    def _find(self, stretch: Sequence[Step]) -> None:
        for place, threshold in enumerate(stretch):
            if not isinstance(threshold, Threshold):
                continue
            touched = touched_by(threshold)
            # it moves to the place of the update: past what does not matter for it
            for update in reversed(stretch[:place]):
                if isinstance(update, Update) and update.size == threshold.size:
                    self._try(update, threshold)
                    break
                if touched.clashes(touched_by(update)):
                    break

    def _try(self, update: Update, threshold: Threshold) -> None:
        known = self.resting.get(update.name)
        both = in_one_pass(update, threshold, known.others if known else update.kernel)
        if both is not None and not self.is_fused(update):
            self._both[threshold.name] = update, both

    def leave(self, update: Update) -> None:
        """A state update has another form, and neither is done."""
        self.resting.pop(update.name, None)
        self._both = {
            name: (one, both) for name, (one, both) in self._both.items() if one is not update
        }

    def does(self, update: Update) -> bool:
        """Whether a state update is one that lists who rests, or is done with a threshold."""
        return update.name in self.resting or self.is_fused(update)

    def printed(self, step: Step, number: int, taken: int) -> None:
        """A step is printed, before which so many random streams were taken."""
        self._printed[step.name] = number, taken

    def is_fused(self, step: Step) -> bool:
        """Whether a state update is done with the threshold that follows it."""
        return any(update is step for update, _ in self._both.values())

    def update_of(self, step: Step) -> int:
        """The number of the state update that is done with a threshold; -1 if none is."""
        return self._printed[self._both[step.name][0].name][0] if step.name in self._both else -1

    def condition(self, step: Step) -> str:
        """C text of when the function for both is called; empty if there is none."""
        if step.name not in self._both:
            return ""
        update, _ = self._both[step.name]
        number = self.update_of(step)
        known = f" && ctx->resting[{number}].known" if update.name in self.resting else ""
        return f"ctx->only < 0{known}"

    def print(self, step: Step, unit: Unit) -> LoopPrinter | None:
        """Print the kernel of a threshold and the state update before it."""
        if step.name not in self._both:
            return None
        update, both = self._both[step.name]
        _, taken = self._printed[update.name]
        return LoopPrinter(both, unit.again(taken)).print()

    def both(self, step: Step) -> tuple[Update, Kernel] | None:
        """The state update that a threshold is done with, and the kernel of both."""
        return self._both.get(step.name)

    def taken_by(self, update: Update) -> int:
        """How many random streams were taken before a state update was printed."""
        return self._printed[update.name][1]
