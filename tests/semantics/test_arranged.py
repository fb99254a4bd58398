"""Synapses lie in the order in which spikes arrive; results are the same, bit by bit."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    ms,
    second,
    seed,
    set_device,
)

import brian2genn
from tests import devices
from tests.semantics.harness import Cases, Result, check, observe
from tests.together import for_one_process

pytestmark = pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")

cases = Cases()


def network(model: str, on_pre: str, on_post: str = "", **options: object) -> Network:
    """Seven sources, nine targets, synapses in no order with a delay for each of them."""
    random = np.random.default_rng(3)
    pairs = np.unique(np.stack((random.integers(0, 7, 60), random.integers(0, 80, 60))), axis=1)
    source = SpikeGeneratorGroup(7, pairs[0], pairs[1] * 0.1 * ms, name="source")
    target = NeuronGroup(
        9, "dv/dt = (g - v)/ms : 1\ng : 1", threshold="v > 0.3", reset="v = 0; g *= 0.5",
        method="euler", name="target",
    )  # fmt: skip
    synapses = Synapses(source, target, model, on_pre=on_pre, on_post=on_post, name="synapses")
    # some neurons are connected twice
    synapses.connect(i=random.integers(0, 7, 150), j=random.integers(0, 9, 150))
    synapses.w = "0.01*(1 + i) + 0.003*j"
    synapses.pre.delay = 0.1 * random.integers(0, 6, 150) * ms
    if options.get("post"):
        synapses.post.delay = 0.1 * random.integers(0, 4, 150) * ms
    return Network(source, target, synapses)


def seen(net: Network) -> Result:
    return observe(target=net["target"], synapses=net["synapses"])


@cases
def weights():
    net = network("w : 1 (constant)", "g_post += w")
    net.run(9 * ms)
    return seen(net)


@cases.over(post=[False, True])
def plastic(post):
    net = network(
        "w : 1\nx : 1\ny : 1", "g_post += w; x += 0.1*w; w *= 0.99",
        "y += x; w = clip(w + 0.01*x, 0, 1)", post=post,
    )  # fmt: skip
    net.run(9 * ms)
    return seen(net)


@cases
def of_both_neurons():
    net = network("w : 1\nz : 1", "g_post += w*v_post; z = exp(-v_post)*w", "z += exp(-w)")
    net.run(9 * ms)
    return seen(net)


@cases
def runs_with_other_delays():
    """What is in flight between two runs arrives at single synapses."""
    net = network("w : 1", "g_post += w; w *= 0.9")
    for factor in (1, 2, 1):
        net["synapses"].pre.delay = net["synapses"].pre.delay[:] * factor
        net.run(2.5 * ms)
    return seen(net)


@cases
def stored_and_restored():
    net = network("w : 1", "g_post += w; w *= 0.9")
    net.run(3 * ms)
    net.store()
    net.run(3 * ms)
    first = seen(net)
    net.restore()
    net.run(3 * ms)
    return {**first, **{f"again.{name}": value for name, value in seen(net).items()}}


@cases
def written_by_a_report():
    net = network("w : 1\nx : 1", "g_post += w; x += w")
    synapses, results = net["synapses"], {}

    def report(elapsed, completed, start, duration):
        results.setdefault("x", np.array(synapses.x[:]))
        if completed == 0:
            synapses.w = "0.001*i + 0.1*int(j == 3)"

    net.run(4 * ms)
    net.run(5 * ms, report=report, report_period=1000 * second)
    return {**seen(net), **results}


@cases.over(record=[[100, 0, 7], [5], True])
def recorded_weights(record):
    """Under their own numbers; where all are recorded, they stay where they are."""
    net = network("w : 1\nx = w*w - 1 : 1", "g_post += w; w *= 0.9")
    monitor = StateMonitor(net["synapses"], ["w", "x"], record=record, name="monitor")
    net.add(monitor)
    net.run(5 * ms)
    net["synapses"].w[record] += 0.1
    net.run(4 * ms)
    return {**seen(net), **observe(monitor=monitor)}


@cases.over(code=["w = w*0.99 + 1e-3", "w = clip(w + 0.01*v_post, 0, 1); y = w*2", "v_post += w"])
def changed_regularly(code):
    """For each synapse by itself; or so that the order makes a difference."""
    net = network("w : 1\ny : 1", "g_post += w")
    net["synapses"].run_regularly(code, dt=0.5 * ms, name="regularly")
    monitor = StateMonitor(net["synapses"], ["w", "y"], record=[149, 3], name="monitor")
    net = Network(*net.objects, monitor)
    net.run(9 * ms)
    return {**seen(net), **observe(monitor=monitor)}


@cases
def clock_driven():
    net = network("dx/dt = (g_post - x)/ms : 1 (clock-driven)\nw : 1", "g_post += w*x; x += w")
    net.run(5 * ms)
    net.run(4 * ms)
    return seen(net)


def released() -> Result:
    net = network("w : 1\nx : 1", "x = rand(); g_post += w*x")
    seed(5)
    net.run(9 * ms)
    return seen(net)


@pytest.fixture
def fitted(monkeypatch):
    """Sets the least number of steps and the number of threads."""

    def use(least: int, threads: int) -> None:
        made = devices.processor(threads, share_always=threads > 1, fitted_from=least)
        devices.set_defaults(monkeypatch, processor=made)

    return use


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case, threads, fitted):
    fitted(0, threads)
    check(case)


@pytest.mark.parametrize(
    "function", [weights, lambda: plastic(True), of_both_neurons, released],
    ids=["weights", "plastic", "of_both_neurons", "released"],
)  # fmt: skip
def test_same_bits_in_any_order(function, fitted):
    """Also random numbers: they belong to the synapses, wherever these lie."""
    results = []
    for least, threads in ((10**9, 1), (0, 1), (0, 3), (10**9, 3)):
        devices.reset()
        set_device(devices.DEVICE)
        fitted(least, threads)
        results.append(function())
    for other in results[1:]:
        for name, value in results[0].items():
            assert np.array_equal(value, other[name]), name


@for_one_process
@pytest.mark.parametrize(
    ("least", "expected"), [(0, "In the order in which spikes arrive"), (10**9, "")]
)
def test_explained(least, expected, fitted):
    devices.reset()
    set_device(devices.DEVICE)
    fitted(least, 1)
    net = network("w : 1 (constant)", "g_post += w")
    net.run(2 * ms)
    told = str(brian2genn.explain(net))
    assert ("In the order" in told) == bool(expected)
    assert expected in told


@for_one_process
@pytest.mark.parametrize(("n", "expected"), [(3, True), (100, False)])
def test_where_few_are_recorded(n, expected, fitted):
    devices.reset()
    set_device(devices.DEVICE)
    fitted(0, 1)
    net = network("w : 1", "g_post += w; w *= 0.9")
    net["synapses"].run_regularly("w *= 0.99", dt=0.5 * ms)
    net = Network(*net.objects, StateMonitor(net["synapses"], "w", record=np.arange(n)))
    net.run(2 * ms)
    assert ("In the order in which spikes arrive" in str(brian2genn.explain(net))) == expected


@for_one_process
def test_threads_find_their_targets_side_by_side():
    """They share out each run by target; what a target gets is the same, bit by bit."""
    found = []
    for threads in (1, 2, 3):
        devices.reset()
        set_device("genn", threads=threads)
        seed(3)
        net = network("w : 1", "g_post += w; w *= 0.99", "w = clip(w + 0.01, 0, 1)")
        net.run(300 * ms)
        assert "In the order in which spikes arrive" in str(brian2genn.explain(net))
        found.append((np.array(net["target"].v), np.array(net["synapses"].w)))
    for v, w in found[1:]:
        assert v.tobytes() == found[0][0].tobytes()
        assert w.tobytes() == found[0][1].tobytes()
