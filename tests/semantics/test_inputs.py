"""Spike generators, Poisson groups where chance has no part, and timed arrays."""

import numpy as np
import pytest
from brian2 import (
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
    defaultclock,
    kHz,
    ms,
    mV,
    nA,
    run,
    second,
    set_device,
)

from tests.semantics.harness import Cases, check, observe

cases = Cases()


@cases
def spike_generator():
    """Unsorted spikes, several in one step, some at the very start, on and between steps."""
    indices = [3, 0, 2, 2, 1, 0, 3]
    times = [0.3, 0, 0.55, 0.1, 0.1, 0.9999, 1.2] * ms
    generator = SpikeGeneratorGroup(4, indices, times)
    spikes = SpikeMonitor(generator)
    run(0.6 * ms)
    run(1 * ms)
    return observe(generator=generator, spikes=spikes)


@cases
def spike_generator_with_times_off_by_rounding():
    """Times that are multiples of dt but for rounding fall into the step they mean."""
    times = np.arange(40) * 0.1 * ms
    generator = SpikeGeneratorGroup(1, np.zeros(40, int), times)
    shifted = SpikeGeneratorGroup(2, np.arange(40) % 2, times * (1 - 1e-9))
    spikes, others = SpikeMonitor(generator), SpikeMonitor(shifted)
    run(4 * ms)
    return observe(spikes=spikes, others=others)


@cases.over(runs=[1, 3])
def spike_generator_with_a_period(runs):
    """The pattern repeats, also across runs that end inside a period."""
    generator = SpikeGeneratorGroup(3, [0, 1, 2, 0], [0, 0.2, 0.5, 0.6] * ms, period=0.8 * ms)
    spikes = SpikeMonitor(generator)
    for _ in range(runs):
        run(3 / runs * ms)
    return observe(generator=generator, spikes=spikes)


@cases
def spike_generator_without_spikes():
    generator = SpikeGeneratorGroup(2, [], [] * ms)
    spikes = SpikeMonitor(generator)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(generator, target, on_pre="v += 1")
    synapses.connect()
    run(1 * ms)
    return observe(spikes=spikes, target=target)


@cases
def spikes_set_between_runs():
    """New spikes, more and fewer than before, with times before the current time left out."""
    generator = SpikeGeneratorGroup(3, [0, 1], [0.1, 0.4] * ms)
    spikes = SpikeMonitor(generator)
    run(1 * ms)
    generator.set_spikes([2, 1, 0, 0, 1], [0.5, 1.1, 1, 1.7, 3] * ms)
    run(1 * ms)
    generator.set_spikes([2], [0.2] * ms, period=0.3 * ms)
    run(1 * ms)
    generator.set_spikes([], [] * ms)
    run(0.5 * ms)
    return observe(generator=generator, spikes=spikes)


@cases
def spike_generator_with_its_own_dt():
    """Events come on the generator's steps and act on a target with another dt."""
    generator = SpikeGeneratorGroup(2, [0, 1, 0], [0.25, 0.5, 1.25] * ms, dt=0.25 * ms)
    target = NeuronGroup(2, "dv/dt = -v/ms : 1", method="exact", dt=0.05 * ms)
    synapses = Synapses(generator, target, on_pre="v += 1", delay=0.25 * ms)
    synapses.connect(j="i")
    spikes = SpikeMonitor(generator)
    states = StateMonitor(target, "v", record=True)
    run(2 * ms)
    return observe(target=target, spikes=spikes, states=states)


@cases
def spike_generator_in_another_slot():
    generator = SpikeGeneratorGroup(1, [0, 0], [0.2, 0.5] * ms, when="after_synapses", order=2)
    target = NeuronGroup(1, "v : 1")
    synapses = Synapses(generator, target, on_pre="v += 1")
    synapses.connect()
    states = StateMonitor(target, "v", record=True, when="end")
    run(1 * ms)
    return observe(target=target, states=states)


