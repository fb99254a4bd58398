"""A first look at results."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from brian2.units.fundamentalunits import Quantity

from ..model.spelling import did_you_mean, listed
from .extras import need
from .tables import in_one_unit, is_single, with_unit

if TYPE_CHECKING:
    from .results import Results

_NO_NUMBERS = (str, bytes, complex, type(None))


def plot(
    results: Results, x: str, y: str, hue: str | None, units: Mapping[str, Any], ax: Any
) -> Any:
    """See `Results.plot`."""
    for name, known in ((x, results.parameters), (y, results.names), (hue, results.parameters)):
        if name is not None and name not in known:
            what = "result" if known is results.names or name == y else "parameter"
            raise KeyError(
                f"There is no {what} '{name}'.{did_you_mean(name, known)} There are"
                f" {listed(known) or 'none at all'}."
            )
    runs = [run for run in results if y in run and x in run.parameters]
    xs, x_unit = in_one_unit(x, [run.parameters[x] for run in runs], units.get(x))
    ys, y_unit = in_one_unit(y, [run[y] for run in runs], units.get(y))
    if not all(is_single(value) and not isinstance(value, _NO_NUMBERS) for value in ys):
        raise ValueError(
            f"The result '{y}' is not a number. Return one for each run, such as a mean, or draw"
            f" results.array('{y}')."
        )
    for name, values in ((x, xs), (y, ys)):
        if any(isinstance(value, Quantity) for value in values):
            raise ValueError(
                f"The values of '{name}' have different units, so there is no axis that they fit"
                " on. results.frame() has them one by one."
            )
    xs = [value if _can_be_a_key(value) else str(value) for value in xs]
    lines: dict[Any, str] = {None: ""}
    hues: list[Any] = [None] * len(runs)
    if hue is not None:
        hues, hue_unit = in_one_unit(hue, [run.parameters.get(hue) for run in runs], units.get(hue))
        hues = [
            str(value) if isinstance(value, Quantity) or not _can_be_a_key(value) else value
            for value in hues
        ]
        lines = {value: f"{hue} = {_short(value)} {hue_unit}".rstrip() for value in hues}
    if ax is None:
        ax = need("matplotlib.pyplot", "A picture of results").subplots()[1]
    for line, label in lines.items():
        groups: dict[Any, list[float]] = {}
        for x_value, y_value, group in zip(xs, ys, hues, strict=True):
            if group == line:
                groups.setdefault(x_value, []).append(float(y_value))
        points = list(groups)
        means = [float(np.mean(some)) for some in groups.values()]
        deviations = [float(np.std(some)) for some in groups.values()]
        bars = deviations if any(len(some) > 1 for some in groups.values()) else None
        ax.errorbar(points, means, yerr=bars, fmt="o-", capsize=2, label=label or None)
    ax.set_xlabel(with_unit(x, x_unit))
    ax.set_ylabel(with_unit(y, y_unit))
    if hue is not None:
        ax.legend()
    return ax


def _can_be_a_key(value: Any) -> bool:
    return isinstance(value, Hashable)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
