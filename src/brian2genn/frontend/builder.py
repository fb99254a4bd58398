"""Collects the arrays, numbers and kernels of a network while it is translated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from brian2.codegen.statements import Statement
from brian2.core.functions import DEFAULT_CONSTANTS, Function
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.preferences import prefs
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Constant,
    DynamicArrayVariable,
    Subexpression,
)

from ..model import expr as ex
from ..model.compiling import CompilerArguments
from ..model.dtypes import BOOL, FLOAT64, INT64, arithmetic, is_float
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.network import Array, Clock, Network, Param
from .expressions import ExpressionReader, Unsupported, float_name
from .functions import FunctionCalls, brian_arguments
from .recorded import RecordedCode

#: The value of every unit: these never change, so they become part of the code.
_UNIT_VALUES = {name: float(unit) for name, unit in DEFAULT_UNITS.items()}


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
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    params: dict[str, float | int] = field(default_factory=dict)
    queues: list[Any] = field(default_factory=list)
    recorders: list[RecorderPlan] = field(default_factory=list)
    hosts: list[Any] = field(default_factory=list)
    clocks: list[Any] = field(default_factory=list)


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

    def __init__(self) -> None:
        self.network = Network()
        self.bindings = Bindings()
        #: by C name: a user's function and its text
        self.user_code: dict[str, tuple[Any, str]] = {}
        #: C names of the users' functions that draw random numbers
        self.drawing_functions: set[str] = set()
        #: by C name: what a user's function needs of the compiler
        self.compiler_arguments: dict[str, CompilerArguments] = {}
        #: by C name: the objects whose code calls a user's function
        self.function_users: dict[str, tuple[str, ...]] = {}
        self.float_dtype = float_name(np.dtype(prefs["core.default_float_dtype"]))
        self._array_names: dict[int, str] = {}
        self._queue_numbers: dict[int, int] = {}
        self._kernel_names: set[str] = set()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Within this, an object is read: all that it registers stays or, after an error, nothing.

        What is registered must not be changed afterwards: only the collections are kept.
        """
        before = {name: _as_it_is(value) for name, value in vars(self).items()}
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    # -- names ---------------------------------------------------------------
    def array(self, variable: Any) -> str:
        """The name of the array that holds a Brian variable."""
        name = self._array_names.get(id(variable))
        if name is None:
            if getattr(variable, "ndim", 1) != 1:
                raise Unsupported(f"the two-dimensional variable '{variable.name}'")
            owner = getattr(variable.owner, "name", "temporary")
            name = self._free(self.network.arrays, self.array_name(variable))
            self._array_names[id(variable)] = name
            dtype = np.dtype(variable.dtype).name
            origin = f"'{variable.name}' of '{owner}'"
            self.network.arrays[name] = Array(name, dtype, origin, owner)
            self.bindings.arrays[name] = variable
        return name

    def array_name(self, variable: Any) -> str:
        """The name that an array should have, if it is free."""
        owner = getattr(variable.owner, "name", "temporary")
        return identifier(f"{owner}_{variable.name}")

    def constant_array(self, name: str, values: np.ndarray, origin: str) -> str:
        """Register values that belong to the program, not to a Brian variable."""
        name = identifier(name)
        if name not in self.network.arrays:
            self.network.arrays[name] = Array(name, values.dtype.name, origin)
            self.bindings.arrays[name] = values
        return name

    def function_array(self, pointer: str, values: np.ndarray, function: str) -> str:
        """Register the array that a user's C++ function reaches by a global pointer.

        Returns
        -------
        str
            The pointer's name: another one where a function has other values under
            this name.
        """
        name = identifier(pointer)
        known = self.bindings.arrays.get(name)
        if known is not None and not (
            known.dtype == values.dtype and known.tobytes() == values.tobytes()
        ):
            name = self._free(self.network.arrays, name)
        return self.constant_array(name, values, f"namespace of the function '{function}'")

    def function_name(self, wanted: str, function: Any) -> str:
        """The C name of a user's function: another one where two have the same."""
        for name, (known, _) in self.user_code.items():
            if known is function and re.fullmatch(rf"{re.escape(wanted)}(_\d+)?", name):
                return name
        return self._free(self.user_code, wanted)

    def param(self, name: str, dtype: str, value: float | int) -> Expr:
        """A number of the run; the same name must always mean the same value."""
        name = identifier(name)
        known = self.network.params.get(name)
        if known is not None:
            same = np.array_equal(self.bindings.params[name], value, equal_nan=True)
            if not same or known.dtype != dtype:
                name = self._free(self.network.params, name)
        self.network.params[name] = Param(name, dtype)
        self.bindings.params[name] = value
        return ex.make("param", attr=name, dtype=dtype)

    @staticmethod
    def _free(taken: Iterable[str], name: str) -> str:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        return candidate

    def kernel_name(self, name: str) -> str:
        """A C identifier for a kernel, not yet in use."""
        name = self._free(self._kernel_names, identifier(name))
        self._kernel_names.add(name)
        return name

    def clock(self, clock: Any) -> int:
        """The number of a Brian clock."""
        for number, known in enumerate(self.bindings.clocks):
            if known is clock:
                return number
        self.bindings.clocks.append(clock)
        self.network.clocks.append(Clock(clock.name, "dt" in clock.variables))
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
        value = int(np.asarray(variable.get_value()).item())
        return str(self.param(name, INT64, value).attr)

    def user_text(self) -> list[str]:
        """The text of the users' functions in use, what they depend on first."""
        return [text for _, text in self.user_code.values()]

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

    # -- kernels -------------------------------------------------------------
    def kernel(self, code: RecordedCode, origin: str, outputs: Iterable[str] = ()) -> Kernel:
        """Translate recorded statements.

        Parameters
        ----------
        code : RecordedCode
        origin : str
            The Brian object, for people.
        outputs : iterable of str
            Variables that the step needs after the statements.

        Raises
        ------
        Unsupported
            With the reason why Brian has to run this code.
        """
        return KernelBuilder(self, code, origin).build(list(outputs))


