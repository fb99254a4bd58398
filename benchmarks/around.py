"""Small things that scripts do often; `benchmarks.first_result` times each in a process of its own.

Each function returns what was measured, in the unit of its goal.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _median(call: Callable[[int], object], times: int, warm_up: int = 3) -> float:
    seconds = []
    for number in range(-warm_up, times):
        began = time.perf_counter()
        call(number)
        if number >= 0:
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _ring(change: Callable[[Any, int], None]) -> float:
    """Milliseconds of ``run(1*ms)`` of 155 objects, after a change."""
    from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, ms

    groups = [
        NeuronGroup(
            10, "dv/dt = (1.5 - v)/(10*ms) : 1\nI : 1", threshold="v > 1", reset="v = 0",
            method="exact",
        )
        for _ in range(22)
    ]  # fmt: skip
    made = []
    for source, target in zip(groups, [*groups[1:], groups[0]], strict=True):
        synapses = Synapses(source, target, "w : 1", on_pre="v += w")
        synapses.connect(p=0.5)
        synapses.w = 0.01
        made.append(synapses)
    network = Network(groups, made, [SpikeMonitor(group) for group in groups])

    def call(number: int) -> None:
        change(made[0], number)
        network.run(1 * ms)

    return 1e3 * _median(call, 50)


def repeated_unchanged() -> float:
    """Nothing is new."""
    return _ring(lambda synapses, number: None)


def repeated_value() -> float:
    """Values of neurons are new."""

    def change(synapses: Any, number: int) -> None:
        synapses.source.I = number

    return _ring(change)


def repeated_weights() -> float:
    """Weights are new."""
    import numpy as np

    def change(synapses: Any, number: int) -> None:
        synapses.w = np.full(len(synapses), 0.01 + 0.001 * (number % 3))

    return _ring(change)


def _values(which: str) -> float:
    """Microseconds more than NumPy takes to copy as many numbers."""
    import numpy as np
    from brian2 import NeuronGroup, Synapses, nA

    cells = NeuronGroup(1000, "I : amp", threshold="I > 1*amp")
    synapses = Synapses(cells, cells, "w : 1")
    synapses.connect(j="i")
    values, copy = np.random.rand(1000) * nA, np.empty(1000)
    one = 1 * nA

    def set_array(number: int) -> None:
        cells.I = values

    def set_number(number: int) -> None:
        cells.I = one

    def get(number: int) -> None:
        synapses.w[:]

    def plain(number: int) -> None:
        copy[:] = values

    call = {"array": set_array, "number": set_number, "read": get}[which]
    return 1e6 * (_median(call, 3000, 100) - _median(plain, 3000, 100))


def set_array() -> float:
    """``G.I = x``."""
    return _values("array")


def set_number() -> float:
    """``G.I = 1*nA``."""
    return _values("number")


def read_values() -> float:
    """``S.w[:]``."""
    return _values("read")


#: Time steps of a network with an operation.
STEPS = 3000


def _operation(change: Callable[[Any], None]) -> float:
    """Microseconds of a time step of 1,000 neurons and an operation."""
    from brian2 import Network, NeuronGroup, SpikeMonitor, get_device, ms, network_operation

    cells = NeuronGroup(
        1000,
        """
        dv/dt = (a - v + b)/(10*ms) : 1
        a : 1
        b : 1
        """,
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )

    @network_operation
    def operation() -> None:
        change(cells)

    network = Network(cells, operation, SpikeMonitor(cells))
    network.run(1 * ms)
    network.run(0.1 * STEPS * ms)
    return 1e6 * float(get_device()._last_run_time) / STEPS


def operation() -> float:
    """An operation that reads and writes three variables."""

    def change(cells: Any) -> None:
        cells.a = cells.a[:] * 0.99 + 0.02
        cells.b = cells.b[:] + 0.001 * cells.a[:]
        cells.v = cells.v[:] * 0.999

    return _operation(change)


def empty_operation() -> float:
    """An operation that does nothing."""
    return _operation(lambda cells: None)


def single_connects() -> float:
    """Milliseconds of a ``connect`` of one synapse."""
    from brian2 import NeuronGroup, Synapses

    cells = NeuronGroup(784, "v : 1\nI : volt", threshold="v > 1")
    synapses = Synapses(cells, cells, "w : 1", on_pre="v += w")
    began = time.perf_counter()
    for number in range(TIMES):
        synapses.connect(i=number % 784, j=number * 7 % 784)
    return 1e3 * (time.perf_counter() - began) / TIMES


#: How many single synapses.
TIMES = 10_000

#: Pairs of neurons for the condition on distances, if no other number is asked for; NumPy takes
#: minutes.
PAIRS = 1e9


def distances(pairs: float) -> float:
    """Seconds of a ``connect`` with a condition on distances, compiled before."""
    from brian2 import NeuronGroup, Synapses

    def connect(size: int) -> None:
        cells = NeuronGroup(size, "x : 1\ny : 1", threshold="x > 2")
        cells.x, cells.y = "rand()", "rand()"
        synapses = Synapses(cells, cells)
        synapses.connect(condition="(x_pre - x_post)**2 + (y_pre - y_post)**2 < 0.0004")

    connect(6000)
    began = time.perf_counter()
    connect(round(pairs**0.5))
    return time.perf_counter() - began


def importing() -> float:
    """Seconds of ``import brian2genn`` after ``import brian2``."""
    import brian2

    began = time.perf_counter()
    import brian2genn

    return time.perf_counter() - began


@dataclass(frozen=True)
class Task:
    """Something small that is timed.

    Attributes
    ----------
    measure : callable
    title, unit : str
        Of the table.
    goal : float or None
        What should not be exceeded; None if nobody has set one.
    peer : str
        The device of Brian beside which it is measured, if any.
    times : float or None
        How many times as fast as that it should be.
    """

    measure: Callable[..., float]
    title: str
    unit: str
    goal: float | None = None
    peer: str = ""
    times: float | None = None


#: By name.
TASKS: dict[str, Task] = {
    "repeated_unchanged": Task(repeated_unchanged, "`run(1*ms)`, 155 objects, as before", "ms", 5),
    "repeated_value": Task(repeated_value, "the same, values of neurons set", "ms", 5),
    "repeated_weights": Task(repeated_weights, "the same, a weight matrix set", "ms", 5),
    "set_array": Task(set_array, "`G.I = x`, more than a copy", "µs", 10),
    "set_number": Task(set_number, "`G.I = 1*nA`, more than a copy", "µs", 10),
    "read_values": Task(read_values, "`S.w[:]`, more than a copy", "µs", 10),
    "empty_operation": Task(
        empty_operation, "a time step with an empty operation", "µs", peer="cython"
    ),
    "operation": Task(
        operation, "a time step, an operation reads and writes three variables of 1,000 neurons",
        "µs", peer="cython", times=5,
    ),
    "single_connects": Task(single_connects, "`connect(i, j)` of one synapse", "ms", 0.3),
    "distances": Task(
        distances, "`connect` by distance, {pairs} pairs", "s", peer="numpy", times=8
    ),
    "importing": Task(importing, "`import brian2genn` after `brian2`", "s", 0.15),
}  # fmt: skip
