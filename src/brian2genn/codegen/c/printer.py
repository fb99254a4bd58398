"""Kernels as C statements.

Every value is printed where it changes: once per run, once per time step, or
for every element.
"""

from __future__ import annotations

from dataclasses import replace

from ...model import expr as ex
from ...model.dtypes import BOOL, C_TYPE, FLOAT32, FLOAT64, INT32, INT64, is_float
from ...model.expr import Expr
from ...model.kernel import ELEMENT, Access, Kernel, RandomSite, Store
from ...transforms.rates import ELEMENT_RATE, RUN_RATE, STEP_RATE, Rates
from .shared import ALIAS_TABLE, Constants, Streams
from .words import C, c_name, pointer, value_type

#: What whole numbers do modulo 2**32 or 2**64.
_WRAPPING = {"add": "+", "sub": "-", "mul": "*", "neg": "-"}

#: Functions of our header, one version for every type.
_OWN_FUNCTIONS = ("sign", "clip", "exp", "expm1", "exprel", "inverse_exprel")

_SUFFIX = {FLOAT64: "_f64", FLOAT32: "_f32", INT64: "_i64"}

#: How many operations are written into one another, at two brackets each. Compilers read
#: expressions by recursion: clang takes 256 brackets, and nobody likes endless lines.
DEEPEST = 64


def touches_own(kernel: Kernel) -> bool:
    """Whether elements write to nothing but their own, which others of them do not read."""
    read_by_index: dict[str, set[str | None]] = {}
    for access in kernel.loads():
        read_by_index.setdefault(access.array, set()).add(access.index)
    written = [kernel.accesses[store.name] for store in kernel.stores]
    return all(
        access.index == ELEMENT and read_by_index.get(access.array, {ELEMENT}) == {ELEMENT}
        for access in written
    )


