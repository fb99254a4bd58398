"""The device's arrays as they are now: with rows that wait, and with values that are elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.core.network import Network
from brian2.utils.logger import get_logger

from ..memory.arrays import LastingArrays
from ..ranks.processes import Processes
from ..run.recordings import Recording, Recordings
from ..run.times import Times

logger = get_logger("brian2.devices.genn")


class ArrayWatch:
    """Whether arrays have moved, or have other indices in them, since a program was bound to them.

    Attributes
    ----------
    bound : set of int
        Identities of the variables whose arrays a program is bound to and may move.
    indices : set of int
        Identities of those that hold indices: whoever asks for them may change them.
    lists : set of int
        Identities of those whose program goes on with what they were before another size.
    before : dict
        From the identities of such variables to what they were.
    moved : bool
    """

    def __init__(self) -> None:
        self.bound: set[int] = set()
        self.indices: set[int] = set()
        self.lists: set[int] = set()
        self.before: dict[int, np.ndarray] = {}
        self.moved = False

    def asked_for(self, variable: Any) -> None:
        """Note that somebody gets the array of a variable."""
        self.moved = self.moved or id(variable) in self.indices

    def resized(self, variable: Any, values: np.ndarray, size: Any) -> None:
        """Note that a variable with these values gets another size."""
        self.moved = self.moved or id(variable) in self.bound
        if id(variable) in self.lists and size != values.size:
            # the first of several changes in a run has what the run began with
            self.before.setdefault(id(variable), values.copy())

    def end(self) -> None:
        """Nothing is bound any more."""
        self.bound, self.indices, self.lists, self.before = set(), set(), set(), {}


class CurrentArrays(LastingArrays):
    """Arrays as in Brian's runtime device, but recorded values are fetched, and brought home."""

    def __init__(self) -> None:
        super().__init__()
        self.recordings = Recordings()
        self.watch = ArrayWatch()
        #: those that run the script together
        self.processes = Processes()
        #: of the last run
        self.times = Times()

    def before_access(self, var: Any) -> None:
        """Make the array of a variable current; whoever asks may write to it."""
        raise NotImplementedError

    def before_change(self, var: Any) -> None:
        """Before somebody gives a variable other values, or another size."""
        recording = self.recordings.get(id(var))
        if recording is not None:
            recording.make_way()
        self.before_access(var)

    def raw(self, var: Any) -> Any:
        """The array of a variable as it lies in memory."""
        return super().get_value(var)

    def get_value(self, var: Any, access_data: bool = True) -> Any:
        # asked for in every time step by objects that Brian runs, so calls of functions are few
        watch, recording = self.watch, self.recordings.of(var)
        if recording is not None:
            self._fetch(recording, var)
        self.before_access(var)
        if id(var) in watch.indices:
            watch.moved = True
        return super().get_value(var, access_data)

    def _fetch(self, recording: Recording, var: Any) -> None:
        """Append the rows that wait for a variable."""
        try:
            with self.times.fetch():
                recording.hand_over()
        except MemoryError as error:
            if Network._globally_running:
                raise
            # after a run that failed: what can be had is better than nothing
            logger.warn(str(error), "no_memory")
        if not recording.is_busy:
            self.processes.show(var)

    def set_value(self, var: Any, value: Any) -> None:
        self.before_change(var)
        self.watch.asked_for(var)
        super().set_value(var, value)

    def init_with_zeros(self, var: Any, dtype: Any) -> None:
        self.before_access(var)
        super().init_with_zeros(var, dtype)

    def init_with_arange(self, var: Any, start: int, dtype: Any) -> None:
        self.before_access(var)
        super().init_with_arange(var, start, dtype)

    def resize(self, var: Any, new_size: Any) -> None:
        self.watch.resized(var, self.raw(var), new_size)
        self.before_change(var)
        super().resize(var, new_size)

    def resize_along_first(self, var: Any, new_size: Any) -> None:
        self.watch.resized(var, self.raw(var), new_size)
        self.before_change(var)
        super().resize_along_first(var, new_size)
