"""The native spike queue against Brian's own."""

import numpy as np
import pytest
from brian2.devices.device import all_devices
from hypothesis import given, settings
from hypothesis import strategies as st

from brian2genn.backends.host.queue import SpikeQueue

DT = 1e-4


def brians_queue(start: int, stop: int):
    return all_devices["runtime"].spike_queue(start, stop)


@st.composite
def scenes(draw):
    """Synapses, delays and spikes for a few steps."""
    start = draw(st.integers(0, 3))
    n_sources = draw(st.integers(1, 6))
    n_synapses = draw(st.integers(0, 30))
    sources = draw(
        st.lists(
            st.integers(start, start + n_sources - 1), min_size=n_synapses, max_size=n_synapses
        )
    )
    if draw(st.booleans()):
        steps = draw(st.lists(st.floats(0, 12), min_size=n_synapses, max_size=n_synapses))
    else:
        steps = [draw(st.floats(0, 12))]
    # spikes of the whole group, also from outside of the queue's subgroup
    spikes = draw(st.lists(st.sets(st.integers(0, start + n_sources + 3)), min_size=1, max_size=30))
    return start, start + n_sources, np.array(sources, np.int32), np.array(steps) * DT, spikes


def deliver(queue, spikes) -> list[list[int]]:
    """What arrives in every step."""
    arrived = []
    for one_step in spikes:
        queue.push(np.array(sorted(one_step), dtype=np.int32))
        arrived.append([int(k) for k in queue.peek()])
        queue.advance()
    return arrived


@settings(max_examples=200, deadline=None)
@given(scenes())
def test_delivers_what_brian_delivers(scene):
    start, stop, sources, delays, spikes = scene
    queues = SpikeQueue(start, stop), brians_queue(start, stop)
    for queue in queues:
        queue.prepare(delays, DT, sources)
    ours, brians = (deliver(queue, spikes) for queue in queues)
    assert ours == brians


@settings(max_examples=100, deadline=None)
@given(scenes(), scenes(), st.sampled_from([1.0, 0.5, 2.0]))
def test_in_flight_while_everything_changes(first, second, factor):
    """Spikes on their way, then new synapses, delays and dt."""
    start, stop, sources, delays, spikes = first
    queues = SpikeQueue(start, stop), brians_queue(start, stop)
    in_range = (second[2] >= start) & (second[2] < stop)
    new_sources = second[2][in_range]
    new_delays = second[3][in_range] if len(second[3]) == len(second[2]) else second[3]
    results = []
    for queue in queues:
        queue.prepare(delays, DT, sources)
        arrived = deliver(queue, spikes[:5])
        queue.prepare(new_delays, DT * factor, new_sources)
        results.append(arrived + deliver(queue, [set()] * 40))
    assert results[0] == results[1]


@pytest.mark.parametrize("factor", [3, 4, 2.3, 1 / 3])
@pytest.mark.parametrize("delay", range(12))
def test_longest_delay_keeps_its_time_in_another_dt(delay, factor):
    """Also where rounding asks for a place that Brian's queue, here without a check, lacks."""
    queue = SpikeQueue(0, 1)
    source = np.array([0], np.int32)
    queue.prepare(np.array([delay * DT]), DT, source)
    queue.push(source)
    queue.prepare(np.array([delay * DT]), DT * factor, source)
    expected = [[]] * int(delay / factor + 0.5) + [[0]]
    assert deliver(queue, [set()] * len(expected)) == expected


@settings(max_examples=100, deadline=None)
@given(scenes())
def test_state_is_brians(scene):
    """A stored state can be given to the other kind of queue."""
    start, stop, sources, delays, spikes = scene
    ours, brians = SpikeQueue(start, stop), brians_queue(start, stop)
    for queue in (ours, brians):
        queue.prepare(delays, DT, sources)
        deliver(queue, spikes)
    state = ours._full_state()
    assert [sorted(slot) for slot in state[1]] == [sorted(slot) for slot in brians._full_state()[1]]
    other = SpikeQueue(start, stop)
    other._restore_from_full_state(brians._full_state())
    other.prepare(delays, DT, sources)
    assert deliver(other, [set()] * 20) == deliver(brians, [set()] * 20)


