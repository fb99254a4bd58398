"""Steps that differ only by what they work on share one C function.

Sixty pathways that do the same with other synapses are, as text, one function with other numbers
of arrays. What such a text may differ by is replaced by marks: numbers of arrays, parameters,
queues and recorders, streams of random numbers, fields of constants, names of Brian variables, and
numbers that are added or multiplied. Steps whose text is the same then, letter by letter, are
executed by one function. It is called with the *scope* of the step: the context as this step sees
it, in which its arrays, parameters, queues and recorders are the first ones.

A text that says something in another way than is known here is another text, so steps that do
different things never come together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

#: Members of the context that a scope has its own of, by what they count.
_TABLES = {
    "arrays": "arrays",
    "lengths": "arrays",
    "shapes": "arrays",
    "numbers": "numbers",
    "integers": "integers",
    "queues": "queues",
    "recorders": "recorders",
}

#: What the text of a step that has a scope must not speak of: it changes during a run.
_NOT_IN_A_SCOPE = re.compile(r"ctx->(?:error|error_step|only|seconds|scopes|clocks)\b")

#: A number of C that is not whole.
_NUMBER = r"\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)f?"
_SIGNED = rf"(?:\(-{_NUMBER}\)|{_NUMBER})"

#: A number that is added, subtracted or multiplied: those of calls may be treated by compilers.
_LITERAL = rf"(?P<ahead>[-+*]\ )(?P<right>{_SIGNED})(?=\))|\((?P<left>{_SIGNED})(?=\ [-+*]\ )"

#: What may differ. Words are read as a whole, so that none is looked for in the middle of another.
_TOKENS = re.compile(
    rf"""
      (?P<comment> /\*.*?\*/ )
    | ctx->(?P<table>{"|".join(_TABLES)})\[(?P<index>\d+)\]
    | ctx->seed,\ (?P<stream>\d+)\b
    | b2g_share_out_some\(ctx,\ (?P<step>\d+),\ (?P<given>\w+)
    | b2g_resting_of\(ctx,\ (?P<resting>\d+)\)
    | {_LITERAL}
    | _c(?P<constant>\d+)\b
    | (?P<word>\w+)
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERALS = re.compile(_LITERAL, re.VERBOSE)

#: Names of variables, and of what is theirs.
_NAME = re.compile(r"_array_\w+|column_\w+|\w+_")

#: A function that a text defines.
_DEFINED = re.compile(r"^(?:B2G_\w+ )*static \w+ (\w+)\(", re.MULTILINE)

#: Where a function has room for declarations.
_CONSTANTS = re.compile(r"\bCONSTANTS;")


@dataclass
class StepText:
    """A printed step.

    Attributes
    ----------
    number : int
        Among the steps of the program.
    name : str
        The names of its functions begin with it.
    text : str
        Its functions.
    constants : range
        The numbers of its constants.
    types : list of str
        Their C types.
    prepare : list of str
        Statements that compute them.
    """

    number: int
    name: str
    text: str
    constants: range = range(0)
    types: list[str] = field(default_factory=list)
    prepare: list[str] = field(default_factory=list)


@dataclass
class Scope:
    """What a step works on, by the numbers that these things have in the program.

    Attributes
    ----------
    step : StepText
    tables : dict
        Arrays, numbers, integers, queues and recorders that it calls 0, 1, ...
    stream : int
        Its first stream of random numbers.
    literals : list of str
        Numbers, as C text.
    """

    step: StepText
    tables: dict[str, list[int]] = field(
        default_factory=lambda: {table: [] for table in dict.fromkeys(_TABLES.values())}
    )
    stream: int = 0
    literals: list[str] = field(default_factory=list)

    def place(self, table: str, number: int) -> int:
        """The number that something has within the scope."""
        numbers = self.tables[_TABLES[table]]
        if number not in numbers:
            numbers.append(number)
        return numbers.index(number)


@dataclass
class Shared:
    """A function that executes several steps.

    Attributes
    ----------
    name, text, types, prepare
        As of a `StepText`, but of things in a scope.
    scopes : list of Scope
        Of the steps.
    """

    name: str
    text: str
    types: list[str]
    prepare: list[str]
    scopes: list[Scope] = field(default_factory=list)


class Scopes:
    """The scopes of all steps that share functions.

    Parameters
    ----------
    shared : list of Shared
    counts : mapping of str to int
        How many arrays, numbers, integers, queues and recorders the program has.

    Attributes
    ----------
    again : dict of str to list of int
        What follows these in the program's tables: those of each scope.
    rows : list of str
        C text: a ``b2g_scope`` for each.
    literals : list of str
        C text of the numbers of all of them.
    """

    def __init__(self, shared: list[Shared], counts: Mapping[str, int]) -> None:
        self.again: dict[str, list[int]] = {table: [] for table in counts}
        self.rows: list[str] = []
        self.literals: list[str] = []
        self._numbers: dict[int, int] = {}
        for one in shared:
            for scope in one.scopes:
                self._numbers[scope.step.number] = number = len(self.rows)
                begins = [str(counts[table] + len(self.again[table])) for table in counts]
                constants = f"offsetof(program_constants, scope_{number})" if one.types else "0"
                begins += [str(len(self.literals)), constants]
                self.rows.append(f"{{{scope.step.number}, {scope.stream}, {', '.join(begins)}}}")
                self.literals.extend(scope.literals)
                for table, numbers in scope.tables.items():
                    self.again[table].extend(numbers)

    def __len__(self) -> int:
        return len(self.rows)

    def number(self, step: int) -> int | None:
        """The number of a step's scope, by that of the step; None if it has none."""
        return self._numbers.get(step)


class _NotAlike(Exception):
    """A step that needs a function of its own."""


class _Reader:
    """Replaces what a step may differ by from others; one reader for each text.

    Parameters
    ----------
    step : StepText
    """

    def __init__(self, step: StepText) -> None:
        self.scope = Scope(step)
        self._step = step
        self._functions = {name: k for k, name in enumerate(_DEFINED.findall(step.text))}
        self._words: dict[str, str] = {}
        self._names = 0
        self._literals_may_differ = True

    def key(self) -> str:
        """What is the same for steps that one function can execute."""
        step = self._step
        if _NOT_IN_A_SCOPE.search(step.text):
            raise _NotAlike
        marked = [_TOKENS.sub(self._mark, part) for part in (step.text, *step.prepare)]
        if self.scope.literals and not _declares_everywhere(step.text):
            self.scope, self._literals_may_differ = Scope(step), False
            marked = [_TOKENS.sub(self._mark, part) for part in (step.text, *step.prepare)]
        return "\x02".join(["\n".join(marked), *step.types])

    def _mark(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "word":
            word = match[0]
            if match.string.startswith("(", match.end()):
                return self._function(word)
            known = self._words.get(word)
            if known is None:
                known = self._words[word] = self._word(word)
            return known
        if kind == "comment":
            return ""
        if kind == "index":
            table = match["table"]
            return f"\x01{table}{self.scope.place(table, int(match['index']))}"
        if kind == "stream":
            return f"\x01stream{self._stream(match)}"
        if kind == "given":
            self._check_step(match["step"])
            return f"\x01share {self._function(match[kind])}"
        if kind == "resting":
            self._check_step(match[kind])
            return "\x01resting"
        if kind == "constant":
            return f"\x01constant{self._constant(match)}"
        assert kind is not None
        if not self._literals_may_differ:
            return match[0]
        self.scope.literals.append(match[kind])
        return f"\x01{match['ahead']}literal {_ctype(match[kind])}"

    def _word(self, word: str) -> str:
        """The mark of a word: of a name, which one of the step's names it is."""
        if not _NAME.fullmatch(word):
            return word
        self._names += 1
        return f"\x01name{self._names}"

    def _function(self, name: str) -> str:
        """The mark of a function that is part of the text; others are what they are called."""
        number = self._functions.get(name)
        return name if number is None else f"\x01function{number}"

    def _stream(self, match: re.Match[str]) -> int:
        stream = int(match["stream"])
        if self.scope.stream == 0:
            self.scope.stream = stream
        return stream - self.scope.stream

    def _check_step(self, number: str) -> None:
        if int(number) != self._step.number:
            raise _NotAlike

    def _constant(self, match: re.Match[str]) -> int:
        number = int(match["constant"])
        if number not in self._step.constants:
            raise _NotAlike
        return number - self._step.constants.start

    def shared(self, fixed: list[bool], others: list[str]) -> Shared:
        """The function for all steps of one key.

        Parameters
        ----------
        fixed : list of bool
            Of the numbers: which are the same in all steps.
        others : list of str
            Names of the other steps.
        """
        step, ctype = self._step, f"{self._step.name}_constants"
        numbers = iter(fixed)
        names = (f"_literal{number}" for number in range(len(fixed)))

        def rewrite(match: re.Match[str]) -> str:
            if match.lastgroup not in ("left", "right") or not self._literals_may_differ:
                return self._rewrite(match)
            name = next(names)
            return match[0] if next(numbers) else f"{match['ahead'] or '('}{name}"

        text, *prepare = [_TOKENS.sub(rewrite, part) for part in (step.text, *step.prepare)]
        literals = [
            f"const {_ctype(literal)} _literal{number} = ({_ctype(literal)})ctx->literals[{place}];"
            f" (void)_literal{number};"
            for place, (number, literal) in enumerate(
                (number, literal)
                for number, literal in enumerate(self.scope.literals)
                if not fixed[number]
            )
        ]
        own = f"const {ctype} *const constants = (const {ctype} *)ctx->constants; (void)constants;"
        head = "\n    ".join([own] * bool(step.types) + literals)
        text = _CONSTANTS.sub(lambda match: head, text)
        note = "".join(f"\n     {name}" for name in others)
        return Shared(
            step.name, f"/* what follows is done for:{note} */\n{text}", step.types,
            [*literals, *prepare],
        )  # fmt: skip

    def _rewrite(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind == "index":
            table = match["table"]
            return f"ctx->{table}[{self.scope.place(table, int(match['index']))}]"
        if kind == "stream":
            return f"ctx->seed, ctx->stream + {self._stream(match)}"
        if kind == "given":
            return f"b2g_share_out_some(ctx, ctx->step, {match[kind]}"
        if kind == "resting":
            return "b2g_resting_of(ctx, ctx->step)"
        if kind == "constant":
            return f"_c{self._constant(match)}"
        return match[0]


def _declares_everywhere(text: str) -> bool:
    """Whether each function that has numbers begins with a place for declarations."""
    return all(
        _CONSTANTS.search(function) or not _LITERALS.search(function)
        for function in text.split("\n}\n")
    )


def _ctype(literal: str) -> str:
    return "float" if literal.rstrip(")").endswith("f") else "double"


def find_alike(steps: list[StepText]) -> list[Shared]:
    """Find steps that one function can execute.

    Parameters
    ----------
    steps : list of StepText

    Returns
    -------
    list of Shared
        A function for each two or more steps.
    """
    readers: dict[str, list[_Reader]] = {}
    for step in steps:
        reader = _Reader(step)
        with suppress(_NotAlike):
            readers.setdefault(reader.key(), []).append(reader)
    return [_shared(group) for group in readers.values() if len(group) > 1]


def _shared(readers: list[_Reader]) -> Shared:
    scopes = [reader.scope for reader in readers]
    columns = zip(*(scope.literals for scope in scopes), strict=True)
    fixed = [len(set(column)) == 1 for column in columns]
    shared = readers[0].shared(fixed, [scope.step.name for scope in scopes[1:]])
    for scope in scopes:
        scope.literals = [x for x, same in zip(scope.literals, fixed, strict=True) if not same]
    shared.scopes = scopes
    return shared
