"""Which runs a sweep has: places, parameters, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Quantity, ms, mV
from numpy.random import SeedSequence

from brian2genn.sweeps.grid import check_call, make_grid
from brian2genn.sweeps.seeds import entropy_of


def grid(parameters, zip=False, repeats=1, entropy=1):
    return make_grid(parameters, zip=zip, repeats=repeats, entropy=entropy)


def test_a_grid_has_all_combinations():
    made = grid({"tau": [5, 10] * ms, "g": (4, 5, 6)}, repeats=2)
    assert made.axes == ("tau", "g", "repeat")
    assert made.shape == (2, 3, 2)
    assert [run.number for run in made.runs] == list(range(12))
    assert [run.place for run in made.runs] == list(np.ndindex(2, 3, 2))
    assert made.runs[-1].parameters == {"tau": 10 * ms, "g": 6}
    assert isinstance(made.runs[0].parameters["tau"], Quantity)
    assert made.runs[-1].repeat == 1


def test_values_that_belong_together():
    made = grid({"a": [1, 2], "b": ["x", "y"]}, zip=True)
    assert made.axes == ("run", "repeat")
    assert [run.parameters for run in made.runs] == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    with pytest.raises(ValueError, match="2 of 'a', 1 of 'b'"):
        grid({"a": [1, 2], "b": [1]}, zip=True)
    with pytest.raises(ValueError, match="no parameters to zip"):
        grid({}, zip=True)


def test_a_list_of_runs():
    made = grid([{"a": 1}, {"a": 2, "b": 3}], repeats=2)
    assert made.shape == (2, 2)
    assert [run.parameters for run in made.runs] == [{"a": 1}] * 2 + [{"a": 2, "b": 3}] * 2
    made.runs[0].parameters["a"] = 5  # each run has its own
    assert made.runs[1].parameters == {"a": 1}
    assert [run.parameters for run in grid({"a": i} for i in range(2)).runs] == [
        {"a": 0},
        {"a": 1},
    ]


def test_nothing_but_repetitions():
    made = grid({}, repeats=3)
    assert made.shape == (3,)
    assert [run.parameters for run in made.runs] == [{}] * 3
    assert len({run.seed for run in made.runs}) == 3


@pytest.mark.parametrize(
    ("parameters", "error", "told"),
    [
        ({"a": []}, ValueError, "no values of 'a'"),
        ({"a": 5 * mV}, TypeError, "one value"),
        ({"a": "text"}, TypeError, r"such as \['text'\]"),
        ({"a": {"b": 1}}, TypeError, "one value"),
        ({"a": np.zeros((2, 2))}, ValueError, "2 dimensions"),
        ({"a": np.array(3.0)}, (TypeError, ValueError), "."),
        ([], ValueError, "empty"),
        ([1], TypeError, "Entry 0"),
        (5, TypeError, "Give a dictionary"),
        ("ab", TypeError, "Give a dictionary"),
        ({"repeat": [1]}, ValueError, "'repeat' cannot"),
        ({1: [1]}, TypeError, "names are texts"),
    ],
)
def test_what_is_no_grid(parameters, error, told):
    with pytest.raises(error, match=told):
        grid(parameters)


@pytest.mark.parametrize("repeats", [0, -1, 1.5, True, "2"])
def test_what_is_no_number_of_repetitions(repeats):
    with pytest.raises(ValueError, match="repeats"):
        grid({"a": [1]}, repeats=repeats)


def test_seeds_are_those_of_spawn():
    made = grid({"a": [1, 2], "b": [1, 2, 3]}, repeats=2, entropy=7)
    expected = [
        int(sequence.generate_state(1)[0])
        for of_a in SeedSequence(7).spawn(2)
        for of_b in of_a.spawn(3)
        for sequence in of_b.spawn(2)
    ]
    assert [run.seed for run in made.runs] == expected
    assert len(set(expected)) == 12


def test_seeds_stay_when_axes_grow():
    small = {run.place: run.seed for run in grid({"a": [1, 2], "b": [1, 2]}, repeats=2).runs}
    large = {run.place: run.seed for run in grid({"a": [1, 2, 3], "b": [1, 2, 3]}, repeats=3).runs}
    assert small.items() <= large.items()


def test_what_is_no_seed():
    assert entropy_of(None) != entropy_of(None)
    assert entropy_of(np.int64(3)) == 3
    for wrong in (-1, 1.5, True, "1"):
        with pytest.raises(ValueError, match="no seed"):
            entropy_of(wrong)


def test_a_wrong_name_is_noticed_before_anything_runs():
    def simulate(tau, weight=1): ...

    check_call(simulate, grid([{"tau": 1}, {"tau": 1, "weight": 2}]).runs)
    with pytest.raises(TypeError, match="Did you mean 'weight'"):
        check_call(simulate, grid({"tau": [1], "wieght": [1]}).runs)
    with pytest.raises(TypeError, match="missing a required argument: 'tau'"):
        check_call(simulate, grid({"weight": [1]}).runs)
    check_call(dict, grid({"anything": [1]}).runs)
