"""Recorded values on their way from a program to Brian's monitors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakValueDictionary

import numpy as np

from ...backends.interface import Borrower, Recorder
from ...frontend.builder import RecorderPlan
from ..memory.arrays import GrowingArray
from ..memory.pickling import nothing

#: Rows are handed over during a run when they take more memory than this.
_HAND_OVER_BYTES = 64 * 1024 * 1024

#: A column is written where the monitor will have it if a run makes so much of it, or more.
_LENT_BYTES = 1024 * 1024

#: Where a monitor keeps its recording.
_ATTRIBUTE = "_genn_recording"


class Turns:
    """Keeps a program and those who fetch what it has recorded apart, in whatever threads they are.

    Made in the thread of the program.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._home = threading.get_ident()
        self._awaited = False

    def begin(self) -> None:
        """The program is about to run; `end` has to follow."""
        self._lock.acquire()

    def end(self) -> None:
        """The program has returned."""
        self._lock.release()
        if self._awaited:
            self._awaited = False
            time.sleep(0.001)  # a lock alone would come back to this thread at once

    @contextmanager
    def for_rows(self) -> Iterator[None]:
        """While rows are fetched."""
        self._awaited = self._awaited or threading.get_ident() != self._home
        with self._lock:
            yield


class Recording:
    """One monitor's recorder and the Brian variables that its rows belong to.

    It stays with the monitor until it is closed, so that rows are there after a run that was cut
    short anywhere, for as long as the monitor is.
    """

    def __init__(self, plan: RecorderPlan, recorder: Recorder, turns: Turns) -> None:
        self.plan = plan
        self._turns = turns
        self.recorder = recorder
        self._busy = False
        self._before: int | None = None
        #: how many rows will come in this run, if that is known
        self._expected = 0
        vars(plan.monitor)[_ATTRIBUTE] = self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return nothing, ()  # a copy of the monitor has the rows

    @property
    def is_busy(self) -> bool:
        """Whether rows are being handed over."""
        return self._busy

    def variables(self) -> list[Any]:
        """The Brian variables that are not up to date while rows wait."""
        return [self.plan.counter, *self.plan.columns.values()]

    def expect(self, rows: int) -> None:
        """Let the program write what will come where the monitor will have it, if it is much.

        Parameters
        ----------
        rows : int
            How many will come if nobody stops the run.
        """
        self._expected = rows
        self._lend()

    def _lend(self) -> None:
        recorder = self.recorder
        if not isinstance(recorder, Borrower) or recorder.rows:
            return
        for number, (name, variable) in enumerate(self.plan.ordered()):
            array = _array_of(variable)
            row = () if name in self.plan.single else (self.plan.width,)
            size = self._expected * array.dtype.itemsize * (row[0] if row else 1)
            if size < _LENT_BYTES or array.shape[1:] != row:
                continue
            try:
                recorder.lend(number, array.room(self._expected))
            except (MemoryError, ValueError):
                continue  # the run may be stopped long before it has made so much

    def hand_over(self) -> None:
        """Append all waiting rows to the monitor's variables.

        Interrupted anywhere, it can be called again.

        Raises
        ------
        MemoryError
            Rows then remain where they are, and the variables as they were.
        """
        with self._turns.for_rows():
            if not self._busy:
                self._hand_over()

    def _hand_over(self) -> None:
        rows = self.recorder.rows
        if rows == 0:
            self._before = None
            return
        self._busy = True  # the variables are read and resized below
        try:
            if self._before is None:
                self._before = int(np.asarray(self.plan.counter.get_value()).item())
            before = self._before
            columns = [variable for _, variable in self.plan.ordered()]
            there = {n for n, variable in enumerate(columns) if self._is_there(n, variable, before)}
            try:
                for number, variable in enumerate(columns):
                    if number not in there:
                        values = self.recorder.column(number)
                        self._resize(variable, before + rows)
                        values = values[:, 0] if variable.ndim == 1 else values
                        variable.get_value()[before:] = values
                # at last: this needs no memory
                for number in there:
                    self._resize(columns[number], before + rows)
            except MemoryError as error:
                for variable in self.plan.columns.values():
                    if len(variable.get_value()) > before:
                        self._resize(variable, before)
                raise MemoryError(
                    f"There is no memory left to append the last {rows} rows"
                    f" ({self.recorder.nbytes() >> 20} MB) to what '{self.plan.monitor.name}' has"
                    " recorded. They are kept apart, and will be appended when the monitor is"
                    " used and there is memory: delete what is not needed any more. To record"
                    " less, choose fewer elements or a larger dt for the monitor."
                ) from error
            self.plan.counter.set_value(before + rows)
            self.recorder.clear()
            self._before = None
            self._expected = max(self._expected - rows, 0)
            self._lend()
        finally:
            self._busy = False

    def _is_there(self, number: int, variable: Any, before: int) -> bool:
        """Whether the program has written a column's rows where the variable will have them."""
        if not isinstance(self.recorder, Borrower):
            return False
        memory = self.recorder.borrowed(number)
        return memory is not None and _array_of(variable).is_room(memory, before)

    def _resize(self, variable: Any, rows: int) -> None:
        variable.resize(rows if variable.ndim == 1 else (rows, self.plan.width))

    def hand_over_if_large(self) -> None:
        """Append the waiting rows if they take much memory."""
        if self.recorder.nbytes() > _HAND_OVER_BYTES:
            self.hand_over()

    def make_way(self) -> None:
        """Let somebody else change the variables: rows that wait come first, later ones behind."""
        if self._busy:
            return
        self.hand_over()
        self.recorder.clear()  # nothing waits: takes back what is lent

    def discard(self) -> None:
        """Forget the rows that wait."""
        if isinstance(self.recorder, Borrower):
            for number in range(len(self.plan.columns)):
                memory = self.recorder.borrowed(number)
                if memory is not None:
                    memory[: self.recorder.rows] = 0  # what arrays have room for is zero
        self.recorder.clear()

    def close(self) -> None:
        """Hand over what waits, and part from the monitor."""
        self._expected = 0
        self.hand_over()
        vars(self.plan.monitor).pop(_ATTRIBUTE, None)


