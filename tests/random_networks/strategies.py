"""Random networks: groups, inputs, synapses, monitors, and what the script does with them.

Only what has one well-defined result is drawn: nothing that depends on random numbers, and no code
whose result depends on an order of elements in which Brian's own targets differ (a pathway within
one group does not read at one end what it writes at the other). A share of them is hostile: see
`hostile`.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.random_networks.actions import actions
from tests.random_networks.connections import connections
from tests.random_networks.description import (
    Description,
    Lines,
    Monitor,
    Operation,
    Options,
    Source,
)
from tests.random_networks.expressions import Draw, number, pick, some, subset
from tests.random_networks.hostile import hostile
from tests.random_networks.neurons import Drawn, neurons, part, timing

SCHEDULES = [
    "['start', 'groups', 'thresholds', 'resets', 'synapses', 'end']",
    "['start', 'synapses', 'groups', 'thresholds', 'resets', 'end']",
    "['end', 'resets', 'synapses', 'thresholds', 'groups', 'start']",
]

#: How many of a hundred networks ask for trouble.
HOSTILE_PERCENT = 40

NAMES = ["cells", "others", "rest"]

PREAMBLE = {
    "stimulus": "stimulus = TimedArray([0.31, -0.42, 0.87, 0.13], dt=0.53*ms)",
    "steps": "steps = TimedArray([[0.21, 0.52, -0.33], [0.84, -0.25, 0.46]], dt=0.4*ms)",
    "halved": "@check_units(x=1, result=1)\ndef halved(x):\n    return x/2",
}


@st.composite
def networks(draw: Draw, hostile_percent: int = HOSTILE_PERCENT) -> Description:
    """A whole description; with a share of networks that ask for trouble."""
    meant_ill = some(draw, hostile_percent)
    precision = pick(draw, ["double"] * 4 + ["single"])
    preamble = {name: PREAMBLE[name] for name in PREAMBLE if some(draw, 12)}
    constants = (f"tau = {number(draw, 0.6, 3)}*ms", f"level = {number(draw, 0.5, 1.8)}")
    groups: list[Drawn] = []
    for k in range(pick(draw, [1, 2, 2, 3])):
        groups.append(neurons(draw, NAMES[k], groups, preamble))
    dt = pick(draw, [0.1] * 4 + [0.05, 0.23])
    sources = [source(draw, name, dt) for name in ["inputs", "more"][: pick(draw, [0, 1, 1, 2])]]
    drawn = groups + [Drawn.of_source(one) for one in sources]
    linked: list = []
    sums = {group.neurons.name: ["total"] for group in groups if group.neurons}
    for k in range(pick(draw, [0, 1, 2, 2, 3, 3])):
        linked.append(connections(draw, ["syn_x", "syn_y", "syn_z"][k], groups, drawn, sums))
    monitors = [
        monitor(draw, f"{kind}_{k}", kind, drawn, linked)
        for k, kind in enumerate(
            pick(draw, ["spikes", "states", "rates", "events"])
            for _ in range(pick(draw, [0, 1, 2, 2, 3, 4]))
        )
    ]
    operations = [operation(draw, groups)] if some(draw, 20) else []
    description = Description(
        dt=f"{dt}*ms",
        precision=precision,
        schedule=pick(draw, SCHEDULES) if some(draw, 12) else None,
        preamble=(*constants, *preamble.values()),
        groups=tuple(group.neurons for group in groups if group.neurons),
        sources=tuple(sources),
        connections=tuple(linked),
        monitors=tuple(one for one in monitors if one is not None),
        operations=tuple(operations),
        actions=actions(draw, groups, linked, sources, dt),
    )
    return hostile(draw, description, groups) if meant_ill else description


def source(draw: Draw, name: str, dt: float) -> Source:
    """Spikes at given times; or a Poisson group whose neurons always or never fire."""
    size = draw(st.integers(1, 4))
    if some(draw, 20):
        return Source(
            name,
            "PoissonGroup",
            size,
            (str(size),),
            (("rates", f"'1e9*Hz*int((i + {draw(st.integers(0, 3))}) % 3 == 0)'"),),
        )
    step = dt * pick(draw, [1, 1, 2])
    period = some(draw, 20)
    tick = st.tuples(st.integers(0, size - 1), st.integers(0, 3 if period else 15))
    ticks = draw(st.lists(tick, max_size=12, unique=True))
    options: Options = ()
    if period:
        options = (("period", f"{4 * step:g}*ms"),)
    elif some(draw, 15):
        options = (("dt", f"{dt / 2:g}*ms"),)
    indices = [i for i, _ in ticks]
    times = [round(k * step, 4) for _, k in ticks]
    return Source(
        name, "SpikeGeneratorGroup", size, (str(size), f"{indices}", f"{times}*ms"), options
    )


def monitor(
    draw: Draw, name: str, kind: str, drawn: Sequence[Drawn], linked: Sequence
) -> Monitor | None:
    """A monitor of one kind, if there is something for it to look at."""
    spiking = [one for one in drawn if "spike" in one.events]
    options: Options = ()
    if kind in ("spikes", "rates") and spiking:
        one = pick(draw, spiking)
        where = part(draw, one)
        if kind == "rates":
            if one.has_dt:
                return None
            return Monitor(name, "PopulationRateMonitor", (where,))
        arguments = (where,)
        if one.readable and some(draw, 50):
            arguments += (repr(subset(draw, one.readable, 30) or one.readable[:1]),)
        if some(draw, 15):
            options += (("record", "False"),)
        return Monitor(name, "SpikeMonitor", arguments, options)
    if kind == "events":
        custom = [one for one in drawn if set(one.events) - {"spike"}]
        if not custom:
            return None
        one = pick(draw, custom)
        event = pick(draw, sorted(set(one.events) - {"spike"}))
        arguments = (part(draw, one), repr(event))
        if one.readable and some(draw, 50):
            arguments += (repr(subset(draw, one.readable, 30) or one.readable[:1]),)
        return Monitor(name, "EventMonitor", arguments, options)
    things = [*(one for one in drawn if one.readable), *filter(synaptic_names, linked)]
    one = pick(draw, things)
    record = "True"
    if isinstance(one, Drawn):
        names, where = one.readable, part(draw, one)
        if where == one.name and some(draw, 25):
            chosen = {draw(st.integers(0, one.size - 1)) for _ in range(2)}
            record = str(sorted(chosen, reverse=True))
    else:
        names, where = synaptic_names(one), one.name
    options = (("record", record), *timing(draw, with_dt=True))
    return Monitor(
        name, "StateMonitor", (where, repr(subset(draw, names, 40) or names[:1])), options
    )


def synaptic_names(one) -> list[str]:
    """What of synapses can be recorded."""
    return [
        line.split("=")[0].split(":")[0].split("/")[0].strip().removeprefix("d")
        if "/dt" in line
        else line.split("=")[0].split(":")[0].strip()
        for line in one.equations
        if "summed" not in line and "shared" not in line
    ]


def operation(draw: Draw, groups: Sequence[Drawn]) -> Operation:
    """Look, change a value, or stop the run."""
    group = pick(draw, groups)
    body: Lines = ()
    name = pick(draw, group.readable)
    body += (
        f"seen.append((float(t/ms), *(ones({group.name}.N)*asarray({group.name}.{name}[:]))))",
    )
    floats = [target.name for target in group.writable if target.kind == "float"
              and not target.shared and not target.unit]  # fmt: skip
    if floats and some(draw, 40):
        body += (f"{group.name}.{pick(draw, floats)}[0] = {number(draw)}",)
    if some(draw, 40):
        ticks = draw(st.integers(1, 15))
        body += (f"if {ticks / 10 - 0.05:.2f}*ms < t < {ticks / 10 + 0.05:.2f}*ms:",)
        body += ("    network.stop()",)
    options = timing(draw, with_dt=True)
    return Operation("watch", body, options)
