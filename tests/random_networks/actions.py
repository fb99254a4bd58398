"""Random runs, and what a script does between them."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.random_networks.description import Connections, Lines, Source
from tests.random_networks.expressions import Draw, number, pick, some
from tests.random_networks.neurons import Drawn


def actions(
    draw: Draw,
    groups: Sequence[Drawn],
    linked: Sequence[Connections],
    sources: Sequence[Source],
    dt: float,
) -> Lines:
    """Runs, and what happens between them.

    The default dt changes at most once, and to the half or the double: Brian's queues write past
    their end for some other factors.
    """
    lines = [run(draw)]
    stored = False
    new_dt = None
    if some(draw, 12) and not any(dict(source.options).get("period") for source in sources):
        new_dt = f"defaultclock.dt = {pick(draw, [dt / 2, dt * 2]):g}*ms"
    for _ in range(pick(draw, [0, 1, 1, 2, 2, 3])):
        if stored and some(draw, 50):
            lines.append("network.restore()")
        changes = [change_of_neurons(draw, group) for group in groups]
        changes += [change_of_synapses(draw, one) for one in linked]
        if sources and sources[0].kind == "SpikeGeneratorGroup":
            changes.append("inputs.set_spikes([0, 0], network.t + np.array([0.31, 0.93])*ms)")
        lines += [line for line in changes if some(draw, 25)]
        if new_dt is not None and some(draw, 50):
            lines.append(new_dt)
            new_dt = None
        if not stored and some(draw, 25):
            lines.append("network.store()")
            stored = True
        lines.append(run(draw))
    return tuple(lines)


def run(draw: Draw) -> str:
    """A run of some steps; sometimes not a multiple of dt, sometimes nothing."""
    duration = f"{draw(st.integers(0, 20)) * 0.2:.1f}"
    if some(draw, 15):
        duration = pick(draw, ["0.37", "1.01", "0", "0.1", "0.05"])
    return f"network.run({duration}*ms)"


def change_of_neurons(draw: Draw, group: Drawn) -> str:
    """A value of some neurons, or all of them switched off or on."""
    if not group.writable or some(draw, 15):
        return f"{group.name}.active = {pick(draw, ['False', 'True'])}"
    target = pick(draw, group.writable)
    name = f"{group.name}.{target.name}"
    if target.kind == "integer":
        return f"{name} = {draw(st.integers(0, 5))}"
    if target.kind == "boolean":
        return f"{name} = {pick(draw, ['True', 'False'])}"
    unit = f"*{target.unit}" if target.unit else ""
    value = number(draw)
    if target.shared:
        return f"{name} = {value}{unit}"
    return pick(
        draw,
        [
            f"{name} = {value}{unit}",
            f"{name}[0] = {value}{unit}",
            f"{name}[1:] = {value}{unit}",
            f"{name} = '({value} - 0.1*i){unit}'",
            f"{name}['i > 0'] = '{value}*{target.name}'",
        ],
    )


def change_of_synapses(draw: Draw, one: Connections) -> str:
    """Weights, delays, more synapses, or all of them switched off or on."""
    ways = [
        f"{one.name}.connect(i=[0], j=[0])",
        f"{one.name}.active = {pick(draw, ['False', 'True'])}",
    ]
    if "w : 1" in one.equations:
        ways += [f"{one.name}.w = '{number(draw)} - 0.1*j'", f"{one.name}.w[0, :] = {number(draw)}"]
    for path in one.pathways:
        if path.delay is None:
            continue
        value = f"{number(draw, 0, 0.6)}*ms"
        if path.delay.startswith("'"):
            value = f"'{value}*(1 + i)'"
        ways.append(f"{one.name}.{path.name}.delay = {value}")
    return pick(draw, ways)
