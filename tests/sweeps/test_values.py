"""What is kept of parameters and results comes back as it was."""

from __future__ import annotations

import functools
import importlib
import math
import sys
import threading

import numpy as np
import pytest
from brian2 import (
    Equations,
    Function,
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    Quantity,
    TimedArray,
    check_units,
    get_unit,
    ms,
    mV,
    nS,
)

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
    before = fingerprint.parts_of(function)
    assert fingerprint.parts_of(function) == before
    changed = {
        "WEIGHT": 4 * mV,
        "EQUATIONS": "dv/dt = -v/TAU: volt",
        "TAU": 6,  # in a text only
        "helper": lambda x: x,
    }
    for name, value in changed.items():
        with monkeypatch.context() as patch:
            patch.setitem(globals(), name, value)
            assert fingerprint.parts_of(function) != before, name
    assert fingerprint.parts_of(function) == before


def make(text, **names):
    space = dict(names)
    exec(text, space)
    return space["f"]


def test_what_matters_of_a_function():
    base = fingerprint.parts_of(make("def f(x):\n    return x + 1"))
    same = [
        'def f(x):\n    """Documentation."""\n    return x + 1',
        "\n\n# a remark\ndef f(x):\n    # another\n    return (x + 1)",
    ]
    others = [
        "def f(x):\n    return x + 2", "def f(x, y=1):\n    return x + 1", "f = lambda x: x + 1",
        "def f(x):\n    return x - 1", "def f(x):\n    return 'a'",
    ]  # fmt: skip
    for text in same:
        assert fingerprint.parts_of(make(text)) == base, text
    for text in others:
        assert fingerprint.parts_of(make(text)) != base, text


def test_closures_and_partial_functions_matter():
    def outer(n):
        return lambda x: x + n

    assert fingerprint.parts_of(outer(1)) == fingerprint.parts_of(outer(1))
    assert fingerprint.parts_of(outer(1)) != fingerprint.parts_of(outer(2))
    one, two = (functools.partial(function, y=y) for y in (1, 2))
    assert fingerprint.parts_of(one) != fingerprint.parts_of(two)


def test_a_function_that_calls_itself():
    def again(n):
        return again(n - 1) if n else 0

    assert fingerprint.parts_of(again) == fingerprint.parts_of(again)


class Model:
    """What a script may have: a class of its own."""

    factor = 2

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        return self.value(x)

    def value(self, x):
        return x * self.scale * self.factor


class Special(Model):
    pass


MODEL = Special(3)


def with_objects(x):
    return MODEL.value(x)


def makes_objects(x):
    return Special(x)(x)


def test_classes_and_objects_matter(monkeypatch):
    """Results of a changed method, or of another object, were taken for those of this one."""
    callables = [with_objects, makes_objects, MODEL, MODEL.value]
    before = [fingerprint.parts_of(function) for function in callables]
    assert [fingerprint.parts_of(function) for function in callables] == before
    for name, value in {"factor": 5, "value": lambda self, x: x}.items():
        with monkeypatch.context() as patch:
            patch.setattr(Model, name, value)
            for function, mark in zip(callables, before, strict=True):
                assert fingerprint.parts_of(function) != mark, (name, function)
    monkeypatch.setattr(MODEL, "scale", 4)
    pairs = zip(callables, before, strict=True)
    changed = [fingerprint.parts_of(function) != mark for function, mark in pairs]
    assert changed == [True, False, True, True]


def test_objects_of_brian_matter():
    def make_function(model):
        return lambda x: (model, x)

    kinds = [
        lambda n: Equations(f"dv/dt = -v/({n}*ms) : 1"),
        lambda n: TimedArray([0, n], dt=1 * ms),
        lambda n: NeuronGroup(1, f"dv/dt = -v/({n}*ms) : 1", method="exact"),
        lambda n: Network(NeuronGroup(1, "v : 1", threshold=f"v > {n}", reset="v = 0")),
        lambda n: PoissonGroup(1, rates=n * Hz),
        lambda n: Function(lambda x: x * n, arg_units=[1], return_unit=1),
    ]
    for kind in kinds:
        one, same, other = (fingerprint.parts_of(make_function(kind(n))) for n in (1, 1, 2))
        assert one == same != other, kind(1)


def test_wrapped_functions_matter():
    def make_function(n):
        @check_units(x=1, result=1)
        def times(x):
            return n * x

        return lambda x: times(x)

    one, same, other = (fingerprint.parts_of(make_function(n)) for n in (1, 1, 2))
    assert one == same != other


def test_modules_of_ones_own_matter(tmp_path, monkeypatch):
    """A function that is imported from a file beside the script is no less a part of it."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("")
    seen = []
    for factor in (1, 1, 2):
        text = f"def inner(x):\n    return {factor} * x\ndef helper(x):\n    return inner(x)\n"
        (tmp_path / "own_module.py").write_text(text)
        (tmp_path / "own_package" / "part.py").write_text(text)
        for name in ("own_module", "own_package.part", "own_package"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        part = importlib.import_module("own_package.part")
        module = importlib.import_module("own_module")
        spaces = [{"m": module}, {"p": sys.modules["own_package"]}, {"helper": module.helper}]
        texts = ["m.helper(x)", "p.part.helper(x)", "helper(x)"]
        made = [
            make(f"def f(x):\n    return {text}", **space)
            for text, space in zip(texts, spaces, strict=True)
        ]
        seen.append([fingerprint.parts_of(function) for function in (*made, part.helper)])
    fingerprint._is_own.cache_clear()
    assert seen[0] == seen[1]
    assert all(one != other for one, other in zip(seen[0], seen[2], strict=True))


def test_what_differs_in_each_process_does_not_matter():
    first, second = np.random.default_rng(), np.random.default_rng()
    lock, other = threading.Lock(), threading.Lock()
    marks = [
        fingerprint.parts_of(lambda x, rng=rng, lock=some: (rng, lock))[fingerprint.ITSELF]
        for rng, some in ((first, lock), (second, other))
    ]
    assert marks[0] == marks[1]


def test_objects_that_are_parameters_differ():
    """Another object of the same class got the result that was there for the first one."""
    marks = [fingerprint.of_values({"x": Special(n)}) for n in (1, 1, 2)]
    assert marks[0] == marks[1] != marks[2]
    sets = [fingerprint.of_values({"x": {Special, Model, n}}) for n in (1, 1, 2)]
    assert sets[0] == sets[1] != sets[2]


def test_parameters_that_differ():
    different = [
        1, 1.0, True, "1", None, 1 * mV, 2 * mV, 1 * nS, [1], (1,), {"a": 1}, np.arange(2),
        np.arange(2.0), np.arange(2) * mV, 1.5, b"1",
    ]  # fmt: skip
    marks = [fingerprint.of_values({"x": value}) for value in different]
    assert len(set(marks)) == len(different)
    assert fingerprint.of_values({"x": np.float64(1.5)}) == fingerprint.of_values({"x": 1.5})
