"""Runs, networks, and what a script does around them."""

import contextlib
import io

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    collect,
    defaultclock,
    magic_network,
    ms,
    mV,
    network_operation,
    profiling_summary,
    run,
    scheduling_summary,
    second,
    start_scope,
    stop,
)

from tests.semantics.harness import Cases, check, number, observe

cases = Cases()


def neurons(n: int = 3, **options) -> NeuronGroup:
    return NeuronGroup(
        n,
        "dv/dt = (0.93 + 0.21*i)/ms : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        **options,
    )


@cases
def many_short_runs():
    """Twenty runs of one step are one run of twenty steps."""
    group = neurons()
    synapses = Synapses(group, group, on_pre="v_post += 0.03", delay=0.3 * ms)
    synapses.connect(condition="i != j")
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    network = Network(group, synapses, spikes, states)
    times = []
    for _ in range(20):
        network.run(0.1 * ms)
        times.append(number(network.t))
    return observe(network=network, group=group, spikes=spikes, states=states, times=times)


@cases
def durations_that_are_no_multiple_of_dt():
    """The end of a run is rounded up to a step, and the next one starts there."""
    group = neurons()
    states = StateMonitor(group, "v", record=True)
    ends = []
    for duration in [0.25, 0.01, 0.34, 0.1, 1 / 3, 0.05]:
        run(duration * ms)
        ends.append((number(magic_network.t), number(defaultclock.t)))
    return observe(group=group, states=states, ends=ends)


@cases
def no_duration():
    """A run of no length does nothing, and can be first or last."""
    group = neurons()
    spikes = SpikeMonitor(group)
    run(0 * ms)
    before = np.array(group.v)
    run(1.5 * ms)
    run(0 * second)
    return observe(group=group, spikes=spikes, before=before)


@cases
def values_written_between_runs():
    """Neurons, synapses, parameters and the inputs' strengths, by every way of writing."""
    source = SpikeGeneratorGroup(2, [0, 1, 0, 1, 0], [0.1, 0.3, 1.1, 1.4, 2.2] * ms)
    group = neurons()
    synapses = Synapses(source, group, "w : 1", on_pre="v_post += w")
    synapses.connect()
    synapses.w = 0.01
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    run(1 * ms)
    seen = np.array(group.v)
    group.v[1:] = -0.5
    synapses.w = "0.1*(i + j)"
    run(1 * ms)
    group.v["v > 0"] = "v/2"
    synapses.w[0, :] = -0.25
    group.set_states({"v": [0.1, 0.2, 0.3]})
    view = group.v
    run(0.5 * ms)
    live = view[:]
    return observe(
        group=group, synapses=synapses, spikes=spikes, states=states, seen=seen, live=live
    )


@cases
def array_kept_by_the_user():
    """The array behind a variable is shared: writing to it writes to the group."""
    group = neurons()
    array = group.variables["v"].get_value()
    run(0.3 * ms)
    seen = np.array(array)
    array[1] = 0.75
    run(0.3 * ms)
    return observe(group=group, seen=seen, array=array)


@cases
def two_networks():
    """Each has its own time; they run in turn."""
    first, second_ = neurons(name="first"), neurons(name="second")
    first_spikes, second_spikes = SpikeMonitor(first), SpikeMonitor(second_)
    one, two = Network(first, first_spikes), Network(second_, second_spikes)
    one.run(2 * ms)
    two.run(1 * ms)
    one.run(0.5 * ms)
    two.run(3 * ms)
    return observe(one=one, two=two, first=first, second=second_, a=first_spikes, b=second_spikes)


@cases
def objects_added_and_removed():
    group, other = neurons(name="a"), neurons(name="b")
    network = Network(group)
    network.run(1 * ms)
    network.add(other)
    network.run(1 * ms)
    network.remove(group)
    network.run(1 * ms)
    return observe(network=network, group=group, other=other)


@cases
def magic_network_and_start_scope():
    """After start_scope only the new objects are seen, and time starts again."""
    group = neurons(name="old")
    run(1 * ms)
    seen = len(collect())
    start_scope()
    new = neurons(name="new")
    spikes = SpikeMonitor(new)
    names = sorted(obj.name for obj in collect())
    run(2 * ms)
    return observe(group=group, new=new, spikes=spikes, seen=seen, found=len(names))


@cases
def objects_switched_off_and_on():
    """Whole groups, synapses, and single parts of a group."""
    group, other = neurons(name="group"), neurons(name="other")
    synapses = Synapses(group, other, on_pre="v_post += 0.1")
    synapses.connect()
    spikes, others = SpikeMonitor(group), SpikeMonitor(other)
    network = Network(group, other, synapses, spikes, others)
    network.run(1.5 * ms)
    synapses.active = False
    network.run(1.5 * ms)
    synapses.active = True
    group.active = False
    network.run(1.5 * ms)
    group.active = True
    other.resetter["spike"].active = False
    network.run(1 * ms)
    other.resetter["spike"].active = True
    other.state_updater.active = False
    network.run(1 * ms)
    return observe(network=network, group=group, other=other, spikes=spikes, others=others)


@cases
def stopped_by_an_operation():
    """The step in which stop() is called is the last one; a later run goes on from there."""
    group = neurons()
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)

    @network_operation(when="groups", order=1)
    def watch(t):
        if 0.95 * ms < t < 1.05 * ms:
            stop()

    run(2 * ms)
    at_stop = number(magic_network.t)
    run(1 * ms)
    return observe(group=group, spikes=spikes, states=states, at_stop=at_stop)


