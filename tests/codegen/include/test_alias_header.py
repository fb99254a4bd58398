"""Tables of binomial and Poisson distributions, compiled from their header on their own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

from brian2genn.codegen.c.shared import ALIAS_TABLE_BYTES
from tests.paths import ROOT

stats = pytest.importorskip("scipy.stats")

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()
MOST = 256

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include <stddef.h>
#include "brian2genn_few_cells.h"
size_t bytes(void) { return sizeof(b2g_alias); }
void binomial(b2g_alias *table, int64_t n, double p) { b2g_prepare_binomial(table, n, p); }
void poisson(b2g_alias *table, double lambda) { b2g_prepare_poisson(table, lambda); }
int64_t look_up(const b2g_alias *table, double u) { return b2g_look_up(table, u); }
int32_t look_up_few(const b2g_alias *table, double *u, int32_t n)
{
    return b2g_look_up_few(table, u, n);
}
int64_t binomial_from(const b2g_alias *table, double u, int64_t n, double p, uint32_t element)
{
    return b2g_binomial_from(table, u, n, p, 1, 2, element, 3);
}
"""


class Table(ctypes.Structure):
    _fields_ = [
        ("keep", ctypes.c_double * MOST), ("other", ctypes.c_int32 * MOST),
        ("first", ctypes.c_int64), ("cells", ctypes.c_int32), ("padding", ctypes.c_int32),
    ]  # fmt: skip

    def probabilities(self) -> dict[int, float]:
        """Of every value, as the cells tell."""
        found: dict[int, float] = {}
        for cell in range(self.cells):
            assert 0 <= self.keep[cell] <= 1
            assert 0 <= self.other[cell] < self.cells
            for value, part in ((cell, self.keep[cell]), (self.other[cell], 1 - self.keep[cell])):
                if part:
                    found[self.first + value] = found.get(self.first + value, 0.0) + part
        return {value: part / self.cells for value, part in found.items()}


def compiled(folder, *target):
    (folder / "alias.c").write_text(SOURCE)
    flags = ["-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    command = [CC, *target, *flags, *MORE_FLAGS, f"-I{INCLUDE}", "alias.c", "-o", "alias.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "alias.so"))
    library.bytes.restype = ctypes.c_size_t
    library.look_up.restype = library.binomial_from.restype = ctypes.c_int64
    library.look_up.argtypes = [ctypes.POINTER(Table), ctypes.c_double]
    library.binomial.argtypes = [ctypes.POINTER(Table), ctypes.c_int64, ctypes.c_double]
    library.poisson.argtypes = [ctypes.POINTER(Table), ctypes.c_double]
    library.binomial_from.argtypes = [
        ctypes.POINTER(Table), ctypes.c_double, ctypes.c_int64, ctypes.c_double, ctypes.c_uint32
    ]  # fmt: skip
    return library


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("alias"))


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
    assert library.bytes() == ALIAS_TABLE_BYTES == ctypes.sizeof(Table)


@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.5), (1, 1e-9), (2, 0.999), (7, 0.3), (100, 0.03), (1600, 8e-4), (1000, 0.1), (300, 0.5),
     (600, 0.5), (10**9, 1e-8), (2**40, 1e-11), (50, 0.98), (255, 0.5), (3, 1 - 1e-12)],
)  # fmt: skip
def test_binomial(library, n, p):
    table = Table()
    library.binomial(table, n, p)
    assert table.cells in {2**k for k in range(9)}
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
    assert {library.look_up(table, u) for u in (0.0, 0.3, 1 - 2**-53)} == {value}
    library.poisson(table, -abs(p))
    assert table.probabilities() == {0: 1.0}


@pytest.mark.parametrize(("n", "p"), [(10_000, 0.5), (2**60, 1e-18), (2**55, 0.5)])
def test_wide_distributions_have_no_table_but_numbers(library, n, p):
    table = Table()
    table.cells = 77
    library.binomial(table, n, p)
    assert table.cells == 0
    drawn = np.array([library.binomial_from(table, 0.5, n, p, k) for k in range(4000)])
    assert abs(drawn.mean() - n * p) < 5 * np.sqrt(n * p * (1 - p) / 4000)
    library.poisson(table, np.inf)
    assert table.cells == 0


def test_every_place_of_a_cell_is_looked_up(library):
    table = Table()
    library.binomial(table, 5, 0.4)
    us = (np.arange(80_000) + 0.5) / 80_000
    found = np.bincount([library.look_up(table, u) for u in us], minlength=6) / us.size
    assert np.abs(found - stats.binom(5, 0.4).pmf(np.arange(6))).max() < 2e-4


@pytest.mark.parametrize("n", [1, 2, 5, 7, 8, 15, 16, 20, 31, 10**6])
def test_small_tables_are_looked_up_in_registers(n, tmp_path):
    """The same numbers, where the processor has registers for that; else, and of others, none."""
    try:
        library = compiled(tmp_path, "-march=native")
    except subprocess.CalledProcessError:
        pytest.skip("the compiler does not know this processor")
    table = Table()
    library.binomial(table, n, 0.4 if n < 100 else 2.5e-5)
    us = np.random.default_rng(n).random(1003)
    us[:3] = 0, 1 - 2**-53, 0.5
    found = us.copy()
    done = library.look_up_few(ctypes.byref(table), ctypes.c_void_p(found.ctypes.data), 1003)
    assert done in ((0, 1000) if table.cells <= 32 else (0,))
    assert found[:done].tolist() == [library.look_up(table, u) for u in us[:done]]
    assert (found[done:] == us[done:]).all()
