"""The quotient without branches of GPUs, from what NVRTC makes of it, against the processor's."""

import numpy as np
import pytest

from brian2genn.backends.cuda.device.driver import Launch
from emulation.ptx.driver import PtxDriver

N = 4096
TEXT = f"""
#include "brian2genn_math.h"
extern "C" {{ __device__ double a[{N}], b[{N}], q[{N}]; }}
extern "C" __global__ void divide(void)
{{
    const int k = blockIdx.x * blockDim.x + threadIdx.x;
    q[k] = b2g_div(a[k], b[k]);
}}
"""


@pytest.fixture(scope="module")
def divide():
    driver = PtxDriver()
    module = driver.build(TEXT)

    def run(a, b):
        values = np.zeros(N), np.ones(N), np.empty(N)
        n = len(a)
        values[0][:n], values[1][:n] = a, b
        for name, array in zip("ab", values, strict=False):
            driver.upload(module.symbol(name), array)
        driver.launch([Launch(module.kernel("divide"), N // 64, 64)])
        driver.download(values[2], module.symbol("q"))
        return values[2][:n]

    return run


def test_special_values(divide):
    ends = np.finfo(float)
    special = [0.0, -0.0, 1.0, -3.0, 5e-324, -1e-310, ends.tiny, ends.max, -1e308, 1e300, 1e-300,
               np.inf, -np.inf, np.nan, 0.1, 4.0]  # fmt: skip
    a, b = (grid.ravel() for grid in np.meshgrid(special, special))
    with np.errstate(all="ignore"):
        expected = a / b
    found = divide(a, b)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    # a quotient that is subnormal, or nearly, may lack bits
    close = (np.abs(expected) < 1e-307) & (np.abs(found - expected) <= 1e-323)
    wrong = ~(same | close)
    assert not wrong.any(), np.array([a, b, found, expected])[:, wrong]
    zero = expected == 0
    assert np.array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize("exponents", [1, 30, 300, 500])
def test_rounded_as_the_processor_does_but_for_the_last_place(divide, exponents):
    random = np.random.default_rng(exponents)
    powers = 2.0 ** random.integers(-exponents, exponents, (2, N))
    a, b = random.choice([-1, 1], (2, N)) * random.uniform(1, 2, (2, N)) * powers
    found, expected = divide(a, b), a / b
    assert (np.abs(found - expected) <= np.spacing(np.abs(expected))).all()
    assert (found == expected).mean() > 0.999


def test_a_quotient_that_is_a_number_is_exact(divide):
    random = np.random.default_rng(3)
    q = random.integers(1, 2**26, N).astype(float)
    b = random.integers(1, 2**26, N) * 2.0 ** random.integers(-200, 200, N)
    assert np.array_equal(divide(q * b, b), q)
