"""Random expressions and statements in Brian's language.

Values stay small: whatever can grow is clipped. Comparisons are made with odd numbers that no
variable meets exactly, so that a rounding difference does not decide one. Integers are taken modulo
a small number and never overflow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

Draw = Callable


@dataclass(frozen=True)
class Scope:
    """What an expression may refer to, as text without units."""

    floats: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()
    booleans: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()

    def __add__(self, other: "Scope") -> "Scope":
        return Scope(
            self.floats + other.floats,
            self.integers + other.integers,
            self.booleans + other.booleans,
            self.functions + other.functions,
        )

    def without(self, names: Sequence[str]) -> "Scope":
        """The same without some variables, also where they have units."""

        def kept(texts: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(text for text in texts if text.strip("()").split("/")[0] not in names)

        return Scope(kept(self.floats), kept(self.integers), kept(self.booleans), self.functions)


@dataclass(frozen=True)
class Target:
    """A variable that a statement may write: its kind and its unit."""

    name: str
    kind: str = "float"
    unit: str = ""
    shared: bool = False
    #: not written by `=`
    in_place: bool = False
    #: written only in neurons that are not refractory
    conditional: bool = False


def number(draw: Draw, low: float = 0.0, high: float = 1.0) -> str:
    """An odd number of five decimals, which is how `build` finds it again."""
    return f"{low + (high - low) * draw(st.integers(0, 50)) / 50 + 0.00137:.5f}"


def some(draw: Draw, percent: int) -> bool:
    """True in a given share of the cases; shrinks to False."""
    return draw(st.integers(0, 99)) >= 100 - percent


def pick(draw: Draw, values: Sequence):
    """One of several; shrinks to the first."""
    return draw(st.sampled_from(list(values)))


def subset(draw: Draw, values: Sequence, percent: int = 50) -> list:
    """Some of several, in their order."""
    return [value for value in values if some(draw, percent)]


def leaf(draw: Draw, scope: Scope) -> str:
    """A number or a variable."""
    choices = [*scope.floats, *scope.floats, *scope.integers]
    if not choices or not some(draw, 80):
        return number(draw)
    return pick(draw, choices)


def float_expression(draw: Draw, scope: Scope, depth: int = 2) -> str:
    """An expression whose value is a float (or an integer where one is needed)."""
    if depth == 0 or not some(draw, 75):
        return leaf(draw, scope)
    form = pick(draw, FLOAT_FORMS)
    if "@" in form and not scope.functions:
        form = "({} + {})"
    if "@" in form:
        form = form.replace("@", pick(draw, scope.functions))
    text = ""
    for part in _parts(form):
        text += {
            "{}": lambda: float_expression(draw, scope, depth - 1),
            "{l}": lambda: leaf(draw, scope),
            "{n}": lambda: integer_expression(draw, scope, depth - 1),
            "{?}": lambda: boolean_expression(draw, scope, depth - 1),
            "#": lambda: number(draw),
        }.get(part, lambda part=part: part)()
    return text


#: ``{}`` is a float, ``{l}`` a number or variable, ``{n}`` an integer, ``{?}`` a condition, ``#`` a
#: number, ``@`` a function.
FLOAT_FORMS = [
    "({} + {})", "({} - {})", "{}*{}", "{}/(# + abs({}))", "-{}", "#*{}", "{}/#",
    "int({?})*{}", "int({?})", "(1 - int({?}))*{}", "clip({}, -#, #)", "abs({})", "tanh({})",
    "sin({})", "cos({})", "exp(-abs({}))", "exp(clip({}, -2, 2))", "exprel(clip({}, -2, 2))",
    "log(# + abs({}))", "sqrt(abs({}) + #)", "({})**2", "({})**3", "(# + abs({}))**0.5",
    "(# + abs({}))**(-clip({}, 0, 2))", "({n})", "({n})*{}", "({n})/3", "({n})/(1 + abs({n}))",
    "1/(1 + exp(-{}))", "arctan({})", "expm1(-abs({}))", "log1p(abs({}))", "sign({l})*#",
    "@({})", "{}*({} - {})", "2**clip({}, -1, 2)", "{l} % (# + 1)", "log10(abs({}) + #)",
    "exp({}/(1 + abs({})))**#", "sinh(clip({}, -1, 1))", "({})**(({n}) % 3)", "ceil({l} + #)",
    "floor({l}*#)",
]  # fmt: skip


def _parts(form: str) -> list[str]:
    for mark in ("{l}", "{n}", "{?}", "{}", "#"):
        form = form.replace(mark, f"\0{mark}\0")
    return [part for part in form.split("\0") if part]


def integer_expression(draw: Draw, scope: Scope, depth: int = 2) -> str:
    """An expression whose value is a small integer."""
    if depth <= 0 or not some(draw, 60):
        if scope.integers and some(draw, 75):
            return pick(draw, scope.integers)
        return str(draw(st.integers(0, 5)))
    left = integer_expression(draw, scope, depth - 1)
    form = draw(st.integers(0, 9))
    if form == 0:
        return f"({left} + {integer_expression(draw, scope, depth - 1)})"
    if form == 1:
        return f"({left} - {integer_expression(draw, scope, depth - 1)})"
    if form == 2:
        return f"({left} % 7)*({integer_expression(draw, scope, depth - 1)} % 5)"
    if form == 3:
        return f"({left}) % {draw(st.integers(2, 5))}"
    if form == 4:
        return f"({left})//{draw(st.integers(2, 5))}"
    if form == 5:
        return f"int({boolean_expression(draw, scope, depth - 1)})"
    if form == 6:
        return f"int(3*clip({leaf(draw, scope)}, -2, 2) + {number(draw)})"
    if form == 7:
        return f"-({left})"
    if form == 8:
        return f"abs({left})"
    return f"({left} % 5)**2"


def boolean_expression(draw: Draw, scope: Scope, depth: int = 1) -> str:
    """A condition."""
    form = draw(st.integers(0, 9))
    if depth > 0 and form >= 6:
        left = boolean_expression(draw, scope, depth - 1)
        if form == 6:
            return f"not ({left})"
        operator = "and" if form < 9 else "or"
        return f"({left} {operator} {boolean_expression(draw, scope, depth - 1)})"
    if scope.booleans and form in (4, 5):
        return pick(draw, scope.booleans)
    if scope.integers and form >= 2:
        left = integer_expression(draw, scope, 1)
        return f"({left}) % 3 {pick(draw, ['==', '!=', '<', '>=', '<=', '>'])} 1"
    if scope.floats:
        return f"{pick(draw, scope.floats)} {pick(draw, '><')} {number(draw)}"
    return pick(draw, ["True", "False"])


def bounded(draw: Draw, scope: Scope, depth: int = 2) -> str:
    """A float between -2 and 2."""
    if some(draw, 40):
        return f"{number(draw)}*tanh({leaf(draw, scope)})"
    return f"clip({float_expression(draw, scope, depth)}, -1.9, 1.8)"


def statement(draw: Draw, target: Target, scope: Scope) -> str:
    """A statement that writes one variable."""
    name = target.name
    if target.kind == "integer":
        if some(draw, 40):
            return f"{name} += {draw(st.integers(1, 3))}"
        return f"{name} = ({integer_expression(draw, scope)}) % 13"
    if target.kind == "boolean":
        return f"{name} = {boolean_expression(draw, scope)}"
    unit = f"*{target.unit}" if target.unit else ""
    operator = pick(draw, ["+=", "-=", "*="] if target.in_place else ["+=", "=", "-=", "*="])
    if operator == "*=":
        return f"{name} *= {number(draw, 0.2, 0.95)}"
    if operator == "=":
        return f"{name} = {bounded(draw, scope)}{unit}"
    if some(draw, 50):
        return f"{name} {operator} {number(draw, 0, 0.3)}{unit}"
    return f"{name} {operator} 0.2*{bounded(draw, scope)}{unit}"


def is_end(target: Target) -> bool:
    """Whether this is a variable of the source or the target of synapses."""
    return target.name.endswith(("_pre", "_post"))


def statements(
    draw: Draw,
    targets: Sequence[Target],
    scope: Scope,
    shared: Scope,
    most: int = 3,
    hides: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Several statements: those for shared variables come first, as Brian wants them.

    With `hides`, what is written at an end of a synapse is neither written nor read again, nor are
    the subexpressions in `hides` read: other synapses may have written to it in the meantime.
    """
    chosen = [pick(draw, targets) for _ in range(draw(st.integers(1, most)))] if targets else []
    if hides is not None:
        ends = {target.name: target for target in chosen if is_end(target)}
        chosen = [target for target in chosen if not is_end(target)]
        place = draw(st.integers(0, len(chosen)))
        chosen[place:place] = ends.values()
    lines = [statement(draw, target, shared) for target in chosen if target.shared]
    if some(draw, 20):
        lines.append(f"change = {float_expression(draw, scope, 1)}")
        scope += Scope(floats=("change",))
    for target in chosen:
        if not target.shared:
            lines.append(statement(draw, target, scope))
            if hides is not None and is_end(target):
                scope = scope.without([target.name, *hides])
    return tuple(lines)
