"""Whole variables are read and written as by Brian's own functions, errors included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from brian2 import (
    NeuronGroup,
    Quantity,
    SpatialNeuron,
    Synapses,
    amp,
    cm,
    get_device,
    linked_var,
    mV,
    nA,
    ohm,
    second,
    set_device,
    uF,
    um,
)
from brian2.core.variables import VariableView
from brian2.groups.group import VariableOwner
from brian2.spatialneuron.morphology import Cylinder

from brian2genn.frontend import brian_costs

REPLACED = [
    replacement
    for replacement in brian_costs.REPLACEMENTS
    if replacement.place in (VariableView, VariableOwner)
]

SIZE = 5

MODEL = """
a : 1
I : amp
k : integer
flag : boolean
fixed : volt (constant)
s : 1 (shared)
sub = a + k : 1
"""

NAMES = ("a", "a_", "I", "I_", "k", "flag", "fixed", "s", "s_", "sub", "i", "N", "other", "linked")

VALUES: dict[str, Any] = {
    "array": np.arange(SIZE) + 0.5,
    "integers": np.arange(SIZE),
    "too many": np.arange(SIZE + 1.0),
    "none": np.array([]),
    "one in an array": np.array([2.5]),
    "one in two dimensions": np.array([[2.5]]),
    "array without dimensions": np.array(2.5),
    "two dimensions": np.ones((2, SIZE)),
    "column": np.ones((SIZE, 1)),
    "objects": np.array([1, 2.5, 3, 4, 5], dtype=object),
    "truths": np.array([True, False] * 2 + [True]),
    "strings": np.array(["1"] * SIZE),
    "quantity": (np.arange(SIZE) + 0.5) * nA,
    "other quantity": np.arange(SIZE) * mV,
    "one quantity": 3 * nA,
    "unit": amp,
    "one quantity in an array": [3] * nA,
    "other one": 3 * mV,
    "plain quantity": Quantity(np.arange(SIZE) * 1.0, force_quantity=True),
    "zero": 0,
    "float": 2.5,
    "nan": float("nan"),
    "NumPy nan": np.float64("nan"),
    "large": 2**70,
    "complex": 1j,
    "True": True,
    "float32": np.float32(0.1),
    "int64": np.int64(2**40),
    "int32": np.int32(-7),
    "list": list(range(SIZE)),
    "list of quantities": [1 * nA] * SIZE,
    "string": "i*2.0",
    "None": None,
    "masked": np.ma.masked_array(np.arange(SIZE * 1.0), mask=[1, 0, 0, 1, 0]),
}


@pytest.fixture(autouse=True)
def device():
    set_device("genn", backend="cpu")
    yield
    _kept.clear()


@contextmanager
def as_in_brian() -> Iterator[None]:
    """Within this, Brian's own functions are in their places."""
    ours = [(one, vars(one.place)[one.name]) for one in REPLACED]
    assert len(ours) == 4
    try:
        for one, _ in ours:
            setattr(one.place, one.name, one.original)
        yield
    finally:
        for one, function in ours:
            setattr(one.place, one.name, function)


def _outcome(act: Any, *args: Any) -> object:
    """What it returns, or its error."""
    try:
        found = act(*args)
    except Exception as error:
        # names of objects count up
        return type(error), "".join(c for c in str(error) if not c.isdigit())
    if isinstance(found, np.ndarray):
        return type(found), getattr(found, "dim", None), found.dtype, repr(found.tolist())
    return type(found), repr(found)


_kept: list[Any] = []


def _linked_cells() -> NeuronGroup:
    source = NeuronGroup(SIZE, "y : 1")
    _kept.append(source)
    cells = NeuronGroup(SIZE, MODEL + "linked : 1 (linked)\nother : 1 (linked)")
    cells.linked = linked_var(source, "y")
    return cells


def _cells_of_size_one() -> NeuronGroup:
    return NeuronGroup(1, MODEL)


def _part() -> Any:
    whole = NeuronGroup(3 * SIZE, MODEL)
    part = whole[SIZE : 2 * SIZE]
    vars(part)["whole"] = whole
    return part


def _unconnected() -> Synapses:
    cells = NeuronGroup(SIZE, "v : 1", threshold="v > 1")
    synapses = Synapses(cells, cells, MODEL, on_pre="a += 1")
    vars(synapses)["cells"] = cells
    return synapses


def _synapses() -> Synapses:
    synapses = _unconnected()
    synapses.connect(j="i")
    return synapses


def _cable() -> SpatialNeuron:
    morphology = Cylinder(n=SIZE, diameter=1 * um, length=1 * um)
    return SpatialNeuron(
        morphology, "Im = 0*siemens/meter**2*v : amp/meter**2\n" + MODEL, Cm=1 * uF / cm**2,
        Ri=100 * ohm * cm,
    )  # fmt: skip


OBJECTS = (_synapses, _unconnected, _part, _cells_of_size_one, _cable)


def _state(thing: Any) -> dict[str, object]:
    return {
        name: _outcome(np.array, thing.variables[name].get_value())
        for name in ("a", "I", "k", "flag", "fixed", "s", "linked")
        if name in thing.variables
    }


def _written(thing: Any, name: str, value: Any, how: str) -> object:
    if how == "attribute":
        outcome = _outcome(setattr, thing, name, value)
    else:
        outcome = _outcome(lambda: getattr(thing, name).__setitem__(slice(None), value))
    return outcome, _state(thing)


