"""Runs of synapses whose neurons follow one another: what they read of neurons is not looked up."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.dtypes import INT32
from ...model.kernel import ELEMENT, PLACE, Access, Kernel
from .loops import SideBySidePrinter
from .shared import Unit
from .words import pointer


@dataclass(frozen=True)
class Numbers:
    """The numbers of the neurons that synapses read of, in the order of their run.

    Attributes
    ----------
    array : str
        C text of where they are.
    shift : str
        C name of the difference between a synapse's number and its place.
    """

    array: str
    shift: str


class FollowingPrinter(SideBySidePrinter):
    """Prints a kernel for a run whose synapses read of neurons that follow one another.

    So it is where all are connected to all.  To gather eight values takes longer than an
    exponential of them.

    Parameters
    ----------
    kernel, unit, index
        As for a `SideBySidePrinter`.
    placed : bool
        Whether it is given where a synapse stands in the order of delivery.

    Attributes
    ----------
    numbers : list of Numbers
        What has to follow one another in a run.
    by_number : bool
        Whether some of that are in the order of the synapses' numbers, not in that of delivery.
    """

    def __init__(self, kernel: Kernel, unit: Unit, index: str | None, placed: bool) -> None:
        super().__init__(kernel, unit, index)
        self._at = "_at_" if placed else "_idx"
        self.numbers: list[Numbers] = []
        self.by_number = False

    def _place(self, access: Access, section: int = 0) -> str:
        if not self.kernel.has_index_access(access):
            return super()._place(access, section)
        index = self.kernel.accesses[str(access.index)]
        if index.index not in (ELEMENT, PLACE) or index.consecutive or index.dtype != INT32:
            return super()._place(access, section)
        self._touched.setdefault(access.array)
        if access.array in self.kernel.written_arrays():
            # what is added to is looked up: the addition says where itself
            return f"{pointer(access.array)}[{pointer(index.array)}[_idx]]"
        numbers = Numbers(self._address(index.array), f"_shift_{index.name}")
        if numbers not in self.numbers:
            self.numbers.append(numbers)
            self.by_number |= index.index == ELEMENT
        return f"{pointer(access.array)}[{self._at} + {numbers.shift}]"


def print_following(
    kernel: Kernel, unit: Unit, index: str | None, placed: bool
) -> FollowingPrinter | None:
    """Print a kernel for neurons that follow one another; None if nothing is looked up."""
    printer = FollowingPrinter(kernel, unit, index, placed).print()
    return printer if printer.numbers else None
