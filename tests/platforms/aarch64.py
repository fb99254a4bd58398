"""The tests of what networks do on ARM, emulated: ``make test-aarch64``.

    python -m tests.platforms.aarch64 [--processes N] [arguments of pytest]

A Debian tree for arm64 with Python, and the packages' wheels for it, are made in ``build/aarch64``
and kept. Python, NumPy, Brian and all compiled programs are executed by qemu; the compiler is a
cross compiler, which runs as itself. It takes some twenty times as long as on this machine's own
processor: ``BRIAN2GENN_TEST_SHARE=2`` takes a third of the tests.

Debian calls what is needed ``qemu-user-static mmdebstrap gcc-aarch64-linux-gnu``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "aarch64"
TREE, SITE = PLACE / "tree", PLACE / "site"

NEEDED = ("qemu-aarch64-static", "mmdebstrap", "aarch64-linux-gnu-gcc")

#: The release whose Python is executed, and that Python.
RELEASE, PYTHON = "bookworm", "3.11"
_ARCHIVE = "http://deb.debian.org/debian"
_IN_TREE = ("python3", "python3-distutils", "libstdc++6", "libgomp1")

_TAGS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")

#: What tests need beside the package.
_OF_TESTS = ("pytest", "hypothesis", "scipy", "matplotlib")

#: A server processor with vectors of 128 bits, which qemu knows. A cross compiler has no "native".
_MACHINE = "-march=armv8.2-a"

TESTS = ("tests/semantics", *map(str, sorted(Path("tests/codegen").glob("test_*_header.py"))))


def make_tree() -> None:
    """Debian's Python for arm64, unpacked: nothing of it is executed yet."""
    if TREE.exists():
        return
    unfinished = TREE.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    print(f"Making {TREE}", flush=True)
    subprocess.run(
        [
            "mmdebstrap", "--quiet", "--arch=arm64", "--variant=extract",
            f"--include={','.join(_IN_TREE)}", RELEASE, str(unfinished), _ARCHIVE,
        ],
        check=True,
    )  # fmt: skip
    unfinished.rename(TREE)


def requirements() -> list[str]:
    """What the package asks for with the Python of the tree, and what tests need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = map(Requirement, project["dependencies"])
    there = {"python_version": PYTHON}
    asked = [one for one in known if one.marker is None or one.marker.evaluate(there)]
    return [*(f"{one.name}{one.specifier}" for one in asked), *_OF_TESTS]


def make_site() -> None:
    """The wheels for arm64."""
    if SITE.exists():
        return
    unfinished = SITE.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    print(f"Making {SITE}", flush=True)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--target", str(unfinished), "--only-binary=:all:", "--python-version", PYTHON,
            "--implementation", "cp", *(f"--platform={tag}_aarch64" for tag in _TAGS),
            *requirements(),
        ],
        check=True,
    )  # fmt: skip
    unfinished.rename(SITE)


def make_compiler() -> Path:
    """A cross compiler that compiles for one machine where it is asked for its own."""
    wrapper = PLACE / "compiler"
    wrapper.write_text(
        "#!/bin/sh\n"
        "# takes the place of the other machine's own compiler\n"
        f'for word; do shift; [ "$word" = -march=native ] && word={_MACHINE}\n'
        'set -- "$@" "$word"; done\n'
        f'exec {NEEDED[2]} "$@"\n'
    )
    wrapper.chmod(0o755)
    return wrapper


def command(*arguments: str) -> list[str]:
    """A command that executes Python for arm64."""
    return [NEEDED[0], str(TREE / "usr" / "bin" / f"python{PYTHON}"), *arguments]


def environment(number: int) -> dict[str, str]:
    """Variables for one of the processes."""
    return {
        **os.environ,
        "QEMU_LD_PREFIX": str(TREE),
        "PYTHONPATH": os.pathsep.join(map(str, (SITE, ROOT / "src", ROOT))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CC": str(make_compiler()),
        "BRIAN2GENN_CACHE_DIR": str(PLACE / f"cache-{number}"),
        "MPLBACKEND": "Agg",
    }


def files_of(names: list[str]) -> list[str]:
    """Files and folders of tests as files, the largest first."""
    found: list[Path] = []
    for name in names:
        path = ROOT / name.partition("::")[0]
        found += sorted(path.rglob("test_*.py")) if path.is_dir() else [ROOT / name]
    sizes = [(path.stat().st_size if path.exists() else 0, str(path)) for path in found]
    return [name for _, name in sorted(sizes, reverse=True)]


def run(number: int, files: list[str], options: list[str]) -> int:
    """The tests of one process; what they print is kept in a file, too."""
    report = PLACE / f"report-{number}.txt"
    with report.open("w") as output:
        done = subprocess.run(
            command(
                "-m", "pytest", "-q", "-W", "ignore", "-p", "no:cacheprovider", "-m", "not slow",
                *options, *files,
            ),
            cwd=ROOT, env=environment(number), stdout=output, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    print(report.read_text(), flush=True)
    # without a test, there is nothing to be wrong
    return 0 if done.returncode == 5 else done.returncode


def main() -> int:
    """Make what is missing, and run the tests."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.platforms.aarch64", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    known, rest = parser.parse_known_args()
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        print(f"{', '.join(missing)}: not there. {__doc__.strip().splitlines()[-1]}")
        return 1
    PLACE.mkdir(parents=True, exist_ok=True)
    make_tree()
    make_site()
    names = [word for word in rest if not word.startswith("-") and (ROOT / word).exists()]
    options = [word for word in rest if word not in names]
    files = files_of(names or list(TESTS))
    shares = [files[k :: known.processes] for k in range(known.processes)]
    with ThreadPoolExecutor(known.processes) as pool:
        ended = list(pool.map(lambda k: run(k, shares[k], options), range(len(shares))))
    return max(ended)


if __name__ == "__main__":
    sys.exit(main())
