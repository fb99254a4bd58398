"""Things of one name are two things; names that Brian counts up are no part of programs."""

import numpy as np
import pytest
from brian2 import (
    EventMonitor,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    linked_var,
    ms,
    set_device,
)

from brian2genn.backends.host import toolchain
from tests import devices
from tests.cuda_shim.driver import ShimDriver

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="compiles nothing")


@pytest.fixture
def compiled(monkeypatch):
    """The texts that compilers got."""
    texts = []
    original = toolchain._compile

    def counting(toolchain_, text, *rest):
        texts.append(text)
        return original(toolchain_, text, *rest)

    monkeypatch.setattr(toolchain, "_compile", counting)
    set_device("genn", backend="cpu")
    return texts


def _everything(k: int) -> list:
    """A network of all kinds of objects, with numbers of its own."""
    tau, rate = (5 + k) * ms, (10 + k) * Hz
    stimulus = TimedArray(np.arange(5.0) * k, dt=1 * ms)
    other = TimedArray(np.ones((3, 2)) * k, dt=2 * ms)
    first = NeuronGroup(
        12 + k,
        """dv/dt = (1.5 + 0.1*gain*stimulus(t) - v - gain/tau*ms)/tau : 1 (unless refractory)
           x : 1""",
        threshold="v > gain",
        reset="v = -gain*0.1",
        refractory=(1 + k) * ms,
        method="euler",
        namespace={"tau": tau, "stimulus": stimulus, "gain": k},
    )
    second = NeuronGroup(
        5,
        """dv/dt = (other(t, i % 2) - v)/tau : 1
           total : 1""",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        namespace={"tau": 2 * tau, "other": other},
        dt=0.2 * ms,
    )
    third = NeuronGroup(5, "partner : 1 (linked)\ny = partner : 1")
    third.partner = linked_var(first, "x", index=np.arange(5))
    first.v = "rand()*0.1*k"
    first.v[:3] = "0.3/gain"
    drive = PoissonGroup(4, rates=rate)
    given = SpikeGeneratorGroup(3, [0, 1, 2], [1, 2, 3] * ms)
    pathways = [
        Synapses(first, second, "w : 1", on_pre="v_post += w", on_post="w += 0.1"),
        Synapses(drive, first[2:7], on_pre="x_post += 1"),
        Synapses(given, first, on_pre="v_post += 0.1"),
        Synapses(first, second, "total_post = v_pre : 1 (summed)"),
    ]
    for pathway in pathways:
        pathway.connect("(i + j) % 3 == 0")
    pathways[0].delay = "0.1*ms*(i % 4)"
    second.run_regularly("v *= 0.9", dt=1 * ms)
    first.run_regularly("x += v*(v + -gain)")
    monitors = [
        SpikeMonitor(first, variables="v"),
        SpikeMonitor(second[1:4]),
        StateMonitor(first, ["v", "x"], record=[0, 3], dt=0.5 * ms),
        StateMonitor(pathways[0], "w", record=[0]),
        StateMonitor(third, "y", record=True),
        PopulationRateMonitor(drive),
        EventMonitor(second, "spike"),
    ]
    inputs = [
        PoissonInput(first, "x", N=10 * k, rate=rate, weight=0.3 - 0.1 * k),
        PoissonInput(second, "v", N=20, rate=rate, weight=0.01 * k),
    ]
    net = Network(first, second, third, drive, given, pathways, monitors, inputs)
    net.run(5 * ms)
    return [net, first, second, third, drive, given, pathways, monitors, inputs, stimulus, other]


def test_a_sweep_of_new_networks_compiles_once(compiled):
    kept = [_everything(1)]
    once = len(compiled)
    for k in range(2, 6):
        kept.append(_everything(k))
    for kind in ("neurongroup_", "synapses_"):
        names = {thing.name for network in kept for thing in network[0].objects}
        counts = [name.removeprefix(kind) for name in names if name.startswith(kind)]
        assert len({int(count) for count in counts if count.isdigit()}) > 10, "Brian has counted on"
    assert len(compiled) == once


def test_a_sweep_of_new_networks_compiles_once_for_a_gpu(compiled, monkeypatch):
    texts = set()

    class Counting(ShimDriver):
        def build(self, text, **options):
            texts.add(text)
            return super().build(text, **options)

    devices.set_defaults(monkeypatch, setup_from=0)  # set-up code, too
    devices.use(Counting())
    try:
        set_device("genn", backend="cuda")
        kept = [_everything(1)]
        once = len(texts), len(compiled)
        assert once[0] > 1
        kept += [_everything(k) for k in range(2, 4)]
        assert (len(texts), len(compiled)) == once
    finally:
        set_device("runtime")
        devices.reset()
        devices.use(devices.shim)
