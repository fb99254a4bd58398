"""What benchmarks and tests want of the way in which time steps are executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..device.driver import Launch

if TYPE_CHECKING:
    from .autotuning import LaunchPlan


@dataclass(frozen=True)
class Execution:
    """How time steps are executed where somebody looks at that; users want none of it.

    Attributes
    ----------
    candidates : callable, optional
        Chooses among the launch plans that are possible: the fastest of these is found out, and
        nothing else is tried.
    batch : int, optional
        Time steps in a launch, if there are as many; usually what takes some time.
    on_launch : callable, optional
        Told of each launch: seconds, and how many time steps it was.
    on_kernels : callable, optional
        Time steps are launched kernel by kernel, and it is told of each: the kernels, and what each
        took.
    """

    candidates: Callable[[list[LaunchPlan]], Sequence[LaunchPlan]] | None = None
    batch: int | None = None
    on_launch: Callable[[float, int], None] | None = None
    on_kernels: Callable[[Sequence[Launch], Sequence[float]], None] | None = None


def only(plan: LaunchPlan) -> Execution:
    """Time steps are executed in this way, and in no other."""
    return Execution(candidates=lambda possible: [plan])
