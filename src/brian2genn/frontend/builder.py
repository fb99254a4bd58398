"""Collects the arrays, numbers and kernels of a network while it is translated."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np
from brian2.core.preferences import prefs
from brian2.core.spikesource import SpikeSource
from brian2.synapses.synapses import Synapses

from ..model import expr as ex
from ..model.compiling import CompilerArguments
from ..model.dtypes import FLOAT64, INT64
from ..model.expr import Expr
from ..model.names import Names, Origin
from ..model.network import Array, Clock, Network, Param, Role, View
from ..model.user_code import UserCode
from .brian_names import (
    CLOCK,
    GENERATORS,
    MATRIX,
    POINTER,
    SIZE,
    TABLE,
    TABLE_SIZE,
    VECTOR,
    BrianNames,
    Thing,
)
from .compatibility import BaseClock
from .compiling import brian_arguments
from .expressions import Unsupported, float_name
from .held import reading_size
from .labels import Labels, free, referent

#: What the arrays of clocks and synapses are for, by the names of Brian's variables.
_OF_CLOCKS = {role.value: role for role in (Role.TIME, Role.TIMESTEP, Role.DT)}
_OF_SYNAPSES = {"_synaptic_pre": Role.SOURCE, "_synaptic_post": Role.TARGET}


@dataclass
class RecorderPlan:
    """What a monitor records: its Brian variables by column, and its counter ``N``."""

    monitor: Any
    columns: dict[str, Any]
    counter: Any
    width: int = 1
    #: columns that hold one number per time step, whatever the width
    single: frozenset[str] = frozenset()

    def ordered(self) -> list[tuple[str, Any]]:
        """Return the columns in the order in which a program fills them.

        Time comes first where it is recorded once per time step, then the others by name.
        """
        return sorted(self.columns.items(), key=lambda item: (item[0] not in self.single, item[0]))


@dataclass
class Bindings:
    """What the names of a network stand for in this process.

    Attributes
    ----------
    arrays : dict
        Array name to a Brian variable, or to a NumPy array.
    params : dict
        Parameter name to its value.
    queues : list
        The spike queues, by number.
    recorders : list of RecorderPlan
    hosts : list
        Brian objects that Brian runs, by number.
    clocks : list
        Brian clocks, by number.
    names : Names
        What the script calls the objects.
    sources : list of (str, callable)
        Names of parameters, and what reads their values; a name may be there several times.
    tables : list of (str, callable)
        Names of arrays that belong to the program, and what makes them.
    facts : list of (callable, object)
        Whatever else the network depends on that may be another thing in the next run: what reads
        it, and what it was.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    params: dict[str, float | int] = field(default_factory=dict)
    queues: list[Any] = field(default_factory=list)
    recorders: list[RecorderPlan] = field(default_factory=list)
    hosts: list[Any] = field(default_factory=list)
    clocks: list[Any] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    sources: list[tuple[str, Callable[[], float | int]]] = field(default_factory=list)
    tables: list[tuple[str, Callable[[], np.ndarray]]] = field(default_factory=list)
    facts: list[tuple[Callable[[], object], object]] = field(default_factory=list)

    def refresh(self) -> bool:
        """Read anew what a script can change without changing the model.

        Returns
        -------
        bool
            Whether the network that it was read for is the same still. If not, nothing is changed.
        """
        if any(read() != known for read, known in self.facts):
            return False
        params: dict[str, float | int] = {}
        for name, read in self.sources:
            value = read()
            if _are_two(params.setdefault(name, value), value):
                return False
        self.params = params
        self.arrays.update((name, make()) for name, make in self.tables)
        return True


def identifier(name: str) -> str:
    """`name` as a C identifier."""
    return re.sub(r"\W", "_", name)


