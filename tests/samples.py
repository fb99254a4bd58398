"""Of which tests `make test` runs every second, fourth, ... only, to end within five minutes.

The others are marked ``slow``: `make test-slow` runs them, and so do the targets that these folders
have of their own. ``BRIAN2GENN_TEST_SHARE`` (`make test SHARE=1`) takes others of them.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

#: Which of every so many tests is taken.
SHARE = int(os.environ.get("BRIAN2GENN_TEST_SHARE", "0"))

#: Where the tests are, of how many of a file one is taken, and which target has all of them. What
#: is named first counts.
SAMPLES: tuple[tuple[str, int, str], ...] = (
    ("tests/backends/cuda/device/", 4, "make test-cuda"),
    ("tests/backends/cuda/", 16, "make test-cuda"),
    ("tests/backends/trial/", 6, "make test-cuda"),
    ("tests/backends/test_choice.py", 6, "make test-cuda"),
    ("tests/backends/test_taking_a_gpu.py", 6, "make test-cuda"),
    ("tests/cuda_shim/", 6, "make test-cuda"),
    ("tests/cuda_driver/", 6, "make test-cuda"),
    ("tests/cuda_ptx/", 5, "make test-cuda-ptx"),
    ("tests/random_networks/test_random_networks.py", 8, "make test-property"),
    ("tests/random_networks/test_oracle.py", 4, "make test-slow"),
    ("tests/brian2_suite/", 12, "make test-brian"),
    ("tests/test_pynn.py", 10, "make test-ecosystem"),
    ("tests/backends/pygenn/", 8, "make test-genn"),
    ("tests/backends/host/test_interpreter.py", 8, "make test-slow"),
    ("tests/backends/host/", 2, "make test-slow"),
    ("tests/backends/cpu/", 12, "make test-slow"),
    ("tests/backends/cache/", 2, "make test-slow"),
    ("tests/codegen/", 12, "make test-slow"),
    ("tests/transforms/test_narrow.py", 8, "make test-slow"),
    ("tests/transforms/", 4, "make test-slow"),
    ("tests/semantics/test_sums.py", 24, "make test-slow"),
    ("tests/semantics/test_shapes.py", 12, "make test-slow"),
    ("tests/runtime/checks/test_bounds.py", 8, "make test-slow"),
    ("tests/runtime/ranks/", 2, "make test-mpi"),
    ("tests/runtime/activation/", 4, "make test-slow"),
    ("tests/semantics/", 12, "make test-slow"),
    ("tests/frontend/", 6, "make test-slow"),
    ("tests/runtime/", 6, "make test-slow"),
    ("tests/interpreter/", 2, "make test-slow"),
    ("tests/faults/", 3, "make test-slow"),
    ("tests/sweeps/", 2, "make test-sweep"),
    ("tests/test_text_files.py", 6, "make test-slow"),
    ("tests/benchmarks/", 4, "make test-slow"),
    ("tests/docs/test_examples.py", 3, "make test-slow"),
)


def left_out(items: Iterable[pytest.Item], share: int = SHARE) -> Iterator[pytest.Item]:
    """The tests that are not in the sample: those of a file are counted as they stand in it."""
    seen = Counter[str]()
    for item in items:
        if item.get_closest_marker("slow"):
            continue
        file = item.nodeid.partition("::")[0]
        number, seen[file] = seen[file], seen[file] + 1
        one_of = next((n for place, n, _ in SAMPLES if file.startswith(place)), 1)
        if number % one_of != share % one_of:
            yield item
