"""Random synapses."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.random_networks.description import Connections, Lines, Options, Pathway, Regular
from tests.random_networks.expressions import (
    Draw,
    Scope,
    Target,
    bounded,
    number,
    pick,
    some,
    statements,
    subset,
)
from tests.random_networks.learning import traces, with_rule
from tests.random_networks.neurons import Drawn, part, timing


def connections(
    draw: Draw,
    name: str,
    groups: Sequence[Drawn],
    drawn: Sequence[Drawn],
    sums: dict[str, list[str]],
) -> Connections:
    """Synapses between two groups or parts of them."""
    source, target = pick(draw, drawn), pick(draw, groups)
    ends = [part(draw, source), part(draw, target)]
    same = source.name == target.name
    lines: list[str] = []
    scope = Scope(integers=("i", "j"))
    writable: list[Target] = []
    shared = Scope()
    if some(draw, 75):
        lines.append("w : 1")
        writable.append(Target("w"))
        scope += Scope(floats=("w",))
    if some(draw, 15):
        lines.append("count : integer")
        writable.append(Target("count", "integer"))
        scope += Scope(integers=("count",))
    if some(draw, 12):
        lines.append("on : boolean")
        writable.append(Target("on", "boolean"))
        scope += Scope(booleans=("on",))
    if some(draw, 12):
        lines.append("gain : 1 (shared)")
        scope += Scope(floats=("gain",))
        shared += Scope(floats=("gain",))
    for one in subset(draw, ["tag", "slow"], 25):
        level = number(draw) if one == "tag" or "w : 1" not in lines else "w"
        drive = pick(draw, ["-{x}", "({level} - {x})"]).format(x=one, level=level)
        lines.append(
            f"d{one}/dt = {drive}/{pick(draw, ['tau', '(2*ms)', '(1.3*ms)'])} : 1 (event-driven)"
        )
        writable.append(Target(one))
        scope += Scope(floats=(one,))
    if some(draw, 25):
        # used after the code has changed what it depends on, too; Brian's compiled targets use what
        # that was before
        lines.append(f"effect = {bounded(draw, scope + outer(source, target), 1)} : 1")
        scope += Scope(floats=("effect",))
    method = pick(draw, ["euler", "exponential_euler"])
    if some(draw, 15):
        drive = bounded(draw, scope.without(["tag", "slow", "effect"]) + outer(source, target), 1)
        lines.append(f"dy/dt = ({drive} - y)/(2*tau) : 1 (clock-driven)")
        writable.append(Target("y"))
        scope += Scope(floats=("y",))
    # every target takes one sum
    available = sums.get(target.name, [])
    if available and "total" in target.readable and some(draw, 40):
        hidden = [f"{name}_{end}" for name in ["total", "s", "o", "z"] for end in ("pre", "post")]
        summed = own(scope) + outer(source, target).without(hidden)
        lines.append(f"total_post = {bounded(draw, summed, 1)} : 1 (summed)")
        available.clear()
    pathways = [pathway(draw, name, source, target, same, scope, shared, writable, "pre")]
    if not source.events:
        pathways = []
    if target.events and some(draw, 35):
        pathways.append(pathway(draw, name, source, target, same, scope, shared, writable, "post"))
    if source.events and some(draw, 20):
        extra = pathway(draw, name, source, target, same, scope, shared, writable, "pre", "again")
        pathways.append(extra)
    sides = list(dict.fromkeys(one.side for one in pathways))
    if "w : 1" in lines and sides and some(draw, 35):
        of_rule, code = traces(draw, sides)
        lines += of_rule
        pathways = with_rule(pathways, code)
    operations: list[Regular] = []
    inner = [one for one in writable if not one.shared]
    if inner and some(draw, 12):
        code = statements(draw, inner, own(scope) + outer(source, target), shared, 2)
        operations.append(Regular(code, timing(draw, with_dt=True)))
    return Connections(
        name,
        ends[0],
        ends[1],
        tuple(lines),
        tuple(pathways),
        connect(draw, source, target, same),
        (("method", repr(method)),),
        tuple(operations),
        settings(draw, name, lines, pathways),
    )


def own(scope: Scope) -> Scope:
    """The variables of the synapse that exist at all times."""
    return scope.without(["tag", "slow", "effect"])


def suffixed(scope: Scope, end: str) -> Scope:
    """The names of a group as they are known in synapses."""
    return Scope(*(tuple(f"{text}_{end}" for text in texts) for texts in
                   (scope.floats, scope.integers, scope.booleans)))  # fmt: skip


def outer(source: Drawn, target: Drawn) -> Scope:
    """What can be read of both ends."""
    return suffixed(source.scope, "pre") + suffixed(target.scope, "post")


def pathway(
    draw: Draw,
    name: str,
    source: Drawn,
    target: Drawn,
    same: bool,
    scope: Scope,
    shared: Scope,
    writable: Sequence[Target],
    side: str,
    label: str | None = None,
) -> Pathway:
    """One effect; within one group it mostly writes one set of variables and reads the others."""
    group = source if side == "pre" else target
    event = pick(draw, group.events) if group.events else "spike"
    ends = [(target, "post")] if side == "pre" else [(source, "pre")]
    if some(draw, 20):
        ends.append((source, "pre") if side == "pre" else (target, "post"))
    written = [
        # Brian's NumPy target forgets the condition where synapses assign
        Target(f"{one.name}_{end}", one.kind, one.unit, in_place=one.conditional)
        for node, end in ends
        for one in subset(draw, node.writable, 60)
        if not one.shared
    ]
    conditional = [one.name.rpartition("_")[2] for one in written if one.in_place]
    # Brian takes the condition of one end for both
    written = [one for one in written if not one.in_place or one.name.endswith(conditional[0])]
    taken: set[str] = set()
    # a neuron may be connected to itself, and one changes what another one reads
    apart = same and some(draw, 75)
    if apart:
        # one array may be written through one of its two names
        once = {one.name.rpartition("_")[0]: one for one in written}
        written = list(once.values())
        taken = set(once)
    readable = outer(source, target)
    if apart:
        hidden = [f"{base}_{end}" for base in [*taken, *source.subexpressions]
                  for end in ("pre", "post")]  # fmt: skip
        readable = readable.without(hidden)
        scope = scope.without(["effect"])
    hides = [f"{name}_pre" for name in source.subexpressions]
    hides += [f"{name}_post" for name in target.subexpressions] + ["effect"]
    code = statements(draw, [*writable, *written], scope + readable, shared, hides=hides)
    delay = None
    if some(draw, 45):
        fixed = pick(draw, ["0.1", "0.3", "0.25", "0.47", "1.3", "20"])
        each = f"'{number(draw, 0, 0.3)}*ms*(i + {draw(st.integers(0, 2))}*j)'"
        delay = f"{fixed}*ms" if some(draw, 50) else each
    return Pathway(label or side, side, code, event, delay)


def connect(draw: Draw, source: Drawn, target: Drawn, same: bool) -> str:
    """The arguments of `connect`."""
    way = draw(st.integers(0, 9))
    if way <= 2:
        return ""
    if way == 3:
        return "condition='i != j'"
    if way == 4:
        return "condition='i == j'"
    if way == 5:
        return "condition='(i + 2*j) % 3 != 1'"
    if way == 6:
        return "condition='i > 17'"
    if way == 7:
        return f"condition='i == j', n={draw(st.integers(1, 3))}"
    if way == 8:
        return "j='k for k in range(i, N_post, 2)'"
    return "i=[0, 0, 0], j=[0, 0, 0]"


def settings(draw: Draw, name: str, lines: Sequence[str], paths: Sequence[Pathway]) -> Lines:
    """Initial values and delays."""
    result = []
    if "w : 1" in lines and some(draw, 90):
        result.append(f"{name}.w = '{number(draw, 0.02, 0.5)}*(1 + i) - 0.11*j'")
    if "gain : 1 (shared)" in lines:
        result.append(f"{name}.gain = {number(draw)}")
    for one in paths:
        if one.delay is not None and one.delay.startswith("'"):
            result.append(f"{name}.{one.name}.delay = {one.delay}")
        options: Options = timing(draw)
        if options and some(draw, 40):
            result += [f"{name}.{one.name}.{key} = {value}" for key, value in options]
    return tuple(result)