class NetworkBuilder:
    """A network model under construction.

    Attributes
    ----------
    network : Network
    bindings : Bindings
    """

    def __init__(self, names: BrianNames | None = None) -> None:
        self.network = Network()
        self.bindings = Bindings()
        self._names = names or BrianNames()
        #: by kind and identity: what users' functions look into, and its name in their text
        self._seen: dict[tuple[str, int], tuple[Thing, str]] = {}
        #: C names of the users' functions that look into arrays, and the names in their text
        self.looking_functions: dict[str, list[str]] = {}
        #: by C name: a user's function and its text
        self.user_code: dict[str, tuple[Any, UserCode]] = {}
        #: C names of the users' functions that draw random numbers
        self.drawing_functions: set[str] = set()
        #: by C name: what a user's function needs of the compiler
        self.compiler_arguments: dict[str, CompilerArguments] = {}
        #: by C name: the objects whose code calls a user's function
        self.function_users: dict[str, tuple[str, ...]] = {}
        self.float_dtype = float_name(np.dtype(prefs["core.default_float_dtype"]))
        self.labels = Labels()
        self._array_names: dict[object, str] = {}
        self._param_names: dict[Hashable, str] = {}
        self._queue_numbers: dict[int, int] = {}
        self._kernel_names: dict[str, None] = {}
        #: by the name that a user's function should have, and its identity: the one that it has
        self._function_names: dict[tuple[str, int], str] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Within this, an object is read: all that it registers stays or, after an error, nothing.

        What is registered must not be changed afterwards, and so it is enough to know how much
        there was.
        """
        undo = {name: _undoing(vars(self), name) for name in vars(self)}
        try:
            yield
        except BaseException:
            for added in vars(self).keys() - undo.keys():
                del vars(self)[added]
            for back in undo.values():
                back()
            raise

    # -- names ---------------------------------------------------------------
    # Everything is known by what it is: two things of one name are two things. What they are
    # called here depends neither on numbers that Brian has counted up nor on values.
    def label(self, thing: Any) -> str:
        """What the model calls a Brian object."""
        return self.labels.of(thing)

    def array(self, variable: Any) -> str:
        """The name of the array that holds a Brian variable."""
        if getattr(variable, "ndim", 1) != 1:
            raise Unsupported(f"the two-dimensional variable '{variable.name}'")
        return self._array(variable)

    def _array(self, variable: Any) -> str:
        name = self._array_names.get(id(variable))
        if name is None:
            name = free(self.network.arrays, self.array_name(variable))
            self._array_names[id(variable)] = name
            dtype = np.dtype(variable.dtype).name
            owner = self._owner_label(variable)
            origin = Origin(f"'{variable.name}' of", owner)
            role, own_name = _role(variable)
            own = identifier(own_name)
            self.network.arrays[name] = Array(name, dtype, origin, owner, role, own)
            self.bindings.arrays[name] = variable
            for number, clock in enumerate(self.bindings.clocks):
                if variable in (clock.variables["t"], clock.variables["timestep"]):
                    self._note_time(number, clock)
        return name

    def _note_time(self, number: int, clock: Any) -> None:
        """Enter which arrays hold the time of a clock, as far as there are any."""
        t, timestep = (
            self._array_names.get(id(clock.variables[name])) for name in ("t", "timestep")
        )
        self.network.clocks[number] = replace(self.network.clocks[number], t=t, timestep=timestep)

    def _owner_label(self, variable: Any) -> str:
        return self.label(variable.owner) if hasattr(variable.owner, "name") else "temporary"

    def array_name(self, variable: Any) -> str:
        """The name that an array should have, if it is free."""
        return identifier(f"{self._owner_label(variable)}_{variable.name}")

    def constant_array(
        self,
        name: str,
        make: Callable[[], np.ndarray],
        origin: str,
        identity: Hashable,
        role: Role = Role.STATE,
        owner: str = "",
    ) -> str:
        """Register values that belong to the program, not to a Brian variable.

        Parameters
        ----------
        name : str
            What the array should be called.
        make : callable
            Returns the values that it has now; they are always of one type.
        origin : str
            What they are, for people.
        identity : hashable
            The same for the same array only.
        role : Role, optional
        owner : str, optional
            The label of the group that it has a value for each element of.

        Returns
        -------
        str
            What the array is called.
        """
        known = self._array_names.get(identity)
        if known is None:
            known = self._array_names[identity] = free(self.network.arrays, identifier(name))
            values = make()
            self.network.arrays[known] = Array(known, values.dtype.name, origin, owner, role)
            self.bindings.arrays[known] = values
            self.bindings.tables.append((known, make))
        return known

    def rely_on(self, read: Callable[[], object]) -> None:
        """Note that the network is another one when this is no longer what it is."""
        self.bindings.facts.append((read, read()))

    def function_name(self, wanted: str, function: Any) -> str:
        """The C name of a user's function: another one where two have the same."""
        known = self._function_names.get((wanted, id(function)))
        if known is None:
            known = free(self.user_code, wanted)
            self._function_names[wanted, id(function)] = known
        return known

    def param(
        self, name: str, dtype: str, read: Callable[[], float | int], identity: Hashable
    ) -> Expr:
        """A number of the run.

        Parameters
        ----------
        name : str
            What it should be called.
        dtype : str
        read : callable
            Returns the value that it has now.
        identity : hashable
            The same for the same number only. A number may be another one where Brian resolves
            its name in another place.
        """
        value = read()
        key: Hashable = (identity, dtype)
        known = self._param_names.get(key)
        if known is not None and _are_two(self.bindings.params[known], value):
            key = (identity, dtype, repr(value))
            known = self._param_names.get(key)
        if known is None:
            known = self._param_names[key] = free(self.network.params, identifier(name))
            self.network.params[known] = Param(known, dtype)
            self.bindings.params[known] = value
        self.bindings.sources.append((known, read))
        return ex.make("param", attr=known, dtype=dtype)

    def kernel_name(self, name: str) -> str:
        """A C identifier for a kernel, not yet in use."""
        name = free(self._kernel_names, identifier(name))
        self._kernel_names[name] = None
        return name

    def clock(self, clock: Any) -> int:
        """The number of a Brian clock."""
        for number, known in enumerate(self.bindings.clocks):
            if known is clock:
                return number
        self.bindings.clocks.append(clock)
        self.network.clocks.append(Clock(self.label(clock), "dt" in clock.variables))
        self._note_time(len(self.bindings.clocks) - 1, clock)
        return len(self.bindings.clocks) - 1

    def queue(self, queue: Any) -> int:
        """The number of a pathway's queue."""
        number = self._queue_numbers.get(id(queue))
        if number is None:
            number = self._queue_numbers[id(queue)] = len(self.bindings.queues)
            self.bindings.queues.append(queue)
            self.network.queues = len(self.bindings.queues)
        return number

    def recorder(self, plan: RecorderPlan) -> int:
        """The number of a new recorder."""
        self.bindings.recorders.append(plan)
        self.network.recorders = len(self.bindings.recorders)
        return self.network.recorders - 1

    def size(self, variable: Any, name: str) -> str:
        """The parameter that holds a group's size, given as a Brian variable."""
        return str(self.param(name, INT64, reading_size(variable), id(variable)).attr)

    def look(self, name: str, function: str, *, certain: bool) -> tuple[str, str] | None:
        """What ``brian::name`` is in the text of a user's function: its kind and its new name.

        The new name tells nothing of the groups, so that equal networks have equal programs.

        Parameters
        ----------
        name, function : str
        certain : bool
            Whether the name must be one in ``brian``.

        Returns
        -------
        tuple of str, or None
            None if it is not certain, and there is no such thing.

        Raises
        ------
        NoSuchName
            If there is no such thing, or more than one.
        """
        thing = self._names.find(name)
        if thing is None:
            if certain:
                raise self._names.error(name, function)
            return None
        key = thing.kind, id(thing.what)
        if key not in self._seen:
            self._seen[key] = thing, f"{thing.kind}_{len(self._seen) + 1}"
        return thing.kind, self._seen[key][1]

    def views(self) -> list[View]:
        """What the users' functions in use look into; registers the arrays."""
        used = {
            name for c_name in self.user_code for name in self.looking_functions.get(c_name, ())
        }
        return [self._view(thing, name) for thing, name in self._seen.values() if name in used]

    def _view(self, thing: Thing, name: str) -> View:
        what = thing.what
        if thing.kind == GENERATORS:
            return View(name, thing.kind)
        if thing.kind == CLOCK:
            wanted = [key for key in ("t", "timestep", "dt") if key in what.variables]
            arrays = tuple(self._array(what.variables[key]) for key in wanted)
            return View(name, thing.kind, FLOAT64, arrays)
        if thing.kind in (TABLE, TABLE_SIZE):
            label = self.label(what)
            array = self.constant_array(
                label,
                lambda: np.ascontiguousarray(what.values, dtype=FLOAT64).ravel(),
                Origin("TimedArray", label),
                id(what),
            )
            return View(name, POINTER if thing.kind == TABLE else SIZE, FLOAT64, (array,))
        arrays, dtype = (self._array(what),), np.dtype(what.dtype).name
        if thing.kind != SIZE:
            for number, plan in enumerate(self.bindings.recorders):
                if plan.counter is what:
                    return View(name, "count", dtype, arrays, number)
                for column, (_, known) in enumerate(plan.ordered()):
                    if known is what:
                        kind = VECTOR if what.ndim == 1 else MATRIX
                        return View(name, kind, dtype, arrays, number, column)
        return View(name, thing.kind, dtype, arrays)

    def note_arity(self, c_name: str, count: int) -> None:
        """Note with how many arguments equations call a user's function."""
        function, code = self.user_code[c_name]
        arities = tuple(sorted({*code.arities, count}))
        self.user_code[c_name] = function, replace(code, arities=arities)

    def user_text(self) -> list[UserCode]:
        """The users' functions in use, what they depend on first."""
        return [code for _, code in self.user_code.values()]

    def compiler(self) -> CompilerArguments:
        """What the users' functions in use need of the compiler."""
        if not self.user_code:
            return CompilerArguments()
        return CompilerArguments.joined([brian_arguments(), self.user_arguments()])

    def user_arguments(self) -> CompilerArguments:
        """What users ask of the compiler for these functions."""
        return CompilerArguments.joined(
            self.compiler_arguments[c_name] for c_name in self.user_code
        )


