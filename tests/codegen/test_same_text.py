"""A network's text does not depend on what else there is, or has been, in the process.

Else one network would be compiled twice, and a result would depend, in its last digit, on what a
script has simulated before.
"""

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

import brian2genn
from brian2genn.codegen.c.program import print_program
from brian2genn.codegen.cuda.program import print_cuda_program
from brian2genn.frontend.network import translate
from brian2genn.model import expr as ex
from brian2genn.model.network import Network as Model
from brian2genn.transforms.pipeline import FOR_A_GPU, FOR_A_PROCESSOR, lower
from brian2genn.transforms.settle import settle


def adaptive() -> Network:
    """Products of several numbers of the script, in several orders."""
    group = NeuronGroup(
        5,
        """
        dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) - w)/C : 1
        dw/dt = (a*(v - EL) - w)/tau_w + k*DeltaT*gL*(v - w)*(w - v)/tau_w : 1
        rate = DeltaT*gL*k*a*(w - EL)*(v - EL) : 1
        """,
        threshold="v > VT + k*DeltaT*gL",
        reset="v = EL; w += gL*DeltaT*a*k + rate",
        method="euler",
        namespace={"gL": 1.5, "EL": 0.25, "DeltaT": 1.25, "VT": 0.75, "C": 10 * ms, "a": 0.5,
                   "tau_w": 30 * ms, "k": 0.1},
        name="adaptive",
    )  # fmt: skip
    noise = PoissonInput(group, "v", N=10, rate=100 * Hz, weight=0.1)
    return Network(
        group, noise, SpikeMonitor(group), StateMonitor(group, ["v", "w"], record=[0, 1])
    )


def channels() -> Network:
    """Products of variables, and functions of them."""
    group = NeuronGroup(
        4,
        """
        dv/dt = (g_l*(E - v) - g_na*m**3*h*(v - 0.5) + h*m*g_l*v)/ms : 1
        dm/dt = a_m/exprel((0.4 - v)/s)/ms*(1 - m) - h*m*s*a_m/ms : 1
        dh/dt = a_h*exp((0.2 - v)/(s*a_m))/ms*(1 - h) - m*h/(1 + exp((0.3 - v)/s))/ms : 1
        """,
        threshold="v > 0.7",
        refractory="v > 0.7",
        reset="",
        method="exponential_euler",
        namespace={"g_l": 0.1, "g_na": 12.0, "E": -0.6, "a_m": 0.3, "a_h": 0.2, "s": 0.1},
        name="channels",
    )
    return Network(group, SpikeMonitor(group))


def plastic() -> Network:
    """Synapses with traces, and events on both sides."""
    source = SpikeGeneratorGroup(3, [0, 1, 2], [0.1, 0.2, 0.3] * ms, name="source")
    group = NeuronGroup(
        3,
        "dv/dt = (g*R - v)/tau : 1\ndg/dt = -g/tau_g : 1\nR : 1",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        namespace={"tau": 10 * ms, "tau_g": 2 * ms},
        name="group",
    )
    synapses = Synapses(
        source,
        group,
        """
        w : 1
        dApre/dt = -Apre/taupre : 1 (event-driven)
        dApost/dt = -Apost/taupost : 1 (event-driven)
        """,
        on_pre="g_post += w*c*scale*R_post*dA; Apre += dA*w*scale*c; w += Apost*w*scale",
        on_post="Apost += c*scale*dA*w; w += w*scale*Apre*dA*c",
        namespace={"taupre": 20 * ms, "taupost": 15 * ms, "scale": 0.5, "dA": 0.01, "c": 2.0},
        name="synapses",
    )
    synapses.connect()
    return Network(source, group, synapses)


def graded() -> Network:
    """A sum over synapses, and code that is executed at each time step."""
    group = NeuronGroup(
        4,
        "dv/dt = (s*c*b*a - v)/tau + b*a*s*v*c/tau : 1\ns : 1\nu : 1",
        method="euler",
        namespace={"a": 0.5, "b": 0.3, "c": 0.7, "tau": 5 * ms},
        name="graded",
    )
    group.run_regularly("u = u*v*exp(c*a*b*v) + b*c*a*rand()*v*u")
    synapses = Synapses(
        group,
        group,
        "w : 1\ns_post = k*a*w*tanh(v_pre*a*k*b)*v_post : 1 (summed)",
        namespace={"a": 0.25, "b": 0.75, "k": 0.5},
        name="sums",
    )
    synapses.connect()
    return Network(group, synapses)


