"""Whether `make test-sanitize` finds what it is for: programs that are wrong on purpose."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from brian2genn.backends.cpu import toolchain

pytestmark = pytest.mark.skipif(
    "-fsanitize=address" not in os.environ.get(toolchain.FLAGS_VARIABLE, ""),
    reason="only under `make test-sanitize`",
)

WRONG = {
    "a write beyond a NumPy array": (
        "void wrong(double *x, int n) { for (int i = 0; i <= n; i++) x[i] = i; }",
        "heap-buffer-overflow",
    ),
    "a read ahead of a NumPy array": (
        "void wrong(double *x, int n) { x[0] = x[-1 - n + n]; }",
        "heap-buffer-overflow",
    ),
    "memory that was freed": (
        "#include <stdlib.h>\n"
        "void wrong(double *x, int n) { int *p = malloc(n); free(p); x[0] = *(volatile int *)p; }",
        "heap-use-after-free",
    ),
    "an integer overflow": (
        "void wrong(double *x, int n) { x[0] = 2147483647 + n; }",
        "signed integer overflow",
    ),
    "a shift too far": ("void wrong(double *x, int n) { x[0] = 1 << (n + 31); }", "shift exponent"),
}


def compiled(text: str):
    return toolchain.compile_library(toolchain.find(), text, "wrong").wrong


def call(text: str) -> None:
    """Call a program as the device does, with an array of NumPy's."""
    array = np.zeros(1000)
    compiled(text)(ctypes.c_void_p(array.ctypes.data), array.size)


@pytest.mark.parametrize("text, report", WRONG.values(), ids=list(WRONG))
def test_it_is_found(text, report):
    compiled(text)
    script = f"from tests.test_sanitizer import call; call({text!r})"
    environment = dict(os.environ)
    for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        options = environment[variable].split(":")
        environment[variable] = ":".join([o for o in options if not o.startswith("log_path")])
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert report in result.stderr


def test_a_right_program_runs():
    call("void wrong(double *x, int n) { for (int i = 0; i < n; i++) x[i] = i; }")
