"""What GeNN has recorded, as the rows of Brian's monitors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .instance import Instance
from .layout import EventPlan, Layout, RatePlan, StatePlan
from .recorder import MixedRecorder
from .replay import LiveModel


class Recording:
    """Takes what was recorded from GeNN.

    Parameters
    ----------
    instance : Instance
    layout : Layout
    live : LiveModel
    recorders : sequence of MixedRecorder
    """

    def __init__(
        self,
        instance: Instance,
        layout: Layout,
        live: LiveModel,
        recorders: Sequence[MixedRecorder],
    ) -> None:
        self._instance = instance
        self._layout = layout
        self._live = live
        self._recorders = recorders
        # all events are needed between runs: they are in flight, or the last ones
        self._longest = max(layout.longest.values(), default=0) + 1
        self._events: dict[str, dict[int, np.ndarray]] = {}
        self._start = 0

    def begin(self, start: int) -> None:
        """Begin with the time step `start`."""
        self._start = start
        self._events = {events: {} for events in self._layout.flags}

    def events_at(self, events: str, step: int) -> np.ndarray:
        """The neurons that had these events in a time step."""
        return self._events[events].get(step, np.empty(0, dtype=np.int32))

    def collect(self, first: int, stop: int) -> None:
        """Take what was recorded in the time steps from `first` on."""
        live, slots = self._live, self._layout.slots
        if any(p.records_spikes for p in self._layout.description.populations):
            live.model.pull_recording_buffers_from_device()
        numbers = np.arange(first, stop)
        for events, flag in self._layout.flags.items():
            if flag.recorded:
                rows = live.get_extra(flag.population, flag.recorded)[numbers % slots]
                found = [np.nonzero(row)[0].astype(np.int32) for row in rows]
            else:
                spikes = live.spikes(flag.population, first, stop)
                found = [neurons.astype(np.int32) for neurons in spikes]
            own = self._events[events]
            own.update(zip(numbers.tolist(), found, strict=True))
            for step in [step for step in own if step < first - self._longest]:
                del own[step]
        for state in self._layout.states:
            self._states(state, first, stop)
        for event in self._layout.events:
            self._event_rows(event, first, stop)
        for rate in self._layout.rates:
            self._rates(rate, first, stop)

    def _steps(self, clock: int, first: int, stop: int, *, late: bool) -> np.ndarray:
        """Brian's time steps of a clock that GeNN has recorded in its own from `first` on."""
        if late:  # the last one is still to come, beside GeNN
            first, stop = max(first - 1, self._start), stop - 1
        ratio = self._instance.ratio(clock) or 1
        steps = np.arange(first, stop)
        return steps[steps % ratio == 0]

    def _times(self, clock: int, steps: np.ndarray) -> np.ndarray:
        ratio = self._instance.ratio(clock) or 1
        return np.asarray((steps // ratio) * float(self._instance.clocks[clock].dt or 0.0))

    def _states(self, plan: StatePlan, first: int, stop: int) -> None:
        steps = self._steps(plan.step.clock, first, stop, late=plan.late)
        columns = [self._times(plan.step.clock, steps)]
        for name in plan.columns:
            rows = self._live.get_extra(plan.population, name)[steps % self._layout.slots]
            columns.append(rows[:, plan.inverse])
        self._recorders[plan.step.recorder].append(len(steps), columns)

    def _event_rows(self, plan: EventPlan, first: int, stop: int) -> None:
        step = plan.step
        params = self._instance.params
        low, high = int(params[step.start]), int(params[step.stop])
        times, neurons = [], []
        for number in self._steps(step.clock, first, stop, late=False).tolist():
            found = self.events_at(step.events, number)
            found = found[(found >= low) & (found < high)]
            times.append(np.full(found.shape, number, dtype=np.int64))
            neurons.append(found.astype(np.int64))
        numbers = np.concatenate([np.empty(0, dtype=np.int64), *times])
        who = np.concatenate([np.empty(0, dtype=np.int64), *neurons])
        columns = []
        for name in plan.columns:
            if name == "i":
                columns.append(who)
            elif name == "t":
                columns.append(self._times(step.clock, numbers))
            else:
                rows = self._live.get_extra(plan.population, name)
                columns.append(rows[numbers % self._layout.slots, who])
        self._recorders[step.recorder].append(len(who), columns)
        count = self._instance.arrays[step.count]
        count += np.bincount(who - low, minlength=len(count)).astype(count.dtype)

    def _rates(self, plan: RatePlan, first: int, stop: int) -> None:
        step = plan.step
        params = self._instance.params
        low, high = int(params[step.start]), int(params[step.stop])
        steps = self._steps(step.clock, first, stop, late=plan.late)
        counts = [
            np.count_nonzero((found >= low) & (found < high))
            for found in (self.events_at(step.events, number) for number in steps.tolist())
        ]
        dt = float(self._instance.arrays[step.dt].flat[0])
        rates = np.array(counts, dtype=np.float64) / dt / float(params[step.size])
        times = self._times(step.clock, steps)
        self._recorders[step.recorder].append(len(steps), [times, rates])
