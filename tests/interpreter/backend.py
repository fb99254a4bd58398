"""A backend that executes the model, step by step, with NumPy.

It has no compiler and no layouts, and applies the passes of the processor. Elements are executed
all at once where that is the same to the last bit, else one after the other. What it does not know
(users' C++, binomial and Poisson numbers, cables) it leaves to Brian.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from brian2genn.backends.binding import Needs, not_bound
from brian2genn.backends.host.memory import HostMemory
from brian2genn.backends.host.queue import SpikeQueue
from brian2genn.backends.interface import Bound, Outcome
from brian2genn.model import network as model
from brian2genn.model.compiling import CompilerArguments
from brian2genn.model.kernel import Kernel
from brian2genn.transforms.pipeline import FOR_A_PROCESSOR, lower
from brian2genn.transforms.scatter import separate_additions, why_ordered
from tests.interpreter.values import Values


def _separate_exactly(kernel: Kernel) -> None:
    """Separate additions, if a sum stays the one operation that it is."""
    before = kernel.stores
    separate_additions(kernel)
    for old, new in zip(before, kernel.stores, strict=True):
        if new.add and not (old.value.op == "add" and new.value in old.value.args):
            kernel.stores = before


class InterpreterBackend(HostMemory):
    """Executes networks with NumPy; the argument is there to take another backend's place."""

    name = "numpy"
    has_own_memory = False
    needs_c_compiler = True
    queue_type = SpikeQueue

    def __init__(self, threads: object = None) -> None:
        pass

    def refuse(
        self, steps: Sequence[model.Step], user_code: Sequence[str], arguments: CompilerArguments
    ) -> str | None:
        """Why Brian has to run these steps."""
        if user_code:
            return "it calls C++, and there is no compiler"
        sites = [site for s in steps for k in s.kernels() for site in k.attributes("random")]
        if any(site.kind not in ("rand", "randn") for site in sites):
            return "it draws numbers of a kind that is not known"
        return "it is a cable" if any(isinstance(step, model.Cable) for step in steps) else None

    def build(self, network: model.Network, *, profile: bool) -> InterpreterProgram:
        """Nothing is compiled."""
        lower(network, FOR_A_PROCESSOR)
        return InterpreterProgram(network)

    def queue(self, source_start: int, source_stop: int) -> SpikeQueue:
        """A spike queue."""
        return SpikeQueue(source_start, source_stop)


class ListRecorder:
    """Rows as lists of arrays, column by column."""

    def __init__(self, columns: Sequence[tuple[np.dtype, int]]) -> None:
        self._columns = columns
        self.clear()

    def append(self, rows: int, *values: Any) -> None:
        """Add rows: for each column an array of shape (rows,) or (rows, width)."""
        for parts, (dtype, width), value in zip(self._parts, self._columns, values, strict=True):
            parts.append(np.array(value, dtype=dtype).reshape(rows, width))
        self.rows += rows

    def nbytes(self) -> int:
        """How much memory the rows take."""
        return self.rows * sum(dtype.itemsize * width for dtype, width in self._columns)

    def column(self, number: int) -> np.ndarray:
        """One column, shape (rows, width)."""
        dtype, width = self._columns[number]
        return np.concatenate([np.empty((0, width), dtype), *self._parts[number]])

    def clear(self) -> None:
        """Forget all rows."""
        self.rows = 0
        self._parts: list[list[np.ndarray]] = [[] for _ in self._columns]


