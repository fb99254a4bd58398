"""The scripts that users copy must run, and the demo must tell what happened."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import devices
from tests.paths import ROOT

EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name != "demo.py")


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "MPLBACKEND": "Agg", **devices.ON_THE_PROCESSOR},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_example_runs_to_its_end(script: str, tmp_path: Path) -> None:
    done = run_python(tmp_path, str(EXAMPLES / script))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "an example prints what came of it"


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_starts_with_the_two_lines(script: str) -> None:
    text = (EXAMPLES / script).read_text(encoding="utf-8")
    assert 'from brian2 import *\nimport brian2genn\n\nset_device("genn")\n' in text


def test_demo_shows_spikes_times_and_plots(tmp_path: Path) -> None:
    peers = ["--skip", "cpp_standalone", "--skip", "cython"]  # these compile for long
    done = run_python(tmp_path, str(EXAMPLES / "demo.py"), "--duration", "0.02", *peers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^genn +[\d,]+ +[\d.]+ Hz +[\d.]+ s +[\d.]+ s$", done.stdout, re.MULTILINE)
    for name in ("raster.png", "rates.png"):
        assert (tmp_path / "demo_output" / name).stat().st_size > 1000


def test_demo_fails_with_the_reason_when_this_package_cannot_run(tmp_path: Path) -> None:
    broken = tmp_path / "examples"
    broken.mkdir()
    (broken / "demo.py").write_text((EXAMPLES / "demo.py").read_text(encoding="utf-8"))
    text = (EXAMPLES / "cobahh.py").read_text(encoding="utf-8")
    (broken / "cobahh.py").write_text(text.replace("NeuronGroup(", "NoSuchGroup(", 1))
    peers = ["--skip", "cpp_standalone", "--skip", "cython"]
    done = run_python(tmp_path, str(broken / "demo.py"), "--duration", "0.01", *peers)
    assert done.returncode == 1
    assert "genn did not run: NameError: name 'NoSuchGroup' is not defined" in done.stdout


@pytest.mark.parametrize("device", ["genn", "cpp_standalone", "cython"])
def test_demo_changes_only_device_and_duration(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    import demo

    original = demo.SCRIPT.read_text(encoding="utf-8").splitlines()
    changed = demo.script_for(device, 0.5).splitlines()
    kept = original[: original.index("# What came of it")]
    new = [line for line in changed if line not in kept]
    expected = [*demo.DEVICES[device][1].splitlines(), "duration = 0.5*second"]
    assert new == [line for line in expected if line not in kept]
