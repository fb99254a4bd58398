"""From PTX to C++: a function for every function, a variable for every register."""

from __future__ import annotations

import re
from collections import ChainMap, Counter
from dataclasses import dataclass, field

from .classes import instruction_class
from .instructions import Parts, put, statement, take_apart
from .latencies import CYCLES
from .operands import (
    CTYPES,
    address,
    global_name,
    label_name,
    local_name,
    size_of,
    time_name,
    value,
    vector,
)
from .parse import (
    Brace,
    Function,
    Instruction,
    Label,
    Module,
    Registers,
    UnknownPtx,
    Variable,
    parse,
)

_SPACES = ("global", "shared", "local", "const", "param")
_STRONG = {"volatile", "relaxed", "acquire", "release", "acq_rel"}
#: What may stand in the opcode of a load or a store and changes nothing here, ...
_HINTS = {"gpu", "sys", "cta", "weak"}
#: ... and a load by the cache that does not see what others write meanwhile.
_NOT_COHERENT = "nc"
#: The shared memory of all blocks of a cluster: only written, by what others may read meanwhile.
_IN_CLUSTER = "shared::cluster"
_NO_BLOCK = -1
#: These have no result in a register.
_WITHOUT_RESULT = {"st", "red", "bra", "ret", "exit", "call", "bar", "barrier", "membar", "fence"}
_WITHOUT_RESULT |= {"nanosleep", "trap"}


@dataclass(frozen=True)
class Site:
    """An instruction that accesses memory; `kind` is read, write or atomic."""

    function: str
    line: int
    source: str
    text: str
    kind: str


@dataclass
class BasicBlock:
    """Instructions that are executed one after the other, by class."""

    function: str
    classes: Counter[str] = field(default_factory=Counter)


@dataclass
class Translation:
    """A program in C++, and what its numbers of sites and basic blocks mean."""

    text: str
    kernels: list[str]
    sites: list[Site]
    blocks: list[BasicBlock]


