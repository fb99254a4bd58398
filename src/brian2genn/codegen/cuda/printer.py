"""Kernels as statements for a thread of a CUDA program."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...model.dtypes import C_TYPE, FLOAT64, is_float
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Kernel, Store
from ...transforms.rates import RUN_RATE, STEP_RATE
from ..c.printer import KernelPrinter
from ..c.shared import Unit
from ..c.statements import Call, Define, Statement, Write
from ..c.words import pointer

#: Values that are read ahead of all else, so that a thread waits for them once; with more of them,
#: too many registers would be taken.
_MOST_READ_AHEAD = 16


def arranged_name(array: str) -> str:
    """The C name of a pointer to an array in the order of delivery, or as it is."""
    return f"_arranged_{array}"


@dataclass(frozen=True)
class LocalSum:
    """A sum of a thread's own: its name and type, and the array that it will be added to."""

    name: str
    ctype: str
    pointer: str


class CudaKernelPrinter(KernelPrinter):
    """Prints a kernel for a thread of a CUDA program.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`.
    random_step : str
        C text of the number that the time step has in the random streams.
    own : dict
        From arrays whose elements the thread keeps to their C names.
    times : dict
        From arrays with the time of a clock to the C text of where a block has it.
    arranged : collection of str, optional
        Arrays whose values lie in the order of delivery: at ``_at``, of what `arranged_name` says.
    """

    #: not in constant memory, where threads that look into other places wait for each other
    _tables = "ctx->constants"

    def __init__(
        self,
        kernel: Kernel,
        unit: Unit,
        random_step: str,
        own: dict[str, str],
        times: dict[str, str],
        arranged: Collection[str] = (),
    ) -> None:
        super().__init__(kernel, unit)
        self._arranged = arranged
        self.random_step = random_step
        self._own, self._times = own, times
        #: what a thread can add up by itself, for others to add
        self.sums: list[LocalSum] = []
        self._summing: list[Statement] = []

    def stores_into_sums(self) -> list[Statement]:
        """The statements that write an element's results; floating point numbers go to `sums`."""
        return self._summing

    @property
    def element(self) -> list[Statement]:
        """The statements for an element: first what reads it, and waits for all of that at once."""
        statements = super().element
        reads = [s for s in statements if isinstance(s, Define) and s.reads]
        if not 1 < len(reads) <= _MOST_READ_AHEAD:
            return statements
        keep = Call("; ".join(f"b2g_keep({read.name})" for read in reads))
        return [*reads, keep, *(s for s in statements if s not in reads)]

    def _compute(self, node: Expr, section: int, args: list[str]) -> str:
        if node.op == "div" and node.dtype == FLOAT64 and section != RUN_RATE:
            return f"b2g_div({args[0]}, {args[1]})"
        return super()._compute(node, section, args)

    def _address(self, array: str) -> str:
        return self._times.get(array) or super()._address(array)

    def _place(self, access: Access, section: int = STEP_RATE) -> str:
        if access.index == ELEMENT and access.array in self._own:
            return self._own[access.array]
        if access.index == ELEMENT and access.array in self._arranged:
            self._touched.setdefault(access.array)
            return f"{arranged_name(access.array)}[_at]"
        return super()._place(access, section)

    def _assignment(self, store: Store, place: str, text: str) -> Statement:
        access = self.kernel.accesses[store.name]
        if place == self._own.get(access.array):
            self._touched.setdefault(access.array)
            text = f"{place} = {text}"
            place = f"{pointer(access.array)}[_idx]"
            self.names_element = True
        statement = summing = super()._assignment(store, place, text)
        if store.add:
            dtype = C_TYPE[access.dtype]
            statement = summing = Call(f"b2g_add(&{place}, ({dtype}){text})")
            if is_float(access.dtype):
                local = LocalSum(f"_sum_{store.name}", dtype, pointer(access.array))
                self.sums.append(local)
                summing = Write(local.name, f"({dtype}){text}", add=True)
        self._summing.append(summing)
        return statement
