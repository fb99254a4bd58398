"""What came of a sweep."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from ..model.spelling import did_you_mean, listed
from . import picture, tables
from .store import Store


@dataclass(frozen=True)
class Failure:
    """A run that has failed.

    Attributes
    ----------
    number : int
        Its place among all runs.
    parameters : dict
    repeat, seed : int
    error : str
        What was wrong: the error itself or, of errors that have led to others, the first one.
    traceback : str
        Of the function, if it was an error of Python's; with all errors that have led to it.
    attempts : int
        How often it was tried.
    """

    number: int
    parameters: dict[str, Any]
    repeat: int
    seed: int
    error: str
    traceback: str = field(repr=False)
    attempts: int

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!s}" for name, value in self.parameters.items())
        told = f"run {self.number} ({given}; repeat {self.repeat}, seed {self.seed}): {self.error}"
        return f"{told}\n{self.traceback}".rstrip()


class RunResults(Mapping[str, Any]):
    """The results of one run by their names, read when they are asked for.

    Attributes
    ----------
    number : int
        The place of the run among all.
    parameters : dict
    repeat, seed : int
    state : {'done', 'failed', None}
        None if it was not run.
    seconds : float or None
        How long it took.
    """

    def __init__(self, store: Store, run: int, number: int) -> None:
        self._store, self._run = store, run
        row = store.row(run)
        self.number = number
        self.place: tuple[int, ...] = row["place"]
        self.repeat = self.place[-1]
        self.seed: int = row["seed"]
        self.state: str | None = row["state"]
        self.seconds: float | None = row["seconds"]
        self.parameters = {
            name: store.value(run, "parameter", name) for name in store.names("parameter", [run])
        }

    def __getitem__(self, name: str) -> Any:
        try:
            return self._store.value(self._run, "result", name)
        except KeyError:
            raise KeyError(self._why_not(name)) from None

    def _why_not(self, name: str) -> str:
        """Why there is no such result."""
        given = ", ".join(f"{key}={value!s}" for key, value in self.parameters.items())
        whole = f"Run {self.number} ({given})"
        if self.state == "failed":
            error = str(self._store.row(self._run)["error"]).partition("\n")[0]
            return f"{whole} has no results, because it failed: {error}"
        if self.state is None:
            return f"{whole} has no results: it was not run."
        return f"{whole} has no result '{name}'.{did_you_mean(name, self)} It has {listed(self)}."

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.names("result", [self._run]))

    def __len__(self) -> int:
        return len(self._store.names("result", [self._run]))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!s}" for name, value in self.parameters.items())
        return f"<run {self.number} ({given}): {self.state or 'not run'}, {list(self)}>"


class Results(Sequence[RunResults]):
    """The results of all runs of a sweep, in their order; see `brian2genn.sweep`."""

    def __init__(self, store: Store, runs: Sequence[int]) -> None:
        self._store, self._runs = store, list(runs)
        self.axes: tuple[str, ...] = tuple(json.loads(store.note("axes") or "[]"))
        self.shape: tuple[int, ...] = tuple(json.loads(store.note("shape") or "[]"))
        self.function = store.note("function") or ""

    @overload
    def __getitem__(self, number: int) -> RunResults: ...
    @overload
    def __getitem__(self, number: slice) -> list[RunResults]: ...
    def __getitem__(self, number: int | slice) -> RunResults | list[RunResults]:
        if isinstance(number, slice):
            return [self[place] for place in range(*number.indices(len(self)))]
        place = range(len(self))[number]
        return RunResults(self._store, self._runs[place], place)

    def __len__(self) -> int:
        return len(self._runs)

    def __repr__(self) -> str:
        states = self.states
        done, failed = states.count("done"), states.count("failed")
        missing = len(states) - done - failed
        told = f"{done} done, {failed} failed" + (f", {missing} not run" if missing else "")
        where = f" in '{self._store.path}'" if self._store.path else ""
        grid = " x ".join(
            f"{count} {axis}" for axis, count in zip(self.axes, self.shape, strict=True)
        )
        return f"<results of '{self.function}'{where}: {grid}; {told}>"

    @property
    def states(self) -> list[str | None]:
        """What became of each run: ``'done'``, ``'failed'``, or None if it was not run."""
        states = self._store.states()
        return [states[run] for run in self._runs]

    @property
    def seed(self) -> int:
        """What the seeds of all runs were made of: to repeat the sweep elsewhere."""
        return int(self._store.note("entropy") or 0)

    @property
    def names(self) -> list[str]:
        """The names of all results."""
        return self._store.names("result", self._runs)

    @property
    def parameters(self) -> list[str]:
        """The names of all parameters."""
        return self._store.names("parameter", self._runs)

    @property
    def failed(self) -> list[Failure]:
        """The runs that have failed, with their parameters and tracebacks."""
        failures = []
        for number, state in enumerate(self.states):
            if state == "failed":
                run, row = self[number], self._store.row(self._runs[number])
                failures.append(
                    Failure(
                        number, run.parameters, run.repeat, run.seed,
                        row["error"], row["traceback"], row["attempts"],
                    )
                )  # fmt: skip
        return failures

    def frame(self, units: Mapping[str, Any] | None = None) -> Any:
        """All runs as a table, one row each.

        Columns of quantities have the unit in their name, as in ``tau [ms]``.

        Parameters
        ----------
        units : mapping of str to unit, optional
            The units of columns, as in ``{"tau": ms}``. By default one that suits the values.

        Returns
        -------
        pandas.DataFrame
            Parameters, then ``repeat`` and ``seed``, then results. Arrays are entries of a column.
        """
        return tables.frame(self, units or {})

    def array(self, name: str, unit: Any = None) -> Any:
        """One result of all runs as an array with the parameters as dimensions.

        Parameters
        ----------
        name : str
            Of the result.
        unit : unit, optional
            That of the values; by default one that suits them. It is noted in ``attrs["units"]``.

        Returns
        -------
        xarray.DataArray
            With NaN where there is no result.

        Raises
        ------
        KeyError
            If no run has such a result.
        ValueError
            If the results have different shapes.
        """
        return tables.array(self, name, unit)

    def plot(
        self,
        x: str,
        y: str,
        hue: str | None = None,
        *,
        units: Mapping[str, Any] | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw a result over a parameter, for a first look.

        Points are means over all runs that have the same `x` and `hue`; bars are their standard
        deviations.

        Parameters
        ----------
        x, y : str
            A parameter and a result that is a number.
        hue : str, optional
            Another parameter: a line for each of its values.
        units : mapping of str to unit, optional
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
        """
        return picture.plot(self, x, y, hue, units or {}, ax)
