"""Binomial and Poisson distributions that stay the same: the headers, compiled on their own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

from brian2genn.codegen.c.shared import TABLE_BYTES
from tests.paths import ROOT

stats = pytest.importorskip("scipy.stats")

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()
MOST = 256

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include "brian2genn_math.h"
#include "brian2genn_counts.h"
size_t bytes(void) { return sizeof(b2g_distribution); }
void binomial(b2g_distribution *table, int64_t n, double p) { b2g_prepare_binomial(table, n, p); }
void poisson(b2g_distribution *table, double lambda) { b2g_prepare_poisson(table, lambda); }
int64_t look_up(const b2g_distribution *table, double u) { return b2g_look_up(&table->alias, u); }
int64_t binomial_from(const b2g_distribution *table, int64_t n, double p, uint32_t element)
{
    return b2g_binomial_from(table, n, p, 1, 2, 7, element, 3, 4);
}
void fill(const b2g_distribution *table, int64_t n, double p, int64_t first, int64_t end,
          int64_t *values, double *doubles)
{
    b2g_fill_binomial(table, n, p, 1, 2, first, end, 3, 4, 7, values);
    b2g_fill_binomial_f64(table, n, p, 1, 2, first, end, 3, 4, 7, doubles);
}
int64_t counted(const b2g_distribution *table, uint64_t seed, uint32_t element, uint32_t *digits,
                double *more)
{
    *digits = b2g_first_digits(seed, 2, element, 3, 4);
    *more = b2g_rand(seed, 2, element, 3, 4 | B2G_CHANCE_IN_DETAIL);
    return b2g_count(table, seed, 2, element, 3, 4);
}
"""


class Alias(ctypes.Structure):
    _fields_ = [
        ("keep", ctypes.c_double * MOST), ("other", ctypes.c_int32 * MOST),
        ("first", ctypes.c_int64), ("cells", ctypes.c_int32), ("padding", ctypes.c_int32),
    ]  # fmt: skip


class Table(ctypes.Structure):
    _fields_ = [
        ("alias", Alias), ("limit", ctypes.c_double * 64), ("whole", ctypes.c_uint16 * 64),
        ("limits", ctypes.c_int32), ("nearly", ctypes.c_int32), ("positive", ctypes.c_int32),
        ("unused", ctypes.c_int32),
    ]  # fmt: skip

    def probabilities(self) -> dict[int, float]:
        """Of every value, as the limits or the cells tell."""
        first = self.alias.first
        if self.limits:
            limits = np.array([65536.0, *self.limit[: self.limits], 0.0])
            assert (np.diff(limits) <= 0).all()
            return {first + k: -step / 65536 for k, step in enumerate(np.diff(limits))}
        found: dict[int, float] = {}
        for cell in range(self.alias.cells):
            keep, other = self.alias.keep[cell], self.alias.other[cell]
            assert 0 <= keep <= 1
            assert 0 <= other < self.alias.cells
            for value, part in ((cell, keep), (other, 1 - keep)):
                if part:
                    found[first + value] = found.get(first + value, 0.0) + part
        return {value: part / self.alias.cells for value, part in found.items()}


def compiled(folder, *target):
    (folder / "tables.c").write_text(SOURCE)
    flags = [
        "-O2",
        "-ffp-contract=off",
        "-fopenmp-simd",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
    ]
    command = [
        CC,
        *target,
        *flags,
        *MORE_FLAGS,
        f"-I{INCLUDE}",
        "tables.c",
        "-o",
        "tables.so",
        "-lm",
    ]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "tables.so"))
    library.bytes.restype = ctypes.c_size_t
    library.look_up.restype = library.binomial_from.restype = ctypes.c_int64
    library.look_up.argtypes = [ctypes.POINTER(Table), ctypes.c_double]
    library.binomial.argtypes = [ctypes.POINTER(Table), ctypes.c_int64, ctypes.c_double]
    library.poisson.argtypes = [ctypes.POINTER(Table), ctypes.c_double]
    library.binomial_from.argtypes = [
        ctypes.POINTER(Table), ctypes.c_int64, ctypes.c_double, ctypes.c_uint32
    ]  # fmt: skip
    library.fill.argtypes = [
        ctypes.POINTER(Table), ctypes.c_int64, ctypes.c_double, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    library.counted.restype = ctypes.c_int64
    library.counted.argtypes = [
        ctypes.POINTER(Table), ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p
    ]  # fmt: skip
    return library


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("tables"))


def agree(table: Table, distribution) -> None:
    found = table.probabilities()
    values = np.array(sorted(found))
    expected = distribution.pmf(values)
    assert np.abs(np.array([found[v] for v in values]) - expected).max() < 1e-14
    # relatively, too, wherever one in ten thousand million draws is
    likely = expected > 1e-10
    ratios = np.array([found[v] for v in values])[likely] / expected[likely]
    assert np.abs(ratios - 1).max() < 1e-4
    assert distribution.sf(values[-1]) < 1e-15
    assert distribution.cdf(values[0] - 1) < 1e-15


def test_the_size_is_known_to_who_lays_out_a_program(library):
    assert library.bytes() == TABLE_BYTES == ctypes.sizeof(Table)


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.5), (1, 1e-9), (2, 0.999), (7, 0.3), (100, 0.03), (1600, 8e-4), (1000, 0.1), (300, 0.5),
     (600, 0.5), (10**9, 1e-8), (2**40, 1e-11), (50, 0.98), (255, 0.5), (3, 1 - 1e-12)],
)  # fmt: skip
def test_binomial(library, n, p):
    table = Table()
    library.binomial(table, n, p)
    assert table.limits or table.alias.cells in {2**k for k in range(9)}
    agree(table, stats.binom(n, p))


