"""Brian's set-up code as a program of one step."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.codegen.statements import Statement
from brian2.core.variables import Constant

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT32, FLOAT64, INT32, INT64, is_float, is_integer
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Kernel
from ..model.names import Names, Origin
from ..model.network import Array, Clock, Network
from ..model.setup import (
    CONDITION,
    Assign,
    Connect,
    ConnectPairs,
    Iteration,
    Read,
    SetupStep,
)
from .brian_names import BrianNames, with_relatives
from .builder import Bindings, NetworkBuilder, identifier
from .expressions import ExpressionReader, Unsupported
from .kernels import KernelBuilder
from .recorded import RecordedCode

#: The array that a `Read` step fills.
RESULT = "_result"

#: The arrays of the new synapses' neurons.
NEW_PRE, NEW_POST = "_new_pre", "_new_post"


@dataclass
class SetupTranslation:
    """A set-up program and what its names stand for."""

    network: Network
    step: SetupStep
    bindings: Bindings
    users: dict[str, tuple[str, ...]]


def translate_setup(code: RecordedCode) -> SetupTranslation:
    """Translate one piece of set-up code.

    Raises
    ------
    Unsupported
        With the reason why Brian has to run it.
    """
    builder = SetupBuilder(BrianNames(with_relatives(code.owner), code.variables.values()))
    reader: Callable[[SetupBuilder, RecordedCode], SetupStep] = _READERS[code.template]
    step = reader(builder, code)
    builder.network.steps.append(step)
    builder.network.clocks.append(Clock("none"))  # every step has one; this one does not tick
    builder.network.views = builder.views()
    builder.network.user_code = builder.user_text()
    builder.network.compiler = builder.compiler()
    builder.bindings.names = Names(builder.labels.names)
    return SetupTranslation(builder.network, step, builder.bindings, builder.function_users)


class SetupReader(ExpressionReader):
    """Reads expressions for code that runs once: compiling must not happen twice.

    Numbers written in the code become parameters, so that ``connect(p=0.1)`` and
    ``connect(p=0.2)`` are one program.  Operations stay as and where they are
    written: whether two neurons are connected may hang on the last bit.
    """

    number: Callable[[float | int, str], Expr]

    def _constant(self, value: object) -> Expr:
        if isinstance(value, bool) or value in (0, 1):
            return super()._constant(value)
        if isinstance(value, int):
            if not -(2**63) <= value < 2**63:
                raise Unsupported("a whole number of more than 64 bits")
            return self.number(value, ex.const(value).dtype)
        if isinstance(value, float):
            return self.number(value, self.float_dtype)
        return super()._constant(value)

    def _operands(self, node: ast.expr) -> list[ast.expr]:
        operands = super()._operands(node)
        return operands if _written_exponent(node) is None else operands[:1]

    def _node(self, node: ast.expr, args: list[Expr]) -> Expr:
        exponent = _written_exponent(node)
        if exponent is None:
            return super()._node(node, args)
        (base,) = args
        if exponent.value in (2, 0.5) and isinstance(exponent.value, int | float):
            # what NumPy does in these cases, to the last bit
            if exponent.value == 2:
                base = self.as_float(base) if isinstance(exponent.value, float) else base
                return self.binary("mul", base, base)
            return self.builtin("sqrt", [base])
        return self.binary("pow", base, super()._constant(exponent.value))

    def may_be_too_large(self, value: Expr, dtype: str) -> bool:
        # here, the numbers of the code are parameters, too
        wide = value.dtype == INT64 and self._is_python_integer(value)
        narrow = dtype != INT64 and np.issubdtype(dtype, np.integer)
        return (wide and narrow) or super().may_be_too_large(value, dtype)

    def binary(self, op: str, left: Expr, right: Expr) -> Expr:
        if op != "pow":
            left, right = _as_numpy(left, right), _as_numpy(right, left)
        return super().binary(op, left, right)

    def compare(self, op: str, left: Expr, right: Expr) -> Expr:
        return super().compare(op, _as_numpy(left, right), _as_numpy(right, left))


def _written_exponent(node: ast.expr) -> ast.Constant | None:
    """The number to whose power something is taken."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return node.right if isinstance(node.right, ast.Constant) else None
    return None


def _as_numpy(value: Expr, other: Expr) -> Expr:
    """`value` in the type in which NumPy computes with it and single precision, if `other` is that.

    A number takes the type of the variable beside it; with an integer variable it is a double.
    """
    if value.dtype == FLOAT64 and other.dtype == FLOAT32 and _is_number(value):
        return ex.cast(value, FLOAT32)
    if value.dtype == FLOAT32 and is_integer(other.dtype) and not _is_number(other):
        return ex.cast(value, FLOAT64)
    return value


