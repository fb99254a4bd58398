"""A compiled network and its connection to the memory of this process."""

from __future__ import annotations

import copy
import ctypes
import weakref
from collections.abc import Callable, Mapping, Sequence
from ctypes import POINTER, byref, c_double, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np

from ...codegen.c.payload import Payload
from ...codegen.c.program import Source, print_program
from ...model.names import Names
from ...model.network import Network
from ..binding import Needs, not_bound
from ..host import toolchain
from ..host.memory import zeros
from ..host.queue import SpikeQueue
from ..host.recorder import Recorder
from ..host.structures import (
    Clock,
    Context,
    Effort,
    Late,
    Pace,
    bind_arrays,
    missed,
    support,
    thrown,
)
from ..host.threads import describe_threads, usable_cores
from ..interface import Bound, ClockState, Outcome, Together
from .options import USUAL, Options
from .rooms import rooms_for_late, rooms_for_resting
from .sums import SumLayout

#: By their numbers.
_OUTCOMES = tuple(sorted(Outcome))

#: Errors of a step, as in brian2genn_runtime.h.
TOO_MANY_SPIKES, MISSED, PARTED, THROWN = 2, 3, 4, 5


def compiled(source: Source, chain: toolchain.Toolchain) -> ctypes.CDLL:
    """The library of a program: compiled, or taken from the cache.

    Raises
    ------
    ToolchainError, CompileError
        Where there is no place for it, or the compiler refuses it.
    """
    units = source.units if usable_cores() > 1 else 1
    return toolchain.compile_library(chain.with_units(units), source.text, "network", source.is_cpp)


class LateEvents:
    """Events that a program keeps until they are exchanged with other processes."""

    def __init__(self) -> None:
        self._structure = Late()

    def begin(self, window: int) -> int:
        """Begin a run in which they are exchanged after so many time steps; returns the address."""
        self._structure.window = window
        self._structure.steps = self._structure.used = self._structure.travelling = 0
        return ctypes.addressof(self._structure)

    def __del__(self) -> None:
        support().b2g_setup_release(self._structure.events)