def _role(variable: Any) -> tuple[Role, str]:
    """What the array of a Brian variable is for, and what the group calls what it holds."""
    owner, name = referent(variable.owner), variable.name
    if isinstance(owner, BaseClock):
        return _OF_CLOCKS.get(name, Role.STATE), name
    if isinstance(owner, Synapses):
        return _OF_SYNAPSES.get(name, Role.STATE), name
    if not isinstance(owner, SpikeSource):
        return Role.STATE, name
    for event in getattr(owner, "events", ()):
        if name == f"_{event}space":
            return Role.SPIKES if event == "spike" else Role.EVENTS, event
    if name == "i" and variable.read_only:
        numbers = variable.get_value()
        if np.array_equal(numbers, np.arange(len(numbers))):
            return Role.NUMBER, name
    return Role.STATE, name


def _are_two(one: float | int, other: float | int) -> bool:
    """Whether two numbers are not the same one; NaN is."""
    return one != other and not (one != one and other != other)


def reading(variable: Any) -> Callable[[], int]:
    """What reads the whole number that a Brian variable is."""
    return lambda: int(np.asarray(variable.get_value()).item())


#: What is known of users' functions, and of clocks, is changed while others are read; it is little.
_CHANGING = frozenset(
    (
        "_seen", "looking_functions", "user_code", "drawing_functions", "compiler_arguments",
        "function_users", "clocks",
    )
)  # fmt: skip


def _undoing(attributes: dict[str, Any], name: str) -> Callable[[], object]:
    """What makes an attribute what it is now, after a builder has gone on."""
    value = attributes[name]
    if name in _CHANGING:
        kept = value.copy()
        return lambda: attributes.update({name: kept})
    if isinstance(value, dict | list):
        return partial(_shorten, value, len(value))
    if isinstance(value, Network | Bindings):
        parts = [_undoing(vars(value), part.name) for part in fields(value)]
        return lambda: [part() for part in parts]
    # what is known of names does not depend on who has asked
    if isinstance(value, str | int | CompilerArguments | Labels | BrianNames | Names):
        return lambda: attributes.update({name: value})
    raise TypeError(f"nobody has said how to keep a {type(value).__name__} as it is")


def _shorten(collection: dict[Any, Any] | list[Any], size: int) -> None:
    """Take away what was added last."""
    while len(collection) > size:
        if isinstance(collection, dict):
            collection.popitem()
        else:
            collection.pop()
