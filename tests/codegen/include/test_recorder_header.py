"""How memory is provided for what monitors record: the header, compiled on its own."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
import sys

import pytest

from tests.paths import ROOT

INCLUDE = ROOT / "src" / "brian2genn" / "codegen" / "include"
CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
#: A sanitizer's, under `make test-sanitize`.
MORE_FLAGS = os.environ.get("BRIAN2GENN_CFLAGS", "").split()

pytestmark = pytest.mark.skipif(
    CC is None or sys.platform != "linux", reason="no C compiler, or another system's memory"
)

SOURCE = """
#include "brian2genn_recorder.h"

/* Pieces that take so long as small pages, or as large ones; which of them were large, as text. */
void choose(int n, const double *small, const double *large, char *text)
{
    b2g_page_choice choice = {0};
    for (int k = 0; k < n; k++) {
        const bool is_large = b2g_is_large(&choice, (uintptr_t)(n - k) * B2G_LARGE_PAGE);
        b2g_weigh_pages(&choice, is_large, is_large ? large[k] : small[k]);
        text[k] = is_large ? 'L' : 's';
    }
}
"""


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorder")
    (folder / "recorder.c").write_text(SOURCE)
    flags = ["-O2", "-Wall", "-Wno-unused-function", "-D_GNU_SOURCE", "-shared", "-fPIC"]
    command = [CC, *flags, *MORE_FLAGS, f"-I{INCLUDE}", "recorder.c", "-o", "recorder.so"]
    subprocess.run(command, cwd=folder, check=True)
    function = ctypes.CDLL(str(folder / "recorder.so")).choose

    def choose(small, large):
        n = len(small)
        text = ctypes.create_string_buffer(n)
        function(n, (ctypes.c_double * n)(*small), (ctypes.c_double * n)(*large), text)
        return text.raw.decode()

    return choose


def test_large_pages_where_they_are_at_hand(chosen):
    assert chosen([0.7] * 50, [0.23] * 50) == "s" + 49 * "L"


def test_not_for_little_memory(chosen):
    assert chosen([0.7] * 8, [0.23] * 8) == 8 * "s"


def test_trials_are_ever_later(chosen):
    """Where each large page takes seven times as long, few are tried."""
    found = chosen([0.7] * 1000, [5.0] * 1000)
    tried = [k for k, one in enumerate(found) if one == "L"]
    assert [b - a for a, b in itertools.pairwise(tried)] == [25, 49, 97, 193, 385]
    assert 5.0 * len(tried) < 0.05 * 0.7 * 1000


def test_what_changes_is_noticed(chosen):
    """Pages at hand come to an end, and there are others later."""
    large = [0.23] * 20 + [5.0] * 20 + [0.23] * 60
    assert chosen([0.7] * 100, large) == "s" + 20 * "L" + 24 * "s" + 55 * "L"