@cases
def spike_generator_and_change_of_dt():
    generator = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.2, 0.5, 1.25, 1.75] * ms)
    spikes = SpikeMonitor(generator)
    run(1 * ms)
    defaultclock.dt = 0.05 * ms
    run(1 * ms)
    return observe(generator=generator, spikes=spikes)


@cases
def poisson_group_of_certain_rates():
    """Rates of 0 and of 1/dt leave nothing to chance; as array, scalar and expression."""
    by_array = PoissonGroup(4, rates=[0, 1e4, 0, 1e4] * Hz)
    silent = PoissonGroup(3, rates=0 * Hz)
    by_string = PoissonGroup(5, rates="10*kHz*int(i % 2 == 0)*int(t >= 0.5*ms)")
    switched = TimedArray([0, 10, 0] * kHz, dt=0.4 * ms)
    by_array_of_time = PoissonGroup(2, rates="switched(t)", namespace={"switched": switched})
    groups = [by_array, silent, by_string, by_array_of_time]
    monitors = [SpikeMonitor(group) for group in groups]
    rate = PopulationRateMonitor(by_array)
    network = Network(groups, monitors, rate)
    network.run(1.2 * ms)
    by_array.rates = [1e4, 0, 0, 0] * Hz
    network.run(0.3 * ms)
    return observe(
        a=monitors[0], b=monitors[1], c=monitors[2], d=monitors[3], rate=rate, group=by_array
    )


@cases
def poisson_group_as_a_source():
    """A subgroup of a Poisson group, with a delay."""
    source = PoissonGroup(6, rates="10*kHz*int(i >= 3)*int(t_in_timesteps % 3 == 0)")
    target = NeuronGroup(3, "v : 1")
    synapses = Synapses(source[2:], target, on_pre="v += 1 + i", delay=0.2 * ms)
    synapses.connect(j="i", skip_if_invalid=True)
    run(1 * ms)
    return observe(target=target, synapses=synapses)


@cases
def poisson_input_of_certain_rate():
    """N inputs that all spike in each step, or none; on a part of a group; weight in units."""
    group = NeuronGroup(4, "dv/dt = -v/ms : volt\nw : volt", method="exact")
    group.w = "i*mV"
    all_of_them = PoissonInput(group, "v", N=5, rate=10 * kHz, weight=0.5 * mV)
    by_expression = PoissonInput(group[1:3], "v", N=2, rate=10 * kHz, weight="w", when="start")
    none = PoissonInput(group, "v", N=5, rate=0 * Hz, weight=100 * mV)
    states = StateMonitor(group, "v", record=True)
    network = Network(group, all_of_them, by_expression, none, states)
    network.run(1 * ms)
    return observe(group=group, states=states)


@cases
def poisson_input_and_refractoriness():
    """The input is held back from a refractory neuron."""
    group = NeuronGroup(
        2,
        "dv/dt = 0/second : 1 (unless refractory)",
        threshold="v > 3",
        reset="v = 0",
        refractory=0.5 * ms,
        method="euler",
    )
    inputs = PoissonInput(group, "v", N=1, rate=10 * kHz, weight=1)
    spikes = SpikeMonitor(group)
    network = Network(group, inputs, spikes)
    network.run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases.over(dt=[0.1, 0.25, 0.05, 1.0])
def timed_array_of_one_dimension(dt):
    """Coarser, finer, and no multiple of the group's dt; held at its ends."""
    stimulus = TimedArray([1, 4, -2, 8, 3], dt=dt * ms)
    group = NeuronGroup(
        2,
        "dx/dt = (stimulus(t) - x)/ms : 1\nnow = stimulus(t) : 1\nlater = stimulus(t + i*ms) : 1",
        method="euler",
    )
    states = StateMonitor(group, ["x", "now", "later"], record=True)
    run(2 * ms)
    return observe(states=states)


