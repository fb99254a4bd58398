"""What is run: the places of a grid, or of a list, and the parameters at each of them."""

from __future__ import annotations

import builtins
import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.spelling import did_you_mean, listed
from .seeds import seed_at

#: Names of dimensions of ours.
RUN, REPEAT = "run", "repeat"

#: What a function may ask for by the name of an argument.
SEED = "seed"

#: So many runs take about 10 GB before the first of them begins.
MOST = 10_000_000


@dataclass(frozen=True)
class Run:
    """One call of the function.

    Attributes
    ----------
    number : int
        Where it is among all runs.
    place : tuple of int
        Where it is on each axis of the grid; the repetition is the last.
    parameters : dict
        Arguments of the function.
    seed : int
    """

    number: int
    place: tuple[int, ...]
    parameters: dict[str, Any]
    seed: int

    @property
    def repeat(self) -> int:
        """Which repetition it is."""
        return self.place[-1]


@dataclass(frozen=True)
class Grid:
    """All runs of a sweep, in order.

    Attributes
    ----------
    axes : tuple of str
        Names of the dimensions: the parameters of a grid, or ``run`` for a list; ``repeat`` last.
    shape : tuple of int
    runs : list of Run
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    runs: list[Run]


def make_grid(
    parameters: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    *,
    zip: bool,
    repeats: int,
    entropy: int,
) -> Grid:
    """All runs of a sweep.

    Parameters
    ----------
    parameters : mapping or iterable of mappings
        Values for each name, or the parameters of each run.
    zip : bool
        Whether the first values belong together, the second ones, and so on.
    repeats : int
    entropy : int
        What the seeds are made of.

    Raises
    ------
    TypeError, ValueError
        With what is wrong.
    """
    if isinstance(repeats, bool) or not isinstance(repeats, int | np.integer) or repeats < 1:
        raise ValueError(f"repeats={repeats!r} is no number of repetitions. Give 1 or more.")
    if isinstance(parameters, Mapping):
        values = {name: _values(name, given) for name, given in parameters.items()}
        if zip:
            points = _zipped(values)
            axes: tuple[str, ...] = (RUN,)
            shape: tuple[int, ...] = (len(points),)
        else:
            axes = tuple(values)
            shape = tuple(len(some) for some in values.values())
            _check_number([*shape, int(repeats)])  # before there are all these combinations
            points = [
                dict(builtins.zip(values, combination, strict=True))
                for combination in itertools.product(*values.values())
            ]
    else:
        axes, points = (RUN,), _list(parameters, zip)
        shape = (len(points),)
    _check_names(points)
    _check_number([*shape, int(repeats)])
    runs: list[Run] = []
    for place, point in builtins.zip(np.ndindex(shape), points, strict=True):
        for repeat in range(int(repeats)):
            whole = (*place, repeat)
            runs.append(Run(len(runs), whole, dict(point), seed_at(entropy, whole)))
    return Grid((*axes, REPEAT), (*shape, int(repeats)), runs)


def _values(name: str, given: Any) -> list[Any]:
    """The values of one parameter."""
    is_one = isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable)
    if is_one or (isinstance(given, np.ndarray) and given.ndim == 0):
        raise TypeError(
            f"The values of '{name}' are {given!r}, which is one value. Give a sequence of values,"
            f" such as [{given!r}]."
        )
    if isinstance(given, np.ndarray) and given.ndim != 1:
        raise ValueError(
            f"The values of '{name}' are an array of {given.ndim} dimensions. Give one of one"
            f" dimension, or list(...) of it if each of its parts is a value."
        )
    values = list(given)
    if not values:
        raise ValueError(f"There are no values of '{name}'. Give at least one.")
    return values


def _zipped(values: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    lengths = {name: len(some) for name, some in values.items()}
    if not lengths:
        raise ValueError("There are no parameters to zip. Give at least one with its values.")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{count} of '{name}'" for name, count in lengths.items())
        raise ValueError(f"With zip=True there must be as many values of each: there are {told}.")
    return [
        dict(builtins.zip(values, together, strict=True))
        for together in builtins.zip(*values.values(), strict=True)
    ]


def _list(parameters: Any, zipped: bool) -> list[dict[str, Any]]:
    if zipped:
        raise ValueError(
            "zip=True is for a dictionary of values. A list of dictionaries says already which"
            " values belong together."
        )
    if isinstance(parameters, str | bytes) or not isinstance(parameters, Iterable):
        raise TypeError(
            f"The parameters are {parameters!r}. Give a dictionary with a sequence of values for"
            " each name, or a list of dictionaries, one for each run."
        )
    points = list(parameters)
    for number, point in enumerate(points):
        if not isinstance(point, Mapping):
            raise TypeError(
                f"Entry {number} of the parameters is {point!r}. Give a dictionary for each run."
            )
    if not points:
        raise ValueError("The list of parameters is empty: there is nothing to run.")
    return [dict(point) for point in points]


def _check_number(counts: Sequence[int]) -> None:
    number = math.prod(counts)
    if number > MOST:
        told = " x ".join(str(count) for count in counts if count > 1)
        raise ValueError(
            f"{told} are {number:.3g} runs: more than {MOST:.0e}, which a sweep has room for. Give"
            " fewer values, or parts of the grid to several sweeps; a list of dictionaries can have"
            " any choice of it."
        )


def _check_names(points: Sequence[Mapping[str, Any]]) -> None:
    for name in {name for point in points for name in point}:
        if not isinstance(name, str):
            raise TypeError(f"{name!r} is no name of a parameter: names are texts.")
        if name != name.encode("utf-8", "replace").decode():
            raise ValueError(f"{name!r} cannot be the name of a parameter. Use other characters.")
        if name in (RUN, REPEAT):
            raise ValueError(
                f"'{name}' cannot be the name of a parameter: it is that of a dimension of the"
                " results. Choose another one."
            )


def check_call(function: Callable[..., Any], runs: Sequence[Run]) -> None:
    """See whether a function takes the parameters, before anything is run.

    Raises
    ------
    TypeError
        That says which it does not take, or which are missing.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some of those that are written in C have none
        return
    name = getattr(function, "__name__", repr(function))
    known = [key for key in signature.parameters]
    for given in {tuple(run.parameters) for run in runs}:
        arguments = dict.fromkeys(given)
        if takes_seed(function):
            arguments.setdefault(SEED)
        try:
            signature.bind(**arguments)
        except TypeError as error:
            unknown = [key for key in given if key not in known]
            nearest = did_you_mean(unknown[0], known) if unknown else ""
            raise TypeError(
                f"'{name}' cannot be called with the parameters {listed(given)}: {error}.{nearest}"
                f" It takes {name}{signature}."
            ) from None


def takes_seed(function: Callable[..., Any]) -> bool:
    """Whether a function has an argument for its seed."""
    try:
        return SEED in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
