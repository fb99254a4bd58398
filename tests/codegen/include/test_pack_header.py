"""Copies of short runs: exactly so many bytes, and no more are written."""

import ctypes

import numpy as np
import pytest

from brian2genn.backends.host import toolchain

TEXT = """
#include <string.h>
#include "brian2genn_math.h"
#include "brian2genn_numbers.h"
#include "brian2genn_runtime.h"

void copy(void *to, const void *from, int64_t bytes) { b2g_copy_few(to, from, bytes); }
int32_t follow(const int32_t *numbers, int64_t n) { return b2g_follow(numbers, n); }
"""


@pytest.fixture(scope="module")
def library():
    return toolchain.compile_library(toolchain.find(), TEXT, "pack")


@pytest.fixture(scope="module")
def copy(library):
    library.copy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    return library.copy


def test_copies_exactly(copy):
    source = np.random.default_rng(1).integers(1, 256, 400).astype(np.uint8)
    for size in range(257):
        target = np.zeros(400, dtype=np.uint8)
        copy(target[40:].ctypes.data, source[17:].ctypes.data, size)
        expected = np.zeros(400, dtype=np.uint8)
        expected[40 : 40 + size] = source[17 : 17 + size]
        np.testing.assert_array_equal(target, expected, err_msg=f"{size} bytes")


@pytest.mark.parametrize("n", [1, 2, 16, 33, 100])
def test_knows_what_follows_one_another(library, n):
    def follow(numbers):
        own = np.array(numbers, dtype=np.int32)
        return bool(library.follow(ctypes.c_void_p(own.ctypes.data), ctypes.c_int64(n)))

    numbers = np.arange(7, 7 + n)
    assert follow(numbers)
    assert n == 1 or not follow(numbers[::-1])
    for k in range(1, n - 1):
        changed = numbers.copy()
        changed[k] -= 1
        assert not follow(changed), f"number {k} is there twice"
    if n > 1:
        assert not follow(np.append(numbers[:-1], numbers[-1] + 1))
