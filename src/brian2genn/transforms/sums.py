"""How sums over synapses are made on a processor.

A sum goes through all synapses in every time step. What it computes of a neuron alone
(``tanh(x_pre)``) it would compute for each of the neuron's synapses: *tables* have it, computed
once for every neuron. And synapses need not be gone through in the order of their numbers, which
adds to another target in memory each time: they can stand *by target*, and several targets are
summed up in registers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..model import expr as ex
from ..model.expr import Expr
from ..model.footprint import How, Kind, footprint
from ..model.kernel import ELEMENT, Access, Kernel
from ..model.network import Network, Sum

#: The output of a table's kernel.
VALUE = "value"

#: Functions that take no longer than looking up what they give.
_QUICK = frozenset(("abs", "sign", "clip", "floor", "ceil", "sqrt"))

#: Operations that take as long as functions.
_LONG = frozenset(("pow", "mod", "floordiv"))

#: What has a value of its own for every synapse, whatever it is made of.
_OWN = frozenset(("random", "user", "table", "given"))


@dataclass(frozen=True)
class Table:
    """Values that are computed for the neurons that synapses have at one side.

    Attributes
    ----------
    name : str
        Of the access to the values, and of the array that holds them.
    index : str
        The array that has, for every synapse, the number of the neuron.
    kernel : Kernel
        Its elements are the neurons; its output is called `VALUE`.
    """

    name: str
    index: str
    kernel: Kernel


@dataclass(frozen=True)
class SumPlan:
    """How a sum over synapses is made.

    Attributes
    ----------
    kernel : Kernel
        That of the synapses, which looks up what tables have.
    tables : list of Table
    by_target : bool
        Whether synapses may stand by target, with copies of what they have.
    changing : frozenset of str
        The synaptic variables that change during a run: of these there are no copies.
    """

    kernel: Kernel
    tables: list[Table]
    by_target: bool
    changing: frozenset[str] = frozenset()

    def looked_up(self, target: str) -> list[str]:
        """The arrays by whose numbers a synapse looks up values, one for each value.

        Parameters
        ----------
        target : str
            The array with the targets, whose values are at hand.
        """
        accesses = self.kernel.accesses
        loads = [a for a in self.kernel.loads() if self.kernel.has_index_access(a)]
        arrays = [accesses[str(access.index)].array for access in loads]
        return [array for array in arrays if array != target]


def plan_sum(step: Sum, network: Network) -> SumPlan:
    """Say how a sum of `network` is made, which has been simplified."""
    if step.kernel.looks_into_arrays():
        return SumPlan(step.kernel, [], False)
    changed = changed_arrays(network)
    kernel, tables = _with_tables(step.kernel, f"{step.name}_table", changed)
    own = {access.array for access in kernel.loads() if access.index == ELEMENT}
    return SumPlan(
        kernel, tables, _by_target(kernel, step, changed), frozenset(own.intersection(changed))
    )


def changed_arrays(network: Network) -> set[str]:
    """The arrays that steps of a network write to."""
    return {
        str(touch.memory.name)
        for step in network.steps
        for touch in footprint(step)
        if touch.memory.kind is Kind.ARRAY and touch.how is not How.READ
    }


def _by_target(kernel: Kernel, step: Sum, changed: set[str]) -> bool:
    """Whether a synapse gives the same wherever it stands, and nobody changes who it connects."""
    if kernel.stores or kernel.shared_stores or step.target in kernel.read_arrays():
        return False
    if any(node.op in ("random", "user", "given") for node in ex.walk(kernel.roots())):
        return False
    loads = kernel.loads()
    indices = {kernel.accesses[str(a.index)].array for a in loads if kernel.has_index_access(a)}
    return changed.isdisjoint({step.index, *indices})


def _with_tables(kernel: Kernel, prefix: str, changed: set[str]) -> tuple[Kernel, list[Table]]:
    """Let tables have what is computed of neurons alone and takes long."""
    sides = _sides(kernel)
    whole = [node for node in _outermost(kernel, sides) if _takes_long(node, sides)]
    accesses = dict(kernel.accesses)
    new: dict[int, Expr] = {}
    tables: list[Table] = []
    for node in whole:
        side = str(sides[node.serial])
        index = accesses.get(side)
        if index is None or index.index != ELEMENT or index.array in changed:
            continue
        name = f"{prefix}{len(tables)}"
        own = Kernel(name, kernel.origin, outputs={VALUE: node}, careful=kernel.careful)
        own.accesses = {
            key: replace(access, index=ELEMENT) if access.index == side else access
            for key, access in kernel.accesses.items()
            if access.index in (side, None)
        }
        accesses[name] = Access(name, name, node.dtype, side)
        tables.append(Table(name, index.array, own))
        new[node.serial] = ex.make("load", attr=name, dtype=node.dtype)
    if not tables:
        return kernel, []
    for node in ex.walk(kernel.roots(), lambda one: one.serial in new):
        args = [new[arg.serial] for arg in node.args]
        new[node.serial] = ex.make(node.op, args, node.attr, node.dtype)
    outputs = {name: new[value.serial] for name, value in kernel.outputs.items()}
    return replace(kernel, accesses=accesses, outputs=outputs), tables


def _sides(kernel: Kernel) -> dict[int, str | None]:
    """By serial number: through which index all that an expression needs of neurons is read.

    Expressions of a synapse's own, or of neurons of both sides, are left out; the index is None for
    what is the same for all.
    """
    sides: dict[int, str | None] = {}
    for node in ex.walk(kernel.roots()):
        if node.op in _OWN or any(arg.serial not in sides for arg in node.args):
            continue
        found = {sides[arg.serial] for arg in node.args} - {None}
        if node.op == "load":
            access = kernel.accesses[node.attr]
            if access.index == ELEMENT:
                continue
            found = {access.index} - {None}
        if len(found) < 2:
            sides[node.serial] = next(iter(found), None)
    return sides


def _outermost(kernel: Kernel, sides: dict[int, str | None]) -> list[Expr]:
    """The largest expressions of neurons of one side."""
    roots = list(kernel.outputs.values())
    nodes = list(ex.walk(roots))
    used = [arg for node in nodes if sides.get(node.serial) is None for arg in node.args] + roots
    found = {node.serial: node for node in used if sides.get(node.serial) is not None}
    return list(found.values())


def _takes_long(node: Expr, sides: dict[int, str | None]) -> bool:
    """Whether something in it that differs between neurons takes long."""
    return any(
        sides.get(one.serial) is not None
        and (one.op in _LONG or (one.op == "call" and one.attr not in _QUICK))
        for one in ex.walk([node])
    )
