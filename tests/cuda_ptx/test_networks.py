"""Networks of every kind, executed as NVRTC compiles them: right, in their memory, without races.

`make test-cuda` runs all tests of semantics in this way.
"""

import pytest
from brian2 import (
    Cylinder,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PoissonInput,
    PopulationRateMonitor,
    Soma,
    SpatialNeuron,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    ms,
    network_operation,
    ohm,
    pA,
    run,
    seed,
    set_device,
    uF,
    um,
)
from brian2.units import cm

from emulation.ptx.driver import PtxDriver
from tests import devices
from tests.semantics.harness import compare, observe


def recurrent():
    """Noise, two pathways with different delays, a refractory period, all monitors."""
    cells = NeuronGroup(
        150, "dv/dt = (1.2 - v)/(5*ms) + 0.1*xi/ms**0.5 : 1 (unless refractory)\nn : integer",
        threshold="v > 1", reset="v = 0.1*rand(); n += 1", refractory=1 * ms, method="euler",
    )  # fmt: skip
    cells.v = "i/150."
    one = Synapses(cells, cells, "w : 1", on_pre="v_post += w", on_post="w *= 0.99")
    one.connect(p=0.2)
    one.w = "0.02*rand()"
    one.delay = "1.5*ms*rand()"
    other = Synapses(cells, cells, on_pre="v_post -= 0.01", delay=0.4 * ms)
    other.connect(condition="abs(i - j) < 4 and i != j")
    spikes = SpikeMonitor(cells, "v")
    state = StateMonitor(cells, ("v", "n"), record=[3, 70, 70, 149])
    rate = PopulationRateMonitor(cells)
    run(3 * ms)
    run(3 * ms)
    return observe(cells=cells, one=one, spikes=spikes, state=state, rate=rate)


def plastic():
    """Event-driven plasticity, a spike generator, Poisson inputs, summed variables."""
    inputs = SpikeGeneratorGroup(6, [0, 1, 2, 1, 5, 3] * 3, [k * 0.3 for k in range(18)] * ms)
    noise = PoissonGroup(40, rates="300*Hz*(1 + i/40.)")
    drive = TimedArray([0.0, 0.3, 0.1, 0.4], dt=1 * ms)
    cells = NeuronGroup(
        40, "dv/dt = (drive(t) + total - v)/(4*ms) : 1\ntotal : 1",
        threshold="v > 0.4", reset="v = 0",
        events={"low": "v < 0.05"}, method="exact",
    )  # fmt: skip
    cells.run_on_event("low", "v += 0.01")
    plastic = Synapses(
        inputs, cells,
        "w : 1\ndA/dt = -A/(3*ms) : 1 (event-driven)\ndB/dt = -B/(3*ms) : 1 (event-driven)",
        on_pre="v_post += w; A += 0.1; w = clip(w + B, 0, 1)",
        on_post="B -= 0.1; w = clip(w + A, 0, 1)",
        method="exact",
    )  # fmt: skip
    plastic.connect()
    plastic.w = "0.1 + 0.01*j"
    more = Synapses(noise, cells, on_pre="v_post += 0.05")
    more.connect("i == j")
    summed = Synapses(cells, cells, "total_post = 0.1*v_pre/N_post : 1 (summed)")
    summed.connect()
    spikes = SpikeMonitor(cells)
    run(5 * ms)
    return observe(cells=cells, plastic=plastic, spikes=spikes)


def noisy():
    """Numbers of distributions with few values, many, a single one, and none for certain."""
    cells = NeuronGroup(
        150, "dv/dt = -v/(5*ms) : 1\nk : integer\nn : integer", threshold="poisson(1.5) > 2",
        reset="n += poisson(0.2)",
    )  # fmt: skip
    inputs = [PoissonInput(cells, "v", n, rate * Hz, 0.1) for n, rate in ((100, 10), (2000, 900))]
    cells.run_regularly("k += poisson(0.01) + poisson(25) + poisson(400) + poisson(0)")
    synapses = Synapses(cells, cells, "m : integer", on_pre="m += poisson(3)")
    synapses.connect(j="i")
    Network(cells, inputs, synapses).run(3 * ms)
    return observe(cells=cells, synapses=synapses)


def with_python():
    """A function of Python's takes part in some time steps."""
    cells = NeuronGroup(70, "dv/dt = -v/(2*ms) : 1", threshold="v > 0.8", reset="v = 0.5*v")
    cells.v = "i/70."

    @network_operation(dt=0.5 * ms)
    def kick(t):
        cells.v += 0.2

    spikes = SpikeMonitor(cells)
    run(3 * ms)
    return observe(cells=cells, spikes=spikes)


def spatial():
    """A cable with a branch."""
    defaultclock.dt = 0.05 * ms
    tree = Soma(30 * um)
    tree.dendrite = Cylinder(length=100 * um, diameter=2 * um, n=5)
    tree.axon = Cylinder(length=200 * um, diameter=1 * um, n=7)
    tree.axon.left = Cylinder(length=50 * um, diameter=1 * um, n=3)
    neuron = SpatialNeuron(
        tree, "Im = 1e-4*siemens/cm**2*(-v) : amp/meter**2\nI : amp (point current)",
        Cm=1 * uF / cm**2, Ri=100 * ohm * cm, method="exponential_euler",
    )  # fmt: skip
    neuron.I[0] = 30 * pA
    run(2 * ms)
    return observe(neuron=neuron)


@pytest.mark.parametrize("script", [recurrent, plastic, noisy, with_python, spatial])
def test_agrees_with_the_processor(script, monkeypatch):
    devices.set_defaults(monkeypatch, setup_from=0)
    driver = PtxDriver(watch=True)
    results = []
    try:
        for backend in ("cpu", "cuda"):
            devices.reset()
            devices.use(driver)
            set_device("genn", backend=backend)
            seed(3)
            results.append(script())
    finally:
        devices.reset()
        devices.use(devices.shim)
    assert driver.counts["launches"] > 5
    compare(*results)
