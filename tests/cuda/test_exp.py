"""exp and expm1 without branches, against numbers of twice the precision."""

import numpy as np
import pytest
from mpmath import mp

from brian2genn.backends.cuda.driver import Launch
from tests.cuda_shim.driver import ShimDriver

MOST = 1 << 14
TEXT = f"""
#include "brian2genn_exp.h"
extern "C" {{
__device__ double x[{MOST}], e[{MOST}], m[{MOST}];
}}
extern "C" __global__ void compute(void)
{{
    const uint32_t k = blockIdx.x * blockDim.x + threadIdx.x;
    e[k] = b2g_exp_f64(x[k]);
    m[k] = b2g_expm1_f64(x[k]);
}}
"""


def computed(values):
    """exp and expm1 of some values."""
    driver = ShimDriver()
    module = driver.build(TEXT)
    x = np.zeros(MOST)
    x[: len(values)] = values
    driver.upload(module.symbol("x"), x)
    driver.launch([Launch(module.kernel("compute"), MOST // 128, 128)])
    results = []
    for name in ("e", "m"):
        result = np.zeros(MOST)
        driver.download(result, module.symbol(name))
        results.append(result[: len(values)])
    return results


def errors(results, values, function):
    """In units in the last place."""
    with mp.workprec(140):
        exact = [function(mp.mpf(float(value))) for value in values]
        return np.array(
            [
                float(abs(mp.mpf(float(found)) - true)) / np.spacing(abs(float(true)))
                for found, true in zip(results, exact, strict=True)
            ]
        )


@pytest.mark.parametrize("width", [1e-300, 1e-9, 0.35, 1.0, 40.0, 708.0])
def test_errors_are_small(width):
    values = np.random.default_rng(1).uniform(-width, width, 3000)
    exp, expm1 = computed(values)
    assert errors(exp, values, mp.exp).max() < 1.1
    expm1_errors = errors(expm1, values, mp.expm1)
    assert expm1_errors.max() < 2.0
    assert expm1_errors.mean() < 0.5


SPECIAL = [0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 709.78, 709.79, 710.0, 720.0]
SPECIAL += [1e3, 1e9, 1e18, 1e300, -708.5, -720.0, -745.13, -745.14, -746.0, -1e3, -1e9, -1e300]
SPECIAL += [-36.8, -37.5, -39.9, -40.1, -1e18, 1024 * np.log(2), -1075 * np.log(2)]


def test_what_is_special():
    with np.errstate(all="ignore"):
        values = np.array(SPECIAL)
        exp, expm1 = computed(values)
        np.testing.assert_array_max_ulp(exp[~np.isnan(exp)], np.exp(values)[~np.isnan(exp)], 1)
        np.testing.assert_array_max_ulp(expm1[~np.isnan(exp)], np.expm1(values)[~np.isnan(exp)], 2)
    assert np.array_equal(np.isnan(exp), np.isnan(values))
    assert np.array_equal(np.isnan(expm1), np.isnan(values))
    assert np.array_equal(exp == 0, np.exp(values) == 0)
    assert np.array_equal(np.isinf(expm1), np.isinf(np.expm1(values)))
