"""Functions that execute several steps, which have the same form (``transforms/alike.py``).

Such a function is called with the *scope* of the step: the context as this step sees it, in which
its arrays, parameters, queues and recorders are the first ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...model.expr import Expr
from ...model.footprint import Kind, declared, parts
from ...model.network import Step
from ...transforms.alike import Scope
from ..symbols import Symbols
from .shared import Constants, Streams, Unit
from .words import C


@dataclass(frozen=True)
class Member:
    """A step that a shared function executes, by its number, and where its random streams begin."""

    number: int
    scope: Scope
    stream: int


@dataclass(frozen=True)
class Shared:
    """A function that executes several steps.

    Attributes
    ----------
    name : str
    types : list of str
        The C types of its constants.
    prepare : list of str
        Statements that compute them.
    members : list of Member
    places : list of int
        Which of the literals of its scopes are not the same.
    """

    name: str
    types: list[str]
    prepare: list[str]
    members: list[Member]
    places: list[int]


class Scopes:
    """The scopes of all steps that share functions.

    Parameters
    ----------
    shared : list of Shared
    symbols : Symbols
        Of the program.
    queues, recorders : int
        How many the program has.

    Attributes
    ----------
    again : dict of str to list of int
        What follows these in the program's tables: those of each scope.
    rows : list of str
        C text: a ``b2g_scope`` for each.
    literals : list of str
        C text of the numbers of all of them.
    """

    def __init__(self, shared: list[Shared], symbols: Symbols, queues: int, recorders: int) -> None:
        counts = {
            "arrays": len(symbols.arrays),
            "numbers": len(symbols.numbers),
            "integers": len(symbols.integers),
            "queues": queues,
            "recorders": recorders,
        }
        numbers = {name: k for k, name in enumerate(symbols.numbers)}
        integers = {name: k for k, name in enumerate(symbols.integers)}
        self.again: dict[str, list[int]] = {table: [] for table in counts}
        self.rows: list[str] = []
        self.literals: list[str] = []
        self._numbers: dict[int, int] = {}
        for one in shared:
            for member in one.members:
                scope = member.scope
                self._numbers[member.number] = number = len(self.rows)
                begins = [str(counts[table] + len(self.again[table])) for table in counts]
                constants = f"offsetof(program_constants, scope_{number})" if one.types else "0"
                begins += [str(len(self.literals)), constants]
                self.rows.append(f"{{{member.number}, {member.stream}, {', '.join(begins)}}}")
                values = [scope.literals[place] for place in one.places]
                self.literals += [C.literal(value.attr, value.dtype) for value in values]
                self.again["arrays"] += [symbols.arrays[name] for name in scope.arrays]
                self.again["numbers"] += [numbers[name] for name in scope.numbers]
                self.again["integers"] += [integers[name] for name in scope.integers]
                self.again["queues"] += scope.queues
                self.again["recorders"] += scope.recorders

    def __len__(self) -> int:
        return len(self.rows)

    def number(self, step: int) -> int | None:
        """The number of a step's scope, by that of the step; None if it has none."""
        return self._numbers.get(step)


def symbols_in(scope: Scope) -> Symbols:
    """How the function of a scope reaches arrays and parameters."""
    return Symbols(scope.arrays, scope.numbers, scope.integers)


def unit_in(unit: Unit, scope: Scope, places: Sequence[int]) -> Unit:
    """The program, seen by a function that is told its scope.

    Parameters
    ----------
    unit : Unit
    scope : Scope
    places : sequence of int
        Which literals it reads from the scope.
    """
    symbols = symbols_in(scope)
    taken = unit.streams.count
    return replace(
        unit,
        params=symbols.params,
        arrays=symbols.arrays,
        constants=Constants(),
        streams=Streams(taken, base=taken + 1),
        literals={scope.literals[p].serial: f"_literal{k}" for k, p in enumerate(places)},
    )


def step_in(step: Step, scope: Scope) -> Step:
    """A step whose queues and recorders have the numbers that they have in a scope."""
    seen: Step = _renumbered(step, {Kind.QUEUE: scope.queues, Kind.RECORDER: scope.recorders})
    return seen


def _renumbered(thing: Any, numbers: Mapping[Kind, Sequence[int]]) -> Any:
    """A value whose references to numbered things, as its types tell them, are places in these."""
    changes: dict[str, Any] = {name: _renumbered(value, numbers) for name, value in parts(thing)}
    for name, reference in declared(type(thing)).items():
        value = getattr(thing, name)
        if reference.kind not in numbers or value is None:
            continue
        place = numbers[reference.kind].index
        named = isinstance(value, dict)
        changes[name] = {k: place(one) for k, one in value.items()} if named else place(value)
    return replace(thing, **changes) if changes else thing


def declared_literals(literals: Sequence[Expr]) -> list[str]:
    """Declarations of the numbers that a scope has, without the last semicolon of each."""
    types = (C.types[literal.dtype] for literal in literals)
    return [
        f"const {ctype} _literal{k} = ({ctype})ctx->literals[{k}]; (void)_literal{k}"
        for k, ctype in enumerate(types)
    ]
