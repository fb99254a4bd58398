"""Turn writes to shared targets into additions, which may be done in any order.

``ge_post += w`` is recorded as ``ge_post = ge_post + w``.  Executed for many
synapses at once, two synapses of one neuron would read the same old value and
lose one of the two.  Where a store only adds to what was there, and the kernel
uses the old value for nothing else, it becomes an addition of ``w``.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT32, FLOAT64, INT32, INT64, is_float
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.mishap import working_on
from ..model.network import Network

#: Functions that take so long that several results at once are worth two loops.
_LONG = frozenset(("exp", "expm1", "exprel", "inverse_exprel", "log", "sin", "cos", "tanh", "pow"))

#: Types to which several elements can add at once.
ADDABLE = (FLOAT64, FLOAT32, INT32, INT64)


def separate(network: Network) -> None:
    """Separate the additions of every kernel of `network` in place."""
    for step in network.steps:
        with working_on(step):
            for kernel in step.kernels():
                separate_additions(kernel)


def separate_additions(kernel: Kernel) -> None:
    """Mark the stores of `kernel` that only add, in place.

    A kernel whose elements have to be executed in order all the same stays as it is: there,
    everything is read before anything is written.
    """
    as_written = kernel.stores
    kernel.stores = [
        store
        if kernel.accesses[store.name].index in (None, ELEMENT)
        else _as_addition(kernel, store) or store
        for store in kernel.stores
    ]
    if why_ordered(kernel) is not None:
        kernel.stores = as_written


def side_by_side(kernel: Kernel) -> Kernel | None:
    """A copy of which a processor can compute several elements at once, and then add one by one.

    Returns
    -------
    Kernel or None
        With its additions separated; None if elements depend on each other, or if there is so
        little to compute that it is not worth two loops.
    """
    copied = replace(kernel, stores=list(kernel.stores))
    separate_additions(copied)
    nodes = list(ex.walk(copied.roots()))
    indices = {str(copied.accesses[store.name].index) for store in copied.stores if store.add}
    if (
        why_ordered(copied) is not None
        or kernel.shared_stores
        or not any(takes_long(node) for node in nodes)
        or any(node.op == "user" or _draws_many(node) for node in nodes)
        or any(index not in copied.accesses for index in indices)  # the step gives them
        or any(copied.accesses[index].index != ELEMENT for index in indices)
        or any(
            not is_float(copied.accesses[store.name].dtype) for store in copied.stores if store.add
        )
    ):
        return None
    return copied


def takes_long(node: Expr) -> bool:
    """Whether a node is a function that takes long, and has another form for vectors."""
    return node.op == "call" and node.attr in _LONG


def _draws_many(node: Expr) -> bool:
    """Whether a node draws as many random numbers as it needs."""
    return node.op == "random" and node.attr.kind not in ("rand", "randn")


def only_adding(kernel: Kernel) -> Kernel:
    """A copy of `kernel` in which every store is an addition that only adds to what was there.

    It tells what the kernel does to variables as a whole: its elements may have to be executed in
    order all the same.
    """
    stores = [_as_addition(kernel, store) or store for store in kernel.stores]
    return replace(kernel, stores=stores)


def _as_addition(kernel: Kernel, store: Store) -> Store | None:
    access = kernel.accesses[store.name]
    if access.dtype not in ADDABLE:
        return None
    added = addend(store.value, store.name)
    if added is None or (is_float(added.dtype) != is_float(access.dtype)):
        return None
    return Store(store.name, added, add=True)


def addend(value: Expr, name: str) -> Expr | None:
    """What `value` adds to the variable `name`; ``None`` if it does something else."""
    depends: set[int] = set()
    for node in ex.walk([value]):
        is_old = node.op == "load" and node.attr == name
        if is_old or any(arg.serial in depends for arg in node.args):
            depends.add(node.serial)
    #: of the old value and of what is made of it by additions
    added: dict[int, Expr | None] = {}
    waiting = [value]
    while waiting:
        node = waiting[-1]
        missing = [old for old in _old_values(node, depends) if old.serial not in added]
        if missing:
            waiting += reversed(missing)
        else:
            added[waiting.pop().serial] = _added_by(node, name, depends, added)
    return added[value.serial]


def _old_values(node: Expr, depends: set[int]) -> list[Expr]:
    """The operands to which `node` may add something; `depends` has all that use the old value."""
    match node.op:
        case "add":
            old = [arg for arg in node.args if arg.serial in depends]
            return old if len(old) == 1 else []
        case "sub":
            left, right = node.args
            return [left] if left.serial in depends and right.serial not in depends else []
        case "select":
            condition, yes, no = node.args
            return [] if condition.serial in depends else [yes, no]
        case "cast" if node.dtype != BOOL:
            (inner,) = node.args
            return [inner] if is_float(inner.dtype) == is_float(node.dtype) else []
    return []


def _added_by(
    node: Expr, name: str, depends: set[int], added: dict[int, Expr | None]
) -> Expr | None:
    """What `node` adds to `name`, if that is known of the operands."""
    if node.op == "load" and node.attr == name:
        return ex.const(0, node.dtype)
    parts = [added[old.serial] for old in _old_values(node, depends)]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    if node.op == "select":
        return ex.select(node.args[0], *known)
    if node.op == "cast":
        return ex.cast(known[0], node.dtype)
    (other,) = (arg for arg in node.args if arg.serial not in depends)
    return _sum(node.op, known[0], other)


def _sum(op: str, before: Expr, other: Expr) -> Expr:
    if op == "add" and before.op == "const" and before.attr == 0:
        return other
    return ex.binary(op, before, other)


def float_additions(kernel: Kernel) -> list[Access]:
    """The variables that a kernel adds floating point numbers to: the order makes a difference."""
    accesses = [kernel.accesses[store.name] for store in kernel.stores if store.add]
    return [access for access in accesses if is_float(access.dtype)]


def why_ordered(kernel: Kernel) -> str | None:
    """Why the elements of a kernel have to be executed one after the other.

    Parameters
    ----------
    kernel : Kernel
        After `separate_additions`.

    Returns
    -------
    str or None
        A reason for people; ``None`` if elements may be executed at once.
    """
    read_by: dict[str, set[str | None]] = {}
    for access in kernel.loads():
        read_by.setdefault(access.array, set()).add(access.index)
    written = [kernel.accesses[store.name] for store in kernel.stores]
    for store in kernel.stores:
        access = kernel.accesses[store.name]
        if store.add:
            if access.array in read_by:
                return f"it adds to '{store.name}' and uses its value"
            # one element may be both (a neuron connected to itself): the last write remains
            if sum(kernel.accesses[s.name].array == access.array for s in kernel.stores) > 1:
                return f"it writes '{store.name}' in two ways"
        elif not kernel.is_own(access):
            return f"several elements may write the same '{store.name}'"
        elif read_by.get(access.array, {access.index}) != {access.index}:
            return f"it reads '{store.name}' of other elements"
        elif any(one.array == access.array and one.index != access.index for one in written):
            return f"it writes '{store.name}' in two ways"
    for node in ex.walk(kernel.roots()):
        # what draws random numbers has a stream for every element
        if node.op == "user" and not (node.attr.stateless or node.attr.draws):
            return f"the function '{node.attr.name}' has a state"
    return None
