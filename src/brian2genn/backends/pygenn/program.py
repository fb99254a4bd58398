"""A network that GeNN runs, and its connection to Brian's memory."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...model.names import Names
from ...model.network import Host, Network
from ...transforms.pipeline import FOR_GENN, lower
from ..binding import Needs, not_bound
from ..interface import Bound, ClockState, Outcome
from .companion import Companion, Part, parts_of
from .description import SynapsePopulation
from .exchange import Exchange, GennMemory
from .generators import Generators
from .instance import Instance
from .layout import Layout
from .neurons import FIRST, FULL, REPLAY, replayed_name
from .queue import GennQueue, history
from .recorder import MixedRecorder
from .recording import Recording
from .replay import LiveModel
from .translate import translate

#: From a layout and initial values to a model that is loaded.
Build = Callable[[Layout, Mapping[tuple[str, str], np.ndarray]], LiveModel]


class PygennProgram:
    """A network as a GeNN model.

    Whenever `run` returns, Brian's memory is as Brian has it after a whole time step, or at the
    place in a time step where an object of Brian's comes; what is newer in GeNN is fetched when
    somebody asks for it, and at the end of a run.

    Parameters
    ----------
    network : Network
        Verified, as translated from the script.
    build : callable
        Builds a GeNN model, or finds one that is the same.
    memory : GennMemory
    """

    def __init__(self, network: Network, build: Build, memory: GennMemory) -> None:
        self._original = network
        self._needs = Needs.of(network)
        self._build = build
        self._memory = memory
        self.schedule: list[tuple[str, int]] = []
        self.owners: list[str] = []
        self.seconds = np.zeros(0)
        self._clear()

    def _clear(self) -> None:
        self._names = Names()
        self._clocks: list[ClockState] = []
        self._queues: list[GennQueue] = []
        self._recorders: list[MixedRecorder] = []
        self._bound: Bound | None = None
        self._companion: Companion | None = None
        #: whether the rest of the run has to be executed beside GeNN: sizes have changed
        self._genn_is_left = False
        #: time steps that were executed by GeNN, and beside it
        self.steps_on_genn = self.steps_beside = 0

    def unbound(self) -> PygennProgram:
        """The same program, not connected to any memory."""
        other = copy.copy(self)
        other._clear()
        return other

    def notes(self) -> list[str]:
        """What GeNN executes and what it does not, for people."""
        lines = [
            f"GeNN's backend is {self._live.model.backend_name}; it executed {self.steps_on_genn}"
            f" time steps of the last run, and {self.steps_beside} were executed on the processor."
        ]
        if self._profile:
            lines.append(
                "GeNN does not tell how long single objects take: what profiling shows is the time"
                " that they took beside it."
            )
        for part in Part:
            whys = [f.why for f in self._layout.forced if self._parts[id(f.step)] is part]
            if whys and part is Part.BODY:
                whole = "; ".join(whys)
                lines.append(f"Time steps are executed on the processor in which {whole}.")
            elif whys:
                when = "before" if part is Part.PROLOGUE else "after"
                lines.append(
                    f"GeNN stops {when} time steps in which {'; '.join(whys)}; only values that"
                    " this needs are copied."
                )
        if self._genn_is_left:
            lines.append(
                "GeNN's network has the sizes that it was made with: after synapses were added"
                " during the run, the rest of it was executed on the processor."
            )
        return lines

    # -- binding ---------------------------------------------------------------
    def bind(self, bound: Bound) -> list[MixedRecorder]:
        """Connect the program to what a run works with, and have GeNN build it.

        Raises
        ------
        RefusedNetwork
            With what GeNN cannot do; nothing has been built then.
        TypeError
            With what is missing, of another type, or too much.
        ValueError
            With an array that is too short.
        """
        self._arrays = self._needs.check(bound)
        self._bound = bound
        self._names, self._params = bound.names, dict(bound.params)
        self._clocks, self._queues = list(bound.clocks), list(bound.queues)
        self._recorders = [MixedRecorder(own) for own in bound.columns]
        self._prepare(bound)
        return self._recorders

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew: Brian variables, or arrays of the program's own."""
        assert self._companion is not None
        given = self._needs.take(arrays)
        self._companion.program.move(arrays)
        if any(given[name].shape != array.shape for name, array in self._arrays.items()):
            self._genn_is_left = True
            self._memory.activate(None)
        self._arrays.update(given)  # everybody has the mapping

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        assert self._companion is not None
        self._companion.program.seed(key, step)

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        assert self._bound is not None
        if self._companion is None:
            return self._bound.key
        return self._companion.program.random_key

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        assert self._bound is not None
        if self._companion is None:
            return self._bound.step
        return self._companion.program.random_step

    # -- before a run --------------------------------------------------------------
    def _prepare(self, bound: Bound) -> None:
        """Translate the network with all that is bound, and have GeNN build it."""
        self._profile = bound.profile
        network = self._original.copied()
        lower(network, FOR_GENN)
        instance = Instance(
            network, self._arrays, self._params, self._queues, self._clocks, self._names
        )
        self._instance = instance
        self._memory.activate(None)
        self._layout, rotation = translate(instance, self._seed(), fixed=bound.seeded)
        self._live = self._build(self._layout, initial_values(self._layout, instance))
        pending = set(map(id, rotation.pending()))
        forced = {id(forced.step) for forced in self._layout.forced}
        parts = parts_of(network.steps, pending, forced)
        #: the clocks of what is done beside GeNN, and of those that Brian runs
        self._beside: dict[Part, set[int]] = {part: set() for part in Part}
        self._hosts: dict[Part, set[int]] = {part: set() for part in Part}
        self._parts = {id(s): part for part, s in zip(parts, network.steps, strict=True)}
        for part, step in zip(parts, network.steps, strict=True):
            if id(step) in forced:
                self._beside[part].add(step.clock)
                if isinstance(step, Host):
                    self._hosts[part].add(step.clock)
        self._companion = Companion(
            self._original.copied(),
            instance,
            parts,
            bound,
            self._recorders,
        )
        self.schedule = self._companion.whole
        self.owners = self._companion.program.owners
        # GeNN does not tell how long its steps take: these are the times beside it
        self.seconds = self._companion.program.seconds
        self._generators = Generators(instance, self._layout, self._live)
        self._recording = Recording(instance, self._layout, self._live, self._recorders)
        self._exchange = Exchange(
            self._layout,
            self._live,
            self._arrays,
            bound.arrays,
            self._params,
        )
        #: the time step before which events of the past are known, and these; GeNN has them in its
        #: own memory as well if it was left there
        self._known_past: tuple[tuple[int, ...], dict[str, list[np.ndarray]]] | None = None
        self._genn_has_past = False
        #: the time step whose prologue has been done
        self._opened = -1
        #: the part of a time step that Brian's objects are in
        self._part = Part.BODY

    def _seed(self) -> int:
        """A seed for GeNN's random numbers, another one for every run."""
        words = f"{self.random_key} {self.random_step}".encode()
        return int.from_bytes(hashlib.sha256(words).digest()[:4], "little") % (2**31 - 1) + 1

    # -- running -------------------------------------------------------------------
    @property
    def _step(self) -> int:
        return int(self._clocks[self._instance.base].timestep[0])

    def _next(self, part: Part, step: int) -> int:
        """The first time step from `step` on with something to do beside GeNN in this part."""
        ticks = [np.iinfo(np.int64).max]
        for clock in self._beside[part]:
            ratio = self._instance.ratio(clock) or 1
            ticks.append(-(-step // ratio) * ratio)
        return int(min(ticks))

    def _brian_comes(self, part: Part, step: int) -> bool:
        """Whether Brian runs something in this part of a time step."""
        return any(step % (self._instance.ratio(clock) or 1) == 0 for clock in self._hosts[part])

    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time.

        A time step that Brian has begun is finished even without any time.
        """
        if self._companion is None:
            raise not_bound()
        until = time.monotonic() + seconds
        end = int(self._clocks[self._instance.base].end)
        while (step := self._step) < end:
            past = None
            if not self._genn_is_left and self._next(Part.BODY, step) != step:
                past = self._past(step)
            if past is None:
                outcome = self._step_beside(step)
            elif self._next(Part.PROLOGUE, step) == step != self._opened:
                outcome = self._open(step)
            else:
                next_step = min(self._next(part, step + 1) for part in (Part.PROLOGUE, Part.BODY))
                stop = min(next_step, self._next(Part.EPILOGUE, step) + 1, end)
                if seconds <= 0:
                    stop = step + 1
                outcome = self._stretch(step, stop, past, until)
            if outcome is not None:
                return outcome
            if time.monotonic() > until:
                self._memory.exchange_kept()
                return Outcome.TIME_USED
        self._companion.begin()
        return Outcome.FINISHED

    def _step_beside(self, step: int) -> Outcome | None:
        """Execute a whole time step beside GeNN."""
        assert self._companion is not None
        self._companion.begin()
        self._exchange.pull_all()
        self._exchange.changed_here(self._companion.written)
        self._genn_has_past = False
        self.steps_beside += 1
        entries = self._companion.whole
        if self._opened == step:
            entries = entries[len(self._companion.prologue) :]
        self._opened = -1
        if any(self._brian_comes(part, step) for part in Part):
            return self._let_brian(Part.BODY, entries)
        self._companion.blocks(entries)
        self._companion.program.end_step()
        return None

    def _open(self, step: int) -> Outcome | None:
        """Do what comes before anything of GeNN's in a time step."""
        assert self._companion is not None
        self._companion.begin()
        self._exchange.pull(self._companion.prologue_reads)
        self._opened = step
        if self._brian_comes(Part.PROLOGUE, step):
            return self._let_brian(Part.PROLOGUE, self._companion.prologue)
        self._companion.blocks(self._companion.prologue)
        return None

    def _let_brian(self, part: Part, schedule: list[tuple[str, int]]) -> Outcome:
        self._part, self.schedule = part, schedule
        return Outcome.HOST_IS_NEXT

    # -- the past ------------------------------------------------------------------
    def _moment(self, step: int) -> tuple[int, ...]:
        """A time step, and the states that queues were given by others than this program."""
        return (step, *(queue.restored for queue in self._queues))

    def _past(self, step: int) -> dict[str, list[np.ndarray]] | None:
        """The events of the last time steps; None if GeNN cannot take over."""
        if self._known_past is not None and self._known_past[0] == self._moment(step):
            return self._known_past[1]
        self._genn_has_past = False
        return past_events(self._layout, self._instance)

    def _remember_past(self, start: int, done: int, before: dict[str, list[np.ndarray]]) -> None:
        """Keep the last events, for going on where nothing happens in between."""
        past = {}
        for events, longest in self._layout.longest.items():
            known = dict(enumerate(before[events], start=start - longest))
            own = range(start, done)
            known.update({step: self._recording.events_at(events, step) for step in own})
            past[events] = [known[step] for step in range(done - longest, done)]
        self._known_past = self._moment(done), past
        self._genn_has_past = True

    # -- GeNN ------------------------------------------------------------------------
    def _stretch(
        self, start: int, stop: int, past: dict[str, list[np.ndarray]], until: float
    ) -> Outcome | None:
        """Have GeNN run time steps, and do what remains of the last one."""
        assert self._companion is not None
        live, slots = self._live, self._layout.slots
        goes_on = self._genn_has_past and self._memory.is_active(self._exchange)
        self._memory.activate(self._exchange, self._companion.program.source.arrays)
        self._exchange.push()
        # what is on its way in dendrites was made of the values that synapses had before
        if not (self._exchange.synapses_as_before() and goes_on):
            self._replay(past)
        self._genn_has_past = False
        self._opened = -1
        live.model.timestep = start
        self._set_phase(FIRST)
        done = collected = start
        brian, interrupted = False, True
        self._recording.begin(start)
        try:
            while done < stop:
                if done == collected:
                    self._generators.emit(done, min(done + slots, stop))
                live.model.step_time()
                done += 1
                if done == start + 1:
                    self._set_phase(FULL)
                if done - collected == slots or done == stop:
                    self._recording.collect(collected, done)
                    collected = done
                # to go on later takes as many time steps as the longest delay
                enough = (done - start) % 16 == 0 and done - start >= 5 * self._layout.replays
                if enough and time.monotonic() > until:
                    break
            interrupted = False
        finally:
            # also after Ctrl-C: what GeNN has done so far is complete
            if done > collected:
                self._recording.collect(collected, done)
            if done > start:
                self._exchange.genn_ran()
                self.steps_on_genn += done - start
                self._remember_past(start, done, past)
                self._take_events(start, done)
                last = done - 1
                brian = not interrupted and self._brian_comes(Part.EPILOGUE, last)
                self._exchange.pull(self._companion.epilogue_reads)
                self._exchange.changed_here(self._companion.epilogue_writes)
                if brian:
                    self._companion.set_clocks(last)
                    self._companion.begin()
                else:
                    self._companion.half_step(last)
        return self._let_brian(Part.EPILOGUE, self._companion.epilogue) if brian else None

    def _set_phase(self, phase: int) -> None:
        for population in self._layout.description.populations:
            self._live.set_parameter(population.name, "phase", phase)
        for synapses in self._layout.description.synapses:
            if any(parameter.name == "live" for parameter in synapses.parameters):
                self._live.set_parameter(synapses.name, "live", int(phase == FULL))

    def _replay(self, past: dict[str, list[np.ndarray]]) -> None:
        """Have neurons emit the spikes of the last time steps once more, and do nothing else."""
        if not self._layout.replays:
            return
        rows = self._layout.replays
        for events, spikes in past.items():
            flag = self._layout.flags[events]
            size = self._layout.description.population(flag.population).size
            emitted = np.zeros((rows, size), dtype=np.uint8)
            for ago, neurons in enumerate(reversed(spikes), start=1):
                emitted[rows - ago, neurons] = 1
            if spikes:
                self._live.set_extra(flag.population, replayed_name(flag), emitted)
        self._live.model.timestep = 0
        self._set_phase(REPLAY)
        for _ in range(rows):
            self._live.model.step_time()

    def _take_events(self, start: int, done: int) -> None:
        """Give Brian the last events, and its queues those that are on their way."""
        self._generators.take_place(done)
        for events in self._layout.flags:
            neurons, array = self._recording.events_at(events, done - 1), self._arrays[events]
            array[: len(neurons)] = neurons
            array[-1] = len(neurons)
        for number, queue in enumerate(self._queues):
            events = self._instance.events[number]
            for step_number in range(start, done - 1):
                if done - 1 - step_number <= queue.longest:
                    queue.push(self._recording.events_at(events, step_number))
                queue.advance()

    # -- time steps with objects of Brian's ------------------------------------------
    @property
    def within_step(self) -> bool:
        """Whether there is more of a time step to do, after what Brian has run."""
        return self._opened == self._step

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        assert self._companion is not None
        self._companion.program.block(number)

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in, or this part of it."""
        assert self._companion is not None
        if self._part is not Part.PROLOGUE:
            self._companion.program.end_step()

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        assert self._companion is not None
        return self._companion.program.is_active(clock)

    def finish(self) -> None:
        """Make everything current in Brian's memory."""
        self._memory.finish(self._exchange)


def initial_values(layout: Layout, instance: Instance) -> dict[tuple[str, str], np.ndarray]:
    """Values for all variables and extra global parameters; of synapses in the script's order."""
    values = dict(layout.values)
    for population in layout.description.all():
        if isinstance(population, SynapsePopulation):
            size = len(layout.connections[population.name].pre)
        else:
            size = population.size
        for variable in population.variables:
            key = population.name, variable.name
            if variable.array:
                values[key] = instance.arrays[variable.array]
            else:
                values.setdefault(key, np.zeros(size, dtype=bool))
        for extra in population.extra_globals:
            if extra.array:
                values[population.name, extra.name] = instance.arrays[extra.array]
    return values


def past_events(layout: Layout, instance: Instance) -> dict[str, list[np.ndarray]] | None:
    """The events of the last time steps, by their array; None if GeNN cannot take over."""
    past: dict[str, list[np.ndarray]] = {}
    for events, longest in layout.longest.items():
        own = [
            queue
            for number, queue in enumerate(instance.queues)
            if instance.events[number] == events
        ]
        found = history(own, longest)
        if found is None:
            return None
        past[events] = found
    return past
