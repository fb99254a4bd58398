"""Deliveries to neighbours: where the targets of a run follow one another, nothing is looked up."""

from __future__ import annotations

from ...model import expr as ex
from ...model.kernel import ELEMENT, Access, Kernel
from ...model.network import Deliver, Step
from ...transforms.scatter import takes_long
from ...transforms.shares import Division
from .loops import SynapsePrinter
from .printer import KernelPrinter
from .shared import Unit
from .words import pointer


class BesidePrinter(SynapsePrinter):
    """Prints a kernel for synapses whose targets are neighbours: ``_idx + shift`` is that of one.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`.
    index : str
        The array that has the synapses' targets.
    """

    def __init__(self, kernel: Kernel, unit: Unit, index: str) -> None:
        super().__init__(kernel, unit)
        self._index = index

    def _place(self, access: Access, section: int = 0) -> str:
        if not reaches_targets(self.kernel, access, self._index):
            return super()._place(access, section)
        self._touched.setdefault(access.array)
        return f"{pointer(access.array)}[_idx + shift]"


def reaches_targets(kernel: Kernel, access: Access, index: str | None) -> bool:
    """Whether an access is to what the targets have, whose numbers the array `index` has."""
    if not kernel.has_index_access(access):
        return False
    by = kernel.accesses[str(access.index)]
    return by.index == ELEMENT and by.array == index and not by.consecutive


def may_be_beside(kernel: Kernel) -> bool:
    """Whether synapses with different targets may be computed at once, in any company.

    The results have to be those of one synapse after the other, to the last bit: what vectors round
    in another way than single numbers is out of the question.
    """
    return not any(
        node.op in ("user", "table")
        or (node.op == "random" and node.attr.kind != "rand")
        or takes_long(node)
        for node in ex.walk(kernel.roots())
    )


def print_beside(step: Step, unit: Unit, division: Division | None) -> KernelPrinter | None:
    """Print a delivery for targets that are neighbours, if it may be done so."""
    if not isinstance(step, Deliver) or division is None or division.index is None:
        return None
    if not may_be_beside(step.kernel):
        return None
    return BesidePrinter(step.kernel, unit, division.index).print()
