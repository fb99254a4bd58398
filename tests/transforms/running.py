"""Run models made by hand with the interpreter: what a pass leaves is executed as what it got."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from brian2genn.backends.interface import Bound, ClockState, Outcome
from brian2genn.backends.trial.sketch import Sketch
from brian2genn.model.names import Names
from brian2genn.model.network import Clock, Network
from brian2genn.model.verify import verify
from tests.interpreter.backend import InterpreterProgram


class Queue:
    """Delivers in the time step in which it is told."""

    def __init__(self, sources: tuple[int, ...]) -> None:
        self._sources = np.array(sources, dtype=np.int64)
        self._due: list[np.ndarray] = []

    def push(self, events: np.ndarray) -> None:
        """Tell of events."""
        self._due += [np.flatnonzero(self._sources == event) for event in events]

    def peek(self) -> np.ndarray:
        """The synapses that are due now."""
        return np.concatenate([np.empty(0, dtype=np.int64), *self._due])

    def advance(self) -> None:
        """The next time step begins."""
        self._due = []


def run(
    sketch: Sketch, network: Network | None = None, steps: int = 5, sources: tuple[int, ...] = ()
) -> dict[str, np.ndarray]:
    """The arrays of a model after some time steps.

    Parameters
    ----------
    sketch : Sketch
        With the values that arrays have at first.
    network : Network, optional
        In place of the sketch's own.
    steps : int
    sources : tuple of int
        The neurons that synapses come from, of every queue; there are no delays.
    """
    arrays = {name: values.copy() for name, values in sketch.arrays.items()}
    t, timestep = arrays.get("t", np.zeros(1)), arrays.get("step", np.zeros(1, dtype=np.int64))
    own = Clock(
        "clock", t="t" if "t" in arrays else None, timestep="step" if "step" in arrays else None
    )
    network = replace(network or sketch.network, clocks=[own])
    verify(network)
    queues = [Queue(sources) for _ in range(network.queues)]
    program = InterpreterProgram(network)
    clock = ClockState(t, timestep, 1.0, None, steps)
    program.bind(Bound(arrays, sketch.params, [clock], queues, [], 7, 0, Names()))
    assert program.run(60.0) == Outcome.FINISHED
    return arrays
