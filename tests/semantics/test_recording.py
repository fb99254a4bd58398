"""What monitors record, and when."""

import numpy as np
import pytest
from brian2 import (
    EventMonitor,
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    mV,
    run,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()

SLOTS = [
    position + slot
    for slot in ("start", "groups", "thresholds", "synapses", "resets", "end")
    for position in ("before_", "", "after_")
]


def neurons(n: int = 4, **options) -> NeuronGroup:
    """Neurons that fire often and count their spikes."""
    group = NeuronGroup(
        n,
        """dv/dt = (0.93 + 0.21*i)/ms : 1
           n : integer
           square = v**2 + t/ms : 1
           level : 1 (shared)
           flag : boolean""",
        threshold="v > 1",
        reset="v = 0.05\nn += 1\nflag = not flag",
        method="euler",
        **options,
    )
    group.level = 3
    group.v = "0.1*i"
    return group


@cases.over(when=SLOTS)
def state_monitor_in_every_slot(when):
    group = neurons()
    synapses = Synapses(group, group, on_pre="v_post += 0.03")
    synapses.connect(condition="i != j")
    states = StateMonitor(group, ["v", "n"], record=True, when=when)
    network = Network(group, synapses, states)
    network.run(2.5 * ms)
    return observe(network=network, states=states)


@cases
def state_monitors_before_and_after_in_one_slot():
    """Within a slot `order` decides."""
    group = neurons()
    group.run_regularly("n += 10", when="end", order=2)
    early = StateMonitor(group, "n", record=[0], when="end", order=1)
    late = StateMonitor(group, "n", record=[0], when="end", order=3)
    run(0.5 * ms)
    return observe(early=early, late=late)


@cases
def state_monitor_of_every_kind_of_variable():
    """Floats, integers, booleans, subexpressions, scalars, the time, all and some elements."""
    group = neurons()
    everything = StateMonitor(group, ["v", "n", "flag", "square", "level"], record=True)
    some = StateMonitor(group, ["v", "square"], record=[3, 1])
    one = StateMonitor(group, "v", record=2)
    by_array = StateMonitor(group, "n", record=np.array([0, 2]))
    scalar = StateMonitor(group, "level", record=True)
    all_names = StateMonitor(group, True, record=[0])
    run(1.5 * ms)
    group.level = 5
    run(0.5 * ms)
    result = observe(
        everything=everything,
        some=some,
        one=one,
        by_array=by_array,
        scalar=scalar,
        indexed=some[3].v,
        table=everything.v[1:3],
    )
    names = sorted(all_names.record_variables)
    return {**result, "names": np.array(names), **observe(all_names=all_names)}


@cases.over(dt=[0.1, 0.3, 0.25, 1.0])
def state_monitor_with_its_own_dt(dt):
    group = neurons()
    states = StateMonitor(group, "v", record=True, dt=dt * ms)
    run(1.7 * ms)
    run(0.9 * ms)
    return observe(group=group, states=states)


@cases
def state_monitor_of_synapses():
    """Synaptic variables, subexpressions, by number, by pair, and by a string."""
    source = SpikeGeneratorGroup(2, [0, 1, 0], [0.1, 0.3, 0.5] * ms)
    target = NeuronGroup(3, "v : 1")
    target.v = [1, 2, 3]
    synapses = Synapses(
        source,
        target,
        """dg/dt = -g/ms : 1 (clock-driven)
           w : 1
           double = 2*g + w : 1""",
        on_pre="g += w\nw += 0.5",
        method="exact",
    )
    synapses.connect()
    synapses.w = "1 + i + 10*j"
    everything = StateMonitor(synapses, ["g", "w", "double"], record=True)
    numbers = StateMonitor(synapses, "g", record=[1, 4])
    part = StateMonitor(synapses, "g", record=synapses[1, :])
    text = StateMonitor(synapses, "w", record=synapses["i == j"])
    run(1 * ms)
    return observe(everything=everything, numbers=numbers, part=part, text=text)


@cases
def state_monitor_of_a_subgroup_and_of_units():
    group = NeuronGroup(6, "dv/dt = (10*mV - v)/(3*ms) : volt\nw = v/mV : 1", method="exact")
    group.v = "i*mV"
    part = group[2:5]
    states = StateMonitor(part, ["v", "w"], record=[0, 2])
    everything = StateMonitor(part, "v", record=True)
    run(1 * ms)
    return observe(states=states, everything=everything, unit=states.v / mV)


@cases
def state_monitor_asked_during_a_run():
    """record_single_timestep, before and after a run."""
    group = neurons()
    states = StateMonitor(group, "v", record=True)
    run(0.5 * ms)
    group.v = 0.25
    states.record_single_timestep()
    return observe(group=group, states=states)


@cases
def spike_monitor_with_values_before_the_reset():
    """Values are those at the threshold (Brian2GeNN 1.7 gave those after the reset)."""
    group = neurons(refractory=0.2 * ms)
    spikes = SpikeMonitor(
        group, ["v", "n", "flag", "square", "level", "lastspike", "not_refractory"]
    )
    run(5 * ms)
    values = spikes.values("v")
    trains = spikes.spike_trains()
    result = observe(group=group, spikes=spikes)
    for index in range(4):
        result[f"values[{index}]"] = values[index]
        result[f"train[{index}].t"] = trains[index] / ms
    return result


@cases.over(when=["thresholds", "after_thresholds", "synapses", "resets", "after_resets", "end"])
def spike_monitor_in_other_slots(when):
    """Recorded where the user puts it: with the values there."""
    group = neurons()
    synapses = Synapses(group, group, on_pre="v_post += 0.03")
    synapses.connect(condition="i != j")
    spikes = SpikeMonitor(group, ["v", "n"], when=when, order=1)
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def spike_monitor_that_only_counts():
    group = neurons()
    counts = SpikeMonitor(group, record=False)
    with_values = SpikeMonitor(group, variables="v", record=False)
    run(4 * ms)
    return observe(counts=counts, with_values=with_values)


@cases
def spike_monitors_of_every_source():
    """Of a part, of a generator, several of one group; the count covers silent neurons."""
    group = neurons(6)
    generator = SpikeGeneratorGroup(3, [0, 2, 2], [0.1, 0.2, 0.4] * ms)
    monitors = {
        "everything": SpikeMonitor(group),
        "again": SpikeMonitor(group, "n"),
        "part": SpikeMonitor(group[2:5], "v"),
        "last": SpikeMonitor(group[5:]),
        "generator": SpikeMonitor(generator),
    }
    network = Network(group, generator, monitors)
    network.run(3 * ms)
    return observe(network=network, **monitors)


@cases
def event_monitors():
    """Of any event, with and without times, with its values at that moment."""
    group = NeuronGroup(
        3,
        "dv/dt = (0.93 + 0.21*i)/ms : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0",
        events={"half": "v > 0.5 and v < 0.6", "high": "v > 0.9"},
        method="euler",
    )
    group.run_on_event("half", "n += 1")
    half = EventMonitor(group, "half", ["v", "n"])
    high = EventMonitor(group[1:], "high", "v")
    spikes = EventMonitor(group, "spike", "v")
    counts = EventMonitor(group, "half", record=False)
    run(4 * ms)
    return observe(group=group, half=half, high=high, spikes=spikes, counts=counts)


@cases
def population_rates():
    """Of a group, of a part, of a part that is silent, of a generator."""
    group = neurons(6)
    generator = SpikeGeneratorGroup(3, [0, 2, 2], [0.1, 0.2, 0.4] * ms)
    monitors = {
        "everything": PopulationRateMonitor(group),
        "part": PopulationRateMonitor(group[2:5]),
        "one": PopulationRateMonitor(group[5:]),
        "generator": PopulationRateMonitor(generator),
    }
    network = Network(group, generator, monitors)
    network.run(3 * ms)
    smooth = monitors["everything"].smooth_rate(window="flat", width=0.5 * ms)
    result = observe(network=network, **monitors)
    return {**result, "smooth": smooth}


@cases
def monitors_over_several_runs_and_dts():
    """Recordings grow over runs, times stay right when dt changes."""
    group = neurons()
    spikes = SpikeMonitor(group, "v")
    states = StateMonitor(group, "v", record=True)
    rate = PopulationRateMonitor(group)
    sizes = []
    for dt, duration in [(0.1, 1), (0.05, 0.5), (0.25, 2), (0.1, 0.3)]:
        defaultclock.dt = dt * ms
        run(duration * ms)
        sizes.append((spikes.num_spikes, len(states.t), len(rate.t)))
    return observe(group=group, spikes=spikes, states=states, rate=rate, sizes=sizes)


@cases
def monitors_switched_off_and_on():
    group = neurons()
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    rate = PopulationRateMonitor(group)
    run(1 * ms)
    spikes.active = states.active = rate.active = False
    run(1 * ms)
    spikes.active = states.active = rate.active = True
    run(1 * ms)
    return observe(group=group, spikes=spikes, states=states, rate=rate)


@cases
def monitor_added_after_a_run():
    group = neurons()
    network = Network(group)
    network.run(1 * ms)
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    network.add(spikes, states)
    network.run(1 * ms)
    network.remove(states)
    network.run(1 * ms)
    return observe(network=network, group=group, spikes=spikes, states=states)


@cases
def nothing_to_record():
    """No element, no spike, no time."""
    group = neurons()
    nothing = StateMonitor(group, "v", record=False)
    silent = NeuronGroup(2, "v : 1", threshold="v > 1")
    spikes = SpikeMonitor(silent, "v")
    states = StateMonitor(group, "v", record=True)
    run(0 * ms)
    before = len(states.t)
    run(0.3 * ms)
    return observe(nothing=nothing, spikes=spikes, states=states, before=before)


@cases
def many_spikes_in_few_steps():
    """More events than any first guess at a buffer's size."""
    group = NeuronGroup(5000, "v : 1", threshold="(i + t_in_timesteps) % 3 != 0")
    spikes = SpikeMonitor(group, "v")
    rate = PopulationRateMonitor(group)
    group.v = "i*0.5"
    run(3 * ms)
    return observe(spikes=spikes, rate=rate)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
