"""Arrays that a script holds: they outlive objects, and keep their values when variables grow.

Brian's own targets do not promise that from Brian 2.10 on, so there is no reference for it here:
values are compared with copies.
"""

import copy
import gc
import pickle
import sys
import weakref

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    check_units,
    get_device,
    ms,
    network_operation,
    run,
    set_device,
)

from tests import devices
from tests.faults.processes import in_fork
from tests.together import for_one_process

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="Brian does not promise it")


class Model:
    """A small network that has something to show of every kind."""

    def __init__(self) -> None:
        self.group = NeuronGroup(
            5,
            "dv/dt = (2 + 0.1*i - v)/(10*ms) : 1\nx : 1",
            threshold="v > 1",
            reset="v = 0",
            method="exact",
        )
        self.source = SpikeGeneratorGroup(3, [0, 1, 2, 1], [1, 2, 3, 11] * ms)
        self.synapses = Synapses(
            self.group,
            self.group,
            "w : 1\nk : integer\nflag : boolean",
            on_pre={"pre": "x_post += w", "again": "w += 1"},
            delay={"again": 1 * ms},
            multisynaptic_index="number",
        )
        self.synapses.connect(condition="i != j")
        self.synapses.w = "i + 10*j"
        self.synapses.pre.delay = "(i + j)*0.1*ms"
        self.inputs = Synapses(self.source, self.group, "w : 1", on_pre="x_post += w")
        self.inputs.connect(j="i")
        self.spikes = SpikeMonitor(self.group, variables=["v", "x"])
        self.few_spikes = SpikeMonitor(self.group[1:3])
        self.states = StateMonitor(self.group, ["v", "x"], record=True)
        self.weights = StateMonitor(self.synapses, "w", record=[0, 7])
        self.rate = PopulationRateMonitor(self.group)
        self.network = Network(vars(self).values())

    def arrays(self) -> dict[str, np.ndarray]:
        """One of everything that can be had."""
        found = {
            "it": self.spikes.it[1],
            "trains": self.spikes.spike_trains()[0],
            "values": self.spikes.all_values()["v"][2],
            "spikes.i": np.asarray(self.spikes.i),
            "few.i": self.few_spikes.i,
            "few.t": self.few_spikes.t_[:],
            "states.t": self.states.t,
            "states.t_": self.states.t_[:],
            "states.v": self.states.v,
            "states.v_": self.states.v_,
            "row": self.states.v_[2],
            "of one": self.states[3].v_,
            "of two": self.states[[1, 3]].x,
            "view of a view": self.states.v_[1:, ::3][::-1, 5:],
            "weights": self.weights.w_,
            "rate": self.rate.rate_[:],
            "rate.t": self.rate.t[:],
            "v": self.group.v[:],
            "state": self.group.state("v"),
            "w": self.synapses.w[:],
            "w_": self.synapses.w_[:],
            "slice": self.synapses.w_[3:9],
            "k": self.synapses.k[:],
            "flag": self.synapses.flag[:],
            "i": self.synapses.i[:],
            "j": self.synapses.j[2:],
            "number": self.synapses.number[:],
            "delay": self.synapses.pre.delay[:],
            "out": self.synapses.N_outgoing[:],
            "in": self.synapses.N_incoming_post,
        }
        for thing in (self.group, self.synapses, self.spikes, self.states, self.rate, self.source):
            for name, variable in thing.variables.items():
                if hasattr(variable, "device"):
                    with np.errstate(all="ignore"):
                        value = getattr(variable, "get_value", np.array([0]).copy)()
                    found[f"{thing.name}.{name}"] = value
        return {
            name: array if isinstance(array, np.ndarray) else np.asarray(array[:])
            for name, array in found.items()
        }


def fill_memory() -> list[np.ndarray]:
    """Use what memory has been given back."""
    gc.collect()
    return [np.full(size, np.pi) for size in range(1, 400) for _ in range(5)]


def check(arrays: dict[str, np.ndarray], copies: dict[str, np.ndarray]) -> None:
    junk = fill_memory()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array.view(np.ndarray), copies[name], err_msg=name)
    assert junk


