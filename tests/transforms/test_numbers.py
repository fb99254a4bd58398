"""The numbers of a group's elements are computed where a loop goes through all of them."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    TimedArray,
    ms,
    prefs,
    run,
    set_device,
)

from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()


@cases
def numbers_in_whole_and_other_arithmetic():
    group = NeuronGroup(
        700,
        """dv/dt = (0.01*i - v)/(3*ms) : 1
           n : integer
           x : 1
           early = i < 350 : boolean""",
        threshold="v > 1 and (i % 3 == 0 or early)",
        reset="v = 0.001*i",
        method="euler",
        name="group",
    )
    # beyond 32 bits, Python's integers
    group.run_regularly("n = (i*i*i) % 1000 - i//7; x = i/N + i**2", dt=1 * ms)
    part = group[100:300]
    part.run_regularly("x = -i", dt=2 * ms)
    spikes = SpikeMonitor(group, name="spikes")
    run(9 * ms)
    return observe(group=group, spikes=spikes)


@cases
def columns_of_timed_arrays():
    table = TimedArray(np.arange(60).reshape(6, 10) * 0.1, dt=1 * ms)
    group = NeuronGroup(
        10, "dv/dt = (table(t, i) - v)/ms : 1\nx = table(t, i + 3) : 1\ny : 1",
        method="euler", name="group",
    )  # fmt: skip
    group.run_regularly("y = table(t, 9 - i)")
    run(7 * ms)
    return observe(group=group)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="reads the processor's text")
def test_nothing_is_read(capsys):
    set_device("genn")
    prefs.devices.genn.debug = "own_numbers"
    table = TimedArray(np.ones((2, 300)) * Hz, dt=1 * ms)
    inputs = PoissonGroup(300, rates="table(t, i)", name="inputs")
    network = Network(inputs)
    network.run(1 * ms, namespace={"table": table})
    prefs.devices.genn.debug = False
    text = capsys.readouterr().out
    assert "below" in text and "inputs_i" not in text
