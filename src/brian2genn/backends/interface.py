"""What every backend offers to the device."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..model.compiling import CompilerArguments
from ..model.names import Names
from ..model.network import Network, Step
from ..model.user_code import UserCode


class DeviceError(Exception):
    """A device, or its driver, has refused something."""


class DeviceLost(DeviceError):
    """A device has failed, and with it all that was on it is gone."""


class Queue:
    """A spike queue of a backend's: another one takes over what is on its way.

    Brian's own have the same two methods.
    """

    def _full_state(self) -> tuple[int, list[list[int]]]:
        raise NotImplementedError

    def _restore_from_full_state(self, state: Any) -> None:
        raise NotImplementedError


class Outcome(IntEnum):
    """Why a program gave control back."""

    FINISHED = 0
    TIME_USED = 1
    HOST_IS_NEXT = 2
    FAILED = 3


@dataclass
class ClockState:
    """A clock's memory: `t` and `timestep` are arrays of one element.

    `dt` is in seconds, or None for a clock that ticks at `times`; the run ends
    before time step `end`.
    """

    t: np.ndarray
    timestep: np.ndarray
    dt: float | None
    times: np.ndarray | None
    end: int

    def remaining(self) -> int:
        """How often it will tick in the run, if nobody stops that."""
        return max(int(self.end) - int(self.timestep[0]), 0)


@dataclass(frozen=True)
class Bound:
    """All that a program works with in a run.

    Attributes
    ----------
    arrays : mapping
        By the names of the network's arrays: Brian variables, or arrays of the program's own.
    params : mapping
        By the names of its parameters.
    clocks : sequence of ClockState
    queues : sequence
        Made by the backend, and prepared.
    columns : sequence of list
        For each recorder, element type and elements in a row of each column.
    key, step : int
        The key of the random streams, and the number of the next time step in them.
    names : Names
        What people call the objects: the program may have been made for others.
    seeded : bool
        Whether the script has seeded the random numbers. Where they come from the streams whose key
        is `key`, it makes no difference.
    parts : mapping
        By their labels: the synapses that several processes share out among them.
    profile : bool
        Whether the times are wanted that the steps take.
    """

    arrays: Mapping[str, Any]
    params: Mapping[str, float | int]
    clocks: Sequence[ClockState]
    queues: Sequence[Any]
    columns: Sequence[list[tuple[np.dtype, int]]]
    key: int
    step: int
    names: Names
    seeded: bool = False
    parts: Mapping[str, Part] = field(default_factory=dict)
    profile: bool = False


class Part(Protocol):
    """The synapses of a group that this process has, where several have some of them each.

    Attributes
    ----------
    side : str
        ``"pre"`` or ``"post"``: a neuron of this side has all of its synapses in one process.
    numbers : int32 array
        Their numbers among all of the group, ascending.
    """

    @property
    def side(self) -> str: ...

    @property
    def numbers(self) -> np.ndarray: ...


class Together(Protocol):
    """The processes (ranks) that run one network together, each elements of its own."""

    @property
    def address(self) -> int:
        """Of the ``b2g_world`` by which programs meet."""

    @property
    def steps(self) -> int:
        """After how many time steps all of them give control back."""

    @property
    def window(self) -> int:
        """After how many time steps events are exchanged that wait for that."""

    def any(self, purpose: str, here: bool) -> bool:
        """Whether something is so in any of the processes; all of them ask."""

    def gather(self, purpose: str, values: np.ndarray) -> list[np.ndarray]:
        """The values of all processes."""

    def least(self, purpose: str, values: np.ndarray) -> None:
        """Let all processes have the least values of any of them, in place."""

    def united(self, purpose: str, bits: np.ndarray) -> None:
        """Let all processes have the bits that are set in any of them, in place."""

    def parted(self) -> BaseException:
        """What to raise where a program has met others that were up to something else."""


class Recorder(Protocol):
    """Rows of values that a program appends, column by column."""

    @property
    def rows(self) -> int:
        """How many rows wait here."""

    def nbytes(self) -> int:
        """How much memory the waiting rows take."""

    def column(self, number: int) -> np.ndarray:
        """One column, shape (rows, width); valid until `clear`."""

    def clear(self) -> None:
        """Forget all rows."""


@runtime_checkable
class Borrower(Recorder, Protocol):
    """A recorder that can write into memory of somebody else's."""

    def lend(self, number: int, memory: np.ndarray) -> None:
        """Let a column without rows write into this memory, shape (rows,) or (rows, width)."""

    def borrowed(self, number: int) -> np.ndarray | None:
        """The memory that a column's rows are in, if that was lent."""


def array_of(thing: Any) -> np.ndarray:
    """The array behind an entry of `Bound.arrays`: the entry itself, or a Brian variable's own."""
    array: np.ndarray = thing if isinstance(thing, np.ndarray) else thing.get_value()
    return array