def _is_number(value: Expr) -> bool:
    """Whether no array is part of it, and no function, whose result would be one for NumPy."""
    return all(node.op not in ("load", "given", "call", "random", "user", "table")
               for node in ex.walk([value]))  # fmt: skip


class SetupBuilder(NetworkBuilder):
    """Gives names that do not depend on which group it is, so that programs are alike.

    Numbers and what is computed of them are doubles whatever type the variables have, as in
    Brian's NumPy code: the last bit of a delay can be a whole time step.
    """

    def __init__(self, names: BrianNames) -> None:
        super().__init__(names)
        self.float_dtype = FLOAT64
        self._numbers: dict[tuple[str, str], Expr] = {}

    def array_name(self, variable: Any) -> str:
        return identifier(variable.name)

    def kernel_name(self, name: str) -> str:
        return super().kernel_name("kernel")

    def number(self, value: float | int, dtype: str) -> Expr:
        """A number written in the code."""
        key = (repr(value), dtype)
        if key not in self._numbers:
            name = f"number_{len(self._numbers) + 1}"
            self._numbers[key] = self.param(name, dtype, lambda: value, ("number", key))
        return self._numbers[key]

    def value_param(self, variable: Any, name: str) -> str:
        """The parameter that holds the whole number that `variable` is now."""
        return self.size(variable, name)

    def new_array(self, name: str, dtype: Any) -> str:
        """An array that is made for the program when it runs."""
        self.network.arrays[name] = Array(name, np.dtype(dtype).name, "made for this program")
        return name


class SetupKernelBuilder(KernelBuilder):
    """Builds the kernel of a set-up step."""

    builder: SetupBuilder

    def make_reader(self) -> ExpressionReader:
        reader = SetupReader(
            self.lookup,
            lambda name, args: self.functions.call(self.reader, name, args),
            self.builder.float_dtype,
        )
        reader.number = self.builder.number
        return reader

    def assign(self, statement: Statement) -> None:
        if statement.var == CONDITION and self.reader.read(statement.expr).dtype != BOOL:
            # NumPy takes whole numbers for indices, and refuses others
            raise Unsupported("a condition that is a number")
        super().assign(statement)

    def dtype_of(self, statement: Statement) -> str:
        dtype = super().dtype_of(statement)
        return FLOAT64 if statement.op == ":=" and is_float(dtype) else dtype

    def constant(self, name: str, variable: Constant) -> Expr:
        value = np.asarray(variable.get_value()).item()
        if isinstance(value, int) and not isinstance(value, bool):
            dtype = ex.const(value).dtype
            return self.builder.param(name, dtype, lambda: value, ("constant", name))
        return super().constant(name, variable)

    def given(self, *names: str) -> None:
        """Declare values that the step provides."""
        for name in names:
            self.kernel.given[name] = INT32
            self.values.pop(name, None)

    def output(self, name: str) -> None:
        """Keep the present value of a variable for the step."""
        self.kernel.outputs[name] = self.lookup(name)

    def block(self, name: Any) -> None:
        """Follow one block of the code."""
        block = self.code.blocks[name]
        self.execute(block.shared, shared=True)
        self.execute(block.vector, shared=False)


def _base(builder: SetupBuilder, code: RecordedCode, kernel: Kernel) -> dict[str, Any]:
    return {
        "name": "step",
        "origin": _origin(builder, code),
        "owner": builder.label(code.owner),
        "clock": 0,
        "kernel": kernel,
    }


def _domain(builder: SetupBuilder, code: RecordedCode) -> dict[str, Any]:
    if "_group_idx" in code.variables:
        return {"indices": builder.array(code.variables["_group_idx"])}
    return {"size": builder.size(code.variables["N"], "N")}


def _new_kernel(builder: SetupBuilder, code: RecordedCode) -> SetupKernelBuilder:
    return SetupKernelBuilder(builder, code, _origin(builder, code))


def _origin(builder: SetupBuilder, code: RecordedCode) -> Origin:
    return Origin("set-up code of", builder.label(code.owner))


