"""The values of ``device.run(run_args=...)``, in all the forms that Brian's devices take."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from brian2.core.variables import ArrayVariable, Subexpression, Variable, VariableView
from brian2.input.timedarray import TimedArray
from brian2.units.fundamentalunits import fail_for_dimension_mismatch

from ...model.spelling import did_you_mean, listed


class Given(Protocol):
    """A value that is given to something for as long as a script is repeated."""

    def give(self) -> None: ...
    def take_back(self) -> None: ...


class _ForVariable:
    """A value for a variable; the script may set others later on."""

    def __init__(self, name: str, view: VariableView, values: np.ndarray) -> None:
        self._name, self._view, self._values = name, view, values

    def give(self) -> None:
        _check_size(self._name, self._values, _shape(self._view))
        values = self._values.item() if self._values.size == 1 else self._values
        VariableView.set_with_index_array.original_function(
            self._view, slice(None), values, check_units=False
        )

    def take_back(self) -> None:
        pass


class _ForTimedArray:
    """Values of a `TimedArray`; a script does not change them, so it has its own ones back."""

    def __init__(self, timed_array: TimedArray, values: np.ndarray) -> None:
        self._timed_array, self._values = timed_array, values
        self._before: np.ndarray | None = None

    def give(self) -> None:
        self._before = self._timed_array.values.copy()
        # in place: Brian's functions hold this array
        self._timed_array.values[...] = self._values

    def take_back(self) -> None:
        if self._before is not None:
            self._timed_array.values[...] = self._before


def _shape(view: VariableView) -> tuple[int]:
    return (1 if view.variable.scalar else len(view),)


def _check_size(name: str, values: np.ndarray, shape: tuple[int, ...]) -> None:
    if values.size != 1 and values.shape != shape:
        raise TypeError(f"Incorrect size for variable '{name}'. Shape {shape} ≠ {values.shape}.")


def _as_array(name: str, dim: Any, value: Any, dtype: Any) -> np.ndarray:
    if isinstance(value, str):
        raise TypeError(
            f"The value for '{name}' is the string {value!r}: give a number or an array. What a"
            " string stands for can be computed by the script, after device.apply_run_args()."
        )
    try:
        values = np.asarray(value)
    except ValueError:  # lists of different lengths
        values = np.array(None)
    if values.dtype.kind == "O":
        # numbers that no type of NumPy holds; a list of them has no units
        given = values if all(isinstance(entry, Real) for entry in values.flat) else None
    else:
        given = value if values.dtype.kind in "biuf" else None
    if given is None:
        raise TypeError(
            f"The value {reprlib.repr(value)} for '{name}' is neither a number nor an array of"
            " numbers: give one of them, in the variable's units."
        )
    fail_for_dimension_mismatch(dim, given)
    return _converted(name, value, dtype)


def _converted(name: str, value: Any, dtype: Any) -> np.ndarray:
    """Values as an array of its own, which the script does not change."""
    values = np.array(value)
    if np.issubdtype(dtype, np.integer) and values.size and values.dtype.kind in "iufO":
        limits = np.iinfo(dtype)
        for extreme in (values.min(), values.max()):
            if not limits.min <= extreme <= limits.max:
                raise OverflowError(
                    f"The value {extreme} for '{name}' does not fit into its type, {limits.dtype}:"
                    f" give whole numbers from {limits.min} to {limits.max}."
                )
    try:
        return np.array(value, dtype=dtype)
    except OverflowError:
        raise OverflowError(
            f"The value {reprlib.repr(value)} for '{name}' does not fit into its type,"
            f" {np.dtype(dtype)}."
        ) from None


class _Names:
    """The variables and `TimedArray` objects that values can be given to."""

    def __init__(self, owners: Iterable[Any], timed_arrays: Iterable[TimedArray]) -> None:
        self.views: dict[str, VariableView] = {}
        self._variables: set[int] = set()
        for owner in owners:
            for name, variable in owner.variables.items():
                if isinstance(variable, ArrayVariable) and variable.owner is not None:
                    self._variables.add(id(variable))
                    if variable.owner.name == owner.name and not variable.read_only:
                        view = variable.get_addressable_value_with_unit(name, owner)
                        self.views[f"{owner.name}.{variable.name}"] = view
        self.timed_arrays = {f"{array.name}.values": array for array in timed_arrays}

    def find(self, name: str) -> VariableView | TimedArray:
        """What a name stands for.

        Raises
        ------
        RuntimeError
            As from Brian, whose program ends then.
        """
        found = self.views.get(name, self.timed_arrays.get(name))
        if found is None:
            known = [*self.views, *self.timed_arrays]
            raise RuntimeError(
                f"Cannot set unknown variable '{name}'.{did_you_mean(name, known)} There are"
                f" {listed(known)}."
            )
        return found

    def check(self, key: VariableView) -> None:
        """Refuse a variable whose values make no difference.

        Raises
        ------
        TypeError
            If no values can be given to it.
        RuntimeError
            If it belongs to nothing that is repeated.
        """
        variable: Variable = key.variable
        name = f"{key.group_name}.{key.name}"
        if isinstance(variable, Subexpression):
            raise TypeError(
                f"'{name}' cannot be given a value: it is computed from the expression"
                f" '{variable.expr}'. Make it a variable that the script sets (of a PoissonGroup:"
                " give the rates as an array), or give values to what it is computed from."
            )
        if not isinstance(variable, ArrayVariable) or variable.read_only:
            raise TypeError(f"Variable {key.name} is read-only.")
        if id(variable) not in self._variables:
            there = f"There is another '{name}' there: is this one of a copy?"
            raise RuntimeError(
                f"'{name}' does not belong to what device.run() repeats."
                f" {there if name in self.views else f'There are {listed(self.views)}.'}"
                " In processes of multiprocessing, objects that come from another process are"
                " copies, except with the start method 'fork'."
            )


def given_values(
    run_args: Mapping[Any, Any] | Sequence[str],
    owners: Iterable[Any],
    timed_arrays: Iterable[TimedArray],
    directory: str | None = None,
) -> list[Given]:
    """The values of `run_args`, checked as far as can be done before anything is changed.

    Parameters
    ----------
    run_args : mapping or sequence of str
        From variables (``group.v``) and `TimedArray` objects to values: one for all, or one for
        each element. Or strings such as ``"group.v=5"``, where numbers are in base units and other
        texts name files that hold an array's bytes.
    owners : iterable
        The objects whose variables can be set.
    timed_arrays : iterable of TimedArray
        Those that have names.
    directory : str, optional
        Where files are looked for first.

    Raises
    ------
    TypeError
        For other keys, for what cannot be set, and for values of another size.
    DimensionMismatchError
        For values with other units.
    RuntimeError
        For unknown names.
    OverflowError
        For whole numbers that do not fit into the variable's type.
    FileNotFoundError
        For texts that are neither numbers nor files.
    """
    names = _Names(owners, timed_arrays)
    if not isinstance(run_args, Mapping):
        if isinstance(run_args, str) or not isinstance(run_args, Iterable):
            raise TypeError(
                f"run_args={run_args!r} is neither a dictionary, such as {{group.variable: value}},"
                " nor a list of texts, such as ['group.variable=value']."
            )
        return [_from_text(text, names, directory) for text in run_args]
    given: list[Given] = []
    for key, value in run_args.items():
        if isinstance(key, VariableView):
            name = f"{key.group_name}.{key.name}"
            names.check(key)
            values = _as_array(name, key.dim, value, key.dtype)
            if not key.variable.dynamic:  # others may have had another size
                _check_size(name, values, _shape(key))
            given.append(_ForVariable(name, key, values))
        elif isinstance(key, TimedArray):
            values = _as_array(key.name, key.dim, value, key.values.dtype)
            _check_size(f"{key.name}.values", values, key.values.shape)
            given.append(_ForTimedArray(key, values))
        else:
            raise TypeError(
                "The keys for 'run_args' need to be 'VariableView' objects, i.e. attributes of"
                " groups such as 'neurongroup.v', or a 'TimedArray'. Key has type"
                f" '{type(key)}' instead."
            )
    return given


def _from_file(name: str, value: str, directory: str | None, dtype: Any) -> np.ndarray:
    places = [Path(directory or ".", value), Path(value)]
    for place in places:
        if place.is_file():
            return np.fromfile(place, dtype=dtype)
    looked = " and ".join(dict.fromkeys(f"'{place.resolve()}'" for place in places))
    raise FileNotFoundError(
        f"The value {value!r} for '{name}' is no number, neither 'true' nor 'false', and no file:"
        f" looked for {looked}. Give a number in base units, or the name of a file with the bytes"
        " of an array."
    )


def _from_text(text: Any, names: _Names, directory: str | None) -> Given:
    if not isinstance(text, str) or "=" not in text:
        raise TypeError(
            f"{text!r} in 'run_args' is not of the form 'group.variable=value'. A dictionary, such"
            " as {group.variable: value}, is the other way to give values."
        )
    name, _, value = text.partition("=")
    target = names.find(name)
    timed = isinstance(target, TimedArray)
    dtype = target.values.dtype if timed else target.dtype
    if value.lower() in ("true", "false"):
        values = np.array(value.lower() == "true", dtype=dtype)
    elif value[:1] == "-" or value[:1].isdigit():
        try:
            number = float(value)
        except ValueError:
            raise TypeError(f"The value {value!r} for '{name}' is no number.") from None
        values = _converted(name, number, dtype)
    else:
        values = _from_file(name, value, directory, dtype)
    if timed:
        if values.size == target.values.size:
            values = values.reshape(target.values.shape)
        _check_size(name, values, target.values.shape)
        return _ForTimedArray(target, values)
    return _ForVariable(name, target, values)