class InterpreterProgram:
    """A network, executed step by step."""

    within_step = False

    def __init__(self, network: model.Network) -> None:
        network = network.copied()
        for kernel in network.kernels():
            _separate_exactly(kernel)
        self._network = network
        self._needs = Needs.of(network)
        self._bound: Any = None
        self._native = [step for step in network.steps if not isinstance(step, model.Host)]
        self.owners = [step.owner for step in self._native]
        self.schedule: list[tuple[str, int]] = []
        self._blocks: list[list[model.Step]] = []
        for step in network.steps:
            if isinstance(step, model.Host):
                self.schedule.append(("host", step.number))
                continue
            if not self.schedule or self.schedule[-1][0] == "host":
                self.schedule.append(("block", len(self._blocks)))
                self._blocks.append([])
            self._blocks[-1].append(step)
        self._hosts = {step.clock for step in network.steps if isinstance(step, model.Host)}
        drawing = [kernel.name for kernel in network.kernels() if kernel.attributes("random")]
        #: streams are numbered by the kernels that draw, in the order of the schedule
        self._streams = {name: number for number, name in enumerate(drawing, start=1)}

    def notes(self) -> list[str]:
        """Nothing to tell."""
        return []

    def unbound(self) -> InterpreterProgram:
        """The same program, not connected to any memory."""
        other = copy.copy(self)
        other._bound = None
        return other

    def bind(self, bound: Bound) -> list[ListRecorder]:
        """Connect the program to what a run works with."""
        self._take(self._needs.check(bound))
        self._bound = bound
        self.random_key, self.random_step = bound.key, bound.step
        self.seconds = np.zeros(len(self._native))
        self._active = [False] * len(bound.clocks)
        self._recorders = [ListRecorder(columns) for columns in bound.columns]
        return self._recorders

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew."""
        self._take(self._needs.take(arrays))

    def _take(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = {name: np.atleast_1d(array) for name, array in arrays.items()}

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self.random_key, self.random_step = key, step

    def finish(self) -> None:
        """Everything is the host's."""

    # -- time ------------------------------------------------------------------
    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time, but at least one."""
        if self._bound is None:
            raise not_bound()
        until = time.monotonic() + seconds
        while self._begin_step():
            if any(self._active[clock] for clock in self._hosts):
                return Outcome.HOST_IS_NEXT
            for number in range(len(self._blocks)):
                self.block(number)
            self.end_step()
            if time.monotonic() > until:
                return Outcome.TIME_USED
        return Outcome.FINISHED

    def _begin_step(self) -> bool:
        """Find the clocks that tick now; whether the run goes on."""
        clocks = self._bound.clocks
        first = min(clocks, key=lambda clock: float(clock.t[0]))
        if first.timestep[0] >= first.end:
            return False
        for number, clock in enumerate(clocks):
            distance = abs(clock.t[0] - first.t[0])
            dt = min((c.dt for c in (clock, first) if c.dt is not None), default=None)
            near = distance < 1e-14 if dt is None else distance / dt < 1e-4
            self._active[number] = bool(distance == 0 or near)
        return True

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        return self._active[clock]

    def end_step(self) -> None:
        """The clocks that have ticked go on."""
        for clock, active in zip(self._bound.clocks, self._active, strict=True):
            if active:
                clock.timestep[0] += 1
                step = int(clock.timestep[0])
                clock.t[0] = step * clock.dt if clock.times is None else clock.times[step]
        self.random_step += 1

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        with np.errstate(all="ignore"):
            for step in self._blocks[number]:
                if self._active[step.clock]:
                    began = time.monotonic()
                    getattr(self, f"_{type(step).__name__.lower()}")(step)
                    self.seconds[self._native.index(step)] += time.monotonic() - began

    # -- kernels ---------------------------------------------------------------
    def _values(self, kernel: Kernel, elements: np.ndarray) -> Values:
        return Values(
            kernel, self._arrays, self._bound.params, elements,
            self.random_key, self._streams.get(kernel.name, 0), self.random_step,
        )  # fmt: skip

    def _execute(self, kernel: Kernel, elements: Iterable[int]) -> None:
        """Execute a kernel for elements, one after the other if that makes a difference."""
        elements = np.asarray(elements, dtype=np.int64)
        apart = why_ordered(kernel) is None and len(np.unique(elements)) == len(elements)
        for some in [elements] if apart or not len(elements) else elements[:, np.newaxis]:
            values = self._values(kernel, some)
            stores = [*kernel.shared_stores, *kernel.stores]
            new = [values.of(store.value) for store in stores]
            places = [values.place(kernel.accesses[store.name]) for store in stores]
            for store, value, place in zip(stores, new, places, strict=True):
                array = self._arrays[kernel.accesses[store.name].array]
                if store.add:
                    np.add.at(array, place, value.astype(array.dtype))
                else:
                    array[place] = value

    def _all(self, size: str) -> np.ndarray:
        return np.arange(int(self._bound.params[size]))

    def _events(self, name: str) -> np.ndarray:
        space = self._arrays[name]
        return space[: space[-1]].copy()

    # -- steps -----------------------------------------------------------------
    def _update(self, step: model.Update) -> None:
        self._execute(step.kernel, self._all(step.size))

    def _threshold(self, step: model.Threshold) -> None:
        elements = self._all(step.size)
        condition = self._values(step.kernel, elements).of(step.kernel.outputs["_cond"])
        self._execute(step.kernel, elements)
        events = np.flatnonzero(np.broadcast_to(condition, elements.shape))
        space = self._arrays[step.events]
        space[: len(events)], space[-1] = events, len(events)
        if step.refractoriness is not None:
            self._arrays[step.refractoriness.not_refractory][events] = False
            now = self._arrays[step.refractoriness.time][0]
            self._arrays[step.refractoriness.lastspike][events] = now

    def _onevents(self, step: model.OnEvents) -> None:
        self._execute(step.kernel, self._events(step.events))

    def _push(self, step: model.Push) -> None:
        self._bound.queues[step.queue].push(self._events(step.events))

    def _deliver(self, step: model.Deliver) -> None:
        queue = self._bound.queues[step.queue]
        self._execute(step.kernel, queue.peek())
        queue.advance()

    def _sum(self, step: model.Sum) -> None:
        start, n = (int(self._bound.params[name]) for name in (step.start, step.target_size))
        target, elements = self._arrays[step.target], self._all(step.size)
        target[start : start + n] = 0
        value = self._values(step.kernel, elements).of(step.kernel.outputs["_synaptic_var"])
        np.add.at(target, self._arrays[step.index][elements], value.astype(target.dtype))

    def _recordevents(self, step: model.RecordEvents) -> None:
        start, stop = (int(self._bound.params[name]) for name in (step.start, step.stop))
        events = self._events(step.events)
        events = events[(events >= start) & (events < stop)]
        np.add.at(self._arrays[step.count], events - start, 1)
        values = self._values(step.kernel, events)
        columns = [values.of(step.kernel.outputs[column.output]) for column in step.columns]
        recorder = self._recorders[step.recorder]
        recorder.append(len(events), *(np.broadcast_to(c, events.shape) for c in columns))

    def _recordstate(self, step: model.RecordState) -> None:
        indices = self._arrays[step.indices]
        values = self._values(step.kernel, indices)
        columns = [values.of(step.kernel.outputs[column.output]) for column in step.columns]
        rows = (np.broadcast_to(column, (1, len(indices))) for column in columns)
        recorder = self._recorders[step.recorder]
        recorder.append(1, self._arrays[step.time][:1], *rows)

    def _recordrate(self, step: model.RecordRate) -> None:
        start, stop, size = (int(self._bound.params[n]) for n in (step.start, step.stop, step.size))
        events = self._events(step.events)
        count = np.count_nonzero((events >= start) & (events < stop))
        rate = count / self._arrays[step.dt][0] / float(size)
        self._recorders[step.recorder].append(1, self._arrays[step.time][:1], [rate])

    def _emitspikes(self, step: model.EmitSpikes) -> None:
        bins, last = self._arrays[step.timebins], self._arrays[step.lastindex]
        now, period = int(self._arrays[step.timestep][0]), int(self._arrays[step.period][0])
        if period > 0:
            now %= period
            if last[0] > 0 and bins[last[0] - 1] >= now:
                last[0] = 0
        due = self._arrays[step.neurons][last[0] : np.searchsorted(bins, now, side="right")]
        space = self._arrays[step.events]
        if len(due) > len(space) - 1:
            raise ValueError("there are more spikes for one time step than neurons")
        space[: len(due)], space[-1] = due, len(due)
        last[0] += len(due)
