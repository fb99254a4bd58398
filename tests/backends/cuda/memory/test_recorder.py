"""What monitors recorded, on its way from the device: in order, whoever finds that."""

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, SpikeMonitor, ms, seed

from brian2genn.backends.cuda.memory import ordering
from brian2genn.backends.cuda.memory.ordering import RowOrder
from brian2genn.backends.cuda.memory.recorder import DeviceRecorder

ROWS = '#include "brian2genn_rows.h"\n'


@pytest.fixture(params=["shim", "ptx"])
def device(request, monkeypatch):
    """What executes CUDA programs; any number of rows is put in order there."""
    monkeypatch.setattr(ordering, "_WORTHWHILE", 0)
    if request.param == "shim":
        from tests.cuda_shim.driver import ShimDriver

        return ShimDriver()
    pytest.importorskip("cuda.bindings")
    from emulation.ptx.driver import PtxDriver

    return PtxDriver()


def filled(device, keys, columns) -> DeviceRecorder:
    """A recorder with rows on the device."""
    module = device.build(ROWS)
    order = RowOrder(device, lambda: module)
    recorder = DeviceRecorder(device, [(one.dtype, 1) for one in columns], keys.size, order)
    recorder.reserve()
    offset = 0
    for one in (keys, *columns):
        device.upload(recorder.address + offset, one)
        offset += recorder.capacity * one.itemsize
    recorder.waiting = keys.size
    return recorder


@pytest.mark.parametrize("n", [1, 2, 3, 31, 64, 65, 777])
def test_rows_come_in_the_order_of_their_keys(device, n):
    random = np.random.default_rng(n)
    keys = random.integers(-5, n, n) << 32 | random.integers(0, 3, n)  # some are equal
    columns = [
        np.arange(n).astype(dtype)
        for dtype in (np.float64, np.int32, np.float32, np.uint8, np.int16)
    ]
    recorder = filled(device, keys, columns)
    expected = np.argsort(keys, kind="stable")
    assert recorder.rows == n
    for number, column in enumerate(columns):
        assert np.array_equal(recorder.column(number)[:, 0], column[expected])


def test_the_same_memory_is_used_again(device):
    recorder = filled(device, np.arange(100)[::-1].copy(), [np.arange(100)])
    assert np.array_equal(recorder.column(0)[:, 0], np.arange(100)[::-1])
    recorder.clear()
    taken = device.memory()[0]
    device.upload(recorder.address, np.arange(50) ^ 1)
    recorder.waiting = 50
    assert np.array_equal(recorder.column(0)[:, 0], np.arange(100)[:50] ^ 1)
    assert device.memory()[0] == taken


def test_without_memory_on_the_device_the_host_finds_the_order(device, monkeypatch):
    recorder = filled(device, np.array([7, 3, 5]), [np.array([0, 1, 2])])

    def nothing_left(nbytes):
        raise MemoryError

    monkeypatch.setattr(device, "allocate", nothing_left)
    assert list(recorder.column(0)[:, 0]) == [1, 2, 0]


def test_rows_wait_if_the_host_has_no_memory(device, monkeypatch):
    recorder = filled(device, np.array([7, 3, 5]), [np.array([0, 1, 2])])
    empty = np.empty

    def nothing_left(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(np, "empty", nothing_left)
    with pytest.raises(MemoryError):
        recorder.fetch()
    monkeypatch.setattr(np, "empty", empty)
    assert list(recorder.column(0)[:, 0]) == [1, 2, 0]


def test_spikes_are_in_order_wherever_that_is_found(shim, monkeypatch):
    """By the device, and by the host."""
    results = []
    for least in (0, 1 << 40):
        monkeypatch.setattr(ordering, "_WORTHWHILE", least)
        seed(3)
        group = NeuronGroup(500, "v : 1", threshold="rand() < 0.2", reset="v += 1")
        monitor = SpikeMonitor(group, variables="v")
        Network(group, monitor).run(3 * ms)
        results.append([np.array(one) for one in (monitor.i, monitor.t, monitor.v)])
    assert results[0][0].size > 2000
    for ours, theirs in zip(*results, strict=True):
        assert np.array_equal(ours, theirs)
