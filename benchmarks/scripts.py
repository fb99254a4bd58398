"""Scripts of which people wait for more than the loop; `benchmarks.first_result` times them.

Each is a Brian 2 script inside a function, after its imports: it makes a network and runs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from benchmarks.networks import NETWORKS

#: Biological seconds of a network of the field; the loop's time is left out.
DURATION = 0.1


def network(name: str) -> None:
    """One of `benchmarks.networks`, and its spikes read."""
    from brian2 import BrianObject, Network, SpikeMonitor, second, seed

    seed(1)
    benchmark = NETWORKS[name]
    size = dict(benchmark.size)
    if benchmark.needs_duration:
        size["duration"] = DURATION
    names = importlib.import_module(f"benchmarks.networks.{benchmark.module}").build(**size)
    objects = [thing for thing in names.values() if isinstance(thing, BrianObject)]
    objects = [thing for thing in dict.fromkeys(objects) if thing.add_to_magic_network]
    Network(objects).run(DURATION * second, namespace=names)
    for monitor in objects:
        if isinstance(monitor, SpikeMonitor):
            monitor.t[:]


def assignments() -> None:
    """Thirty assignments and ten calls of ``connect``, no two of one text."""
    from brian2 import Network, NeuronGroup, Synapses, ms

    variables = [f"x{number}" for number in range(20)]
    cells = NeuronGroup(
        1000,
        "\n".join(["dv/dt = -v/(10*ms) : 1", *(f"{name} : 1" for name in variables)]),
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    for number, name in enumerate(variables):
        function = ("exp", "sin", "cos", "tanh")[number % 4]
        setattr(cells, name, f"{function}(i*1.0/N + {number}.5)" + "*rand()" * (number % 2))
    patterns = [
        {"p": 0.1},
        {"p": 0.1, "condition": "i != j"},
        {"condition": "abs(i - j) < 10"},
        {"condition": "abs(x0_pre - x1_post) < 0.1", "p": 0.5},
        {"j": "i"},
        {"j": "k for k in range(i - 5, i + 5)", "skip_if_invalid": True},
        {"j": "k for k in sample(N_post, p=0.1)"},
        {"j": "k for k in sample(N_post, size=10)"},
        {"i": "(j + 1) % N_pre"},
        {"condition": "i < j", "p": "0.1*exp(-abs(i - j)/100.0)"},
    ]
    made = []
    for number, pattern in enumerate(patterns):
        synapses = Synapses(cells, cells, "w : 1", on_pre="v_post += w")
        synapses.connect(**pattern)
        synapses.w = f"rand()*{number}.5*exp(-abs(i - j)/{number}00.5)"
        made.append(synapses)
    Network(cells, made).run(1 * ms)


def many_synapses(count: int = 60) -> None:
    """Sixty ``Synapses`` between groups of eleven variables."""
    from brian2 import Network, NeuronGroup, Synapses, ms

    model = ["dv/dt = (a0 + a1 + a2 - v)/(10*ms) : 1"]
    model += [f"da{k}/dt = -a{k}/({k + 2}*ms) : 1" for k in range(10)]
    cells = NeuronGroup(200, "\n".join(model), threshold="v > 1", reset="v = 0", method="euler")
    made = []
    for number in range(count):
        synapses = Synapses(cells, cells, "w : 1", on_pre=f"a{number % 10}_post += {number + 1}*w")
        synapses.connect(p=0.1)
        synapses.w = "rand()"
        synapses.delay = "rand()*ms"
        made.append(synapses)
    Network(cells, made).run(1 * ms)


def column(synapses_in_all: float) -> None:
    """A column of cortex: eighteen populations, 326 ``Synapses``.

    The shape is that of published multi-layer models with several kinds of interneurons: each two
    populations are connected, with weights and delays of their own, and receptors of three kinds.
    """
    from brian2 import (
        Network, NeuronGroup, PoissonGroup, SpikeMonitor, Synapses, Hz, mV, ms, nS, pA, pF,
    )  # fmt: skip

    constants = {
        "C": 200 * pF, "g_leak": 10 * nS, "E_leak": -70 * mV, "E_e": 0 * mV, "E_i": -80 * mV,
        "V_T": -50 * mV, "slope": 2 * mV, "tau_w": 100 * ms, "a": 2 * nS, "b": 10 * pA,
        "tau_ampa": 2 * ms, "tau_gaba": 5 * ms, "tau_nmda": 100 * ms,
    }  # fmt: skip
    model = """
    dv/dt = (g_leak*(E_leak - v) + g_leak*slope*exp((v - V_T)/slope) + I - w)/C
            : volt (unless refractory)
    dw/dt = (a*(v - E_leak) - w)/tau_w : amp
    I = (g_ampa + g_nmda/(1 + exp(-0.062*v/mV)/3.57))*(E_e - v) + g_gaba*(E_i - v) + I_ext : amp
    dg_ampa/dt = -g_ampa/tau_ampa : siemens
    dg_nmda/dt = -g_nmda/tau_nmda : siemens
    dg_gaba/dt = -g_gaba/tau_gaba : siemens
    I_ext : amp
    """
    populations = []
    for number in range(18):
        cells = NeuronGroup(
            2000 if number % 3 == 0 else 500,
            model,
            threshold="v > -40*mV",
            reset="v = E_leak; w += b",
            refractory=2 * ms,
            method="euler",
            namespace=constants,
        )
        cells.v = "E_leak + rand()*10*mV"
        populations.append(cells)
    pairs = [(source, target) for source in populations for target in populations]
    outside = PoissonGroup(500, rates=8 * Hz)
    pairs += [(outside, populations[0]), (outside, populations[3])]
    density = synapses_in_all / sum(source.N * target.N for source, target in pairs)
    made = []
    for number, (source, target) in enumerate(pairs):
        inhibits = source is not outside and populations.index(source) % 3
        on_pre = "g_gaba_post += weight" if inhibits else "g_ampa_post += weight"
        if not inhibits and number % 2:
            on_pre += "\ng_nmda_post += 0.1*weight"
        synapses = Synapses(source, target, "weight : siemens", on_pre=on_pre)
        synapses.connect(p=density)
        synapses.weight = "clip(0.1 + 0.02*randn(), 0, 1)*nS"
        synapses.delay = "clip(1.5 + 0.5*randn(), 0.1, 5)*ms"
        made.append(synapses)
    assert len(made) == 326
    Network(populations, outside, made, [SpikeMonitor(cells) for cells in populations]).run(10 * ms)


#: Synapses of the column, if no other number is asked for.
SYNAPSES = 34e6

#: By name: the script, what it is called, and seconds that it should take warm and cold.
SCRIPTS: dict[str, tuple[Callable[..., None], str, float, float]] = {
    "cuba": (partial(network, "cuba"), "CUBA", 0.25, 1.2),
    "cobahh": (partial(network, "cobahh"), "COBAHH", 0.25, 1.2),
    "stdp": (partial(network, "stdp"), "STDP", 0.25, 1.2),
    "brunel_hakim": (partial(network, "brunel_hakim"), "Brunel-Hakim", 0.25, 1.2),
    "mushroom_body": (partial(network, "mushroom_body"), "mushroom body", 0.25, 1.2),
    "assignments": (assignments, "30 assignments, 10 `connect`", 0.3, 1.5),
    "many_synapses": (many_synapses, "60 `Synapses` between groups of 11 variables", 0.5, 3.0),
    "column": (column, "a column: 326 `Synapses`, {synapses} synapses", 8.0, 15.0),
}
