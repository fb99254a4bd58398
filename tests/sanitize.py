"""Run tests with all compiled code under sanitizers: ``make test-sanitize``.

    python -m tests.sanitize [arguments of pytest]          AddressSanitizer and UBSan
    python -m tests.sanitize --thread [arguments of pytest]  ThreadSanitizer

Without arguments, first the one and then the other.

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
from collections.abc import Callable
from pathlib import Path

FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1"

#: Three threads share out whatever can be shared out.
THREAD_FLAGS = "-fsanitize=thread -fno-omit-frame-pointer -g1 -O1"

#: What is run where nothing else is asked for.
TESTS = [
    "tests/semantics",
    "tests/backends/host/test_queue.py",
    "tests/codegen/include/test_random_header.py",
    "tests/codegen/include/test_random_numbers.py",
    "tests/runtime/run/test_interruptions.py",
    "tests/faults/test_states.py",
    # hostile ones, more than usual; a report ends the process of its network, which fails the test
    "tests/random_networks/test_random_networks.py",
]

THREAD_TESTS = [
    "tests/backends/cpu/test_shared_work.py",
    "tests/semantics/test_events.py",
    "tests/semantics/test_equations.py",
]

#: That wrong programs are found: always run.
SELF_TEST = "tests/test_sanitizer.py"


def preload(sanitizer: str) -> list[str]:
    """Libraries that have to be there before Python; none where there is no sanitizer.

    The sanitizer looks for the C++ library's exceptions when it starts, and Python comes without.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        return []
    found = []
    for name in (sanitizer, "libstdc++.so"):
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
        **common(folder, "libasan.so", FLAGS),
        # Python itself frees little of its memory at its end
        "ASAN_OPTIONS": f"detect_leaks=0:allocator_may_return_null=1:log_path={folder}/report",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={folder}/report",
        "PYTHONMALLOC": "malloc",
    }


def thread_environment(folder: str) -> dict[str, str]:
    """The same for ThreadSanitizer."""
    return {
        **common(folder, "libtsan.so", THREAD_FLAGS),
        "TSAN_OPTIONS": f"halt_on_error=1:die_after_fork=0:log_path={folder}/report",
        "BRIAN2GENN_TEST_THREADS": "3",
    }


def common(folder: str, sanitizer: str, flags: str) -> dict[str, str]:
    """Variables for each sanitizer."""
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(preload(sanitizer)),
        "CC": "gcc",
        "CXX": "g++",
        "BRIAN2GENN_CFLAGS": flags,
        "BRIAN2GENN_CACHE_DIR": folder,
        "PYTHONWARNINGS": "ignore",
    }


def main(arguments: list[str]) -> int:
    """Run the tests; the exit status of pytest."""
    if arguments[:1] == ["--thread"]:
        return watch_threads(arguments[1:])
    status = watch_memory(arguments)
    return status if arguments or status else watch_threads([])


def watch_memory(arguments: list[str]) -> int:
    """Run tests under AddressSanitizer and UBSan."""
    if not preload("libasan.so"):
        print(
            "No sanitizer here: this needs gcc with its libasan (part of gcc in most Linux"
            " distributions; libasan in Fedora's). Nothing was tested.",
            file=sys.stderr,
        )
        return 2
    return run([], environment, arguments or [*TESTS, "-m", "not slow", "-n", "auto"])


def watch_threads(arguments: list[str]) -> int:
    """Run tests under ThreadSanitizer."""
    # it wants memory where it is without randomisation of addresses
    fixed = shutil.which("setarch")
    if not preload("libtsan.so") or fixed is None:
        print(
            "ThreadSanitizer was left out: this needs gcc with its libtsan, and setarch (of"
            " util-linux).",
            file=sys.stderr,
        )
        return 0
    tests = arguments or [*THREAD_TESTS, "-m", "not slow"]
    return run([fixed, "-R"], thread_environment, tests)


def run(prefix: list[str], variables: Callable[[str], dict[str, str]], arguments: list[str]) -> int:
    """Run tests and print the reports; the exit status of pytest."""
    with tempfile.TemporaryDirectory(prefix="brian2genn-sanitize-") as folder:
        command = [*prefix, sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        command += [SELF_TEST, *arguments]
        status = subprocess.run(command, env=variables(folder), check=False).returncode
        for report in sorted(Path(folder).glob("report*")):
            print(report.read_text(errors="replace"), file=sys.stderr)
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
