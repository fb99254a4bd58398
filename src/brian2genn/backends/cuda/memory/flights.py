"""From spikes that are under way to the synapses at which they will arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np


class Runs(Protocol):
    """Runs of synapses, each of one source and one delay."""

    start: np.ndarray
    order: np.ndarray | None

    def runs_of_all(self, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The runs of some sources, their delays, and the place of each one's source."""


def arriving(runs: Runs, spikes: Mapping[int, np.ndarray]) -> dict[int, np.ndarray]:
    """The synapses at which spikes arrive, by the time steps until then.

    What has arrived is not there. There may be millions of synapses, so no loop goes through them.

    Parameters
    ----------
    runs : Runs
    spikes : mapping from int to int array
        The sources that spiked so many steps before the present one, ascending.

    Returns
    -------
    dict from int to int32 array
        Of one time step, synapses of older spikes come first, and then those of smaller sources.
    """
    agos = sorted((ago for ago in spikes if len(spikes[ago])), reverse=True)
    if not agos:
        return {}
    sources = np.concatenate([spikes[ago] for ago in agos]).astype(np.int64)
    since = np.repeat(agos, [len(spikes[ago]) for ago in agos])
    found, delays, owners = runs.runs_of_all(sources)
    arrival = delays - since[owners]
    first = runs.start[found]
    lengths = runs.start[found + 1] - first
    there = (arrival >= 0) & (lengths > 0)
    arrival, first, lengths = arrival[there], first[there], lengths[there]
    by_arrival = np.argsort(arrival, kind="stable")
    arrival, lengths = arrival[by_arrival], lengths[by_arrival].astype(np.int64)
    places = expanded(first[by_arrival].astype(np.int64), lengths)
    synapses = places.astype(np.int32) if runs.order is None else runs.order[places]
    steps, begins = np.unique(arrival, return_index=True)
    ends = np.cumsum(lengths)[np.append(begins[1:], arrival.size) - 1] if steps.size else []
    parts = np.split(synapses, ends[:-1])
    return dict(zip(steps.tolist(), parts, strict=True)) if steps.size else {}


def expanded(first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """``first[0], first[0] + 1, ...``, so many as `lengths` says, then those of the next one."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(first - before, lengths) + np.arange(int(lengths.sum()))
