"""A `randn` that is not random, so that stochastic integrators can be compared exactly."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from brian2 import DEFAULT_FUNCTIONS, Function


def _half(vectorisation_idx):
    return 0.5 * np.ones_like(vectorisation_idx)


@contextmanager
def fixed_randn() -> Iterator[None]:
    """Replace Brian's default function `randn` by one that always returns 0.5.

    It comes with a C++ implementation, as in Brian's own tests: a device must look at the function
    and not at its name.
    """
    function = Function(_half, arg_units=[], return_unit=1, auto_vectorise=True, stateless=False)
    code = "double randn(int vectorisation_idx) { return 0.5; }"
    function.implementations.add_implementation("cpp", code)
    original = DEFAULT_FUNCTIONS["randn"]
    DEFAULT_FUNCTIONS["randn"] = function
    try:
        yield
    finally:
        DEFAULT_FUNCTIONS["randn"] = original
