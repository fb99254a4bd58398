"""Numbers drawn by NumPy with a seed: the same network on every device."""

from __future__ import annotations

import numpy as np

SEED = 1952


def numbers() -> np.random.Generator:
    """The stream that a network is drawn from."""
    return np.random.default_rng(SEED)


def pairs(
    random: np.random.Generator, sources: int, targets: int, p: float, loops: bool = True
) -> dict[str, np.ndarray]:
    """Each neuron connected to each with a probability, in the order that Brian makes synapses in.

    Parameters
    ----------
    random
        Where to draw from.
    sources, targets
        How many there are.
    p
        The probability of a synapse.
    loops
        Whether a neuron may be connected to itself.

    Returns
    -------
    dict
        Arguments of ``Synapses.connect``.
    """
    degrees = random.binomial(targets, p, sources)
    i = np.repeat(np.arange(sources, dtype=np.int32), degrees)
    rows = [np.sort(random.choice(targets, n, replace=False, shuffle=False)) for n in degrees]
    j = np.concatenate(rows).astype(np.int32)
    kept = slice(None) if loops else i != j
    return {"i": i[kept], "j": j[kept]}


def trains(
    random: np.random.Generator, n: int, rate: float, duration: float, dt: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of neurons at random, no two of a neuron in a time step.

    Parameters
    ----------
    random
        Where to draw from.
    n
        How many neurons there are.
    rate
        Spikes a second of each.
    duration
        Seconds.
    dt
        The time step in milliseconds.

    Returns
    -------
    indices, times
        The latter in milliseconds, in the middle of time steps, and sorted.
    """
    steps = max(1, round(duration * 1000 / dt))
    fired = np.unique(random.integers(n * steps, size=round(n * rate * duration) + n))
    return fired % n, (fired // n + 0.5) * dt
