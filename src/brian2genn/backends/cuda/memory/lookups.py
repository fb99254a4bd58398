"""What programs have to know of a network's indices."""

from __future__ import annotations

import numpy as np

from ....codegen.cuda.source import Part
from .sorting import sort_by


def inverse_of(targets: np.ndarray, n_targets: int) -> dict[Part, np.ndarray]:
    """For every target, its synapses.

    Parameters
    ----------
    targets : int array
        Of each synapse.
    n_targets : int

    Returns
    -------
    dict
        ``order``: synapses by target; ``start``: where each target's begin in it.
    """
    order, ordered = sort_by(targets.astype(np.int64))
    start = np.searchsorted(ordered, np.arange(n_targets + 1)).astype(np.int32)
    return {"order": order, "start": start}


def recorded_elements(indices: np.ndarray, n_elements: int) -> dict[Part, np.ndarray]:
    """Which elements a monitor records, and where (see ``b2g_is_recorded``).

    Parameters
    ----------
    indices : int array
        The element of every column; one may be there several times.
    n_elements : int

    Returns
    -------
    dict
        ``mask``, ``rank``, ``first`` and ``order``.

    Raises
    ------
    IndexError
        If an element does not exist.
    """
    if indices.size and int(indices.max()) >= n_elements:
        raise IndexError(
            f"a monitor records element {int(indices.max())} of a group that has {n_elements}"
        )
    n_words = n_elements // 32 + 1
    order = np.argsort(indices, kind="stable").astype(np.int32)
    elements, first = np.unique(indices[order], return_index=True)
    mask = np.zeros(n_words, dtype=np.uint32)
    bits = np.left_shift(np.uint32(1), (elements % 32).astype(np.uint32), dtype=np.uint32)
    np.bitwise_or.at(mask, elements // 32, bits)
    rank = np.searchsorted(elements, 32 * np.arange(n_words)).astype(np.int32)
    return {
        "mask": mask,
        "rank": rank,
        "first": np.append(first, order.size).astype(np.int32),
        "order": order,
    }


def spikes_twice(
    neurons: np.ndarray,
    timebins: np.ndarray,
    lastindex: np.ndarray,
    timestep: np.ndarray,
    period: np.ndarray,
) -> int | None:
    """A neuron of a spike generator with several spikes in a time step, of which a flag keeps one.

    Parameters
    ----------
    neurons, timebins : int arrays
        Of every spike, in the order of time.
    lastindex, timestep, period : int arrays, shape (1,)
        How many spikes there were, the present time step, and Brian's period in time steps. What is
        late is emitted now.

    Returns
    -------
    int or None
        None if there is no such neuron.
    """
    bins = timebins.astype(np.int64)
    if period[0] <= 0:
        bins = np.maximum(bins, timestep[0])[int(lastindex[0]) :]
        neurons = neurons[int(lastindex[0]) :]
    order = np.lexsort((neurons, bins))
    same = (np.diff(bins[order]) == 0) & (np.diff(neurons[order]) == 0)
    return int(neurons[order][1:][same][0]) if same.any() else None
