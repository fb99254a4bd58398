"""Sweeps in this process: what runs find around them, and what they leave."""

from __future__ import annotations

import math
from pathlib import Path

import brian2
import numpy as np
import pytest
from brian2 import Network, NeuronGroup, Quantity, defaultclock, ms, mV, prefs, seed, set_device
from brian2.devices.device import all_devices, get_device
from brian2.units.fundamentalunits import DimensionMismatchError

import brian2genn
from brian2genn.sweeps import NoStore
from tests.sweeps import functions


def serial(function, parameters, **options):
    return brian2genn.sweep(function, parameters, executor="serial", **options)


def test_a_sweep_is_a_plain_loop():
    set_device("genn", backend="cpu")
    results = serial(functions.neurons, {"tau": [5, 10] * ms, "g": [4, 6]}, repeats=2, seed=1)
    assert not results.failed
    number = 0
    for tau in [5, 10] * ms:
        for g in [4, 6]:
            for _ in range(2):
                run = results[number]
                seed(run.seed)
                expected = functions.neurons(tau, g)
                assert run["rate"] == expected["rate"]
                np.testing.assert_array_equal(run["v"], expected["v"])
                assert isinstance(run["v"], Quantity)
                number += 1
    assert results[0]["device"] == "genn"


def test_without_a_choice_the_device_is_genn():
    assert serial(functions.neurons, {"tau": [5 * ms]})[0]["device"] == "genn"
    assert get_device() is all_devices["runtime"]
    set_device("genn", backend="cpu")
    set_device("runtime")
    assert serial(functions.neurons, {"tau": [5 * ms]})[0]["device"] == "runtime"


def test_devices_that_build_one_program_are_refused(tmp_path):
    set_device("cpp_standalone", directory=str(tmp_path), build_on_run=False)
    with pytest.raises(ValueError, match="'cpp_standalone', which builds one program"):
        serial(functions.times, {"a": [1]})


def test_a_run_finds_what_the_script_has():
    set_device("genn", backend="cpu")
    defaultclock.dt = 0.5 * ms
    np.random.seed(3)
    results = serial(functions.changes_everything, {"step": [1, 2, 3]}, seed=1)
    assert not results.failed
    for run in results:
        assert run["device"] == "genn"
        assert run["dt"] == 0.5
        assert run["target"] == "numpy"
    assert len({run["random"] for run in results}) == 3
    # and the script has what it had
    assert get_device() is brian2genn.genn_device
    assert get_device().build_options == {"backend": "cpu"}
    assert float(defaultclock.dt / ms) == 0.5
    assert prefs.codegen.target == "numpy"
    found = np.random.rand()
    np.random.seed(3)
    assert found == np.random.rand()


def test_objects_of_the_script_stay():
    cells = NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler")
    serial(functions.neurons, {"tau": [5 * ms]})
    brian2.run(1 * ms)
    assert cells.v[0] == pytest.approx(1)


def test_seeds_reach_all_generators():
    results = serial(functions.draw, {"a": [1, 2]}, repeats=2, seed=5)
    again = serial(functions.draw, {"a": [1, 2]}, repeats=2, seed=5)
    other = serial(functions.draw, {"a": [1, 2]}, repeats=2, seed=6)
    for name in ("numpy", "python", "seed"):
        values = [run[name] for run in results]
        assert values == [run[name] for run in again]
        assert len({*values, *(run[name] for run in other)}) == 8
    assert results.seed == 5
    assert [run["seed"] for run in results] == [run.seed for run in results]
    # without a seed, too, the sweep can be repeated
    free = serial(functions.draw, {"a": [1]})
    assert serial(functions.draw, {"a": [1]}, seed=free.seed)[0]["numpy"] == free[0]["numpy"]


def test_a_parameter_may_be_the_seed():
    results = serial(functions.draw, {"a": [1], "seed": [7, 8]})
    assert [run["seed"] for run in results] == [7, 8]
    assert list(results.frame()["seed"]) == [7, 8]


def test_no_dictionary_is_one_result():
    results = serial(lambda a: a * mV, {"a": [1, 2]})
    assert results.names == ["result"]
    assert [float(run["result"] / mV) for run in results] == [1, 2]
    assert serial(lambda a: None, {"a": [1]})[0]["result"] is None
    assert serial(lambda a: {1: a}, {"a": [1]})[0]["result"] == {1: 1}


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raise", "ValueError: it went wrong"),
        ("no text", "NoText: <exception str() failed>"),
        ("sys.exit", "SystemExit: 3"),
        ("memory", "Memory was used up. MemoryError: no more"),
        ("lambda", "The result 'file' cannot be kept"),
    ],
)
def test_a_run_that_fails_costs_itself_only(how, told):
    results = serial(functions.misbehave, {"how": ["one", how, "two"]})
    assert [run.state for run in results] == ["done", "failed", "done"]
    (failure,) = results.failed
    assert told in failure.error
    assert failure.parameters == {"how": how}
    assert failure.attempts == (2 if how == "memory" else 1)
    if how in ("raise", "no text"):
        assert failure.traceback.count("File ") == 1  # of the function, not of ours
        assert "misbehave" in str(failure)
    frame = results.frame()
    assert list(frame["value"].isna()) == [False, True, False]