@cases
def one_network_stopped_by_itself():
    group = neurons()
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)

    @network_operation(dt=0.5 * ms)
    def watch(t):
        if t > 1.2 * ms:
            network.stop()

    network.add(watch)
    network.run(4 * ms)
    first = number(network.t)
    watch.active = False
    network.run(1 * ms)
    return observe(network=network, group=group, states=states, first=first)


@cases
def reported_by_a_function():
    """The callback gets the time passed, the share done, the start and the duration."""
    group = neurons()
    calls = []

    def report(elapsed, completed, start, duration):
        calls.append((completed, number(start), number(duration)))
        assert number(elapsed) >= 0
        assert elapsed.dim == second.dim

    run(1 * ms, report=report)
    run(0.5 * ms, report=report, report_period=10 * second)
    return observe(group=group, calls=calls)


@cases.over(report=["text", "stdout", "stderr"])
def reported_as_text(report):
    """What is printed first and last; the real time it took is not compared."""
    group = neurons()
    redirect = contextlib.redirect_stderr if report == "stderr" else contextlib.redirect_stdout
    with redirect(io.StringIO()) as printed:
        run(1 * ms, report=report)
    lines = printed.getvalue().splitlines()
    return observe(group=group, lines=[lines[0], lines[-1].partition(" in ")[0]])


@cases
def reports_during_a_run():
    """With a short period there are calls on the way, in order."""
    group = neurons()
    shares = []

    def report(elapsed, completed, start, duration):
        shares.append(completed)

    run(20 * ms, report=report, report_period=1e-9 * second)
    ordered = shares == sorted(shares)
    return observe(
        group=group, ends=[shares[0], shares[-1]], ordered=ordered, on_the_way=len(shares) > 2
    )


@cases
def completed_fraction_and_run_time():
    """What the device says of its last run."""
    from brian2 import get_device

    group = neurons()

    @network_operation
    def watch(t):
        if t > 0.45 * ms:
            stop()

    run(2 * ms)
    device = get_device()
    return observe(
        group=group,
        completed=device._last_run_completed_fraction,
        measured=device._last_run_time > 0,
    )


@cases
def profiled():
    """Profiling names the objects that ran and times that add up; and changes nothing."""
    group = neurons(name="cells")
    synapses = Synapses(group, group, on_pre="v_post += 0.03", name="links")
    synapses.connect()
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(2 * ms, profile=True)
    times = [float(time) for _, time in network.profiling_info]
    text = str(profiling_summary(network))
    network.run(1 * ms)
    try:
        network.profiling_info
        erased = False
    except ValueError:
        erased = True
    return observe(
        network=network,
        group=group,
        spikes=spikes,
        positive=min(times) >= 0 and sum(times) > 0,
        falling=times == sorted(times, reverse=True),
        titled=text.startswith("Profiling summary"),
        erased=erased,
    )


@cases
def scheduling_summary_says_the_same():
    group = neurons(name="cells")
    synapses = Synapses(group, group, on_pre="v_post += 0.03", name="links")
    synapses.connect()
    network = Network(group, synapses)
    network.run(0.2 * ms)
    entries = scheduling_summary(network).entries
    return observe(
        rows=np.array([f"{e.when} {e.order} {e.name} {e.type} {e.active}" for e in entries])
    )


@cases
def objects_reached_through_the_network():
    group = neurons(name="cells")
    spikes = SpikeMonitor(group, name="spikes")
    network = Network(group, spikes)
    network.run(1 * ms)
    network["cells"].v = 0.9
    network.run(1 * ms)
    network.set_states({"cells": {"v": [0.1, 0.2, 0.3]}})
    network.run(1 * ms)
    states = network.get_states()["cells"]["v"]
    return observe(group=group, count=network["spikes"].num_spikes, states=states)


@cases
def empty_network():
    network = Network()
    network.run(1 * ms)
    return observe(network=network)


@cases
def run_from_functions_and_loops():
    """The usual way to scan a parameter: build and run inside a function, in a loop."""

    def simulate(threshold):
        group = NeuronGroup(
            2,
            "dv/dt = (30*mV - v)/(3*ms) : volt\nvt : volt",
            threshold="v > vt",
            reset="v = reset_value",
            method="exact",
        )
        group.vt = threshold
        reset_value = 2 * mV
        spikes = SpikeMonitor(group)
        run(10 * ms)
        return np.array(spikes.count)

    return {f"count[{k}]": simulate(k * mV) for k in (10, 15, 20, 40)}


@cases
def spike_generator_driven_by_the_run_before():
    """The second run replays what the first one recorded."""
    group = neurons()
    spikes = SpikeMonitor(group)
    network = Network(group, spikes)
    network.run(3 * ms)
    replay = SpikeGeneratorGroup(3, spikes.i, spikes.t)
    target = NeuronGroup(3, "x : 1")
    synapses = Synapses(replay, target, on_pre="x_post += 1")
    synapses.connect(j="i")
    again = SpikeMonitor(replay)
    second_network = Network(replay, target, synapses, again)
    second_network.run(3 * ms)
    return observe(target=target, spikes=spikes, again=again)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
