"""Kernels: what is computed for every element of some domain."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from .expr import Expr, Rule, rebuild, show, walk

#: Index of an access to the element itself.
ELEMENT = "_idx"

#: Index of an access to what lies in the order in which a pathway delivers; it is a given value.
PLACE = "_at"

#: Index of an access to what there is for each run of synapses; that of a synapse is a given value.
RUN = "_run"

#: How often something is computed, for people, by the numbers of ``transforms/rates.py``.
_OFTEN = ("never", "once per run", "once per time step", "for each element")


@dataclass(frozen=True)
class Access:
    """How a kernel reaches a variable.

    Attributes
    ----------
    name : str
        The variable's name inside the kernel.
    array : str
        The array of the network that holds it.
    dtype : str
        Element type.
    index : str or None
        `ELEMENT`, the name of another access or a given value that holds indices,
        or ``None`` for a value shared by all elements.
    consecutive : bool
        Whether the values are whole numbers, each by one larger than the one before, and never
        change: the places of a subgroup's neurons in the group.
    """

    name: str
    array: str
    dtype: str
    index: str | None = ELEMENT
    consecutive: bool = False


@dataclass(frozen=True)
class Store:
    """Write `value` to the variable reached by the access `name`, or `add` it.

    Additions are what a backend makes of a store whose elements share a target
    (see ``transforms/scatter.py``): they may be done in any order, at once.
    """

    name: str
    value: Expr
    add: bool = False


@dataclass(frozen=True)
class RandomSite:
    """One place in a kernel's code where random numbers are drawn.

    ``rand`` and ``randn`` draw one number per element; the other kinds
    (``poisson``, ``binomial``) draw as many as they need from their own stream.
    `shared` sites draw one number for all elements.
    """

    kind: str
    number: int
    shared: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}#{self.number}"


@dataclass(frozen=True)
class UserFunction:
    """A function whose C++ text the user gave."""

    name: str
    c_name: str
    dtype: str
    stateless: bool
    vectorised: bool
    #: distinguishes the calls of a function that has a state
    call_number: int = 0
    #: whether it draws random numbers itself
    draws: bool = False
    #: whether it may read and write any array of the network (``brian::...``)
    looks: bool = False
    #: whether it is called once for all elements; only for a function that has a state
    shared: bool = False


@dataclass(frozen=True)
class Table:
    """A function of time given by samples (Brian's ``TimedArray``)."""

    name: str
    array: str
    rows: str
    columns: str | None
    epsilon: str
    upsampling: str


@dataclass(frozen=True)
class Computed:
    """An expression that is computed, or read, before those that use it.

    Attributes
    ----------
    value : Expr
    rate : int
        How often: once per run, per time step or per element, in the numbers of
        ``transforms/rates.py``.
    """

    value: Expr
    rate: int


@dataclass(frozen=True)
class Hoisted:
    """How often the expressions of a kernel are computed, in the order in which they are needed.

    What is in no list is written into the expression that uses it. A value that is constant in a
    run is in a list twice if time steps use it: they read it, as they read parameters.

    Attributes
    ----------
    roots : tuple of Expr
        Those of the kernel, when this was found.
    ahead : frozenset of int
        Serial numbers of expressions that are computed elsewhere, before all others.
    outputs_first : bool
        Whether outputs come before what is stored.
    rates : dict of int to int
        How often each expression changes, by its serial number.
    calls, shared, stores, outputs
        What is needed for calls of functions that look into arrays, for each shared store, for all
        stores, and for each output, beyond what is needed for those before.
    """

    roots: tuple[Expr, ...]
    ahead: frozenset[int]
    outputs_first: bool
    rates: dict[int, int]
    calls: tuple[Computed, ...]
    shared: tuple[tuple[Computed, ...], ...]
    stores: tuple[Computed, ...]
    outputs: dict[str, tuple[Computed, ...]]

    def is_of(self, kernel: Kernel, ahead: frozenset[int], outputs_first: bool) -> bool:
        """Whether this is still true of a kernel."""
        asked = self.ahead == ahead and self.outputs_first == outputs_first
        return asked and self.roots == tuple(kernel.roots())

    def all(self) -> list[Computed]:
        """Everything, in order."""
        shared = [one for part in self.shared for one in part]
        outputs = [one for part in self.outputs.values() for one in part]
        last = [*outputs, *self.stores] if self.outputs_first else [*self.stores, *outputs]
        return [*self.calls, *shared, *last]

    def describe(self) -> list[str]:
        """How often what is computed, for people; what is used elsewhere has a number."""
        names: dict[int, str] = {}
        lines: dict[int, list[str]] = {}
        for one in self.all():
            node = one.value
            if node.op in ("load", "param"):
                text = f"read {node.attr}"
            elif node.serial in names:
                text = f"read {names[node.serial]}"
            else:
                name = f"#{len(names) + 1}"
                text = f"{name} = {show(node, names)}"
                names[node.serial] = name
            lines.setdefault(one.rate, []).append(text)
        return [f"{_OFTEN[rate]}: {'; '.join(texts)}" for rate, texts in sorted(lines.items())]


@dataclass
class Kernel:
    """A body executed for every element of a domain that a step defines.

    Attributes
    ----------
    name : str
        A C identifier, unique in the network.
    origin : str
        The Brian object it comes from, for people.
    accesses : dict
        Name to `Access`, for everything loaded or stored.
    shared_stores, stores : list of Store
        Values written once, and for every element.
    outputs : dict
        Named results for the step that owns the kernel (a threshold's
        condition, the values a monitor records).
    given : dict
        From the names of integers that the step provides for every element (the
        indices of the neurons to be connected) to their types.
    careful : bool
        Whether parameters must stay where they are written, and all be computed in double
        precision: products of their values are no normal numbers (``transforms/magnitudes.py``).
    numbered : str or None
        The access to the numbers that elements have in the random streams; None if these are their
        places. Of divided synapses, each process has some.
    collected : list of Expr
        What a simplified kernel has made of parameters; it is no part of the model.
    hoisted : Hoisted or None
        How often its expressions are computed, where that has been found out; nor is this.
    """

    name: str
    origin: str
    accesses: dict[str, Access] = field(default_factory=dict)
    shared_stores: list[Store] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    outputs: dict[str, Expr] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    careful: bool = False
    numbered: str | None = None
    collected: list[Expr] = field(default_factory=list, compare=False)
    hoisted: Hoisted | None = field(default=None, init=False, compare=False)
    #: what `attributes` has found, and in which expressions: passes ask the same again and again
    _found: tuple[list[int], dict[str, list[Any]]] | None = field(
        default=None, init=False, compare=False, repr=False
    )

    def roots(self) -> list[Expr]:
        """Every expression the kernel evaluates."""
        return [
            *(store.value for store in self.shared_stores),
            *(store.value for store in self.stores),
            *self.outputs.values(),
        ]

    def rewrite(self, rule: Rule) -> None:
        """Replace every expression, from the operands up, by what `rule` makes of it."""
        new = rebuild(self.roots(), rule)
        self.shared_stores = [replace(s, value=new[s.value.serial]) for s in self.shared_stores]
        self.stores = [replace(s, value=new[s.value.serial]) for s in self.stores]
        self.outputs = {name: new[value.serial] for name, value in self.outputs.items()}

    def uses(self) -> Counter[int]:
        """How often every expression (by serial number) is used."""
        roots = self.roots()
        uses = Counter(arg.serial for node in walk(roots) for arg in node.args)
        uses.update(root.serial for root in roots)
        return uses

    def attributes(self, op: str) -> list[Any]:
        """What all nodes of kind `op` refer to, each once, in order."""
        roots = self.roots()
        serials = [root.serial for root in roots]
        if self._found is None or self._found[0] != serials:
            found: dict[str, dict[Any, None]] = {}
            for node in walk(roots):
                found.setdefault(node.op, {})[node.attr] = None
            self._found = serials, {kind: list(attrs) for kind, attrs in found.items()}
        return list(self._found[1].get(op, ()))

    def looks_into_arrays(self) -> bool:
        """Whether a user's function in it may read and write any array."""
        return any(function.looks for function in self.attributes("user"))

    def loads(self) -> list[Access]:
        """The accesses that are read, index accesses first."""
        needed: dict[str, Access] = {}

        def need(name: str) -> None:
            access = self.accesses[name]
            if self.has_index_access(access):
                need(str(access.index))
            needed.setdefault(name, access)

        for name in self.attributes("load"):
            need(name)
        if self.numbered is not None:
            need(self.numbered)
        for store in [*self.shared_stores, *self.stores]:
            access = self.accesses[store.name]
            if self.has_index_access(access):
                need(str(access.index))
        return list(needed.values())

    def has_index_access(self, access: Access) -> bool:
        """Whether the index of `access` is itself read from an array."""
        return access.index not in (None, ELEMENT) and access.index not in self.given

    def is_own(self, access: Access) -> bool:
        """Whether no two elements reach the same place."""
        if not self.has_index_access(access):
            return access.index == ELEMENT
        index = self.accesses[str(access.index)]
        return index.consecutive and index.index == ELEMENT

    def written_arrays(self) -> set[str]:
        """The arrays that the kernel changes."""
        return {self.accesses[store.name].array for store in [*self.shared_stores, *self.stores]}

    def read_arrays(self) -> set[str]:
        """The arrays whose values the kernel uses."""
        return {access.array for access in self.loads()}
