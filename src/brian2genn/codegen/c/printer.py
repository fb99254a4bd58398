"""Kernels as C statements.

Every value is printed where it changes: once per run, once per time step, or
for every element. Which values these are has been found before, by ``transforms/hoist.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from ...model import expr as ex
from ...model.dtypes import BOOL, C_TYPE, FLOAT32, FLOAT64, is_float
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Computed, Hoisted, Kernel, RandomSite, Store
from ...transforms.hoist import hoisted, home
from ...transforms.rates import ELEMENT_RATE, RUN_RATE, STEP_RATE
from .operations import OWN_FUNCTIONS, operation
from .shared import TABLE, Unit
from .statements import Call, Define, Statement, Write
from .words import C, c_name, pointer


def touches_own(kernel: Kernel) -> bool:
    """Whether elements write to nothing but their own, which others of them do not read."""
    written = [kernel.accesses[store.name] for store in kernel.stores]
    reached_by: dict[str, set[str | None]] = {}
    for access in [*kernel.loads(), *written]:
        reached_by.setdefault(access.array, set()).add(access.index)
    return all(kernel.is_own(one) and len(reached_by[one.array]) == 1 for one in written)


class KernelPrinter:
    """Prints one kernel; `print` does it, and all else tells what it has printed.

    Parameters
    ----------
    kernel : Kernel
    unit : Unit
        The program that it is a part of.

    Attributes
    ----------
    step : list of Statement
        Executed once per time step, before the elements.
    element : list of Statement
        Executed for every element; the element is ``_idx``.
    """

    #: What the language calls operators and numbers.
    dialect = C
    #: C text of the number that the time step has in the random streams.
    random_step = "ctx->random_step"
    #: C text of where the tables of distributions are.
    _tables = "constants"
    _plan: Hoisted

    def __init__(self, kernel: Kernel, unit: Unit) -> None:
        self.kernel = kernel
        self._unit = unit
        self._sections: dict[int, list[Statement]] = {RUN_RATE: [], STEP_RATE: [], ELEMENT_RATE: []}
        self._stores: list[Statement] = []
        self._shared_stores: list[Statement] = []
        self._outputs: dict[str, str] = {}
        #: names and texts of values that have been computed or read, by section and serial number
        self._names: dict[tuple[int, int], str] = {}
        self._loaded: set[tuple[int, str]] = set()
        #: arrays in the order in which they are first used
        self._touched: dict[str, None] = {}
        self._param_names: set[str] = set()
        self._rows: dict[str, tuple[str, str]] = {}
        self._stream = ""
        self._temporaries = 0
        #: whether statements use the number of the element
        self.names_element = False
        #: numbers of the sites whose numbers are there before the elements are computed
        self.drawn_ahead: set[int] = set()
        #: names of the accesses that are read for that
        self.loaded_ahead: set[str] = set()

    # -- results -----------------------------------------------------------
    @property
    def step(self) -> list[Statement]:
        return self._sections[STEP_RATE]

    @property
    def element(self) -> list[Statement]:
        return self._sections[ELEMENT_RATE]

    def output(self, name: str) -> str:
        """C text of an output, valid after the element's statements."""
        return self._outputs[name]

    def stores(self) -> list[Statement]:
        """Statements that write the element's results."""
        return self._stores

    def shared_stores(self) -> list[Statement]:
        """Statements that write the shared results, once per step."""
        return self._shared_stores

    def pointers(self, alone: bool = True) -> list[str]:
        """Declarations of the arrays that the kernel touches.

        Parameters
        ----------
        alone : bool, optional
            Whether nothing else in the function may write to these arrays.
        """
        alone = alone and not self.kernel.looks_into_arrays()
        restrict = "B2G_RESTRICT " if alone else ""
        loaded = {name for _, name in self._loaded} | self.loaded_ahead
        used = {self.kernel.accesses[name].array for name in loaded}
        written = self.kernel.written_arrays()
        lines = []
        by_array = {access.array: access for access in reversed(self.kernel.accesses.values())}
        # not by name: kernels that differ by names only are the same text otherwise (`alike`)
        for name in self._touched:
            if name not in used | written:
                continue
            access = by_array[name]
            const = "" if name in written else "const "
            lines.append(
                f"{const}{C_TYPE[access.dtype]} *{restrict}const {pointer(name)} ="
                f" ({const}{C_TYPE[access.dtype]} *){self._address(name)};"
            )
        return lines

    def _address(self, array: str) -> str:
        """C text of where an array is."""
        return f"ctx->arrays[{self._unit.arrays[array]}]"

    @property
    def independent(self) -> bool:
        """Whether the elements may be computed in any order, or several at once."""
        # shared results are written before the elements are computed
        return touches_own(self.kernel) and not any(
            (node.op == "user" and not node.attr.stateless)
            or (
                node.op == "random"
                and node.attr.kind in ("poisson", "binomial")
                and node.attr.number not in self.drawn_ahead
            )
            for node in ex.walk(self.kernel.roots())
        )

    # -- printing ----------------------------------------------------------
    def print(self) -> Self:
        """Print the kernel."""
        self._plan = self._hoisted()
        self._print(self._plan)
        if self._sections[RUN_RATE]:
            block = self.kernel.origin, [str(line) for line in self._sections[RUN_RATE]]
            self._unit.constants.blocks.append(block)
        return self

    def _hoisted(self) -> Hoisted:
        """How often what is computed."""
        return hoisted(self.kernel)

    def _print(self, plan: Hoisted) -> None:
        kernel = self.kernel
        if kernel.looks_into_arrays():
            # what functions may change is read before they are called, in the order of the code:
            # so it is in Brian's compiled targets
            for access in kernel.loads():
                self._load(access, STEP_RATE if access.index is None else ELEMENT_RATE)
            self._define(plan.calls)
        for store, needed in zip(kernel.shared_stores, plan.shared, strict=True):
            self._define(needed)
            text = self._value(store.value, STEP_RATE)
            self._shared_stores.append(Write(self._place(kernel.accesses[store.name]), text))
        self._define(plan.stores)
        for store in kernel.stores:
            place = self._place(kernel.accesses[store.name], ELEMENT_RATE)
            text = self._value(store.value, ELEMENT_RATE)
            self._stores.append(self._assignment(store, place, text))
        for name, needed in plan.outputs.items():
            self._define(needed)
            self._outputs[name] = self._value(kernel.outputs[name], ELEMENT_RATE)

    def _define(self, needed: Iterable[Computed]) -> None:
        """Print what is computed on its own."""
        for one in needed:
            self._names[one.rate, one.value.serial] = self._defined(one.value, one.rate)

    def _defined(self, node: Expr, section: int) -> str:
        """The name of a value in a section, in which it is computed or read."""
        if node.op == "load":
            return self._load(self.kernel.accesses[node.attr], section)
        if node.op == "param":
            return self._param(node)
        if (RUN_RATE, node.serial) in self._names:
            name = self._names[RUN_RATE, node.serial]
            kept = f"constants->{name}"
            self.step.append(Define(self.dialect.types[node.dtype], name, kept, of_run=True))
            return name
        text = self._compute(node, section, [self._value(arg, section) for arg in node.args])
        if section == RUN_RATE:
            name = f"_c{len(self._unit.constants.fields)}"
            self._unit.constants.fields.append((self.dialect.types[node.dtype], name))
            self._sections[section].append(Write(f"constants->{name}", text))
            return name
        self._temporaries += 1
        name = f"_{'s' if section == STEP_RATE else 'x'}{self._temporaries}"
        self._sections[section].append(Define(self.dialect.types[node.dtype], name, text))
        return name

    def _assignment(self, store: Store, place: str, text: str) -> Statement:
        """The statement that writes an element's result."""
        return Write(place, text, store.add)

    def _place(self, access: Access, section: int = STEP_RATE) -> str:
        self._touched.setdefault(access.array)
        if access.index is None:
            return f"{pointer(access.array)}[0]"
        if access.index == ELEMENT:
            self.names_element = True
            return f"{pointer(access.array)}[_idx]"
        if access.index in self.kernel.given:
            return f"{pointer(access.array)}[{c_name(access.index)}]"
        index = self.kernel.accesses[access.index]
        if index.consecutive and index.index == ELEMENT:
            self._touched.setdefault(index.array)
            self.loaded_ahead.add(index.name)
            self.names_element = True
            return f"{pointer(access.array)}[{pointer(index.array)}[0] + _idx]"
        return f"{pointer(access.array)}[{self._load(index, section)}]"

    def _load(self, access: Access, section: int) -> str:
        """The C name of a loaded variable; prints the load when first needed."""
        name = c_name(access.name)
        if (section, access.name) not in self._loaded:
            place = self._place(access, section)
            self._loaded.add((section, access.name))
            if section != RUN_RATE:
                value = f"{place} != 0" if access.dtype == BOOL else place
                statement = Define(self.dialect.types[access.dtype], name, value, reads=True)
                self._sections[section].append(statement)
        if section == RUN_RATE:
            return (
                f"*(const {C_TYPE[access.dtype]} *)ctx->arrays[{self._unit.arrays[access.array]}]"
            )
        return name

    def _value(self, node: Expr, section: int) -> str:
        """C text for `node` as used in `section`; operands come first, without recursion."""
        waiting: list[tuple[Expr, bool]] = [(node, False)]
        texts: list[str] = []
        while waiting:
            node, has_operands = waiting.pop()
            if has_operands:
                first = len(texts) - len(node.args)
                args = texts[first:]
                del texts[first:]
                texts.append(f"({self._compute(node, section, args)})")
            elif (known := self._known(node, section)) is not None:
                texts.append(known)
            else:
                waiting.append((node, True))
                waiting.extend((arg, False) for arg in reversed(node.args))
        (text,) = texts
        return text

    def _known(self, node: Expr, section: int) -> str | None:
        """The text of what need not be computed, or has been."""
        if node.op == "const":
            if node.serial in self._unit.literals:
                return self._unit.literals[node.serial]
            return self.dialect.literal(node.attr, node.dtype)
        if node.op == "given":
            self.names_element |= node.attr == ELEMENT
            return ELEMENT if node.attr == ELEMENT else c_name(node.attr)
        if section != RUN_RATE:
            place = max(home(node, self._plan.rates[node.serial], section), STEP_RATE)
            return self._names.get((place, node.serial))
        if node.op == "param":
            return self._number_of_run(node)
        name = self._names.get((RUN_RATE, node.serial))
        return f"constants->{name}" if name is not None and node.op != "load" else name

    def _number_of_run(self, node: Expr) -> str:
        """C text that reads a parameter."""
        place = self._unit.params[node.attr]
        return f"(float){place}" if node.dtype == FLOAT32 else place

    def _param(self, node: Expr) -> str:
        """The name of a parameter, which is read once before the elements."""
        # another object may have a variable of this name, and this kernel use it
        wanted = f"{node.attr}_param" if node.attr in self.kernel.accesses else node.attr
        # one number may be needed in both precisions
        other = f"{node.attr}_{node.dtype}"
        name = c_name(other if c_name(wanted) in self._param_names else wanted)
        self._param_names.add(name)
        number = self._number_of_run(node)
        self.step.append(Define(self.dialect.types[node.dtype], name, number, of_run=True))
        return name

    def _compute(self, node: Expr, section: int, args: list[str]) -> str:
        match node.op:
            case "random":
                return self._random(node, section, args)
            case "table":
                return self._table(node, args)
            case "user":
                return self._call(node, args)
            case "call" | "pow" if section != RUN_RATE and is_float(node.dtype):
                name = node.attr if node.op == "call" else "pow"
                self._unit.functions.add(name)
                if name in OWN_FUNCTIONS:
                    self._unit.inlined.append(name)
        return operation(node, args, self.dialect)

    def _call(self, node: Expr, args: list[str]) -> str:
        """C text of a call of a user's function."""
        element = "-1" if node.attr.shared else "(int)_idx"
        self.names_element |= node.attr.vectorised and not node.attr.shared
        extra = [element] if node.attr.vectorised else []
        call = f"{node.attr.c_name}({', '.join(args + extra)})"
        if not node.attr.draws:
            return call
        stream = self._unit.streams.take()
        return f"(b2g_user_site(ctx->seed, {stream}, {self._user_step()}), {call})"

    def _table(self, node: Expr, args: list[str]) -> str:
        table = node.attr
        numbers = [
            self._unit.params[name] for name in (table.epsilon, table.upsampling, table.rows)
        ]
        values = f"((const double *)ctx->arrays[{self._unit.arrays[table.array]}])"
        row = f"b2g_sample({args[0]}, {', '.join(numbers)})"
        if table.columns is None:
            return f"{values}[{row}]"
        columns = self._unit.params[table.columns]
        if self._plan.rates[node.args[0].serial] <= STEP_RATE:
            row, columns = self._row_of_step(values, row, columns)
            chosen = f"{row}[{args[1]}]"
        else:
            chosen = f"{values}[{row} * {columns} + {args[1]}]"
        return f"({args[1]} >= 0 && {args[1]} < {columns}) ? {chosen} : NAN"

    def _row_of_step(self, values: str, row: str, columns: str) -> tuple[str, str]:
        """A table's row at one time for all elements, and its length: found once."""
        text = f"{values} + {row} * {columns}"
        if text not in self._rows:
            number = len(self._rows)
            self._rows[text] = f"_row{number}", f"_columns{number}"
            self.step.append(Define("double *const", f"_row{number}", text))
            self.step.append(Define("int64_t", f"_columns{number}", columns))
        return self._rows[text]

    # -- random numbers ------------------------------------------------------
    def _counter(self, site: RandomSite) -> tuple[str, str]:
        """C text of the element and the step whose random numbers a site takes."""
        if site.shared:
            return "UINT32_MAX", self.random_step
        return f"(uint32_t){self._element_number()}", self.random_step

    def _element_number(self) -> str:
        """C text of the number that the element has in the random streams."""
        if self.kernel.numbered is None:
            self.names_element = True
            return "_idx"
        return self._load(self.kernel.accesses[self.kernel.numbered], ELEMENT_RATE)

    def _user_step(self) -> str:
        """C text of the step whose random numbers a user's function takes."""
        return self.random_step

    def _random(self, node: Expr, section: int, args: list[str]) -> str:
        site: RandomSite = node.attr
        if site.kind in ("poisson", "binomial"):
            if self._has_table(node, section):
                return self._number_of_table(node, self._table_of_numbers(node), args)
            return self._number_that_varies(node, section, args)
        if site.kind == "below":
            return self._draw_at(site, "below", *args)
        return self._number(site, node.dtype, section)

    def _number_that_varies(self, node: Expr, section: int, args: list[str]) -> str:
        """C text of a number of a distribution that changes, or has no table."""
        if node.attr.kind == "binomial":
            return self._number_of_stream(node, section, args)
        uniform = self._number(replace(node.attr, kind="rand"), FLOAT64, section)
        stream, (element, step) = self._unit.streams.take(), self._counter(node.attr)
        call = ", ".join([*args, uniform, "ctx->seed", stream, element, step])
        return f"({self.dialect.types[node.dtype]})b2g_poisson_by({call})"

    def _number_of_stream(self, node: Expr, section: int, args: list[str]) -> str:
        """C text of a number that takes as many others as it needs, from a stream of its own."""
        site: RandomSite = node.attr
        generator = f"_rng{site.number}"
        element, step = self._counter(site)
        begun = f"b2g_rng_init(ctx->seed, {self._unit.streams.take()}, {element}, {step})"
        self._sections[section].append(Call(f"b2g_rng {generator} = {begun}"))
        cast = f"({self.dialect.types[node.dtype]})"
        return f"{cast}b2g_{site.kind}({', '.join([*args, f'&{generator}'])})"

    def _has_table(self, node: Expr, section: int) -> bool:
        """Whether numbers are drawn from a distribution that is the same for the whole run."""
        return (
            section == ELEMENT_RATE
            and all(self._plan.rates[arg.serial] <= RUN_RATE for arg in node.args)
            and not any(arg.op == "load" for arg in ex.walk(node.args))
        )

    def _table_of_numbers(self, node: Expr) -> str:
        """C text of the address of a distribution's table, which the run begins with."""
        name = f"_c{len(self._unit.constants.fields)}"
        self._unit.constants.fields.append((TABLE, name))
        arguments = [self._value(arg, RUN_RATE) for arg in node.args]
        call = ", ".join([f"&constants->{name}", *arguments])
        self._sections[RUN_RATE].append(Call(f"b2g_prepare_{node.attr.kind}({call})"))
        return f"&{self._tables}->{name}"

    def _number_of_table(self, node: Expr, table: str, args: list[str]) -> str:
        """C text of an element's number of a distribution that has a table."""
        site: RandomSite = node.attr
        # in the order in which loops take theirs
        streams = [self._stream_of_kernel(), self._unit.streams.take()]
        element, step = self._counter(site)
        call = [table, *args, "ctx->seed", *streams, element, step, str(site.number)]
        return f"({self.dialect.types[node.dtype]})b2g_{site.kind}_from({', '.join(call)})"

    def _number(self, site: RandomSite, dtype: str, section: int) -> str:
        """C text of the number of a site that draws one."""
        return self._draw_at(site, self._draw(site, dtype))

    def _draw_at(self, site: RandomSite, function: str, *args: str) -> str:
        """C text of what a function of our header draws at a site."""
        element, step = self._counter(site)
        place = f"ctx->seed, {self._stream_of_kernel()}, {element}, {step}, {site.number}"
        return f"b2g_{function}({', '.join([*args, place])})"

    @staticmethod
    def _draw(site: RandomSite, dtype: str) -> str:
        """The function of our header that draws, without its prefix."""
        return f"{site.kind}{'f' if dtype == FLOAT32 else ''}"

    def _stream_of_kernel(self) -> str:
        """C text of the stream whose blocks belong to the kernel's sites, by their numbers."""
        if not self._stream:
            self._stream = self._unit.streams.take()
        return self._stream
