"""Time steps are executed in several ways, all with the same results; the fastest is kept to."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
from brian2 import (
    Network,
    NetworkOperation,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

import brian2genn
from brian2genn.backends.cuda.device.driver import Meeting
from brian2genn.backends.cuda.run import options
from brian2genn.backends.cuda.run.autotuning import Autotuner, LaunchPlan
from brian2genn.backends.cuda.run.sizes import dealt_out, shares_of_stage, width_for
from tests import devices
from tests.semantics.harness import compare, observe
from tests.semantics.test_setup_random import noisy

GRAPH, TOGETHER = LaunchPlan(), LaunchPlan(Meeting.MEMORY)
#: As many threads as there is room for, fewer than there are elements.
FILLING, TWO_EACH = (LaunchPlan(Meeting.MEMORY, threads=32, each=each) for each in (1, 2))
CLUSTER, LARGER = (LaunchPlan(Meeting.CLUSTER, threads=threads) for threads in (64, 128))


def wider(*widenings: int):
    """Variants of a way that differ in this."""
    return lambda best: [replace(best, widening=widening) for widening in widenings]


def decide(tuner: Autotuner, costs) -> list[LaunchPlan]:
    """Let a tuner see these costs until it has decided; the ways in the order of their turns."""
    seen = []
    while not tuner.decided:
        seen.append(tuner.plan)
        tuner.note(costs(tuner.plan, seen.count(tuner.plan)) * tuner.rules.steps, tuner.rules.steps)
    return seen


def test_every_way_has_its_turns_and_the_fastest_is_kept():
    tuner = Autotuner([GRAPH, TOGETHER])
    seen = decide(tuner, lambda plan, _: 2.0 if plan == GRAPH else 1.0)
    assert seen == 4 * [GRAPH, TOGETHER]
    assert tuner.plan == TOGETHER
    assert tuner.costs == {GRAPH: 2.0, TOGETHER: 1.0}
    tuner.note(100.0, 1000)
    assert tuner.plan == TOGETHER


def test_the_first_turn_and_one_outlier_do_not_count():
    costs = {TOGETHER: [90.0, 1.0, 50.0, 1.0], GRAPH: [0.0, 2.0, 2.0, 2.0]}
    tuner = Autotuner([GRAPH, TOGETHER])
    decide(tuner, lambda plan, turn: costs[plan][turn - 1])
    assert tuner.plan == TOGETHER


def test_another_way_has_to_be_faster_by_more_than_a_trifle():
    tuner = Autotuner([GRAPH, TOGETHER])
    decide(tuner, lambda plan, _: 1.0 if plan == GRAPH else 0.99)
    assert tuner.plan == GRAPH


def test_how_many_threads_share_a_spike_is_tried_in_the_faster_way():
    tuner = Autotuner([GRAPH, TOGETHER], wider(-2, 2))
    seen = decide(tuner, lambda plan, _: 1.0 + (not plan.together) - 0.1 * (plan.widening == 2))
    assert seen[8:11] == [TOGETHER, LaunchPlan(Meeting.MEMORY, -2), LaunchPlan(Meeting.MEMORY, 2)]
    assert tuner.plan == LaunchPlan(Meeting.MEMORY, 2)


def test_more_of_what_helps_is_tried_once():
    more = {GRAPH: wider(-2, 2)(GRAPH), LaunchPlan(widening=2): wider(2, 3)(GRAPH)}
    tuner = Autotuner([GRAPH], lambda plan: more.get(plan, wider(9)(GRAPH)))
    seen = decide(tuner, lambda plan, _: 5.0 - plan.widening)
    assert list(dict.fromkeys(plan.widening for plan in seen)) == [0, -2, 2, 3]
    assert tuner.plan == LaunchPlan(widening=3)
    # what was the fastest before has no more to try
    tuner = Autotuner([GRAPH], lambda plan: wider(*((-2, 2) if plan == GRAPH else (9,)))(GRAPH))
    seen = decide(tuner, lambda plan, _: 5.0 + abs(plan.widening))
    assert {plan.widening for plan in seen} == {0, -2, 2}


def test_one_way_is_nothing_to_try():
    assert Autotuner([GRAPH]).decided
    assert Autotuner([GRAPH]).plan == GRAPH
    tuner = Autotuner([GRAPH], wider(2))
    decide(tuner, lambda plan, _: 1.0 / (1 + plan.widening))
    assert tuner.plan == LaunchPlan(Meeting.NOWHERE, 2)


def test_short_launches_say_nothing_unless_steps_are_long():
    tuner = Autotuner([GRAPH, TOGETHER])
    tuner.note(1e-4, tuner.rules.steps - 1)
    assert tuner.plan == GRAPH
    tuner.note(1e-4, tuner.rules.steps)
    assert tuner.plan == TOGETHER
    tuner.note(0.1, 3)
    assert tuner.plan == GRAPH


def test_what_is_far_behind_has_no_further_turn():
    tuner = Autotuner([GRAPH, TOGETHER, LaunchPlan(Meeting.MEMORY, 1)])
    costs = {GRAPH: 1.0, TOGETHER: 10.0, LaunchPlan(Meeting.MEMORY, 1): 1.1}
    seen = decide(tuner, lambda plan, _: costs[plan])
    assert (seen.count(GRAPH), seen.count(TOGETHER)) == (4, 2)
    assert tuner.plan == GRAPH


def test_the_ways_are_tried_again_when_much_time_has_passed():
    tuner = Autotuner([GRAPH, TOGETHER], wider(2))
    decide(tuner, lambda plan, _: 1.0 + plan.together)
    assert tuner.plan == GRAPH
    tuner.note(1.0, 100_001)
    assert not tuner.decided
    decide(tuner, lambda plan, _: 2.0 - plan.together)
    assert tuner.plan == TOGETHER
    alone = Autotuner([GRAPH])
    alone.note(1.0, 1_000_000)
    assert alone.decided


# -- networks ---------------------------------------------------------------------


@pytest.fixture
def only(shim, monkeypatch):
    """Make one way the only one."""

    def choose(plan: LaunchPlan) -> None:
        shim.most_blocks_together, shim.largest_cluster = 100, 16
        devices.set_execution(monkeypatch, candidates=options.only(plan))

    return choose


def active(n: int = 300, delay: str = "(0.1 + 0.1*((i + j) % 7))*ms"):
    """A network of several blocks in which much happens in every step."""
    group = NeuronGroup(
        n, "dv/dt = (1.3 - v)/(5*ms) : 1 (unless refractory)\nx : 1\ncount : integer",
        threshold="v > 1", reset="v = 0.2*rand(); count += 1", refractory=1 * ms, method="exact",
        name="cells",
    )  # fmt: skip
    group.v = "rand()"
    synapses = Synapses(group, group, on_pre="x_post += 1", name="links")
    synapses.connect(condition="(i + 3*j) % 11 == 0")
    if delay:
        synapses.delay = delay
    return group, synapses


WIDER_OR_FEWER = [
    LaunchPlan(Meeting.MEMORY, 2),
    LaunchPlan(Meeting.NOWHERE, -2),
    LaunchPlan(Meeting.NOWHERE, 2),
    LaunchPlan(Meeting.NOWHERE, 0, -3),
    replace(CLUSTER, widening=2),
    replace(LARGER, widening=-2),
    FILLING,
    replace(TWO_EACH, widening=2),
    replace(TWO_EACH, spreading=-3),
]


@pytest.mark.parametrize("delay", ["", "(0.1 + 0.1*((i + j) % 7))*ms", "0.1*ms*((i*j) % 70)"])
@pytest.mark.parametrize("plan", [GRAPH, TOGETHER, CLUSTER, LARGER, *WIDER_OR_FEWER])
def test_the_results_are_those_of_the_processor(shim, only, plan, delay):
    only(plan)
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        group, synapses = active(delay=delay)
        states = StateMonitor(group, ["v", "x"], record=[0, 77, 299], dt=0.3 * ms)
        spikes = SpikeMonitor(group)
        network = Network(group, synapses, states, spikes)
        for duration in (4, 0.1, 3):
            network.run(duration * ms)
        results.append(observe(group=group, states=states, spikes=spikes))
        assert group.count[:].sum() > 200
    compare(*results)


def pushing(group: NeuronGroup) -> NetworkOperation:
    def push() -> None:
        group.x[:10] += 0.5

    return NetworkOperation(push, dt=0.7 * ms)


@pytest.mark.parametrize("plan", [TOGETHER, CLUSTER, FILLING])
def test_objects_of_the_host_have_their_turn(shim, only, plan):
    only(plan)
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        group, synapses = active(100)

        spikes = SpikeMonitor(group)
        Network(group, synapses, spikes, pushing(group)).run(5 * ms)
        results.append(observe(group=group, spikes=spikes))
    compare(*results)


@pytest.mark.parametrize("plan", [TOGETHER, CLUSTER])
def test_many_steps_are_one_launch(shim, only, plan):
    only(plan)
    shim.rules = replace(shim.rules, patience=60.0)
    set_device("genn", backend="cuda")
    group, synapses = active()
    network = Network(group, synapses)
    network.run(100 * ms)
    launches = shim.counts["launches"]
    network.run(100 * ms)
    assert shim.counts["launches"] - launches < 20, "of 1,000 time steps of two kernels each"
    assert shim.counts["replays"] == 0


def test_a_second_run_begins_with_as_many_steps_at_once_as_the_first_has_come_to(shim, monkeypatch):
    shim.rules = replace(shim.rules, patience=1000.0)
    launches = []
    devices.set_execution(monkeypatch, on_launch=lambda seconds, steps: launches.append(steps))
    set_device("genn", backend="cuda")
    group, synapses = active()
    network = Network(group, synapses)
    network.run(150 * ms)
    launches.clear()
    network.run(20 * ms)
    assert launches == [200]


def test_what_the_device_cannot_have_at_once_is_executed_as_graphs(shim):
    shim.most_blocks_together, shim.largest_cluster = 2, 0
    set_device("genn", backend="cuda")
    group, synapses = active()
    Network(group, synapses).run(30 * ms)
    text = str(brian2genn.explain())
    assert "Time steps are executed as graphs of kernels" in text
    assert "one kernel for many steps" not in text


def test_clusters_are_as_small_and_spread_as_they_can_be(shim):
    """300 neurons are two blocks of 256 threads, if there are four and one looks ahead."""
    shim.most_blocks_together, shim.largest_cluster = 1, 4
    set_device("genn", backend="cuda")
    launches = set()
    launch = shim.launch

    def watched(several):
        launches.update((one.meeting, one.blocks, one.threads) for one in several)
        launch(several)

    shim.launch = watched
    group, synapses = active()
    Network(group, synapses).run(30 * ms)
    seen = {launch for launch in launches if launch[0] != Meeting.NOWHERE}
    assert seen == {(Meeting.CLUSTER, 4, 256), (Meeting.CLUSTER, 4, 512)}
    text = str(brian2genn.explain())
    assert "one kernel for many steps, of a cluster of blocks of 256 threads" in text


def test_what_fits_into_no_cluster_is_executed_otherwise(shim):
    """Not even blocks of 1,024 threads are few enough."""
    shim.largest_cluster = 2
    set_device("genn", backend="cuda")
    group, synapses = active(2100, delay="")
    Network(group, synapses).run(2 * ms)
    assert "cluster" not in str(brian2genn.explain())


def test_blocks_have_no_more_threads_than_users_functions_have_numbers_for(shim):
    """Random numbers of users' C++ functions lie in shared memory, for 256 threads."""
    shim.largest_cluster = 16
    set_device("genn", backend="cuda")
    launches = set()
    launch = shim.launch

    def watched(several):
        launches.update(one.threads for one in several)
        launch(several)

    shim.launch = watched
    for size in (3000, 4000):
        group = NeuronGroup(size, "v : 1", namespace={"noisy": noisy()})
        group.run_regularly("v = noisy(1)")
        Network(group).run(6 * ms)
        assert np.std(group.v) > 5
    assert max(launches) == 256


