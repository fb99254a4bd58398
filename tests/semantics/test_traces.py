"""Neurons keep what their synapses have in common; nobody who looks at the synapses can tell."""

from collections.abc import Callable

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    all_devices,
    get_device,
    ms,
    second,
    set_device,
)

import brian2genn
from tests import devices
from tests.semantics.harness import Cases, Result, check, observe

cases = Cases()

#: Traces on both sides; some decay to zero, some to another value.
PAIR = """
w : 1
dx/dt = -x/(3*ms) : 1 (event-driven)
dy/dt = (0.3 - y)/(5*ms) : 1 (event-driven)
"""
ON_PRE = "g_post += w; x += 0.1; w = clip(w - 0.1*y, 0, 1)"
ON_POST = "y += 0.1; w = clip(w + 0.1*x, 0, 1)"


def spikes(n: int, seed: int = 5, until: int = 80, name: str = "source") -> SpikeGeneratorGroup:
    random = np.random.default_rng(seed)
    pairs = np.stack((random.integers(0, n, 6 * n), random.integers(0, until, 6 * n)))
    who, when = np.unique(pairs, axis=1)
    return SpikeGeneratorGroup(n, who, when * 0.1 * ms, name=name)


def network(
    model: str = PAIR,
    on_pre: object = ON_PRE,
    on_post: str = ON_POST,
    delays: str = "none",
    n_targets: int = 11,
) -> Network:
    """Some sources, some targets that spike on their own, and synapses between them."""
    source, times = spikes(7), spikes(n_targets, 6, name="times")
    target = NeuronGroup(n_targets, "g : 1\nfire : boolean", threshold="fire", reset="fire = False",
                         name="target")  # fmt: skip
    clamp = Synapses(times, target, on_pre="fire_post = True", name="clamp")
    clamp.connect(j="i")
    synapses = Synapses(source, target, model, on_pre=on_pre, on_post=on_post, name="synapses")
    synapses.connect(condition="(3*i + j) % 4 != 0")
    synapses.w = "0.1 + 0.03*i + 0.04*j"
    if delays in ("pre", "both"):
        synapses.pre.delay = "0.1*ms*((i + 7*j) % 5)"
    if delays in ("post", "both"):
        synapses.post.delay = "0.1*ms*((2*i + 3*j) % 4)"
    return Network(source, times, target, clamp, synapses)


#: What `explain` has said of synapses after the last run under the device.
told: list[str] = []


def seen(net: Network) -> Result:
    if get_device() is all_devices[devices.DEVICE]:
        told[:] = [line for line in str(brian2genn.explain(net)).splitlines() if "keep" in line]
    return observe(target=net["target"], synapses=net["synapses"], net=net)


@cases
def values_that_are_no_rounding_errors_of_zero():
    """Synapses of one neuron have other ones, however small these are."""
    model = "w : 1\nz : 1\ndx/dt = -x/(3*ms) : 1 (event-driven)"
    net = network(model, "z *= 0.75; g_post += 1e300*z; x += 0.1", "")
    net["synapses"].z = "1e-300*(1 + i + 2*j)"
    net.run(4 * ms)
    return seen(net)


@cases.over(delays=["none", "pre", "post", "both"])
def pairs(delays):
    net = network(delays=delays)
    net.run(9 * ms)
    return seen(net)


#: What has variables at each synapse that depend on its own constants and on what its source keeps.
DEPRESSED = """
w : 1
tau : second (constant)
dR/dt = (1 - R)/tau : 1 (event-driven)
dx/dt = -x/(3*ms) : 1 (event-driven)
dy/dt = -y/(4*ms) : 1 (event-driven)
"""


@cases.over(n_targets=[47, 700], delays=["none", "pre"], on_post=["", ON_POST])
def long_runs(n_targets, delays, on_post):
    """More synapses beside each other than a vector or a chunk has, and some left over."""
    net = network(
        DEPRESSED, "x += 0.1; g_post += w*R*x; R -= 0.3*R; w = clip(w - 0.1*y, 0, 1)",
        on_post, delays, n_targets,
    )  # fmt: skip
    net["synapses"].R, net["synapses"].tau = 1, "(5 + 0.01*(i + 3*j))*ms"
    if delays == "pre":
        net["synapses"].pre.delay = "0.1*ms*(j*3//N_post)"
    net.run(9 * ms)
    return seen(net)


