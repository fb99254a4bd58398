"""Reads PTX as NVRTC writes it: a module of variables and functions.

Only the structure is read here; what instructions do is known to `translate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath


class UnknownPtx(Exception):
    """Something of PTX that is not covered; the message names it with its line."""


@dataclass(frozen=True)
class Place:
    """Where something stands: the line of the PTX, and the file and line of the CUDA source."""

    line: int
    source: str


@dataclass(frozen=True)
class Instruction:
    """``@!predicate opcode operands``; a predicate may be negated."""

    opcode: str
    operands: tuple[str, ...]
    predicate: str
    text: str
    place: Place


@dataclass(frozen=True)
class Label:
    """A target of branches."""

    name: str


@dataclass(frozen=True)
class Brace:
    """Beginning or end of a scope."""

    opens: bool


@dataclass(frozen=True)
class Registers:
    """Registers of one type; the types are PTX's, without the dot."""

    type: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """Memory with a name, in a state space."""

    space: str
    name: str
    type: str
    align: int
    #: 0 for one value, else the length of an array
    length: int
    values: tuple[str, ...] = ()


Item = Instruction | Label | Brace | Registers | Variable


@dataclass
class Function:
    """A kernel or another function; results and parameters are variables."""

    name: str
    is_kernel: bool
    results: list[Variable]
    parameters: list[Variable]
    body: list[Item] = field(default_factory=list)


@dataclass
class Module:
    """A program."""

    variables: list[Variable] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)


#: What is a line of its own and has no meaning for the execution.
_LINE_DIRECTIVE = re.compile(r"\.(version|target|address_size|pragma|file)\b")
_FILE = re.compile(r'^\s*\.file\s+(\d+)\s+"([^"]*)"', re.MULTILINE)
_VARIABLE = re.compile(
    r"\.(?P<space>param|local|shared|global|const)\s*(?:\.align\s+(?P<align>\d+))?"
    r"\s*\.(?P<type>\w+)\s+(?P<name>[\w$]+)\s*(?:\[(?P<length>\d*)\])?\s*(?:=\s*(?P<values>.*))?"
)
_REGISTERS = re.compile(r"\.reg\s*\.(\w+)\s+(.*)")
_FUNCTION = re.compile(
    r"(?P<kind>\.entry|\.func)\s*(?:\((?P<results>[^)]*)\))?\s*(?P<name>[\w$]+)\s*"
    r"(?:\((?P<parameters>[^)]*)\))?"
    # how many threads and blocks a kernel is to be made for
    r"(?:\s*\.(?:maxntid|minnctapersm)\s+[\d, ]+)*"
)
_LINKAGE = re.compile(r"^\s*(?:\.(?:visible|extern|weak)\s+)+")


def _without_comments(text: str) -> str:
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    return re.sub(r"//[^\n]*", "", text)


def split_operands(text: str) -> tuple[str, ...]:
    """What commas separate, outside of brackets."""
    parts, depth, begin = [], 0, 0
    for k, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[begin:k].strip())
            begin = k + 1
    last = text[begin:].strip()
    return (*parts, last) if last else tuple(parts)


