"""Kernels as the body of a loop over all elements of a group, on a processor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...model import expr as ex
from ...model.dtypes import FLOAT64, INT32, is_float
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Hoisted, Kernel, RandomSite, Store
from ...transforms.hoist import hoisted
from ...transforms.rates import ELEMENT_RATE, RUN_RATE, STEP_RATE, Rates
from .printer import KernelPrinter, touches_own
from .shared import Unit
from .statements import Statement, Write
from .words import pointer


@dataclass(frozen=True)
class Draw:
    """Random numbers that a loop needs, and the statement that fills their array `name`.

    Before it are the statements that compute what the numbers depend on.
    """

    name: str
    ctype: str
    fill: str
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What an element writes, or adds to another one: an array for some elements' values.

    What is the element's own may be written at once, where elements are neighbours (`at_once`);
    `beside` is the statement where what they write to are neighbours, too.
    """

    name: str
    ctype: str
    statement: str
    at_once: Write | None = None
    beside: str = ""


@dataclass(frozen=True)
class Elements:
    """An array that has something for each element: C text of where it is, and bytes of one."""

    address: str
    bytes: int


class SynapsePrinter(KernelPrinter):
    """Prints a kernel whose elements are synapses, which may have other numbers during a run."""

    def elements(self, index: str) -> list[Elements]:
        """The arrays that are reached by one index, the element's own, say."""
        used = {*(name for _, name in self._loaded), *(store.name for store in self.kernel.stores)}
        accesses = [self.kernel.accesses[name] for name in sorted(used)]
        found = {one.array: one.dtype for one in accesses if one.index == index}
        return [
            Elements(self._address(array), np.dtype(dtype).itemsize)
            for array, dtype in found.items()
        ]

    def _counter(self, site: RandomSite) -> tuple[str, str]:
        element, step = super()._counter(site)
        if site.shared or self.kernel.numbered is not None:
            return element, step
        return "(uint32_t)b2g_number(numbers, _idx)", step


class ListedPrinter(SynapsePrinter):
    """Prints a kernel for the synapse ``_j`` of some: their random numbers are made together.

    Compilers do not see how to draw for several elements at once; the header does.

    Attributes
    ----------
    draws : list of Draw
        What has to be drawn first, for the synapses whose numbers are in ``numbered``.
    """

    def __init__(self, kernel: Kernel, unit: Unit) -> None:
        super().__init__(kernel, unit)
        self.draws: list[Draw] = []

    def _number(self, site: RandomSite, dtype: str, section: int) -> str:
        if section != ELEMENT_RATE or site.shared or self.kernel.numbered is not None:
            return super()._number(site, dtype, section)
        name = f"_r{site.number}"
        fill = (
            f"b2g_{self._draw(site, dtype)}_at(ctx->seed, {self._stream_of_kernel()},"
            f" numbered, _n_numbered, {self.random_step}, {site.number}, {name});"
        )
        self.draws.append(Draw(name, self.dialect.types[dtype], fill))
        self._unit.inlined.append(site.kind)
        return f"{name}[_j]"


class SideBySidePrinter(ListedPrinter):
    """Prints a kernel whose elements are computed several at once, and then write one by one.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`; the kernel is one that `scatter.side_by_side` has made.
    index : str or None
        The array with the numbers of the targets, if all writes to them are by one.

    Attributes
    ----------
    results : list of Result
        Statements for the element ``_idx``, whose values are at place ``_j``.
    """

    def __init__(self, kernel: Kernel, unit: Unit, index: str | None) -> None:
        super().__init__(kernel, unit)
        self._index = index
        self.results: list[Result] = []

    def _assignment(self, store: Store, place: str, text: str) -> Statement:
        access = self.kernel.accesses[store.name]
        name, ctype = f"_result{len(self.results)}", self.dialect.types[store.value.dtype]
        beside = ""
        if store.add:
            index = self.kernel.accesses[str(access.index)]
            place = f"{pointer(access.array)}[{pointer(index.array)}[_idx]]"
            if index.array == self._index and not index.consecutive:
                beside = f"{pointer(access.array)}[_idx + shift] += {name}[_j];"
        sign = "+=" if store.add else "="
        at_once = None if store.add else Write(place, text)
        self.results.append(Result(name, ctype, f"{place} {sign} {name}[_j];", at_once, beside))
        return Write(f"{name}[_j]", text)

    def neighbours_stores(self) -> list[Statement]:
        """The statements for elements that are neighbours: those that write, or put in arrays."""
        return [
            result.at_once or statement
            for result, statement in zip(self.results, self._stores, strict=True)
        ]


