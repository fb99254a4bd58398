"""The queue of a pathway on a device: how synapses are arranged, and what is in flight."""

import tracemalloc

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, Synapses, ms, set_device

from brian2genn.backends.cuda.memory import queue as queue_module
from brian2genn.backends.cuda.memory import sorting
from brian2genn.backends.cuda.memory.queue import DeviceQueue
from brian2genn.backends.cuda.memory.sorting import sort_by
from brian2genn.backends.host.queue import SpikeQueue
from tests.semantics.harness import compare, observe

DT = 1e-4


def prepared(delays, sources, n: int) -> DeviceQueue:
    queue = DeviceQueue(0, n)
    queue.prepare(np.array(delays) * DT, DT, np.array(sources, dtype=np.int32))
    return queue


@pytest.mark.parametrize("few", [0, 1 << 16])
def test_runs_are_the_same_with_and_without_empty_ones(monkeypatch, few):
    monkeypatch.setattr(queue_module, "_FEW_RUNS", few)
    queue = prepared([3, 9, 3, 3, 5, 90], [1, 1, 0, 1, 3, 3], 5)
    arrangement = queue.arrangement
    assert (arrangement.first_run is None) == bool(few)
    found = {
        source: [(delay, list(synapses)) for delay, synapses in queue._runs_of(source)]
        for source in range(5)
    }
    assert found == {
        0: [(3, [2])],
        1: [(3, [0, 3]), (9, [1])],
        2: [],
        3: [(5, [4]), (90, [5])],
        4: [],
    }
    assert list(arrangement.by_source()) == [0, 1, 4, 4, 6, 6]
    assert list(arrangement.delays) == [3, 5, 9, 90]
    sources, delays = arrangement.by_synapse()
    assert (list(sources), list(delays)) == ([1, 1, 0, 1, 3, 3], [3, 9, 3, 3, 5, 90])
    assert arrangement.mean_run == 6 / 5


@pytest.mark.parametrize("sources", [[0, 0, 1, 2], [2, 0, 1, 0]])
def test_one_delay_for_all(sources):
    arrangement = prepared([7], sources, 4).arrangement
    assert list(arrangement.delays) == [7]
    assert arrangement.first_run is None
    assert (arrangement.order is None) == (sources == sorted(sources))


@pytest.mark.parametrize("largest", [0, 5, 1000, 2**40, 2**62])
@pytest.mark.parametrize("n", [0, 1, 2, 1000])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_numbers_are_sorted_by_keys(monkeypatch, largest, n, chunk):
    monkeypatch.setattr(sorting, "_CHUNK", chunk)
    keys = np.random.default_rng(1).integers(0, largest, n, endpoint=True)
    expected = np.argsort(keys, kind="stable")
    order, ordered = sort_by(keys.copy())
    assert order.dtype == np.int32
    assert np.array_equal(order, expected)
    assert np.array_equal(ordered, keys[expected])


def in_flight() -> DeviceQueue:
    queue = prepared([5, 6], [0, 0], 1)
    queue.push(np.array([0], dtype=np.int32))
    return queue


def test_a_synapse_can_be_there_twice_only_where_delays_have_changed():
    queue = in_flight()
    sources = np.zeros(2, dtype=np.int32)
    queue.prepare(np.array([5, 6]) * DT, DT, sources)
    assert not queue.mixed
    queue.prepare(np.array([5, 4]) * DT, DT, sources)
    assert queue.mixed
    # what was in flight then has arrived: what comes after it is of one kind again
    queue.take_back({}, 7)
    assert not queue.mixed


@pytest.mark.parametrize(
    ("slots", "mixed"),
    [
        ([[], [], [0], [1], []], False),  # two steps ago, or four
        ([[0], [1], [0], [1], []], False),  # both
        ([[1], [], [0], [1], []], False),  # the first synapse had that of five steps ago
        ([[0], [], [], [], []], True),  # of the second synapse nothing
        ([[], [], [0, 0], [1], []], True),  # one is there twice
        ([[], [], [0], [1, 1], []], True),
        ([[], [], [], [], [0, 1]], True),  # a spike that is still to come
        ([[2], [], [0], [1, 2], []], True),  # with the first, the second source's other synapse
        ([[2], [3], [0], [1], []], False),
        ([[], [], [], [], []], False),
    ],
)
@pytest.mark.parametrize("few", [0, 1 << 16])
def test_a_restored_queue_knows_whether_spikes_have_filled_it(monkeypatch, slots, mixed, few):
    monkeypatch.setattr(queue_module, "_FEW_RUNS", few)
    for first in (0, 3):  # of a subgroup
        queue = DeviceQueue(first, first + 2)
        queue._restore_from_full_state((2, slots[-2:] + slots[:-2]))
        sources = np.array([0, 0, 1, 1], dtype=np.int32) + first
        queue.prepare(np.array([4, 5, 2, 3]) * DT, DT, sources)
        assert queue.mixed == mixed