class _Function:
    """Translates one function."""

    def __init__(self, whole: _Module, function: Function) -> None:
        self._whole = whole
        self._function = function
        begin = [*whole.variables, *function.results, *function.parameters]
        # a map for each scope: two calls may have arguments of one name and of different sizes
        self._variables = ChainMap({v.name: v for v in begin})
        text = " ".join(i.text for i in function.body if isinstance(i, Instruction))
        self._used = set(re.findall(r"%\w+", text))
        registers = [item.names for item in function.body if isinstance(item, Registers)]
        self._registers = {name for names in registers for name in names}
        self._block = _NO_BLOCK

    def lines(self) -> list[str]:
        yield_lines = [header(self._function), "{", "    PTX_ENTER;", "    PTX_CLOCK;"]
        self._block = _NO_BLOCK
        for item in self._function.body:
            match item:
                case Registers():
                    if used := [local_name(n) for n in item.names if n in self._used]:
                        yield_lines.append(f"    {CTYPES[item.type]} {', '.join(used)};")
                        times = [time_name(n) for n in item.names if n in self._used]
                        at_first = f"{' = '.join(times)} = 0"
                        yield_lines.append(f"    PTX_TIMES({at_first}, {', '.join(times)});")
                case Variable():
                    self._variables[item.name] = item
                    yield_lines.append(f"    {declaration(item)};")
                case Brace():
                    known = self._variables
                    self._variables = known.new_child() if item.opens else known.parents
                    yield_lines.append("    {" if item.opens else "    }")
                case Label():
                    self._block = _NO_BLOCK
                    yield_lines.append(f"{label_name(item.name)}:;")
                case Instruction():
                    yield_lines += self._counted(item)
        if any(
            isinstance(item, Instruction) and ".cc" in item.opcode for item in self._function.body
        ):
            yield_lines.insert(2, "    bool cc = false;")
        return [*yield_lines, "}"]

    def _counted(self, one: Instruction) -> list[str]:
        lines = []
        if self._block == _NO_BLOCK:
            self._block = self._whole.new_block(self._function.name)
            lines.append(f"    PTX_BLOCK({self._block});")
        try:
            parts = take_apart(one, self._whole.shared)
            text = self._statement(parts)
            results, sources = self._registers_of(one, parts)
            text += "".join(
                f" PTX_READY({time_name(name)}, {CYCLES[instruction_class(parts)]});"
                for name in results
                if parts.name not in ("ld", "atom")
            )
            if one.predicate:
                sign = "!" if one.predicate.startswith("!") else ""
                text = f"if ({sign}{local_name(one.predicate.lstrip('!'))}) {{ {text} }}"
            lines.append(f"    PTX_ISSUE({_latest(sources)});")
        except (UnknownPtx, KeyError, ValueError, IndexError) as error:
            raise UnknownPtx(
                f"PTX line {one.place.line} ({one.place.source}): '{one.text}': {error}"
            ) from error
        self._whole.blocks[self._block].classes[instruction_class(parts)] += 1
        if parts.name in ("bra", "ret", "exit"):
            self._block = _NO_BLOCK
        return [*lines, f"    {text}"]

    def _registers_of(self, one: Instruction, parts: Parts) -> tuple[list[str], list[str]]:
        """The registers that an instruction writes, and those that it waits for."""

        def among(text: str) -> list[str]:
            found = re.findall(r"%?[\w.$]+", text)
            return list(dict.fromkeys(name for name in found if name in self._registers))

        first = 0 if parts.name in _WITHOUT_RESULT else 1
        sources = among(" ".join(one.operands[first:]) + " " + one.predicate.lstrip("!"))
        return among(" ".join(one.operands[:first])), sources

    def _statement(self, parts: Parts) -> str:
        match parts.name:
            case "ld":
                return self._load(parts)
            case "st" if _IN_CLUSTER in parts.modifiers:
                return self._store_elsewhere(parts)
            case "st":
                return self._store(parts)
            case "atom" | "red":
                return self._atomic(parts)
            case "bra":
                parts.only("uni")
                return f"goto {label_name(parts.operands[0])};"
            case "ret":
                return "return;"
            case "call":
                return self._call(parts)
        return statement(parts)

    # -- memory ------------------------------------------------------------------
    @staticmethod
    def _space(parts: Parts) -> str:
        """The state space of an access as the runtime knows it."""
        (space,) = [one for one in parts.modifiers if one in _SPACES] or ["generic"]
        # parameters are in registers, or constant
        return "PTX_CONST" if space == "param" else f"PTX_{space.upper()}"

    def _place(self, parts: Parts, operand: str, kind: str, nbytes: int) -> tuple[str, bool, bool]:
        """The address, and whether there is a fence before and after."""
        space, strong = "generic", set()
        for one in parts.modifiers:
            if one in _SPACES:
                space = one
            elif one in _STRONG:
                strong.add(one)
            elif one not in _HINTS and one not in ("v2", "v4", _NOT_COHERENT, *_OPERATIONS):
                raise UnknownPtx("a modifier that is not known here")
        where, variable = address(operand, space, self._variables)
        if variable:
            self._check_bounds(variable, operand, nbytes)
        if space == "param" or (space == "const" and variable):
            return f"(char *){where}", False, False
        if strong and kind in ("READ", "WRITE"):
            kind = f"STRONG_{kind}"
        site = self._whole.new_site(self._function.name, parts.instruction, kind)
        # a program's own constant tables may be read so, but no memory that the driver has given
        space = "const" if _NOT_COHERENT in parts.modifiers else space
        text = f"PTX_AT({site}, {self._block}, PTX_{kind}, PTX_{space.upper()}, {where}, {nbytes})"
        released = bool(strong & {"release", "acq_rel"})
        return text, released, bool(strong & {"acquire", "acq_rel"})

    def _check_bounds(self, name: str, operand: str, nbytes: int) -> None:
        variable = self._variables[name]
        offset = int(operand.strip("[] ").partition("+")[2] or 0)
        whole = size_of(variable.type) * max(variable.length, 1)
        if not 0 <= offset <= whole - nbytes:
            raise UnknownPtx(f"an access beyond '{name}', which has {whole} bytes")

    def _load(self, parts: Parts) -> str:
        targets = vector(parts.operands[0])
        size = size_of(parts.kind)
        where, _, fenced = self._place(parts, parts.operands[1], "READ", size * len(targets))
        lines = [f"const char *const at = {where};"]
        for k, target in enumerate(targets):
            read = f"*(const {CTYPES[parts.kind]} *)(at + {size * k})"
            lines.append(put(target, read, parts.kind))
            if target in self._registers:
                time = f"PTX_READY_FROM({time_name(target)}, {self._space(parts)}, at);"
                lines.append(time)
        return f"{{ {' '.join(lines)}{' ptx_fence();' if fenced else ''} }}"

    def _store(self, parts: Parts) -> str:
        sources = vector(parts.operands[1])
        size = size_of(parts.kind)
        where, fenced, _ = self._place(parts, parts.operands[0], "WRITE", size * len(sources))
        lines = [f"char *const at = {where};"]
        for k, source in enumerate(sources):
            place = f"*({CTYPES[parts.kind]} *)(at + {size * k})"
            lines.append(f"{place} = {value(source, parts.kind)};")
        lines.append(f"PTX_WRITES({self._space(parts)}, at);")
        return f"{{ {'ptx_fence(); ' if fenced else ''}{' '.join(lines)} }}"

    def _store_elsewhere(self, parts: Parts) -> str:
        parts.only("relaxed", "cluster", _IN_CLUSTER)
        if "relaxed" not in parts.modifiers:
            raise UnknownPtx("a store that is in no order with others")
        size = size_of(parts.kind)
        where, variable = address(parts.operands[0], "generic", self._variables)
        if variable:
            raise UnknownPtx("an address that is none of the cluster")
        site = self._whole.new_site(self._function.name, parts.instruction, "WRITE")
        what = value(parts.operands[1], parts.kind)
        return f"PTX_PUT({site}, {self._block}, {where}, {CTYPES[parts.kind]}, {what}, {size});"

    def _atomic(self, parts: Parts) -> str:
        operands = parts.operands if parts.name == "atom" else ("_", *parts.operands)
        (operation,) = set(parts.modifiers) & _OPERATIONS
        ctype = CTYPES[parts.kind]
        where, before, after = self._place(parts, operands[1], "ATOMIC", size_of(parts.kind))
        values = ", ".join(value(operand, parts.kind) for operand in operands[2:])
        text = f"{ctype} *const at = ({ctype} *){where};"
        text += " " + put(operands[0], f"ptx_atom_{operation}<{ctype}>(at, {values})", parts.kind)
        time = time_name(operands[0]) if operands[0] in self._registers else "PTX_NO_TIME"
        text += f" PTX_ATOMIC_AT({time}, {self._space(parts)}, at);"
        fences = ["ptx_fence(); " if before else "", " ptx_fence();" if after else ""]
        return f"{{ shim_perhaps_wait(); {fences[0]}{text}{fences[1]} }}"

    def _call(self, parts: Parts) -> str:
        parts.only("uni")
        *results, name, arguments = (
            parts.operands if parts.operands[-1].startswith("(") else (*parts.operands, "()")
        )
        if name not in self._whole.functions:
            raise UnknownPtx(f"a call of '{name}', which is not there")
        passed = [
            part.strip()
            for group in (*results, arguments)
            for part in group[1:-1].split(",")
            if part.strip()
        ]
        return f"{global_name(name)}({', '.join(map(global_name, passed))});"


