"""Rules of plasticity as people write them: traces that only the events of one side change."""

from collections.abc import Sequence
from dataclasses import replace

from tests.random_networks.description import Pathway
from tests.random_networks.expressions import Draw, number, pick, some

#: Decays to zero, to a number, and one that is no exponential.
_DECAYS = ("-{x}/{tau}", "-{x}/{tau}", "({level} - {x})/{tau}")


def traces(draw: Draw, sides: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Equations of traces, and the statements of each side that use and change them.

    Parameters
    ----------
    draw : callable
    sides : sequence of str
        Those that have events; what belongs to another one stays as it is.
    """
    lines: list[str] = []
    code: dict[str, list[str]] = {"pre": [], "post": []}
    names = [(f"trace_{side}{k}", side) for side in sides for k in range(1 + some(draw, 40))]
    for one, side in names:
        decay = pick(draw, _DECAYS).format(
            x=one, tau=pick(draw, ["tau", "(2*ms)", "(1.3*ms)"]), level=number(draw)
        )
        when = "clock-driven" if some(draw, 30) else "event-driven"
        lines.append(f"d{one}/dt = {decay} : 1 ({when})")
        jump = pick(draw, ["{x} += {a}", "{x} = {a}", "{x} += {a}*(1 - {x})"])
        code[side].append(jump.format(x=one, a=number(draw)))
    if some(draw, 30):
        # of the synapse: what it depends on keeps the time of its last event there
        lines += ["memory : 1"]
        code[pick(draw, sides)].append("memory = 0.5*memory + 0.1*" + pick(draw, names)[0])
    for side in sides:
        other = [one for one, of in names if of != side] or [one for one, _ in names]
        own = [one for one, of in names if of == side]
        change = f"{number(draw, 0.01, 0.3)}*{pick(draw, other)}"
        if some(draw, 40):
            change += f"*(1 + {pick(draw, own)})"
        update = f"w = clip(w + {change}, -2, 2)"
        code[side].insert(0 if some(draw, 50) else len(code[side]), update)
    return lines, code


def with_rule(paths: Sequence[Pathway], code: dict[str, list[str]]) -> list[Pathway]:
    """Pathways of which the first one of each side learns."""
    result, left = [], dict(code)
    for one in paths:
        result.append(replace(one, statements=(*one.statements, *left.pop(one.side, []))))
    return result
