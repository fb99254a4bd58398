"""Short runs of synapses put together: what they have is copied into buffers, and computed there.

To gather eight values takes a processor longer than to copy a run's, which are neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...model.dtypes import C_TYPE
from ...model.kernel import ELEMENT, PLACE, Access, Kernel, RandomSite, Store
from .loops import ListedPrinter
from .shared import Unit
from .statements import Statement, Write
from .words import pointer


@dataclass(frozen=True)
class Buffer:
    """Values of packed synapses: a buffer's name and type, and the array whose values they are."""

    name: str
    ctype: str
    array: str


@dataclass(frozen=True)
class Addition:
    """What is added to neurons: a buffer, and the statement for the synapse ``_j``."""

    name: str
    ctype: str
    statement: str


class PackedPrinter(ListedPrinter):
    """Prints a kernel for synapses that are put together: the synapse ``_j`` of a buffer.

    Their places in the order of delivery have to be their numbers.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`; the kernel is one that `scatter.side_by_side` has made.

    Attributes
    ----------
    written : list of Buffer
        What is copied to the synapses afterwards.
    added : list of Addition
        What is added to neurons afterwards, in the order of the synapses.
    """

    def __init__(self, kernel: Kernel, unit: Unit) -> None:
        super().__init__(kernel, unit)
        self._buffers: dict[str, Buffer] = {}
        self.written: list[Buffer] = []
        self.added: list[Addition] = []

    @property
    def read(self) -> list[Buffer]:
        """What is copied of the synapses first."""
        read = {self.kernel.accesses[name].array for _, name in self._loaded}
        return [buffer for array, buffer in self._buffers.items() if array in read]

    def _place(self, access: Access, section: int = 0) -> str:
        if access.index not in (ELEMENT, PLACE):
            return super()._place(access, section)
        self._touched.setdefault(access.array)
        buffer = self._buffers.get(access.array)
        if buffer is None:
            name = f"_own{len(self._buffers)}"
            buffer = Buffer(name, C_TYPE[access.dtype], pointer(access.array))
            self._buffers[access.array] = buffer
        return f"{buffer.name}[_j]"

    def _assignment(self, store: Store, place: str, text: str) -> Statement:
        access = self.kernel.accesses[store.name]
        name = f"_result{len(self.written) + len(self.added)}"
        if store.add:
            index = self.kernel.accesses[str(access.index)]
            if not index.consecutive:
                place = f"{pointer(access.array)}[{self._place(index)}]"
            self.added.append(
                Addition(name, self.dialect.types[store.value.dtype], f"{place} += {name}[_j];")
            )
        else:
            self.written.append(Buffer(name, C_TYPE[access.dtype], pointer(access.array)))
        return Write(f"{name}[_j]", text)

    def _counter(self, site: RandomSite) -> tuple[str, str]:
        element, step = super()._counter(site)
        if site.shared or self.kernel.numbered is not None:
            return element, step
        return "(uint32_t)numbered[_j]", step
