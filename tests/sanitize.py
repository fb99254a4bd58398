"""Run tests with all compiled code under AddressSanitizer and UBSan: ``make test-sanitize``.

    python -m tests.sanitize [arguments of pytest]

Every program and the support library are compiled with the sanitizers' flags, by way of
``BRIAN2GENN_CFLAGS``. NumPy's arrays come from an allocator that the sanitizer watches, so that an
access beyond an array is seen, not only one beyond the program's own memory. The first error ends
the process with a report.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1"

#: What is run where nothing else is asked for.
TESTS = [
    "tests/semantics",
    "tests/test_queue.py",
    "tests/test_random_header.py",
    "tests/test_random_numbers.py",
    "tests/test_interruptions.py",
    "tests/faults/test_states.py",
]

#: That wrong programs are found: always run.
SELF_TEST = "tests/test_sanitizer.py"


def preload() -> list[str]:
    """Libraries that have to be there before Python; none where there is no sanitizer.

    The sanitizer looks for the C++ library's exceptions when it starts, and Python comes without.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        return []
    found = []
    for name in ("libasan.so", "libstdc++.so"):
        path = subprocess.run(
            [compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        if not Path(path).is_absolute():  # gcc repeats the name of what it has not
            return []
        found.append(path)
    return found


def environment(folder: str) -> dict[str, str]:
    """Variables for a process whose compiled code is watched, with reports in files in a folder.

    What goes to the terminal would be lost with the process, in pytest's hands.
    """
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(preload()),
        "CC": "gcc",
        "CXX": "g++",
        "BRIAN2GENN_CFLAGS": FLAGS,
        "BRIAN2GENN_CACHE_DIR": folder,
        # Python itself frees little of its memory at its end
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:log_path={folder}/report",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={folder}/report",
        "PYTHONMALLOC": "malloc",
        "PYTHONWARNINGS": "ignore",
    }


def main(arguments: list[str]) -> int:
    """Run the tests; the exit status of pytest."""
    if not preload():
        print(
            "No sanitizer here: this needs gcc with its libasan (part of gcc in most Linux"
            " distributions; libasan in Fedora's). Nothing was tested.",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="brian2genn-sanitize-") as folder:
        tests = [SELF_TEST, *(arguments or [*TESTS, "-m", "not slow", "-n", "auto"])]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]
        status = subprocess.run(command, env=environment(folder), check=False).returncode
        for report in sorted(Path(folder).glob("report*")):
            print(report.read_text(errors="replace"), file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
