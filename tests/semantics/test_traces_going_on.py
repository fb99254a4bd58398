"""What is integrated in every time step, and kept by neurons; nobody who looks can tell."""

import numpy as np
import pytest
from brian2 import NeuronGroup, StateMonitor, Synapses, ms, second, set_device

from tests import devices
from tests.semantics.harness import Cases, check, observe
from tests.semantics.test_traces import network, on_cpu, said, seen

cases = Cases()

#: A trace and a gate of the source, a trace of the target, a weight of the synapse's own.
MODEL = """
w : 1
dx/dt = -x/(3*ms) : 1 (clock-driven)
ds/dt = -s/(9*ms) + 0.5*x*(1 - s)/ms : 1 (clock-driven)
dz/dt = (0.3 - z)/(5*ms) : 1 (clock-driven)
"""
ON_PRE = "g_post += w; x += 0.1; w = clip(w - 0.1*z, 0, 1)"
ON_POST = "z += 0.1; w = clip(w + 0.1*x*s, 0, 1)"

TSODYKS = """
w : 1
dx/dt = u/tau_rec : 1 (clock-driven)
du/dt = -u/(4*ms) : 1 (clock-driven)
dr/dt = -r/tau_f : 1 (event-driven)
tau_rec : second (constant)
tau_f : second (constant)
U : 1 (constant)
"""


def going_on(model=MODEL, on_pre=ON_PRE, on_post=ON_POST, delays="none", **arguments):
    net = network(model, on_pre, on_post, delays)
    for name, value in arguments.items():
        setattr(net["synapses"], name, value)
    return net


@cases.over(delays=["none", "pre", "both"])
def pairs(delays):
    net = going_on(delays=delays)
    net.run(9 * ms)
    return seen(net)


@cases.over(
    change=["w*s*(1 - w)", "0.1*(x + s)*z - w", "x*s*exp(-z)*g_post", "0.2*i*w*x"],
    delays=["none", "pre"],
)
def a_weight_integrated_with_them(change, delays):
    net = going_on(
        MODEL.replace("w : 1", f"dw/dt = ({change})/(5*ms) : 1 (clock-driven)"), delays=delays
    )
    net.run(9 * ms)
    return seen(net)


@cases.over(each=["800*us", "(1 + 0.1*i)*ms", "(1 + 0.1*i + 0.3*j)*ms"])
def constants_of_sources_or_synapses(each):
    net = going_on(
        TSODYKS, "r += U*(1 - r); u += r*x; x -= r*x; g_post += w*u", "",
        x=1, tau_f=each, tau_rec="(2 + 0.2*i)*ms", U=0.4,
    )  # fmt: skip
    net.run(9 * ms)
    return seen(net)


@cases.over(value=["w*s", "s", "x*v_post", "w*(s - v_post)"], delays=["none", "pre"])
def summed(value, delays):
    source = NeuronGroup(
        13, "dv/dt = (1.5 - v)/(2*ms) : 1\ntotal : 1", threshold="v > 1", reset="v = 0",
        method="euler", name="group",
    )  # fmt: skip
    source.v = "0.07*i"
    synapses = Synapses(
        source,
        source,
        """w : 1
           ds/dt = -s/(9*ms) + 0.5*x*(1 - s)/ms : 1 (clock-driven)
           dx/dt = -x/(3*ms) : 1 (clock-driven)
           total_post = """ + f"{value} : 1 (summed)",
        on_pre="x += 1",
        method="euler",
        name="more",
    )  # fmt: skip
    synapses.connect(condition="(3*i + j) % 4 != 0")
    synapses.w = "0.1 + 0.03*i + 0.04*j"
    if delays == "pre":
        synapses.delay = "0.1*ms*((i + j) % 3)"
    net = network()
    net.add(source, synapses)
    net.run(9 * ms)
    return {**seen(net), **observe(group=source, more=synapses)}


@cases.over(which=["x", "s", "z", "w"])
def recorded(which):
    net = going_on()
    net.add(StateMonitor(net["synapses"], which, record=[0, 3, 5], name="monitor"))
    net.run(9 * ms)
    return {**seen(net), **observe(monitor=net["monitor"])}


