"""The comparison itself: it has to see what it is there to see."""

import numpy as np
import pytest

from tests.semantics.harness import DOUBLE, SINGLE, compare, difference

ONES = np.ones(3)


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("g.v", ONES * (1 + DOUBLE.relative / 2), True),
        ("g.v", ONES * (1 + DOUBLE.relative * 2), False),
        ("g.t", ONES * (1 + 1e-15), False),
        ("s.t", ONES.copy(), True),
        ("g.v", ONES.astype(np.float32), False),
        ("g.v", np.ones(4), False),
        ("g.v", np.ones((3, 1)), False),
        ("g.v", np.array([1, 1, np.nan]), False),
        ("g.v", np.array([1, 1, np.inf]), False),
    ],
)
def test_floats(name, value, same):
    assert (difference(name, ONES, value, DOUBLE) is None) == same


@pytest.mark.parametrize("reference", [[1, 2, 3], [True, False, True], ["a", "b", "c"]])
def test_everything_else_is_exact(reference):
    reference = np.array(reference)
    assert difference("g.n", reference, reference.copy(), DOUBLE) is None
    assert difference("g.n", reference, reference[::-1][[0, 0, 1]], DOUBLE)


def test_not_a_number_equals_itself_alone():
    reference = np.array([np.nan, np.inf, -np.inf, 0])
    assert difference("g.v", reference, reference.copy(), DOUBLE) is None
    assert difference("g.v", reference, np.array([0, np.inf, -np.inf, 0]), DOUBLE)
    assert difference("g.v", reference, np.array([np.nan, -np.inf, -np.inf, 0]), DOUBLE)


def test_small_values_beside_large_ones():
    reference = np.array([0, 1e6])
    near = np.array([DOUBLE.floor * 1e6 / 2, 0])
    assert difference("g.v", reference, reference + near, DOUBLE) is None
    assert difference("g.v", reference, reference + 4 * near, DOUBLE)
    assert difference("g.v", np.zeros(2), np.array([0, 1e-300]), DOUBLE)


def test_single_precision_has_a_tolerance_of_its_own():
    reference = ONES.astype(np.float32)
    value = (ONES * (1 + SINGLE.relative / 2)).astype(np.float32)
    assert difference("g.v", reference, value, SINGLE) is None
    assert difference("g.v", reference, value, DOUBLE)


def test_a_result_that_is_missing():
    with pytest.raises(AssertionError):
        compare({"a": ONES, "b": ONES}, {"a": ONES})
    with pytest.raises(AssertionError, match="differs from Brian's runtime:\nb: 3 of 3 differ"):
        compare({"a": ONES, "b": ONES}, {"a": ONES, "b": -ONES})