@pytest.mark.parametrize(
    ("wanted", "most", "given"),
    [
        ([], 4, []),
        ([5], 4, [4]),
        ([1, 100], 16, [1, 15]),
        ([100, 100], 16, [8, 8]),
        ([10, 100], 16, [2, 14]),
        ([1, 1], 16, [1, 1]),
        ([7, 7, 7], 2, [1, 1, 1]),  # too many: this is seen by their sum
    ],
)
def test_blocks_of_a_cluster_are_dealt_out_by_need(wanted, most, given):
    assert dealt_out(wanted, most) == given


@pytest.mark.parametrize(
    ("wanted", "spikes", "spreading", "given"),
    [
        ({0: 76}, (), 0, {0: 76}),
        ({0: 500}, (), 0, {0: 131}),
        ({0: 500}, (0,), -3, {0: 131}),
        ({0: 500, 1: 76}, (0,), 0, {0: 66, 1: 65}),
        ({0: 500, 1: 76}, (0,), 2, {0: 105, 1: 26}),
        ({0: 500, 1: 10}, (0,), 0, {0: 121, 1: 10}),  # the others have enough
        ({0: 3, 1: 300}, (0,), 0, {0: 3, 1: 128}),
        ({0: 500, 1: 500, 2: 300, 3: 100}, (0, 1), 0, {0: 33, 1: 33, 2: 49, 3: 16}),
    ],
)
def test_blocks_that_stay_are_dealt_out_to_all_tasks_of_a_stage(wanted, spikes, spreading, given):
    assert shares_of_stage(wanted, spikes, 131, spreading) == given


