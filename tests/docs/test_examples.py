"""The scripts that users copy must run, and the demo must tell what happened."""

from __future__ import annotations

import ast
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

#: Not networks of the literature, but what one does with networks.
SWEEPS = {"live_parameter_sweep.py", "sweep.py"}

#: What the networks of the gallery print, and between which bounds the numbers are right, by the
#: papers or by what is seen with Brian's runtime.
FOUND: dict[str, tuple[str, tuple[tuple[float, float], ...]]] = {
    "brunel_hakim.py": (r"fires at ([\d.]+) Hz, .* is (\d+) Hz", ((1, 10), (100, 200))),
    "cable.py": (r"([\d.]+) m/s", ((18, 19.5),)),
    "cobahh.py": (r"([\d.]+) Hz a neuron", ((10, 60),)),
    "cuba.py": (r"(\d+) spikes", ((10_000, 40_000),)),
    "decision.py": (r"A (\d+) Hz, B (\d+) Hz", ((8, 40), (0, 6))),
    "inhibitory_plasticity.py": (r"(\d+) Hz at first, ([\d.]+) Hz", ((20, 300), (2.5, 6))),
    "izhikevich.py": (r"([\d.]+) Hz a neuron", ((4, 14),)),
    "kuramoto.py": (r"order ([\d.]+) without coupling, ([\d.]+) with", ((0, 0.15), (0.78, 0.85))),
    "reservoir.py": (r"later: ([\d.]+) .* ([\d.]+)$", ((0.8, 1), (0, 0.1))),
    "short_term_plasticity.py": (r"at ([\d.]+) Hz\n.*at ([\d.]+) Hz", ((0.4, 0.6), (5, 25))),
    "stdp.py": (r"([\d.]+) Hz", ((5, 40),)),
    "synfire_chain.py": (r"(\d+) of the last.*\n.*: (\d+) of the last", ((90, 110), (0, 40))),
    "unsupervised_learning.py": (r"(\d+)% of the spikes.*\n(\d+) of 16", ((90, 100), (12, 16))),
}


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
    pattern, bounds = FOUND.get(script, ("", ()))
    found = re.search(pattern, done.stdout, re.MULTILINE)
    assert found, done.stdout
    for number, (least, most) in zip(found.groups(), bounds, strict=True):
        assert least <= float(number) <= most, done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_example_starts_with_the_two_lines(script: str) -> None:
    text = (EXAMPLES / script).read_text(encoding="utf-8")
    assert 'from brian2 import *\nimport brian2genn\n\nset_device("genn")\n' in text


def test_the_gallery_has_twelve_networks_that_are_short_and_have_a_source():
    networks = [script for script in SCRIPTS if script not in SWEEPS]
    assert len(networks) >= 12
    assert set(networks) == set(FOUND), "the numbers of each are looked at"
    for script in networks:
        text = (EXAMPLES / script).read_text(encoding="utf-8")
        tree = ast.parse(text)
        assert re.search(r"\((19|20)\d\d\)", ast.get_docstring(tree) or ""), script
        code = text.splitlines()[tree.body[0].end_lineno :]
        assert sum(bool(line.strip()) for line in code) <= 60, script


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
