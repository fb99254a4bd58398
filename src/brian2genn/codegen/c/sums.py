"""Sums over synapses in C: tables of what neurons have, and synapses that stand by target."""

from __future__ import annotations

from dataclasses import dataclass

from ...model import expr as ex
from ...model.dtypes import C_TYPE, FLOAT64, INT32
from ...model.kernel import ELEMENT, Access
from ...model.network import Network, Step, Sum, Update
from ...transforms.rows import UpdatePlan, plan_update
from ...transforms.scatter import side_by_side
from ...transforms.sums import SumPlan, plan_sum
from ...transforms.tables import VALUE, Table
from .printer import KernelPrinter
from .rows import UpdatePrinter, UpdateRowPrinter
from .shared import Unit
from .words import pointer


@dataclass(frozen=True)
class SumForm:
    """What a program has to be told for a sum, which is its number `number`.

    Attributes
    ----------
    origin : str
        Of the step, for people.
    block : int
        The part of the time step in which it is executed.
    index : str
        The array with the targets of the synapses.
    start, target_size : str
        Parameters: the targets are so many from there on.
    tables : tuple of (str, str)
        For every table the array with the numbers of the neurons, and the type of its values.
    copies : tuple of str
        The arrays of which copies stand by target, in their order.
    by_target : bool
        Whether synapses may stand by target.
    looked_up : tuple of str
        The arrays by whose numbers it looks up values of neurons, one for each value.
    n_changing : int
        How many values of its own it looks up when it stands by target.
    rows : bool
        Whether synapses with neighbours as targets may be gone through in rows.
    same, neighbours : tuple of str
        The arrays whose numbers are the same in a row, and neighbours. A state update has to have
        such rows, a sum may have.
    """

    origin: str
    block: int
    index: str
    start: str
    target_size: str
    tables: tuple[tuple[str, str], ...]
    copies: tuple[str, ...]
    by_target: bool
    looked_up: tuple[str, ...]
    n_changing: int
    rows: bool
    same: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()


class SumPrinter(KernelPrinter):
    """Prints a kernel that looks up tables.

    Parameters
    ----------
    plan : SumPlan
    number : int
        That of the sum in its program.
    unit : Unit
        As for a `KernelPrinter`.
    """

    def __init__(self, plan: SumPlan, number: int, unit: Unit) -> None:
        super().__init__(plan.kernel, unit)
        self._tables_of_sum = {
            table.name: f"ctx->sums[{number}]->tables[{k}]" for k, table in enumerate(plan.tables)
        }

    def _address(self, array: str) -> str:
        return self._tables_of_sum.get(array) or super()._address(array)


@dataclass(frozen=True)
class Lane:
    """A variable of the target, read once for all of its synapses."""

    name: str
    ctype: str
    array: str