def _latest(registers: list[str]) -> str:
    """The time from which all of these are there."""
    if not registers:
        return "0"
    *others, last = map(time_name, registers)
    return "".join(f"PTX_LATER({one}, " for one in others) + last + ")" * len(others)


_OPERATIONS = {"add", "min", "max", "and", "or", "xor", "exch", "inc", "dec", "cas"}


class _Module:
    def __init__(self, module: Module) -> None:
        self._module = module
        self.variables = module.variables
        self.shared = frozenset(v.name for v in module.variables if v.space == "shared")
        self.functions = {function.name for function in module.functions}
        self.sites: list[Site] = []
        self.blocks: list[BasicBlock] = []

    def new_block(self, function: str) -> int:
        self.blocks.append(BasicBlock(function))
        return len(self.blocks) - 1

    def new_site(self, function: str, one: Instruction, kind: str) -> int:
        kind = kind.removeprefix("STRONG_").lower()
        self.sites.append(Site(function, one.place.line, one.place.source, one.text, kind))
        return len(self.sites) - 1

    def translate(self) -> Translation:
        functions = [_Function(self, one).lines() for one in self._module.functions]
        lines = ['#include "runtime.h"', "", 'extern "C" {']
        lines += [f"{declaration(variable)};" for variable in self.variables]
        lines += ["}", ""]
        lines += [f"{header(one)};" for one in self._module.functions if not one.is_kernel]
        for function in functions:
            lines += ["", *function]
        lines += ["", *self._tables()]
        kernels = [one.name for one in self._module.functions if one.is_kernel]
        return Translation("\n".join(lines) + "\n", kernels, self.sites, self.blocks)

    def _tables(self) -> list[str]:
        sites = [f'    {{"{s.function}", {s.line}, "{s.source}", "{s.text}"}},' for s in self.sites]
        variables = [
            f'    {{"{v.name}", &{global_name(v.name)}, sizeof({global_name(v.name)})}},'
            for v in self.variables
            if v.space != "shared"
        ]
        return [
            "const ptx_site ptx_sites[] = {", *sites, '    {"", 0, "", ""}', "};",
            "const ptx_variable ptx_variables[] = {", *variables, '    {"", NULL, 0}', "};",
            f"const unsigned ptx_n_sites = {len(sites)}, ptx_n_variables = {len(variables)};",
            f"const unsigned ptx_n_blocks = {len(self.blocks)};",
        ]  # fmt: skip


def declaration(variable: Variable) -> str:
    """A variable in C++: always an array, so that its name is its address."""
    align = max(variable.align, size_of(variable.type))
    text = f"alignas({align}) {CTYPES[variable.type]} {global_name(variable.name)}"
    text += f"[{max(variable.length, 1)}]"
    if variable.space == "shared":
        return text.replace(" ", " static SHIM_SHARED ", 1)
    if variable.values:
        text += f" = {{{', '.join(value(one, variable.type) for one in variable.values)}}}"
    return text


def header(function: Function) -> str:
    """The declaration of a function."""
    if function.is_kernel:
        if function.parameters:
            raise UnknownPtx(f"the kernel '{function.name}' has parameters")
        return f'extern "C" void {global_name(function.name)}(void)'
    parameters = [
        f"{CTYPES[v.type]} (&{global_name(v.name)})[{max(v.length, 1)}]"
        for v in (*function.results, *function.parameters)
    ]
    return f"static void {global_name(function.name)}({', '.join(parameters)})"


def translate(ptx: str) -> Translation:
    """Translate a PTX text.

    Raises
    ------
    UnknownPtx
        With the instruction, where something is not covered.
    """
    return _Module(parse(ptx)).translate()
