"""Random groups of neurons."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.random_networks.description import Lines, Neurons, Options, Regular, Source
from tests.random_networks.expressions import (
    Draw,
    Scope,
    Target,
    boolean_expression,
    bounded,
    integer_expression,
    number,
    pick,
    some,
    statements,
    subset,
)

SLOTS = [
    "start", "before_groups", "groups", "after_groups", "thresholds", "after_thresholds",
    "before_synapses", "synapses", "after_synapses", "resets", "after_resets", "end",
]  # fmt: skip

#: What every neuron can refer to.
GIVEN = Scope(floats=("(t/ms)",), integers=("i", "N", "t_in_timesteps"))
SHARED = Scope(floats=("(t/ms)",), integers=("N", "t_in_timesteps"))


@dataclass(frozen=True)
class Drawn:
    """A group and what others may do with it."""

    neurons: Neurons | None
    name: str
    size: int
    events: Lines
    #: names that can be recorded
    readable: list[str]
    #: what code may read and write
    scope: Scope = field(default_factory=Scope)
    writable: tuple[Target, ...] = ()
    subexpressions: Lines = ()
    has_dt: bool = False
    whole: bool = False  # Brian takes no part of it

    @classmethod
    def of_source(cls, source: Source) -> "Drawn":
        has_dt = "dt" in dict(source.options)
        whole = source.kind == "SpikeGeneratorGroup"
        return cls(None, source.name, source.size, ("spike",), [], has_dt=has_dt, whole=whole)


def part(draw: Draw, group: Drawn) -> str:
    """A group or a part of it."""
    if group.size < 2 or group.whole or not some(draw, 35):
        return group.name
    start = draw(st.integers(0, group.size - 1))
    stop = draw(st.integers(start + 1, group.size))
    return f"{group.name}[{start}:{stop}]"


def timing(draw: Draw, with_dt: bool = False) -> Options:
    """Slot, order and clock of an object, where they are not the usual ones."""
    options: Options = ()
    if some(draw, 35):
        options += (("when", repr(pick(draw, SLOTS))),)
        if some(draw, 40):
            options += (("order", str(draw(st.integers(-2, 2)))),)
    if with_dt and some(draw, 30):
        options += (("dt", pick(draw, ["0.2*ms", "0.05*ms", "0.3*ms", "0.17*ms"])),)
    return options


class Writer:
    """Collects the equations of a group with the scope that they make."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.scope = GIVEN
        self.shared = SHARED
        self.writable: list[Target] = []
        self.readable: list[str] = []
        self.subexpressions: list[str] = []

    def add(self, name: str, kind: str, text: str, unit: str = "", shared: bool = False) -> None:
        """A variable: its equation as ``{line}`` and what it is."""
        self.lines.append(text)
        reading = f"({name}/{unit})" if unit else name
        addition = {
            "float": Scope(floats=(reading,)),
            "integer": Scope(integers=(name,)),
            "boolean": Scope(booleans=(name,)),
        }[kind]
        self.scope += addition
        if shared:
            self.shared += addition
        else:
            self.readable.append(name)

    def unshared(self) -> list[Target]:
        """What code that runs for some neurons may write."""
        return [target for target in self.writable if not target.shared]

    def parameter(self, name: str, kind: str = "float", unit: str = "", flags: str = "") -> None:
        """A variable that keeps its value."""
        brian = {"float": {"": "1", "mV": "volt", "ms": "second"}.get(unit, "1")}.get(kind, kind)
        shared = "shared" in flags
        self.add(name, kind, f"{name} : {brian}{f' ({flags})' if flags else ''}", unit, shared)
        if "constant" not in flags:
            self.writable.append(Target(name, kind, unit, shared))


