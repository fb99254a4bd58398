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
"""


@pytest.fixture(scope="module")
def copy():
    library = toolchain.compile_library(toolchain.find(), TEXT, "pack")
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
