"""Set-up steps as instructions of an interpreter: what is executed once need not be compiled.

The interpreter (``backends/host/interpret``) computes with the operations and functions of
generated code, so that it does not matter for the results who executes a step. What it cannot do is
compiled: users' functions, tables, single precision, elements that see what others have written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT64, INT32, INT64
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, RandomSite
from ..model.mishap import working_on
from ..model.network import Network
from ..model.setup import (
    CONDITION,
    Assign,
    Connect,
    ConnectPairs,
    Iteration,
    Read,
    SetupStep,
)
from .symbols import Symbols

#: Instructions: those of a type begin at a number of their own.
_BASE = {FLOAT64: 100, INT32: 300, INT64: 400, BOOL: 500}
_OPERATIONS = {
    name: number
    for number, name in enumerate(
        (
            "add", "sub", "mul", "div", "floordiv", "mod", "pow", "neg", "select", "clip", "abs",
            "sign", "exp", "expm1", "exprel", "sqrt", "log", "log10", "log1p", "sin", "cos", "tan",
            "sinh", "cosh", "tanh", "asin", "acos", "atan", "ceil", "floor", "trunc",
            "lt", "le", "gt", "ge", "eq", "ne", "rand", "randn", "load",
        )
    )
}  # fmt: skip
_ONLY_DOUBLES = frozenset(list(_OPERATIONS)[12:31]) | {"div", "rand", "randn"}
_LOGICAL = {"and": 500, "or": 501, "not": 502}
_CAST_FROM = {
    FLOAT64: {INT32: 601, INT64: 602, BOOL: 603},
    INT32: {FLOAT64: 620, INT64: 622, BOOL: 623},
    INT64: {FLOAT64: 630, INT32: 632, BOOL: 633},
    BOOL: {FLOAT64: 640, INT32: 642, INT64: 643},
}
_SPREAD = {FLOAT64: 700, INT64: 700, INT32: 701, BOOL: 702}

#: Bytes of a value in a register, and in an array.
BYTES = {FLOAT64: 8, INT64: 8, INT32: 4, BOOL: 1}

#: Larger programs are better compiled.
_LONGEST = 500

#: The stream of random numbers of a program's only kernel.
_STREAM = 1


class NotInterpreted(Exception):
    """Something that has to be compiled."""


Instruction = tuple[int, int, int, int, int, int]


@dataclass
class Instructions:
    """What the interpreter is given of a step, without what differs from one execution to the next.

    Attributes
    ----------
    kind : str
        ``assign``, ``read`` or ``connect``.
    parts : list of list
        Instructions by the place in the step in which they are executed.
    fixed : list
        The first registers, which stay: the value's type, and a literal or a parameter's name.
    registers : int
    condition : int
        The register, or -1.
    stores : list of tuple
        Register, array, whether by an index, its register, and bytes.
    buffered : bool
        Whether all values are computed before one is written.
    named : dict
        Registers of a pattern by what they are for.
    arrays, numbers, integers : list of str
        As of a `Source`.
    """

    kind: str
    parts: list[list[Instruction]] = field(default_factory=list)
    fixed: list[tuple[str, float | int | bool | str]] = field(default_factory=list)
    registers: int = 0
    condition: int = -1
    stores: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    buffered: bool = False
    named: dict[str, int] = field(default_factory=dict)
    arrays: list[str] = field(default_factory=list)

    def text(self) -> str:
        """What is the same for all executions of a program, whatever its numbers are."""
        types = [dtype for dtype, _ in self.fixed]
        return repr((self.kind, self.parts, types, self.condition, self.stores, self.named))

    def length(self) -> int:
        """How many instructions there are."""
        return sum(map(len, self.parts))


def instructions_of(network: Network) -> Instructions:
    """The instructions of a set-up program.

    Parameters
    ----------
    network : Network
        With a single step, of a kind for set-up code.

    Raises
    ------
    NotInterpreted
        If it has to be compiled.
    """
    (step,) = network.steps
    assert isinstance(step, SetupStep)
    if len(step.kernels()) > 1 or network.user_code or network.views:
        raise NotInterpreted
    if step.kernel.numbered is not None:
        raise NotInterpreted
    refused = None
    with working_on(None):
        try:
            return _Writer(network, step).write()
        except NotInterpreted as error:
            refused = error
    raise refused


class _Writer:
    """Writes the instructions of one step."""

    def __init__(self, network: Network, step: SetupStep) -> None:
        self._network, self._step, self._kernel = network, step, step.kernel
        self._arrays = Symbols.of(network).arrays
        self._registers: dict[int, int] = {}
        self._loaded: dict[str, int] = {}
        self._given: dict[str, int] = {}
        self._part: list[Instruction] = []
        self._types: dict[int, str] = {}
        self._next = 0
        self._result = Instructions("assign", arrays=list(network.arrays))

    def write(self) -> Instructions:
        if self._kernel.shared_stores:
            raise NotInterpreted
        nodes = list(ex.walk(self._kernel.roots()))
        if len(nodes) > _LONGEST:
            raise NotInterpreted
        for node in nodes:
            self._check(node)
        for node in nodes:
            if node.op in ("const", "param"):
                self._registers[node.serial] = self._register()
                self._result.fixed.append((node.dtype, node.attr))
        if isinstance(self._step, Assign):
            self._assign(self._step)
        elif isinstance(self._step, Read):
            self._read(self._step)
        elif isinstance(self._step, ConnectPairs):
            self._pairs(self._step)
        else:
            assert isinstance(self._step, Connect)
            self._connect(self._step)
        self._result.registers = self._next
        return self._result

    # -- kinds of steps --------------------------------------------------------
    def _assign(self, step: Assign) -> None:
        if step.sequential:
            raise NotInterpreted
        self._take_condition()
        values = []
        for store in self._kernel.stores:
            access = self._kernel.accesses[store.name]
            if access.index is None or store.add or store.value.dtype != access.dtype:
                raise NotInterpreted
            values.append((self._value(store.value), self._index(access), access))
        self._end_part()
        self._result.stores = [
            (value, self._arrays[access.array], int(index >= 0), index, BYTES[access.dtype])
            for value, index, access in values
        ]
        written = self._kernel.written_arrays()
        touched = [access for *_, access in values]
        touched += [access for access in self._kernel.loads() if access.array in written]
        indices = {
            self._kernel.accesses[str(access.index)].array
            for access in self._kernel.accesses.values()
            if self._kernel.has_index_access(access)
        }
        if indices & written:
            raise NotInterpreted
        conflict = bool(written & self._kernel.read_arrays())
        elementwise = all(access.index == ELEMENT for access in touched)
        self._result.buffered = conflict and (step.indices is not None or not elementwise)

    def _read(self, step: Read) -> None:
        self._result.kind = "read"
        self._take_condition()
        array = self._network.arrays[step.result]
        if step.output:
            value = self._kernel.outputs[step.output]
            if value.dtype != array.dtype:
                raise NotInterpreted
            self._result.stores = [(self._value(value), 0, 0, -1, BYTES[value.dtype])]
        self._end_part()

    def _pairs(self, step: ConnectPairs) -> None:
        self._end_part()
        for name, array in (("_real_sources", step.pre), ("_real_targets", step.post)):
            value = self._whole(self._kernel.outputs[name], INT32)
            self._result.stores.append((value, self._arrays[array], 0, -1, BYTES[INT32]))
        self._end_part()

    def _connect(self, step: Connect) -> None:
        result, outputs = self._result, self._kernel.outputs
        result.kind = "connect"
        given = {
            "row": step.row, "raw_row": step.raw_row, "inner": step.inner,
            "partner": step.partner, "raw_partner": step.raw_partner,
        }  # fmt: skip
        for what, name in given.items():
            self._given[name] = result.named[what] = self._register()
        if self._kernel.given.keys() - set(self._given):
            raise NotInterpreted
        row_condition = step.condition_on_row and CONDITION in outputs
        if row_condition:
            result.condition = self._value(outputs[CONDITION])
        self._end_part()
        low, high, stride, *sample = step.limits()
        result.named["low"] = self._whole(outputs[low], INT64)
        result.named["high"] = self._whole(outputs[high], INT64)
        result.named["step"] = self._whole(outputs[stride], INT64)
        result.named["sample"] = -1
        if sample:
            by_chance = step.iteration is Iteration.SAMPLE_BY_PROBABILITY
            kind = FLOAT64 if by_chance else INT64
            result.named["sample"] = self._whole(outputs[sample[0]], kind)
        self._end_part()
        # what is the same for a row is copied for all its partners
        spread: list[Instruction] = []
        for _, register, *_ in [*result.parts[0], *result.parts[1]]:
            spread.append((_SPREAD[self._types[register]], register, 0, 0, 0, 0))
        result.parts.append(spread)
        result.named["computed_partner"] = self._whole(outputs[step.partner], INT32)
        self._end_part()
        if not step.condition_on_row and CONDITION in outputs:
            before = set(self._loaded)
            result.condition = self._value(outputs[CONDITION])
            if not step.check_first and any(
                self._kernel.accesses[name].index in (step.partner, step.raw_partner)
                for name in set(self._loaded) - before
            ):
                raise NotInterpreted
        self._end_part()
        result.named["count"] = self._whole(outputs["_n"], INT64)
        self._end_part()

    def _take_condition(self) -> None:
        if CONDITION in self._kernel.outputs:
            self._result.condition = self._value(self._kernel.outputs[CONDITION])
        self._end_part()

    # -- values ----------------------------------------------------------------
    def _check(self, node: Expr) -> None:
        """Refuse what is not known, and what a compiler would compute itself, perhaps otherwise."""
        if node.dtype not in BYTES or any(arg.dtype not in BYTES for arg in node.args):
            raise NotInterpreted
        if node.op in ("call", "pow"):
            if all(arg.op == "const" for arg in node.args):
                raise NotInterpreted
            if node.op == "pow" and not _is_called(node):
                raise NotInterpreted
        if node.op == "random" and node.attr.kind not in ("rand", "randn"):
            raise NotInterpreted

    def _value(self, root: Expr) -> int:
        """The register of a value; what it needs is computed before."""
        for node in ex.walk([root], lambda node: node.serial in self._registers):
            self._registers[node.serial] = self._compute(node)
        return self._registers[root.serial]

    def _whole(self, value: Expr, dtype: str) -> int:
        """A value that C would convert where it is used."""
        if value.dtype == FLOAT64 != dtype or (dtype == FLOAT64 != value.dtype):
            raise NotInterpreted
        if value.dtype == BOOL:
            raise NotInterpreted
        register = self._value(value)
        return register if value.dtype == dtype else self._cast(register, value.dtype, dtype)

    def _cast(self, register: int, before: str, after: str) -> int:
        to = self._new(after)
        self._emit(_CAST_FROM[after][before], to, register)
        return to

    def _compute(self, node: Expr) -> int:
        args = [self._registers[arg.serial] for arg in node.args]
        if node.op == "given":
            return self._given[node.attr]
        if node.op == "load":
            return self._load(self._kernel.accesses[node.attr])
        if node.op == "random":
            return self._draw(node)
        if node.op == "cast":
            return self._cast(args[0], node.args[0].dtype, node.dtype)
        if node.op == "pow" and node.args[1].dtype != node.dtype:
            args[1] = self._cast(args[1], node.args[1].dtype, node.dtype)
        to = self._new(node.dtype)
        if node.op in _LOGICAL:
            number = _LOGICAL[node.op]
        else:
            name = node.attr if node.op == "call" else node.op
            of = node.dtype if name == "pow" else node.args[-1].dtype
            if name not in _OPERATIONS or (name in _ONLY_DOUBLES and of != FLOAT64):
                raise NotInterpreted
            if of == BOOL and not (name == "select" or node.op in ex.COMPARISONS):
                raise NotInterpreted
            number = _BASE[of] + _OPERATIONS[name]
        self._emit(number, to, *args)
        return to

    def _draw(self, node: Expr) -> int:
        site: RandomSite = node.attr
        if node.dtype != FLOAT64:
            raise NotInterpreted
        to = self._new(FLOAT64)
        number = _BASE[FLOAT64] + _OPERATIONS[site.kind]
        self._emit(number, to, int(site.shared), _STREAM, site.number)
        return to

    def _index(self, access: Access) -> int:
        """The register of an element's number; -1 if it is the element itself, or one for all."""
        if access.index in (None, ELEMENT):
            return -1
        if access.index in self._given:
            return self._given[access.index]
        index = self._kernel.accesses[str(access.index)]
        if index.dtype != INT32:
            raise NotInterpreted
        return self._load(index)

    def _load(self, access: Access) -> int:
        if access.name not in self._loaded:
            if access.dtype not in BYTES:
                raise NotInterpreted
            kind = 0 if access.index is None else 1 if access.index == ELEMENT else 2
            index = self._index(access)
            to = self._new(access.dtype)
            number = _BASE[access.dtype] + _OPERATIONS["load"] + kind
            self._emit(number, to, max(index, 0), extra=self._arrays[access.array])
            self._loaded[access.name] = to
        return self._loaded[access.name]

    # -- instructions ------------------------------------------------------------
    def _register(self) -> int:
        self._next += 1
        return self._next - 1

    def _new(self, dtype: str) -> int:
        register = self._register()
        self._types[register] = dtype
        return register

    def _emit(
        self, number: int, to: int, a: int = 0, b: int = 0, c: int = 0, extra: int = 0
    ) -> None:
        self._part.append((number, to, a, b, c, extra))

    def _end_part(self) -> None:
        self._result.parts.append(self._part)
        self._part = []


def _is_called(power: Expr) -> bool:
    """Whether compiled code calls a function for a power: some exponents are known to compilers."""
    base, exponent = power.args
    if base.op == "const" or base.dtype != power.dtype:
        return False
    if exponent.op != "const":
        return exponent.dtype == power.dtype
    return power.dtype == FLOAT64 and exponent.attr not in (-1, -0.5, 0, 0.5, 1, 2)
