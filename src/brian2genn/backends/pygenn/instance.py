"""What a network model does not say and a GeNN model has to know: sizes, delays, clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose

import numpy as np

from ...codegen.genn.code import NotInGenn
from ...model.footprint import How, arrays, footprint
from ...model.kernel import ELEMENT, Access, Kernel
from ...model.names import Names
from ...model.network import Network, Push, Role, Sum
from ..interface import ClockState
from .queue import Delays


@dataclass
class Instance:
    """A network model with the values it works on.

    Attributes
    ----------
    network : Network
        With additions separated.
    arrays : dict
        The memory of every array of the network.
    params : dict
    queues : sequence of Delays
    clocks : sequence of ClockState
    names : Names, optional
        What people call the objects.
    """

    network: Network
    arrays: Mapping[str, np.ndarray]
    params: Mapping[str, float | int]
    queues: Sequence[Delays]
    clocks: Sequence[ClockState]
    names: Names = field(default_factory=Names)

    def __post_init__(self) -> None:
        #: written by some step, so not constant during a run
        self.mutated: set[str] = set()
        #: the array of events that a queue is fed with
        self.events: dict[int, str] = {}
        for step in self.network.steps:
            self.mutated |= arrays(footprint(step), How.WRITE, How.ADD)
            if isinstance(step, Push):
                self.events[step.queue] = step.events
        regular = [c for c in range(len(self.clocks)) if self.clocks[c].dt is not None]
        #: the clock of GeNN's time steps: the fastest
        self.base = min(regular, key=lambda c: float(self.clocks[c].dt or 0.0), default=0)
        names = {clock.name: number for number, clock in enumerate(self.network.clocks)}
        #: from the arrays of clocks to the clock and what of it they are
        self.clock_arrays: dict[str, tuple[int, Role]] = {
            name: (names[array.owner], array.role)
            for name, array in self.network.arrays.items()
            if array.owner in names
        }

    @property
    def dt(self) -> float:
        """Seconds of a GeNN time step."""
        return float(self.clocks[self.base].dt or 0.0)

    def ratio(self, clock: int) -> int | None:
        """How many GeNN time steps lie between two ticks of a clock; None if that is not whole."""
        dt = self.clocks[clock].dt
        if dt is None:
            return None
        ratio = round(dt / self.dt)
        return ratio if ratio >= 1 and isclose(ratio * self.dt, dt, rel_tol=1e-9) else None

    def group_of(self, array: str) -> str:
        """The name of the group that an array belongs to."""
        return self.network.arrays[array].owner

    def side_of(self, kernel: Kernel, access: Access) -> str:
        """Whether an access is to a variable of the source or of the target neuron.

        Raises
        ------
        NotInGenn
            Where it is neither.
        """
        index = kernel.accesses[str(access.index)]
        role = self.network.arrays[index.array].role
        if index.index == ELEMENT and role in (Role.SOURCE, Role.TARGET):
            return str(role.value)
        raise NotInGenn(f"'{access.name}', which is reached through '{index.name}'")

    def side_of_sum(self, step: Sum) -> str:
        """The side of synapses whose neurons have the sums over them."""
        return "post" if self.network.arrays[step.index].role is Role.TARGET else "pre"