def test_restored_in_the_middle_and_twice():
    queue = SpikeQueue(0, 2)
    delays = np.array([3.0, 5.0]) * DT
    queue.prepare(delays, DT, np.array([0, 1], np.int32))
    queue.push(np.array([0, 1], np.int32))
    queue.advance()
    state = queue._full_state()
    for _ in range(2):
        queue._restore_from_full_state(state)
        queue.prepare(delays, DT, np.array([0, 1], np.int32))
        assert deliver(queue, [set()] * 6) == [[], [], [0], [], [1], []]


def test_no_state_is_an_empty_queue():
    queue = SpikeQueue(0, 1)
    queue._restore_from_full_state(None)
    queue.prepare(np.array([0.0]), DT, np.array([0], np.int32))
    assert deliver(queue, [{0}, set()]) == [[0], []]


@pytest.mark.parametrize("n", [1, 100_000])
def test_many_synapses(n):
    """Ascending synapse numbers for each source, whatever their number."""
    rng = np.random.default_rng(1)
    sources = rng.integers(0, 50, n).astype(np.int32)
    queue = SpikeQueue(0, 50)
    queue.prepare(np.array([0.0]), DT, sources)
    queue.push(np.arange(50, dtype=np.int32))
    np.testing.assert_array_equal(queue.peek(), np.argsort(sources, kind="stable"))


@pytest.mark.parametrize("n", [10, 2000])
def test_synapses_that_are_in_order_already_are_not_sorted(n, monkeypatch):
    """As `connect` makes them: nothing is written, or compared, for millions of them."""
    targets = np.tile(np.arange(n, dtype=np.int32) // 2, 3)
    queue = SpikeQueue(0, 3)
    queue.prepare(np.array([0.0]), DT, np.repeat(np.arange(3, dtype=np.int32), n))
    with monkeypatch.context() as patch:
        patch.setattr(np, "empty", None)
        assert queue.order_by_target(targets) is None
    targets[n + 1], targets[n + 2] = targets[n + 2], targets[n + 1]
    expected = np.arange(3 * n)
    expected[n + 1 : n + 3] = expected[n + 1 : n + 3][::-1]
    np.testing.assert_array_equal(queue.order_by_target(targets), expected)


@settings(max_examples=100, deadline=None)
@given(scenes(), st.randoms(use_true_random=False))
def test_synapses_numbered_as_threads_take_them(scene, random):
    """What parts take of a run are neighbours, and each target gets what it got in its order."""
    start, stop, sources, delays, spikes = scene
    targets = np.array([random.randrange(5) for _ in sources], dtype=np.int32)
    queues = SpikeQueue(start, stop), SpikeQueue(start, stop)
    for queue in queues:
        queue.prepare(delays, DT, sources)
    order = queues[0].order_by_target(targets)
    if order is None:
        order = np.arange(len(sources), dtype=np.int32)
    else:
        assert not np.array_equal(order, np.arange(len(sources)))
    numbers = np.empty_like(order)
    numbers[order] = np.arange(len(order), dtype=order.dtype)
    queues[0].renumber(order, numbers, in_order=True)
    queues[0].divide(targets[order], 5, 2)
    assert queues[0].order() is None
    assert queues[0].divided_order() is None
    renumbered, plain = (deliver(queue, spikes) for queue in queues)
    for ours, own in zip(renumbered, plain, strict=True):
        for target in range(5):
            assert [k for k in ours if targets[k] == target] == [
                k for k in own if targets[k] == target
            ]
    queues[0].restore_numbers()
    assert deliver(queues[0], spikes) == deliver(queues[1], spikes)


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([*range(20), *range(20)], True),
        ([*range(9), *range(10, 21), *range(20)], True),  # one is left out
        ([*range(19, -1, -1), *range(20)], False),  # the order is another one
        ([*range(10), *range(9, 19), *range(20)], False),  # one is there twice
        ([*range(0, 40, 2), *range(20)], False),  # many are left out
    ],
)
def test_finds_neighbours(targets, expected):
    queue = SpikeQueue(0, 2)
    queue.prepare(np.array([DT]), DT, np.repeat(np.arange(2, dtype=np.int32), 20))
    assert queue.find_neighbours(np.array(targets, dtype=np.int32)) is expected


