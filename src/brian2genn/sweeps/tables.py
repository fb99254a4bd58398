"""Results as tables of pandas and arrays of xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units.fundamentalunits import (
    DIMENSIONLESS,
    Quantity,
    Unit,
    fail_for_dimension_mismatch,
    get_dimensions,
)

from ..model.spelling import did_you_mean, listed
from .extras import need
from .grid import REPEAT, RUN, SEED

if TYPE_CHECKING:
    from .results import Results


def frame(results: Results, units: Mapping[str, Any]) -> Any:
    """See `Results.frame`."""
    pandas = need("pandas", "A table of results")
    runs = list(results)
    columns: dict[str, Any] = {}
    _check_units(units, [*results.parameters, *results.names])
    for name in results.parameters:
        values = [run.parameters.get(name) for run in runs]
        _add(columns, name, values, units.get(name))
    columns[REPEAT] = [run.repeat for run in runs]
    if SEED not in columns:
        columns[SEED] = [run.seed for run in runs]
    for name in results.names:
        values = [run.get(name) for run in runs]
        _add(columns, name if name not in columns else f"{name} (result)", values, units.get(name))
    return pandas.DataFrame(columns)


def _check_units(units: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in units:
        if name not in known:
            raise KeyError(
                f"There is no parameter or result '{name}' to have a unit."
                f"{did_you_mean(name, known)} There are {listed(known)}."
            )


def _add(columns: dict[str, Any], name: str, values: Sequence[Any], unit: Any) -> None:
    plain, symbol = in_one_unit(name, values, unit)
    if all(is_single(value) for value in plain):
        columns[with_unit(name, symbol)] = plain
        return
    column = np.empty(len(plain), dtype=object)
    for place, value in enumerate(plain):
        column[place] = value
    columns[with_unit(name, symbol)] = column


def is_single(value: Any) -> bool:
    """Whether a value is one for a table; others are kept as objects.

    Only values of known kinds are asked: lists may have rows of different lengths, and objects of
    Brian say of everything that they have no such variable.
    """
    if isinstance(value, np.ndarray | np.generic):
        return value.ndim == 0
    return value is None or isinstance(value, bool | int | float | complex | str | bytes)


def with_unit(name: str, symbol: str) -> str:
    """A name with its unit, for people."""
    return f"{name} [{symbol}]" if symbol else name


def in_one_unit(name: str, values: Sequence[Any], unit: Any) -> tuple[list[Any], str]:
    """Values without unit, and the unit that all of them are in; None stays None.

    Raises
    ------
    DimensionMismatchError
        If the unit is not one of these values.
    """
    dimensions = {
        get_dimensions(value) for value in values if isinstance(value, Quantity | float | int)
    }
    quantities = [value for value in values if isinstance(value, Quantity)]
    if len(dimensions) != 1 or not quantities:
        if unit is not None:
            fail_for_dimension_mismatch(
                unit, 1.0, f"The values of '{name}' have no unit, or different ones"
            )
        return list(values), ""
    if unit is None:
        unit = _suitable(quantities)
    fail_for_dimension_mismatch(
        quantities[0], unit, f"The values of '{name}' are not in units of {{value}}", value=unit
    )
    if get_dimensions(unit) is DIMENSIONLESS:
        return [np.asarray(value)[()] if value is not None else None for value in values], ""
    plain = [None if value is None else np.asarray(value / unit)[()] for value in values]
    return plain, str(unit)


def _suitable(quantities: Sequence[Quantity]) -> Unit:
    """A unit in which most of the values are neither very large nor very small."""
    sizes = np.concatenate([np.abs(np.ravel(np.asarray(value))) for value in quantities])
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    typical = Quantity(np.median(sizes) if len(sizes) else 1.0, dim=quantities[0].dim)
    candidates = [(typical / factor).get_best_unit() for factor in (1, 10, 100)]
    fitting = [unit for unit in candidates if 1 <= float(typical / unit) < 1000]
    return fitting[0] if fitting else candidates[0]


def array(results: Results, name: str, unit: Any) -> Any:
    """See `Results.array`."""
    xarray = need("xarray", "An array of results")
    found = {run.place: run[name] for run in results if name in run}
    if not found:
        raise KeyError(
            f"No run has a result '{name}'.{did_you_mean(name, results.names)}"
            f" There are {listed(results.names) or 'none at all'}."
        )
    plain, symbol = in_one_unit(name, list(found.values()), unit)
    arrays = [_as_array(value) for value in plain]
    shapes = {value.shape for value in arrays}
    if len(shapes) > 1:
        raise ValueError(
            f"The results '{name}' have different shapes, such as"
            f" {' and '.join(map(str, sorted(shapes)[:2]))}: they do not fit into one array."
            f" results.frame()['{with_unit(name, symbol)}'] has them one by one."
        )
    values = _filled(results.shape, found, arrays)
    inner = [f"{name}_{number}" for number in range(values.ndim - len(results.shape))]
    made = xarray.DataArray(
        values, dims=(*results.axes, *inner), coords=_coordinates(results), name=name,
        attrs={"units": symbol} if symbol else {},
    )  # fmt: skip
    return made.isel({REPEAT: 0}, drop=True) if results.shape[-1] == 1 else made


def _as_array(value: Any) -> np.ndarray:
    """An array; what is neither a number nor a text is one object, with its unit."""
    known = isinstance(value, np.ndarray | np.generic | int | float | str)
    if known and not isinstance(value, Quantity):
        return np.asarray(value)
    whole = np.empty((), dtype=object)
    whole[()] = value
    return whole


def _filled(
    shape: tuple[int, ...], places: Mapping[tuple[int, ...], Any], arrays: Sequence[np.ndarray]
) -> np.ndarray:
    dtype = np.result_type(*arrays) if all(a.dtype.kind in "biufc" for a in arrays) else object
    whole = len(arrays) == int(np.prod(shape))
    if not whole and np.dtype(dtype).kind in "biu":
        dtype = np.float64  # to have a place for "no result"
    values = np.empty((*shape, *arrays[0].shape), dtype=dtype)
    if not whole:
        values[...] = None if np.dtype(dtype).kind == "O" else np.nan
    for place, value in zip(places, arrays, strict=True):
        values[place] = value[()]
    return values


def _coordinates(results: Results) -> dict[str, Any]:
    """The parameters along their axes, with their units."""
    coordinates: dict[str, Any] = {REPEAT: np.arange(results.shape[-1])}
    is_list = results.axes[:-1] == (RUN,)
    along: dict[str, dict[int, Any]] = {name: {} for name in results.parameters}
    for run in results:
        for name, value in run.parameters.items():
            axis = 0 if is_list else results.axes.index(name)
            along[name].setdefault(run.place[axis], value)
    for name, by_place in along.items():
        length = results.shape[0] if is_list else results.shape[results.axes.index(name)]
        plain, symbol = in_one_unit(name, [by_place.get(place) for place in range(length)], None)
        if all(isinstance(value, bool | int | float | str | np.generic) for value in plain):
            values: Any = np.array(plain)
        else:
            values = np.empty(length, dtype=object)
            for place, value in enumerate(plain):
                # a quantity that stands alone would lose its unit here
                values[place] = str(value) if isinstance(value, Quantity) else value
        coordinates[name] = (RUN if is_list else name, values, {"units": symbol} if symbol else {})
    return coordinates
