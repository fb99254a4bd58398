"""Tests of packages that build on Brian, under Brian and under this device.

``python -m tests.ecosystem.run [package ...]`` installs each package into an environment of its own
(below ``build/ecosystem``), runs its tests under both, and writes ``docs/ecosystem.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests.ecosystem.packages import PACKAGES, Package

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "ecosystem"
FOUND, PAGE = ROOT / "docs" / "ecosystem.json", ROOT / "docs" / "ecosystem.md"
PLUGIN = "ecosystem_plugin"

#: Seconds for the tests of a package under one device.
_PATIENCE = 3600

_PAGE = """# Packages that build on Brian

Their own tests, each package in an environment of its own, under Brian (its compiled runtime,
Cython) and with `set_device("genn")` before each test, by `make test-ecosystem`. Seconds are those
of the tests, after everything was compiled once, on the same machine, one after the other.

| package | Brian | Python | passed under Brian | under genn | seconds under Brian | under genn |
|---|---|---|---|---|---|---|
{rows}

{notes}
"""


def environment(package: Package) -> Path:
    """The Python of an environment with a package; made if it is not there."""
    folder = PLACE / package.name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "installed"
    if stamp.exists():
        return python
    print(f"Making {folder}", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ours = ["--editable", str(ROOT), "pytest", *package.requirements]
    if package.alone:
        subprocess.run([*pip, *ours], check=True)
        subprocess.run([*pip, "--no-deps", package.name], check=True)
    else:
        subprocess.run([*pip, *ours, package.name], check=True)
    stamp.touch()
    return python


def tests_of(package: Package, python: Path, mirrors: Path | None) -> tuple[Path | None, str]:
    """The folder to run pytest in, and what to run; no folder if the package has its tests."""
    if not package.repository:
        return None, package.tests
    folder = PLACE / f"{package.name}-tests"
    if not folder.exists():
        source = package.repository
        if mirrors is not None:
            source = str(mirrors / Path(package.repository).name)
        subprocess.run(["git", "clone", "--quiet", source, str(folder)], check=True)
        git = ["git", "-C", str(folder)]
        tags = subprocess.run([*git, "tag"], check=True, capture_output=True, text=True).stdout
        version = installed(package, python)[0]
        known = [tag for tag in (version, f"v{version}") if tag in tags.split()]
        if not known:
            print(f"{package.repository} has no tag of {version}: its newest tests are run.")
        subprocess.run([*git, "checkout", "--quiet", *(known[:1] or ["HEAD"])], check=True)
    return folder, package.tests


def installed(package: Package, python: Path) -> list[str]:
    """The versions of a package, of Brian, and of Python in its environment."""
    code = (
        "import sys; from importlib.metadata import version as v;"
        f"print(v({package.name!r}), v('brian2'), sys.version.split()[0])"
    )
    told = subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True)
    return told.stdout.split()


def run(package: Package, python: Path, device: str, mirrors: Path | None) -> dict[str, Any]:
    """Run a package's tests under a device; what passed, failed, and how long it took."""
    place, tests = tests_of(package, python, mirrors)
    with tempfile.TemporaryDirectory() as folder:
        plugin = Path(folder, f"{PLUGIN}.py")
        plugin.write_text((Path(__file__).with_name("plugin.py")).read_text())
        report = Path(folder, "report.xml")
        command = [
            str(python), "-m", "pytest", "-q", "-W", "ignore", "--tb=line",
            "-p", PLUGIN, "-p", "no:cacheprovider", f"--junitxml={report}",
            *(() if place else ("--pyargs",)), tests, *package.options,
            *(f"--deselect={test}" for test in package.deselect),
        ]  # fmt: skip
        own = {"ECOSYSTEM_DEVICE": device, "PYTHONPATH": folder, "MPLBACKEND": "Agg"}
        done = subprocess.run(
            command, cwd=place or folder, capture_output=True, text=True, timeout=_PATIENCE,
            env={**os.environ, **own},
        )  # fmt: skip
        if not report.exists():
            raise RuntimeError(f"The tests of {package.name} did not run:\n{done.stdout[-3000:]}")
        cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {
        "passed": len(cases) - len(failed) - skipped,
        "skipped": skipped,
        "failed": sorted(failed),
        "seconds": round(sum(float(case.get("time", 0)) for case in cases), 1),
    }


def measure(package: Package, mirrors: Path | None) -> dict[str, Any]:
    """Both devices: once to compile, and once more."""
    python = environment(package)
    devices = ("runtime", "genn")
    for device in devices:
        run(package, python, device, mirrors)
    found = {device: run(package, python, device, mirrors) for device in devices}
    version, brian, its_python = installed(package, python)
    return {"version": version, "brian": brian, "python": its_python, **found}


def page(found: dict[str, Any]) -> str:
    """The table, and what fails under one device only, or under both."""
    rows, notes = [], []
    for name, one in sorted(found.items()):
        brian, ours = one["runtime"], one["genn"]
        cells = [f"{name} {one['version']}", one["brian"], one["python"]]
        for some in (brian, ours):
            total = some["passed"] + len(some["failed"])
            skipped = f", {some['skipped']} skipped" if some["skipped"] else ""
            cells.append(f"{some['passed']} of {total}{skipped}")
        cells += [f"{brian['seconds']:.0f}", f"{ours['seconds']:.0f}"]
        rows.append(f"| {' | '.join(cells)} |")
        for test in sorted({*brian["failed"], *ours["failed"]}):
            where = [
                told for told, some in (("Brian", brian), ("genn", ours)) if test in some["failed"]
            ]
            notes.append(f"- {name}: `{test}` fails under {' and '.join(where)}.")
    return _PAGE.format(rows="\n".join(rows), notes="\n".join(notes) or "Nothing fails.")


def main() -> int:
    """Measure the packages that were named, or all; 1 if a test fails under this device only."""
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem.run")
    parser.add_argument("packages", nargs="*", choices=[[], *(p.name for p in PACKAGES)])
    parser.add_argument(
        "--mirrors", type=Path, metavar="FOLDER",
        help="clones of the packages' repositories, to take in place of those on the network",
    )  # fmt: skip
    options = parser.parse_args()
    wanted = options.packages or [package.name for package in PACKAGES]
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    worse = False
    for package in PACKAGES:
        if package.name not in wanted:
            continue
        one = found[package.name] = measure(package, options.mirrors)
        ours_only = sorted(set(one["genn"]["failed"]) - set(one["runtime"]["failed"]))
        worse = worse or bool(ours_only)
        print(package.name, one, flush=True)
        FOUND.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        PAGE.write_text(page(found))
    return int(worse)


if __name__ == "__main__":
    sys.exit(main())
