"""exp and expm1 of generated code, compiled from their headers, against more precise numbers."""

import ctypes
import os
import platform
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from mpmath import mp

from brian2genn.backends.host import toolchain
from tests.paths import ROOT

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_math.h"
void compute(int n, const double *restrict x, double *restrict e, double *restrict m)
{
#pragma omp simd
    for (int i = 0; i < n; i++) {
        e[i] = b2g_exp_f64(x[i]);
        m[i] = b2g_expm1_f64(x[i]);
    }
}
"""


def own_vectors():
    """How many numbers programs here compute at once with vector functions of our own."""
    if not any("VECTOR_MATH" in flag for flag in toolchain.find().flags):
        return ()
    found = Path("/proc/cpuinfo").read_text().split()
    four = ("4",) if {"avx2", "fma"} <= set(found) else ()
    return ("8", *four) if "avx512f" in found else four


@pytest.fixture(
    scope="module", params=["for this processor", "for any", "in vectors of 8", "in vectors of 4"]
)
def computed(request, tmp_path_factory):
    """exp and expm1 of some values; a*b + c is one operation, or two, or a vector's are."""
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", *MORE_FLAGS]
    if request.param != "for any":
        flags.append("-march=native")
    if request.param.startswith("in vectors of "):
        size = request.param[-1]
        if size not in own_vectors():
            pytest.skip("for gcc, glibc and processors with AVX-512 (of 8), with AVX2 (of 4)")
        flags += ["-DB2G_VECTOR_MATH=2", "-DB2G_EXPONENTIALS"]
        flags += ["-mprefer-vector-width=512"] if size == "8" else ["-mno-avx512f"]
    folder = tmp_path_factory.mktemp("exp")
    (folder / "exp.c").write_text(SOURCE)
    command = [CC, *flags, f"-I{INCLUDE}", "-shared", "-fPIC", "-o", "exp.so", "exp.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "exp.so"))

    least = np.finfo(float).tiny if request.param == "in vectors of 4" else 0.0

    def compute(values):
        x = np.array(values)
        exp, expm1 = np.empty_like(x), np.empty_like(x)
        library.compute(x.size, *(ctypes.c_void_p(a.ctypes.data) for a in (x, exp, expm1)))
        return exp, expm1

    compute.least = least  # what is less is 0
    return compute


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
def test_errors_are_small(computed, width):
    values = np.random.default_rng(1).uniform(-width, width, 3000)
    exp, expm1 = computed(values)
    assert errors(exp, values, mp.exp).max() < 1.3
    expm1_errors = errors(expm1, values, mp.expm1)
    assert expm1_errors.max() < 2.0
    assert expm1_errors.mean() < 0.5


SPECIAL = [0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 709.78, 709.79, 710.0, 720.0]
SPECIAL += [1e3, 1e9, 1e18, 1e300, -708.5, -720.0, -745.13, -745.14, -746.0, -1e3, -1e9, -1e300]
SPECIAL += [-36.8, -37.5, -39.9, -40.1, -1e18, 1024 * np.log(2), -1075 * np.log(2)]


def test_what_is_special(computed):
    with np.errstate(all="ignore"):
        values = np.array(SPECIAL)
        exp, expm1 = computed(values)
        there = ~np.isnan(values)
        expected = np.where(np.exp(values) < computed.least, 0.0, np.exp(values))
        np.testing.assert_array_max_ulp(exp[there], expected[there], 1)
        np.testing.assert_array_max_ulp(expm1[there], np.expm1(values)[there], 2)
    assert np.array_equal(np.isnan(exp), ~there)
    assert np.array_equal(np.isnan(expm1), ~there)
    assert np.array_equal(exp == 0, expected == 0)


def test_small_results_lose_no_more_than_their_digits(computed):
    values = np.random.default_rng(2).uniform(-745.1, -708.0, 3000)
    exp, _ = computed(values)
    there = np.exp(values) >= computed.least
    assert not np.any(exp[~there])
    assert errors(exp[there], values[there], mp.exp).max(initial=0.0) < 1.6


def test_large_results_are_finite_as_long_as_they_can_be(computed):
    values = np.random.default_rng(3).uniform(708.0, 709.78, 3000)
    exp, expm1 = computed(values)
    assert errors(exp, values, mp.exp).max() < 1.3
    assert errors(expm1, values, mp.expm1).max() < 2.0


def test_what_a_number_gets_does_not_depend_on_its_place(computed):
    """The last elements of a loop are computed by four, by two and alone."""
    values = np.random.default_rng(4).uniform(-40.0, 40.0, 64)
    whole = np.array(computed(values))
    for first, end in [(0, 1), (1, 3), (2, 5), (3, 10), (5, 20), (7, 22), (1, 64)]:
        part = np.array(computed(values[first:end]))
        assert np.array_equal(part, whole[:, first:end])


def test_the_loop_is_vectorised(tmp_path):
    if platform.machine() != "x86_64":
        pytest.skip("knows the instructions of x86-64 only")
    (tmp_path / "exp.c").write_text(SOURCE)
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-mavx2", "-mfma"]
    subprocess.run([CC, *flags, f"-I{INCLUDE}", "-S", "exp.c"], cwd=tmp_path, check=True)
    text = (tmp_path / "exp.s").read_text()
    assert text.count("vfmadd") > 10
    assert "%ymm" in text
    assert "\tcall" not in text