@pytest.mark.parametrize("few", [0, 1 << 16])
@pytest.mark.parametrize("changed", [False, True])
def test_what_is_in_flight_between_runs_arrives(shim, monkeypatch, few, changed):
    """Many delays, more than threads in a warp, and spikes under way in every one of them."""
    monkeypatch.setattr(queue_module, "_FEW_RUNS", few)
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        n = 40
        source = SpikeGeneratorGroup(n, np.arange(n).repeat(5), np.arange(5 * n) % 37 * 0.1 * ms)
        target = NeuronGroup(n, "x : 1\ny : 1")
        synapses = Synapses(source, target, "w : 1", on_pre="x_post += w; w += 1")
        synapses.connect(condition="(i + j) % 3 != 0")
        synapses.delay = "0.1*ms*((i*j) % 83)"
        network = Network(source, target, synapses)
        seen = []
        for duration in (1.1, 0.9, 0.1, 3):
            network.run(duration * ms)
            seen.append(np.array(target.x))
            if changed:
                synapses.delay = "0.1*ms*((i*j + 5) % 83)"
        network.run(9 * ms)
        results.append(observe(target=target, synapses=synapses) | {"seen": np.array(seen)})
        assert target.x[:].min() > 0
    compare(*results)


@pytest.mark.parametrize("few", [0, 1 << 16])
@pytest.mark.parametrize("ordered", [False, True])
def test_spikes_become_the_synapses_at_which_they_arrive(monkeypatch, few, ordered):
    """Those that a loop over sources and their runs finds, in its order."""
    monkeypatch.setattr(queue_module, "_FEW_RUNS", few)
    random = np.random.default_rng(4)
    sources = random.integers(0, 20, 300)
    queue = prepared(random.integers(0, 17, 300), np.sort(sources) if ordered else sources, 25)
    ring = {ago: random.permutation(25)[: ago % 5].astype(np.int32) for ago in range(1, 18)}
    queue.arrivals = {2: np.array([7], dtype=np.int32), 5: np.array([9, 8], dtype=np.int32)}
    queue.take_back(ring, 3)
    expected = {2: [9, 8]}
    for ago in sorted(ring, reverse=True):
        for source in np.sort(ring[ago]):
            for delay, synapses in queue._runs_of(int(source)):
                if delay >= ago and synapses.size:
                    expected.setdefault(delay - ago, []).extend(synapses)
    assert queue.spikes
    assert queue.largest_in_flight() == 299
    assert {number: list(slot) for number, slot in queue.arrivals.items()} == expected
    assert not queue.spikes
    assert queue.largest_in_flight() == max(max(slot) for slot in expected.values())


def test_spikes_go_on_as_spikes_unless_delays_change():
    queue = prepared([5, 6], [0, 0], 1)
    queue.take_back({1: np.zeros(1, dtype=np.int32), 7: np.zeros(1, dtype=np.int32)}, 9)
    queue.prepare(np.array([5, 6]) * DT, DT, np.zeros(2, dtype=np.int32))
    assert list(queue.spikes) == [1]  # the other one has arrived everywhere
    assert queue.left_over()[1].size == 0
    queue.prepare(np.array([5, 7]) * DT, DT, np.zeros(2, dtype=np.int32))
    assert not queue.spikes
    assert {number: list(slot) for number, slot in queue.arrivals.items()} == {4: [0], 5: [1]}
    assert queue.mixed


def test_a_processors_queue_takes_the_state_of_a_devices_and_back():
    state = in_flight()._full_state()
    other = SpikeQueue(0, 1)
    other._restore_from_full_state(state)
    sources = np.zeros(2, dtype=np.int32)
    other.prepare(np.array([5, 6]) * DT, DT, sources)
    again = DeviceQueue(0, 1)
    again._restore_from_full_state(other._full_state())
    again.prepare(np.array([5, 6]) * DT, DT, sources)
    for queue in (other, again):
        arrived = []
        for _ in range(8):
            arrived.append(list(queue.peek()))
            queue.advance()
        assert arrived == [[], [], [], [], [], [0], [1], []]


def test_long_delays_take_no_memory_for_every_step():
    longest = 10**8
    tracemalloc.start()
    queue = prepared([longest, 3, longest], [0, 0, 1], 2)
    queue.push(np.array([0, 1], dtype=np.int32))
    queue.advance()
    start, synapses = DeviceQueue(0, 2).left_over()
    assert (list(start), list(synapses)) == ([0, 0], [])
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert queue.n_slots == longest + 1
    assert {number: list(slot) for number, slot in queue.arrivals.items()} == {
        longest - 1: [0, 2], 2: [1]
    }  # fmt: skip
    queue.take_back({1: np.array([1], dtype=np.int32)}, 2)
    assert {number: list(slot) for number, slot in queue.arrivals.items()} == {
        longest - 3: [0, 2], 0: [1], longest - 1: [2]
    }  # fmt: skip


@pytest.mark.parametrize(("delay", "n_sources"), [(1 << 28, 1), (1 << 20, 1 << 20)])
def test_a_queue_that_fits_nowhere_is_an_error(delay, n_sources):
    with pytest.raises(MemoryError, match="spike queue"):
        prepared([delay], [0], n_sources)
