"""Footprints: what memory a step touches, in which way, and where.

From this alone follows what may be executed at once, what threads can share out, what must be
exchanged between processors, and what has to exist. The types of a step's fields say what they
refer to (`ReadOwn`, `ParamName`, ...); its kernels say the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

from .kernel import ELEMENT, Access, Kernel


class Kind(Enum):
    """What a reference refers to."""

    ARRAY = "array"
    PARAMETER = "parameter"
    QUEUE = "queue"
    RECORDER = "recorder"


class How(Enum):
    """What is done to memory."""

    READ = "read"
    WRITE = "written"
    ADD = "added to"


class Where(Enum):
    """Which elements of an array are meant, seen from the element that a step is busy with."""

    #: its own
    OWN = "own"
    #: its own, but not those of all elements: what events have listed, say
    SOME = "own of some"
    #: the one whose number another array has
    THROUGH = "through"
    #: the only one there is: a value for all elements
    SHARED = "shared"
    #: any
    ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Memory:
    """An array (by its name), a queue or a recorder (by its number)."""

    kind: Kind
    name: str | int
    #: of a queue, whether the places are meant that were those of the time step before
    before: bool = False


@dataclass(frozen=True)
class Touch:
    """One thing that a step does to memory.

    Attributes
    ----------
    memory : Memory
    how : How
    where : Where
    index : str or None
        The array with the elements' numbers, for those reached `Where.THROUGH` one.
    """

    memory: Memory
    how: How
    where: Where
    index: str | None = None

    @property
    def own(self) -> bool:
        """Whether nothing but the element's own values is touched."""
        return self.where in (Where.OWN, Where.SOME)


@dataclass(frozen=True)
class Reference:
    """What the value of a step's field refers to, and what is done to it; parameters are read."""

    kind: Kind
    how: How = How.READ
    where: Where = Where.SHARED
    #: the field with the array of the elements' numbers
    through: str = ""
    #: whether the array is a list of events: their numbers, and last how many they are
    events: bool = False


@dataclass(frozen=True)
class TypeOf:
    """Says that a field is an element type: of the array in another one, if one is named."""

    field: str


#: The name of a parameter; of arrays that are read or written; numbers of queues and recorders.
ParamName = Annotated[str, Reference(Kind.PARAMETER)]
ReadOwn = Annotated[str, Reference(Kind.ARRAY, How.READ, Where.OWN)]
ReadShared = Annotated[str, Reference(Kind.ARRAY, How.READ, Where.SHARED)]
ReadAnywhere = Annotated[str, Reference(Kind.ARRAY, How.READ, Where.ANYWHERE)]
WrittenOwn = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.OWN)]
WrittenSome = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.SOME)]
WrittenAnywhere = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.ANYWHERE)]
WrittenThroughIndex = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.THROUGH, "index")]
ReadEvents = Annotated[str, Reference(Kind.ARRAY, How.READ, Where.OWN, events=True)]
WrittenEvents = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.OWN, events=True)]
SomeWrittenEvents = Annotated[str, Reference(Kind.ARRAY, How.WRITE, Where.SOME, events=True)]
FilledQueue = Annotated[int, Reference(Kind.QUEUE, How.WRITE, Where.ANYWHERE)]
EmptiedQueue = Annotated[int, Reference(Kind.QUEUE, How.READ, Where.ANYWHERE)]
RecorderNumber = Annotated[int, Reference(Kind.RECORDER, How.WRITE, Where.ANYWHERE)]


_Said = TypeVar("_Said")


def _cached(made: Callable[[Any], _Said]) -> Callable[[Any], _Said]:
    """What a function says of classes, found out once for each."""
    known: dict[type, _Said] = {}

    def of(kind: type) -> _Said:
        if kind not in known:
            known[kind] = made(kind)
        return known[kind]

    return of


@_cached
def _names_of_fields(kind: Any) -> list[str]:
    return [part.name for part in fields(kind)]


@_cached
def _said(kind: Any) -> dict[str, list[Any]]:
    """What the types of the fields of a class say beyond Python's types."""
    return {
        name: [said for one in (hint, *get_args(hint)) for said in getattr(one, "__metadata__", ())]
        for name, hint in get_type_hints(kind, include_extras=True).items()
    }


@_cached
def declared(kind: Any) -> dict[str, Reference]:
    """The references among the fields of a class, as their types say."""
    return {
        name: one
        for name, said in _said(kind).items()
        for one in said
        if isinstance(one, Reference)
    }


@_cached
def element_types(kind: Any) -> dict[str, str]:
    """The fields of a class that are element types, and the fields with the arrays they are of."""
    return {
        name: one.field for name, said in _said(kind).items() for one in said
        if isinstance(one, TypeOf)
    }  # fmt: skip


@_cached
def _needed(kind: Any) -> list[str]:
    """The fields of a class that cannot be None."""
    hints = get_type_hints(kind)
    return [name for name in _names_of_fields(kind) if type(None) not in get_args(hints[name])]


