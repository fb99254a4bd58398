"""What users did not mean to write: a random network with values and moves that ask for trouble.

Each function here takes a description and returns it with one kind of trouble more, or as it was if
the network has no place for it. Statements between the objects and the end are executed one by one;
each of them may end with an error, and the script goes on (see `build.guarded`): what becomes of
the network afterwards belongs to what is compared.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from tests.random_networks.description import (
    Description,
    Monitor,
    Regular,
)
from tests.random_networks.expressions import Draw, Target, number, pick, some, subset
from tests.random_networks.neurons import Drawn

#: Floats at the ends of what there is, by precision.
FLOATS = {
    "double": ["nan", "inf", "-inf", "1e300", "-1e300", "1e-300", "1e-310", "1.7e308", "-0.0"],
    "single": ["nan", "inf", "-inf", "1e35", "-1e35", "1e-35", "1e-40", "3.3e38", "-0.0"],
}
INTEGERS = ["2147483647", "-2147483648", "2147483646", "-1", "0"]
LONG_INTEGERS = ["9223372036854775807", "-9223372036854775808"]

#: Delays in milliseconds. Those that are refused reach 2**31 steps of any dt that is drawn; what
#: lies between them and the long ones is a question of memory.
DELAYS = {
    "below zero": ["-0.3", "-0.06", "-20", "-1e9", "-1e300"],
    "rounded to zero": ["-1e-13", "-0.04", "1e-14", "0.0499"],
    "long": ["3", "50", "1000"],
    "refused": ["nan", "inf", "-inf", "7e8", "1e300"],
}

#: ``a`` and ``b`` are floats around zero, multiples of 0.1 but for rounding; ``k`` is an integer.
REMAINDERS = [
    "a % 0.1", "a // 0.1", "a % (-0.3)", "a // (-0.3)", "a % b", "a // b", "b % a",
    "(i*0.1) % 0.1", "(i*0.1) // 0.1", "(t/ms) % 0.1", "(t/ms) // 0.1", "-a % 0.7", "a % inf",
    "a % 1e-300", "(a*1e10) % 0.1", "k % 0.3", "k // 0.3", "a % k", "0.7 % a", "a // 0", "a % 0",
]  # fmt: skip
#: The same for whole numbers; ``z`` is zero for some neurons, ``l`` the smallest there is.
WHOLE_REMAINDERS = [
    "k % 3", "k // 3", "k % (-3)", "k // (-3)", "(k - i) // (1 + i)", "(k - i) % (1 + i)",
    "(i - 2) % (-3)", "(i - 2) // 3",
]  # fmt: skip
WHOLE_BY_ZERO = ["k % z", "k // z", "i % z", "i // z", "l // z", "l // (-1 - z)", "l % (-1 - z)"]
#: ``H`` and ``h`` stand for a huge and a tiny number whose product is 1.
MAGNITUDES = [
    "a*h*h*H*H", "a*H*h", "a/(h*h)*h", "a/h/h*h*h", "H*a*H/H/H", "a*H/(1/h)", "(a*h)*(b*h)",
    "(a*h)/(b*h + h)", "exp(a*800)", "exp(-a*800)", "exp(a*800)*exp(-a*800)", "(a*H)**2",
    "(a*h)**2*H*H", "sqrt(abs(a)*H*H)", "exp(a)**8000", "a*H - a*H", "a*H*H - a*H*H",
    "tanh(a*H)", "a/(1 + exp(-a*H))", "exprel(a*h)", "expm1(a*h)*H", "log(abs(a)*h + h)*h",
    "sin(a*h)*H", "clip(a*H, -1, 1)", "int(a*H > 1)", "a*(H*h*h)*H", "a/(area*length)*volume",
]  # fmt: skip
CONVERSIONS = ["int(a*H)", "int(-a*H)", "int(0*a*H*H)", "int(1000*a)"]


def hostile(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """The network with one to four kinds of trouble."""
    kinds = [pick(draw, list(TROUBLE)) for _ in range(pick(draw, [1, 1, 2, 2, 3, 4]))]
    for kind in dict.fromkeys(kinds):
        description = troubled(draw, kind, description, groups)
    # not every network has a place for everything, but each has one for this
    return description if description.hazards else troubled(draw, "arithmetic", description, groups)


def troubled(
    draw: Draw, kind: str, description: Description, groups: Sequence[Drawn]
) -> Description:
    """The network with one kind of trouble, if it has a place for it."""
    changed = TROUBLE[kind](draw, description, groups)
    if changed == description:
        return description
    return replace(changed, hazards=(*changed.hazards, kind))


def first(description: Description, *lines: str) -> Description:
    """Statements ahead of the first run."""
    return replace(description, actions=(*lines, *description.actions))


def last(description: Description, *lines: str) -> Description:
    """Statements after all others."""
    return replace(description, actions=(*description.actions, *lines))


def anywhere(draw: Draw, description: Description, *lines: str) -> Description:
    """Statements ahead of one of the runs, or ahead of one more."""
    if some(draw, 40):
        return last(description, *lines, run(draw))
    return first(description, *lines)


def run(draw: Draw) -> str:
    return f"network.run({draw(st.integers(1, 9)) * 0.2:.1f}*ms)"


def exchanged(things: tuple, old: object, new: object) -> tuple:
    return tuple(new if thing is old else thing for thing in things)


def values(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Values of neurons that are no numbers, or the largest and smallest."""
    lines = []
    for group in groups:
        wide = "np.int64" in repr(group.neurons)
        for target in subset(draw, group.writable, 50):
            lines.append(value(draw, f"{group.name}.{target.name}", target, description, wide))
    return anywhere(draw, description, *lines) if lines else description


