"""State updates of synapses in C: what they read of neurons is gathered, or lies in rows."""

from __future__ import annotations

from ...model.kernel import ELEMENT, Access, Kernel
from .loops import LoopPrinter
from .printer import KernelPrinter
from .shared import Unit
from .words import pointer


def _address_of_table(number: int, table: int) -> str:
    return f"ctx->sums[{number}]->tables[{table}]"


class _TablePrinter(KernelPrinter):
    """Looks up arrays in tables.

    Parameters
    ----------
    kernel : Kernel
    tables : dict
        From the arrays that are tables to their places.
    number : int
        That of the step among those that have tables.
    unit : Unit
        As for a `KernelPrinter`.
    """

    def __init__(self, kernel: Kernel, tables: dict[str, int], number: int, unit: Unit) -> None:
        super().__init__(kernel, unit)
        self._places = {name: _address_of_table(number, k) for name, k in tables.items()}

    def _address(self, array: str) -> str:
        return self._places.get(array) or super()._address(array)


class UpdatePrinter(_TablePrinter, LoopPrinter):
    """Prints a state update that looks up tables."""


class UpdateRowPrinter(_TablePrinter):
    """Prints the same for a row: synapses of one neuron with neighbours on the other side.

    Parameters
    ----------
    kernel : Kernel
    same : tuple of str
        The arrays of numbers that are the same in a row; others are those of neighbours.
    tables, number, unit
        As for an `UpdatePrinter`.

    Attributes
    ----------
    row : list of str
        Statements executed once for every row, which begins with the synapse ``first``.
    """

    def __init__(
        self,
        kernel: Kernel,
        same: tuple[str, ...],
        tables: dict[str, int],
        number: int,
        unit: Unit,
    ) -> None:
        super().__init__(kernel, tables, number, unit)
        self._same = same
        self.row: list[str] = []

    def _place(self, access: Access, section: int = 0) -> str:
        if not self.kernel.has_index_access(access):
            return super()._place(access, section)
        index = self.kernel.accesses[str(access.index)]
        assert index.index == ELEMENT
        self._touched.setdefault(access.array)
        self._touched.setdefault(index.array)
        self.loaded_ahead |= {access.name, index.name}
        is_same = index.array in self._same
        name = f"_{'at' if is_same else 'shift'}_{index.name}"
        shift = "" if is_same else " - first"
        statement = f"const int64_t {name} = {pointer(index.array)}[first]{shift};"
        if statement not in self.row:
            self.row.append(statement)
        return f"{pointer(access.array)}[{name if is_same else f'_idx + {name}'}]"
