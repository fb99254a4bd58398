"""Thresholds, resets, refractoriness, and events of the user's own."""

import numpy as np
import pytest
from brian2 import (
    EventMonitor,
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    mV,
    run,
    second,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

#: Crosses 1 between two steps, never on one.
RAMP = "dv/dt = (0.93 + 0.21*i)/ms : 1"


@cases
def threshold_and_reset():
    group = NeuronGroup(3, RAMP, threshold="v > 1", reset="v = 0", method="euler")
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    run(6 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def long_silence():
    """Queues go on when nothing arrives: delays of several lengths, a clock that seldom ticks."""
    source = SpikeGeneratorGroup(3, [0, 2, 1, 0], [0.1, 0.1, 4, 9] * ms)
    target = NeuronGroup(2, "x : 1")
    rare = NeuronGroup(2, "x : 1", dt=0.5 * ms)
    near = Synapses(source, target, on_pre="x_post += 1", delay=0.3 * ms)
    far = Synapses(source, target, on_pre="x_post += 10*(i + 1)")
    seldom = Synapses(source, rare, on_pre="x_post += 1 + i", delay=1 * ms, clock=source.clock)
    for synapses in (near, far, seldom):
        synapses.connect()
    far.delay = "(i + 1)*1.1*ms"
    states = StateMonitor(target, "x", record=True)
    rarely = StateMonitor(rare, "x", record=True)
    run(15 * ms)
    return observe(states=states, rarely=rarely)


@cases
def reset_of_several_statements():
    """A reset may read and write several variables, in order, with a subexpression."""
    group = NeuronGroup(
        3,
        """dv/dt = (1.13 + 0.2*i - w)/ms : 1
           dw/dt = -w/(5*ms) : 1
           n : integer
           last : second
           jump = 0.25*n : 1""",
        threshold="v > 1 + 0.1*w",
        reset="""n += 1
                 v -= 1
                 w += jump
                 last = t
                 w *= 0.9""",
        method="euler",
    )
    spikes = SpikeMonitor(group, ["v", "w", "n"])
    run(8 * ms)
    return observe(group=group, spikes=spikes)


@cases
def threshold_without_reset():
    """An event in every step for as long as the condition holds."""
    group = NeuronGroup(3, RAMP, threshold="v > 1 and v < 2", method="euler")
    spikes = SpikeMonitor(group)
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def threshold_on_all_or_none():
    """Conditions that always or never hold, and one that does not use the neuron's state."""
    always = NeuronGroup(2, "v : 1", threshold="True", reset="v += 1")
    never = NeuronGroup(2, "v : 1", threshold="v > 3 and v < 2", reset="v += 1")
    clock = NeuronGroup(2, "v : 1", threshold="t_in_timesteps % 4 == i", reset="v += 1")
    monitors = [SpikeMonitor(group) for group in (always, never, clock)]
    network = Network(always, never, clock, monitors)
    network.run(1 * ms)
    return observe(
        always=always,
        never=never,
        clock=clock,
        always_spikes=monitors[0],
        never_spikes=monitors[1],
        clock_spikes=monitors[2],
    )


REFRACTORY = {
    "duration": 1.23 * ms,
    "multiple_of_dt": 0.3 * ms,
    "zero": 0 * ms,
    "below_dt": 0.04 * ms,
    "variable": "ref",
    "expression": "0.7*ms + ref*i",
    "condition": "v > 0.4",
    "condition_on_time": "t - lastspike < 0.95*ms",
    "condition_on_steps": "timestep(t - lastspike, dt) <= timestep(ref, dt)",
}


@cases.over(kind=list(REFRACTORY))
def refractoriness(kind):
    """The neuron is silent; `unless refractory` freezes one variable and not the other."""
    group = NeuronGroup(
        3,
        """dv/dt = (1.31 + 0.2*i - 0.1*v)/ms : 1 (unless refractory)
           dw/dt = -w/(2*ms) : 1
           ref : second""",
        threshold="v > 1",
        reset="v -= 0.9\nw += 1",
        refractory=REFRACTORY[kind],
        method="euler",
    )
    group.ref = [0.2, 0.75, 2] * ms
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, ["v", "w", "not_refractory", "lastspike"], record=True)
    run(4 * ms)
    run(2.5 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def refractory_change_of_dt():
    """Refractoriness that began with one dt and ends with another."""
    group = NeuronGroup(
        2,
        "dv/dt = 1.31/ms : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory=1.1 * ms,
        method="euler",
    )
    spikes = SpikeMonitor(group)
    run(1 * ms)
    defaultclock.dt = 0.05 * ms
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases.over(period=[np.inf, 1e300, 1e15, -1e-3, -np.inf, "own"])
def refractory_periods_that_are_no_number_of_steps(period):
    """As integers they are the smallest one: the neuron is not refractory."""
    own = [0, 1e-3, np.inf, np.nan, 1e300, -1, 1e15, -np.inf]
    group = NeuronGroup(
        8, "dv/dt = 1/(2*ms) : 1 (unless refractory)\nown : second", threshold="v > 0.5",
        reset="v = 0", refractory="own" if period == "own" else period * second, method="euler",
        name="group",
    )  # fmt: skip
    group.v = "i/8."
    group.own = own * second
    group.lastspike[4:] = [np.inf, -np.inf, np.nan, 1e300] * second
    spikes = SpikeMonitor(group, name="spikes")
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def refractory_period_written_between_runs():
    group = NeuronGroup(
        2,
        "dv/dt = 1.31/ms : 1 (unless refractory)\nref : second",
        threshold="v > 1",
        reset="v = 0",
        refractory="ref",
        method="euler",
    )
    spikes = SpikeMonitor(group)
    group.ref = 0.5 * ms
    run(1 * ms)
    group.ref = [0, 3] * ms
    run(2 * ms)
    group.lastspike = -10 * ms
    run(1 * ms)
    return observe(group=group, spikes=spikes)


@cases
def unless_refractory_guards_every_write():
    """Synapses, resets and run_regularly do not write to a guarded variable of a refractory
    neuron; other variables are written."""
    source = SpikeGeneratorGroup(1, np.zeros(12, int), np.arange(12) * 0.5 * ms + 0.2 * ms)
    target = NeuronGroup(
        3,
        """dv/dt = 0.1/ms : 1 (unless refractory)
           dx/dt = 0*Hz : 1 (unless refractory)
           free : 1""",
        threshold="v > 1",
        reset="v = 0\nx += 100",
        refractory=1.7 * ms,
        method="euler",
    )
    target.v = "0.3*i"
    synapses = Synapses(source, target, on_pre="v += 0.27\nx += 1\nfree += 1")
    synapses.connect()
    target.run_regularly("x += 10\nfree += 10", dt=0.7 * ms)
    spikes = SpikeMonitor(target)
    states = StateMonitor(target, ["v", "x", "free"], record=True)
    run(7 * ms)
    return observe(target=target, spikes=spikes, states=states)


@cases
def unless_refractory_in_a_reset():
    """The reset comes in the step of the spike, before the neuron is refractory."""
    group = NeuronGroup(
        2,
        """dv/dt = 1.31/ms : 1 (unless refractory)
           dn/dt = 0*Hz : 1 (unless refractory)""",
        threshold="v > 1",
        reset="v = 0\nn += 1",
        refractory="n < 3",
        method="euler",
    )
    spikes = SpikeMonitor(group)
    run(5 * ms)
    return observe(group=group, spikes=spikes)


@cases
def threshold_that_reads_refractoriness():
    group = NeuronGroup(
        2,
        """dv/dt = 1.31/ms : 1
           seen : integer""",
        threshold="v > 1 and not_refractory",
        reset="v = 0.5\nseen += 1 + int(not_refractory)",
        refractory=1 * ms,
        method="euler",
    )
    group.run_regularly("seen += 100*int(not not_refractory)", when="end")
    spikes = SpikeMonitor(group)
    run(4 * ms)
    return observe(group=group, spikes=spikes)


@cases
def events_of_the_users_own():
    """Custom events with statements of their own; refractoriness does not hold them back."""
    group = NeuronGroup(
        3,
        """dv/dt = (1.17 + 0.1*i)/ms : 1 (unless refractory)
           n_high : integer
           n_low : integer""",
        threshold="v > 1",
        reset="v = 0",
        refractory=0.6 * ms,
        events={"high": "v > 0.8", "low": "v < 0.3 and i != 1"},
        method="euler",
    )
    group.run_on_event("high", "n_high += 1")
    group.run_on_event("low", "n_low += 1\nv += 0.013", when="after_resets", order=2)
    spikes = SpikeMonitor(group)
    high = EventMonitor(group, "high", variables=["v", "n_high"])
    low = EventMonitor(group, "low", record=[0, 2], variables="n_low")
    run(4 * ms)
    return observe(group=group, spikes=spikes, high=high, low=low)


@cases
def event_schedule():
    """Events detected and acted upon where the user puts them."""
    group = NeuronGroup(
        2,
        "dv/dt = 1.17/ms : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0",
        events={"mark": "v > 0.5"},
        method="euler",
    )
    group.set_event_schedule("mark", when="before_groups", order=3)
    group.run_on_event("mark", "n += 1\nv += 0.01", when="start", order=-1)
    group.thresholder["spike"].when = "after_thresholds"
    group.resetter["spike"].when = "before_synapses"
    monitor = EventMonitor(group, "mark", variables=["v", "n"])
    spikes = SpikeMonitor(group, ["v", "n"])
    run(3 * ms)
    return observe(group=group, monitor=monitor, spikes=spikes)


@cases
def event_named_like_a_spike_of_another_group():
    """The spike event itself given among the events, with its reset by run_on_event."""
    group = NeuronGroup(
        2,
        "dv/dt = 1.17/ms : 1",
        events={"spike": "v > 1", "other": "v > 0.9"},
        method="euler",
    )
    group.run_on_event("spike", "v = 0.1*i")
    spikes = SpikeMonitor(group)
    other = EventMonitor(group, "other")
    run(3 * ms)
    return observe(group=group, spikes=spikes, other=other)


@cases
def spike_in_the_last_step_of_a_run():
    """A reset happens in its own step, also when the run ends there."""
    group = NeuronGroup(2, RAMP, threshold="v > 1", reset="v = -1", method="euler")
    spikes = SpikeMonitor(group)
    first = []
    network = Network(group, spikes)
    for _ in range(6):
        network.run(0.3 * ms)
        first.append(np.array(group.v))
    return observe(network=network, group=group, spikes=spikes, first=first)


@cases
def lastspike_before_any_spike():
    group = NeuronGroup(
        2,
        "v : 1",
        threshold="v > 1",
        refractory=2 * ms,
        reset="v = 0",
    )
    group.v = [0, 5]
    before = np.array(group.lastspike), np.array(group.not_refractory)
    run(0.2 * ms)
    return observe(group=group, lastspike=before[0], not_refractory=before[1])


@cases
def spikes_of_a_group_after_a_run():
    """The group's own `spikes` are forgotten when the run ends, also if its last step had some."""
    group = NeuronGroup(5, "v : 1", threshold="v > 1", events={"low": "v < 1"})
    group.v = [0, 2, 0, 2, 2]
    run(0.3 * ms)
    return observe(group=group, spikes=np.sort(group.spikes))


@cases
def threshold_with_units_and_variable_threshold():
    group = NeuronGroup(
        3,
        """dv/dt = (I - v)/(5*ms) : volt
           dvt/dt = (10*mV - vt)/(15*ms) : volt
           I : volt""",
        threshold="v > vt",
        reset="v = 0*mV; vt += 3*mV",
        method="exact",
    )
    group.I = [12, 20, 40] * mV
    group.vt = 10 * mV
    spikes = SpikeMonitor(group, ["v", "vt"])
    run(20 * ms)
    return observe(group=group, spikes=spikes)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