def copies_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in arrays.items()}


def test_arrays_outlive_their_objects():
    set_device(devices.DEVICE)

    def simulate() -> tuple[dict, dict]:
        model = Model()
        model.network.run(20 * ms)
        arrays = model.arrays()
        assert len(arrays["spikes.i"]) > 5
        return arrays, copies_of(arrays)

    check(*simulate())


def test_what_was_recorded_stays_as_it_was():
    """A monitor records more, is restored to less and to more, and records something else."""
    set_device(devices.DEVICE)
    model = Model()
    network = model.network
    network.store("empty")
    network.run(8 * ms)
    network.store("short")
    names = ("spikes", "few", "states", "row", "of", "view", "weights", "rate")

    def held() -> dict[str, np.ndarray]:
        found = {n: a for n, a in model.arrays().items() if n.startswith((*names, "it"))}
        return {n: a for n, a in found.items() if not n.startswith("ratemonitor")}

    parts = []
    for name in (None, "short", "empty", "short", None, "other"):
        if name == "other":  # as many rows as in "short", with other values
            network.restore("empty")
            model.group.v = 0.5
            network.run(8 * ms)
        elif name is not None:
            network.restore(name)
        arrays = held()
        parts.append((arrays, copies_of(arrays)))
        if name != "other":
            network.run(4 * ms)
    network.restore("short")
    for arrays, copies in parts:
        check(arrays, copies)


def test_recording_while_arrays_are_held():
    """Rows that come later are appended behind those that somebody has, step after step."""
    set_device(devices.DEVICE)
    group = NeuronGroup(2, "x : 1")
    group.run_regularly("x += 1")
    monitor = StateMonitor(group, "x", record=True)
    held, sizes = [], []

    @network_operation(when="end")
    def look() -> None:
        held.append(monitor.x_)
        sizes.append(monitor.x_.shape[1])

    run(5 * ms)
    assert sizes == list(range(1, 51))
    for size, array in zip(sizes, held, strict=True):
        np.testing.assert_array_equal(array, [np.arange(1, size + 1)] * 2)
    # they share their memory: growing has not copied what it did not have to
    owners = {id(array.base) for array in held}
    assert len(owners) < 12


def test_arrays_of_synapses_keep_their_values_when_there_are_more():
    set_device(devices.DEVICE)
    group = NeuronGroup(4, "x : 1")
    synapses = Synapses(group, group, "w : 1", multisynaptic_index="k")
    parts = []
    for round in range(6):
        synapses.connect(j="i")
        synapses.w = f"i + {round}"
        arrays = {
            "w": synapses.w_[:],
            "quantity": synapses.w[:],
            "part": synapses.w_[1:3],
            "i": synapses.i[:],
            "pre": synapses.variables["_synaptic_pre"].get_value(),
            "k": synapses.k[:],
            "out": synapses.variables["N_outgoing"].get_value(),
            "value": synapses.variables["w"].get_value(),
        }
        if round == 3:
            arrays = {"part": arrays["part"]}
        parts.append((arrays, copies_of(arrays)))
        del arrays
    for arrays, copies in parts:
        size = arrays.pop("out", None)
        copies.pop("out", None)
        assert size is None or len(size) == 4  # counts of neurons are live: nothing was added there
        check(arrays, copies)


def test_restoring_fewer_and_more_synapses():
    set_device(devices.DEVICE)
    group = NeuronGroup(4, "x : 1", threshold="False")
    synapses = Synapses(group, group, "w : 1", on_pre="x_post += w")
    network = Network(group, synapses)
    synapses.connect(j="i")
    synapses.w = 7
    network.store("few")
    few = synapses.w_[:]
    synapses.connect()
    synapses.w = 8
    network.store("many")
    many = synapses.w_[:]
    network.restore("few")
    np.testing.assert_array_equal(synapses.w_[:], [7] * 4)
    again = synapses.w_[:]
    network.restore("many")
    np.testing.assert_array_equal(synapses.w_[:], [8] * 20)
    synapses.w = 9
    np.testing.assert_array_equal(few, [7] * 4)
    np.testing.assert_array_equal(many, [8] * 20)
    np.testing.assert_array_equal(again, [7] * 4)