@pytest.mark.parametrize("mean", [1e-12, 0.01, 0.7, 1.0, 1.28, 9.999, 10, 35, 120, 160])
def test_poisson(library, mean):
    table = Table()
    library.poisson(table, mean)
    agree(table, stats.poisson(mean))


@pytest.mark.parametrize(
    ("n", "p", "value"),
    [(0, 0.5, 0), (-3, 0.5, 0), (9, 0.0, 0), (9, -1.0, 0), (9, np.nan, 0), (9, 1.0, 9),
     (9, 7.0, 9), (9, np.inf, 9), (2**60, 1.0, 2**60)],
)  # fmt: skip
def test_what_is_certain(library, n, p, value):
    table = Table()
    library.binomial(table, n, p)
    assert table.probabilities() == {value: 1.0}
    assert not table.limits
    assert {library.look_up(table, u) for u in (0.0, 0.3, 1 - 2**-53)} == {value}
    library.poisson(table, -abs(p))
    assert table.probabilities() == {0: 1.0}


@pytest.mark.parametrize(("n", "p"), [(10_000, 0.5), (2**60, 1e-18), (2**55, 0.5)])
def test_wide_distributions_have_no_table_but_numbers(library, n, p):
    table = Table()
    table.alias.cells = table.limits = 77
    library.binomial(table, n, p)
    assert table.alias.cells == table.limits == 0
    drawn = np.array([library.binomial_from(table, n, p, k) for k in range(4000)])
    assert abs(drawn.mean() - n * p) < 5 * np.sqrt(n * p * (1 - p) / 4000)
    library.poisson(table, np.inf)
    assert table.alias.cells == table.limits == 0


def test_every_place_of_a_cell_is_looked_up(library):
    table = Table()
    library.binomial(table, 600, 0.5)
    assert table.alias.cells
    us = (np.arange(800_000) + 0.5) / 800_000
    found = np.bincount([library.look_up(table, u) for u in us], minlength=601) / us.size
    assert np.abs(found - stats.binom(600, 0.5).pmf(np.arange(601))).max() < 2e-4


#: Few and many values, the first one 0 and not, nearly certain, none of them likely.
DISTRIBUTIONS = [
    (1, 0.5), (1, 1e-9), (2, 0.999), (7, 0.3), (100, 1e-3), (100, 0.03), (1600, 8e-4),
    (10**6, 1e-5), (200, 0.95), (200, 1 - 1e-7), (10**12, 4e-12), (60, 0.5), (600, 0.5),
    (2**55, 0.5), (0, 0.5),
]  # fmt: skip


@pytest.mark.parametrize("target", [(), ("-march=native",)], ids=["least", "native"])
def test_many_are_the_same_as_one_by_one(target, tmp_path):
    try:
        library = compiled(tmp_path, *target)
    except subprocess.CalledProcessError:
        pytest.skip("the compiler does not know this processor")
    table = Table()
    for n, p in DISTRIBUTIONS:
        library.binomial(table, n, p)
        for first, end in ((0, 512), (512, 700), (64, 65), (4, 300)):
            values, doubles = np.empty(512, np.int64), np.empty(512)
            library.fill(table, n, p, first, end, values.ctypes.data, doubles.ctypes.data)
            expected = [library.binomial_from(table, n, p, k) for k in range(first, end)]
            assert values[: end - first].tolist() == expected, (n, p, first)
            assert doubles[: end - first].tolist() == expected, (n, p, first)


def test_digits_that_do_not_tell(library):
    """All places of all of them, as exact sums say: limits inside of a digit, at its ends, none."""
    from fractions import Fraction

    table = Table()
    table.alias.first, table.limits = 100, 8
    table.limit[:8] = [65536.0, 65535.5, 65535.0, 40000.25, 40000.25, 40000.0, 1.0, 0.125]
    table.nearly, table.positive = 3, 7
    table.whole[:8] = [65535, 65535, 65535, 40000, 40000, 40000, 1, 0]
    wanted = {0, 1, 39999, 40000, 40001, 65534, 65535}
    digits, more = ctypes.c_uint32(), ctypes.c_double()
    seen = set()
    for seed in range(400_000):
        found = library.counted(table, seed, 5, ctypes.byref(digits), ctypes.byref(more))
        if digits.value not in wanted:
            continue
        number = Fraction(digits.value) + Fraction(more.value)
        assert found == 100 + sum(number < Fraction(limit) for limit in table.limit[:8])
        seen.add(digits.value)
    assert len(seen) >= 5


@pytest.mark.parametrize(("n", "p"), DISTRIBUTIONS[:12])
def test_numbers_have_their_distribution(library, n, p):
    """A million and a half of them."""
    table = Table()
    library.binomial(table, n, p)
    values, doubles = np.empty(512, np.int64), np.empty(512)
    counts: dict[int, int] = {}
    for first in range(0, 1_500_160, 512):
        library.fill(table, n, p, first, first + 512, values.ctypes.data, doubles.ctypes.data)
        for value, times in zip(*np.unique(values, return_counts=True), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + int(times)
    total = sum(counts.values())
    drawn = np.array(sorted(counts))
    expected = stats.binom(n, p).pmf(drawn) * total
    often = expected > 10
    chi2 = float((((np.array([counts[v] for v in drawn]) - expected) ** 2 / expected)[often]).sum())
    assert stats.chi2(max(often.sum() - 1, 1)).sf(chi2) > 1e-6
    assert (np.array([counts[v] for v in drawn])[~often] < 60).all()