class KernelBuilder:
    """Builds one kernel: statements in, values to store out."""

    def __init__(self, builder: NetworkBuilder, code: RecordedCode, origin: str) -> None:
        self.builder = builder
        self.code = code
        name = getattr(code.owner, "name", "code")
        self.kernel = Kernel(builder.kernel_name(f"{name}_{code.template}_kernel"), origin)
        self.values: dict[str, Expr] = {}
        self.functions = FunctionCalls(builder, code.owner, code.variables)
        #: whether a variable was written once for all elements
        self.written: dict[str, bool] = {}
        self.reader = self.make_reader()

    def make_reader(self) -> ExpressionReader:
        """What reads the expressions."""
        return ExpressionReader(
            self.lookup,
            lambda name, args: self.functions.call(self.reader, name, args),
            self.builder.float_dtype,
        )

    def build(self, outputs: list[str]) -> Kernel:
        """The kernel that executes all blocks and then has the values `outputs`."""
        blocks = list(self.code.blocks.values())
        for block in blocks:
            self.execute(block.shared, shared=True)
        for block in blocks:
            self.execute(block.vector, shared=False)
        self.store()
        for name in outputs:
            self.kernel.outputs[name] = self.lookup(name)
        return self.kernel

    def execute(self, statements: Iterable[Statement], *, shared: bool) -> None:
        """Follow statements that are executed once, or for every element."""
        self.functions.shared = shared
        for statement in statements:
            self.assign(statement)
            if statement.var in self.code.writes:
                self.written[statement.var] = self.written.get(statement.var, shared)

    def store(self) -> None:
        """Write the variables: at the end and by name, as Brian's compiled targets do."""
        for name in sorted(self.written):
            access = self.access(name)
            store = Store(name, ex.cast(self.values[name], self.value_dtype(access.dtype)))
            shared = self.written[name] or access.index is None
            (self.kernel.shared_stores if shared else self.kernel.stores).append(store)

    def assign(self, statement: Statement) -> None:
        value = self.reader.read(statement.expr)
        op = {"+=": "add", "-=": "sub", "*=": "mul", "/=": "div", "//=": "floordiv",
              "%=": "mod", "**=": "pow"}.get(statement.op)  # fmt: skip
        if op is not None:
            value = self.reader.binary(op, self.lookup(statement.var), value)
        elif statement.op not in (":=", "="):
            raise Unsupported(f"the operator '{statement.op}'")
        dtype = self.dtype_of(statement)
        value = ex.truth(value) if dtype == BOOL else ex.cast(value, dtype)
        guard = self.code.guards.get(statement.var)
        if guard is not None and statement.op != ":=":
            value = ex.select(ex.truth(self.lookup(guard)), value, self.lookup(statement.var))
        self.values[statement.var] = value

    def dtype_of(self, statement: Statement) -> str:
        """The type of what a statement computes."""
        return self.value_dtype(np.dtype(statement.dtype).name)

    @staticmethod
    def value_dtype(dtype: str) -> str:
        return dtype if is_float(dtype) or dtype == BOOL else _storage_to_value(dtype)

    def access(self, name: str) -> Access:
        """The access to an array variable, with the accesses of its indices."""
        access = self.kernel.accesses.get(name)
        if access is None:
            variable = self.code.variables[name]
            index = self.code.variable_indices[name]
            if variable.scalar or index == "0":
                index_name = None
            elif index == ELEMENT or index in self.kernel.given:
                index_name = index
            else:
                index_name = self.access(index).name
            access = Access(
                name, self.builder.array(variable), np.dtype(variable.dtype).name, index_name
            )
            self.kernel.accesses[name] = access
        return access

    def lookup(self, name: str) -> Expr:
        """The current value of a variable."""
        if name in self.values:
            return self.values[name]
        if name in self.kernel.given:
            return ex.make("given", attr=name, dtype=self.kernel.given[name])
        variable = self.code.variables.get(name)
        value: Expr
        if isinstance(variable, ArrayVariable | DynamicArrayVariable):
            access = self.access(name)
            value = ex.make("load", attr=access.name, dtype=self.value_dtype(access.dtype))
            if name == "dt" and self.builder.float_dtype != FLOAT64:
                value = ex.cast(value, self.builder.float_dtype)
        elif isinstance(variable, Constant):
            value = self.constant(name, variable)
        elif variable is None and name in DEFAULT_CONSTANTS:
            value = self.constant(name, DEFAULT_CONSTANTS[name])
        elif isinstance(variable, AuxiliaryVariable | Subexpression):
            raise Unsupported(f"'{name}' is used before it has a value")
        elif isinstance(variable, Function):
            raise Unsupported(f"the function '{name}' is used without being called")
        else:
            raise Unsupported(f"'{name}' ({type(variable).__name__})")
        self.values[name] = value
        return value

    def constant(self, name: str, variable: Constant) -> Expr:
        """A constant: part of the code where it never changes, else a parameter."""
        value = np.asarray(variable.get_value()).item()
        if isinstance(value, bool | int):
            if name == "N":
                owner = getattr(variable.owner, "name", self.code.owner.name)
                return self.builder.param(f"N_{owner}", INT64, int(value))
            return ex.const(value)
        if name in DEFAULT_CONSTANTS or _UNIT_VALUES.get(name) == value:
            return ex.const(value, self.builder.float_dtype)
        return self.builder.param(name, self.builder.float_dtype, value)


def _as_it_is(value: Any) -> Any:
    """An attribute of a builder, kept as it is while the builder goes on."""
    if isinstance(value, dict | list | set):
        return value.copy()
    if isinstance(value, Network | Bindings):
        return replace(value, **{f.name: _as_it_is(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, str | int | CompilerArguments):
        return value
    raise TypeError(f"nobody has said how to keep a {type(value).__name__} as it is")


def _storage_to_value(dtype: str) -> str:
    """Small integers are computed with as ``int32``, like C does."""
    return arithmetic(dtype) if dtype != INT64 else dtype