@cases.over(which=["x", "w"])
def changed_regularly(which):
    net = going_on()
    net.add(net["synapses"].run_regularly(f"{which} = 0.5*{which}", dt=1.3 * ms))
    net.run(9 * ms)
    return seen(net)


@cases
def one_that_follows_the_weight():
    """It depends on what each synapse has of its own, and stays there."""
    net = going_on(MODEL + "dy/dt = (x*w - y)/(2*ms) : 1 (clock-driven)\n")
    net.run(9 * ms)
    return seen(net)


@cases.over(what=["one", "all", "constant"])
def set_between_runs(what):
    net = going_on(MODEL + "U : 1 (constant)\n", ON_PRE.replace("x += 0.1", "x += U"), U=0.1)
    net.run(4 * ms)
    synapses = net["synapses"]
    if what == "one":
        synapses.x[3] = 0.7
    elif what == "all":
        synapses.x = 0.7
    else:
        synapses.U["i == 2 and j > 4"] = 0.2
    net.run(5 * ms)
    return seen(net)


@cases.over(writes=["", "x", "some x", "U", "some U"])
def looked_at_by_a_report(writes):
    """A report function sees present values, and may write."""
    net = going_on(MODEL + "U : 1 (constant)\n", ON_PRE.replace("x += 0.1", "x += U"), U=0.1)
    synapses, results = net["synapses"], {}

    def report(elapsed, completed, start, duration):
        results.setdefault("before", np.array(synapses.x[:]))
        if completed == 0 and "some" in writes:
            getattr(synapses, writes[-1])[2:4] = 0.5
        elif completed == 0 and writes:
            setattr(synapses, writes, 0.5)

    net.run(5 * ms, report=report, report_period=1000 * second)
    net.run(4 * ms, report=report, report_period=1000 * second)
    return {**seen(net), **observe(**results)}


@cases
def runs_in_between_of_another_kind():
    net = going_on()
    for steps in (3, 40, 1, 20):
        net.run(0.1 * steps * ms)
    return seen(net)


@pytest.fixture(params=[1, 3])
def kept(request, monkeypatch):
    """Let neurons keep what they can however short a run is, with so many threads."""
    always = devices.processor(request.param, share_always=request.param > 1, fitted_from=0)
    devices.set_defaults(monkeypatch, processor=always)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case, kept):
    check(case)


@on_cpu
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: pairs("none"), "Neurons keep 's', 'x', 'z' of 'synapses'"),
        (lambda: pairs("pre"), "few synapses of a neuron have the same delay"),
        (
            lambda: constants_of_sources_or_synapses("800*us"),
            "Neurons keep 'lastupdate', 'r', 'u', 'x' of 'synapses'",
        ),
        (
            lambda: constants_of_sources_or_synapses("(1 + 0.1*i + 0.3*j)*ms"),
            "Neurons keep 'lastupdate' of 'synapses'",
        ),
        (lambda: summed("w*s", "none"), "Neurons keep 's', 'x' of 'more'"),
        (lambda: recorded("x"), "Neurons keep 'z' of 'synapses'"),
        (lambda: recorded("w"), "Neurons keep 's', 'x', 'z' of 'synapses'"),
        (one_that_follows_the_weight, "Neurons keep 's', 'x', 'z' of 'synapses'"),
        (lambda: set_between_runs("one"), "not the same at all synapses of a neuron"),
        (lambda: set_between_runs("constant"), "not the same at all synapses of a neuron"),
        (lambda: set_between_runs("all"), "Neurons keep"),
        (lambda: looked_at_by_a_report("some U"), "not the same at all synapses of a neuron"),
        (lambda: looked_at_by_a_report("U"), "Neurons keep"),
    ],
)
def test_explained(function, expected, kept):
    assert expected in said(function)


@on_cpu
def test_any_number_of_threads(monkeypatch):
    """Results are the same, bit by bit."""
    results = []
    for threads in (1, 2, 3):
        always = devices.processor(threads, share_always=threads > 1, fitted_from=0)
        devices.set_defaults(monkeypatch, processor=always)
        devices.reset()
        set_device(devices.DEVICE)
        results.append(a_weight_integrated_with_them("x*s*exp(-z)*g_post", "none"))
    for other in results[1:]:
        for name, values in results[0].items():
            np.testing.assert_array_equal(other[name], values, err_msg=name)
