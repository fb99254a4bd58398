"""Delays in time steps, as all backends round them."""

from __future__ import annotations

import numpy as np


def in_steps(delays: np.ndarray, dt: float) -> np.ndarray:
    """Delays as whole numbers of time steps; what is negative is delivered at once.

    Parameters
    ----------
    delays : array
        In seconds; finite, and below 2**31 time steps.
    dt : float
        In seconds.

    Returns
    -------
    int32 array
    """
    return np.maximum(np.asarray(delays, dtype=np.float64) / dt + 0.5, 0.0).astype(np.int32)


def of_synapses(delays: np.ndarray, n_synapses: int) -> np.ndarray:
    """The delays of synapses that are there: one for each, or one for all.

    After ``restore()`` Brian before 2.10 may have more of them.
    """
    return delays if delays.size == 1 else delays[:n_synapses]