@for_one_process
@pytest.mark.parametrize("take", [lambda s: s.w_[:], lambda s: s.variables["w"].get_value()])
@pytest.mark.parametrize("connected", [1, 2, 3])
def test_an_array_is_the_variable_until_its_size_changes(take, connected):
    """As with an array of neurons; on other devices it is brought up to date for each run."""
    set_device(devices.DEVICE)
    group = NeuronGroup(3, "v : 1", threshold="True")
    synapses = Synapses(group, group, "w : 1", on_pre="w += 1")
    for _ in range(connected):
        synapses.connect(j="i")
    network = Network(group, synapses)
    array = take(synapses)
    network.run(1 * ms)
    np.testing.assert_array_equal(array, [10] * 3 * connected)
    array[1] = 100
    assert synapses.w[1] == 100
    network.run(1 * ms)
    assert array[1] == synapses.w[1] == 110
    assert array[0] == synapses.w[0] == 20
    seen = []

    @network_operation(dt=0.5 * ms, when="start")
    def look() -> None:
        seen.append(float(array[0]))
        array[1] = 0

    network.add(look)
    network.run(1 * ms)
    assert seen == [20, 25]
    assert synapses.w[1] == 5
    synapses.connect(i=0, j=1)
    synapses.w = 0
    assert array[0] == 30


@for_one_process
def test_what_brian_runs_has_the_arrays_that_there_are_now():
    """Synapses are made during a run, and an array of them is held."""
    set_device(devices.DEVICE)
    group = NeuronGroup(3, "x : 1")
    synapses = Synapses(group, group, "w : 1")
    synapses.connect(j="i")

    @check_units(x=1, result=1)
    def more(x):
        return x + 1

    synapses.run_regularly("w = more(w)", when="start")
    held = synapses.w_[:]

    @network_operation(dt=1 * ms, when="end")
    def connect() -> None:
        synapses.connect(j="i")

    run(1.5 * ms, namespace={"more": more})
    np.testing.assert_array_equal(synapses.w_[:], [15] * 3 + [14] * 3 + [4] * 3)
    np.testing.assert_array_equal(held, [1] * 3)


@for_one_process
def test_asking_does_not_copy():
    set_device(devices.DEVICE)
    model = Model()
    model.network.run(10 * ms)
    for monitor, name in ((model.states, "v"), (model.states, "t"), (model.spikes, "i")):
        variable = monitor.variables[name]
        assert variable.get_value() is variable.get_value()
    assert np.shares_memory(model.synapses.w[:], model.synapses.w_[:])
    assert model.states.variables["v"].get_value().flags.c_contiguous


def test_copies_pickles_and_weak_references():
    set_device(devices.DEVICE)

    def simulate() -> tuple:
        model = Model()
        model.network.run(10 * ms)
        array = model.states.v_
        variable = model.states.variables["v"]
        owner = get_device().get_value(variable, access_data=False)
        assert pickle.loads(pickle.dumps(owner)).data.tolist() == array.T.tolist()
        return array, np.array(array), weakref.ref(owner), memoryview(model.spikes.t_[:])

    array, values, owner, buffer = simulate()
    times = bytes(buffer)
    junk = fill_memory()
    assert owner() is None
    for one in (array, pickle.loads(pickle.dumps(array)), copy.copy(array), copy.deepcopy(array)):
        np.testing.assert_array_equal(one, values)
    assert bytes(buffer) == times
    memory = weakref.ref(array.base)
    del array, one
    assert memory() is None
    assert junk


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_fork_has_its_own():
    set_device(devices.DEVICE)
    model = Model()
    model.network.run(5 * ms)
    arrays = model.arrays()
    before = copies_of(arrays)

    def more() -> bool:
        model.network.run(5 * ms)
        recorded = {n: arrays[n] for n in ("it", "row", "rate", "of one", "view of a view")}
        check(recorded, before)
        return True

    assert in_fork(more)
    check(arrays, before)
