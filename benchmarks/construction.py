"""Making ten million synapses: ``python -m benchmarks.construction --help``.

Connections at random and by a condition, weights and delays by strings, values read by a
condition. What a device compiles for it is compiled before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.turns import Task, compare

#: Neurons on either side; a tenth of all pairs is ten million.
SIZE = 10_000


def _synapses() -> Any:
    from brian2 import NeuronGroup, Synapses

    cells = NeuronGroup(SIZE, "x : 1", threshold="x > 1", reset="x = 0")
    return Synapses(cells, cells, "w : 1", on_pre="x_post += w")


def at_random() -> Callable[[int], object]:
    """Each of all pairs with the same probability."""
    return lambda number: _synapses().connect(p=0.1)


def by_condition() -> Callable[[int], object]:
    """A band of neighbours: all pairs are looked at."""
    return lambda number: _synapses().connect(condition="abs(i - j) < 500 and i != j")


def by_generator() -> Callable[[int], object]:
    """A band of neighbours: only those are visited."""
    return lambda number: _synapses().connect(
        j="k for k in range(i - 500, i + 500)", skip_if_invalid=True
    )


def weights() -> Callable[[int], object]:
    """Random weights of ten million synapses."""
    synapses = _synapses()
    synapses.connect(p=0.1)
    return lambda number: synapses.__setattr__("w", "clip(0.5 + 0.1*randn(), 0, 1)")


def delays() -> Callable[[int], object]:
    """Random delays of ten million synapses."""
    synapses = _synapses()
    synapses.connect(p=0.1)
    return lambda number: synapses.__setattr__("delay", "(1 + 4*rand())*ms")


def reading() -> Callable[[int], object]:
    """The weights where a condition holds."""
    synapses = _synapses()
    synapses.connect(p=0.1)
    synapses.w = "i*1.0/N_pre"
    return lambda number: synapses.w["i < j and w > 0.5"]


TASKS = {
    "at_random": Task(at_random, "`connect(p=0.1)`"),
    "by_condition": Task(by_condition, "`connect(condition='abs(i - j) < 500 and i != j')`"),
    "by_generator": Task(by_generator, "`connect(j='k for k in range(i - 500, i + 500)')`"),
    "weights": Task(weights, "`w = 'clip(0.5 + 0.1*randn(), 0, 1)'`"),
    "delays": Task(delays, "`delay = '(1 + 4*rand())*ms'`"),
    "reading": Task(reading, "`w['i < j and w > 0.5']`"),
}


if __name__ == "__main__":
    compare(
        "benchmarks.construction",
        "10⁷ synapses",
        TASKS,
        ("genn", "cython"),
        3,
    )
