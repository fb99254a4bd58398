"""Execute the network of the trial on a backend, as a user's network is executed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...model.names import Names
from ...model.network import Network
from ...model.verify import verify
from ..interface import Backend, Bound, ClockState, Outcome, Program
from .network import DT, Trial

#: Time steps of the two runs: graphs of many steps, and a second run that takes over what the
#: first one left in the queues; too few for a difference in the last digit to grow.
RUNS = (100, 45)

_SEED = 0x5EED_0F_7E57

#: Results by name: arrays, rows of monitors as ``recorder.column``, events that are in flight.
Results = dict[str, np.ndarray]


class Variable:
    """What stands for a Brian variable: it has an array, which others ask for."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def get_value(self) -> np.ndarray:
        """The array, as it is in the host's memory."""
        return self.array


def raw_value(variable: Variable) -> np.ndarray:
    """The array of a variable, without looking at a device."""
    return variable.array


def copy_of(trial: Trial) -> Network:
    """The network, for a backend that compiles it and changes it."""
    network = trial.network.copied()
    verify(network)
    return network


def execute(trial: Trial, backend: Backend, program: Program) -> Results:
    """Run a compiled network twice, with some values changed in between.

    Parameters
    ----------
    trial : Trial
    backend : Backend
        It asks for arrays by `raw_value`.
    program : Program
        Made by the same backend of a `copy_of` the network.

    Returns
    -------
    dict
    """
    variables = {name: Variable(array.copy()) for name, array in trial.arrays.items()}
    queues = []
    for pathway in trial.pathways:
        queue = backend.queue(0, pathway.n_sources)
        queue.prepare(pathway.delays, DT, pathway.sources)
        queues.append(queue)
    results: Results = {}
    end = first_random_step = 0
    for number, steps in enumerate(RUNS):
        end += steps
        clock = ClockState(variables["t"].array, variables["step"].array, DT, None, end)
        program = program.unbound()
        recorders = program.bind(
            Bound(
                variables, trial.params, [clock], queues, trial.columns, _SEED, first_random_step,
                Names(),
            )
        )  # fmt: skip
        while (outcome := program.run(1.0)) == Outcome.TIME_USED:
            pass
        assert outcome == Outcome.FINISHED
        first_random_step = program.random_step
        program.finish()
        for recorder, columns in enumerate(trial.recorded):
            for column, name in enumerate(columns):
                values = np.array(recorders[recorder].column(column))
                results[f"run {number}: monitor {recorder}, {name}"] = values
        _change(backend, variables, trial.changed)
        # what is on its way arrives when it was sent to; other pathways go on with their spikes
        if trial.delayed:
            queues[0].prepare(trial.pathways[0].delays + DT, DT, trial.pathways[0].sources)
    for name, variable in variables.items():
        backend.before_access(variable)
        is_events = name in trial.events
        array = variable.array[: variable.array[-1]] if is_events else variable.array
        results[name] = array.copy()
    for number, queue in enumerate(queues):
        results[f"queue {number}"] = _in_flight(queue)
    return results


def _change(backend: Backend, variables: dict[str, Variable], names: tuple[str, ...]) -> None:
    """Write to some values, as a script may do between two runs."""
    for name in names:
        variable: Any = variables[name]
        backend.before_access(variable)
        variable.array[::3] *= 0.5


def _in_flight(queue: Any) -> np.ndarray:
    """Pairs of time steps ahead and synapses, in ascending order."""
    head, slots = queue._full_state()
    pairs = [
        (ahead, synapse)
        for ahead in range(len(slots))
        for synapse in sorted(slots[(head + ahead) % len(slots)])
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
