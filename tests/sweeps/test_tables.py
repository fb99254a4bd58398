"""Results as tables, arrays and pictures."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from brian2 import Hz, NeuronGroup, kHz, ms, mV, nS, second, volt
from brian2.units.fundamentalunits import DimensionMismatchError

import brian2genn
from tests.sweeps import functions

pandas = pytest.importorskip("pandas", reason="the extra 'sweep' is not installed")
xarray = pytest.importorskip("xarray", reason="the extra 'sweep' is not installed")


def model(tau, g):
    if g == 6 and tau > 9 * ms:
        raise ValueError("no")
    return {"rate": g / tau, "v": np.arange(3) * tau / second * mV, "count": int(g), "name": f"{g}"}


@pytest.fixture(scope="module")
def results():
    grid = {"tau": [5, 10] * ms, "g": [4, 6]}
    return brian2genn.sweep(model, grid, repeats=2, seed=1, executor="serial")


def test_a_frame_has_a_row_for_each_run(results):
    frame = results.frame()
    assert list(frame.columns) == [
        "tau [ms]", "g", "repeat", "seed", "rate [Hz]", "v [uV]", "count", "name",
    ]  # fmt: skip
    assert len(frame) == 8
    assert list(frame["tau [ms]"]) == [5] * 4 + [10] * 4
    np.testing.assert_allclose(frame["rate [Hz]"][:6], [800] * 2 + [1200] * 2 + [400] * 2)
    assert frame["rate [Hz]"].isna().sum() == 2
    np.testing.assert_allclose(frame["v [uV]"][0], [0, 5, 10])
    assert frame["name"][0] == "4"
    other = results.frame(units={"rate": kHz, "tau": second, "v": volt})
    assert {"rate [kHz]", "tau [s]", "v [V]"} <= set(other.columns)
    np.testing.assert_allclose(other["rate [kHz]"][0], 0.8)
    with pytest.raises(DimensionMismatchError):
        results.frame(units={"rate": mV})
    with pytest.raises(DimensionMismatchError):
        results.frame(units={"count": mV})
    with pytest.raises(KeyError, match="Did you mean 'rate'"):
        results.frame(units={"rates": Hz})


def test_an_array_has_the_parameters_as_dimensions(results):
    v = results.array("v")
    assert v.dims == ("tau", "g", "repeat", "v_0")
    assert v.shape == (2, 2, 2, 3)
    assert v.attrs["units"] == "uV"
    assert v.tau.attrs["units"] == "ms"
    np.testing.assert_allclose(v.sel(tau=10, g=4, repeat=1), [0, 10, 20])
    assert v.sel(tau=10, g=6).isnull().all()
    rate = results.array("rate", unit=kHz)
    np.testing.assert_allclose(rate.mean("repeat").sel(tau=5), [0.8, 1.2])
    count = results.array("count")
    assert np.isnan(count.sel(tau=10, g=6)).all()
    assert results.array("name").sel(tau=5, g=4, repeat=0) == "4"
    with pytest.raises(KeyError, match="Did you mean 'rate'"):
        results.array("rates")
    with pytest.raises(DimensionMismatchError):
        results.array("rate", unit=mV)


def test_shapes_that_differ():
    results = brian2genn.sweep(lambda n: np.arange(n) * nS, {"n": [1, 2, 2]}, executor="serial")
    with pytest.raises(ValueError, match=r"\(1,\) and \(2,\)"):
        results.array("result")
    assert [len(value) for value in results.frame()["result [nS]"]] == [1, 2, 2]


def test_a_list_of_runs_has_one_dimension():
    points = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    for results in (
        brian2genn.sweep(functions.times, points, executor="serial"),
        brian2genn.sweep(functions.times, {"a": [1, 3], "b": [2, 4]}, zip=True, executor="serial"),
    ):
        product = results.array("product")
        assert product.dims == ("run",)
        assert list(product) == [2, 12]
        assert list(product.a) == [1, 3]
        assert product.dtype.kind == "i"
    results = brian2genn.sweep(functions.times, [{"a": 1}, {"a": 1, "b": 4}], executor="serial")
    assert list(results.array("product")) == [1, 4]
    assert np.isnan(results.frame()["b"][0])


def test_results_of_different_kinds():
    def simulate(a):
        return [1, "x", None, 2 * mV][a]

    results = brian2genn.sweep(simulate, {"a": range(4)}, executor="serial")
    assert list(results.array("result").values) == [1, "x", None, 2 * mV]
    assert list(results.frame()["result"]) == [1, "x", None, 2 * mV]


def test_results_of_any_shape():
    """Of one that had a shape of its own mind, nothing of the whole table was to be had."""

    def simulate(a):
        group = NeuronGroup(2, "v : 1")
        return [[[0.1, 0.2], []], group, {1: 2}, [1, 2], (1, "x"), np.ma.array([1], mask=[1])][a]

    results = brian2genn.sweep(simulate, {"a": range(6)}, executor="serial")
    assert not results.failed, results.failed[0]
    frame = results.frame()
    assert list(frame["a"]) == list(range(6))
    assert frame["result"][0] == [[0.1, 0.2], []]
    assert frame["result"][2] == {1: 2}
    with pytest.raises(ValueError, match="'result' is not a number"):
        results.plot("a", "result")


class CannotBeMadeAgain:
    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise RuntimeError("not this one")


def test_a_result_that_cannot_be_made_again_is_named():
    results = brian2genn.sweep(lambda a: {"x": CannotBeMadeAgain()}, {"a": [1]}, executor="serial")
    with pytest.raises(ValueError, match=r"result 'x' .*cannot be made again.*not this one"):
        results[0]["x"]


def test_values_that_are_the_same_twice():
    results = brian2genn.sweep(functions.draw, {"a": [1, 1, 2]}, seed=1, executor="serial")
    assert len(results) == 3
    assert len({run["numpy"] for run in results}) == 3
    assert results.array("numpy").shape == (3,)


def test_parameters_of_any_kind():
    def simulate(what):
        return what() if callable(what) else len(what)

    values = [lambda: 7, "text", (1, 2), np.arange(4), {"a": 1}]
    results = brian2genn.sweep(simulate, {"what": values}, executor="serial")
    assert not results.failed
    assert list(results.array("result")) == [7, 4, 2, 4, 1]
    assert len(results.frame()) == 5


def test_a_picture(results):
    ax = results.plot("tau", "rate", hue="g")
    assert ax.get_xlabel() == "tau [ms]"
    assert ax.get_ylabel() == "rate [Hz]"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["g = 4", "g = 6"]
    assert results.plot("g", "count", ax=ax) is ax
    for wrong in (("tua", "rate"), ("tau", "rat"), ("tau", "rate", "h")):
        with pytest.raises(KeyError):
            results.plot(*wrong)
    with pytest.raises(ValueError, match="'v' is not a number"):
        results.plot("tau", "v")


def test_runs_one_by_one(results):
    run = results[-3]
    assert dict(run).keys() == {"rate", "v", "count", "name"}
    assert run.parameters == {"tau": 10 * ms, "g": 4}
    assert (run.number, run.repeat, run.state) == (5, 1, "done")
    assert "tau=10. ms" in repr(run)
    assert [run.number for run in results[2:4]] == [2, 3]
    assert "2 tau x 2 g x 2 repeat; 6 done, 2 failed" in repr(results)
    with pytest.raises(IndexError):
        results[8]
    with pytest.raises(KeyError):
        run["other"]


def test_copies_and_pickles(results, tmp_path):
    stored = brian2genn.sweep(
        functions.times, {"a": [1]}, executor="serial", store=tmp_path / "scan"
    )
    for copied in (pickle.loads(pickle.dumps(results)), copy.deepcopy(results)):
        assert copied.frame().equals(results.frame()) or len(copied) == len(results)
        np.testing.assert_array_equal(copied[0]["v"], results[0]["v"])
    assert pickle.loads(pickle.dumps(stored))[0]["product"] == 1
