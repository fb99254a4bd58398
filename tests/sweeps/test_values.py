"""What is kept of parameters and results comes back as it was."""

from __future__ import annotations

import functools
import math
import threading

import numpy as np
import pytest
from brian2 import Hz, NeuronGroup, Quantity, get_unit, mV, nS

from brian2genn.sweeps import fingerprint
from brian2genn.sweeps.values import CannotBeKept, decode, encode, number_of

VALUES = [
    None, True, 3, 2**80, -0.0, 1.5, math.inf, "text \udc80 \u2713", "",
    np.float32(1.5), np.int8(3), np.bool_(True), np.complex128(1 + 2j),
    np.arange(6).reshape(2, 3), np.array(5.0), np.zeros((0, 3)), np.array(["a", "bc"]),
    np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), np.asfortranarray(np.eye(3)),
    3 * mV, [1, 2, 3] * nS, np.float64(3) * Hz, 2 * mV / mV, [[1.0]] * (mV * nS**0.5),
    (1, 2), {"a": [1, {"b": 2 * mV}]}, 1j, b"bytes", {1, 2},
    np.array([1, "a", None], dtype=object), np.datetime64("2020-01-01"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_there_and_back(value):
    found = decode(encode(value))
    assert type(found) is type(value) or isinstance(value, Quantity)
    if isinstance(value, Quantity) and value.dim is not (mV / mV).dim:
        assert found.dim is value.dim
    if isinstance(value, np.ndarray | np.generic):
        assert found.dtype == value.dtype
        assert np.shape(found) == np.shape(value)
    assert np.all(found == value)
    if isinstance(value, float):
        assert math.copysign(1, found) == math.copysign(1, value)


def test_not_a_number():
    assert math.isnan(decode(encode(math.nan)))
    assert math.isnan(decode(encode(np.float32(math.nan))))


def test_a_view_is_its_values():
    cells = NeuronGroup(3, "v : volt")
    cells.v = [1, 2, 3] * mV
    found = decode(encode(cells.v))
    cells.v = 0 * mV
    np.testing.assert_array_equal(found, [1, 2, 3] * mV)


def test_what_cannot_be_kept():
    with pytest.raises(CannotBeKept, match=r"lock.*cannot be pickled"):
        encode(threading.Lock())


def test_numbers_for_other_programs():
    assert number_of(encode(3 * mV)) == 0.003
    assert number_of(encode(True)) == 1
    assert number_of(encode(2**80)) is None
    assert number_of(encode("3")) is None
    assert number_of(encode(np.arange(2))) is None
    assert encode(3 * mV).unit == str(get_unit(mV.dim))


# -- the same function, the same parameters ---------------------------------------------

WEIGHT = 3 * mV
EQUATIONS = "dv/dt = -v/TAU : volt"
TAU = 5


def helper(x):
    return x + WEIGHT / mV


def function(x, y=2):
    """Some text."""
    # some remark
    return helper(x) * y, EQUATIONS


def test_a_function_is_the_same_until_it_changes(monkeypatch):
    before = fingerprint.of_function(function)
    assert fingerprint.of_function(function) == before
    changed = {
        "WEIGHT": 4 * mV,
        "EQUATIONS": "dv/dt = -v/TAU: volt",
        "TAU": 6,  # in a text only
        "helper": lambda x: x,
    }
    for name, value in changed.items():
        with monkeypatch.context() as patch:
            patch.setitem(globals(), name, value)
            assert fingerprint.of_function(function) != before, name
    assert fingerprint.of_function(function) == before


def make(text, **names):
    space = dict(names)
    exec(text, space)
    return space["f"]


def test_what_matters_of_a_function():
    base = fingerprint.of_function(make("def f(x):\n    return x + 1"))
    same = [
        'def f(x):\n    """Documentation."""\n    return x + 1',
        "\n\n# a remark\ndef f(x):\n    # another\n    return (x + 1)",
    ]
    others = [
        "def f(x):\n    return x + 2", "def f(x, y=1):\n    return x + 1", "f = lambda x: x + 1",
        "def f(x):\n    return x - 1", "def f(x):\n    return 'a'",
    ]  # fmt: skip
    for text in same:
        assert fingerprint.of_function(make(text)) == base, text
    for text in others:
        assert fingerprint.of_function(make(text)) != base, text


def test_closures_and_partial_functions_matter():
    def outer(n):
        return lambda x: x + n

    assert fingerprint.of_function(outer(1)) == fingerprint.of_function(outer(1))
    assert fingerprint.of_function(outer(1)) != fingerprint.of_function(outer(2))
    one, two = (functools.partial(function, y=y) for y in (1, 2))
    assert fingerprint.of_function(one) != fingerprint.of_function(two)


def test_a_function_that_calls_itself():
    def again(n):
        return again(n - 1) if n else 0

    assert fingerprint.of_function(again) == fingerprint.of_function(again)


def test_parameters_that_differ():
    different = [
        1, 1.0, True, "1", None, 1 * mV, 2 * mV, 1 * nS, [1], (1,), {"a": 1}, np.arange(2),
        np.arange(2.0), np.arange(2) * mV, 1.5, b"1",
    ]  # fmt: skip
    marks = [fingerprint.of_values({"x": value}) for value in different]
    assert len(set(marks)) == len(different)
    assert fingerprint.of_values({"x": np.float64(1.5)}) == fingerprint.of_values({"x": 1.5})