def test_large_networks_are_tried_with_all_multiprocessors_filled(shim):
    """A thread for each of these neurons has no room, a part of them has."""
    shim.multiprocessors, shim.most_blocks_together, shim.largest_cluster = 3, 3, 0
    results = []
    launches = set()
    launch = shim.launch

    def watched(several):
        launches.update((one.meeting, one.blocks, one.threads) for one in several)
        launch(several)

    shim.launch = watched
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        group, synapses = active(1000)
        Network(group, synapses).run(15 * ms)
        results.append(observe(group=group))
    compare(*results)
    assert {one for one in launches if one[0] != Meeting.NOWHERE} == {(Meeting.MEMORY, 3, 128)}
    assert "1 block of 128 threads on each multiprocessor" in str(brian2genn.explain())


def test_what_is_known_of_a_network_does_not_keep_it(shim):
    set_device("genn", backend="cuda")

    def run_once() -> weakref.ref:
        group, synapses = active(100)
        Network(group, synapses).run(10 * ms)
        return weakref.ref(synapses.pre.queue)

    queue = run_once()
    gc.collect()
    assert queue() is None


def test_what_was_tried_is_told_and_known_to_the_next_network(shim, made):
    set_device("genn", backend="cuda")
    group, synapses = active()
    network = Network(group, synapses)
    network.run(1 * ms)
    assert "other ways are being tried" in str(brian2genn.explain())
    network.run(30 * ms)
    assert "µs a step" in str(brian2genn.explain())
    network.run(1 * ms)
    (program,) = made
    assert program.unbound()._executable.tuners == program._executable.tuners
    assert len(program._executable.tuners) == 1


