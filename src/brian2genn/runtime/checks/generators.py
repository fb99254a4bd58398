"""Times of spikes that a run never reaches.

Brian numbers the time steps of the spikes of a generator with 32 bits. What lies beyond becomes the
smallest number there is, a time step that is long over: the generator would give all that follows
at once, with the first spike that is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from brian2 import SpikeGeneratorGroup

#: The last time step that Brian can number, which no run reaches.
NEVER = 2**31 - 1


def number_late_spikes(objects: Iterable[Any]) -> None:
    """Give spikes that are too late for a number of their time step the largest one.

    Parameters
    ----------
    objects : iterable of BrianObject
        Of a network, after Brian has prepared them for a run.
    """
    for obj in objects:
        if isinstance(obj, SpikeGeneratorGroup):
            times, dt = obj._spike_time, float(obj.dt_[:])
            # they are sorted, and what is no number comes last
            if times.size and not times[-1] / dt < NEVER:
                bins = obj.variables["_timebins"]
                bins.set_value(np.where(times / dt < NEVER, bins.get_value(), NEVER))
