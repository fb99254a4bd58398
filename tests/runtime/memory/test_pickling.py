"""Copies and pickles of the device, and of what belongs to it."""

import copy
import gc
import pickle

import brian2
import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    magic_network,
    ms,
    set_device,
)

import brian2genn
from tests import devices
from tests.faults.processes import in_fork, run_script

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="what the device genn can do")

#: All ways to copy something.
WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": lambda thing, protocol=protocol: pickle.loads(
            pickle.dumps(thing, protocol=protocol)
        )
        for protocol in (0, 2, pickle.HIGHEST_PROTOCOL)
    },
}


def objects():
    cells = NeuronGroup(
        3, "dv/dt = (I - v)/(10*ms) : 1\nI : 1\nshared : second (shared)\nx = 2*v : 1",
        threshold="v > 0.5", reset="v = 0", method="euler",
    )  # fmt: skip
    cells.v, cells.I = [0.1, 0.4, 0.9], 1
    synapses = Synapses(cells, cells, "w : 1", on_pre="v_post += w")
    synapses.connect()
    synapses.w, synapses.delay = "0.1*i", "1*ms*j"
    generator = SpikeGeneratorGroup(2, [0, 1], [1, 2] * ms)
    found = {
        "cells": cells,
        "synapses": synapses,
        "spikes": SpikeMonitor(cells),
        "values": StateMonitor(cells, "v", record=True),
        "rate": PopulationRateMonitor(cells),
        "noise": PoissonGroup(3, rates=100 * Hz),
        "generator": generator,
    }
    found["network"] = Network(*found.values())
    return found


def values(thing):
    """All values of a group that a script can look at."""
    return {
        name: np.array(variable.get_value())
        for name, variable in thing.variables.items()
        if getattr(variable, "array", False)
    }


@pytest.fixture(params=["before a run", "after a run"])
def made(request):
    set_device("genn")
    found = objects()
    if request.param == "after a run":
        found["network"].run(5 * ms)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_the_device_is_the_one_of_the_process(way, made):
    assert WAYS[way](brian2.get_device()) is brian2genn.genn_device
    assert WAYS[way](made["cells"].variables["v"]).device is brian2genn.genn_device
    assert len(pickle.dumps(brian2genn.genn_device)) < 100


@pytest.mark.parametrize("way", WAYS)
def test_what_can_be_copied(way, made):
    """More than under Brian's runtime, where code and synapses cannot be."""
    make = WAYS[way]
    for name in ("cells", "synapses", "spikes", "values", "rate", "noise", "generator"):
        thing = made[name]
        expected, found = values(thing), values(make(thing))
        assert expected.keys() == found.keys()
        for variable, array in expected.items():
            np.testing.assert_array_equal(found[variable], array, err_msg=f"{name}.{variable}")
    for owner, name in [("cells", "v"), ("cells", "shared"), ("synapses", "w"), ("rate", "rate")]:
        variable = made[owner].variables[name]
        np.testing.assert_array_equal(make(variable).get_value(), variable.get_value())
        view = getattr(made[owner], name)
        np.testing.assert_array_equal(make(view)[:], view[:])
    pathway = make(made["synapses"].pre)
    np.testing.assert_array_equal(pathway.delay, made["synapses"].delay)
    for thing in (
        made["cells"].thresholder["spike"], made["cells"].variables, made["values"][0],
        made["cells"][1:], made["cells"].variables["N"], made["cells"].clock,
        made["cells"].equations, made["network"].get_states(), made["spikes"].spike_trains(),
        magic_network,
    ):  # fmt: skip
        make(thing)
    assert make(made["network"]).t == made["network"].t


@pytest.mark.parametrize("way", ["deepcopy", "pickle 2"])
def test_a_copy_has_values_of_its_own(way, made):
    other = WAYS[way](made["cells"])
    other.v = 7
    assert not np.any(made["cells"].v == 7)
    made["cells"].v = 8
    np.testing.assert_array_equal(other.v, 7)


@pytest.mark.parametrize("way", ["deepcopy", "pickle 2"])
def test_a_copied_network_runs_on(way):
    set_device("genn")
    cells = NeuronGroup(3, "dv/dt = (i + 1)/ms : 1", method="euler")
    network = Network(cells)
    network.run(1 * ms)
    other = WAYS[way](network)
    other.run(1 * ms)
    np.testing.assert_allclose(cells.v, [1, 2, 3])
    np.testing.assert_allclose(other[cells.name].v, [2, 4, 6])


def test_another_process_opens_a_pickle(tmp_path, made):
    """Which imports the package itself; nothing but values comes from here."""
    (tmp_path / "pickle").write_bytes(
        pickle.dumps([brian2.get_device(), made["cells"], made["values"]])
    )
    script = f"""
    import pickle
    with open({str(tmp_path / "pickle")!r}, "rb") as file:
        device, cells, values = pickle.load(file)
    import brian2genn
    assert device is brian2genn.genn_device
    print(cells.v[:].tolist(), values.v.shape)
    """
    done = run_script(script)
    expected = f"{made['cells'].v[:].tolist()} {np.shape(made['values'].v)}"
    assert expected in done.stdout, done.stderr


def test_a_forked_process_has_the_objects_themselves(made):
    """A pool hands its workers pickles; what a worker runs is seen through them."""
    text = None

    def worker():
        cells, network = pickle.loads(text), made["network"]
        same = cells.variables["v"] is made["cells"].variables["v"]
        network.run(1 * ms)
        made["cells"].v = 5
        return same, list(cells.v), cells.variables["v"].owner.name, pickle.dumps(cells)

    text = pickle.dumps(made["cells"])
    before = list(made["cells"].v)
    same, found, owner, back = in_fork(worker)
    assert same
    assert found == [5, 5, 5]
    assert owner == made["cells"].name
    assert list(made["cells"].v) == before
    returned = pickle.loads(back)
    assert list(returned.v) == [5, 5, 5]  # the worker's, of its own
    assert list(made["cells"].v) == before
    # and in one process a pickle is a copy
    assert pickle.loads(text).variables["v"] is not made["cells"].variables["v"]


def test_copies_under_brians_runtime_are_brians():
    set_device("runtime")
    cells = NeuronGroup(2, "v : 1")
    cells.v = [1, 2]
    reduced = copy.copy(cells.variables["v"])
    assert reduced.device is brian2.get_device()
    other = copy.deepcopy(cells.variables["N"])
    assert other.get_value() == 2


def test_the_default_clock_goes_along_with_variables_whose_group_is_gone():
    """It belongs to Brian's runtime device; with it, all arrays of that are copied."""
    set_device("runtime")
    cells = NeuronGroup(2, "v : 1", name="gone")
    kept = cells.variables["v"]
    del cells
    gc.collect()
    with pytest.raises(ReferenceError):
        kept.owner.__repr__
    arrays = brian2.all_devices["runtime"].arrays
    arrays.setdefault(kept, np.zeros(2))
    copied = pickle.loads(pickle.dumps(brian2.defaultclock.variables["dt"]))
    assert copied.get_value() == brian2.defaultclock.dt_
    assert pickle.loads(pickle.dumps(kept)).owner is None
