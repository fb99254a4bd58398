"""Cases: what they are, how they are run, and when two results are the same.

A case is a function that builds a model, runs it, and returns a dictionary from names to arrays of
all that can be observed. It runs once under Brian's runtime (NumPy target) and once under the
device, in fresh scopes of one process. The results agree when

- shapes and dtypes are equal;
- integers, booleans and times of events and recordings are equal;
- other floats are equal within a `Tolerance`: ``DOUBLE``, in single precision ``SINGLE``, and
  what a table of cases asks for where Brian itself is less accurate.
"""

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from brian2 import (
    Network,
    PopulationRateMonitor,
    StateMonitor,
    Synapses,
    magic_network,
    prefs,
    set_device,
    start_scope,
)
from brian2.core.base import BrianObjectException
from brian2.core.variables import ArrayVariable
from brian2.monitors.spikemonitor import EventMonitor

from tests import devices


@dataclass(frozen=True)
class Tolerance:
    """By how much a float may differ from its reference.

    Relative to the reference, with an absolute floor relative to the largest finite magnitude in
    the array, and one that is the same for all arrays.
    """

    relative: float
    floor: float
    absolute: float = 0.0


DOUBLE = Tolerance(1e-9, 1e-11)
SINGLE = Tolerance(1e-5, 1e-5)

#: The last part of the names of values that must be bit by bit the same.
EXACT = {"t", "spike_t", "lastspike", "lastupdate", "delay", "dt"}

Result = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A function to be run under two devices."""

    function: Callable[..., Result]
    arguments: dict = field(default_factory=dict)
    tolerance: Tolerance = DOUBLE

    def __str__(self) -> str:
        name = self.function.__name__
        values = "-".join(str(getattr(v, "__name__", v)) for v in self.arguments.values())
        return f"{name}[{values}]" if values else name

    def run(self, device: str, target: str = "numpy") -> Result:
        """Run the function under the device, with nothing left of what ran before.

        The target is Brian's, for all that Brian runs.
        """
        devices.reset()
        set_device(device)
        prefs.codegen.target = target
        if self.tolerance is SINGLE:
            prefs.core.default_float_dtype = np.float32
        start_scope()
        try:
            result = self.function(**self.arguments)
            return {name: np.array(value) for name, value in result.items()}
        finally:
            devices.reset()


class Cases:
    """A table of cases, filled by decorators."""

    def __init__(self, tolerance: Tolerance = DOUBLE) -> None:
        self.tolerance = tolerance
        self.table: list[Case] = []

    def __call__(self, function: Callable[..., Result]) -> Callable[..., Result]:
        """Add a function without arguments."""
        self.table.append(Case(function, tolerance=self.tolerance))
        return function

    def over(self, **values) -> Callable:
        """Add a function once for each combination of the given arguments."""

        def add(function: Callable[..., Result]) -> Callable[..., Result]:
            for combination in itertools.product(*values.values()):
                arguments = dict(zip(values, combination, strict=True))
                self.table.append(Case(function, arguments, self.tolerance))
            return function

        return add

    def single(self, function: Callable[..., Result]) -> Callable[..., Result]:
        """Add a function that runs in single precision."""
        self.table.append(Case(function, tolerance=SINGLE))
        return function

    def __iter__(self) -> Iterator[Case]:
        return iter(self.table)


@functools.singledispatch
def snapshot(thing) -> Result:
    """All that can be observed of an object: name to array, without units."""
    if not hasattr(thing, "variables"):
        return {"": np.array(thing)}
    return {
        name: np.array(thing.state(name, use_units=False))
        for name, variable in thing.variables.items()
        if isinstance(variable, ArrayVariable) and not name.startswith("_")
    }


@snapshot.register
def _(thing: Synapses) -> Result:
    result = snapshot.dispatch(object)(thing)
    result["i"] = np.array(thing.i[:])
    result["j"] = np.array(thing.j[:])
    result["N"] = np.array(len(thing))
    for pathway in thing._pathways:
        result[f"{pathway.objname}.delay"] = np.atleast_1d(np.array(pathway.delay_[:]))
    return result


@snapshot.register
def _(thing: EventMonitor) -> Result:
    result = {name: np.array(getattr(thing, name + "_")) for name in thing.record_variables}
    for name in {"i", "t"} & set(thing.variables):
        result[name] = np.array(getattr(thing, name + "_"))
    if "count" in thing.variables:
        result["count"] = np.array(thing.count[:])
    result["N"] = np.array(thing.num_events)
    return result


@snapshot.register
def _(thing: StateMonitor) -> Result:
    result = {name: np.array(getattr(thing, name + "_")) for name in thing.record_variables}
    result["t"] = np.array(thing.t_)
    result["N"] = np.array(thing.N)
    return result


@snapshot.register
def _(thing: PopulationRateMonitor) -> Result:
    return {"t": np.array(thing.t_[:]), "rate": np.array(thing.rate_[:]), "N": np.array(thing.N)}


@snapshot.register
def _(thing: Network) -> Result:
    return {"t": np.array(thing.t_)}


def number(value) -> float:
    """A number from a quantity, or from a view of a scalar variable, such as a clock's time."""
    return np.asarray(value).item()