def value(draw: Draw, name: str, target: Target, description: Description, wide: bool) -> str:
    if target.kind == "boolean":
        return f"{name} = 'i % 2 == 0'" if not target.shared else f"{name} = True"
    if target.kind == "integer":
        extreme = pick(draw, INTEGERS + LONG_INTEGERS * wide)
    else:
        extreme = pick(draw, FLOATS[description.precision])
    unit = f"*{target.unit}" if target.unit else ""
    if target.shared:
        return f"{name} = {extreme}{unit}"
    forms = [f"{name}{where} = {extreme}{unit}" for where in ("", "[0]", "[-1]", "['i == N - 1']")]
    if target.kind == "float":
        forms += [f"{name} = '{extreme}*i{unit}'", f"{name} = '{name.partition('.')[2]}*{extreme}'"]
    return pick(draw, forms)


def constants(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Constants of the script."""
    extreme = pick(draw, FLOATS[description.precision])
    old, new = pick(draw, [("level = ", extreme), ("tau = ", f"{extreme.lstrip('-')}*ms")])
    lines = tuple(old + new if one.startswith(old) else one for one in description.preamble)
    return replace(description, preamble=lines)


def weights(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Weights of synapses."""
    lines = []
    for one in description.connections:
        if "w : 1" in one.equations:
            extreme = pick(draw, FLOATS[description.precision])
            forms = [
                f"w = {extreme}",
                f"w['i == 0'] = {extreme}",
                f"w['j == N_post - 1'] = {extreme}",
                f"w = '{extreme}*(i - j)'",
            ]
            lines.append(f"{one.name}.{pick(draw, forms)}")
    return anywhere(draw, description, *lines) if lines else description


def rates(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Rates for which the outcome is still certain."""
    sources = []
    for one in description.sources:
        if one.kind == "PoissonGroup" or some(draw, 60):
            extreme = pick(draw, ["inf*Hz", "nan*Hz", "-1*Hz", "'1e300*Hz*i'", "'-inf*Hz*i'"])
            size = one.arguments[:1]
            one = replace(one, kind="PoissonGroup", arguments=size, options=(("rates", extreme),))
        sources.append(one)
    return replace(description, sources=tuple(sources))


def delays(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Delays that are negative, not finite, far too long, or next to nothing."""
    with_paths = [one for one in description.connections if one.pathways]
    if not with_paths:
        return description
    one = pick(draw, with_paths)
    path = pick(draw, one.pathways)
    kind = pick(draw, ["below zero", "refused", "below zero", "refused", *DELAYS])
    amount, name = pick(draw, DELAYS[kind]), f"{one.name}.{path.name}.delay"
    scalar = some(draw, 30)
    wanted = f"{amount}*ms" if scalar else f"'{amount}*ms'"
    paths = exchanged(one.pathways, path, replace(path, delay=wanted))
    settings = tuple(line for line in one.settings if not line.startswith(name))
    connections = exchanged(
        description.connections, one, replace(one, pathways=paths, settings=settings)
    )
    description = replace(description, connections=connections)
    repaired = f"{name} = 0.2*ms"
    if scalar:
        assigned = f"{name} = {amount}*ms"
    else:
        assigned = pick(
            draw,
            [
                f"{name} = '{amount}*ms'",
                f"{name} = '{amount}*ms*(1 - i) + 0.1*ms*j'",
                f"{name} = linspace({amount}, 0.5, len({one.name}))*ms",
                f"{name}['i == 0'] = {amount}*ms",
                f"{name}['j == N_post - 1'] = {amount}*ms",
            ],
        )
        description = anywhere(draw, description, assigned)
    if some(draw, 40):
        label = repr("with these delays")
        description = last(description, f"network.store({label})", repaired, run(draw))
        description = last(description, f"network.restore({label})", run(draw))
    if some(draw, 60):
        description = last(description, repaired, run(draw))
    if some(draw, 30):
        description = last(description, assigned, run(draw), repaired, run(draw))
    return description


def restored(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """States of fewer and of more synapses, of other delays and another dt."""
    changes = []
    for one in description.connections:
        changes.append(f"{one.name}.connect(i=[0, 0], j=[0, 0])")
        for path in one.pathways:
            if path.delay is not None:
                amount = pick(draw, ["0", "0.7", "2.1"])
                changes.append(f"{one.name}.{path.name}.delay = {amount}*ms")
    if not any("period" in repr(source) for source in description.sources):
        changes.append(f"defaultclock.dt = {description.dt}/2")
    changes = [line for line in changes if some(draw, 60)]
    lines = ["network.store('early')", *changes, run(draw), "network.store('late')"]
    lines += ["network.restore('early')", run(draw), "network.restore('late')", run(draw)]
    return last(description, *lines)


def names(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Two tables, two functions and two constants of the same name, and two networks of groups."""
    factors = [number(draw), number(draw)]
    preamble = []
    for k, factor in enumerate(factors):
        # the second table has another form, too
        numbers = f"[{factor}, -0.21, 0.62]" if k == 0 else f"[{factor}, 0.45]"
        preamble += [
            f"table_{k} = TimedArray({numbers}, dt={pick(draw, ['0.3', '0.5'])}*ms, name='table')",
            # one element: a smaller network has both or none
            f"@check_units(x=1, result=1)\ndef bent(x):\n    return {factor}*x + {k}\n"
            f"bent_{k} = implementation('cpp', "
            f"'double bent(double x) {{ return {factor}*x + {k}; }}', name='bent')(bent)",
        ]
    made = []
    for k, group in enumerate(description.groups):
        mine, other = (k % 2, 1 - k % 2) if some(draw, 80) else (1 - k % 2, k % 2)
        namespace = (
            f"{{'drive': table_{mine}, 'bend': bent_{mine}, 'scale': {factors[mine]},"
            f" 'drive_2': table_{other}, 'bend_2': bent_{other}}}"
        )
        terms = ["drive(t)", "bend(scale)", "drive(t - 0.2*ms)*bend(drive(t))"]
        terms += ["drive_2(t)", "bend_2(drive(t))"] if some(draw, 50) else []
        code = f"got += {' + '.join(subset(draw, terms, 70) or terms[:1])}"
        group = replace(
            group,
            equations=(*group.equations, "got : 1", "twice = 2*drive(t) + bend(scale) : 1"),
            options=(*group.options, ("namespace", namespace)),
            operations=(*group.operations, Regular((code, "got -= 0.3*twice"))),
            settings=(*group.settings, f"{group.name}.got = 'bend(0.1*i) + drive(i*0.4*ms)'"),
        )
        made.append(group)
    description = replace(
        description, preamble=(*description.preamble, *preamble), groups=tuple(made)
    )
    if some(draw, 50):
        description = last(
            description,
            "twin = NeuronGroup(3, 'dv/dt = (1.5 - v)/(1.1*ms) : 1', threshold='v > 0.8',"
            f" reset='v = 0', method='exact', name={description.groups[0].name!r})",
            "ear = SpikeMonitor(twin, name='spikes_0')",
            "elsewhere = Network(twin, ear)",
            "elsewhere.run(2.2*ms)",
            run(draw),
            "elsewhere.run(1.1*ms)",
            "found += [*twin.v[:], *ear.t_[:]]",
        )
    return description


def arithmetic(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Remainders, magnitudes, and whole numbers at their ends."""
    group = pick(draw, description.groups)
    huge = "1e200" if description.precision == "double" else "1e25"
    sets = [REMAINDERS, MAGNITUDES, CONVERSIONS]
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        form = scaled(pick(draw, pick(draw, sets)), huge)
        lines.append(pick(draw, ["a_1 = {}", "a_2 = {}", "a_1 = 0.5*a_1 + {}"]).format(form))
    for _ in range(draw(st.integers(0, 2))):
        form = pick(draw, WHOLE_REMAINDERS if some(draw, 60) else WHOLE_BY_ZERO)
        lines.append(pick(draw, ["k_1 = {}", "k_2 = {}"]).format(form))
    settings = [
        f"{group.name}.a = '{pick(draw, ['i*0.1 - 0.2', '0.3*i - 0.6', '(2 - i)*0.7'])}'",
        f"{group.name}.b = '{pick(draw, ['0.1*(1 + i)', '-0.1*(1 + i)', '0.3'])}'",
        f"{group.name}.k = '{pick(draw, ['i - 2', '7*i - 11', 'i'])}'",
        f"{group.name}.z = 'i - {draw(st.integers(0, 3))}'",
        f"{group.name}.l = -2147483648",
    ]
    if some(draw, 40):  # set-up code
        form = pick(draw, REMAINDERS)
        settings.append(f"{group.name}.a_2 = '{form.replace('t/ms', 'i*0.3')}'")
    equations = ("a : 1", "b : 1", "k : integer", "z : integer", "l : integer", "a_1 : 1",
                 "a_2 : 1", "k_1 : integer", "k_2 : integer")  # fmt: skip

    def renamed(text: str) -> str:
        """With names that the group has not."""
        return re.sub(r"\b([abkzl](_[12])?)\b", r"x\1", text)

    changed = replace(
        group,
        equations=(*group.equations, *map(renamed, equations)),
        operations=(*group.operations, Regular(tuple(map(renamed, lines)))),
        settings=(*group.settings, *map(renamed, settings)),
    )
    description = replace(
        description,
        preamble=(
            *description.preamble,
            "area, length, volume = 1e-16, 1e-18, 1e-24"
            if description.precision == "double"
            else "area, length, volume = 1e-26, 1e-18, 1e-24",
        ),
        groups=exchanged(description.groups, group, changed),
    )
    if description.connections and some(draw, 30):
        one = pick(draw, description.connections)
        pattern = pick(draw, ["(i*0.1) % 0.1 < 0.05", "(0.1*j) // 0.1 == i", "(i - j) % (-3) == 0",
                              "i % j == 0", "j // i == 1", "(i - 0.3) // 0.7 < j"])  # fmt: skip
        description = replace(
            description,
            connections=exchanged(
                description.connections, one, replace(one, connect=f"condition={pattern!r}")
            ),
        )
    return description


def scaled(form: str, huge: str) -> str:
    """The numbers for ``H`` and ``h``."""
    return re.sub(r"\bh\b", huge.replace("e", "e-"), re.sub(r"\bH\b", huge, form))


def sizes(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Nothing where something is expected."""
    lines = []
    nobody = ["condition='False'", "i=[], j=[]", "p=0", "n=0"]
    connections = tuple(
        replace(one, connect=pick(draw, nobody)) if some(draw, 40) else one
        for one in description.connections
    )
    sources = tuple(
        replace(one, arguments=(one.arguments[0], "[]", "[]*ms"))
        if one.kind == "SpikeGeneratorGroup" and some(draw, 60)
        else one
        for one in description.sources
    )
    name = groups[0].name
    arguments = (name, repr(groups[0].readable[:1]))
    monitors = (Monitor("nothing", "StateMonitor", arguments, (("record", "[]"),)),)
    lines += [f"found.append(len({name}[1:1]))", f"found.append(len({name}[{groups[0].size}:]))"]
    if sources and sources[0].kind == "SpikeGeneratorGroup":
        lines.append(f"{sources[0].name}.set_spikes([], []*ms)")
    lines = [line for line in lines if some(draw, 50)]
    if some(draw, 50):
        description = replace(description, monitors=(*description.monitors, *monitors))
    description = replace(description, connections=connections, sources=sources)
    return anywhere(draw, description, *lines, "network.run(0*ms)")


def ends(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """The first and the last, one beyond, and one with itself."""
    connections, lines = [], []
    for one in description.connections:
        patterns = ["j='N_post - 1 - i'", "j='i + 1', skip_if_invalid=True", "j='i - 1'",
                    "i=0, j='N_post - 1'", "condition='i == N_pre - 1 or j == N_post - 1'",
                    "j='k for k in range(N_post - 1, N_post)'", "i=[0], j=[7]"]  # fmt: skip
        if some(draw, 30):
            lines.append(f"{one.name}.connect({pick(draw, patterns)})")
        if some(draw, 50):
            one = replace(one, connect=pick(draw, patterns[:2] + patterns[3:6]))
        if "w : 1" in one.equations:
            lines.append(f"{one.name}.w[-1] = {number(draw)}")
            lines.append(f"{one.name}.w[len({one.name})] = {number(draw)}")
        connections.append(one)
    monitors = []
    for k, group in enumerate(groups):
        if some(draw, 50):
            where = pick(draw, [group.name, f"{group.name}[{group.size - 1}:]"])
            what = pick(draw, ["True", "[0]", "[-1]", f"[{group.size - 1}]"])
            arguments = (where, repr(group.readable[:1]))
            if "far" not in group.readable:
                monitors.append(
                    Monitor(f"edge_{k}", "StateMonitor", arguments, (("record", what),))
                )
        if "spike" in group.events and "far" not in group.readable and some(draw, 50):
            monitors.append(
                Monitor(f"ear_{k}", "SpikeMonitor", (f"{group.name}[{group.size - 1}:]",))
            )
    for source in description.sources:
        if source.kind == "SpikeGeneratorGroup":
            end = source.size - pick(draw, [1, 1, 1, 0])
            lines.append(f"{source.name}.set_spikes([0, {end}], network.t + [0.31, 0.31]*ms)")
    description = replace(
        description,
        connections=tuple(connections),
        monitors=(*description.monitors, *monitors),
    )
    lines = [line for line in lines if some(draw, 50)]
    return anywhere(draw, description, *lines) if lines else description


def times(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """Times that never come, refractoriness without end, tables of nothing but doubt."""
    changed = []
    for group in description.groups:
        options = dict(group.options)
        if "refractory" in options and some(draw, 60):
            options["refractory"] = pick(
                draw, ["nan*ms", "inf*ms", "-1*ms", "1e300*ms", "'i*1e300*second'", "0*ms"]
            )
        changed.append(replace(group, options=tuple(options.items())))
    description = replace(description, groups=tuple(changed))
    tables = {
        "stimulus": "stimulus = TimedArray([nan, inf, -1e300, 0.13], dt={}*ms)",
        "steps": "steps = TimedArray([[nan, inf, -0.33], [1e-300, -0.25, -inf]], dt={}*ms)",
    }
    lines = []
    for line in description.preamble:
        table = line.partition(" ")[0]
        if table in tables and description.precision == "double":
            line = tables[table].format(pick(draw, ["0.4", "1e9", "0.0001", "1e12"]))
        lines.append(line)
    description = replace(description, preamble=tuple(lines))
    moves = []
    for source in description.sources:
        if source.kind == "SpikeGeneratorGroup":
            end = pick(draw, ["inf", "nan", "1e9", "-1", "1e300", "0"])
            moves.append(f"{source.name}.set_spikes([0, 0], [{end}, 2.13]*ms)")
    moves += ["network.run(-1*ms)", "defaultclock.dt = -0.1*ms"]
    moves += ["defaultclock.dt = 0*ms", "defaultclock.dt = nan*ms", "defaultclock.dt = inf*ms"]
    moves = [line for line in moves if some(draw, 30)]
    if not moves:
        return description
    return anywhere(draw, description, *moves, f"defaultclock.dt = {description.dt}")


def clocks(draw: Draw, description: Description, groups: Sequence[Drawn]) -> Description:
    """A dt that is neither half nor double: Brian's own queues write past their end there."""
    factor = pick(draw, ["0.3", "0.7", "3", "10", "0.1", "1.5"])
    lines = [f"defaultclock.dt = {factor}*{description.dt}", run(draw)]
    if some(draw, 40):
        lines += [f"defaultclock.dt = {description.dt}", run(draw)]
    return last(description, *lines)


#: Kinds of trouble by the label that they leave in a description.
TROUBLE: dict[str, Callable[[Draw, Description, Sequence[Drawn]], Description]] = {
    "delays": delays,
    "values": values,
    "arithmetic": arithmetic,
    "restored": restored,
    "names": names,
    "weights": weights,
    "constants": constants,
    "ends": ends,
    "sizes": sizes,
    "times": times,
    "rates": rates,
    "clocks": clocks,
}