@pytest.mark.parametrize("how", ["hang", "loop"])
def test_time_limits(how):
    results = serial(functions.misbehave, {"how": ["one", how, "two"]}, timeout=200 * ms)
    assert [run.state for run in results] == ["done", "failed", "done"]
    assert results.failed[0].error == "It took longer than 0.2 s."
    assert results.failed[0].attempts == 2


def test_ctrl_c_leaves_what_is_done(tmp_path):
    for store in (None, tmp_path / "scan"):
        with pytest.raises(KeyboardInterrupt, match="1 of 3 runs were done") as caught:
            serial(functions.misbehave, {"how": ["one", "interrupt", "two"]}, store=store)
        results = caught.value.results
        assert [run.state for run in results] == ["done", None, None]
        assert results[0]["value"] == "one"
    assert "the same call goes on there" in str(caught.value)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="Give a function"):
        brian2genn.sweep(3, {"a": [1]})
    with pytest.raises(TypeError, match="cannot execute runs"):
        brian2genn.sweep(functions.times, {"a": [1]}, executor=3)
    with pytest.raises(TypeError, match="returned 3"):
        brian2genn.sweep(functions.times, {"a": [1]}, executor=lambda: 3)
    with pytest.raises(ValueError, match="workers= is for"):
        serial(functions.times, {"a": [1]}, workers=2)
    with pytest.raises(ValueError, match="threads=0 is no number"):
        serial(functions.times, {"a": [1]}, threads=0)
    with pytest.raises(TypeError, match="store=5 is no path"):
        serial(functions.times, {"a": [1]}, store=5)
    with pytest.raises(ValueError, match=r"10000000 x 10000000 are 1e\+14 runs"):
        serial(functions.times, {"a": range(10**7), "b": range(10**7)})
    with pytest.raises(ValueError, match="if_changed"):
        serial(functions.times, {"a": [1]}, if_changed="no")
    for timeout in (0, "1", 1 * mV, True):
        with pytest.raises((TypeError, ValueError, DimensionMismatchError)):
            serial(functions.times, {"a": [1]}, timeout=timeout)
    for name, number in (("workers", 0), ("threads", 1.5), ("workers", True)):
        with pytest.raises(ValueError, match=f"no number of {name}"):
            brian2genn.sweep(functions.times, {"a": [1]}, **{name: number})
    with pytest.raises(ValueError, match="2 workers times 2 threads is more than the 2 cores"):
        brian2genn.sweep(functions.times, {"a": [1]}, workers=2, threads=2)


def test_a_time_limit_without_an_end():
    assert serial(functions.times, {"a": [1]}, timeout=math.inf)[0]["product"] == 1


def test_networks_may_be_made_outside():
    """Of a function that uses a network of the script, in this process."""
    set_device("genn", backend="cpu")
    cells = NeuronGroup(1, "dv/dt = rate : 1\nrate : Hz", method="euler")
    network = Network(cells)
    network.store()

    def simulate(rate):
        network.restore()
        cells.rate = rate
        network.run(1 * ms)
        return cells.v[0]

    results = serial(simulate, {"rate": [1 / ms, 2 / ms]})
    assert not results.failed
    np.testing.assert_allclose([run["result"] for run in results], [1, 2])


def test_every_run_finds_objects_from_outside_as_they_were():
    """Whichever runs a worker has had before; results would depend on their number otherwise."""
    set_device("genn", backend="cpu")
    cells = NeuronGroup(3, "dv/dt = (1 - v)/(10*ms) : 1", method="exact")
    network = Network(cells)
    network.run(1 * ms)

    def simulate(a):
        network.run(1 * ms)
        return {"v": cells.v[0], "t": network.t}

    results = brian2genn.sweep(simulate, {"a": range(3)}, executor="serial")
    assert [float(run["t"] / ms) for run in results] == pytest.approx([2, 2, 2])
    assert len({float(run["v"]) for run in results}) == 1
    assert float(network.t / ms) == pytest.approx(1)
    pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")
    there = brian2genn.sweep(simulate, {"a": range(3)}, workers=1)
    assert [run["v"] for run in there] == [run["v"] for run in results], there.failed


def test_what_has_to_be_a_key_and_cannot(tmp_path):
    mixed = brian2genn.sweep(
        lambda tau: {"x": 2 * tau, "y": 1.0}, {"tau": [5 * ms, 3 * mV]}, executor="serial"
    )
    with pytest.raises(ValueError, match=r"'tau' have different units.*frame"):
        mixed.plot("tau", "y")
    pytest.importorskip("xarray", reason="the extra 'sweep' is not installed")
    assert list(mixed.array("y")["tau"].values) == ["5. ms", "3. mV"]
    failed = brian2genn.sweep(lambda a: 1 / a, {"a": [0]}, executor="serial")
    with pytest.raises(KeyError, match="There are none at all"):
        failed.plot("a", "result")


@pytest.mark.parametrize("place", ["", "nowhere/scan", "folder"])
def test_a_place_where_no_store_can_be(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    with pytest.raises(NoStore, match=r"It is a folder|There is no folder 'nowhere'"):
        brian2genn.sweep(functions.times, {"a": [1]}, store=place, executor="serial")