@cases
def triplets():
    net = network(
        """w : 1
           dr1/dt = -r1/(2*ms) : 1 (event-driven)
           dr2/dt = -r2/(9*ms) : 1 (event-driven)
           do1/dt = -o1/(3*ms) : 1 (event-driven)
           do2/dt = -o2/(11*ms) : 1 (event-driven)""",
        "g_post += w*r1; w = clip(w - o1*(0.01 + 0.1*r2), 0, 1); r1 += 1; r2 += 1",
        "w = clip(w + r1*(0.02 + 0.2*o2), 0, 1); o1 += 1; o2 += 1",
    )
    net.run(9 * ms)
    return seen(net)


@cases
def short_term_plasticity_of_sources():
    """All that there is belongs to the source, also the time of the last event."""
    net = network(
        """w : 1
           dR/dt = (1 - R)/(20*ms) : 1 (event-driven)
           du/dt = (0.2 - u)/(30*ms) : 1 (event-driven)""",
        "u += 0.2*(1 - u); g_post += w*u*R; R -= u*R", "", delays="pre",
    )  # fmt: skip
    net["synapses"].R = 1
    net.run(9 * ms)
    return seen(net)


@cases
def a_synapse_with_variables_of_its_own():
    """`z` depends on a constant of the synapse, so the time of the last event stays there."""
    net = network(
        PAIR + "tau : second (constant)\ndz/dt = -z/tau : 1 (event-driven)\n",
        ON_PRE + "; z += x", ON_POST + "; z -= 0.1*y",
    )  # fmt: skip
    net["synapses"].tau = "(1 + 0.1*i + 0.3*j)*ms"
    net.run(9 * ms)
    return seen(net)


@cases.over(delay=[0, 3, "each"])
def two_pathways_on_a_side(delay):
    net = network(on_pre={"pre": "g_post += w", "learn": "x += 0.1; w = clip(w - 0.1*y, 0, 1)"})
    net["synapses"].pre.delay = 0.2 * ms
    if delay == "each":
        net["synapses"].learn.delay = "0.1*ms*((i + j) % 3)"
    else:
        net["synapses"].learn.delay = 0.1 * delay * ms
    net.run(9 * ms)
    return seen(net)


@cases
def a_decay_of_another_kind():
    """Two steps are not one here, so each synapse keeps what it has."""
    net = network(
        "w : 1\nx : 1\nlast : second",
        "x = x/(1 + (t - last)/ms) + 0.1; last = t; g_post += w*x",
        "x = x/(1 + (t - last)/ms); last = t; w += 0.1*x",
    )
    net.run(9 * ms)
    return seen(net)


@cases.over(which=["x", "w", "lastupdate"])
def recorded(which):
    net = network()
    monitor = StateMonitor(net["synapses"], which, record=[0, 3, 5], name="monitor")
    net.add(monitor)
    net.run(9 * ms)
    return {**seen(net), **observe(monitor=monitor)}


@cases
def runs_one_after_the_other():
    net = network(delays="pre")
    results = {}
    for part in range(4):
        net.run((1 + part) * ms)
        results |= {f"{part}.{name}": value for name, value in seen(net).items()}
    return results


@cases.over(regrown=[0, 2, 5])
def never_is_minus_infinity(regrown):
    """Spike times that synapses keep, and one synapse that forgets them between two runs."""
    sources = SpikeGeneratorGroup(2, [0, 1, 0, 1], [1, 1.5, 6, 7] * ms)
    targets = SpikeGeneratorGroup(3, [0, 1, 2, 0, 1, 2], [2, 2.5, 3, 5, 5, 5.5] * ms)
    synapses = Synapses(
        sources,
        targets,
        "w : 1\ntpre : second",
        on_pre="tpre = t",
        on_post="w += 0.5*exp((tpre - t)/(5*ms))",
        name="synapses",
    )
    synapses.connect()
    synapses.w, synapses.tpre = 0.5, -np.inf * second
    net = Network(sources, targets, synapses)
    net.run(4 * ms)
    synapses.tpre[regrown] = -np.inf * second
    net.run(6 * ms)
    return observe(synapses=synapses)