class SlicePrinter(SumPrinter):
    """Prints a kernel for synapses that stand by target, several targets beside each other.

    Parameters
    ----------
    index : str
        The array with the targets of the synapses.

    Attributes
    ----------
    copies : list of str
        The arrays of the synapses, of which there are copies in the order of the slices.
    lanes : list of Lane
        What is read of targets.
    gathers : list of str
        Statements that read what the synapses beside each other need of other neurons.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, number, unit)
        self._index = index
        self._changing = plan.changing
        self.copies: list[str] = []
        self.lanes: list[Lane] = []
        self.gathers: list[str] = []
        self._indices: set[str] = set()

    def _place(self, access: Access, section: int = 0) -> str:
        if access.index == ELEMENT and access.array in self._changing:
            return self._gathered(access, "sum->order")
        if access.index == ELEMENT:
            return f"{self._copied(access.array)}[_at]"
        index = self.kernel.accesses.get(str(access.index))
        if index is not None and index.index == ELEMENT and index.array == self._index:
            lane = Lane(f"_of_{access.name}", C_TYPE[access.dtype], pointer(access.array))
            if lane not in self.lanes:
                self.lanes.append(lane)
            return f"{lane.name}[_lane]"
        if index is not None and index.index == ELEMENT:
            self._indices.add(index.name)
            return self._gathered(access, self._copied(index.array))
        return super()._place(access, section)

    def _gathered(self, access: Access, numbers: str) -> str:
        """C text of a value that has one of the numbers of this place of the slice."""
        if access.dtype != FLOAT64:
            return f"{pointer(access.array)}[{numbers}[_at]]"
        place = f"_by_{access.name}"
        which = f"{numbers} + first + k * B2G_BESIDE"
        self.gathers += [
            f"double {place}[B2G_BESIDE];",
            f"b2g_gather_double({place}, {pointer(access.array)}, {which});",
        ]
        return f"{place}[_lane]"

    def _copied(self, array: str) -> str:
        """The C name of the copy of a synaptic variable."""
        if array not in self.copies:
            self.copies.append(array)
        return _copy(array)

    def pointers(self, alone: bool = True) -> list[str]:
        """Declarations of the arrays that the kernel reads, and of the copies."""
        lines = {}
        used = {name for _, name in self._loaded} | self._indices
        for access in (self.kernel.accesses[name] for name in used):
            name, address = pointer(access.array), self._address(access.array)
            if access.index == ELEMENT and access.array not in self._changing:
                name = _copy(access.array)
                address = f"sum->copies[{self.copies.index(access.array)}]"
            ctype = C_TYPE[access.dtype]
            lines[name] = f"const {ctype} *B2G_RESTRICT const {name} = (const {ctype} *){address};"
        return [lines[name] for name in sorted(lines)]


class _RowPrinter(SumPrinter):
    """Prints a kernel for synapses with neighbours as targets: ``_idx + shift`` for ``_idx``.

    Parameters
    ----------
    index : str
        The array with the targets of the synapses.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, number, unit)
        self._index = index

    def _place(self, access: Access, section: int = 0) -> str:
        index = self.kernel.accesses.get(str(access.index))
        if index is None or index.index != ELEMENT:
            return super()._place(access, section)
        self._touched.setdefault(access.array)
        if index.array == self._index:
            return self._place_of_target(access, section)
        return self._place_of_other(access, index) or super()._place(access, section)

    def _place_of_target(self, access: Access, section: int) -> str:
        """C text of where a variable of the target is."""
        return f"{pointer(access.array)}[_idx + shift]"

    def _place_of_other(self, access: Access, index: Access) -> str:
        """C text of where a variable of other neurons is; empty if that is nothing special."""
        return ""


class RowPrinter(_RowPrinter):
    """Prints it for rows that read what many other neurons have.

    Attributes
    ----------
    gathers : list of str
        Statements that read what the synapses from ``_first`` to ``_end`` need of other neurons.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, index, number, unit)
        self.gathers: list[str] = []

    def _place_of_other(self, access: Access, index: Access) -> str:
        if access.dtype != FLOAT64 or index.dtype != INT32:
            return ""
        self._touched.setdefault(index.array)
        self.loaded_ahead.add(index.name)
        place, numbers = f"_by_{access.name}", f"{pointer(index.array)} + _first"
        self.gathers += [
            f"double {place}[B2G_CHUNK];",
            f"b2g_gather_doubles({place}, {pointer(access.array)}, {numbers}, _end - _first);",
        ]
        return f"{place}[_idx - _first]"


class AlikeRowPrinter(_RowPrinter):
    """Prints it for rows in which all that is read of other neurons is of the same one.

    Attributes
    ----------
    row : list of str
        Statements executed once for every row, which begins with the synapse ``first``.
    same : list of str
        The arrays whose numbers have to be the same in a row.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, index, number, unit)
        self.row: list[str] = []
        self.same: list[str] = []

    def _place_of_other(self, access: Access, index: Access) -> str:
        self._touched.setdefault(index.array)
        self.loaded_ahead.add(index.name)
        place = f"{pointer(access.array)}[{pointer(index.array)}[first]]"
        name = f"_of_{access.name}"
        statement = f"const {C_TYPE[access.dtype]} {name} = {place};"
        if statement not in self.row:
            self.row.append(statement)
            self.same.append(index.array)
        return name


