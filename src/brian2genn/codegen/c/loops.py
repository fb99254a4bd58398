"""Kernels as the body of a loop over all elements of a group, on a processor."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.expr import Expr
from ...model.kernel import RandomSite, Store
from ...transforms.rates import ELEMENT_RATE
from .printer import KernelPrinter
from .words import pointer, value_type


@dataclass(frozen=True)
class Draw:
    """Random numbers that a loop needs, and the statement that fills their array `name`."""

    name: str
    ctype: str
    fill: str


@dataclass(frozen=True)
class Result:
    """What an element writes, or adds to another one: an array for some elements' values."""

    name: str
    ctype: str
    statement: str


class SideBySidePrinter(KernelPrinter):
    """Prints a kernel whose elements are computed several at once, and then write one by one.

    Parameters
    ----------
    kernel, params, arrays, constants, streams
        As for a `KernelPrinter`; the kernel is one that `scatter.side_by_side` has made.

    Attributes
    ----------
    results : list of Result
        Statements for the element ``_idx``, whose values are at place ``_j``.
    """

    def _begin(self) -> None:
        self.results: list[Result] = []

    def _assignment(self, store: Store, place: str, text: str) -> str:
        access = self.kernel.accesses[store.name]
        name, ctype = f"_result{len(self.results)}", value_type(store.value.dtype)
        if store.add:
            index = self.kernel.accesses[str(access.index)]
            place = f"{pointer(access.array)}[{pointer(index.array)}[_idx]]"
        sign = "+=" if store.add else "="
        self.results.append(Result(name, ctype, f"{place} {sign} {name}[_j];"))
        return f"{name}[_j] = {text};"


class LoopPrinter(KernelPrinter):
    """Prints a kernel whose elements are neighbours: their random numbers are made together.

    Parameters
    ----------
    kernel, params, arrays, constants, streams
        As for a `KernelPrinter`.

    Attributes
    ----------
    draws : list of Draw
        What has to be drawn for the elements from ``_first`` on that the loop goes through.
    """

    def _begin(self) -> None:
        self.draws: list[Draw] = []

    def _number(self, site: RandomSite, dtype: str, section: int) -> str:
        if section != ELEMENT_RATE:
            return super()._number(site, dtype, section)
        name = f"_r{site.number}"
        fill = (
            f"b2g_fill_{self._draw(site, dtype)}(ctx->seed, {self._stream_of_kernel()},"
            f" _first, _end, {self.random_step}, {site.number}, {name});"
        )
        self.draws.append(Draw(name, value_type(dtype), fill))
        return f"{name}[_idx - _first]"

    def _number_of_table(self, node: Expr, table: str, args: list[str]) -> str:
        site: RandomSite = node.attr
        if site.shared:
            return super()._number_of_table(node, table, args)
        stream, own = self._stream_of_kernel(), self._streams.take()
        name, ctype = f"_r{site.number}", value_type(node.dtype)
        places = f"ctx->seed, {stream}, _first, _end, {self.random_step}, {site.number}, {own}"
        call = ", ".join([table, *args, places, name])
        self.draws.append(Draw(name, ctype, f"b2g_fill_{site.kind}({call});"))
        self.drawn_ahead.add(site.number)
        return f"{name}[_idx - _first]"
