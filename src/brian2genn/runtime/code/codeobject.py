"""What Brian gets in place of its own code object for code of the time loop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import numpy as np

from ...frontend.recorded import RecordedCode
from ..memory.pickling import MadeAnew
from .depth import as_deep_as_needed


class LoopCodeObject(MadeAnew):
    """Recorded code that the device compiles with the whole network.

    Brian's own version of the code is made only if it is called, which happens
    for objects that the compiler could not take.

    Parameters
    ----------
    recorded : RecordedCode
    brian_version : callable
        Returns Brian's own code object for the same code.
    only_reading : callable
        Returns a context within which arrays are asked for only to be read.
    before_call : callable
        Makes current what Brian's code reads, and lets it change what it writes.
    """

    class_name = "genn"

    def __init__(
        self,
        recorded: RecordedCode,
        brian_version: Callable[[], Any],
        only_reading: Callable[[], AbstractContextManager[None]],
        before_call: Callable[[LoopCodeObject], None],
    ) -> None:
        # not a Nameable: its name stays free for Brian's own version
        self.name = recorded.name
        self.recorded = recorded
        self.owner = recorded.owner
        self.template_name = recorded.template
        self.variables = recorded.variables
        self.variable_indices = recorded.variable_indices
        self._make_brian_version = brian_version
        self._only_reading = only_reading
        self._before_call = before_call
        #: what it was made of, to find out whether it would be made the same again
        self.made_of: object = None

    @cached_property
    def brian_version(self) -> Any:
        """Brian's own code object."""
        return as_deep_as_needed(self._make_brian_version)

    @property
    def has_brian_version(self) -> bool:
        """Whether Brian's own code object was made."""
        return "brian_version" in self.__dict__

    @property
    def prepares_runs(self) -> bool:
        """Whether `before_run` does anything."""
        return self.template_name in ("synapses_push_spikes", "spatialstateupdate")

    @property
    def follows_runs(self) -> bool:
        """Whether `after_run` does anything."""
        return self.template_name == "threshold"

    def before_run(self) -> None:
        """What Brian's code objects do before the first time step."""
        if self.template_name == "synapses_push_spikes":
            try:
                with self._only_reading():
                    self.owner.initialise_queue()
            except MemoryError as error:
                with self._only_reading():
                    longest = float(np.max(self.owner._delays.get_value(), initial=0.0))
                raise MemoryError(
                    f"There is no memory for the spike queue of '{self.owner.name}', which has a"
                    f" place for every time step of the longest delay, {longest:g} s. Choose"
                    " shorter delays, or a larger dt."
                ) from error
            except Exception:
                # fails too, but says so as Brian does
                self.brian_version.before_run()
                raise
        elif self.template_name == "spatialstateupdate":
            self.brian_version.before_run()

    def __call__(self, **kwds: Any) -> Any:
        self._before_call(self)
        return self.brian_version(**kwds)

    def after_run(self) -> None:
        """What Brian's code objects do after the last time step."""
        if self.follows_runs:
            # events are those of the present time step only
            self.recorded.template_kwds["eventspace_variable"].get_value()[-1] = 0