class StretchPrinter(AlikeRowPrinter):
    """Prints it for stretches in which other neurons are the same one, whatever the targets are.

    Attributes
    ----------
    has_quotients : bool
        Whether what is added has quotients: a vector of these takes as long as a single one.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, index, number, unit)
        self.has_quotients = any(node.op == "div" for node in ex.walk(plan.kernel.roots()))

    def _place_of_target(self, access: Access, section: int) -> str:
        return KernelPrinter._place(self, access, section)


class FollowingRowPrinter(_RowPrinter):
    """Prints it for rows in which what is read of other neurons follows one another, too.

    Attributes
    ----------
    row : list of str
        Statements executed once for every row, of which those from ``_begin`` on are computed.
    numbers : list of str
        C text of the arrays whose numbers have to follow one another in a row.
    """

    def __init__(self, plan: SumPlan, index: str, number: int, unit: Unit) -> None:
        super().__init__(plan, index, number, unit)
        self.row: list[str] = []
        self.numbers: list[str] = []

    def _place_of_other(self, access: Access, index: Access) -> str:
        if index.consecutive or index.dtype != INT32:
            return ""
        self._touched.setdefault(index.array)
        self.loaded_ahead.add(index.name)
        name, numbers = f"_shift_{index.name}", pointer(index.array)
        if numbers not in self.numbers:
            self.numbers.append(numbers)
            self.row.append(f"const int64_t {name} = {numbers}[_begin] - _begin;")
        return f"{pointer(access.array)}[_idx + {name}]"


def _copy(array: str) -> str:
    return f"_copy_{array}"


@dataclass(frozen=True)
class PrintedTable:
    """A table of a sum, for the template."""

    ctype: str
    kernel: KernelPrinter
    value: str


@dataclass(frozen=True)
class PrintedSum:
    """A sum, for the template.

    Attributes
    ----------
    form : SumForm
    number : int
        That of the sum in its program.
    efforts : int
        The number, behind those of all steps, of the first table's effort.
    tables : list of PrintedTable
    kernel : SumPrinter
    slices : SlicePrinter or None
        None if synapses never stand by target.
    rows : RowPrinter or None
    alike : AlikeRowPrinter or None
        None if nothing is read of other neurons.
    stretches : StretchPrinter or None
        None if nothing is read of other neurons.
    following : FollowingRowPrinter or None
        None if nothing is read of other neurons.
    """

    form: SumForm
    number: int
    efforts: int
    tables: list[PrintedTable]
    kernel: SumPrinter
    slices: SlicePrinter | None
    rows: RowPrinter | None
    alike: AlikeRowPrinter | None
    stretches: StretchPrinter | None
    following: FollowingRowPrinter | None


@dataclass(frozen=True)
class PrintedUpdate:
    """A state update of synapses, for the template; see `PrintedSum`."""

    form: SumForm
    number: int
    efforts: int
    tables: list[PrintedTable]
    kernel: UpdatePrinter
    rows: UpdateRowPrinter | None


class Sums:
    """Prints the sums of a program, and the state updates that read what neurons have.

    Parameters
    ----------
    network : Network
    unit : Unit
        The program.

    Attributes
    ----------
    forms : list of SumForm
        Of those that have tables or whose synapses may stand by target.
    n_tables : int
        How many tables they have.
    """

    def __init__(self, network: Network, unit: Unit) -> None:
        self._network, self._unit = network, unit
        self.forms: list[SumForm] = []
        self.n_tables = 0
        self._plans: dict[str, SumPlan | UpdatePlan] = {}

    def plan(self, step: Step) -> bool:
        """Find out whether anything is to be gained over a step as it is."""
        if isinstance(step, Sum):
            summed = plan_sum(step, self._network)
            if summed.tables or summed.by_target:
                self._plans[step.name] = summed
        elif isinstance(step, Update):
            updated = plan_update(step, self._network)
            if updated and (updated.tables or updated.same or updated.neighbours):
                self._plans[step.name] = updated
        return step.name in self._plans

    def is_planned(self, step: Step) -> bool:
        """Whether something is to be gained over a step as it is."""
        return step.name in self._plans

    def print(self, step: Step, block: int) -> PrintedSum | PrintedUpdate | None:
        """Print a step of which that has been found; None for another one."""
        match step, self._plans.get(step.name):
            case Sum(), SumPlan() as plan:
                return self._sum(step, plan, block)
            case Update(), UpdatePlan() as plan:
                return self._update(step, plan, block)
        return None

    def _sum(self, step: Sum, plan: SumPlan, block: int) -> PrintedSum:
        number, efforts = len(self.forms), self.n_tables
        rest = number, self._unit
        slices = SlicePrinter(plan, step.index, *rest).print() if plan.by_target else None
        # functions need whole vectors, so that results do not depend on how rows are cut
        whole = side_by_side(plan.kernel) is not None
        in_rows = plan.by_target and not whole
        rows = RowPrinter(plan, step.index, *rest).print() if in_rows else None
        alike = AlikeRowPrinter(plan, step.index, *rest).print() if in_rows else None
        stretches = StretchPrinter(plan, step.index, *rest).print() if in_rows else None
        following = FollowingRowPrinter(plan, step.index, *rest).print() if in_rows else None
        form = SumForm(
            step.origin,
            block,
            step.index,
            step.start,
            step.target_size,
            tuple((table.index, table.kernel.outputs[VALUE].dtype) for table in plan.tables),
            tuple(slices.copies) if slices else (),
            plan.by_target,
            tuple(plan.looked_up(step.index)),
            len(plan.changing),
            rows is not None,
            tuple(dict.fromkeys(alike.same)) if alike else (),
        )
        self.forms.append(form)
        self.n_tables += len(plan.tables)
        tables = [self._table(table) for table in plan.tables]
        kernel = SumPrinter(plan, *rest).print()
        return PrintedSum(
            form,
            number,
            efforts,
            tables,
            kernel,
            slices,
            rows,
            alike if form.same else None,
            stretches if form.same else None,
            following if following and following.numbers else None,
        )

    def _update(self, step: Update, plan: UpdatePlan, block: int) -> PrintedUpdate:
        number, efforts = len(self.forms), self.n_tables
        names = {table.name: k for k, table in enumerate(plan.tables)}
        rest = names, number, self._unit
        is_in_rows = bool(plan.same or plan.neighbours)
        kernel = UpdatePrinter(plan.kernel, *rest).print()
        form = SumForm(
            step.origin,
            block,
            "",
            "",
            "",
            tuple((table.index, table.kernel.outputs[VALUE].dtype) for table in plan.tables),
            (),
            False,
            tuple(kernel.gathered),
            0,
            is_in_rows,
            plan.same,
            plan.neighbours,
        )
        self.forms.append(form)
        self.n_tables += len(plan.tables)
        rows = UpdateRowPrinter(plan.kernel, plan.same, *rest).print() if is_in_rows else None
        tables = [self._table(table) for table in plan.tables]
        return PrintedUpdate(form, number, efforts, tables, kernel, rows)

    def _table(self, table: Table) -> PrintedTable:
        printer = KernelPrinter(table.kernel, self._unit).print()
        ctype = C_TYPE[table.kernel.outputs[VALUE].dtype]
        return PrintedTable(ctype, printer, printer.output(VALUE))
