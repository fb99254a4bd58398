"""Neurons that rest are listed, a state update is done with its threshold, and all is as before."""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonInput,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    linked_var,
    ms,
    network_operation,
    run,
    second,
)

from tests import devices
from tests.semantics.harness import Cases, check, check_any_threads, observe

cases = Cases()


def leaky(n=300, refractory=1 * ms, drive="1.2 + 0.01*i", more="", **options):
    options = {"threshold": "v > 1", "reset": "v = 0", "method": "exact", "name": "group"} | options
    group = NeuronGroup(
        n,
        f"""dv/dt = (drive - v)/(4*ms) : 1 (unless refractory)
            dg/dt = -g/(2*ms) : 1
            drive : 1 (constant)
            {more}""",
        refractory=refractory,
        **options,
    )
    group.drive, group.g = drive, "1 + i"
    return group


@cases.over(n=[5, 64, 256, 300])
def one_period(n):
    group = leaky(n)
    spikes = SpikeMonitor(group, name="spikes")
    run(20 * ms)
    return observe(group=group, spikes=spikes)


@cases
def a_period_of_each():
    """Some of none, and some that has no end."""
    group = leaky(refractory="pause", more="pause : second")
    group.pause = "0.3*ms*(i % 7)"
    group.pause[11] = 1e300 * second
    spikes = SpikeMonitor(group, name="spikes")
    run(20 * ms)
    return observe(group=group, spikes=spikes)


@cases
def most_of_them_rest():
    """The list has no room for them; later it has."""
    group = leaky(refractory=3 * ms, drive="60*int(i > 3) + 1.1")
    spikes = SpikeMonitor(group, name="spikes")
    run(12 * ms)
    group.drive = "0.3 + 0.01*int(i % 9 == 0)*i"
    run(70 * ms)
    return observe(group=group, spikes=spikes)


@cases.over(refractory=["v > 0.5", "timestep(t - lastspike, dt) < 12", "(t - lastspike) < pause"])
def a_condition(refractory):
    group = leaky(refractory=refractory, more="pause = 0.5*ms + 1*ms*int(t > 6*ms) : second")
    spikes = SpikeMonitor(group, name="spikes")
    run(15 * ms)
    return observe(group=group, spikes=spikes)


@cases.over(what=["shrinks", "grows", "steps"])
def a_period_that_changes(what):
    """Who does not rest may rest again without a spike."""
    period = {
        "shrinks": "2*ms*exp(-t/(5*ms))",
        "grows": "0.2*t",
        "steps": "table(t)",
    }[what]
    table = TimedArray([0.5, 3, 1, 6, 0.2] * ms, dt=4 * ms)
    group = leaky(refractory=period)
    spikes = SpikeMonitor(group, name="spikes")
    run(20 * ms)
    return observe(group=group, spikes=spikes)


@cases
def others_change_it():
    """A script, and code of its own, say when the last spike was, and how long periods are."""
    group = leaky(refractory="pause", more="pause : second")
    group.pause = "0.2*ms*(i % 9)"
    spikes = SpikeMonitor(group, name="spikes")
    run(5 * ms)
    group.lastspike = "t - 0.1*ms*(i % 20)"
    run(5 * ms)
    group.pause = "0.3*ms*(i % 5)"
    group.not_refractory = False
    run(5 * ms)
    return observe(group=group, spikes=spikes)


@cases
def the_last_spike_is_written():
    group = leaky()
    group.run_regularly("lastspike = t - 0.3*ms*int(i % 3 == 0)", dt=2 * ms, when="end")
    spikes = SpikeMonitor(group, name="spikes")
    run(8 * ms)
    return observe(group=group, spikes=spikes)


@cases
def periods_are_changed_within_a_run():
    group = leaky(refractory="pause", more="pause : second")
    group.pause = "0.2*ms*(i % 9)"
    group.run_regularly("pause = 3*ms - pause", dt=1.7 * ms)
    spikes = SpikeMonitor(group, name="spikes")
    run(15 * ms)
    return observe(group=group, spikes=spikes)


