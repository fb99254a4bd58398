"""The memory of variables that change their size."""

import pickle
import sys
import tracemalloc

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    network_operation,
    set_device,
    start_scope,
)
from brian2.codegen.runtime.cython_rt import CythonCodeObject

from brian2genn.runtime.memory.arrays import GrowingArray


@pytest.mark.parametrize("shape", [5, (5,), (5, 3), (0, 3), 0, np.int64(5)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.int8, bool])
def test_new_elements_are_zero(shape, dtype):
    array = GrowingArray(shape, dtype)
    for rows in (7, 3, 4, 40, 39, 80, 2, 0, 5):
        array.resize((rows, 3) if array.data.ndim == 2 else rows)
        assert array.data.dtype == dtype
        assert array.shape == np.shape(array.data) == (rows, 3)[: array.data.ndim]
        assert len(array) == rows
        assert array.data.flags.c_contiguous
        before = array.data.sum()
        array.resize_along_first((rows + 1, 3)[: array.data.ndim])
        assert array.data.sum() == before
        array[:] = 1


def test_values_stay_in_any_dimension():
    array = GrowingArray((2, 3), int)
    array[:] = np.arange(6).reshape(2, 3)
    array.resize((4, 5))
    np.testing.assert_array_equal(array.data[:2, :3], np.arange(6).reshape(2, 3))
    assert array.data.sum() == 15
    array.resize((1, 2))
    np.testing.assert_array_equal(array.data, [[0, 1]])
    array.resize(3)
    array.shrink((2, 2))
    np.testing.assert_array_equal(array.data, [[0, 1], [0, 0]])


@pytest.mark.parametrize(
    "take",
    [
        lambda data: data,
        lambda data: data[:],
        lambda data: data[1:2],
        lambda data: data[::-1][::2],
        lambda data: data.view(np.uint64),
        lambda data: data.reshape(1, -1),
        lambda data: memoryview(data),
        lambda data: memoryview(data[1:]),
        lambda data: [np.asarray(data[1:])],
    ],
)
@pytest.mark.parametrize("grown", [False, True])
def test_it_is_known_who_holds_it(take, grown):
    array = GrowingArray(4, float)
    if grown:
        array.resize(5)
    assert not array.is_held()
    held = take(array.data)
    assert array.is_held()
    array.data.sum()
    del held
    assert not array.is_held()


def test_memory_moves_only_if_it_has_to():
    alone, held, recorded = (GrowingArray(4, float, recorded=k == 2) for k in range(3))
    views = []
    for array in (alone, held, recorded):
        array.resize(5)
        assert len(array.data.base) == 8
        memory = id(array.data.base)
        if array is not alone:
            views.append(array.data[:])
        array.resize(6)
        assert (id(array.data.base) == memory) == (array is not held)
    for array in (held, recorded):
        array.set(1)
    assert all(view.tolist() == [0] * 5 for view in views)


def test_appending_takes_as_much_memory_as_in_brian():
    array = GrowingArray((0, 100), float, recorded=True)
    rows = 0
    tracemalloc.start()
    while rows < 20_000:
        rows += 500
        array.resize((rows, 100))
        array.data[rows - 500 :] = 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # old and new memory at once, when it is moved
    assert peak < 3.1 * array.data.nbytes


def test_it_can_be_pickled():
    array = GrowingArray((3, 2), np.int32, recorded=True)
    array.resize((4, 2))
    array[:] = 7
    again = pickle.loads(pickle.dumps(array))
    np.testing.assert_array_equal(again.data, array.data)
    assert again.recorded
    again.resize((6, 2))
    assert again.data[:4].min() == 7 and again.data[4:].max() == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a compiler")
def test_what_brians_cython_code_works_on():
    """From Brian 2.10 on, that has no arrays but C++ objects, which it resizes itself."""

    def simulate(device: str) -> dict[str, np.ndarray]:
        set_device(device)
        start_scope()
        group = NeuronGroup(
            5,
            "dv/dt = (2 + 0.1*i - v)/(10*ms) : 1",
            threshold="v > 1",
            reset="v = 0",
            method="exact",
        )
        synapses = Synapses(
            group,
            group,
            "dw/dt = -w/(100*ms) : 1 (clock-driven)",
            on_pre="v_post += 0.001*w; w += 1",
            method="euler",
        )
        synapses.connect()
        synapses.w = "i*0.1"
        synapses.state_updater.codeobj_class = CythonCodeObject
        made = Synapses(
            group, group, "w : 1", codeobj_class=CythonCodeObject, multisynaptic_index="k"
        )
        made.connect(i=[0, 1, 1], j=[1, 2, 2])
        first = made.i[:]
        made.connect(j="i")
        monitors = [
            SpikeMonitor(group, variables="v", codeobj_class=CythonCodeObject),
            StateMonitor(group, "v", record=True, codeobj_class=CythonCodeObject),
            PopulationRateMonitor(group, codeobj_class=CythonCodeObject),
        ]
        live, seen = synapses.w_[:], []

        @network_operation(dt=5 * ms)
        def look() -> None:
            seen.append((live[3], monitors[0].num_spikes, len(monitors[0].t), monitors[1].v_.sum()))
            live[3] = 0.5

        network = Network(group, synapses, monitors, look)
        network.run(20 * ms)

        def arrays() -> dict[str, np.ndarray]:
            spikes, states, rate = monitors
            return {"i": spikes.i[:], "t": spikes.t_[:], "v": states.v_, "rate": rate.rate_[:]}

        held = arrays()
        copies = {name: np.array(array) for name, array in held.items()}
        network.run(30 * ms)
        if device == "genn":  # a rate monitor of Brian 2.11 cannot be restored
            stored = len(seen)
            network.store()
            network.run(10 * ms)
            network.restore()
            del seen[stored:]
        now = {**arrays(), "w": synapses.w_[:], "seen": seen, "k": made.k[:], "made": made.i[:]}
        now["first"] = first if device == "genn" else [0, 1, 1]
        now = {name: np.array(value) for name, value in now.items()}
        if device == "genn":
            np.testing.assert_array_equal(live, synapses.w_[:])
            for name, array in held.items():
                np.testing.assert_array_equal(array, copies[name])
        return now

    reference, found = simulate("runtime"), simulate("genn")
    for name, expected in reference.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, err_msg=name)