class _Reader:
    def __init__(self) -> None:
        self.module = Module()
        self._files: dict[str, str] = {}
        self._source = ""
        self._function: Function | None = None
        self._depth = 0

    def read(self, text: str) -> Module:
        # files are named at the end
        for number, path in _FILE.findall(text):
            self._files[number] = PurePath(path).name
        pending, begun, skipping = "", 0, False
        for number, line in enumerate(_without_comments(text).split("\n"), 1):
            stripped = line.strip()
            if skipping or (not pending and stripped.startswith(".section")):
                skipping = not stripped.endswith("}")
                continue
            if not pending and self._is_directive(stripped):
                continue
            for character in line + "\n":
                if not pending and (character.isspace() or character == ";"):
                    continue
                if not pending:
                    begun = number
                    if character in "{}":
                        self._brace(character == "{")
                        continue
                if character == "{" and re.search(r"\.(entry|func)\b", pending):
                    self._begin_function(pending, begun)
                    pending = ""
                elif character == ":" and re.fullmatch(r"[\w$]+", pending):
                    self._add(Label(pending))
                    pending = ""
                elif character == ";":
                    self._statement(" ".join(pending.split()), begun)
                    pending = ""
                else:
                    pending += character
        if pending.strip() or self._depth:
            raise UnknownPtx(f"PTX ends within a statement that begins in line {begun}")
        return self.module

    def _is_directive(self, line: str) -> bool:
        if re.match(r"\.loc\s", line):
            _, file, where, *_ = line.replace(",", " ").split()
            # line 0 is what belongs to no line
            self._source = f"{self._files.get(file, file)}:{where}" if where != "0" else ""
        elif not _LINE_DIRECTIVE.match(line):
            return False
        return True

    def _brace(self, opens: bool) -> None:
        self._depth += 1 if opens else -1
        if self._depth == 0:
            self._function = None
        else:
            self._add(Brace(opens))

    def _add(self, item: Item) -> None:
        assert self._function is not None
        self._function.body.append(item)

    def _begin_function(self, header: str, line: int) -> None:
        match = _FUNCTION.fullmatch(_LINKAGE.sub("", " ".join(header.split())).strip())
        if match is None:
            raise UnknownPtx(f"line {line}: function header '{header.strip()}'")
        results, parameters = (
            [_variable(part, line) for part in split_operands(match[which] or "")]
            for which in ("results", "parameters")
        )
        function = Function(match["name"], match["kind"] == ".entry", results, parameters)
        self.module.functions.append(function)
        self._function, self._depth, self._source = function, 1, ""

    def _statement(self, text: str, line: int) -> None:
        plain = _LINKAGE.sub("", text)
        if plain.startswith(".reg"):
            self._add(_registers(plain, line))
        elif plain.startswith((".func", ".pragma")):
            return  # a prototype, or advice for the assembler
        elif plain.startswith("."):
            variable = _variable(plain, line)
            if self._function is None or variable.space in ("shared", "global", "const"):
                self.module.variables.append(variable)
            else:
                self._add(variable)
        else:
            self._add(self._instruction(text, line))

    def _instruction(self, text: str, line: int) -> Instruction:
        match = re.fullmatch(r"(?:@(!?%\w+)\s+)?([a-z][\w.:]*)\s*(.*)", text)
        if match is None:
            raise UnknownPtx(f"line {line}: '{text}'")
        predicate, opcode, operands = match.groups()
        place = Place(line, self._source)
        return Instruction(opcode, split_operands(operands), predicate or "", text, place)


def _variable(text: str, line: int) -> Variable:
    match = _VARIABLE.fullmatch(text.strip())
    if match is None:
        raise UnknownPtx(f"line {line}: declaration '{text}'")
    values: tuple[str, ...] = ()
    if match["values"]:
        values = split_operands(match["values"].strip().removeprefix("{").removesuffix("}"))
    length = 0 if match["length"] is None else int(match["length"] or 0)
    align = int(match["align"] or 0)
    return Variable(match["space"], match["name"], match["type"], align, length, values)


def _registers(text: str, line: int) -> Registers:
    match = _REGISTERS.fullmatch(text)
    if match is None:
        raise UnknownPtx(f"line {line}: declaration '{text}'")
    names: list[str] = []
    for part in split_operands(match[2]):
        if many := re.fullmatch(r"([%\w$]+)<(\d+)>", part):
            names += [f"{many[1]}{k}" for k in range(int(many[2]))]
        else:
            names.append(part)
    return Registers(match[1], tuple(names))


def parse(text: str) -> Module:
    """The module that a PTX text describes.

    Raises
    ------
    UnknownPtx
        Where it is not of the form that is known here.
    """
    return _Reader().read(text)
