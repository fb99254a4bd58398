"""Values of parameters and results as they are kept: exactly, and so that others can read them."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
from brian2.core.variables import VariableView
from brian2.units.fundamentalunits import (
    DIMENSIONLESS,
    Dimension,
    Quantity,
    get_or_create_dimension,
    get_unit,
)

from .extras import cloudpickle


@dataclass(frozen=True, slots=True)
class Stored:
    """A value in a form that can be written to a file.

    Attributes
    ----------
    kind : {'json', 'number', 'array', 'pickle'}
        What `data` is: JSON of a number, a text, a truth value or None; the bytes of a ``.npy``
        file for one of NumPy's numbers or for an array; a pickle for anything else.
    dimensions : str
        Exponents of the seven base units as JSON; empty for values without a unit.
    unit : str
        The same for people: the unit that the numbers in `data` are in.
    data : bytes
    """

    kind: str
    dimensions: str
    unit: str
    data: bytes


class CannotBeKept(Exception):
    """A value that neither a process nor a file can take."""


def encode(value: Any) -> Stored:
    """A value as it is kept.

    Raises
    ------
    CannotBeKept
        With the reason.
    """
    if isinstance(value, VariableView):
        value = value[:]  # what a script writes as group.v; its values, not its group, are meant
    if value is None or type(value) in (bool, int, float, str):
        return Stored("json", "", "", json.dumps(value).encode())
    if isinstance(value, Quantity):
        return _array(np.asarray(value), value.dim, "array")
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return _array(np.asarray(value), DIMENSIONLESS, "number")
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return _array(value, DIMENSIONLESS, "array")
    try:
        return Stored("pickle", "", "", cloudpickle().dumps(value))
    except Exception as error:
        raise CannotBeKept(
            f"a value of type {type(value).__name__} cannot be pickled"
            f" ({type(error).__name__}: {_said(error)})"
        ) from error


def _said(error: Exception) -> str:
    try:
        return str(error)
    except Exception:
        return "it has no text"


def _array(values: np.ndarray, dimensions: Dimension, kind: str) -> Stored:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    if dimensions is DIMENSIONLESS:
        return Stored(kind, "", "", file.getvalue())
    exponents = json.dumps([float(exponent) for exponent in dimensions._dims])
    return Stored(kind, exponents, str(get_unit(dimensions)), file.getvalue())


def decode(stored: Stored) -> Any:
    """The value that was kept."""
    if stored.kind == "json":
        return json.loads(stored.data)
    if stored.kind == "pickle":
        return pickle.loads(stored.data)
    values = np.load(io.BytesIO(stored.data), allow_pickle=False)
    if stored.dimensions:
        return Quantity(values, dim=get_or_create_dimension(json.loads(stored.dimensions)))
    return values[()] if stored.kind == "number" else values


def number_of(stored: Stored) -> float | int | None:
    """A single number as such, for those who read the file with other programs."""
    if stored.kind == "pickle":
        return None
    value = np.asarray(decode(stored))
    if value.ndim or value.dtype.kind not in "biuf":
        return None
    number = value.item()
    return number if isinstance(number, float) or abs(number) < 2**63 else None