def observe(**things) -> Result:
    """All that can be observed of several objects, arrays and numbers, and the network's time."""
    result = {"magic.t": np.array(magic_network.t_)}
    for label, thing in sorted(things.items()):  # in one order for all processes
        for name, value in snapshot(thing).items():
            result[f"{label}.{name}" if name else label] = value
    return result


#: Errors in the code that Brian makes for NumPy where its compiled targets give a result: values
#: that are the same for all neurons are single numbers there, and cannot be indexed; those of all
#: neurons have no truth; and NumPy has no powers of whole numbers with an exponent below zero.
NUMPY_ERRORS = (
    "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()",
    "Integers to negative integer powers are not allowed.",
    "invalid index to scalar variable.",
    "'float' object is not subscriptable",
    "'int' object is not subscriptable",
    "'bool' object is not subscriptable",
)
#: Names that it uses without a value where a conditional write needs another index than what is
#: written.
UNLOADED = ("_presynaptic_idx", "_postsynaptic_idx")
#: Stands for them where kinds of errors are recorded.
NUMPY_ERROR = "error of NumPy's code"
#: Stands for the error of code into which Brian has written an infinity.
NAMED_INFINITY = "'inf' as a name"


def cause_of(error: BaseException) -> BaseException:
    """The error itself, or what Brian has wrapped into one that names the object."""
    while isinstance(error, BrianObjectException) and error.__cause__ is not None:
        error = error.__cause__
    return error


def kind_of(error: BaseException) -> str:
    """The kind of an error, as networks record it that go on after one."""
    cause = cause_of(error)
    if isinstance(cause, NameError) and cause.name in ("inf", "nan"):
        return NAMED_INFINITY
    if isinstance(cause, NameError) and cause.name in UNLOADED:
        return NUMPY_ERROR
    return NUMPY_ERROR if str(cause) in NUMPY_ERRORS else type(cause).__name__


def difference(
    name: str, reference: np.ndarray, value: np.ndarray, tolerance: Tolerance
) -> str | None:
    """How a value differs from its reference; nothing if they are the same."""
    if reference.dtype != value.dtype:
        return f"dtype {value.dtype}, not {reference.dtype}"
    if reference.shape != value.shape:
        return f"shape {value.shape}, not {reference.shape}:\n{value}\nnot\n{reference}"
    if reference.dtype.kind == "f" and name.rpartition(".")[2] not in EXACT:
        largest = np.abs(reference[np.isfinite(reference)]).max(initial=0.0)
        # the processor's time loop has no subnormal numbers, as Brian's C++ has none
        none = np.finfo(reference.dtype).tiny if devices.BACKEND == "cpu" else 0.0
        atol = max(tolerance.floor * largest, tolerance.absolute, none)
        same = np.isclose(value, reference, tolerance.relative, atol, equal_nan=True)
    elif reference.dtype.kind == "f":
        same = (reference == value) | (np.isnan(reference) & np.isnan(value))
    else:
        same = reference == value
    if np.all(same):
        return None
    where = tuple(np.argwhere(~np.asarray(same))[0])
    return (
        f"{np.sum(~same)} of {np.size(same)} differ; "
        f"the first at {[int(k) for k in where]}: {value[where]!r}, not {reference[where]!r}"
    )


def compare(reference: Result, result: Result, tolerance: Tolerance = DOUBLE) -> None:
    """Fail with a list of all that differs."""
    assert set(reference) == set(result)
    differences = {
        name: difference(name, reference[name], result[name], tolerance) for name in reference
    }
    report = [f"{name}: {text}" for name, text in differences.items() if text is not None]
    assert not report, "differs from Brian's runtime:\n" + "\n".join(report)


def with_threads(case: Case, n: int) -> Result:
    """What a case observes under this device with a number of threads."""
    prefs.devices.genn.cpu_threads = n
    try:
        return case.run("genn")
    finally:
        prefs.devices.genn.cpu_threads = None


def check_any_threads(
    case: Case, reference: Result, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> None:
    """Fail unless one thread agrees with the reference, and three with it, bit by bit.

    With `Options` of the processor's backend.
    """
    devices.set_defaults(monkeypatch, processor=devices.processor(**options))
    alone = with_threads(case, 1)
    compare(reference, alone, case.tolerance)
    devices.set_defaults(monkeypatch, processor=devices.processor(share_always=True, **options))
    shared = with_threads(case, 3)
    for name, values in alone.items():
        np.testing.assert_array_equal(shared[name], values, err_msg=name)


def check(case: Case) -> None:
    """Run a case under Brian's runtime and under the device, and compare."""
    reference = case.run("runtime")
    assert reference, "the case observes nothing"
    compare(reference, case.run(devices.DEVICE), case.tolerance)
