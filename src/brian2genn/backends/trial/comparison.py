"""What differs between two executions of the trial, in sentences for people."""

from __future__ import annotations

import numpy as np

from .execution import Results

#: How far results may lie apart, relative to their size and whatever that is. What is rounded
#: otherwise differs by some units in the last digit, of which there are few steps to grow.
_TOLERANCES = {np.dtype(np.float64): (1e-9, 1e-12), np.dtype(np.float32): (1e-4, 1e-6)}


def differences(expected: Results, found: Results, *, exact: bool = False) -> list[str]:
    """What differs.

    Parameters
    ----------
    expected, found : dict
        Of the processor, and of the device.
    exact : bool, optional
        Whether floating point numbers have to be equal, as everything else has to be.

    Returns
    -------
    list of str
        A sentence for each result that differs.
    """
    sentences = [f"'{name}' was not computed" for name in expected if name not in found]
    for name, right in expected.items():
        if name in found:
            sentences += _difference(name, right, found[name], exact)
    return sentences


def _difference(name: str, right: np.ndarray, found: np.ndarray, exact: bool) -> list[str]:
    if right.dtype != found.dtype:
        return [f"'{name}' is of type {found.dtype} instead of {right.dtype}"]
    if right.shape != found.shape:
        return [f"'{name}' has the shape {found.shape} instead of {right.shape}"]
    relative, absolute = (0.0, 0.0) if exact else _TOLERANCES.get(right.dtype, (0.0, 0.0))
    same = np.isclose(found, right, rtol=relative, atol=absolute, equal_nan=True)
    if same.all():
        return []
    (first, *_), count = np.argwhere(~same), np.count_nonzero(~same)
    place = tuple(int(k) for k in first)
    return [
        f"'{name}' has {count} wrong values of {same.size}, the first at {list(place)}:"
        f" {found[place]} instead of {right[place]}"
    ]