class Recordings(WeakValueDictionary[int, Recording]):
    """The recordings that there are, by the identity of a variable."""

    def of(self, variable: Any) -> Recording | None:
        """That of a variable; None if no rows of it can wait."""
        # `get` raises and catches an error where there is none
        found = self.data.get(id(variable))  # type: ignore[attr-defined]  # of the base class
        return None if found is None else found()


class RecordingDevice(Protocol):
    """A device whose monitors' rows may wait."""

    recordings: Recordings


@contextmanager
def left_behind(device: RecordingDevice, objects: Iterable[Any]) -> Iterator[None]:
    """Within this, objects are given another state; rows that wait for them are of the old one.

    Parameters
    ----------
    device : RecordingDevice
    objects : iterable
        What is restored.
    """
    aside, device.recordings = device.recordings, Recordings()
    try:
        yield
        restored = {id(obj) for obj in objects}
        for recording in set(aside.values()):
            if id(recording.plan.monitor) in restored:
                recording.discard()
    finally:
        device.recordings = aside


def close_all(recordings: Iterable[Recording]) -> None:
    """Close recordings; those whose rows cannot be handed over stay with their monitors.

    Raises
    ------
    MemoryError
        The first that came up; all recordings have been tried.
    """
    failure = None
    for recording in recordings:
        try:
            recording.close()
        except MemoryError as error:
            failure = failure or error
    if failure is not None:
        raise failure


def _array_of(variable: Any) -> GrowingArray:
    array: GrowingArray = variable.device.arrays[variable]
    return array


def columns_of(plan: RecorderPlan) -> list[tuple[np.dtype, int]]:
    """Element type and number of elements in a row, for every column."""
    return [
        (np.dtype(variable.dtype), 1 if name in plan.single else plan.width)
        for name, variable in plan.ordered()
    ]