def _read_set(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kernel = _new_kernel(builder, code).build([])
    return Assign(
        **_base(builder, code, kernel),
        **_domain(builder, code),
        sequential=_is_sequential(code, kernel),
    )


def _read_set_conditional(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    condition, kernels = _new_kernel(builder, code), _new_kernel(builder, code)
    condition.block("condition")
    condition.output(CONDITION)
    condition.number_elements()
    _drop_condition_that_holds(condition.kernel)
    kernels.block("statement")
    kernels.store()
    sequential = _is_sequential(code, kernels.kernel)
    if not sequential and condition.kernel.outputs:
        kernels = _new_kernel(builder, code)
        kernels.block("condition")
        kernels.output(CONDITION)
        kernels.block("statement")
        kernels.store()
    kernels.number_elements()
    return Assign(
        **_base(builder, code, kernels.kernel),
        **_domain(builder, code),
        sequential=sequential,
        condition=condition.kernel if sequential and condition.kernel.outputs else None,
    )


def _is_sequential(code: RecordedCode, kernel: Kernel) -> bool:
    """Whether elements that write to the same place see what the others have written.

    So it is in Brian where a variable is computed from itself: ``x_post = x_post + 1``
    adds as many as there are synapses.  With ``x_post = x_pre`` the last synapse counts.
    """
    loaded = set(kernel.attributes("load"))
    return code.repeated and any(store.name in loaded for store in kernel.stores)


def _drop_condition_that_holds(kernel: Kernel) -> None:
    if kernel.outputs.get(CONDITION) is ex.const(True):
        del kernel.outputs[CONDITION]


def _read_get(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kernel = _new_kernel(builder, code).build(["_variable"])
    return Read(
        **_base(builder, code, kernel),
        **_domain(builder, code),
        output="_variable",
        result=builder.new_array(RESULT, code.variables["_variable"].dtype),
    )


def _read_get_conditional(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kernel = _new_kernel(builder, code).build([CONDITION, "_variable"])
    _drop_condition_that_holds(kernel)
    return Read(
        **_base(builder, code, kernel),
        **_domain(builder, code),
        output="_variable",
        result=builder.new_array(RESULT, code.variables["_variable"].dtype),
    )


def _read_get_indices(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kernel = _new_kernel(builder, code).build([CONDITION])
    _drop_condition_that_holds(kernel)
    return Read(
        **_base(builder, code, kernel),
        **_domain(builder, code),
        result=builder.new_array(RESULT, np.int32),
    )


def _read_pairs(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kernel = _new_kernel(builder, code).build(["_real_sources", "_real_targets"])
    sources = code.variables["sources"]
    return ConnectPairs(
        **_base(builder, code, kernel),
        size=str(builder.param("N_pairs", INT64, lambda: int(sources.size), "N_pairs").attr),
        pre=builder.new_array(NEW_PRE, np.int32),
        post=builder.new_array(NEW_POST, np.int32),
    )


def _read_generator(builder: SetupBuilder, code: RecordedCode) -> SetupStep:
    kwds = code.template_kwds
    inner = kwds["inner_variable"]
    if kwds["iterator_func"] == "range":
        iteration = Iteration.RANGE
    elif kwds["iterator_kwds"]["sample_size"] == "fixed":
        iteration = Iteration.SAMPLE_BY_SIZE
    else:
        iteration = Iteration.SAMPLE_BY_PROBABILITY
    kernels = _new_kernel(builder, code)
    step = Connect(
        **_base(builder, code, kernels.kernel),
        outer_is_pre=kwds["outer_index"] == "i",
        inner=inner,
        iteration=iteration,
        condition_on_row=not kwds["result_index_condition"],
        check_first=kwds["result_index_used"],
        skip_invalid=kwds["skip_if_invalid"],
        rows=builder.value_param(code.variables[kwds["outer_index_size"]], "N_rows"),
        partners=builder.value_param(code.variables[kwds["result_index_size"]], "N_partners"),
        row_offset=builder.value_param(code.variables[kwds["outer_index_offset"]], "row_offset"),
        partner_offset=builder.value_param(
            code.variables[kwds["result_index_offset"]], "partner_offset"
        ),
    )
    kernels.given(step.row, f"_raw{kwds['outer_index_array']}")
    if step.condition_on_row:
        kernels.block("create_cond")
        kernels.output(CONDITION)
    kernels.block("setup_iterator")
    for name in step.limits():
        kernels.output(name)
    kernels.given(inner)
    kernels.block("generator_expr")
    kernels.output(step.partner)
    kernels.given(step.partner, f"_raw{kwds['result_index_array']}")
    if not step.condition_on_row:
        kernels.block("create_cond")
        kernels.output(CONDITION)
    kernels.block("update")
    kernels.output("_n")
    kernel = kernels.kernel
    _drop_condition_that_holds(kernel)
    if any(access.index == ELEMENT for access in kernel.accesses.values()):
        raise Unsupported("a variable of the synapses that are to be made")
    return step


_READERS: dict[str, Callable[[SetupBuilder, RecordedCode], SetupStep]] = {
    "group_variable_set": _read_set,
    "group_variable_set_conditional": _read_set_conditional,
    "group_variable_get": _read_get,
    "group_variable_get_conditional": _read_get_conditional,
    "group_get_indices": _read_get_indices,
    "synapses_create_array": _read_pairs,
    "synapses_create_generator": _read_generator,
}
