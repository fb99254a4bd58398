"""Statements that Brian has made of code, as kernels of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.codegen.statements import Statement
from brian2.core.functions import DEFAULT_CONSTANTS, Function
from brian2.core.namespace import DEFAULT_UNITS
from brian2.core.variables import (
    ArrayVariable,
    AuxiliaryVariable,
    Constant,
    DynamicArrayVariable,
    Subexpression,
)
from brian2.groups.subgroup import Subgroup
from brian2.utils.stringtools import get_identifiers

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT64, INT32, INT64, arithmetic, is_float, is_integer
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.names import Origin
from .builder import NetworkBuilder, reading
from .expressions import ExpressionReader, Unsupported
from .functions import FunctionCalls
from .held import share_of
from .labels import free, referent
from .recorded import RecordedCode

#: The value of every unit: these never change, so they become part of the code.
_UNIT_VALUES = {name: float(unit) for name, unit in DEFAULT_UNITS.items()}


def read_kernel(
    builder: NetworkBuilder,
    code: RecordedCode,
    origin: str,
    outputs: Iterable[str] = (),
    *,
    numbers: WrittenNumbers | None = None,
) -> Kernel:
    """Translate recorded statements.

    Parameters
    ----------
    builder : NetworkBuilder
        Collects the arrays and numbers.
    code : RecordedCode
    origin : str
        The Brian object, for people.
    outputs : iterable of str
        Variables that the step needs after the statements.
    numbers : WrittenNumbers, optional
        Those of the script's that Brian has put into the code.

    Raises
    ------
    Unsupported
        With the reason why Brian has to run this code.
    """
    return KernelBuilder(builder, code, origin, numbers).build(list(outputs))


@dataclass(frozen=True)
class WrittenNumbers:
    """Numbers of the script's that Brian has put into the code of an object.

    They become parameters, so that the same object with other numbers is the same program.

    Attributes
    ----------
    thing : BrianObject
    statement : str, optional
        The variable whose statement has them, if others have numbers that the user wrote.
    """

    thing: Any
    statement: str = ""

    def reader(self, builder: NetworkBuilder, variable: str) -> Callable[[float], Expr] | None:
        """What makes parameters of the numbers in the statement of a variable."""
        if self.statement not in ("", variable):
            return None
        name = f"{builder.label(self.thing)}_number"

        def parameter(value: float) -> Expr:
            identity = (id(self.thing), name, value)
            return builder.param(name, builder.float_dtype, lambda: value, identity)

        return parameter


@dataclass
class _Subexpression:
    """A subexpression where it was evaluated, and the values of the variables in it then."""

    statement: Statement
    seen: dict[str, Expr]


def _same_variables(code: RecordedCode) -> dict[str, str]:
    """For every name of an array variable, the one name of this variable at this index.

    Brian calls variables of subexpressions by names such as ``_x_synapses_y``.
    """
    arrays = {
        name: variable
        for name, variable in code.variables.items()
        if isinstance(variable, ArrayVariable)
    }
    chosen: dict[tuple[int, Any], str] = {}
    meant: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in meant:
            variable = arrays[name]
            index = None if variable.scalar else code.variable_indices[name]
            if index in arrays and index != name:
                index = of(index)
            meant[name] = chosen.setdefault((id(variable), index), name)
        return meant[name]

    # the names that users know come first
    for name in sorted(arrays, key=lambda name: (name.startswith("_"), len(name), name)):
        of(name)
    return meant


def _other_ways(code: RecordedCode, meant: Mapping[str, str]) -> dict[str, list[str]]:
    """For the name of a variable at an index that is read, those of the variable at other ones.

    Where a neuron is connected to itself, ``v_pre`` and ``v_post`` are one value.
    """
    names: dict[int, list[str]] = {}
    for name in dict.fromkeys(meant.values()):
        if code.variable_indices[name] in meant and not code.variables[name].scalar:
            names.setdefault(id(code.variables[name]), []).append(name)
    return {
        name: [other for other in same if other != name]
        for same in names.values()
        for name in same
        if len(same) > 1
    }


class KernelBuilder:
    """Builds one kernel: statements in, values to store out."""

    def __init__(
        self,
        builder: NetworkBuilder,
        code: RecordedCode,
        origin: str,
        numbers: WrittenNumbers | None = None,
    ) -> None:
        self.builder = builder
        self.numbers = numbers
        self.code = code
        name = f"{builder.label(code.owner)}_{code.template}_kernel"
        self.kernel = Kernel(builder.kernel_name(name), origin)
        self.values: dict[str, Expr] = {}
        #: one name for all names in the code that mean one variable at one index
        self.meant = _same_variables(code)
        self.other_ways = _other_ways(code, self.meant)
        #: by these names
        self.accesses: dict[str, Access] = {}
        self.subexpressions: dict[str, _Subexpression] = {}
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
            parameter=self.as_parameter,
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
        self._keep_calls()
        self.number_elements()
        return self.kernel

    def number_elements(self) -> None:
        """Where this process has some of the elements only, let them keep their random numbers."""
        share = share_of(self.code.owner)
        if share is None or share.is_whole or not self.kernel.attributes("random"):
            return
        label = self.builder.label(self.code.owner)
        array = self.builder.constant_array(
            f"{label}_numbers",
            lambda: share.present,
            Origin("numbers of the synapses of", label),
            ("numbers", id(share)),
            owner=label,
        )
        access = Access(free(self.kernel.accesses, "_number"), array, INT32)
        self.kernel.accesses[access.name] = access
        self.kernel.numbered = access.name

    def _keep_calls(self) -> None:
        """Calls whose result nobody uses may still write to an array."""
        used = {node.serial for node in ex.walk(self.kernel.roots())}
        for call in self.functions.looking_calls:
            if call.serial not in used:
                self.kernel.outputs[f"_call_{call.attr.call_number}"] = call

    def execute(self, statements: Iterable[Statement], *, shared: bool) -> None:
        """Follow statements that are executed once, or for every element."""
        self.functions.shared = shared
        for statement in statements:
            self.assign(statement)
            if statement.var in self.code.writes:
                name = self.meant.get(statement.var, statement.var)
                self.written[name] = self.written.get(name, shared)

    def store(self) -> None:
        """Write the variables: at the end and by name, as Brian's compiled targets do."""
        for name in sorted(self.written):
            access = self.access(name)
            store = Store(access.name, ex.cast(self.values[name], value_dtype(access.dtype)))
            shared = self.written[name] or access.index is None
            (self.kernel.shared_stores if shared else self.kernel.stores).append(store)

    def assign(self, statement: Statement) -> None:
        if self.numbers is not None:
            self.reader.literal = self.numbers.reader(self.builder, statement.var)
        value = self.reader.read(statement.expr)
        op = {"+=": "add", "-=": "sub", "*=": "mul", "/=": "div", "//=": "floordiv",
              "%=": "mod", "**=": "pow"}.get(statement.op)  # fmt: skip
        if op is not None:
            value = self.reader.updated(op, self.lookup(statement.var), value)
        elif statement.op not in (":=", "="):
            raise Unsupported(f"the operator '{statement.op}'")
        dtype = self.dtype_of(statement)
        variable = self.code.variables.get(statement.var)
        if isinstance(variable, ArrayVariable) and self.reader.may_be_too_large(
            value, np.dtype(variable.dtype).name
        ):
            raise Unsupported(f"a whole number that may not fit into '{statement.var}'")
        if op is None:
            value = self.reader.with_parameter(value, dtype)
        # a name of the code's own, which Brian takes for whole: k**-2 is not
        free_type = variable is None and is_float(value.dtype) and is_integer(dtype)
        if not free_type:
            value = ex.truth(value) if dtype == BOOL else ex.cast(value, dtype)
        if statement.var in self.code.guards and statement.op != ":=":
            guard = ex.truth(self._guard(statement.var))
            value = ex.select(guard, value, self.lookup(statement.var))
        self._set(self.meant.get(statement.var, statement.var), value)
        if statement.subexpression:
            self.subexpressions[statement.var] = _Subexpression(
                statement, {name: self.lookup(name) for name in self._dependencies(statement.expr)}
            )

    def _guard(self, name: str) -> Expr:
        """Whether a variable may be written, for the neuron that it belongs to.

        Brian has one name for that at both ends of a synapse, and takes one of them for both.
        """
        known, indices = self.code.guards[name], self.code.variable_indices
        variable = self.code.variables[name].conditional_write
        if variable is self.code.variables[known] and indices[known] == indices[name]:
            return self.lookup(known)
        array, index = self.builder.array(variable), self.access(name).index
        accesses = self.kernel.accesses
        own = next((a.name for a in accesses.values() if (a.array, a.index) == (array, index)), "")
        if not own:
            own = free(accesses, f"{known}_of_{name}")
            accesses[own] = Access(own, array, BOOL, index)
        return ex.make("load", attr=own, dtype=BOOL)

    def _set(self, name: str, value: Expr) -> None:
        """Give a variable a value, by all names that may reach the same element."""
        for other in self.other_ways.get(name, ()):
            place, its = (self.lookup(self.code.variable_indices[one]) for one in (name, other))
            same = ex.compare("eq", place, its)
            self.values[other] = ex.select(same, value, self.lookup(other))
        self.values[name] = value

    def _dependencies(self, text: str) -> set[str]:
        """The variables that an expression uses, also by subexpressions that it uses."""
        found: set[str] = set()
        for name in get_identifiers(text):
            if name in self.subexpressions:
                found |= self.subexpressions[name].seen.keys()
            elif isinstance(self.code.variables.get(name), ArrayVariable):
                found.add(self.meant.get(name, name))
        return found

    def _refresh(self, name: str) -> None:
        """Evaluate a subexpression anew if what it depends on has changed since.

        Brian does so where it sees the change; it gives variables other names in subexpressions,
        so that often it does not.
        """
        known = self.subexpressions[name]
        if any(self.values.get(other) is not value for other, value in known.seen.items()):
            del self.subexpressions[name]
            self.assign(known.statement)

    def dtype_of(self, statement: Statement) -> str:
        """The type of what a statement computes."""
        return value_dtype(np.dtype(statement.dtype).name)

    def access(self, name: str) -> Access:
        """The access to an array variable, with the accesses of its indices."""
        name = self.meant.get(name, name)
        access = self.accesses.get(name)
        if access is None:
            variable = self.code.variables[name]
            index = self.code.variable_indices[name]
            if variable.scalar or index == "0":
                index_name = None
            elif index == ELEMENT or index in self.kernel.given:
                index_name = index
            else:
                index_name = self.access(index).name
            array = self.builder.array(variable)
            # Brian makes names such as '__source_v_neurongroup_3_u', with groups' names in them
            own = self.builder.labels.within(name) if name.startswith("_") else name
            access = Access(
                free(self.kernel.accesses, own),
                array,
                np.dtype(variable.dtype).name,
                index_name,
                consecutive=isinstance(variable.owner, Subgroup) and variable.name == "_sub_idx",
            )
            self.accesses[name] = self.kernel.accesses[access.name] = access
        return access

    def lookup(self, name: str) -> Expr:
        """The current value of a variable."""
        name = self.meant.get(name, name)
        if name in self.subexpressions:
            self._refresh(name)
        if name in self.values:
            return self.values[name]
        if name in self.kernel.given:
            return ex.make("given", attr=name, dtype=self.kernel.given[name])
        variable = self.code.variables.get(name)
        value: Expr
        if isinstance(variable, ArrayVariable | DynamicArrayVariable):
            if np.dtype(variable.dtype).name in ("uint32", "uint64"):
                raise Unsupported(f"'{name}' is an unsigned whole number, and its arithmetic wraps")
            access = self.access(name)
            value = ex.make("load", attr=access.name, dtype=value_dtype(access.dtype))
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
                owner = self.code.owner if variable.owner is None else variable.owner
                label = f"N_{self.builder.label(owner)}"
                return self.builder.param(label, INT64, reading(variable), id(variable))
            return ex.const(value)
        if name in DEFAULT_CONSTANTS:
            return ex.const(value, self.builder.float_dtype)
        if name in _UNIT_VALUES:
            unit, read = _UNIT_VALUES[name], self._reading(name)
            self.builder.rely_on(lambda: read() == unit)
            if unit == value:
                return ex.const(value, self.builder.float_dtype)
        return self._number(name, self.builder.float_dtype)

    def as_parameter(self, name: str, dtype: str) -> Expr | None:
        """A whole number of the script as a parameter of a type; None if it is none."""
        variable: Any = self.code.variables.get(name)
        if name == "N" or type(variable) is not Constant:
            return None
        value = np.asarray(variable.get_value()).item()
        # others are rounded when they are converted, in one way or another
        if type(value) is not int or (is_float(dtype) and abs(value) >= 2**24):
            return None
        return ex.cast(self._number(name, dtype if is_float(dtype) else INT64), dtype)

    def _reading(self, name: str, kind: type = float) -> Callable[[], float | int]:
        """What tells the present value of a number of the script."""
        variables = self.code.variables
        # a number of the script that has got another value is another variable there
        return lambda: kind(np.asarray(variables[name].get_value()).item())

    def _number(self, name: str, dtype: str) -> Expr:
        """A number of the script as a parameter."""
        identity = (id(referent(self.code.owner)), name)
        reading = self._reading(name, float if is_float(dtype) else int)
        return self.builder.param(name, dtype, reading, identity)


def value_dtype(dtype: str) -> str:
    """The type in which values of an array's type are computed with.

    Small integers are ``int32``, as in C.
    """
    return dtype if is_float(dtype) or dtype in (BOOL, INT64) else arithmetic(dtype)