def equations(draw: Draw, earlier: Sequence[Drawn], preamble: dict, size: int) -> Writer:
    """Parameters first, subexpressions of them, then differential equations."""
    writer = Writer(draw)
    if "stimulus" in preamble and some(draw, 60):
        writer.scope += Scope(floats=("stimulus(t)",))
        writer.shared += Scope(floats=("stimulus(t)",))
    if "steps" in preamble and some(draw, 60):
        writer.scope += Scope(floats=("steps(t, i % 3)",))
    if "halved" in preamble and some(draw, 40):
        writer.scope += Scope(functions=("halved",))
    for name, kind, unit, flags in [
        ("p", "float", "", ""),
        ("q", "float", "", "constant"),
        ("u", "float", "mV", ""),
        ("n", "integer", "", ""),
        ("m", "integer", "", "constant"),
        ("f", "boolean", "", ""),
        ("c", "float", "", "shared"),
        ("k", "integer", "", "shared"),
        ("d", "float", "", "shared, constant"),
    ]:
        if some(draw, 35):
            writer.parameter(name, kind, unit, flags)
    if earlier and some(draw, 30):
        writer.add("far", "float", "far : 1 (linked)")
    if some(draw, 50):
        writer.parameter("total")
    for name in subset(draw, ["s", "h", "o", "z"], 25):
        if name == "o":
            text = f"o = {boolean_expression(draw, writer.scope)} : boolean"
            writer.add("o", "boolean", text)
        elif name == "z":
            text = f"z = {integer_expression(draw, writer.scope)} : integer"
            writer.add("z", "integer", text)
        else:
            flags = " (constant over dt)" if name == "h" and not writer.scope.functions else ""
            writer.add(name, "float", f"{name} = {bounded(draw, writer.scope)} : 1{flags}")
        writer.subexpressions.append(name)
    return writer


def right_side(draw: Draw, name: str, method: str, scope: Scope) -> str:
    """What a differential equation drives its variable to.

    Simple where Brian's integration methods would spend seconds on it.
    """
    if method == "exact":
        linear = [text for text in scope.floats if text in ("p", "q", "c", "d", "total", "g", "v")]
        return pick(draw, ["level", *linear, *(f"level*{text}" for text in linear)])
    if "rk" in method:
        scope = scope.without(["s", name] if some(draw, 70) else ["s"])
        return f"{number(draw, 0.2, 1.2)} + {bounded(draw, scope, 1)}"
    if "exp" in method:
        scope = scope.without([name])
    return f"{pick(draw, ['level', number(draw, 0.2, 1.2)])} + {bounded(draw, scope)}"


def neurons(draw: Draw, name: str, earlier: Sequence[Drawn], preamble: dict) -> Drawn:
    """A group: equations, threshold, reset, refractoriness, events, regular operations."""
    size = draw(st.integers(1, 5))
    if some(draw, 10):
        # synapses from one neuron to so many are computed side by side
        size += pick(draw, [28, 40, 61])
    writer = equations(draw, earlier, preamble, size)
    method = pick(draw, ["euler", "exact", "exponential_euler", "rk2", "rk4"])
    spiking = some(draw, 85)
    refractory = refractoriness(draw, writer) if spiking and some(draw, 45) else None
    dynamic = ["v", *subset(draw, ["g", "r"], 35)]
    visible = writer.scope
    if "rk" in method:
        # Brian's Runge-Kutta methods do not find subexpressions that are integers
        visible = visible.without(["z"])
    if method == "exact":
        if some(draw, 20) and dynamic != ["v"]:
            visible += Scope(floats=tuple(dynamic[1:2]))
    else:
        visible += Scope(floats=tuple(dynamic))
    # the equations of all may refer to each other; only then they are known to the rest
    for one in dynamic:
        unless = " (unless refractory)" if refractory and some(draw, 60) else ""
        drive = right_side(draw, one, method, visible)
        tau = pick(draw, ["tau", "tau", "(3*ms)"])
        shape = f"({drive} - {one})/{tau}"
        writer.add(one, "float", f"d{one}/dt = {shape} : 1{unless}")
        writer.writable.append(Target(one, conditional=bool(unless)))
    if refractory:
        writer.scope += Scope(floats=("exp((lastspike - t)/(2*ms))",), booleans=("not_refractory",))
    scope, shared = writer.scope, writer.shared
    options: list[tuple[str, str]] = [("method", repr(method))]
    events: list[tuple[str, str]] = []
    reset: Lines = ()
    if spiking:
        if some(draw, 70):
            threshold = f"v > {number(draw, 0.2, 1)}"
            if some(draw, 25):
                threshold += f" and {boolean_expression(draw, scope)}"
        else:
            threshold = f"(t_in_timesteps + i) % {draw(st.integers(1, 5))} == 0"
        if some(draw, 15):
            # a number in [0, 1) that is below 1, or is not below 0
            threshold = f"rand() < int({threshold})"
        options.append(("threshold", repr(threshold)))
        if some(draw, 85):
            reset = ("v = " + number(draw, -0.3, 0.1),) if some(draw, 75) else ()
            if some(draw, 50):
                reset += statements(draw, writer.unshared(), scope, shared)
        if refractory:
            options.append(("refractory", refractory))
    operations: list[Regular] = []
    if some(draw, 25):
        condition = boolean_expression(draw, scope)
        if some(draw, 50):
            condition = f"v > {number(draw, 0, 0.6)}"
        events.append(("up", condition))
        if some(draw, 50):
            code = statements(draw, writer.unshared(), scope, shared)
            operations.append(Regular(code, timing(draw), "up"))
    for _ in range(pick(draw, [0, 0, 0, 1, 2])):
        code = statements(draw, writer.writable, scope, shared)
        operations.append(Regular(code, timing(draw, with_dt=True)))
    has_dt = some(draw, 15)
    if has_dt:
        options.append(("dt", pick(draw, ["0.2*ms", "0.05*ms", "0.3*ms", "0.17*ms"])))
    if some(draw, 12):
        options.append(("dtype", dtypes(draw, writer)))
    if some(draw, 10):
        options.append(("order", str(draw(st.integers(-1, 2)))))
    made = Neurons(
        name,
        size,
        tuple(writer.lines),
        reset,
        tuple(events),
        tuple(options),
        tuple(operations),
        settings(draw, name, size, writer, earlier),
        tuple(writer.subexpressions),
    )
    happening = (("spike",) if spiking else ()) + tuple(event for event, _ in events)
    outside = Scope(
        tuple(text for text in scope.floats if text in writer.readable and text != "far"),
        tuple(text for text in scope.integers if text in writer.readable),
        tuple(text for text in scope.booleans if text in writer.readable),
    )
    return Drawn(
        made,
        name,
        size,
        happening,
        writer.readable,
        outside,
        tuple(writer.writable),
        tuple(writer.subexpressions),
        has_dt,
        "far" in writer.readable,
    )


