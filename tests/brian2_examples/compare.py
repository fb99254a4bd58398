"""When two runs of a script agree.

Deterministic scripts are compared value by value. Random ones are compared by what one would tell
of them: of every recorded variable its size, mean, spread and quantiles, each over several seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

Arrays = Mapping[str, np.ndarray]
Statistics = Mapping[str, float]

#: "Exactly" is to this, relative to the largest magnitude of a variable.
EXACT = 1e-8

#: The chance that a script that agrees is said not to, in all its statistics together.
ALPHA = 1e-3

#: Below this difference, relative to the statistic itself, nobody cares.
NEGLIGIBLE = 1e-3


def deviation(reference: np.ndarray, value: np.ndarray) -> float:
    """How far two arrays are apart, relative to the largest magnitude; infinite if unlike."""
    if reference.shape != value.shape:
        return np.inf
    if reference.dtype.kind != "f":
        return 0.0 if np.array_equal(reference, value) else np.inf
    finite = np.isfinite(reference)
    if not np.array_equal(finite, np.isfinite(value)):
        return np.inf
    with np.errstate(invalid="ignore"):
        if not np.array_equal(reference[~finite], value[~finite], equal_nan=True):
            return np.inf
    if not finite.any():
        return 0.0
    largest = np.abs(reference[finite]).max()
    apart = np.abs(reference[finite] - value[finite]).max()
    return float(apart / largest) if apart else 0.0


def deviations(reference: Arrays, value: Arrays) -> dict[str, float]:
    """The deviation of every variable; infinite for one that only one of the two has."""
    return {
        name: deviation(reference[name], value[name])
        if name in reference and name in value
        else np.inf
        for name in sorted({*reference, *value})
    }


def worst(found: Mapping[str, float]) -> tuple[str, float]:
    """The variable with the largest deviation."""
    return max(found.items(), key=lambda item: item[1], default=("", 0.0))


def statistics(arrays: Arrays) -> dict[str, float]:
    """What one would tell of the arrays of one run."""
    told = {}
    for name, array in arrays.items():
        values = np.asarray(array, dtype=float).reshape(-1)
        told[f"{name} size"] = float(values.size)
        finite = values[np.isfinite(values)]
        told[f"{name} not finite"] = float(values.size - finite.size)
        if finite.size:
            told[f"{name} mean"] = float(finite.mean())
        if finite.size > 1:
            # that of equal values is no more than what rounding their mean leaves
            spread = float(finite.std())
            told[f"{name} spread"] = spread if spread > EXACT * np.abs(finite).max() else 0.0
        if finite.size > 20:
            for percent in (10, 50, 90):
                told[f"{name} {percent} %"] = float(np.percentile(finite, percent))
    return told


@dataclass(frozen=True)
class Comparison:
    """Two sets of runs of a random script.

    Parameters
    ----------
    count : int
        Of the statistics that are not the same in all runs.
    chance : float
        That the worst statistic is as far apart if nothing differs, given how many there are.
    name : str
        Of the worst statistic.
    reference, value : float
        Its means.
    noticed : float
        The difference, relative to the statistic, that would have been called one: the median over
        the statistics.
    """

    count: int
    chance: float
    name: str
    reference: float
    value: float
    noticed: float

    @property
    def agree(self) -> bool:
        """Whether chance explains what is seen."""
        return self.chance >= ALPHA


def compare_samples(theirs: Sequence[Statistics], ours: Sequence[Statistics]) -> Comparison:
    """Compare runs with several seeds under Brian's runtime and under the device.

    Each statistic is tested by Student's t, and the smallest probability is multiplied by the
    number of statistics (Bonferroni).
    """
    found, errors = [], []
    for name in sorted(set().union(*theirs, *ours)):
        a = np.array([sample[name] for sample in theirs if name in sample])
        b = np.array([sample[name] for sample in ours if name in sample])
        if not (len(a) and len(b)):
            # a seed may have no spikes; that all of one side have some is a difference
            alike = len(a) < len(theirs) and len(b) < len(ours)
            found.append((1.0 if alike else 0.0, name, _mean(a), _mean(b)))
            continue
        if np.ptp([*a, *b]) == 0:
            continue
        found.append((_chance(a, b), name, _mean(a), _mean(b)))
        if largest := max(abs(a.mean()), abs(b.mean())):
            errors.append(_error(a, b) / largest)
    chance, name, mean_a, mean_b = min(found, default=(1.0, "", np.nan, np.nan))
    freedom = len(theirs) + len(ours) - 2
    limit = stats.t.isf(ALPHA / max(len(found), 1) / 2, max(freedom, 1))
    noticed = float(limit * np.median(errors)) if errors else 0.0
    return Comparison(len(found), min(1.0, chance * len(found)), name, mean_a, mean_b, noticed)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _error(a: np.ndarray, b: np.ndarray) -> float:
    """The standard error of the difference of means."""
    squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
    freedom = max(len(a) + len(b) - 2, 1)
    return float(np.sqrt(squares / freedom * (1 / len(a) + 1 / len(b))))


def _chance(a: np.ndarray, b: np.ndarray) -> float:
    """The probability of such a difference of means."""
    apart = abs(a.mean() - b.mean())
    freedom = len(a) + len(b) - 2
    if apart <= NEGLIGIBLE * max(abs(a.mean()), abs(b.mean())) or freedom < 1:
        return 1.0
    error = _error(a, b)
    return float(2 * stats.t.sf(apart / error, freedom)) if error > 0 else 0.0
