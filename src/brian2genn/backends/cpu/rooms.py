"""Memory in which a program notes which neurons rest, and which updates are put off."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..host.structures import PutOff, Resting
from .options import Options

#: Neurons that rest are listed where the list has room for so many: to look at it takes as long
#: as to ask two hundred neurons.
LEAST_ROOM = 32

#: As in brian2genn_put_off.h.
BLOCK, MOST_PUT_OFF = 32, 16


@dataclass
class Rooms:
    """Structures of a program, one for each step, and the arrays that they refer to."""

    structures: ctypes.Array[Any]
    arrays: list[np.ndarray] = field(default_factory=list)


def rooms_for_resting(
    steps: Sequence[tuple[int, str]], n_steps: int, params: Mapping[str, float | int]
) -> Rooms:
    """Make room for the lists of neurons that rest; who does is not known yet.

    Parameters
    ----------
    steps : sequence of (int, str)
        The steps that list them, and the parameters that have the groups' sizes.
    n_steps : int
        How many steps the program has.
    params : mapping
    """
    rooms = Rooms((Resting * max(n_steps, 1))())
    for step, size in steps:
        room = int(params[size]) // 8
        if room < LEAST_ROOM:
            continue
        rooms.arrays.append(np.empty(room, dtype=np.int32))
        rooms.structures[step].list = rooms.arrays[-1].ctypes.data
        rooms.structures[step].capacity = room
    return rooms


def rooms_for_late(
    steps: Sequence[tuple[int, str, int]],
    n_steps: int,
    params: Mapping[str, float | int],
    options: Options,
) -> Rooms:
    """Make room for what is noted of time steps that state updates put off.

    Parameters
    ----------
    steps : sequence of (int, str, int)
        The steps that may be put off, the parameters that have the groups' sizes, and how many
        values are noted for each time step.
    n_steps : int
        How many steps the program has.
    params : mapping
    options : Options
    """
    rooms = Rooms((PutOff * max(n_steps, 1))())
    for step, size, n_values in steps:
        n = int(params[size])
        if n < options.put_off_from and not options.share_always:
            continue
        done = np.zeros(n // BLOCK + 1, dtype=np.uint8)
        # no value takes more bytes than a double
        values = np.zeros(MOST_PUT_OFF * max(n_values, 1), dtype=np.float64)
        rooms.arrays += [done, values]
        late = rooms.structures[step]
        late.done, late.values, late.n = done.ctypes.data, values.ctypes.data, n
    return rooms