@cases.over(dt=[0.1, 0.3])
def timed_array_of_two_dimensions(dt):
    values = np.arange(12).reshape(4, 3) ** 1.5
    stimulus = TimedArray(values * nA, dt=dt * ms)
    group = NeuronGroup(
        3,
        "dv/dt = stimulus(t, 2 - i)*Mohm/ms : volt\nnow = stimulus(t, i) : amp",
        method="euler",
    )
    states = StateMonitor(group, ["v", "now"], record=True)
    run(1.5 * ms)
    return observe(states=states)


@cases
def timed_array_in_threshold_reset_and_synapses():
    level = TimedArray([0.3, 0.8, 0.5], dt=0.7 * ms)
    group = NeuronGroup(
        3,
        "dv/dt = (0.9 + 0.3*i)/ms : 1",
        threshold="v > level(t)",
        reset="v -= level(t)",
        method="euler",
    )
    synapses = Synapses(group, group, on_pre="v_post += 0.1*level(t - 0.5*ms)")
    synapses.connect(j="(i + 1) % N_post")
    spikes = SpikeMonitor(group)
    run(3 * ms)
    return observe(group=group, spikes=spikes)


@cases
def timed_array_of_integers_and_booleans():
    """Values of any type are floats to Brian's equations."""
    steps = TimedArray(np.array([3, -1, 7]), dt=0.2 * ms)
    gate = TimedArray(np.array([True, False, True, False]), dt=0.3 * ms)
    group = NeuronGroup(2, "n : integer\nx : 1\non : boolean")
    group.run_regularly("on = gate(t) > 0\nn += int(steps(t))//2\nx += steps(t)/2 + int(gate(t))")
    run(1 * ms)
    return observe(group=group)


@cases
def several_timed_arrays_of_one_name():
    """Each group finds the array of its own namespace; values that differ only there."""
    groups = [
        NeuronGroup(
            1,
            "dx/dt = drive(t)/ms : 1",
            method="euler",
            namespace={"drive": TimedArray([k, 2 * k], dt=0.3 * ms)},
        )
        for k in (1, 10)
    ]
    network = Network(groups)
    network.run(0.8 * ms)
    return observe(first=groups[0], second=groups[1])


@cases
def timed_array_replaced_between_runs():
    group = NeuronGroup(1, "dx/dt = drive(t)/ms : 1", method="euler")
    drive = TimedArray([1, 2], dt=0.5 * ms)
    run(1 * ms)
    drive = TimedArray([5, 6, 7, 8], dt=0.5 * ms)
    run(1 * ms)
    return observe(group=group)


@cases
def timed_array_called_by_the_user():
    """The device does not change what the object does in Python."""
    drive = TimedArray(np.array([1, 2, 3]) * mV, dt=1 * ms)
    group = NeuronGroup(1, "v = drive(t) : volt")
    run(1.5 * ms)
    # v is the same for all neurons: one number from Brian's NumPy target, else an array
    v = np.ravel(group.v[:])
    return observe(value=drive(1.5 * ms), values=drive(np.array([0, 5]) * second), v=v)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.parametrize("kind", ["first", "set", "restored", "dt"])
def test_spikes_beyond_all_time_steps_are_never_reached(kind, device):
    """Their step has no number of 32 bits. Brian's own targets give them at once, or fail."""

    def recorded(late: list) -> np.ndarray:
        numbers = [0] * (2 + len(late))
        generator = SpikeGeneratorGroup(1, numbers, [0.2, 0.5, *late] * ms)
        if kind == "set":
            generator.set_spikes(numbers, [0.1, 0.4, *late] * ms)
        spikes = SpikeMonitor(generator)
        network = Network(generator, spikes)
        network.store()
        network.run(0.3 * ms)
        if kind == "restored":
            network.restore()
        if kind == "dt":
            defaultclock.dt = 0.05 * ms
        network.run(1.2 * ms)
        times = spikes.t_[:].copy()
        defaultclock.dt = 0.1 * ms
        return times

    set_device(device)
    expected = recorded([])
    assert expected.size >= 2
    for late in ([1e9], [2.2e8]):
        np.testing.assert_array_equal(recorded(late), expected)