@cases
def the_host_takes_part():
    group = leaky()
    spikes = SpikeMonitor(group, name="spikes")

    @network_operation(dt=0.7 * ms)
    def shake():
        group.lastspike[::3] = defaultclock.t - 0.3 * ms
        group.v[5] = 2

    run(8 * ms)
    return observe(group=group, spikes=spikes)


@cases
def stored_and_restored():
    group = leaky(refractory=2 * ms)
    spikes = SpikeMonitor(group, name="spikes")
    network = Network(group, spikes)
    network.run(6 * ms)
    network.store()
    network.run(5 * ms)
    network.restore()
    network.run(4.3 * ms)
    return observe(group=group, spikes=spikes)


@cases.over(order=["usual", "threshold first"])
def clocks_and_order(order):
    """A threshold that comes before its state update, and a group with a clock of its own."""
    group = leaky(refractory=0.5 * ms)
    other = leaky(refractory=0 * ms, dt=0.3 * ms, name="other")
    if order != "usual":
        group.thresholder["spike"].when = "start"
    spikes = SpikeMonitor(group, name="spikes")
    run(9 * ms)
    return observe(group=group, other=other, spikes=spikes)


@cases
def recurrent_with_inputs():
    """What is written under the condition by others reads who rests."""
    group = leaky(refractory=1.3 * ms)
    synapses = Synapses(group, group, on_pre="v += 0.02", delay=0.4 * ms, name="synapses")
    synapses.connect(condition="(i + j) % 11 == 0")
    drive = PoissonInput(group, "v", 1, 1e4 * Hz, 0.05)  # a probability of one
    spikes = SpikeMonitor(group, name="spikes")
    states = StateMonitor(group, ("v", "not_refractory"), record=[0, 7, 150], name="states")
    run(15 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def what_is_compared_has_changed():
    """A threshold that moves, and reads what the update has written and what it has not."""
    group = NeuronGroup(
        150,
        """dv/dt = (2 - v)/(4*ms) : 1 (unless refractory)
           dbar/dt = (1 - bar)/(5*ms) : 1
           offset : 1 (constant)""",
        threshold="v + g_of*0.1 > bar + offset",
        reset="v = 0; bar += 0.3",
        refractory=0.7 * ms,
        method="exact",
        namespace={"g_of": 0.7},
        name="group",
    )
    group.offset, group.bar = "0.003*i", 0.7
    spikes = SpikeMonitor(group, name="spikes")
    run(15 * ms)
    return observe(group=group, spikes=spikes)


@cases
def several_groups():
    """State updates come first, then thresholds; one reads what another update writes."""
    first = leaky(refractory=1.2 * ms)
    second = leaky(270, refractory=0.6 * ms, more="other : 1 (linked)", threshold="v + other > 1.5",
                   drive="2 + 0.01*i", name="second")  # fmt: skip
    second.other = linked_var(first, "v", index=np.arange(270))
    plain = NeuronGroup(
        70, "dv/dt = (1.5 - v + 0.01*i)/(4*ms) : 1", threshold="v > 1", reset="v = 0",
        method="exact", name="plain",
    )  # fmt: skip
    spikes = [SpikeMonitor(group) for group in (first, second, plain)]
    run(15 * ms)
    return observe(first=first, second=second, plain=plain,
                   **{f"spikes{k}": one for k, one in enumerate(spikes)})  # fmt: skip


@cases
def no_refractoriness():
    group = NeuronGroup(
        100, "dv/dt = (1.5 - v + 0.01*i)/(4*ms) : 1", threshold="v > 1", reset="v -= 1",
        method="exact", name="group",
    )  # fmt: skip
    spikes = SpikeMonitor(group, name="spikes")
    run(15 * ms)
    return observe(group=group, spikes=spikes)


@cases.single
def single_precision():
    group = leaky(refractory=1.1 * ms)
    spikes = SpikeMonitor(group, name="spikes")
    run(12 * ms)
    return observe(group=group, spikes=spikes)


@pytest.mark.parametrize("case", cases, ids=str)
def test_resting(case, monkeypatch):
    if devices.BACKEND == "cpu" and devices.DEVICE == "genn":
        check_any_threads(case, case.run("runtime"), monkeypatch)
    else:
        check(case)