class ComparingPrinter(KernelPrinter):
    """Prints a kernel that counts what it would change, in place of changing it."""

    def _assignment(self, store: Store, place: str, text: str) -> Statement:
        return Write("_others", f"!b2g_is_alike({place}, {text}, tolerance)", add=True)


#: What is drawn by a value of each element: what that is called, the function of our header, and
#: the type of the result.
_DRAWN_BY = {"poisson": ("mean", "poisson_by", "int32_t"), "below": ("limit", "below", "uint8_t")}


class LoopPrinter(KernelPrinter):
    """Prints a kernel whose elements are neighbours: their random numbers are made together.

    Parameters
    ----------
    kernel, unit
        As for a `KernelPrinter`.

    Attributes
    ----------
    draws : list of Draw
        What has to be drawn for the elements from ``_first`` on that the loop goes through, and
        what is gathered for them: what neurons have, by the numbers that synapses have.
    gathered : list of str
        By whose numbers values are gathered, an array for each.
    """

    def __init__(self, kernel: Kernel, unit: Unit) -> None:
        super().__init__(kernel, unit)
        self.draws: list[Draw] = []
        self.gathered: list[str] = []

    def _hoisted(self) -> Hoisted:
        rates = Rates(self.kernel)
        drawn = [node for node in ex.walk(self.kernel.roots()) if node.op == "random"]
        ahead = frozenset(node.serial for node in drawn if self._is_drawn_by_known(node, rates))
        return hoisted(self.kernel, ahead)

    def _defined(self, node: Expr, section: int) -> str:
        if node.serial in self._plan.ahead:
            return self._drawn_by(node)
        if node.op == "random" and self._is_filled(node, section):
            return self._compute(node, section, [self._value(arg, section) for arg in node.args])
        return super()._defined(node, section)

    def _is_filled(self, node: Expr, section: int) -> bool:
        """Whether numbers of a table are drawn for many elements at once."""
        site: RandomSite = node.attr
        kinds = site.kind in ("poisson", "binomial") and not site.shared
        return kinds and self.kernel.numbered is None and self._has_table(node, section)

    def _becomes_float(self, node: Expr) -> bool:
        """Whether nobody wants a value but as a floating point number.

        There are processors whose vectors cannot turn large whole numbers into such.
        """
        users = [
            user for user in ex.walk(self.kernel.roots()) if any(arg is node for arg in user.args)
        ]
        return all(user.op == "cast" and is_float(user.dtype) for user in users) and not any(
            root is node for root in self.kernel.roots()
        )

    def _is_drawn_by_known(self, node: Expr, rates: Rates) -> bool:
        """Whether what a site draws depends on values that can be computed before all else.

        These are the means of Poisson numbers, and probabilities.
        """
        if node.attr.kind not in _DRAWN_BY or node.attr.shared or not touches_own(self.kernel):
            return False
        changes = node.attr.kind == "below" or any(
            rates.of(arg) > RUN_RATE or arg.op == "load" for arg in ex.walk(node.args)
        )
        return changes and not any(
            arg.op == "user" or (arg.op == "random" and arg.attr.kind not in ("rand", "randn"))
            for arg in ex.walk(node.args)
        )

    def _drawn_by(self, node: Expr) -> str:
        """Have the elements' means or probabilities computed, and drawn what depends on them."""
        site: RandomSite = node.attr
        stream, name = self._stream_of_kernel(), f"_r{site.number}"
        own = f"{self._unit.streams.take()}, " if site.kind == "poisson" else ""
        argument, function, ctype = _DRAWN_BY[site.kind]
        by = f"{name}_{argument}"
        mean = ex.cast(node.args[0], FLOAT64)
        kernel = replace(self.kernel, stores=[], shared_stores=[], outputs={"mean": mean})
        printer = _MeanPrinter(kernel, self._unit, stream).print()
        self.loaded_ahead |= {name for _, name in printer._loaded} | printer.loaded_ahead
        for array in printer._touched:
            self._touched.setdefault(array)
        before = (
            f"double {by}[B2G_CHUNK];",
            "{",
            *(f"    {line}" for line in printer.statements(by)),
            "}",
        )
        fill = (
            f"b2g_fill_{function}({by}, ctx->seed, {stream}, _first, _end,"
            f" {self.random_step}, {site.number}, {own}{name});"
        )
        self.draws.append(Draw(name, ctype, fill, before))
        self._unit.inlined.append(site.kind)
        self.drawn_ahead.add(site.number)
        return f"{name}[_idx - _first]"

    def _place(self, access: Access, section: int = STEP_RATE) -> str:
        if section != ELEMENT_RATE or not self._is_gathered(access):
            return super()._place(access, section)
        index = self.kernel.accesses[str(access.index)]
        self._touched.setdefault(access.array)
        self._touched.setdefault(index.array)
        self.loaded_ahead |= {access.name, index.name}
        name = f"_by_{access.name}"
        places = f"{pointer(index.array)} + _first, _end - _first"
        fill = f"b2g_gather_doubles({name}, {pointer(access.array)}, {places});"
        self.draws.append(Draw(name, "double", fill))
        self.gathered.append(index.array)
        return f"{name}[_idx - _first]"

    def _is_gathered(self, access: Access) -> bool:
        """Whether elements read a variable by numbers that lie beside each other."""
        if access.dtype != FLOAT64 or not self.kernel.has_index_access(access):
            return False
        index = self.kernel.accesses[str(access.index)]
        # what elements may write to is read where it is
        own = index.consecutive or access.array in self.kernel.written_arrays()
        plain = index.index == ELEMENT and index.dtype == INT32 and not own
        return plain and touches_own(self.kernel) and not self.kernel.looks_into_arrays()

    def _number(self, site: RandomSite, dtype: str, section: int) -> str:
        if section != ELEMENT_RATE or self.kernel.numbered is not None:
            return super()._number(site, dtype, section)
        name = f"_r{site.number}"
        fill = (
            f"b2g_fill_{self._draw(site, dtype)}(ctx->seed, {self._stream_of_kernel()},"
            f" _first, _end, {self.random_step}, {site.number}, {name});"
        )
        self.draws.append(Draw(name, self.dialect.types[dtype], fill))
        self._unit.inlined.append(site.kind)
        return f"{name}[_idx - _first]"

    def _number_of_table(self, node: Expr, table: str, args: list[str]) -> str:
        site: RandomSite = node.attr
        if not self._is_filled(node, ELEMENT_RATE):
            return super()._number_of_table(node, table, args)
        stream, own = self._stream_of_kernel(), self._unit.streams.take()
        name, function = f"_r{site.number}", f"b2g_fill_{site.kind}"
        ctype = self.dialect.types[node.dtype]
        if self._becomes_float(node):
            ctype, function = "double", f"{function}_f64"
        places = f"ctx->seed, {stream}, _first, _end, {self.random_step}, {site.number}, {own}"
        call = ", ".join([table, *args, places, name])
        self.draws.append(Draw(name, ctype, f"{function}({call});"))
        self._unit.inlined.append(site.kind)
        self.drawn_ahead.add(site.number)
        return f"{name}[_idx - _first]"


class _MeanPrinter(LoopPrinter):
    """Prints what numbers of a loop depend on, with the random numbers of the loop's kernel."""

    def __init__(self, kernel: Kernel, unit: Unit, stream: str) -> None:
        super().__init__(kernel, unit)
        self._stream = stream

    def statements(self, place: str) -> list[str]:
        """Compute the kernel's output for the elements of a piece of the loop."""
        draws = [
            line
            for draw in self.draws
            for line in (f"{draw.ctype} {draw.name}[B2G_CHUNK];", *draw.before, draw.fill)
        ]
        return [
            *map(str, self.step),
            *draws,
            *(["#pragma omp simd"] if self.independent else []),
            "for (int64_t _idx = _first; _idx < _end; _idx++) {",
            *(f"    {line}" for line in self.element),
            f"    {place}[_idx - _first] = {self.output('mean')};",
            "}",
        ]
