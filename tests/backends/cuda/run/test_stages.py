"""Which steps share a task, and which come into a later stage."""

import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    set_device,
)

pytestmark = pytest.mark.usefixtures("shim")


@pytest.fixture
def stages(made):
    """Runs objects and returns, for every kernel of a step, its tasks' steps."""
    set_device("genn", backend="cuda")

    def plan(*objects):
        Network(*objects).run(0.2 * ms)
        source = made[-1].source
        tasks = {task.number: task for task in source.tasks}
        return [
            [[text.partition(" '")[0] for text in tasks[n].what] for n in kernel.tasks]
            for kernel in source.kernels
            if kernel.name in source.loop
        ]

    return plan


def neurons(reset: str = "v = 0") -> NeuronGroup:
    return NeuronGroup(
        10, "dv/dt = (g - v)/ms : 1\ndg/dt = -g/ms : 1", threshold="v > 1", reset=reset,
        method="exact",
    )  # fmt: skip


ONE_PASS = ["state update", "threshold", "spikes into the queue of", "reset"]


def test_update_threshold_and_reset_are_one_pass(stages):
    group = neurons()
    synapses = Synapses(group, group, on_pre="g_post += 1")
    synapses.connect(j="i")
    assert stages(group, synapses) == [[ONE_PASS], [["synaptic pathway"]]]


def test_reset_after_synapses_that_change_the_same_variable_begins_the_next_step(stages):
    group = neurons()
    synapses = Synapses(group, group, on_pre="v_post += 1")
    synapses.connect(j="i")
    assert stages(group, synapses) == [[["reset", *ONE_PASS[:3]]], [["synaptic pathway"]]]


def test_groups_are_side_by_side(stages):
    group, inputs = neurons(), PoissonGroup(5, "10*Hz")
    synapses = Synapses(inputs, group, on_pre="g_post += 1")
    synapses.connect(j="0")
    first, second = stages(group, inputs, synapses)
    one_group = ["state update", "threshold", "reset"]
    assert sorted(first) == sorted([one_group, ["threshold", ONE_PASS[2]]])
    assert second == [["synaptic pathway"]]


def test_additions_of_two_pathways_are_side_by_side(stages):
    group = neurons()
    one = Synapses(group, group, on_pre="g_post += 1")
    two = Synapses(group, group, on_pre="g_post += 2")
    one.connect(j="i")
    two.connect(j="i")
    assert [len(stage) for stage in stages(group, one, two)] == [1, 2]


def test_additions_of_two_pathways_keep_their_order_where_sums_must_be_the_same(stages):
    set_device("genn", backend="cuda", deterministic=True)
    group = neurons()
    one = Synapses(group, group, on_pre="g_post += 1")
    two = Synapses(group, group, on_pre="g_post += 2")
    one.connect(j="i")
    two.connect(j="i")
    assert [len(stage) for stage in stages(group, one, two)] == [1, 1, 1]


def test_pathways_that_write_and_read_keep_their_order(stages):
    group = neurons()
    synapses = Synapses(group, group, "w : 1", on_pre="g_post += w", on_post="w = w + 1")
    synapses.connect(j="i")
    one_pass = [*ONE_PASS[:3], ONE_PASS[2], ONE_PASS[3]]
    # the postsynaptic one beside the neurons of the next time step
    first, second = stages(group, synapses)
    assert sorted(first) == sorted([["synaptic pathway"], one_pass])
    assert second == [["synaptic pathway"]]


def test_a_monitor_sees_the_values_before_the_update(stages):
    group = neurons()
    monitor = StateMonitor(group, "v", record=True)
    spikes = SpikeMonitor(group)
    plan = stages(group, monitor, spikes)
    assert plan == [[["state monitor", "state update", "threshold", "event monitor", "reset"]]]
    assert len(monitor.t) == 2
    assert spikes.num_spikes == 0
