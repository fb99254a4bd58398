"""Steps that differ only by what they work on.

Sixty pathways that do the same with other synapses are one function with other arrays. A step has
a *form*: all that its function depends on, in which arrays, parameters, queues, recorders and some
of its numbers are only the first, the second, and so on. Steps of one form can be executed by one
function, which is told their *scope*: which arrays, parameters, queues, recorders and numbers these
are.

What is not known here is a part of the form as it is, so steps that do different things never come
together.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from ..model import expr as ex
from ..model.dtypes import is_float
from ..model.expr import Expr
from ..model.footprint import Kind, Reference, declared
from ..model.kernel import Kernel
from ..model.network import Column, Network, Step, columns_of

#: Fields of steps that say how a step is called, and when and for whom it is executed: its
#: function is the same.
_OF_NO_IMPORTANCE = frozenset(
    ("name", "origin", "owner", "clock", "domain", "part", "side", "synapses")
)

#: What one factor or summand may be is no matter; numbers in calls may be treated by compilers.
_ALIKE_FOR_ANY_NUMBER = ("add", "sub", "mul")


@dataclass
class Scope:
    """What a step works on, in the order in which its form speaks of it.

    Attributes
    ----------
    arrays, numbers, integers : list of str
        Names of arrays, and of parameters by kind.
    queues, recorders : list of int
    literals : list of Expr
        Constants that may be others in another step.
    """

    arrays: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    integers: list[str] = field(default_factory=list)
    queues: list[int] = field(default_factory=list)
    recorders: list[int] = field(default_factory=list)
    literals: list[Expr] = field(default_factory=list)


@dataclass(frozen=True)
class Form:
    """What the function of a step depends on, and the step's scope."""

    key: Hashable
    scope: Scope


def form_of(step: Step, network: Network, *more: object, queue: int | None = None) -> Form:
    """The form of a step.

    Parameters
    ----------
    step : Step
    network : Network
        That it is a step of.
    *more
        What else its function depends on: dataclasses with kernels, names of arrays, and values
        that can be compared.
    queue : int, optional
        A queue of the step that the model does not have.
    """
    reader = _Reader(network, [step, *more])
    key = (reader.read(step), *(reader.read(one) for one in more))
    if queue is not None:
        key += (reader.numbered(reader.scope.queues, queue),)
    return Form(key, reader.scope)


