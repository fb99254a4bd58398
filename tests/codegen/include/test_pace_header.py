"""Whether one thread or several are faster for a whole network, with a clock of ours."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import pytest

from brian2genn.backends.host.structures import Pace
from tests.paths import ROOT

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = r"""
#include <stddef.h>
#include "brian2genn_pace.h"
static double the_time;
static double now(void) { return the_time; }
size_t bytes(void) { return sizeof(b2g_pace); }
/* time steps that take so long as chosen, with several threads, and with one */
void steps(b2g_pace *pace, int64_t n, int32_t several, double chosen, double alone)
{
    for (int64_t k = 0; k < n; k++) {
        the_time += pace->alone ? alone : chosen;
        pace->several |= several && !pace->alone;
        b2g_keep_pace(pace, now);
    }
}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pace")
    (folder / "pace.c").write_text(SOURCE, "utf-8")
    subprocess.run(
        [CC, "-std=c11", "-O2", "-shared", "-fPIC", *MORE_FLAGS, f"-I{INCLUDE}", "pace.c",
         "-o", "pace.so"],
        cwd=folder, check=True,
    )  # fmt: skip
    library = ctypes.CDLL(str(folder / "pace.so"))
    library.bytes.restype = ctypes.c_size_t
    assert library.bytes() == ctypes.sizeof(Pace)
    return library


def run(library, pace: Pace, n: int, chosen: float, alone: float, several: bool = True) -> float:
    """The part of n time steps that one thread executed alone."""
    before = pace.times_alone
    library.steps(
        ctypes.byref(pace), ctypes.c_int64(n), several, ctypes.c_double(chosen),
        ctypes.c_double(alone),
    )  # fmt: skip
    return (pace.times_alone - before) / n


@pytest.mark.parametrize("step", [1e-6, 3e-5, 1e-3])
def test_the_faster_way_is_gone_on_with(library, step):
    assert run(library, Pace(), 200_000, step, 1.7 * step) < 0.1
    assert run(library, Pace(), 200_000, 1.2 * step, step) > 0.8
    # what saves next to nothing is left
    assert run(library, Pace(), 200_000, step, 1.01 * step) > 0.8


def test_it_is_looked_at_again(library):
    pace = Pace()
    assert run(library, pace, 100_000, 4e-5, 3e-5) > 0.8
    run(library, pace, 50_000, 3e-5, 6e-5)
    assert run(library, pace, 100_000, 3e-5, 6e-5) < 0.1


def test_nothing_is_compared_where_nobody_helps(library):
    assert run(library, Pace(), 100_000, 3e-5, 3e-5, several=False) == 0
