"""Arrays begin with a cache line: vectors that lie in two of them take twice as long."""

import gc

import numpy as np
import pytest
from brian2 import NeuronGroup, Synapses, get_device, ms, run, set_device

from brian2genn.backends.host.memory import is_kept, taken, zeros

LINE = 64


@pytest.mark.parametrize("shape", [(0,), (1,), (1000,), (3, 5), (0, 4)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, bool])
def test_new_arrays_are_zero_and_begin_with_a_line(shape, dtype):
    arrays = [zeros(shape, dtype) for _ in range(5)]
    for array in arrays:
        assert array.ctypes.data % LINE == 0
        assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not array.any()
        array[...] = 1
    assert all(array.all() for array in arrays)


def test_slices_have_the_array_as_their_base():
    array = zeros((10,), float)
    assert array[2:4].base is array
    assert not is_kept(lambda: array)
    part = array[2:]
    gc.collect()
    assert is_kept(lambda: array)
    del part


def test_values_are_taken_in_the_order_of_their_places():
    values = np.arange(10.0)
    places = np.array([3, 3, 9, 0], dtype=np.int32)
    result = taken(values, places)
    np.testing.assert_array_equal(result, values[places])
    assert result.ctypes.data % LINE == 0


def test_variables_begin_with_a_line():
    set_device("genn", backend="cpu")
    group = NeuronGroup(
        37, "dv/dt = -v/(10*ms) : 1 (unless refractory)\nx : 1",
        threshold="v > 1", refractory=1 * ms, method="exact",
    )  # fmt: skip
    synapses = Synapses(group, group, "w : 1", on_pre="v += w")
    synapses.connect(p=0.5)
    synapses.connect(i=0, j=[1, 2])
    run(0.1 * ms)
    for owner, names in ((group, ["v", "x", "lastspike", "not_refractory"]),
                         (synapses, ["w", "i", "j"])):  # fmt: skip
        for name in names:
            array = get_device().get_value(owner.variables[name])
            assert array.ctypes.data % LINE == 0, name
