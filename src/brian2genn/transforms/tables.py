"""What a kernel of synapses computes of neurons alone, which need not be done for each synapse.

*Tables* have it, computed once for every neuron: functions (``tanh(x_pre)``), and what is made of
several variables of a neuron, each of which every synapse would have to look up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..model import expr as ex
from ..model.dtypes import is_float
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, Kernel

#: The output of a table's kernel.
VALUE = "value"

#: Functions that take no longer than looking up what they give.
QUICK = frozenset(("abs", "sign", "clip", "floor", "ceil", "sqrt"))

#: Operations that take as long as functions.
_LONG = frozenset(("pow", "mod", "floordiv", "div"))

#: What has a value of its own for every synapse, whatever it is made of.
_OWN = frozenset(("random", "user", "table", "given"))

#: Decides whether an expression of neurons is worth a table, knowing what differs between neurons.
Worth = Callable[[Expr, "Sides"], bool]

#: By serial number: through which index all that an expression needs of neurons is read.
#: Expressions of a synapse's own, or of neurons of both sides, are left out; the index is None for
#: what is the same for all.
Sides = dict[int, str | None]


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


def with_tables(
    kernel: Kernel, prefix: str, changed: set[str], worth: Worth
) -> tuple[Kernel, list[Table]]:
    """Let tables have what is computed of neurons alone, where that is worth it.

    Parameters
    ----------
    kernel : Kernel
        That of the synapses.
    prefix : str
        Of the tables' names.
    changed : set of str
        The arrays that steps write to.
    worth : callable
        Says what is.
    """
    kernel = kernel if kernel.careful else _with_reciprocals(kernel)
    sides = _sides(kernel)
    whole = [node for node in _outermost(kernel, sides) if worth(node, sides)]
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

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.serial in new:
            return new[old.serial]
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    looking_up = replace(kernel, accesses=accesses)
    looking_up.rewrite(rule)
    return looking_up, tables


def _with_reciprocals(kernel: Kernel) -> Kernel:
    """Multiply by the reciprocal of what is a neuron's: a synapse need not divide."""
    sides = _sides(kernel)
    divided = {
        node.serial
        for node in ex.walk(kernel.roots())
        if node.op == "div"
        and sides.get(node.serial) is None
        and sides.get(node.args[1].serial) is not None
    }
    if not divided:
        return kernel

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.serial not in divided:
            return ex.make(old.op, args, old.attr, old.dtype) if args else old
        dividend, divisor = args
        one = ex.const(1.0, divisor.dtype)
        reciprocal = ex.make("div", (one, divisor), dtype=divisor.dtype)
        return ex.make("mul", (dividend, reciprocal), dtype=old.dtype)

    multiplied = replace(kernel)
    multiplied.rewrite(rule)
    return multiplied


def takes_long(node: Expr, sides: Sides) -> bool:
    """Whether something in it that differs between neurons takes long."""
    return any(
        sides.get(one.serial) is not None
        and (one.op in _LONG or (one.op == "call" and one.attr not in QUICK))
        for one in ex.walk([node])
    )


def takes_more(node: Expr, sides: Sides) -> bool:
    """Whether it takes longer than looking up one value."""
    if takes_long(node, sides):
        return True
    differ = [one for one in ex.walk([node]) if sides.get(one.serial) is not None]
    variables = sum(one.op == "load" for one in differ)
    return is_float(node.dtype) and (variables > 1 or len(differ) - variables > 1)


def _sides(kernel: Kernel) -> Sides:
    sides: Sides = {}
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


def _outermost(kernel: Kernel, sides: Sides) -> list[Expr]:
    """The largest expressions of neurons of one side."""
    roots = kernel.roots()
    nodes = list(ex.walk(roots))
    used = [arg for node in nodes if sides.get(node.serial) is None for arg in node.args] + roots
    found = {node.serial: node for node in used if sides.get(node.serial) is not None}
    return list(found.values())