@pytest.mark.parametrize("delay", ["", "0.1*ms*(1 + j % 3)"])
@pytest.mark.parametrize(
    "plan",
    [
        GRAPH,
        TOGETHER,
        LaunchPlan(Meeting.NOWHERE, 2),
        LaunchPlan(Meeting.MEMORY, 2),
        LaunchPlan(Meeting.MEMORY, -2),
        LaunchPlan(Meeting.NOWHERE, 0, 2),
        LaunchPlan(Meeting.MEMORY, 2, 2),
        LaunchPlan(Meeting.MEMORY, 0, -3),
        LaunchPlan(Meeting.NOWHERE, 2, -3),
        CLUSTER,
        LARGER,
        replace(CLUSTER, widening=2),
        TWO_EACH,
        replace(FILLING, spreading=2),
    ],
)
def test_synapses_for_which_a_block_has_too_few_threads(shim, only, plan, delay):
    """Teams of several blocks, and blocks that make no whole team."""
    only(plan)
    counts = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        source = SpikeGeneratorGroup(5, np.arange(5).repeat(9), np.arange(45) % 13 * 0.1 * ms)
        target = NeuronGroup(400, "count : integer")
        synapses = Synapses(source, target, on_pre="count_post += 1")
        synapses.connect()
        if delay:
            synapses.delay = delay
        Network(source, target, synapses).run(3 * ms)
        counts.append(np.array(target.count))
    assert counts[0].min() > 30
    assert np.array_equal(*counts)
    if plan.widening == 2 and not delay:
        width = width_for(shim, synapses.pre.queue, plan)
        # in a cluster, a pathway may have one block: it has to be a team at least
        assert width == shim.threads if plan.threads else width > shim.threads


def test_a_wider_way_that_does_not_fit_is_not_tried(shim):
    """One source with many synapses: wider teams take more blocks than the neurons do."""
    shim.multiprocessors = shim.most_blocks_together = 7
    set_device("genn", backend="cuda")
    source = SpikeGeneratorGroup(1, np.zeros(50, int), np.arange(50) * 0.2 * ms)
    group = NeuronGroup(300, "v : 1")
    some = Synapses(source, group, on_pre="v_post += 1")
    some.connect()
    others = Synapses(source, group, on_pre="v_post += 1")
    others.connect()
    Network(source, group, some, others).run(40 * ms)
    assert group.v[:].min() == 100


def test_deterministic_runs_are_the_same_bit_by_bit_in_every_way(shim, only):
    values = []
    for plan in (GRAPH, TOGETHER, replace(LARGER, threads=512), FILLING):
        only(plan)
        set_device("genn", backend="cuda", deterministic=True)
        seed(5)
        group, synapses = active(100)
        synapses.pre.code = "x_post += 0.1*(i + 1)"
        Network(group, synapses).run(10 * ms)
        values.append(np.array(group.x))
    assert all(np.array_equal(values[0], others) for others in values[1:])
    assert values[0].max() > 0