def refractoriness(draw: Draw, writer: Writer) -> str:
    """A time, a time for each neuron, a condition, or a variable."""
    way = draw(st.integers(0, 3))
    if way == 0:
        return f"{number(draw, 0.1, 0.8)}*ms"
    if way == 1:
        return f"'({number(draw, 0.1, 0.5)} + 0.13*i)*ms'"
    if way == 2:
        return f"'v > {number(draw, 0, 0.5)}'"
    writer.parameter("ref", "float", "ms", "")
    return "'ref'"


def dtypes(draw: Draw, writer: Writer) -> str:
    """Other types for some variables."""
    floats = [one.name for one in writer.writable if one.kind == "float" and not one.shared]
    integers = [one.name for one in writer.writable if one.kind == "integer"]
    chosen = [f"'{name}': np.float32" for name in subset(draw, floats, 50)]
    chosen += [f"'{name}': np.int64" for name in subset(draw, integers, 50)]
    return "{" + ", ".join(chosen) + "}"


def settings(draw: Draw, name: str, size: int, writer: Writer, earlier: Sequence[Drawn]) -> Lines:
    """Initial values and links."""
    lines = []
    for line in writer.lines:
        variable = line.split("=")[0].split(":")[0].strip()
        if "/dt" in variable:
            variable = variable.split("/")[0].removeprefix("d")
        elif "=" in line or "total" in variable:
            continue
        if variable == "far":
            other = pick(draw, earlier)
            floats = [text for text in other.scope.floats]
            index = [i % other.size for i in range(size)]
            what = f"{other.name}, '{pick(draw, floats)}'"
            lines.append(f"{name}.far = linked_var({what}, index=np.array({index}))")
        elif ": integer" in line:
            lines.append(f"{name}.{variable} = {draw(st.integers(0, 4))}")
        elif ": boolean" in line:
            condition = boolean_expression(draw, Scope(integers=("i", "N")))
            lines.append(f"{name}.{variable} = '{condition}'")
        elif some(draw, 85):
            unit = {"volt": "*mV", "second": "*ms"}.get(line.split(":")[1].split()[0], "")
            value = number(draw, 0.05, 0.7)
            if "shared" in line or not some(draw, 70):
                lines.append(f"{name}.{variable} = {value}{unit}")
            else:
                lines.append(f"{name}.{variable} = '({value} + 0.17*i){unit}'")
    return tuple(lines)