class CpuProgram:
    """A network compiled for this machine's processor.

    Parameters
    ----------
    network : Network
        Verified and simplified.
    threads : callable, optional
        Says before each run how many threads may be used; one by default.
    why : callable, optional
        Says where this number comes from, for people.
    options : Options, optional
    together : Together, optional
        The processes that run the network together, if there are several.
    chain : Toolchain, optional
        The compiler and its flags, if they are not the usual ones.

    Raises
    ------
    ToolchainError, CompileError
        Where there is no compiler, or it refuses the program.
    """

    within_step = False
    #: what is bound stays bound until something else is
    stays_bound = True

    def __init__(
        self,
        network: Network,
        threads: Callable[[], int] = lambda: 1,
        why: Callable[[], str] = lambda: "",
        options: Options = USUAL,
        *,
        together: Together | None = None,
        chain: toolchain.Toolchain | None = None,
    ) -> None:
        self._together = together
        self._threads = threads
        self._options = options
        self._why_threads = why
        self._needs = Needs.of(network)
        self.source: Source = print_program(network)
        self.schedule = self.source.schedule
        self.owners = self.source.owners
        self._toolchain = (chain or toolchain.find()).with_arguments(network.compiler)
        self._library = self._load()
        self._context = Context()
        #: the context's address, as an argument
        self._here = byref(self._context)
        self._clocks: list[Clock] = []
        self._efforts: ctypes.Array[Effort] = (Effort * 0)()
        self._pace = Pace()
        self._keep: dict[str, object] = {}
        self._places: list[weakref.ref[np.ndarray]] = []
        self._arrays: list[np.ndarray] = []
        self._queues: list[SpikeQueue] = []
        #: stand for the synapses that are summed over
        self._sums = [SpikeQueue(0, 0) for _ in range(self.source.sums)]
        self._layouts = [SumLayout(form, options.costs) for form in self.source.forms]
        self._params: Mapping[str, float | int] = {}
        self._columns: Sequence[list[tuple[np.dtype, int]]] | None = None
        self._recorders: list[Recorder] = []
        #: pathways whose events bring along what synapses have
        self._brings: list[Payload] = []
        self._names = Names()
        self._is_bound = False

    def _load(self) -> ctypes.CDLL:
        library = compiled(self.source, self._toolchain)
        library.program_constants_size.restype = c_int64
        library.program_run.argtypes = [POINTER(Context), c_double]
        library.program_block.argtypes = [POINTER(Context), c_int32]
        if self.source.traces:
            library.program_differ_from_traces.restype = c_int64
        return library

    @property
    def library_path(self) -> str:
        """The file that the compiled program lies in."""
        return str(self._library._name)

    def unbound(self) -> CpuProgram:
        """The same program, not connected to any memory."""
        other = copy.copy(self)
        other._context = Context()
        other._here = byref(other._context)
        other._keep = {}
        other._places = []
        other._columns = None
        other._arrays = []
        other._is_bound = False
        other._sums = [SpikeQueue(0, 0) for _ in range(self.source.sums)]
        other._layouts = [SumLayout(form, self._options.costs) for form in self.source.forms]
        return other

    @property
    def text(self) -> str:
        """The text of the program."""
        return self.source.text

    def notes(self) -> list[str]:
        """What compiled it, how many threads were used, and for what."""
        steps = [self._names.tell(step) for step in self.source.steps]
        threads = describe_threads(
            self.source.shared,
            steps,
            self._context.threads,
            self._efforts,
            self._pace,
            self._why_threads(),
        )
        sums = [self._names.tell(one.form.origin) for one in self._layouts if one.by_target]
        if sums:
            threads.append(f"With copies of synapses in the order of targets: {', '.join(sums)}.")
        on_demand = [self._names.tell(origin) for origin in self.source.on_demand]
        if on_demand:
            threads.append(f"Made when something uses it, and at the end: {', '.join(on_demand)}.")
        late = [self._names.tell(self.source.steps[number]) for number in self._are_put_off()]
        if late:
            threads.append(
                "Several time steps at once, except where something looks at an element:"
                f" {', '.join(late)}."
            )
        if self._brings:
            names = ", ".join(self._names.tell(payload.origin) for payload in self._brings)
            threads.append(f"Spikes bring along what is read of their synapses: {names}.")
        return [f"Compiled by {self._toolchain.summarize(self.source.is_cpp)}.", *threads]

    def _are_put_off(self) -> list[int]:
        """The steps that the last run has put off, unless it has found that this does not pay."""
        updates = self._context.put_off
        return [
            step for step, _, _ in self.source.put_off
            if updates and updates[step].n > 0 and updates[step].wait == 0
        ]  # fmt: skip

    # -- memory --------------------------------------------------------------
    def bind(self, bound: Bound) -> list[Recorder]:
        """Connect the program to what a run works with, and compute what stays constant in it.

        Raises
        ------
        TypeError
            With what is missing, of another type, or too much.
        ValueError
            For an array that is too short, or whose elements are not next to each other.
        """
        self._is_bound = False
        self._names = bound.names
        self._take(self._needs.check(bound))
        self._params = bound.params
        self._bind_params(bound.params)
        self._bind_clocks(bound.clocks)
        self._queues = [*bound.queues, *self._sums]
        queues = self._handles("queues", self._queues)
        self._context.queues = queues
        self._keep["queues"] = queues
        if self._columns is not bound.columns:
            self._columns = bound.columns
            self._record_into([Recorder(own) for own in bound.columns])
        self.seed(bound.key, bound.step)
        self._prepare(bound.profile)
        self._is_bound = True
        return self._recorders

    def continue_recording(self, other: CpuProgram) -> None:
        """Go on with the recorders of another program for the same network."""
        if other._columns is not None:
            self._columns = other._columns
            self._record_into(other._recorders)

    def _record_into(self, recorders: list[Recorder]) -> None:
        self._recorders = recorders
        handles = self._handles("recorders", recorders)
        self._context.recorders = handles
        self._keep["recorders"] = handles

    def _handles(
        self, table: str, things: Sequence[SpikeQueue] | Sequence[Recorder]
    ) -> ctypes.Array[c_void_p]:
        """Where queues or recorders lie: all of them, then those of scopes again."""
        handles = [thing.handle for thing in things]
        handles += [handles[number] for number in self.source.again[table]]
        return (c_void_p * max(len(handles), 1))(*handles)

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew: Brian variables, or arrays of the program's own."""
        if self._take(self._needs.take(arrays)):
            self._bring()

    def _take(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Tell the program where its arrays lie; whether any of them is another one."""
        chosen = [arrays[name] for name in self.source.arrays]
        if self._places and all(
            place() is array for place, array in zip(self._places, chosen, strict=True)
        ):
            self._arrays = chosen
            return False
        again = self.source.again["arrays"]
        self._keep["places"] = bind_arrays(self._context, self.source.arrays, chosen, again)
        self._arrays = chosen
        self._places = [weakref.ref(array) for array in chosen]
        return True

    def _bind_params(self, params: Mapping[str, float | int]) -> None:
        again = self.source.again
        names = [*self.source.numbers, *(self.source.numbers[k] for k in again["numbers"])]
        numbers = np.array([params[name] for name in names], dtype=np.float64)
        names = [*self.source.integers, *(self.source.integers[k] for k in again["integers"])]
        integers = np.array([params[name] for name in names], dtype=np.int64)
        self._context.numbers = numbers.ctypes.data_as(POINTER(c_double))
        self._context.integers = integers.ctypes.data_as(POINTER(c_int64))
        self._keep["params"] = (numbers, integers)

    def _bind_clocks(self, clocks: Sequence[ClockState]) -> None:
        structures = (Clock * len(clocks))()
        for structure, clock in zip(structures, clocks, strict=True):
            structure.t = clock.t.ctypes.data
            structure.timestep = clock.timestep.ctypes.data
            structure.dt = clock.dt or 0.0
            structure.times = None if clock.times is None else clock.times.ctypes.data
            structure.end = clock.end
        self._context.clocks = structures
        self._clocks = list(structures)
        self._context.n_clocks = len(clocks)
        self._keep["clocks"] = (structures, list(clocks))

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step."""
        self._context.seed = key
        self._context.random_step = step

    @property
    def random_key(self) -> int:
        """The key of the random streams."""
        return int(self._context.seed)

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""
        return int(self._context.random_step)

    # -- running -------------------------------------------------------------
    def _prepare(self, profile: bool) -> None:
        """Compute what stays constant during a run; everything is bound."""
        constants = (ctypes.c_char * int(self._library.program_constants_size()))()
        self._context.constants = ctypes.addressof(constants)
        scopes = zeros((max(self.source.scopes, 1) * ctypes.sizeof(Context),), np.uint8)
        self._context.scopes = scopes.ctypes.data
        self._keep["scopes"] = scopes
        self.seconds = np.zeros(len(self.source.steps))
        self._context.seconds = self.seconds.ctypes.data_as(POINTER(c_double)) if profile else None
        self._keep["constants"] = constants
        n_efforts = len(self.source.steps) + self.source.tables
        self._efforts = (Effort * max(n_efforts, 1))()
        self._context.efforts = self._efforts
        resting = rooms_for_resting(self.source.resting, len(self.source.steps), self._params)
        self._context.resting, self._keep["resting"] = resting.structures, resting
        put_off = rooms_for_late(
            self.source.put_off, len(self.source.steps), self._params, self._options
        )
        self._context.put_off, self._keep["put_off"] = put_off.structures, put_off
        self._pace = Pace()
        self._context.pace = ctypes.pointer(self._pace)
        self._context.together = ctypes.cast(support().b2g_together, c_void_p)
        self._context.threads = self._threads()
        if self._together is not None:
            self._context.ranks = self._together.address
            self._context.exchange = ctypes.cast(support().b2g_exchange, c_void_p)
            self._context.collect = ctypes.cast(support().b2g_collect, c_void_p)
            self._context.receive = ctypes.cast(support().b2g_receive, c_void_p)
            late = self._keep.setdefault("late", LateEvents())
            assert isinstance(late, LateEvents)
            self._context.late = late.begin(self._together.window)
        self._context.always = self._options.share_always
        self._context.only = -1
        self._divide()
        layouts = (c_void_p * max(len(self._layouts), 1))(*(one.address for one in self._layouts))
        self._context.sums = layouts
        self._keep["sums"] = layouts
        self._follow()
        self._library.program_prepare(byref(self._context))

    def _divide(self) -> None:
        """Divide the synapses of pathways among the threads, by what is known of them now."""
        arrays = dict(zip(self.source.arrays, self._arrays, strict=True))
        for number, division in self.source.divisions:
            queue = self._queues[number]
            if queue in self._sums and division.index is not None:
                queue.take_all(arrays[division.index])
            if division.index is None or division.target is None:
                queue.divide(None, 0, self._context.threads)
            else:
                targets, written = arrays[division.index], arrays[division.target]
                queue.divide(targets, len(written), self._context.threads)
                if queue not in self._sums:
                    queue.find_neighbours(targets)
        self._bring()

    def _bring(self) -> None:
        """Let events bring along what their synapses have, as it is now."""
        arrays = dict(zip(self.source.arrays, self._arrays, strict=True))
        for payload in self.source.payloads:
            values = {place: arrays[name] for place, name in payload.arrays.items()}
            self._queues[payload.queue].bring(values, payload.size)
        self._brings = [one for one in self.source.payloads if self._queues[one.queue].brings]

    def _follow(self, block: int | None = None) -> None:
        """Bring what sums have copies of up to date: of one part of the time step, or of all."""
        arrays = dict(zip(self.source.arrays, self._arrays, strict=True))
        for layout in self._layouts:
            if block in (None, layout.form.block):
                layout.refresh(arrays, self._params)

    def show_traces(self) -> None:
        """Give variables of synapses the values that follow from what neurons keep."""
        self._library.program_show_traces(byref(self._context))

    def differ_from_traces(self, count: int, tolerance: float) -> bool:
        """Whether any of the synapses has other values than those.

        Parameters
        ----------
        count : int
            Of groups of synapses.
        tolerance : float
            Differences up to this, in relation to the values, are none.
        """
        differ = self._library.program_differ_from_traces
        return any(differ(byref(self._context), k, c_double(tolerance)) for k in range(count))

    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time.

        Raises
        ------
        MemoryError
            Where a monitor or a queue could not grow.
        ValueError
            Where a spike generator's spikes do not fit into a time step.
        RuntimeError
            Where it is not bound; with what a user's C++ function has thrown.
        """
        if not self._is_bound:
            raise not_bound()
        if self._layouts:
            self._follow()
        if self._together is not None:
            self._context.most = self._together.steps
        outcome = _OUTCOMES[self._library.program_run(self._here, seconds)]
        if outcome == Outcome.FAILED:
            self._fail()
        return outcome

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""
        if not self._is_bound:
            raise not_bound()
        if self._layouts:
            self._follow(number)
        if self._library.program_block(self._here, number):
            self._fail()

    def _fail(self) -> None:
        if self._context.error == PARTED:
            assert self._together is not None
            raise self._together.parted()
        if self._context.error == THROWN:
            raise thrown(self._library)
        step = self._names.tell(self.source.steps[self._context.error_step])
        if self._context.error == TOO_MANY_SPIKES:
            raise ValueError(
                f"The {step} has more spikes for one time step than it has neurons. Is there a"
                " second spike of a neuron in the step, or did it not run for a while?"
            )
        if self._context.error == MISSED:
            error = missed(self._library, self.source.views)
            error.add_note(f"It was called by the {step}.")
            raise error
        raise MemoryError(
            f"There is no memory left for the {step}. What has been recorded is kept. Delete what"
            " is not needed any more; to record less, choose fewer elements or a larger dt for the"
            " monitors."
        )

    def exchange_rest(self) -> None:
        """Let spikes that wait for an exchange go into their queues; all processes do it."""
        if self._together is not None and self._context.late:
            error = support().b2g_flush(byref(self._context))
            if error == PARTED:
                raise self._together.parted()
            if error:
                raise MemoryError("no memory for spikes of other processes")

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""
        if not self._is_bound:
            raise not_bound()
        self._library.program_end_step(self._here)

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""
        return bool(self._clocks[clock].active)

    def finish(self) -> None:
        """Queues and recorders lie in this process's memory; arrays may be given up."""
        self._arrays = []
        self._is_bound = False
