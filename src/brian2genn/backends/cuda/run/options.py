"""What benchmarks and tests want of the way in which time steps are executed, and to know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..device.driver import Launch

if TYPE_CHECKING:
    from ....model.network import Network
    from .autotuning import LaunchPlan
    from .program import CudaProgram


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
    on_program : callable, optional
        Told of each program that is built: its model, and the program.
    on_run : callable, optional
        Told of each time that a program runs: seconds from its beginning to its end or a pause.
    on_launch : callable, optional
        Told of each launch: seconds, and how many time steps it was.
    on_kernels : callable, optional
        Time steps are launched kernel by kernel, and it is told of each: the kernels, and what each
        took.
    """

    candidates: Callable[[list[LaunchPlan]], Sequence[LaunchPlan]] | None = None
    batch: int | None = None
    on_program: Callable[[Network, CudaProgram], None] | None = None
    on_run: Callable[[float], None] | None = None
    on_launch: Callable[[float, int], None] | None = None
    on_kernels: Callable[[Sequence[Launch], Sequence[float]], None] | None = None


def only(plan: LaunchPlan) -> Callable[[list[LaunchPlan]], Sequence[LaunchPlan]]:
    """`Execution.candidates` of which only this one is left."""
    return lambda possible: [plan]
