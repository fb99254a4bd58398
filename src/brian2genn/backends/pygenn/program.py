"""A network that GeNN runs, and its connection to Brian's memory."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...model.network import EmitSpikes, Network
from ...transforms.scatter import separate_additions
from ...transforms.simplify import simplify
from ...transforms.specialise import specialise
from ..interface import ClockState, Outcome
from .companion import Companion
from .description import Parameter, SynapsePopulation
from .facts import Facts
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

    Whenever `run` returns, everything is as Brian has it after a whole time step, in Brian's own
    memory. GeNN is given all values anew when it goes on.

    Parameters
    ----------
    network : Network
        Verified, as translated from the script.
    build : callable
        Builds a GeNN model, or finds one that is the same.
    is_seeded : callable
        Whether the random numbers of the next run have to be those of the script's seed.
    """

    def __init__(self, network: Network, build: Build, is_seeded: Callable[[], bool]) -> None:
        self._original = network
        self._build = build
        self._is_seeded = is_seeded
        self.schedule: list[tuple[str, int]] = []
        self.owners: list[str] = []
        self.seconds = np.zeros(0)
        self._clear()

    def _clear(self) -> None:
        self._clocks: list[ClockState] = []
        self._queues: list[GennQueue] = []
        self._recorders: list[MixedRecorder] = []
        self._bindings: dict[str, tuple[Any, ...]] = {}
        self._companion: Companion | None = None
        self._pushed: dict[tuple[str, str], np.ndarray] = {}
        #: by step and time step, how far a generator has come
        self._generator_places: dict[tuple[str, int], int] = {}
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
        for reasons in self._layout.forced.values():
            whole = "; ".join(dict.fromkeys(reasons))
            lines.append(f"Time steps are executed on the processor in which {whole}.")
        return lines

    # -- binding ---------------------------------------------------------------
    def _bind(self, method: str, *arguments: Any) -> None:
        self._bindings[method] = arguments
        if self._companion is not None:
            getattr(self._companion.program, method)(*arguments)

    def bind_arrays(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays: Brian variables, or arrays of the program's own."""
        self._arrays = {
            name: thing if isinstance(thing, np.ndarray) else thing.get_value()
            for name, thing in arrays.items()
        }
        self._bind("bind_arrays", arrays)

    def bind_params(self, params: Mapping[str, float | int]) -> None:
        """Set the parameters of the run."""
        self._params = dict(params)
        self._bind("bind_params", params)

    def bind_clocks(self, clocks: Sequence[ClockState]) -> None:
        """Tell the program which clocks there are."""
        self._clocks = list(clocks)
        self._bind("bind_clocks", clocks)

    def bind_queues(self, queues: Sequence[GennQueue]) -> None:
        """Tell the program its queues."""
        self._queues = list(queues)
        self._bind("bind_queues", queues)

    def bind_recorders(self, columns: Sequence[list[tuple[np.dtype, int]]]) -> list[MixedRecorder]:
        """Make a recorder for each list of columns."""
        self._columns = list(columns)
        self._recorders = [MixedRecorder(own) for own in columns]
        return self._recorders

    def bind_random(self, seed: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self._key = seed
        self._bind("bind_random", seed, step)

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        return self._key

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        if self._companion is None:
            return int(self._bindings["bind_random"][1])
        return self._companion.program.random_step

    # -- before a run --------------------------------------------------------------
    def prepare(self, profile: bool) -> None:
        """Translate the network with all that is bound, and have GeNN build it.

        Raises
        ------
        RefusedNetwork
            With what GeNN cannot do; nothing has been built then.
        """
        self._profile = profile
        network = self._original.copied()
        specialise(network)
        simplify(network)
        for kernel in network.kernels():
            separate_additions(kernel)
        facts = Facts(network, self._arrays, self._params, self._queues, self._clocks)
        self._facts = facts
        self._layout, self._rotation = translate(facts, self._seed(), fixed=self._is_seeded())
        self._live = self._build(self._layout, initial_values(self._layout, facts))
        pending = set(map(id, self._rotation.pending()))
        numbers = {k for k, step in enumerate(network.steps) if id(step) in pending}
        self._companion = Companion(
            self._original.copied(),
            facts,
            numbers.__contains__,
            list(self._bindings.items()),
            self._columns,
            self._recorders,
            profile,
        )
        self.schedule = self._companion.schedule
        self.owners = self._companion.program.owners
        # GeNN does not tell how long its steps take: these are the times beside it
        self.seconds = self._companion.program.seconds
        self._pushed = {}
        self._known_past: tuple[int, dict[str, list[np.ndarray]] | None] = -1, None
        self._recording = Recording(facts, self._layout, self._live, self._recorders)
        self._give_constants()

    def _seed(self) -> int:
        """A seed for GeNN's random numbers, another one for every run."""
        words = f"{self._key} {self.random_step}".encode()
        return int.from_bytes(hashlib.sha256(words).digest()[:4], "little") % (2**31 - 1) + 1

    def _give_constants(self) -> None:
        """Set what does not change during the run."""
        description = self._layout.description
        for population in description.all():
            for parameter in population.parameters:
                if parameter.dynamic and (parameter.param or parameter.array):
                    value = self._value(parameter)
                    self._live.set_parameter(population.name, parameter.name, value)
            for extra in population.extra_globals:
                if extra.array:
                    values = self._arrays[extra.array]
                    self._live.set_extra(population.name, extra.name, values)

    def _value(self, parameter: Parameter) -> float | int:
        if parameter.param:
            return float(self._params[parameter.param])
        return float(self._arrays[parameter.array].flat[0])

    # -- running -------------------------------------------------------------------
    @property
    def _step(self) -> int:
        return int(self._clocks[self._facts.base].timestep[0])

    def _next_forced(self, step: int) -> int:
        """The next time step, from `step` on, that has to be executed beside GeNN."""
        ticks = [np.iinfo(np.int64).max]
        for clock in self._layout.forced:
            ratio = self._facts.ratio(clock) or 1
            ticks.append(-(-step // ratio) * ratio)
        return int(min(ticks))

    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time."""
        assert self._companion is not None
        until = time.monotonic() + seconds
        end = int(self._clocks[self._facts.base].end)
        beside = 0
        while True:
            step = self._step
            forced = self._next_forced(step)
            past = self._past(step) if step < min(forced, end) else None
            if step < min(forced, end) and past is not None:
                self._stretch(step, min(forced, end), past, until)
            elif step >= end:
                self._companion.begin()
                return Outcome.FINISHED
            else:
                if not self._companion.begin():
                    return Outcome.FINISHED
                self.steps_beside += 1
                if step == forced and any(kind == "host" for kind, _ in self.schedule):
                    return Outcome.HOST_IS_NEXT
                self._companion.whole_step()
                beside += 1
            if time.monotonic() > until:
                return Outcome.TIME_USED

    def _past(self, step: int) -> dict[str, list[np.ndarray]] | None:
        """The events of the last time steps; None if GeNN cannot take over."""
        known, past = self._known_past
        if known != step:
            return past_events(self._layout, self._facts)
        return past

    def _remember_past(self, start: int, done: int, before: dict[str, list[np.ndarray]]) -> None:
        """Keep the last events, for going on where nothing happens in between."""
        past = {}
        for events, longest in self._layout.longest.items():
            known = dict(enumerate(before[events], start=start - longest))
            own = range(start, done)
            known.update({step: self._recording.events_at(events, step) for step in own})
            past[events] = [known[step] for step in range(done - longest, done)]
        self._known_past = done, past

    def _stretch(
        self, start: int, stop: int, past: dict[str, list[np.ndarray]], until: float
    ) -> None:
        """Have GeNN run time steps, and take everything back."""
        self._push()
        self._replay(past)
        live, slots = self._live, self._layout.slots
        live.model.timestep = start
        self._set_phase(FIRST)
        done = collected = start
        self._recording.begin(start)
        try:
            while done < stop:
                if done == collected:
                    self._emit(done, min(done + slots, stop))
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
        finally:
            # also after Ctrl-C: what GeNN has done so far is complete
            if done > collected:
                self._recording.collect(collected, done)
            if done > start:
                self._remember_past(start, done, past)
                self._flush(start, done)

    def _set_phase(self, phase: int) -> None:
        for population in self._layout.description.populations:
            self._live.set_parameter(population.name, "phase", phase)
        for synapses in self._layout.description.synapses:
            if any(parameter.name == "live" for parameter in synapses.parameters):
                self._live.set_parameter(synapses.name, "live", int(phase == FULL))

    def _push(self) -> None:
        """Give GeNN what has another value than it had from here."""
        description = self._layout.description
        for population in description.all():
            for variable in population.variables:
                if not variable.array:
                    continue
                values = self._arrays[variable.array]
                key = population.name, variable.name
                known = self._pushed.get(key)
                if known is None or not _same(known, values):
                    self._live.push(*key, values)
                    self._pushed[key] = values.copy()
        self._give_constants()

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

    def _emit(self, start: int, stop: int) -> None:
        """Tell GeNN what spike generators emit."""
        slots = self._layout.slots
        for step in self._facts.network.steps:
            if not isinstance(step, EmitSpikes):
                continue
            flag = self._layout.flags[step.events]
            size = self._layout.description.population(flag.population).size
            emitted = np.zeros((slots, size), dtype=np.uint8)
            for number, neurons in self._generated(step, start, stop):
                emitted[number % slots, neurons] = 1
            name = self._layout.generators[step.events]
            self._live.set_extra(flag.population, name, emitted)

    def _generated(self, step: EmitSpikes, start: int, stop: int) -> list[tuple[int, np.ndarray]]:
        """What a generator emits, as Brian's `spikegenerator` does, which keeps its place."""
        arrays = self._arrays
        bins, neurons = arrays[step.timebins], arrays[step.neurons]
        period = int(arrays[step.period][0])
        last = int(arrays[step.lastindex][0])
        result = []
        for number in range(start, stop):
            now = number % period if period > 0 else number
            if period > 0 and last > 0 and bins[last - 1] >= now:
                last = 0
            end = last + int(np.searchsorted(bins[last:], now, side="right"))
            if end > last:
                own = neurons[last:end]
                room = len(arrays[step.events]) - 1
                if len(own) > room:
                    raise ValueError(
                        f"The {step.origin} has more spikes for one time step than it has neurons."
                        " Is there a second spike of a neuron in the step, or did it not run for a"
                        " while?"
                    )
                result.append((number, own))
            last = end
            self._generator_places[step.name, number] = last
        return result

    # -- back to Brian ---------------------------------------------------------------
    def _flush(self, start: int, done: int) -> None:
        """Take all values from GeNN, and do what remains of the last time step."""
        assert self._companion is not None
        description = self._layout.description
        taken: set[str] = set()
        for population in description.all():
            for variable in population.variables:
                if not variable.array or variable.read_only or variable.array in taken:
                    continue
                key = population.name, variable.name
                self._live.pull(*key, self._arrays[variable.array])
                self._pushed[key] = self._arrays[variable.array].copy()
                taken.add(variable.array)
        for step in self._facts.network.steps:
            if isinstance(step, EmitSpikes):
                place = self._generator_places.get((step.name, done - 1))
                if place is not None:
                    self._arrays[step.lastindex][0] = place
        self._generator_places.clear()
        for events in self._layout.flags:
            self._set_events(events, self._recording.events_at(events, done - 1))
        for number, queue in enumerate(self._queues):
            events = self._facts.events[number]
            for step_number in range(start, done - 1):
                if done - 1 - step_number <= queue.longest:
                    queue.push(self._recording.events_at(events, step_number))
                queue.advance()
        self._companion.half_step(done - 1)
        self.steps_on_genn += done - start

    def _set_events(self, events: str, neurons: np.ndarray) -> None:
        array = self._arrays[events]
        array[: len(neurons)] = neurons
        array[-1] = len(neurons)

    # -- time steps with objects of Brian's ------------------------------------------
    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        assert self._companion is not None
        self._companion.program.block(number)

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""
        assert self._companion is not None
        self._companion.program.end_step()

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        assert self._companion is not None
        return self._companion.program.is_active(clock)

    def finish(self) -> None:
        """Nothing: whenever `run` returns, everything is in Brian's memory."""


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def initial_values(layout: Layout, facts: Facts) -> dict[tuple[str, str], np.ndarray]:
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
                values[key] = facts.arrays[variable.array]
            else:
                values.setdefault(key, np.zeros(size, dtype=bool))
        for extra in population.extra_globals:
            if extra.array:
                values[population.name, extra.name] = facts.arrays[extra.array]
    return values


def past_events(layout: Layout, facts: Facts) -> dict[str, list[np.ndarray]] | None:
    """The events of the last time steps, by their array; None if GeNN cannot take over."""
    past: dict[str, list[np.ndarray]] = {}
    for events, longest in layout.longest.items():
        own = [queue for number, queue in enumerate(facts.queues) if facts.events[number] == events]
        found = history(own, longest)
        if found is None:
            return None
        past[events] = found
    return past