@_cached
def _divided(kind: Any) -> list[str]:
    """The fields of a class whose values have fields of their own, as their types say."""
    hints = get_type_hints(kind)
    return [
        name for name in _names_of_fields(kind)
        if any(is_dataclass(one) and one is not Kernel
               for one in (hints[name], *get_args(hints[name])))
    ]  # fmt: skip


def parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """The values among the fields of a step that have fields of their own; kernels are none."""
    for name in _divided(type(thing)):
        value = getattr(thing, name)
        if value is not None and not isinstance(value, list | tuple | dict):
            yield name, value


def left_out(thing: Any, before: str = "") -> Iterator[str]:
    """The fields of a step, and of the values in its fields, that are None but must not be."""
    for name in _needed(type(thing)):
        if getattr(thing, name) is None:
            yield f"{before}{name}"
    for name, value in parts(thing):
        yield from left_out(value, f"{before}{name}.")


def references(thing: Any, before: str = "") -> Iterator[tuple[str, Reference, str | int]]:
    """What the fields of a step refer to, and those of the values in its fields.

    Yields
    ------
    name : str
        Of the field, for people.
    reference : Reference
    value : str or int
        The name or the number.
    """
    known = declared(type(thing))
    for part, reference in known.items():
        value = getattr(thing, part)
        if value is not None:
            named = value.items() if isinstance(value, dict) else [("", value)]
            for key, one in named:
                name = f"{before}{part} {key}".rstrip()
                yield name, reference, one
    for part, value in parts(thing):
        yield from references(value, f"{before}{part}.")


def footprint(step: Any, kernels: Iterable[Kernel] | None = None) -> list[Touch]:
    """All that a step does to memory, each once.

    Parameters
    ----------
    step : Step
    kernels : iterable of Kernel, optional
        In place of the step's own.
    """
    touches: dict[Touch, None] = {}
    own = Where.OWN if step.of_all_elements else Where.SOME
    for kernel in step.kernels() if kernels is None else kernels:
        touches |= dict.fromkeys(_of_kernel(kernel, own))
    for _, reference, value in references(step):
        if reference.kind is Kind.PARAMETER:
            continue
        index = getattr(step, reference.through) if reference.through else None
        touches[Touch(Memory(reference.kind, value), reference.how, reference.where, index)] = None
    return list(touches)


def _of_kernel(kernel: Kernel, own: Where) -> Iterator[Touch]:
    for access in kernel.loads():
        yield _touch(kernel, access, How.READ, own)
    for table in kernel.attributes("table"):
        yield Touch(Memory(Kind.ARRAY, table.array), How.READ, Where.ANYWHERE)
    for store in [*kernel.shared_stores, *kernel.stores]:
        how = How.ADD if store.add else How.WRITE
        yield _touch(kernel, kernel.accesses[store.name], how, own)


def _touch(kernel: Kernel, access: Access, how: How, own: Where) -> Touch:
    memory = Memory(Kind.ARRAY, access.array)
    if access.index is None:
        return Touch(memory, how, Where.SHARED)
    if access.index == ELEMENT:
        return Touch(memory, how, own)
    if kernel.has_index_access(access):
        return Touch(memory, how, Where.THROUGH, kernel.accesses[str(access.index)].array)
    return Touch(memory, how, Where.ANYWHERE)


def arrays(touches: Iterable[Touch], *how: How) -> set[str]:
    """The names of the arrays that are touched in one of these ways; in any, if none is given."""
    return {
        str(touch.memory.name)
        for touch in touches
        if touch.memory.kind is Kind.ARRAY and (not how or touch.how in how)
    }


class Touched:
    """Which steps touch an array, for whoever asks that of many arrays.

    Parameters
    ----------
    steps : iterable of Step
    """

    def __init__(self, steps: Iterable[Any]) -> None:
        self._steps: dict[str, set[int]] = {}
        self._names: dict[int, set[str]] = {}
        self._changed: dict[int, set[str]] = {}
        self.look(steps)

    def look(self, steps: Iterable[Any]) -> None:
        """Look at steps, which are new or have changed."""
        for step in steps:
            number = id(step)
            for name in self._names.get(number, ()):
                self._steps[name].remove(number)
            touches = footprint(step)
            self._names[number] = arrays(touches)
            self._changed[number] = arrays(touches, How.WRITE, How.ADD)
            for name in self._names[number]:
                self._steps.setdefault(name, set()).add(number)

    def by_others(self, array: str, steps: Iterable[Any]) -> bool:
        """Whether any step but these touches an array."""
        return not self._steps.get(array, set()) <= set(map(id, steps))

    def touches(self, step: Any, array: str) -> bool:
        """Whether a step touches an array."""
        return id(step) in self._steps.get(array, ())

    def is_changed(self, array: str) -> bool:
        """Whether any step changes an array."""
        return any(array in self._changed[number] for number in self._steps.get(array, ()))
