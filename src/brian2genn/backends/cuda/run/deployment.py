"""Where a program has everything of one network on the device."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ....codegen.cuda.source import (
    ArrayCount,
    ArrayName,
    CudaSource,
    Derived,
    ParamCount,
    Part,
    TaskPlan,
)
from ....model.names import Names
from ...binding import Needs
from ...interface import Bound, ClockState
from ..device.driver import Driver, Module
from ..memory.coherence import DeviceMemory, Image
from ..memory.lookups import inverse_of, recorded_elements, spikes_twice
from ..memory.ordering import RowOrder
from ..memory.queue import DeviceQueue
from ..memory.recorder import DeviceRecorder
from ..memory.structures import RECORDED, STATE, TIME, mutable_state, program_memory
from .report import Need, needs_of

#: Parts of the state whose addresses are constant.
_PARTS = ("state", "clocks", "t", "timestep", "next", "late", "arrived", "positions", "recorded")

#: Where late steps find the time.
_LATE_FIELDS = {name: int(place[1]) for name, place in (TIME.fields or {}).items()}

#: How many numbers the blocks of a program keep near (``B2G_NEAR``).
_NEAR = 5120

#: Where the state has the number of the time step.
_RANDOM_STEP = int(STATE.fields["random_step"][1]) if STATE.fields else 0

#: Where a recorder has its number of rows.
_ROWS = int(RECORDED.fields["rows"][1]) if RECORDED.fields else 0


class Deployment:
    """A program's memory on the device, for one network, and what it is told of it.

    Parameters
    ----------
    source : CudaSource
    needs : Needs
        What the program needs of a run.
    driver : Driver
    memory : DeviceMemory
    module : callable
        Gives the program on the device; it is asked for when it is needed.

    Attributes
    ----------
    fixed : structured array, shape ()
        Addresses and sizes, constant during a run (``program_memory``).
    state : structured array, shape ()
        What changes from step to step, as last seen (``mutable_state``).
    """

    def __init__(
        self,
        source: CudaSource,
        needs: Needs,
        driver: Driver,
        memory: DeviceMemory,
        module: Callable[[], Module],
    ) -> None:
        self._source = source
        self._needs = needs
        self._driver = driver
        self._memory = memory
        self._module = module
        self._order = RowOrder(driver, module)
        variables = len(source.arrays), len(source.numbers), len(source.integers)
        sizes = *variables, source.n_queues, len(source.recorders), len(source.tasks)
        self.fixed = np.zeros((), program_memory(*sizes))
        self.names = Names()
        self.named: dict[str, Any] = {}
        self.params: dict[str, float | int] = {}
        self.clocks: list[ClockState] = []
        self.queues: list[DeviceQueue] = []
        self.recorders: list[DeviceRecorder] = []
        self._images: dict[str, Image] = {}
        self._own: dict[ArrayName, int] = {}
        #: whether it is on the device
        self.is_there = False
        #: whether the program has to be told anew where everything is
        self.moved = False

    def needs(self) -> list[Need]:
        """All the device memory that the network takes."""
        return needs_of(
            self._source,
            self._memory,
            self.named,
            self._images,
            self.queues,
            self.recorders,
            self.names,
        )

    # -- binding ---------------------------------------------------------------
    def bind(self, bound: Bound) -> list[DeviceRecorder]:
        """Take what a run works with; nothing of it is on the device yet."""
        self._needs.check(bound, self._raw)
        self.names = bound.names
        self.named = dict(bound.arrays)
        self.clocks, self.queues = list(bound.clocks), list(bound.queues)
        for k, name in enumerate(self._source.numbers):
            self.fixed["numbers"][k] = bound.params[name]
        for k, name in enumerate(self._source.integers):
            self.fixed["integers"][k] = bound.params[name]
        self.params = dict(bound.params)
        self.recorders = [self._recorder(number, own) for number, own in enumerate(bound.columns)]
        self.fixed["seed"], self._random_step = bound.key, bound.step
        return self.recorders

    def _recorder(self, number: int, columns: list[tuple[np.dtype, int]]) -> DeviceRecorder:
        layout = self._source.recorders[number]
        most = 1
        if layout.most is not None:
            start, stop = (int(self.params[name]) for name in layout.most)
            most = max(stop - start, 0)
        # rows of the step before may still come
        most *= 1 + (number in self._source.late_recorders)
        return DeviceRecorder(self._driver, columns, most, self._order if layout.sorts else None)

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew: Brian variables, or arrays of the program's own."""
        self._needs.take(arrays, self._raw)
        self.named = dict(arrays)
        self._find_images()

    def _raw(self, thing: Any) -> np.ndarray:
        """The array of an entry of `Bound.arrays`, as the host has it."""
        return thing if isinstance(thing, np.ndarray) else self._memory.raw(thing)

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self.fixed["seed"] = key
        self._random_step = step
        self.moved = True
        self.state["state"]["random_step"] = step
        value = np.array([step], dtype=np.uint64)
        self._driver.upload(self.place("state") + _RANDOM_STEP, value)

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        return int(self.state["state"]["random_step"]) if self.is_there else self._random_step

    # -- preparing ---------------------------------------------------------------
    def prepare(self) -> None:
        """Reserve memory and copy to it what the program needs."""
        source = self._source
        sizes = len(self.clocks), len(source.tasks), len(self.queues), len(self.recorders)
        self.state = np.zeros((), mutable_state(*sizes))
        self._state_address = self._reserve(self.state.nbytes)
        self.is_there = True
        self._set_clocks()
        self._set_queues()
        self._set_recorders()
        for name, nbytes in source.scratch.items():
            self._own[name] = self._reserve(nbytes)
            self._driver.fill(self._own[name], 0xFF, nbytes)
        self._set_lookups()
        for array in source.aside or ():
            # additions of this time step, and of the one before
            nbytes = 2 * self._memory.raw(self.named[array]).nbytes
            self._own[Derived(array, "aside")] = self._reserve(nbytes)
            self._driver.fill(self._own[Derived(array, "aside")], 0, nbytes)
        self.state["state"]["random_step"] = self._random_step
        self._driver.upload(self._state_address, self.state)
        for field in _PARTS:
            self.fixed[field] = self.place(field)
        self.fixed["constants"] = self._reserve(source.constant_bytes)
        self._memory.exchange_kept()
        self._find_images()

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

    def place(self, field: str) -> int:
        """The address of a part of the state."""
        fields = self.state.dtype.fields
        assert fields is not None
        return self._state_address + int(fields[field][1])

    def _set_clocks(self) -> None:
        for k, clock in enumerate(self.clocks):
            self.state["t"][k] = clock.t[0]
            self.state["timestep"][k] = clock.timestep[0]
            record = self.state["clocks"][k]
            record["t"] = self.place("t") + 8 * k
            record["timestep"] = self.place("timestep") + 8 * k
            record["dt"] = clock.dt or 0.0
            record["times"] = 0 if clock.times is None else self._upload(clock.times)
            record["end"] = clock.end

    def _set_queues(self) -> None:
        self.fixed["queues"][...] = 0
        for k, queue in enumerate(self.queues):
            a = queue.arrangement
            if a is None:
                raise RuntimeError("a queue was not prepared")
            record = self.fixed["queues"][k]
            n_sources = queue.source_stop - queue.source_start
            # the list of the next time step is emptied in this one, and while it is, others may
            # still deliver in the one before; late steps deliver what the next would overwrite
            n_slots = queue.n_slots + 1 + self._source.waits_once + bool(self._source.late)
            record["ring"] = self._reserve(4 * n_slots * n_sources)
            record["count"] = self._upload(
                self._spikes_under_way(queue, int(record["ring"]), n_slots)
            )
            for field, image in self._memory.arrangement(queue).items():
                record[field] = image.address
            if k in self._source.gathered:
                record["stamp"] = self._upload(queue.stamps(n_slots))
            left_start, left = queue.left_over()
            if left.size and (queue.mixed or k not in self._source.gathered):
                record["left_start"], record["left"] = map(self._upload, (left_start, left))
                record["n_left_steps"] = len(left_start) - 1
            record["n_slots"], record["n_sources"] = n_slots, n_sources
            record["source_start"], record["source_stop"] = queue.source_start, queue.source_stop
            record["n_delays"], record["shortest"] = a.n_delays, a.delays[0]
            record["in_a_row"] = int(a.delays[-1]) - int(a.delays[0]) + 1 == a.n_delays
            record["left_in_order"] = queue.mixed
            record["clock"] = self._source.queue_clocks.get(k, 0)
            record["n_runs"] = a.n_runs

    def share_out(self, threads: int, blocks: Sequence[int]) -> None:
        """Find the synapses of the elements that blocks own.

        Parameters
        ----------
        threads : int
            In a block: so many elements it owns.
        blocks : sequence of int
            Of every task.
        """
        near = 0
        for number, how in self._source.owned.items():
            record, queue = self.fixed["queues"][number], self.queues[number]
            index, owners = self.named[how.index], blocks[how.task]
            images, most = self._memory.by_owner(queue, index, threads, owners)
            for name, image in images.items():
                record[name] = image.address
            n_near = int(record["n_runs"]) + 1
            fits = most <= np.iinfo(np.uint16).max and near + n_near <= _NEAR
            record["near_at"] = near if fits else -1
            near += n_near if fits else 0

    def _spikes_under_way(self, queue: DeviceQueue, ring: int, n_slots: int) -> np.ndarray:
        """Put the spikes of the last run into the lists of a ring; the lengths of all lists."""
        counts = np.zeros(n_slots, dtype=np.int32)
        for ago, sources in queue.spikes.items():
            slot = n_slots - ago  # the next time step's is 0
            counts[slot] = sources.size
            place = ring + 4 * slot * (queue.source_stop - queue.source_start)
            self._driver.upload(place, sources)
        return counts

    def _set_recorders(self) -> None:
        for k, recorder in enumerate(self.recorders):
            recorder.reserve()
            record = self.fixed["recorders"][k]
            record["data"], record["capacity"] = recorder.address, recorder.capacity
            record["room"] = recorder.room

    def _set_lookups(self) -> None:
        """Tables that are made of the network's indices."""
        for index, (start, size) in self._source.inverses.items():
            targets = self._memory.read(self.named[index]) - int(self.params[start])
            self._own_arrays(index, inverse_of(targets, int(self.params[size])))
        for indices, size in self._source.monitored.items():
            recorded = self._memory.read(self.named[indices])
            self._own_arrays(indices, recorded_elements(recorded, int(self.params[size])))
        for generator in self._source.generators:
            arrays = (
                generator.neurons,
                generator.timebins,
                generator.lastindex,
                generator.timestep,
                generator.period,
            )
            twice = spikes_twice(*(self._memory.read(self.named[name]) for name in arrays))
            if twice is not None:
                raise ValueError(
                    f"The {self.names.tell(generator.origin)} has more spikes for one time step"
                    f" than a GPU can tell apart: more than one of neuron {twice}. Choose a"
                    " smaller dt, move a spike, or use this machine's processor:"
                    " set_device('genn', backend='cpu')."
                )
        for number, (step, index, target) in self._source.gathered.items():
            queue, indices = self.queues[number], self.named[index]
            n_targets = self._memory.raw(self.named[target]).size
            for part, image in self._memory.by_target(queue, indices, n_targets).items():
                self._own[Derived(step, part)] = image.address

    def _own_arrays(self, name: str, parts: Mapping[Part, np.ndarray]) -> None:
        for part, array in parts.items():
            self._own[Derived(name, part)] = self._upload(array)

    def _find_images(self) -> None:
        """Find the device's image of every array."""
        clocks: dict[int | None, tuple[int, int]] = {}
        for field in ("t", "timestep"):
            for k, clock in enumerate(self.clocks):
                late = self.place("late") + k * TIME.itemsize + _LATE_FIELDS[field]
                place = self.place(field) + 8 * k, late
                clocks[getattr(clock, field).ctypes.data] = place
        self._images = {}
        for name in [name for name in self._own if not isinstance(name, Derived)]:
            del self._own[name]
        for name, thing in self.named.items():
            if isinstance(thing, np.ndarray):
                self._images[name] = self._memory.constant(thing)
                continue
            host = self._memory.raw(thing).ctypes.data
            if host in clocks:
                self._own[name], self._own[Derived(name, "late")] = clocks[host]
            else:
                self._images[name] = self._memory.image(thing, name in self._source.events)
        self.moved = True

    # -- keeping up with the host --------------------------------------------------
    def refresh(self) -> bool:
        """Copy to the device what the host has changed; whether something is elsewhere now."""
        for image in self._images.values():
            self.moved = image.update_device() or self.moved
        self._arrange()
        self.follow()
        if not self.moved:
            return False
        self.moved = False
        for k, name in enumerate(self._source.arrays):
            if name in self._own:
                self.fixed["arrays"][k] = self._own[name]
                self.fixed["lengths"][k] = 1
            else:
                # but for the time, late steps see what is there
                image = self._images[name.of if isinstance(name, Derived) else name]
                self.fixed["arrays"][k] = image.address
                self.fixed["lengths"][k] = image.length
        return True

    def _arrange(self) -> None:
        """Have synapses' values in the order of delivery, of arrays as they are now."""
        for queue, copies in self._source.arranged.items():
            images = [self._images[array] for array in copies.values()]
            addresses = self._memory.arranged(self.queues[queue], images, self._module())
            for name, address in zip(copies, addresses, strict=True):
                self.moved = self.moved or self._own.get(name) != address
                self._own[name] = address

    def follow(self) -> None:
        """Tell the device which rows were fetched, and of clocks that were moved meanwhile."""
        self._forget_fetched()
        self._follow_clocks()

    def _follow_clocks(self) -> None:
        """Tell the device of clocks that another network has moved meanwhile."""
        for k, clock in enumerate(self.clocks):
            for field in ("t", "timestep"):
                host = getattr(clock, field)
                if host[0] != self.state[field][k]:
                    self.state[field][k] = host[0]
                    self._driver.upload(self.place(field) + 8 * k, self.state[field][k : k + 1])

    def _forget_fetched(self) -> None:
        """Tell the device which rows were fetched."""
        for k, recorder in enumerate(self.recorders):
            if recorder.waiting != self.state["recorded"][k]["rows"]:
                self.state["recorded"][k]["rows"] = recorder.waiting
                place = self.place("recorded") + k * RECORDED.itemsize + _ROWS
                rows = np.array([recorder.waiting], dtype=np.int64)
                self._driver.upload(place, rows)

    # -- for the program -----------------------------------------------------------
    def count_of(self, task: TaskPlan) -> int:
        """How many elements a task has."""
        match task.count:
            case ParamCount(param):
                return int(self.params[param])
            case ArrayCount(array, less):
                return int(self.fixed["lengths"][self._source.arrays.index(array)]) - less
        return 0

    def read_state(self) -> None:
        """Wait for the device and see how far it is."""
        self._driver.download(self.state, self._state_address)
        for k, clock in enumerate(self.clocks):
            clock.t[0] = self.state["t"][k]
            clock.timestep[0] = self.state["timestep"][k]
        for k, recorder in enumerate(self.recorders):
            recorder.waiting = int(self.state["recorded"][k]["rows"])

    def note_changes(self) -> None:
        """Note that the device has written to its arrays."""
        for name in self._source.written & self._images.keys():
            self._images[name].host_is_stale = True

    def give_back_queues(self) -> None:
        """Give the queues what is still in flight, after the program ran."""
        for k, queue in enumerate(self.queues):
            record, now = self.fixed["queues"][k], self.state["positions"][k]["now"]
            n_slots, n_sources = int(record["n_slots"]), int(record["n_sources"])
            counts = np.empty(n_slots, dtype=np.int32)
            self._driver.download(counts, int(record["count"]))
            ring = {}
            for slot in np.nonzero(counts)[0].tolist():
                ago = (int(now["head"]) - slot) % n_slots
                if ago == 0:
                    continue  # the next time step's
                ring[ago] = np.empty(counts[slot], dtype=np.int32)
                self._driver.download(ring[ago], int(record["ring"]) + 4 * slot * n_sources)
            queue.take_back(ring, int(now["step"]))