@cases.over(what=["all", "one", "stamps", "tiny", "infinite"])
def values_set_between_runs(what):
    net = network()
    net.run(4 * ms)
    synapses = net["synapses"]
    if what == "all":
        synapses.x, synapses.y, synapses.lastupdate = 0.7, 0.1, 4 * ms
    elif what == "one":
        synapses.x[3] = 0.7
    elif what == "infinite":
        synapses.x[3] = np.inf
    elif what == "stamps":
        synapses.lastupdate[5] = 3.95 * ms
    else:
        synapses.x = "1e-300*i"
    net.run(5 * ms)
    return seen(net)


@cases
def synapses_added_between_runs():
    net = network()
    net.run(4 * ms)
    net["synapses"].connect(i=[0, 1, 2], j=[1, 1, 1])
    net.run(5 * ms)
    return seen(net)


@cases
def stored_with_spikes_in_flight():
    net = network(delays="pre")
    net.run(3 * ms)
    net.store()
    net.run(3 * ms)
    first = seen(net)
    net.restore()
    net.run(3 * ms)
    second_time = seen(net)
    return {**first, **{f"again.{name}": value for name, value in second_time.items()}}


@cases.over(writes=["", "x", "some x", "w"])
def looked_at_by_a_report(writes):
    """A report function sees present values, and may write."""
    net = network()
    synapses, results = net["synapses"], {}

    def report(elapsed, completed, start, duration):
        results.setdefault("before", np.array(synapses.x[:]))
        results.setdefault("before.w", np.array(synapses.w[:]))
        if completed == 0 and writes == "x":
            synapses.x = 0.5
        elif completed == 0 and writes == "some x":
            synapses.x[2:4] = 0.5
        elif completed == 0 and writes == "w":
            synapses.w = "0.01*i"

    net.run(5 * ms, report=report, report_period=1000 * second)
    net.run(4 * ms, report=report, report_period=1000 * second)
    return {**seen(net), **observe(**results)}


@pytest.fixture(params=[1, 3])
def kept(request, monkeypatch):
    """Let neurons keep what they can however short a run is, with so many threads."""
    always = devices.processor(request.param, share_always=request.param > 1, fitted_from=0)
    devices.set_defaults(monkeypatch, processor=always)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case, kept):
    check(case)


def said(function: Callable[[], Result]) -> str:
    """What `explain` says after a function was run under the device."""
    devices.reset()
    set_device(devices.DEVICE)
    function()
    return "\n".join(told)


on_cpu = pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")


@on_cpu
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: pairs("none"), "Neurons keep 'lastupdate', 'x', 'y' of 'synapses'"),
        (lambda: pairs("both"), "Neurons keep 'lastupdate', 'x', 'y' of 'synapses'"),
        (a_synapse_with_variables_of_its_own, "Neurons keep 'x', 'y' of 'synapses'"),
        (
            short_term_plasticity_of_sources,
            "Neurons keep 'R', 'lastupdate', 'u' of 'synapses'",
        ),
        (lambda: recorded("x"), "Neurons keep 'y' of 'synapses'"),
        (lambda: recorded("w"), "Neurons keep 'lastupdate', 'x', 'y' of 'synapses'"),
        (lambda: two_pathways_on_a_side("each"), "several pathways have delays of their own"),
        (lambda: values_set_between_runs("one"), "not the same at all synapses of a neuron"),
        (lambda: values_set_between_runs("infinite"), "not the same at all synapses of a neuron"),
        (lambda: values_set_between_runs("all"), "Neurons keep"),
        (runs_one_after_the_other, "Neurons keep"),
        (lambda: looked_at_by_a_report("some x"), "not the same at all synapses of a neuron"),
    ],
)
def test_explained(function, expected, kept):
    assert expected in said(function)


@on_cpu
def test_not_kept_in_short_runs(monkeypatch):
    devices.set_defaults(monkeypatch, processor=devices.processor(fitted_from=1000))
    assert "Each synapse keeps 'lastupdate', 'x', 'y' of 'synapses'" in said(lambda: pairs("none"))