class Program(Protocol):
    """A compiled network.

    Attributes
    ----------
    schedule : list of (str, int)
        ``("block", number)`` and ``("host", number)`` in the order of a time step; what is to do
        after `run` has said that the host is next.
    owners : list of str
        For every compiled step, the label of its Brian object.
    within_step : bool
        Whether there is more of a time step to do after `end_step`; `run` does it.
    stays_bound : bool, optional
        Whether the same program can be bound for one run after the other, and takes arrays
        instead of variables.
    """

    schedule: list[tuple[str, int]]
    owners: list[str]

    @property
    def seconds(self) -> np.ndarray:
        """For every compiled step, the time it took (when profiling)."""

    def notes(self) -> list[str]:
        """What the processor executes, in sentences for people; may be empty."""

    def unbound(self) -> Program:
        """The same program, not connected to any memory."""

    def bind(self, bound: Bound) -> Sequence[Any]:
        """Connect the program to what a run works with, and compute what stays constant in it.

        Returns
        -------
        sequence of Recorder
            For each list of columns. A program that `stays_bound` and is given the same columns
            again, the object itself, goes on with its recorders.

        Raises
        ------
        TypeError
            With what is missing, of another type, or too much; see `binding.Needs`.
        ValueError
            With an array that is too short.
        """

    def move(self, arrays: Mapping[str, Any]) -> None:
        """Name the arrays anew: within a run, some lie elsewhere now or are longer."""

    def seed(self, key: int, step: int) -> None:
        """Set the key of the random streams and the number of the next step, within a run."""

    @property
    def random_step(self) -> int:
        """The number that the next time step will have in the random streams."""

    @property
    def random_key(self) -> int:
        """The key of the random streams."""

    def run(self, seconds: float) -> Outcome:
        """Run time steps for about `seconds` of real time, but at least one.

        Raises
        ------
        MemoryError
            Where a monitor or a queue could not grow.
        """

    def block(self, number: int) -> None:
        """Run one stretch of the present time step."""

    @property
    def within_step(self) -> bool:
        """Whether `end_step` has left something of the time step to `run`."""

    def end_step(self) -> None:
        """Finish a time step that objects of the host took part in."""

    def is_active(self, clock: int) -> bool:
        """Whether a clock ticks in the present time step."""

    def finish(self) -> None:
        """Give back what the host must hold between two runs."""


class RankedProgram(Program, Protocol):
    """A program whose network several processes run together."""

    @property
    def text(self) -> str:
        """What was compiled; the same for all of them."""

    def exchange_rest(self) -> None:
        """Let spikes that wait for an exchange go into their queues; all processes do it."""


class Setup(Protocol):
    """Executes set-up code on a device, where it can and where it is worth it."""

    def assign(
        self, network: Network, arrays: Mapping[str, Any], params: Mapping[str, float], key: int
    ) -> bool:
        """Set variables; whether it was done."""

    def connect(
        self, network: Network, arrays: Mapping[str, Any], params: Mapping[str, float], key: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """The neurons of new synapses; None if the host has to make them."""


class Backend(Protocol):
    """Builds programs for one kind of processor.

    Attributes
    ----------
    name : str
    has_own_memory : bool
        Whether arrays lie in a memory that other processes cannot reach: a process that is forked
        must have them before.
    needs_c_compiler : bool
        Whether networks are compiled, or executed, with the help of the system's C compiler.
    """

    name: str
    has_own_memory: bool
    needs_c_compiler: bool

    @property
    def queue_type(self) -> type:
        """The class of what `queue` makes."""

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[UserCode], arguments: CompilerArguments
    ) -> str | None:
        """Why these steps cannot be compiled, for people; None if they can.

        Parameters
        ----------
        steps : sequence of Step
            Those of one object.
        user_code : sequence of UserCode
            The text of users' functions.
        arguments : CompilerArguments
            What users ask of the compiler for it.
        """

    def build(self, network: Network, *, profile: bool) -> Program:
        """Compile a network that has been verified."""

    def queue(self, source_start: int, source_stop: int) -> Any:
        """A spike queue that programs of this backend and Brian's objects can use."""

    def setup(self) -> Setup | None:
        """What executes set-up code elsewhere than on the host; None if nothing does."""

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""

    def before_access(self, variable: Any) -> None:
        """Make the host's array of a variable current; whoever asks may write to it."""

    def valid(self, variables: Sequence[Any]) -> list[bool]:
        """Which variables are known to have finite values of a usual size.

        Of the others nothing is known until somebody looks at them here.
        """

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now."""

    def make_host_current(self) -> None:
        """Make all of the host's arrays current: whoever goes on has nothing else.

        Raises
        ------
        CudaError
            If values cannot be had any more; all that can be are current then.
        """


#: From a Brian variable to its array in the host's memory, as it is there.
RawValue = Callable[[Any], np.ndarray]