BUILDERS = (adaptive, channels, plastic, graded)


def texts(build: Callable[[], Network], directory: Path) -> dict[str, str]:
    """What is made of a network for each kind of processor."""
    net = build()
    script = brian2genn.export_genn(net, directory)
    found = {"genn": script.read_text()}
    for kind, passes, to_text in (
        ("cpu", FOR_A_PROCESSOR, print_program),
        ("cuda", FOR_A_GPU, print_cuda_program),
    ):
        model = translated(net)
        lower(model, passes)
        found[kind] = to_text(model).text
    return found


def translated(net: Network) -> Model:
    objects = net.sorted_objects
    net._clocks = {obj.clock for obj in objects}
    net.before_run({})
    try:
        translation = translate(objects, net._clocks, lambda *_: None, _raise, {})
        settle(translation.network, translation.slots, translation.ranks)
        return translation.network
    finally:
        net.after_run()


def _raise(name: str, error: Exception) -> str:
    raise error


def all_expressions() -> list[ex.Expr]:
    """What the networks are made of, as it is translated and as it is printed."""
    found: dict[int, ex.Expr] = {}
    for build in BUILDERS:
        model = translated(build())
        for passes in ((), FOR_A_PROCESSOR, FOR_A_GPU):
            copy = model.copied()
            lower(copy, passes)
            for kernel in copy.kernels():
                found.update((node.serial, node) for node in ex.walk(kernel.roots()))
    return list(found.values())


def remade(nodes: list[ex.Expr]) -> list[ex.Expr]:
    """Expressions made anew, in this order as far as their operands are there."""
    new: dict[int, ex.Expr] = {}
    for root in nodes:
        for node in ex.walk([root], lambda one: one.serial in new):
            args = [new[arg.serial] for arg in node.args]
            new[node.serial] = ex.make(node.op, args, node.attr, node.dtype)
    return list(new.values())


@pytest.fixture
def fresh(monkeypatch) -> Callable[[], None]:
    """Makes the process forget all expressions, as if it had just been started."""

    def forget() -> None:
        monkeypatch.setattr(ex, "_interned", WeakValueDictionary())
        monkeypatch.setattr(ex, "_serial", 0)

    set_device("genn", backend="cpu")
    seed(1)  # is part of what is written for GeNN
    forget()
    return forget


def test_what_is_kept_of_other_networks_does_not_matter(fresh, tmp_path):
    """Whatever has been made before, and in which order: texts are those of a new process."""
    folders = (tmp_path / str(number) for number in itertools.count())
    nodes = all_expressions()
    expected = {}
    for build in BUILDERS:
        fresh()
        expected[build] = texts(build, next(folders))
    order = random.Random(20261126)
    for share in (1.0, 1.0, 0.5, 0.2):
        fresh()
        order.shuffle(nodes)
        kept = remade(nodes[: int(share * len(nodes))])
        for build in order.sample(BUILDERS, len(BUILDERS)):
            for kind, text in texts(build, next(folders)).items():
                assert text == expected[build][kind], (build.__name__, kind)
        assert kept


def test_an_order_that_follows_from_the_expressions(fresh):
    """Leaves by their names, then what is computed of what comes first."""

    def parts() -> dict[str, ex.Expr]:
        a, b = (ex.make("param", attr=name) for name in "ab")
        v = ex.make("load", attr="v")
        return {
            "2.0": ex.const(2.0), "v": v, "a": a, "b": b,
            "v - a": ex.binary("sub", v, a), "v - b": ex.binary("sub", v, b),
            "exp(a)": ex.call("exp", [a], a.dtype), "exp(v)": ex.call("exp", [v], v.dtype),
        }  # fmt: skip

    expected = ["2.0", "v", "a", "b", "exp(v)", "exp(a)", "v - a", "v - b"]
    for shuffled in range(20):
        fresh()
        known = parts()
        order = list(known)
        random.Random(shuffled).shuffle(order)
        for number, text in enumerate(order):
            known[text].serial = number
        found = ex.in_order(known[text] for text in order)
        assert [text for node in found for text in known if known[text] is node] == expected
    deep = [ex.make("load", attr=name) for name in "vw"]
    for _ in range(10_000):
        deep = [ex.binary("mul", value, ex.const(0.5)) for value in deep]
    assert ex.in_order(deep) == deep and ex.in_order(deep[::-1]) == deep[::-1]