def test_no_neighbours_where_delays_differ():
    """Synapses of a run are somewhere then."""
    queue = SpikeQueue(0, 2)
    sources = np.repeat(np.arange(2, dtype=np.int32), 20)
    queue.prepare(np.arange(40) % 3 * DT, DT, sources)
    assert not queue.find_neighbours(np.tile(np.arange(20, dtype=np.int32), 2))
    assert queue.order() is not None


def bringing(queue: SpikeQueue, size: int = 16) -> None:
    """Let events bring along numbers of four and eight bytes, in the order of delivery."""
    order = queue.order()
    if order is None:
        order = np.arange(queue.n_synapses, dtype=np.int32)
    places = np.empty_like(order)
    places[order] = np.arange(len(order), dtype=np.int32)
    queue.renumber(order, places, in_order=True)
    # they have been copied when this returns
    queue.bring({4: np.arange(len(order), dtype=np.int32), 8: np.arange(float(len(order)))}, size)


@settings(max_examples=200, deadline=None)
@given(scenes(), st.sampled_from(["never", "look", "end", "again", "set"]))
def test_what_brings_something_arrives_the_same(scene, meanwhile):
    """Also where somebody looks, or events in flight bring nothing any more."""
    start, stop, sources, delays, spikes = scene
    queues = SpikeQueue(start, stop), SpikeQueue(start, stop)
    results = []
    for queue in queues:
        queue.prepare(delays, DT, sources)
        if queue is queues[1] and len(delays) > 1:
            bringing(queue)
        arrived = deliver(queue, spikes[: len(spikes) // 2])
        arrived.append([queue.largest_in_flight()])
        match meanwhile:
            case "look":
                arrived += queue._full_state()[1]
            case "end":
                queue.restore_numbers()
            case "again":
                queue.bring({}, 8)
            case "set":
                queue._restore_from_full_state(queue._full_state())
                queue.prepare(delays, DT, sources)
        results.append(arrived + deliver(queue, [*spikes[len(spikes) // 2 :], *[set()] * 20]))
    assert results[0] == results[1]


def test_longer_runs_than_a_block_bring_something():
    """One neuron has a thousand synapses with one delay, five hundred others have one each."""
    sources = np.array([0] * 1000 + list(range(1, 501)), np.int32)
    delays = np.array([3] * 1000 + [1 + k % 5 for k in range(500)]) * DT
    spikes = [set(range(501)) if k % 2 else {0, 7} for k in range(12)]
    results = []
    for bring in (False, True):
        queue = SpikeQueue(0, 501)
        queue.prepare(delays, DT, sources)
        if bring:
            bringing(queue)
            assert queue.brings
        results.append(deliver(queue, spikes))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # each of a neuron's synapses has a delay of its own
        (np.arange(200) % 20, True),
        # many have the same
        (np.arange(200) // 100, False),
        # one delay for all: there is nothing to look for
        (np.full(200, 3), False),
        # so long that there would be a block for each event
        (np.arange(200) * 50, False),
    ],
)
def test_when_events_bring_something(steps, expected):
    queue = SpikeQueue(0, 4)
    queue.prepare(steps * DT, DT, np.repeat(np.arange(4, dtype=np.int32), 50))
    bringing(queue)
    assert queue.brings == expected
    queue.restore_numbers()
    assert not queue.brings