def _compare(make: Any, names: Any, labels: Any, how: str) -> None:
    """Set values of two equal objects, one after the other."""
    ours, brians = make(), make()
    for name in names:
        for label in labels:
            with as_in_brian():
                expected = _written(brians, name, VALUES[label], how)
            assert _written(ours, name, VALUES[label], how) == expected, (name, label)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["attribute", "item"])
@pytest.mark.parametrize("name", NAMES)
def test_values_are_set_as_by_brian(name, how):
    _compare(_linked_cells, [name], VALUES, how)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", OBJECTS)
def test_values_of_all_kinds_of_groups_are_set_as_by_brian(make):
    labels = ("array", "quantity", "too many", "float", "one quantity", "nan", "list")
    _compare(make, ("a", "I", "I_", "i", "s"), labels, "attribute")


def _read(thing: Any, name: str, item: Any) -> Any:
    return getattr(thing, name)[item]


@pytest.mark.parametrize("make", [_linked_cells, *OBJECTS])
def test_values_are_read_as_by_brian(make):
    thing = make()
    items = [slice(None), slice(1, None), slice(None, None, 2), 0, [0], np.array([0]), "True", ...]
    for name in (*NAMES, "missing", "missing_", "_", "name", "__len__"):
        for item in items:
            with as_in_brian():
                expected = _outcome(_read, thing, name, item)
            assert _outcome(_read, thing, name, item) == expected, (name, item)


@pytest.mark.parametrize("make", [_linked_cells, *OBJECTS])
def test_views_are_those_of_brian(make):
    thing = make()
    for name in {*NAMES, "missing"} - {"other"}:
        with as_in_brian():
            expected = getattr(thing, name, None)
        view = getattr(thing, name, None)
        assert type(view) is type(expected)
        if isinstance(view, VariableView):
            mine, brians = vars(view), vars(expected)
            assert list(mine) == list(brians)
            assert all(mine[key] is brians[key] for key in mine)


def test_whole_values_are_the_array_itself():
    cells = _linked_cells()
    assert np.shares_memory(cells.a[:], cells.variables["a"].get_value())
    assert np.shares_memory(cells.I[:], cells.variables["I"].get_value())
    values = cells.I[:]
    values[0] = 3 * amp
    assert cells.I[0] == 3 * amp


def test_what_a_class_or_an_object_has_is_no_variable():
    class Cells(NeuronGroup):
        a = property(lambda self: "of the class", lambda self, value: None)

    cells = Cells(SIZE, "b : 1")
    cells.a = 3.0
    assert cells.a == "of the class"
    cells.add_attribute("own")
    cells.own = 2.5
    assert cells.own == 2.5


def test_hooks_of_the_device_are_asked(monkeypatch):
    cells, seen = _linked_cells(), []

    def get(view: Any, item: Any) -> Any:
        seen.append("get")
        return VariableView.get_with_index_array.original_function(view, item)

    def put(view: Any, item: Any, value: Any, check_units: bool) -> None:
        seen.append("set")
        VariableView.set_with_index_array.original_function(view, item, value, check_units)

    monkeypatch.setitem(vars(get_device()), "variableview_get_with_index_array", get)
    monkeypatch.setitem(vars(get_device()), "variableview_set_with_index_array", put)
    cells.a = np.ones(SIZE)
    cells.a[:] = np.ones(SIZE)
    assert cells.a[:].sum() == SIZE
    assert seen == ["set", "set", "get"]


def test_the_common_case_does_not_go_through_brian(monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("Brian's way is slow")

    cells, synapses = _linked_cells(), _synapses()
    for name in ("get_item", "set_with_index_array", "get_with_index_array", "__init__"):
        monkeypatch.setattr(VariableView, name, fail)
    for thing in (cells, synapses):
        for value in (np.ones(SIZE), 2.5, 1, np.float64(2)):
            thing.a = thing.a_ = thing.I_ = value
            thing.a[:] = value
            assert (thing.a[:] == value).all()
        thing.I = np.ones(SIZE) * nA
        thing.I = 3 * nA
        assert thing.I[:].dim is amp.dim


class Slow(Synapses):
    """Has a property that looks for names where it is set, as that for delays does."""

    def _set_slowness(self, value):
        self.pre.variables["delay"].get_addressable_value_with_unit("delay", self.pre).set_item(
            "True", value, level=2
        )

    slowness = property(lambda self: self.pre.delay, _set_slowness)


@pytest.mark.parametrize("kind", [Synapses, Slow], ids=["its own", "inherited"])
@pytest.mark.parametrize("name", ["delay", "delay_", "pre.delay", "post.delay_", "slowness"])
def test_properties_find_the_names_of_a_function(kind, name):
    if name == "slowness" and kind is not Slow:
        pytest.skip("has no such property")
    x = 0.25  # in a function only
    unit = 1 if name.endswith("_") else second
    group = NeuronGroup(SIZE, MODEL, threshold="a > 3")
    synapses = kind(group, group, on_pre="a_post += 1", on_post="a_pre += 1")
    synapses.connect(j="i")
    where, _, last = name.rpartition(".")
    setattr(getattr(synapses, where) if where else synapses, last, "x*i*unit")
    pathway = synapses.post if where == "post" else synapses.pre
    np.testing.assert_array_equal(pathway.delay_[:], 0.25 * np.arange(SIZE))


def test_a_link_to_a_property_is_an_error():
    group = NeuronGroup(SIZE, MODEL, threshold="a > 3")
    synapses = Synapses(group, group, on_pre="a_post += 1")
    with pytest.raises(TypeError, match="Cannot link variable 'delay'"):
        synapses.delay = linked_var(group, "a")
