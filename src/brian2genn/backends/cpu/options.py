"""What tests and benchmarks may want of the way in which the processor executes networks."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Costs:
    """What a synapse takes in a time step, in nanoseconds as measured.

    To this comes what takes longer the more there are of which one is chosen (`near`, `further`,
    `far`): for each value that the synapse looks up, and for a target that is added to in memory.
    """

    by_target: float = 0.1
    #: for each target beside its synapses
    target: float = 1.0
    in_row: float = 0.1
    #: for each row
    row: float = 8.0
    #: for each stretch of synapses of the same neuron
    stretch: float = 3.0
    by_number: float = 0.15
    #: for each value that a state update reads of a neuron in a row of neighbours
    gathered: float = 0.12
    near: float = 0.2
    further: float = 0.45
    far: float = 0.8

    def look_up(self, n: int) -> float:
        """What it takes to look up one of n values, which fit into a cache or do not."""
        return self.near if n <= 1 << 12 else self.further if n <= 1 << 17 else self.far


@dataclass(frozen=True)
class Options:
    """How networks are executed; users want none of it.

    Attributes
    ----------
    share_always : bool
        Share out among threads whatever can be, whether it pays or not.
    fitted_from : int
        How many time steps a run must have for memory to be fitted to it: what is found out about
        synapses takes as long as some hundred steps.
    put_off_from : int
        How many elements a state update must have for several of its steps to be done at once.
    costs : Costs
        By which ways to compute sums are compared.
    """

    share_always: bool = False
    fitted_from: int = 1000
    put_off_from: int = 4096
    costs: Costs = field(default_factory=Costs)


#: What users have.
USUAL = Options()
