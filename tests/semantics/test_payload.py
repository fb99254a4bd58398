"""Spikes that bring along what is read of their synapses; results are the same, bit by bit."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    Synapses,
    defaultclock,
    ms,
    second,
    set_device,
)

import brian2genn
from tests import devices
from tests.semantics.harness import Cases, Result, check, check_any_threads, observe
from tests.together import for_one_process

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")

cases = Cases()


def network(
    on_pre: str = "g_post += w", model: str = "w : 1", n: int = 40, longest: int = 9
) -> Network:
    """Neurons that fire by themselves; each synapse has a delay, some pairs have two synapses."""
    random = np.random.default_rng(7)
    neurons = NeuronGroup(
        n, "dv/dt = (1.3 + 0.02*i + g - v)/ms : 1\ng : 1\nu : 1", threshold="v > 1",
        reset="v = 0; g *= 0.5", method="euler", name="neurons",
    )  # fmt: skip
    synapses = Synapses(neurons, neurons, model, on_pre=on_pre, name="synapses")
    synapses.connect(i=random.integers(0, n, 25 * n), j=random.integers(0, n, 25 * n))
    if "w :" in model:
        synapses.w = "0.001*(1 + i) - 0.0003*j"
    synapses.pre.delay = defaultclock.dt * random.integers(0, longest, 25 * n)
    return Network(neurons, synapses)


def seen(net: Network) -> Result:
    return observe(neurons=net["neurons"], synapses=net["synapses"])


#: What deliveries may read: two neurons, weights of several kinds, none, what changes.
CODES = {
    "a weight": ("g_post += w", "w : 1"),
    "no weight": ("g_post += 0.01", ""),
    "two": ("g_post += w; u_post += x", "w : 1\nx : 1"),
    "of the source": ("g_post += w*u_pre; u_post = u_post*0.9 + w", "w : 1"),
    "to both": ("g_post += w; u_pre -= 0.1*w", "w : 1"),
    "numbers": ("g_post += w*k", "w : 1\nk : integer (constant)"),
    "a condition": ("g_post += w*int(v_post > 0.3)*int(b)", "w : 1\nb : boolean"),
    "not only added": ("g_post = clip(g_post + w, -0.1, 0.1)", "w : 1 (constant)"),
    "shared": ("g_post += w*s", "w : 1\ns : 1 (shared)"),
}


@cases.over(code=list(CODES))
def many_codes(code):
    net = network(*CODES[code])
    synapses = net["synapses"]
    for name, value in {"x": "0.1*j", "k": "i % 3", "b": "j % 2 == 0", "s": 0.5}.items():
        if name in synapses.variables:
            setattr(synapses, name, value)
    net.run(6 * ms)
    net.run(3 * ms)
    return seen(net)


@cases.single
def weights_of_four_bytes():
    net = network()
    net.run(4 * ms)
    return seen(net)


@cases
def weights_set_between_runs():
    """Spikes on their way arrive with the weights of their arrival."""
    net = network()
    for factor in (1, -1, 0):
        net["synapses"].w *= factor
        net.run(1.5 * ms)
    return seen(net)


@cases
def weights_set_while_it_runs():
    net = network()

    def report(elapsed, completed, start, duration):
        net["synapses"].w[3::2] = "0.002*j"

    net.run(2 * ms)
    net.run(4 * ms, report=report, report_period=1e-9 * second)
    return seen(net)


@cases
def stored_and_restored_in_flight():
    net = network()
    net.run(3 * ms)
    net.store()
    net.run(2 * ms)
    first = seen(net)
    net.restore()
    net["synapses"].w *= 2
    net.run(2 * ms)
    return {**first, **{f"again.{name}": value for name, value in seen(net).items()}}


@cases
def delays_set_in_flight():
    net = network()
    for step in (0, 2, 1):
        net["synapses"].pre.delay = net["synapses"].pre.delay[:] + step * defaultclock.dt
        net.run(1.5 * ms)
    return seen(net)


@cases
def more_synapses_in_flight():
    net = network()
    net.run(2 * ms)
    net["synapses"].connect(i=[0, 1, 2], j=[5, 5, 6])
    net["synapses"].w[-3:] = 0.01
    net.run(2 * ms)
    return seen(net)


@cases
def dt_changed_in_flight():
    net = network()
    net.run(2 * ms)
    defaultclock.dt = 0.05 * ms
    net.run(2 * ms)
    return seen(net)


@cases
def many_at_once_fill_more_than_a_block():
    """All neurons fire together, again and again: thousands of events in a time step."""
    source = SpikeGeneratorGroup(
        300, np.tile(np.arange(300), 6), np.repeat(np.arange(6), 300) * 0.3 * ms, name="source"
    )
    target = NeuronGroup(11, "g : 1", name="target")
    synapses = Synapses(source, target, "w : 1", on_pre="g_post = 0.99*g_post + w", name="synapses")
    synapses.connect()
    synapses.w = "0.01*(i % 7) - 0.001*j"
    synapses.delay = "0.1*((i + 3*j) % 5)*ms"
    net = Network(source, target, synapses)
    net.run(3 * ms)
    return observe(target=target)


@cases
def subgroups():
    net = network()
    neurons = net["neurons"]
    more = Synapses(neurons[5:30], neurons[2:40], "w : 1", on_pre="u_post += w", name="more")
    more.connect()
    more.w = "0.01*i - 0.002*j"
    more.delay = "0.1*((i + 3*j) % 7)*ms"
    net.add(more)
    net.run(4 * ms)
    return {**seen(net), **observe(more=more)}


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case, monkeypatch):
    devices.set_defaults(monkeypatch, processor=devices.processor(fitted_from=0))
    check(case)


@pytest.mark.parametrize("case", cases, ids=str)
def test_any_number_of_threads(case, monkeypatch):
    check_any_threads(case, case.run("runtime"), monkeypatch, fitted_from=0)


def test_same_bits_without(monkeypatch):
    """Runs that are too short for it have the same results."""
    results = []
    for least in (0, 10**9):
        devices.reset()
        set_device(devices.DEVICE)
        devices.set_defaults(monkeypatch, processor=devices.processor(fitted_from=least))
        results.append([many_codes(code) for code in CODES])
    for one, other in zip(*results, strict=True):
        for name, value in one.items():
            assert np.array_equal(value, other[name]), name


@for_one_process
@pytest.mark.parametrize(
    ("code", "expected"),
    [(code, code not in ("a condition",)) for code in CODES] + [("written", False)],
)
def test_explained(code, expected, monkeypatch):
    devices.reset()
    set_device(devices.DEVICE)
    devices.set_defaults(monkeypatch, processor=devices.processor(fitted_from=0))
    net = network(*CODES.get(code, ("g_post += w; w *= 0.99", "w : 1")))
    net.run(1 * ms)
    told = "Spikes bring along what is read of their synapses: synaptic pathway 'synapses_pre'."
    assert (told in str(brian2genn.explain(net))) == expected