class KernelPrinter:
    """Prints one kernel.

    Parameters
    ----------
    kernel : Kernel
    params : dict
        Parameter name to the C text that reads it.
    arrays : dict
        Array name to its number in the program.
    constants : Constants
        Collects what is computed once per run.
    streams : Streams

    Attributes
    ----------
    step : list of str
        Statements executed once per time step, before the elements.
    element : list of str
        Statements executed for every element; the element is ``_idx``.
    """

    #: What the language calls operators and numbers.
    dialect = C
    #: C text of the number that the time step has in the random streams.
    random_step = "ctx->random_step"
    #: C text of where the tables of distributions are.
    _tables = "constants"

    def __init__(
        self,
        kernel: Kernel,
        params: dict[str, str],
        arrays: dict[str, int],
        constants: Constants,
        streams: Streams,
    ) -> None:
        self.kernel = kernel
        self._params = params
        self._arrays = arrays
        self._constants = constants
        self._streams = streams
        self._rates = Rates(kernel)
        self._sections: dict[int, list[str]] = {RUN_RATE: [], STEP_RATE: [], ELEMENT_RATE: []}
        self._names: dict[tuple[int, int], str] = {}
        self._loaded: set[tuple[int, str]] = set()
        #: arrays in the order in which they are first used
        self._touched: dict[str, None] = {}
        self._local_constants: set[str] = set()
        self._param_names: set[str] = set()
        self._rows: dict[str, tuple[str, str]] = {}
        self._stream = 0
        self._temporaries = 0
        #: the statements that read an element's variables, and the names that they define
        self.reads: dict[str, str] = {}
        #: numbers of the sites whose numbers are there before the elements are computed
        self.drawn_ahead: set[int] = set()
        #: names of the accesses that are read for that
        self.loaded_ahead: set[str] = set()
        self._uses = kernel.uses()
        #: how many operations are written into one another, where that is more than one
        self._depths: dict[int, int] = {}
        self._begin()
        self._print()

    def _begin(self) -> None:
        """Make ready what printing collects; for subclasses."""

    # -- results -----------------------------------------------------------
    @property
    def step(self) -> list[str]:
        return self._sections[STEP_RATE]

    @property
    def element(self) -> list[str]:
        return self._sections[ELEMENT_RATE]

    def output(self, name: str) -> str:
        """C text of an output, valid after the element's statements."""
        return self._outputs[name]

    def stores(self) -> list[str]:
        """Statements that write the element's results."""
        return self._stores

    def shared_stores(self) -> list[str]:
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
        return f"ctx->arrays[{self._arrays[array]}]"

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
    def _print(self) -> None:
        kernel = self.kernel
        self._shared_stores = []
        if kernel.looks_into_arrays():
            self._print_calls()
        for store in kernel.shared_stores:
            text = self._value(store.value, STEP_RATE)
            self._shared_stores.append(f"{self._place(kernel.accesses[store.name])} = {text};")
        self._stores = []
        values = [self._value(store.value, ELEMENT_RATE) for store in kernel.stores]
        for store, text in zip(kernel.stores, values, strict=True):
            place = self._place(kernel.accesses[store.name], ELEMENT_RATE)
            self._stores.append(self._assignment(store, place, text))
        self._outputs = {
            name: self._value(value, ELEMENT_RATE) for name, value in kernel.outputs.items()
        }
        if self._sections[RUN_RATE]:
            self._constants.blocks.append((kernel.origin, self._sections[RUN_RATE]))

    def _print_calls(self) -> None:
        """What functions may change is read before they are called, in the order of the code.

        So it is in Brian's compiled targets.
        """
        for access in self.kernel.loads():
            rate = STEP_RATE if access.index is None else ELEMENT_RATE
            self._load(access, rate)
        calls = [node for node in ex.walk(self.kernel.roots()) if node.op == "user"]
        for call in sorted(calls, key=lambda node: (not node.attr.shared, node.attr.call_number)):
            if not call.attr.stateless:
                self._value(call, STEP_RATE if call.attr.shared else ELEMENT_RATE)

    def _assignment(self, store: Store, place: str, text: str) -> str:
        """The statement that writes an element's result."""
        return f"{place} {'+=' if store.add else '='} {text};"

    def _place(self, access: Access, section: int = STEP_RATE) -> str:
        self._touched.setdefault(access.array)
        if access.index is None:
            return f"{pointer(access.array)}[0]"
        if access.index == ELEMENT:
            return f"{pointer(access.array)}[_idx]"
        if access.index in self.kernel.given:
            return f"{pointer(access.array)}[{c_name(access.index)}]"
        return f"{pointer(access.array)}[{self._load(self.kernel.accesses[access.index], section)}]"

    def _load(self, access: Access, section: int) -> str:
        """The C name of a loaded variable; prints the load when first needed."""
        name = c_name(access.name)
        if (section, access.name) not in self._loaded:
            place = self._place(access, section)
            dtype = BOOL if access.dtype == BOOL else access.dtype
            value = f"{place} != 0" if dtype == BOOL else place
            self._loaded.add((section, access.name))
            if section == RUN_RATE:
                return f"*(const {C_TYPE[access.dtype]} *)ctx->arrays[{self._arrays[access.array]}]"
            statement = f"const {value_type(dtype)} {name} = {value};"
            self._sections[section].append(statement)
            if section == ELEMENT_RATE:
                self.reads[statement] = name
        elif section == RUN_RATE:
            return f"*(const {C_TYPE[access.dtype]} *)ctx->arrays[{self._arrays[access.array]}]"
        return name

    def _value(self, node: Expr, section: int) -> str:
        """C text for `node` as used in `section`; operands come first, without recursion."""
        waiting: list[tuple[Expr, int, bool]] = [(node, section, False)]
        texts: list[str] = []
        while waiting:
            node, section, has_operands = waiting.pop()
            home = self._home(node, section)
            if has_operands:
                first = len(texts) - len(node.args)
                args = texts[first:]
                del texts[first:]
                texts.append(self._computed(node, section, home, args))
            elif (known := self._known(node, section, home)) is not None:
                texts.append(known)
            else:
                waiting.append((node, section, True))
                waiting.extend((arg, home, False) for arg in reversed(node.args))
        (text,) = texts
        return text

    def _home(self, node: Expr, section: int) -> int:
        """The section in which `node` is computed."""
        home = max(self._rates.of(node), RUN_RATE)
        if home == RUN_RATE and node.op == "load":
            return section if section == RUN_RATE else STEP_RATE
        return home

    def _known(self, node: Expr, section: int, home: int) -> str | None:
        """The text of what need not be computed, or has been."""
        if node.op == "const":
            return self.dialect.literal(node.attr, node.dtype)
        if node.op == "param":
            return self._param(node, section)
        if node.op == "given":
            return c_name(node.attr)
        key = (home, node.serial)
        if key in self._names:
            return self._named_before(node, home, section)
        if node.op == "load":
            text = self._names[key] = self._load(self.kernel.accesses[node.attr], home)
            return text
        return None

    def _computed(self, node: Expr, section: int, home: int, args: list[str]) -> str:
        """The text of an operation, with a name if it is to have one."""
        text = self._compute(node, home, args)
        depth = 1 + max((self._depths.get(arg.serial, 0) for arg in node.args), default=0)
        if home == section and depth < DEEPEST and not self._named(node):
            self._depths[node.serial] = depth
            return f"({text})"
        if home == RUN_RATE:
            name = self._run_constant(node, text)
        else:
            name = self._temporary(node, text, home)
        self._names[home, node.serial] = name
        return self._named_before(node, home, section)

    def _param(self, node: Expr, section: int) -> str:
        """A parameter: read once, before the elements."""
        place = self._params[node.attr]
        if node.dtype == FLOAT32:
            place = f"(float){place}"
        if section == RUN_RATE:
            return place
        key = STEP_RATE, node.serial
        if key not in self._names:
            # another object may have a variable of this name, and this kernel use it
            wanted = f"{node.attr}_param" if node.attr in self.kernel.accesses else node.attr
            # one number may be needed in both precisions
            other = f"{node.attr}_{node.dtype}"
            name = c_name(other if c_name(wanted) in self._param_names else wanted)
            self._param_names.add(name)
            self._names[key] = name
            self.step.append(f"const {value_type(node.dtype)} {name} = {place};")
        return self._names[key]

    def _named_before(self, node: Expr, home: int, section: int) -> str:
        """A value that has a name, as used in `section`; what is constant is read once per step."""
        name = self._names[home, node.serial]
        if home != RUN_RATE or node.op == "load":
            return name
        if section == RUN_RATE:
            return f"constants->{name}"
        if name not in self._local_constants:
            self._local_constants.add(name)
            self.step.append(f"const {value_type(node.dtype)} {name} = constants->{name};")
        return name

    def _named(self, node: Expr) -> bool:
        return self._uses[node.serial] > 1 or node.op in (
            "call", "random", "user", "table", "select",
        )  # fmt: skip

    def _run_constant(self, node: Expr, text: str) -> str:
        """The name of a constant of the run."""
        name = f"_c{len(self._constants.fields)}"
        self._constants.fields.append((value_type(node.dtype), name))
        self._sections[RUN_RATE].append(f"constants->{name} = {text};")
        return name

    def _temporary(self, node: Expr, text: str, section: int) -> str:
        self._temporaries += 1
        name = f"_{'s' if section == STEP_RATE else 'x'}{self._temporaries}"
        self._sections[section].append(f"const {value_type(node.dtype)} {name} = {text};")
        return name

    def _compute(self, node: Expr, section: int, args: list[str]) -> str:
        if node.op == "random":
            return self._random(node, section, args)
        if node.op == "table":
            return self._table(node, args)
        if node.op in _WRAPPING and node.dtype in (INT32, INT64):
            # NumPy's integers wrap around; in C, those with a sign must not overflow
            whole = value_type(node.dtype)
            terms = [f"(u{whole}){arg}" for arg in (["0", *args] if node.op == "neg" else args)]
            return f"({whole})({terms[0]} {_WRAPPING[node.op]} {terms[1]})"
        if operator := self.dialect.infix.get(node.op):
            return f"{args[0]} {operator} {args[1]}"
        match node.op:
            case "neg":
                return f"-{args[0]}"
            case "not":
                return f"!{args[0]}"
            case "cast" if is_float(node.args[0].dtype) and node.dtype in (INT32, INT64):
                return f"b2g_whole{_SUFFIX.get(node.dtype, '_i32')}({args[0]})"
            case "cast":
                return f"({value_type(node.dtype)}){args[0]}"
            case "select":
                return f"{args[0]} ? {args[1]} : {args[2]}"
            case "pow" if is_float(node.dtype):
                return f"{self._function('pow', node.dtype)}({args[0]}, {args[1]})"
            case "pow" | "mod" | "floordiv":
                return f"b2g_{node.op}{_SUFFIX.get(node.dtype, '_i32')}({', '.join(args)})"
            case "call":
                return f"{self._function(node.attr, node.dtype)}({', '.join(args)})"
            case "user":
                element = "-1" if node.attr.shared else "(int)_idx"
                extra = [element] if node.attr.vectorised else []
                call = f"{node.attr.c_name}({', '.join(args + extra)})"
                if not node.attr.draws:
                    return call
                stream = self._streams.take()
                return f"(b2g_user_site(ctx->seed, {stream}, {self._user_step()}), {call})"
        raise AssertionError(f"no C text for '{node.op}'")

    @staticmethod
    def _function(name: str, dtype: str) -> str:
        suffix = _SUFFIX.get(dtype, "_i32")
        if name in _OWN_FUNCTIONS or (name == "abs" and not is_float(dtype)):
            return f"b2g_{name}{suffix}"
        if name == "abs":
            name = "fabs"
        return f"{name}f" if dtype == FLOAT32 else name

    def _table(self, node: Expr, args: list[str]) -> str:
        table = node.attr
        numbers = [self._params[name] for name in (table.epsilon, table.upsampling, table.rows)]
        values = f"((const double *)ctx->arrays[{self._arrays[table.array]}])"
        row = f"b2g_sample({args[0]}, {', '.join(numbers)})"
        if table.columns is None:
            return f"{values}[{row}]"
        columns = self._params[table.columns]
        if self._rates.of(node.args[0]) <= STEP_RATE:
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
            self.step.append(f"const double *const _row{number} = {text};")
            self.step.append(f"const int64_t _columns{number} = {columns};")
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
            return "_idx"
        return self._load(self.kernel.accesses[self.kernel.numbered], ELEMENT_RATE)

    def _user_step(self) -> str:
        """C text of the step whose random numbers a user's function takes."""
        return self.random_step

    def _random(self, node: Expr, section: int, args: list[str]) -> str:
        site: RandomSite = node.attr
        if site.kind in ("poisson", "binomial"):
            table = self._table_of_numbers(node, section)
            if table:
                return self._number_of_table(node, table, args)
            return self._number_that_varies(node, section, args)
        return self._number(site, node.dtype, section)

    def _number_that_varies(self, node: Expr, section: int, args: list[str]) -> str:
        """C text of a number of a distribution that changes, or has no table."""
        if node.attr.kind == "binomial":
            return self._number_of_stream(node, section, args)
        uniform = self._number(replace(node.attr, kind="rand"), FLOAT64, section)
        stream, (element, step) = self._streams.take(), self._counter(node.attr)
        call = ", ".join([*args, uniform, "ctx->seed", str(stream), element, step])
        return f"({value_type(node.dtype)})b2g_poisson_by({call})"

    def _number_of_stream(self, node: Expr, section: int, args: list[str]) -> str:
        """C text of a number that takes as many others as it needs, from a stream of its own."""
        site: RandomSite = node.attr
        generator = f"_rng{site.number}"
        element, step = self._counter(site)
        self._sections[section].append(
            f"b2g_rng {generator} = b2g_rng_init(ctx->seed, {self._streams.take()},"
            f" {element}, {step});"
        )
        cast = f"({value_type(node.dtype)})"
        return f"{cast}b2g_{site.kind}({', '.join([*args, f'&{generator}'])})"

    def _table_of_numbers(self, node: Expr, section: int) -> str:
        """C text of the address of a distribution's table; empty if it may change in a run."""
        if section != ELEMENT_RATE or any(self._rates.of(arg) > RUN_RATE for arg in node.args):
            return ""
        if any(arg.op == "load" for arg in ex.walk(node.args)):
            return ""
        name = f"_c{len(self._constants.fields)}"
        self._constants.fields.append((ALIAS_TABLE, name))
        arguments = [self._value(arg, RUN_RATE) for arg in node.args]
        call = ", ".join([f"&constants->{name}", *arguments])
        self._sections[RUN_RATE].append(f"b2g_prepare_{node.attr.kind}({call});")
        return f"&{self._tables}->{name}"

    def _number_of_table(self, node: Expr, table: str, args: list[str]) -> str:
        """C text of an element's number of a distribution that has a table."""
        site: RandomSite = node.attr
        uniform = self._number(replace(site, kind="rand"), FLOAT64, ELEMENT_RATE)
        stream, (element, step) = self._streams.take(), self._counter(site)
        call = ", ".join([table, uniform, *args, "ctx->seed", str(stream), element, step])
        return f"({value_type(node.dtype)})b2g_{site.kind}_from({call})"

    def _number(self, site: RandomSite, dtype: str, section: int) -> str:
        """C text of the number of a site that draws one."""
        element, step = self._counter(site)
        place = f"ctx->seed, {self._stream_of_kernel()}, {element}, {step}, {site.number}"
        return f"b2g_{self._draw(site, dtype)}({place})"

    @staticmethod
    def _draw(site: RandomSite, dtype: str) -> str:
        """The function of our header that draws, without its prefix."""
        return f"{site.kind}{'f' if dtype == FLOAT32 else ''}"

    def _stream_of_kernel(self) -> int:
        """The stream whose blocks belong to the kernel's sites, by their numbers."""
        if self._stream == 0:
            self._stream = self._streams.take()
        return self._stream
