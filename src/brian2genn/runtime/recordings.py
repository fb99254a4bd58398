"""Recorded values on their way from a program to Brian's monitors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends.interface import Recorder
from ..frontend.builder import RecorderPlan

#: Rows are handed over during a run when they take more memory than this.
_HAND_OVER_BYTES = 64 * 1024 * 1024


class Recording:
    """One monitor's recorder and the Brian variables that its rows belong to."""

    def __init__(self, plan: RecorderPlan, recorder: Recorder) -> None:
        self.plan = plan
        self.recorder = recorder
        self._busy = False

    def variables(self) -> list[Any]:
        """The Brian variables that are not up to date while rows wait."""
        return [self.plan.counter, *self.plan.columns.values()]

    def hand_over(self) -> None:
        """Append all waiting rows to the monitor's variables.

        Raises
        ------
        MemoryError
            Rows then remain where they are.
        """
        rows = self.recorder.rows
        if rows == 0 or self._busy:
            return
        self._busy = True  # the variables are read and resized below
        try:
            before = int(np.asarray(self.plan.counter.get_value()).item())
            for number, (_, variable) in enumerate(self.plan.ordered()):
                values = self.recorder.column(number)
                if variable.ndim == 1:
                    variable.resize(before + rows)
                    variable.get_value()[before:] = values[:, 0]
                else:
                    variable.resize((before + rows, values.shape[1]))
                    variable.get_value()[before:] = values
            self.plan.counter.set_value(before + rows)
            self.recorder.clear()
        finally:
            self._busy = False

    def hand_over_if_large(self) -> None:
        """Append the waiting rows if they take much memory."""
        if self.recorder.nbytes() > _HAND_OVER_BYTES:
            self.hand_over()


def columns_of(plan: RecorderPlan) -> list[tuple[np.dtype, int]]:
    """Element type and number of elements in a row, for every column."""
    return [
        (np.dtype(variable.dtype), 1 if name in plan.single else plan.width)
        for name, variable in plan.ordered()
    ]
