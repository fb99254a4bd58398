"""What a thread has only written, it keeps for the next steps of its task."""

import re

import numpy as np
import pytest
from brian2 import (
    Network,
    NetworkOperation,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

from tests.semantics.harness import compare, observe


def cells(dt=None) -> NeuronGroup:
    group = NeuronGroup(
        150, "dv/dt = (1.4 - v)/(4*ms) : 1 (unless refractory)\nn : integer\nseen : integer",
        threshold="v > 1", reset="v = 0.1*rand()", refractory="(1 + i % 3)*ms", method="exact",
        name="cells", dt=dt,
    )  # fmt: skip
    group.v = "rand()"
    return group


@pytest.fixture
def texts(shim):
    """The programs that were made."""
    made = []
    build = shim.build

    def remember(text, **kwds):
        made.append(text)
        return build(text, **kwds)

    shim.build = remember
    return made


def both(script) -> None:
    """Compare a script's results with the processor's."""
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(11)
        results.append(script())
    compare(*results)


def test_refractoriness_and_events(texts):
    def script():
        group = cells()
        links = Synapses(group, group, on_pre="n_post += 1", name="links")
        links.connect(j="(i + 7) % N")
        monitors = SpikeMonitor(group), PopulationRateMonitor(group)
        monitors += (StateMonitor(group, "v", record=[0, 149]),)
        Network(group, links, *monitors).run(9 * ms)
        assert monitors[0].num_spikes > 150
        return observe(group=group, spikes=monitors[0], rates=monitors[1], states=monitors[2])

    both(script)
    (text,) = [text for text in texts if "run_steps" in text]
    kept = set(re.findall(r"uint8_t &own_(\w+)", text))
    assert {name.removeprefix("cells_") for name in kept} == {"not_refractory", "_spikespace"}
    assert "events[_idx])" not in text, "nobody reads events back"


@pytest.mark.parametrize("of_the_update", [0.1, 0.3])
def test_a_step_that_is_not_due_writes_nothing(shim, of_the_update):
    """With several clocks, what was not written has to be read."""

    def script():
        group = cells(dt=of_the_update * ms)
        group.run_regularly("seen += int(not_refractory)", dt=0.1 * ms, when="resets", order=1)
        spikes = SpikeMonitor(group)
        other = NeuronGroup(3, "dx/dt = 1/ms : 1", dt=0.1 * ms, method="euler")
        Network(group, spikes, other).run(9 * ms)
        assert np.any(group.seen[:] != group.seen[0])
        return observe(group=group, spikes=spikes)

    both(script)


@pytest.mark.parametrize("when", ["thresholds", "resets"])
def test_the_host_comes_in_between(shim, when):
    """It may change what the steps before it have written."""

    def script():
        group = cells()
        spikes = SpikeMonitor(group)

        def change() -> None:
            group.not_refractory[:50] = False

        operation = NetworkOperation(change, when=when, order=-1, dt=0.4 * ms)
        Network(group, spikes, operation).run(9 * ms)
        return observe(group=group, spikes=spikes)

    both(script)
