"""Clocks, schedules, and dt that changes."""

import pytest
from brian2 import (
    Clock,
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    network_operation,
    prefs,
    run,
    us,
)

from tests.semantics.harness import Cases, check, number, observe

cases = Cases()


@cases.over(dts=[(0.1, 0.2), (0.1, 0.25), (0.07, 0.1), (0.3, 0.1), (0.1, 0.1)])
def groups_on_two_clocks(dts):
    """Steps of both in the order of time; at equal times in the order of the schedule."""
    first = NeuronGroup(
        2,
        "dv/dt = (1.03 + 0.2*i)/ms : 1",
        threshold="v > 1",
        reset="v = 0",
        dt=dts[0] * ms,
        method="euler",
        name="first",
    )
    second = NeuronGroup(
        2,
        "dv/dt = (0.7 + 0.1*i)/ms : 1\nx : 1",
        threshold="v > 1",
        reset="v = 0",
        dt=dts[1] * ms,
        method="euler",
        name="second",
    )
    there = Synapses(first, second, on_pre="v_post += 0.11\nx_post += t/ms", name="there")
    back = Synapses(second, first, on_pre="v_post += 0.07", name="back")
    there.connect()
    back.connect()
    monitors = {
        "spikes_1": SpikeMonitor(first, name="spikes_1"),
        "spikes_2": SpikeMonitor(second, name="spikes_2"),
        "states": StateMonitor(second, ["v", "x"], record=True, dt=dts[0] * ms, name="states"),
    }
    network = Network(first, second, there, back, monitors)
    network.run(2.9 * ms)
    network.run(1.6 * ms)
    return observe(network=network, first=first, second=second, **monitors)


@cases
def three_clocks():
    """Recording, stimulus, neurons and plasticity each at their own pace."""
    fast = NeuronGroup(
        2,
        "dv/dt = (1.03 + 0.2*i)/ms : 1\ngain : 1",
        threshold="v > 1",
        reset="v = 0",
        dt=50 * us,
        method="euler",
    )
    fast.gain = 1
    stimulus = SpikeGeneratorGroup(1, [0, 0, 0], [0.2, 0.6, 1.8] * ms, dt=0.2 * ms)
    synapses = Synapses(stimulus, fast, on_pre="v_post += 0.1*gain")
    synapses.connect()
    fast.run_regularly("gain *= 0.9", dt=0.5 * ms)
    states = StateMonitor(fast, ["v", "gain"], record=True, dt=0.15 * ms)
    run(2.2 * ms)
    return observe(fast=fast, states=states)


@cases
def clock_shared_by_objects():
    """A clock made by the user, for several objects; its time is read during the run."""
    clock = Clock(dt=0.3 * ms, name="slow")
    group = NeuronGroup(2, "dv/dt = 1/ms : 1", clock=clock, method="euler")
    other = NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    states = StateMonitor(group, "v", record=True, clock=clock)
    seen = []

    @network_operation(clock=clock)
    def look():
        seen.append((number(clock.t), number(defaultclock.t)))

    run(1.7 * ms)
    return observe(
        group=group,
        other=other,
        states=states,
        seen=seen,
        at_end=number(clock.t),
        steps=number(clock.timestep),
    )


@cases.over(new=[0.05, 0.2, 0.025])
def dt_changed_between_runs(new):
    """Coefficients that depend on dt, times in steps, and refractoriness follow."""
    group = NeuronGroup(
        3,
        "dv/dt = (1.5 + 0.1*i - v)/ms : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory=0.6 * ms,
        method="exact",
    )
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    run(2 * ms)
    defaultclock.dt = new * ms
    run(2 * ms)
    defaultclock.dt = 0.1 * ms
    run(1 * ms)
    return observe(group=group, spikes=spikes, states=states)


@cases
def dt_of_one_clock_changed():
    clock = Clock(dt=0.2 * ms)
    group = NeuronGroup(2, "dv/dt = -v/ms : 1", clock=clock, method="exact")
    other = NeuronGroup(2, "dv/dt = -v/ms : 1", method="exact")
    group.v = other.v = 1
    run(1 * ms)
    clock.dt = 0.05 * ms
    run(1 * ms)
    return observe(group=group, other=other)


