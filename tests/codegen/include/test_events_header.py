"""Lists of events made of marks: the header, compiled on its own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

from tests.paths import ROOT

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

SOURCE = """
#include "brian2genn_runtime.h"

int64_t list(const uint8_t *marks, int64_t n, int64_t first, int32_t *events, int64_t n_events)
{
    uint8_t own[1024 + B2G_MARKS];
    memset(own, 1, sizeof(own)); /* what is behind the last one does not count */
    memcpy(own, marks, (size_t)n);
    return b2g_list_marked(own, n, first, events, n_events);
}
"""

ORDERS = {"this machine's": [], "other": ["-U__BYTE_ORDER__", "-D__BYTE_ORDER__=0", "-w"]}


@pytest.fixture(scope="module", params=list(ORDERS))
def listing(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    (folder / "events.c").write_text(SOURCE)
    flags = ["-O2", "-Wall", "-Wno-unused-function", "-shared", "-fPIC", *ORDERS[request.param]]
    command = [CC, *flags, *MORE_FLAGS, f"-I{INCLUDE}", "events.c", "-o", "events.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    function = ctypes.CDLL(str(folder / "events.so")).list
    function.restype = ctypes.c_int64
    return function


@pytest.mark.parametrize("n", [0, 1, 7, 8, 40, 63, 64, 65, 128, 500, 512])
@pytest.mark.parametrize("rate", [0.0, 0.01, 0.3, 1.0])
def test_all_that_are_marked_in_order(listing, n, rate):
    marks = (np.random.default_rng(n).random(n) < rate).astype(np.uint8)
    events = np.full(n + 3, -7, dtype=np.int32)
    found = listing(
        marks.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(n), ctypes.c_int64(1024),
        events.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(2),
    )  # fmt: skip
    expected = 1024 + np.flatnonzero(marks)
    assert found == 2 + len(expected)
    np.testing.assert_array_equal(events[2:found], expected)
    assert (events[:2] == -7).all()
    assert (events[found:] == -7).all()
