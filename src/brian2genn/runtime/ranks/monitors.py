"""Monitors of divided groups: each rank records what is its own, then all is put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from ...frontend.labels import uncounted
from ..run.recordings import Recording
from .world import RankWorld


class Record(Protocol):
    """Rows of a monitor that ranks put together."""

    recording: Recording

    def put_together(self) -> None:
        """Let the monitor have what all ranks have recorded; they have met here."""


def _rows(recording: Recording) -> int:
    return int(np.asarray(recording.plan.counter.get_value()).item())


class _Record:
    """What monitors have in common.

    Parameters
    ----------
    world : RankWorld
    recording : Recording
    """

    def __init__(self, world: RankWorld, recording: Recording) -> None:
        self._world = world
        self.recording = recording
        self._name = uncounted(recording.plan.monitor)
        #: rows that are those of all ranks
        self._before = _rows(recording)
        self._busy = False

    def put_together(self) -> None:
        """Let the monitor have what all ranks have recorded."""
        if self._busy:
            return
        self._busy = True  # the variables are asked for below
        try:
            self.recording.make_way()
            self._put_together(self._before)
            self._before = _rows(self.recording)
        finally:
            self._busy = False

    def _put_together(self, before: int) -> None:
        raise NotImplementedError

    def _values(self, variable: Any) -> np.ndarray:
        values: np.ndarray = variable.device.arrays[variable].data
        return values


class Events(_Record):
    """Rows of a spike monitor, by time and, within a time step, by neuron."""

    def _put_together(self, before: int) -> None:
        plan = self.recording.plan
        columns = plan.ordered()
        gathered = {
            name: np.concatenate(
                self._world.gather(f"{name} of '{self._name}'", self._values(variable)[before:])
            )
            for name, variable in columns
        }
        if not columns:
            mine = np.array([_rows(self.recording) - before], dtype=np.int64)
            new = int(np.concatenate(self._world.gather(f"'{self._name}'", mine)).sum())
        else:
            new = len(next(iter(gathered.values())))
        # of one time step, those of the first rank come first, as its neurons do
        order = np.argsort(gathered["t"], kind="stable") if "t" in gathered else slice(None)
        for name, variable in columns:
            variable.resize(before + new)
            variable.get_value()[before:] = gathered[name][order]
        plan.counter.set_value(before + new)


class Rates(_Record):
    """Rows of a rate monitor, from how many spikes each rank has counted.

    Parameters
    ----------
    neurons : int
        How many the rate is an average of.
    """

    def __init__(self, world: RankWorld, recording: Recording, neurons: int) -> None:
        super().__init__(world, recording)
        self._neurons = neurons

    def _put_together(self, before: int) -> None:
        variable = self.recording.plan.columns["rate"]
        rates = self._values(variable)
        dt = float(self.recording.plan.monitor.clock.dt_)
        # rounding is far less than one spike
        spikes = np.rint(rates[before:].astype(np.float64) * dt * self._neurons).astype(np.int64)
        whole = np.sum(self._world.gather(f"'{self._name}'", spikes), axis=0)
        rates[before:] = whole.astype(np.float64) / dt / self._neurons


class States(_Record):
    """Rows of a state monitor, of which each rank has the right values of its own elements.

    Parameters
    ----------
    ranks : int array
        For every recorded element, whose own it is.
    """

    def __init__(self, world: RankWorld, recording: Recording, ranks: np.ndarray) -> None:
        super().__init__(world, recording)
        self._columns = [np.flatnonzero(ranks == rank) for rank in range(world.size)]

    def _put_together(self, before: int) -> None:
        for name, variable in self.recording.plan.ordered():
            if name in self.recording.plan.single:
                continue
            values = self._values(variable)[before:]
            own = np.ascontiguousarray(values[:, self._columns[self._world.rank]])
            gathered = self._world.gather(f"{name} of '{self._name}'", own.reshape(-1))
            for columns, received in zip(self._columns, gathered, strict=True):
                values[:, columns] = received.reshape(len(values), len(columns))


def put_together(records: Sequence[Record]) -> None:
    """Let monitors have what all ranks have recorded."""
    for record in records:
        record.put_together()