class _Reader:
    """Reads what a step has, and notes what it works on."""

    def __init__(self, network: Network, things: Iterable[object]) -> None:
        self._network = network
        self.scope = Scope()
        kernels = [kernel for thing in things for kernel in _kernels(thing)]
        self._literals = _literals(kernels)

    def numbered(self, known: list[Any], one: object) -> int:
        """The number of something within the scope."""
        if one not in known:
            known.append(one)
        return known.index(one)

    def read(self, thing: Any) -> Hashable:
        """The form of a part of a step."""
        if isinstance(thing, Kernel):
            return self._kernel(thing, {})
        if not is_dataclass(thing) or isinstance(thing, type):
            return self._of_array(thing) if thing in self._network.arrays else thing
        recorded = dict.fromkeys(column.output for column in columns_of(thing))
        outputs = {name: place for place, name in enumerate(recorded)}
        known = declared(type(thing))
        parts: list[Hashable] = [type(thing)]
        for part in fields(thing):
            value = getattr(thing, part.name)
            if part.name in _OF_NO_IMPORTANCE:
                continue
            if value is None:
                parts.append(None)
            elif part.name in known:
                named = value.items() if isinstance(value, dict) else [("", value)]
                parts += [(key, self._reference(known[part.name], one)) for key, one in named]
            elif isinstance(value, Kernel):
                parts.append(self._kernel(value, outputs))
            elif isinstance(value, list):
                parts += [len(value), *(self._listed(one, outputs) for one in value)]
            elif isinstance(value, dict):
                parts += [len(value), *((key, self.read(one)) for key, one in value.items())]
            else:
                parts.append(self.read(value))
        return tuple(parts)

    def _listed(self, one: object, outputs: Mapping[str, int]) -> Hashable:
        if isinstance(one, Column):
            return one.dtype, outputs[one.output]
        return self.read(one)

    def _reference(self, reference: Reference, value: Any) -> Hashable:
        match reference.kind:
            case Kind.ARRAY:
                return self._of_array(value)
            case Kind.PARAMETER:
                return self._param(value)
            case Kind.QUEUE:
                return self.numbered(self.scope.queues, value)
            case Kind.RECORDER:
                return self.numbered(self.scope.recorders, value)

    def _of_array(self, name: str) -> Hashable:
        return self.numbered(self.scope.arrays, name), self._network.arrays[name].dtype

    def _param(self, name: str) -> Hashable:
        whole = not is_float(self._network.params[name].dtype)
        known = self.scope.integers if whole else self.scope.numbers
        return whole, self.numbered(known, name)

    def _kernel(self, kernel: Kernel, outputs: Mapping[str, int]) -> Hashable:
        """The form of a kernel; `outputs` have numbers in place of names."""
        accesses: dict[str, Hashable] = {}
        nodes: dict[int, int] = {}
        parts: list[Hashable] = []

        def access(name: str) -> Hashable:
            one = kernel.accesses[name]
            if name not in accesses:
                index: Hashable = one.index
                if kernel.has_index_access(one):
                    index = access(str(one.index))
                accesses[name] = number = len(accesses)
                parts.append((number, self._of_array(one.array), one.dtype, index, one.consecutive))
            return accesses[name]

        for node in ex.walk(kernel.roots()):
            nodes[node.serial] = len(nodes)
            args = tuple(nodes[arg.serial] for arg in node.args)
            of_load = access(node.attr) if node.op == "load" else None
            attribute = self._attribute(node) if of_load is None else of_load
            parts.append((node.op, node.dtype, attribute, args))
        for store in [*kernel.shared_stores, *kernel.stores]:
            parts.append((access(store.name), nodes[store.value.serial], store.add))
        for name, value in kernel.outputs.items():
            parts.append((outputs.get(name, name), nodes[value.serial]))
        numbered = None if kernel.numbered is None else access(kernel.numbered)
        hoisted = kernel.hoisted and tuple(
            (nodes.get(one.value.serial), one.rate) for one in kernel.hoisted.all()
        )
        kinds = len(kernel.shared_stores), kernel.careful, tuple(kernel.given.items())
        return tuple(parts), numbered, hoisted, kinds

    def _attribute(self, node: Expr) -> Hashable:
        match node.op:
            case "param":
                return self._param(node.attr)
            case "const" if node.serial in self._literals:
                return "literal", self.numbered(self.scope.literals, node)
            case "const":
                return repr(node.attr)
            case "table":
                table = node.attr
                numbers = (table.rows, table.columns, table.epsilon, table.upsampling)
                params = tuple(name and self._param(name) for name in numbers)
                return self._of_array(table.array), params
        attribute: Hashable = node.attr
        return attribute


def _kernels(thing: object) -> list[Kernel]:
    """The kernels among the fields of a value."""
    if isinstance(thing, Kernel):
        return [thing]
    if not is_dataclass(thing) or isinstance(thing, type):
        return []
    values = (getattr(thing, part.name) for part in fields(thing))
    return [value for value in values if isinstance(value, Kernel)]


def _literals(kernels: Iterable[Kernel]) -> set[int]:
    """Serial numbers of constants that are used only where it does not matter which they are."""
    added: set[int] = set()
    elsewhere: set[int] = set()
    for kernel in kernels:
        elsewhere.update(root.serial for root in kernel.roots())
        for node in ex.walk(kernel.roots()):
            anything = node.op in _ALIKE_FOR_ANY_NUMBER and is_float(node.dtype)
            for arg in node.args:
                if arg.op == "const":
                    plain = anything and math.isfinite(arg.attr)
                    (added if plain else elsewhere).add(arg.serial)
    return added - elsewhere


def groups_of(forms: Mapping[int, Form]) -> list[list[int]]:
    """Which steps, by their numbers, have the same form; those of which there are several."""
    found: dict[Hashable, list[int]] = {}
    for number, form in forms.items():
        found.setdefault(form.key, []).append(number)
    return [numbers for numbers in found.values() if len(numbers) > 1]


def differing(scopes: Iterable[Scope]) -> list[int]:
    """The places of the literals that are not the same in all scopes."""
    columns = zip(*(scope.literals for scope in scopes), strict=True)
    return [place for place, column in enumerate(columns) if len({e.serial for e in column}) > 1]
