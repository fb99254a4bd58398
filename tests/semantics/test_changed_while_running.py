"""What Python code changes in the middle of a run that Brian reads before it: lists, structure.

Of arrays that get another size in a run, Brian's own code goes on with memory that is no longer the
variable's: its values are those of before in Brian 2.9, and from 2.10 on they may be anything. So
what is expected is written here, and only what Brian defines is compared with it.
"""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    network_operation,
    run,
    set_device,
)

from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()


def every_step(n: int, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of the neurons 0 to 4 in turn, one in each time step from `start` on."""
    return np.arange(n) % 5, (start + np.arange(n)) * 0.1


def binned(spikes: SpikeMonitor) -> list[tuple[int, int]]:
    return [(int(i), round(t * 1e4)) for i, t in zip(spikes.i, spikes.t_, strict=True)]


@pytest.mark.parametrize(("before", "after"), [(1, 2), (20, 1), (20, 0), (12, 20), (3, 2000)])
@pytest.mark.parametrize("twice", [False, True])
def test_other_spikes_count_from_the_next_run_on(before, after, twice):
    set_device(devices.DEVICE)
    indices, times = every_step(before)
    generator = SpikeGeneratorGroup(5, indices, times * ms)
    target = NeuronGroup(5, "x : 1")
    synapses = Synapses(generator, target, on_pre="x_post += 1")
    synapses.connect(j="i")
    spikes = SpikeMonitor(generator)
    new = every_step(after, start=7)

    @network_operation(dt=0.5 * ms)
    def change(t):
        if 0.2 * ms < t < 0.7 * ms:
            if twice:  # what counts is neither what is there first nor what is as long as before
                generator.set_spikes([4] * (before + 7), np.arange(before + 7) * 0.2 * ms)
                generator.set_spikes([3] * before, np.arange(before) * 0.2 * ms)
            generator.set_spikes(new[0], new[1] * ms)

    run(2.2 * ms)
    expected = [(i, i if before == 1 else k) for k, i in enumerate(indices)]
    assert binned(spikes) == expected
    np.testing.assert_array_equal(target.x[:], np.bincount(indices, minlength=5))
    change.active = False
    run(3 * ms)
    expected += [(k % 5, k + 7) for k in range(after) if 22 <= k + 7 < 52]
    assert binned(spikes) == expected


def test_spikes_changed_in_a_run_within_the_run():
    set_device(devices.DEVICE)
    generator = SpikeGeneratorGroup(2, [0, 1, 0, 1], [0.1, 0.4, 0.9, 1.5] * ms)
    spikes = SpikeMonitor(generator)
    other = SpikeGeneratorGroup(2, [1], [0.2] * ms, dt=0.1 * ms)  # has a clock of its own
    heard = SpikeMonitor(other)

    @network_operation(dt=0.3 * ms)
    def change(t):
        if 0.2 * ms < t < 0.5 * ms:
            generator.set_spikes([1], [1.2] * ms)
            inner = Network(other, heard)
            inner.run(0.5 * ms)
            generator.set_spikes([1] * 9, np.arange(9) * 0.25 * ms)

    Network(generator, spikes, change).run(2 * ms)
    assert binned(spikes) == [(0, 1), (1, 4), (0, 9), (1, 15)]
    assert binned(heard) == [(1, 2)]


@cases
def as_many_spikes_as_before():
    """The neurons are others at once; when they spike is found out before a run."""
    generator = SpikeGeneratorGroup(3, [0, 1, 0, 2], [0.1, 0.6, 1, 3] * ms)
    spikes = SpikeMonitor(generator)

    @network_operation(dt=0.5 * ms)
    def change(t):
        if 0.2 * ms < t < 0.7 * ms:
            generator.set_spikes([2, 2, 1, 0], [1.1, 1.2, 1.7, 2.9] * ms)

    run(2.2 * ms)
    first = observe(spikes=spikes)
    run(1 * ms)
    return {**{f"first.{name}": value for name, value in first.items()}, **observe(spikes=spikes)}


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


def test_synapses_that_are_made_in_a_run_join_in_the_next_one():
    set_device(devices.DEVICE)
    source = NeuronGroup(2, "v : 1", threshold="True", reset="")
    target = NeuronGroup(2, "x : 1\ns : 1")
    synapses = Synapses(source, target, "w : 1\ns_post = w : 1 (summed)", on_pre="x_post += w")
    synapses.connect(j="i")
    synapses.w = 1
    states = StateMonitor(target, ["x", "s"], record=True)

    @network_operation(dt=0.3 * ms)
    def grow(t):
        if 0.2 * ms < t < 0.5 * ms:
            synapses.connect(condition="i < j")
            synapses.w = 5

    run(0.8 * ms)
    # those that there were have the value that they have now
    np.testing.assert_array_equal(states.x, [[0, 1, 2, 3, 8, 13, 18, 23]] * 2)
    np.testing.assert_array_equal(states.s, [[0, 1, 1, 1, 5, 5, 5, 5]] * 2)
    run(0.2 * ms)
    np.testing.assert_array_equal(states.x[:, -2:], [[28, 33], [28, 38]])
    np.testing.assert_array_equal(states.s[:, -1], [5, 10])