SCHEDULES = {
    "resets_before_synapses": ["start", "groups", "thresholds", "resets", "synapses", "end"],
    "synapses_first": ["start", "synapses", "groups", "thresholds", "resets", "end"],
    "reversed": ["end", "resets", "synapses", "thresholds", "groups", "start"],
    "with_a_slot_of_its_own": [
        "start", "groups", "thresholds", "mine", "synapses", "resets", "end",
    ],
}  # fmt: skip


def scheduled(network: Network) -> dict:
    """A recurrent group with delays, in which the order of slots shows."""
    group = NeuronGroup(
        3,
        "dv/dt = (0.93 + 0.21*i)/ms : 1\ntrail : 1",
        threshold="v > 1",
        reset="v = 0\ntrail += 0.5",
        method="euler",
    )
    synapses = Synapses(group, group, on_pre="v_post += 0.03\ntrail_post += v_post")
    synapses.connect(condition="i != j")
    delayed = Synapses(group, group, on_pre="v_post += 0.02", delay=0.3 * ms)
    delayed.connect(condition="i == j")
    when = "mine" if "mine" in network.schedule else "after_synapses"
    group.run_regularly("trail = 2*trail + v", when=when, dt=0.2 * ms)
    spikes = SpikeMonitor(group, "v")
    states = StateMonitor(group, ["v", "trail"], record=True)
    network.add(group, synapses, delayed, spikes, states)
    network.run(2 * ms)
    return observe(network=network, group=group, spikes=spikes, states=states)


@cases.over(schedule=list(SCHEDULES))
def schedule_of_a_network(schedule):
    network = Network()
    network.schedule = SCHEDULES[schedule]
    return scheduled(network)


@cases
def schedule_by_preference():
    """The default schedule that Brian2GeNN 1.x used to set."""
    prefs.core.network.default_schedule = SCHEDULES["synapses_first"]
    return scheduled(Network())


@cases
def schedule_changed_between_runs():
    network = Network()
    first = scheduled(network)
    network.schedule = SCHEDULES["resets_before_synapses"]
    network.run(1 * ms)
    network.schedule = None
    network.run(1 * ms)
    return {**first, **observe(**{obj.name: obj for obj in network.objects})}


@cases
def order_and_slot_of_objects():
    """State updates of two groups in each other's way."""
    first = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler", order=2, name="first")
    second = NeuronGroup(
        1, "dw/dt = v/ms : 1\nv : 1 (linked)", method="euler", order=1, name="second"
    )
    third = NeuronGroup(
        1, "dw/dt = v/ms : 1\nv : 1 (linked)", method="euler", order=3, name="third"
    )
    from brian2 import linked_var

    second.v = linked_var(first, "v")
    third.v = linked_var(first, "v")
    first.state_updater.when = "groups"
    second.state_updater.when = "after_groups"
    run(1 * ms)
    return observe(first=first, second=second, third=third)


@cases
def very_small_and_large_dt():
    group = NeuronGroup(2, "dv/dt = -v/ms : 1", method="exact", dt=1e-3 * us)
    slow = NeuronGroup(2, "dv/dt = -v/(100*ms) : 1", method="exact", dt=50 * ms)
    group.v = slow.v = 1
    first = Network(group)
    first.run(0.1 * us)
    second = Network(slow)
    second.run(220 * ms)
    return observe(first=first, second=second, group=group, slow=slow)


def operations_at_given_times():
    """Times on and between steps, in a slot and an order, also over two runs."""
    group = NeuronGroup(2, "dv/dt = 1/ms : 1\nn : integer", method="euler")
    group.run_at("v = 0; n += 1", times=[0.2, 0.7, 1.5] * ms)
    group.run_at("n = 2*n + 1", times=[0, 0.7] * ms, when="end", order=1)
    states = StateMonitor(group, ["v", "n"], record=True)
    network = Network(group, states)
    network.run(1 * ms)
    network.run(1 * ms)
    return observe(network=network, group=group, states=states)


if hasattr(NeuronGroup, "run_at"):  # from Brian 2.10
    cases(operations_at_given_times)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
