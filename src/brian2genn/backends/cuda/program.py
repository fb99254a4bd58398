"""A compiled network on a CUDA device and its connection to Brian's memory."""

from __future__ import annotations

import copy
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...codegen.cuda_program import print_cuda_program
from ...codegen.cuda_source import CudaSource, TaskPlan
from ...model.network import Network
from ..interface import ClockState, Outcome
from .driver import Driver
from .loaded import Loaded
from .lookups import inverse_of, recorded_elements, spikes_twice
from .memory import DeviceMemory, Image
from .queue import DeviceQueue
from .recorder import DeviceRecorder
from .report import Need, needs_of, note_on_memory, notes_on_kernels, too_little_memory
from .stepping import Stepper
from .structures import RECORDED, STATE, TIME, mutable_state, program_memory
from .ways import Meeting, Rules

#: Where the state has the number of the time step, and of those in one launch.
_RANDOM_STEP, _MOST_STEPS = (
    int(STATE.fields[field][1]) if STATE.fields else 0 for field in ("random_step", "most_steps")
)

#: Parts of the state whose addresses are constant.
_PARTS = ("state", "clocks", "t", "timestep", "next", "late", "arrived", "positions", "recorded")

#: Where late steps find the time.
_LATE_FIELDS = {name: int(place[1]) for name, place in (TIME.fields or {}).items()}

#: Where a recorder has its number of rows.
_ROWS = int(RECORDED.fields["rows"][1]) if RECORDED.fields else 0


