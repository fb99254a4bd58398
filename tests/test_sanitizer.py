"""Whether `make test-sanitize` finds what it is for: programs that are wrong on purpose."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest

from brian2genn.backends.host import toolchain
from brian2genn.backends.host.structures import support

FLAGS = os.environ.get(toolchain.FLAGS_VARIABLE, "")
on_memory = pytest.mark.skipif(
    "-fsanitize=address" not in FLAGS, reason="only under `make test-sanitize`"
)
on_threads = pytest.mark.skipif(
    "-fsanitize=thread" not in FLAGS, reason="only under ThreadSanitizer (`make test-sanitize`)"
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


@on_memory
@pytest.mark.parametrize("text, report", WRONG.values(), ids=list(WRONG))
def test_it_is_found(text, report):
    compiled(text)
    result = in_new_process(f"from tests.test_sanitizer import call; call({text!r})")
    assert result.returncode != 0
    assert report in result.stderr


def in_new_process(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may be ended by a sanitizer, whose report is what it prints."""
    environment = dict(os.environ)
    for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        options = environment.get(variable, "").split(":")
        environment[variable] = ":".join([o for o in options if not o.startswith("log_path")])
    return subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@on_memory
def test_a_right_program_runs():
    call("void wrong(double *x, int n) { for (int i = 0; i < n; i++) x[i] = i; }")


def count_together(statement: str) -> int:
    """Let all parts of shared work count in one place; what they have counted to."""
    function = compiled(f"void wrong(void *work, int part, int parts) {{ {statement}; }}")
    count = np.zeros(1, np.int64)
    for _ in range(2000):
        support().b2g_together(
            ctypes.cast(function, ctypes.c_void_p), ctypes.c_void_p(count.ctypes.data), 3
        )
    return int(count[0])


@on_threads
def test_a_race_is_found():
    compiled("void wrong(void *work, int part, int parts) { ++*(long long *)work; }")
    # on a busy machine one thread may do the work of all for a while
    script = (
        "from time import monotonic as now; from tests.test_sanitizer import count_together as c\n"
        "until = now() + 60\n"
        "while now() < until: c('++*(long long *)work')"
    )
    result = in_new_process(script)
    assert result.returncode != 0
    assert "data race" in result.stderr


@on_threads
def test_what_is_no_race_runs():
    atomic = "__atomic_add_fetch((long long *)work, 1, __ATOMIC_RELAXED)"
    assert count_together(atomic) == 6000
