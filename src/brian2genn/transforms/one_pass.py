"""A state update and the threshold that follows it, in one pass over a group.

What a threshold compares has just been computed: where the update itself is quick, to read it again
takes a good part of the time.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import expr as ex
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Access, Kernel
from ..model.network import Threshold, Update
from .rates import ELEMENT_RATE, Rates
from .scatter import takes_long

#: Beyond so many operations, an update takes so long that another text of it does not pay.
MOST_OPERATIONS = 120


def is_quick(kernel: Kernel) -> bool:
    """Whether a kernel takes so little time that what it reads and writes counts."""
    rates = Rates(kernel)
    nodes = [node for node in ex.walk(kernel.roots()) if rates.of(node) == ELEMENT_RATE]
    return len(nodes) <= MOST_OPERATIONS and not any(takes_long(node) for node in nodes)


def in_one_pass(update: Update, threshold: Threshold, kernel: Kernel) -> Kernel | None:
    """What a state update and a threshold do for an element.

    Parameters
    ----------
    update, threshold : Step
        Of one stretch, with nothing between them that matters for the threshold.
    kernel : Kernel
        The update's, or what takes its place.

    Returns
    -------
    Kernel or None
        The kernel, with the threshold's output; None if they are better done one after the other.
    """
    asked = threshold.kernel
    if (update.size, update.own) != (threshold.size, threshold.own) or update.part:
        return None
    if asked.stores or asked.shared_stores or kernel.shared_stores or not is_quick(kernel):
        return None
    if any(node.op in ("user", "random") for node in ex.walk(asked.roots())):
        return None
    if any(node.op == "user" for node in ex.walk(kernel.roots())):
        return None
    if (asked.numbered, asked.given) != (kernel.numbered, kernel.given):
        return None
    accesses = kernel.accesses | asked.accesses
    if any(accesses[name] != access for name, access in kernel.accesses.items()):
        return None
    written: dict[str, Expr] = {}
    for store in kernel.stores:
        access = accesses[store.name]
        if access.index != ELEMENT or store.add or store.value.dtype != access.dtype:
            return None
        written[access.array] = store.value
    if any(access.array in written and access.index != ELEMENT for access in asked.loads()):
        return None
    return replace(
        kernel,
        accesses=accesses,
        outputs=_with_values(asked, accesses, written),
        careful=kernel.careful or asked.careful,
    )


def _with_values(
    asked: Kernel, accesses: dict[str, Access], written: dict[str, Expr]
) -> dict[str, Expr]:
    """The outputs of a kernel, of which what it reads has just been computed."""

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op == "load" and accesses[old.attr].array in written:
            return written[accesses[old.attr].array]
        return ex.make(old.op, args, old.attr, old.dtype)

    new = ex.rebuild(asked.outputs.values(), rule)
    return {name: new[value.serial] for name, value in asked.outputs.items()}