class CudaProgram:
    """A network compiled for a CUDA device.

    Parameters
    ----------
    network : Network
        Verified, with additions separated, and simplified.
    driver : Driver
    memory : DeviceMemory
    profile : bool, optional
        Whether every step is a kernel of its own, so that each can be measured.
    deterministic : bool, optional
        Whether sums have the same order in every run.
    rules : Rules
        How ways to execute time steps are compared.
    """

    within_step = False

    def __init__(
        self,
        network: Network,
        driver: Driver,
        memory: DeviceMemory,
        *,
        rules: Rules,
        profile: bool = False,
        deterministic: bool = False,
    ) -> None:
        self.source: CudaSource = print_cuda_program(
            network, fuse=not profile, deterministic=deterministic
        )
        self.schedule = self.source.schedule
        self.owners = self.source.owners
        self._driver = driver
        self._memory = memory
        self._loaded = Loaded(driver.build(self.source.text), rules)
        self._module = self._loaded.module
        self._profile = profile
        self._unbind()

    def unbound(self) -> CudaProgram:
        """The same program, not connected to any memory."""
        other = copy.copy(self)
        other._unbind()
        return other

    def _unbind(self) -> None:
        source = self.source
        self.seconds = np.zeros(len(source.steps))
        variables = len(source.arrays), len(source.numbers), len(source.integers)
        sizes = *variables, source.n_queues, len(source.recorders), len(source.tasks)
        self._fixed = np.zeros((), program_memory(*sizes))
        self._images: dict[str, Image] = {}
        self._own: dict[str, int] = {}
        self._clock_states: list[ClockState] = []
        self._queues: list[DeviceQueue] = []
        self._recorders: list[DeviceRecorder] = []
        self._stepper = Stepper(self.source, self._driver, self._loaded)
        self._prepared = False

    def notes(self) -> list[str]:
        """What the device executes, for people: kernels, registers, memory, detours."""
        lines = notes_on_kernels(self.source, self._driver, self._module)
        if self._prepared and not self._profile:
            lines.append(self._stepper.note_for_people())
        return [*lines, note_on_memory(self._driver, self._needs())]

    def _needs(self) -> list[Need]:
        """All the device memory that the network takes."""
        return needs_of(
            self.source, self._memory, self._named, self._images, self._queues, self._recorders
        )

    @contextmanager
    def _explaining_memory(self) -> Iterator[None]:
        """Say what is needed and what there is, where the device has too little memory."""
        try:
            yield
        except MemoryError as error:
            raise MemoryError(too_little_memory(self._driver, self._needs())) from error

    # -- binding ---------------------------------------------------------------
    def bind_arrays(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays: Brian variables, or arrays of the program's own."""
        self._named = dict(arrays)
        if self._prepared:
            self._find_images()

    def bind_params(self, params: Mapping[str, float | int]) -> None:
        """Set the parameters of the run."""
        self._params = dict(params)
        for k, name in enumerate(self.source.numbers):
            self._fixed["numbers"][k] = params[name]
        for k, name in enumerate(self.source.integers):
            self._fixed["integers"][k] = params[name]

    def bind_clocks(self, clocks: Sequence[ClockState]) -> None:
        """Tell the program which clocks there are."""
        self._clock_states = list(clocks)

    def bind_queues(self, queues: Sequence[DeviceQueue]) -> None:
        """Tell the program its queues."""
        self._queues = list(queues)

    def bind_recorders(self, columns: Sequence[list[tuple[np.dtype, int]]]) -> list[DeviceRecorder]:
        """Make a recorder for each list of columns; the parameters must be bound."""
        self._recorders = []
        for number, own in enumerate(columns):
            layout = self.source.recorders[number]
            most = 1
            if layout.most is not None:
                start, stop = (int(self._params[name]) for name in layout.most)
                most = max(stop - start, 0)
            # rows of the step before may still come
            most *= 1 + (number in self.source.late_recorders)
            self._recorders.append(DeviceRecorder(self._driver, own, most, layout.sorts))
        return self._recorders

    def bind_random(self, seed: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self._fixed["seed"] = seed
        self._random_step = step
        if self._prepared:
            self._moved = True
            self._state["state"]["random_step"] = step
            value = np.array([step], dtype=np.uint64)
            self._driver.upload(self._place("state") + _RANDOM_STEP, value)

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        return int(self._fixed["seed"])

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        return int(self._state["state"]["random_step"]) if self._prepared else self._random_step

    # -- preparing ---------------------------------------------------------------
    def prepare(self, profile: bool) -> None:
        """Copy what is stale to the device and compute what stays constant."""
        if profile != self._profile:
            raise ValueError("a program is built for profiling, or not")
        with self._explaining_memory():
            self._prepare()

    def _prepare(self) -> None:
        self._state = np.zeros(
            (),
            mutable_state(
                len(self._clock_states),
                len(self.source.tasks),
                len(self._queues),
                len(self._recorders),
            ),
        )
        self._state_address = self._reserve(self._state.nbytes)
        self._prepared = True
        self._set_clocks()
        self._set_queues()
        self._set_recorders()
        for name, nbytes in self.source.scratch.items():
            self._own[name] = self._reserve(nbytes)
            self._driver.fill(self._own[name], 0xFF, nbytes)
        self._set_lookups()
        self._state["state"]["random_step"] = self._random_step
        self._driver.upload(self._state_address, self._state)
        for field in _PARTS:
            self._fixed[field] = self._place(field)
        self._fixed["constants"] = self._reserve(self.source.constant_bytes)
        self._memory.exchange_kept()
        self._find_images()
        self._launch(["prepare_run"])
        self._set_constants()
        self._launch(["begin_run"])
        self._read_state()

    def _set_constants(self) -> None:
        """Put what was computed once per run where the kernels look for it."""
        self._driver.copy(
            self._module.symbol("b2g_constants"),
            int(self._fixed["constants"]),
            self.source.constant_bytes,
        )

    def _reserve(self, nbytes: int) -> int:
        """Memory that belongs to this program."""
        address = self._driver.allocate(max(nbytes, 16))
        weakref.finalize(self, self._driver.free, address)
        return address

    def _upload(self, array: np.ndarray) -> int:
        """A copy of `array` that belongs to this program."""
        address = self._reserve(array.nbytes)
        if array.nbytes:
            self._driver.upload(address, np.ascontiguousarray(array))
        return address

    def _place(self, field: str) -> int:
        """The address of a part of the state."""
        fields = self._state.dtype.fields
        assert fields is not None
        return self._state_address + int(fields[field][1])

    def _set_clocks(self) -> None:
        for k, clock in enumerate(self._clock_states):
            self._state["t"][k] = clock.t[0]
            self._state["timestep"][k] = clock.timestep[0]
            record = self._state["clocks"][k]
            record["t"] = self._place("t") + 8 * k
            record["timestep"] = self._place("timestep") + 8 * k
            record["dt"] = clock.dt or 0.0
            record["times"] = 0 if clock.times is None else self._upload(clock.times)
            record["end"] = clock.end

    def _set_queues(self) -> None:
        self._fixed["queues"][...] = 0
        for k, queue in enumerate(self._queues):
            a = queue.arrangement
            if a is None:
                raise RuntimeError("a queue was not prepared")
            record = self._fixed["queues"][k]
            n_sources = queue.source_stop - queue.source_start
            # late steps deliver what the next time step would overwrite
            n_slots = len(queue.slots) + bool(self.source.late)
            record["ring"] = self._reserve(4 * n_slots * n_sources)
            record["count"] = self._upload(np.zeros(n_slots, dtype=np.int32))
            for field, image in self._memory.arrangement(queue).items():
                record[field] = image.address
            if k in self.source.gathered:
                record["stamp"] = self._upload(queue.stamps(n_slots))
            left_start, left = queue.left_over()
            if left.size and (queue.mixed or k not in self.source.gathered):
                record["left_start"], record["left"] = map(self._upload, (left_start, left))
                record["n_left_steps"] = len(left_start) - 1
            record["n_slots"], record["n_sources"] = n_slots, n_sources
            record["source_start"], record["source_stop"] = queue.source_start, queue.source_stop
            record["n_delays"], record["shortest"] = a.n_delays, a.delays[0]
            record["left_in_order"] = queue.mixed
            record["clock"] = self.source.queue_clocks.get(k, 0)

    def _set_recorders(self) -> None:
        for k, recorder in enumerate(self._recorders):
            recorder.reserve()
            record = self._fixed["recorders"][k]
            record["data"], record["capacity"] = recorder.address, recorder.capacity
            record["room"] = recorder.room

    def _set_lookups(self) -> None:
        """Tables that are made of the network's indices."""
        for index, (start, size) in self.source.inverses.items():
            targets = self._memory.read(self._named[index]) - int(self._params[start])
            self._own_arrays(index, inverse_of(targets, int(self._params[size])))
        for indices, size in self.source.monitored.items():
            recorded = self._memory.read(self._named[indices])
            self._own_arrays(indices, recorded_elements(recorded, int(self._params[size])))
        for generator in self.source.generators:
            arrays = (
                generator.neurons,
                generator.timebins,
                generator.lastindex,
                generator.timestep,
                generator.period,
            )
            twice = spikes_twice(*(self._memory.read(self._named[name]) for name in arrays))
            if twice is not None:
                raise ValueError(
                    f"The {generator.origin} has more spikes for one time step than a GPU can tell"
                    f" apart: more than one of neuron {twice}. Choose a smaller dt, move a spike,"
                    " or use this machine's processor: set_device('genn', backend='cpu')."
                )
        for number, (step, index, target) in self.source.gathered.items():
            queue, indices = self._queues[number], self._named[index]
            n_targets = self._memory.raw(self._named[target]).size
            for part, image in self._memory.by_target(queue, indices, n_targets).items():
                self._own[f"{step}:{part}"] = image.address

    def _own_arrays(self, name: str, parts: Mapping[str, np.ndarray]) -> None:
        for part, array in parts.items():
            self._own[f"{name}:{part}"] = self._upload(array)

    def _find_images(self) -> None:
        """Find the device's image of every array."""
        clocks: dict[int | None, tuple[int, int]] = {}
        for field in ("t", "timestep"):
            for k, clock in enumerate(self._clock_states):
                late = self._place("late") + k * TIME.itemsize + _LATE_FIELDS[field]
                place = self._place(field) + 8 * k, late
                clocks[getattr(clock, field).ctypes.data] = place
        self._images = {}
        self._own = {name: place for name, place in self._own.items() if ":" in name}
        for name, thing in self._named.items():
            if isinstance(thing, np.ndarray):
                self._images[name] = self._memory.constant(thing)
                continue
            host = self._memory.raw(thing).ctypes.data
            if host in clocks:
                self._own[name], self._own[f"{name}:late"] = clocks[host]
            else:
                self._images[name] = self._memory.image(thing, name in self.source.events)
        self._moved = True
        self._refresh()

    def _refresh(self) -> None:
        """Copy to the device what the host has changed."""
        if self._loaded.taken_by(self):
            self._moved = True
            self._set_constants()
        for image in self._images.values():
            self._moved = image.update_device() or self._moved
        self._forget_fetched()
        self._follow_clocks()
        if self._moved:
            self._moved = False
            for k, name in enumerate(self.source.arrays):
                name = name if name in self._own else name.removesuffix(":late")
                if name in self._images:
                    image = self._images[name]
                    self._fixed["arrays"][k] = image.address
                    self._fixed["lengths"][k] = image.length
                else:
                    self._fixed["arrays"][k] = self._own[name]
                    self._fixed["lengths"][k] = 1
            self._stepper.fit(self._count_of, self._queues)
            self._tell_way()

    def _follow_clocks(self) -> None:
        """Tell the device of clocks that another network has moved meanwhile."""
        for k, clock in enumerate(self._clock_states):
            for field in ("t", "timestep"):
                host = getattr(clock, field)
                if host[0] != self._state[field][k]:
                    self._state[field][k] = host[0]
                    self._driver.upload(self._place(field) + 8 * k, self._state[field][k : k + 1])

    def _forget_fetched(self) -> None:
        """Tell the device which rows were fetched."""
        for k, recorder in enumerate(self._recorders):
            if recorder.waiting != self._state["recorded"][k]["rows"]:
                self._state["recorded"][k]["rows"] = recorder.waiting
                place = self._place("recorded") + k * RECORDED.itemsize + _ROWS
                rows = np.array([recorder.waiting], dtype=np.int64)
                self._driver.upload(place, rows)

    # -- launching ---------------------------------------------------------------
    def _count_of(self, task: TaskPlan) -> int:
        """How many elements a task has."""
        kind, name, offset = task.count
        if kind == "param":
            return int(self._params[name]) + offset
        if kind == "array":
            return int(self._fixed["lengths"][self.source.arrays.index(name)]) + offset
        return 0

    def _tell_way(self) -> None:
        """Tell the device where everything is, and in which way time steps are executed."""
        self._fixed["blocks"][: len(self._stepper.blocks)] = self._stepper.blocks
        self._fixed["in_cluster"] = self._stepper.way.meeting == Meeting.CLUSTER
        for k, width in enumerate(self._stepper.widths):
            self._fixed["queues"]["width_bits"][k] = width.bit_length() - 1
        self._driver.upload(self._module.symbol("b2g_memory"), self._fixed)

    def _launch(self, kernels: Sequence[str]) -> None:
        self._stepper.launch(kernels)

    def _read_state(self) -> None:
        """Wait for the device and see how far it is."""
        self._driver.download(self._state, self._state_address)
        for k, clock in enumerate(self._clock_states):
            clock.t[0] = self._state["t"][k]
            clock.timestep[0] = self._state["timestep"][k]
        for k, recorder in enumerate(self._recorders):
            recorder.waiting = int(self._state["recorded"][k]["rows"])

    def _changed(self) -> None:
        """Note that the device has written to its arrays."""
        for name in self.source.written & self._images.keys():
            self._images[name].host_is_stale = True

    # -- running -----------------------------------------------------------------
    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time."""
        began = time.monotonic()
        self._refresh()
        while True:
            state = self._state["state"]
            if not state["running"]:
                outcome = Outcome(int(state["outcome"]))
                self._make_room()
                if outcome != Outcome.TIME_USED:
                    return outcome
                self._refresh()
                self._launch(["resume_run"])
            self._changed()
            if self._profile:
                self._measure()
            else:
                self._steps(self._remaining())
            stops = not self._state["state"]["running"]
            pauses = stops or time.monotonic() - began > seconds
            if pauses and self.source.late:
                self._launch(self.source.late)
                self._read_state()
            if pauses and not stops:
                return Outcome.TIME_USED

    def _remaining(self) -> int:
        """At least as many time steps as the run still has."""
        return sum(max(int(clock.end) - int(clock.timestep[0]), 0) for clock in self._clock_states)

    def _steps(self, remaining: int) -> None:
        """Run some time steps; the device stops by itself at the end of the run."""
        stepper = self._stepper
        if stepper.adopt():
            self._tell_way()
        asked = stepper.steps(remaining)
        if stepper.way.together and self._state["state"]["most_steps"] != asked:
            most = np.array([asked], dtype=np.uint32)
            self._driver.upload(self._place("state") + _MOST_STEPS, most)
        before = self.random_step
        began = time.monotonic()
        stepper.run(asked)
        self._read_state()
        stepper.note(time.monotonic() - began, self.random_step - before)

    def _measure(self) -> None:
        """One time step, every kernel timed."""
        by_name = {kernel.name: kernel for kernel in self.source.kernels}
        times = self._driver.time(self._stepper.loop())
        for name, spent in zip(self.source.loop, times, strict=True):
            for step in by_name[name].steps if name in by_name else ():
                self.seconds[step] += spent
        self._read_state()

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        self._refresh()
        self._changed()
        self._launch(["enter_step", *self.source.blocks[number]])
        self._read_state()

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""
        self._refresh()
        self._launch(["enter_step", "finish_step"])
        self._read_state()
        self._make_room()

    def _make_room(self) -> None:
        """Empty the recorders that have no room for another time step."""
        for recorder in self._recorders:
            if recorder.waiting + recorder.room > recorder.capacity:
                recorder.fetch()

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        return bool(self._state["clocks"][clock]["active"])

    def finish(self) -> None:
        """Give the queues back what is still in flight, also after an interruption."""
        if not self._prepared:
            return
        self._forget_fetched()
        self._follow_clocks()
        # if another network had its turn since, nothing is left to be made up for
        if self.source.late and self._loaded.is_used_by(self):
            self._launch(self.source.late)
        self._read_state()
        for k, queue in enumerate(self._queues):
            record, now = self._fixed["queues"][k], self._state["positions"][k]["now"]
            n_slots, n_sources = int(record["n_slots"]), int(record["n_sources"])
            counts = np.empty(n_slots, dtype=np.int32)
            self._driver.download(counts, int(record["count"]))
            ring = []
            for ago in range(1, n_slots):
                slot = (int(now["head"]) - ago) % n_slots
                sources = np.empty(counts[slot], dtype=np.int32)
                if sources.size:
                    place = int(record["ring"]) + 4 * slot * n_sources
                    self._driver.download(sources, place)
                ring.append(sources)
            queue.take_back(ring, int(now["step"]))
        self._memory.exchange_kept()
