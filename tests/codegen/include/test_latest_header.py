"""The latest time of a last spike after which a neuron is no longer refractory."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

from tests.interpreter.values import _latest
from tests.paths import ROOT

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

needs_compiler = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = """
#include "brian2genn_latest.h"

double latest(double rate, double now, double steps) { return b2g_latest_f64(rate, now, steps); }
"""


@pytest.fixture(scope="module")
def latest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("latest")
    (folder / "latest.c").write_text(SOURCE)
    flags = ["-O3", "-march=native", "-Wall", "-Wno-unused-function", "-shared", "-fPIC"]
    command = [CC, *flags, *MORE_FLAGS, f"-I{INCLUDE}", "latest.c", "-o", "latest.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    function = ctypes.CDLL(str(folder / "latest.so")).latest
    function.argtypes = [ctypes.c_double] * 3
    function.restype = ctypes.c_double
    return function


def _asked():
    """Time steps, times and refractory periods in steps: usual, none, and beyond all bounds."""
    for dt in (1e-4, 5e-5, 2.5e-5, 1e-3, 0.1, 3.7e-6):
        for step in (0, 1, 19, 20, 21, 1000, 123_456, 10**9):
            for steps in (0, 1, 20, 30, 12_345, -1, 2.0**40, 2.0**62, -(2.0**63)):
                yield 1 / dt, 0.001 * dt + step * dt, float(steps)


@needs_compiler
def test_the_largest_for_which_so_many_steps_have_passed(latest):
    for rate, now, steps in _asked():
        found = latest(rate, now, steps)
        assert np.trunc(rate * (now - found)) >= steps
        later = np.nextafter(found, np.inf)
        assert later == np.inf or not np.trunc(rate * (now - later)) >= steps
        assert found == _latest(rate, now, steps)


@needs_compiler
def test_what_is_asked_again_has_the_same_answer(latest):
    asked = list(_asked())
    first = [latest(*one) for one in asked]
    assert [latest(*one) for one in asked[::-1] for _ in range(2)] == [
        answer for answer in first[::-1] for _ in range(2)
    ]
