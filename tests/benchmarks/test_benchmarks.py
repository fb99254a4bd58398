"""The benchmark networks build and spike, and the runner tells what it measured."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks import run
from benchmarks.networks import USUAL
from tests.paths import ROOT


@pytest.fixture(
    scope="module",
    # each network takes some seconds
    params=[
        pytest.param(["cuba"], id="cuba"),
        pytest.param(USUAL, id="all", marks=pytest.mark.slow),
    ],
)
def quick_run(request, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str]:
    """What the runner writes for small networks on Brian's NumPy runtime."""
    output = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks.run", "--quick", "--devices", "numpy"]
    command += ["--networks", *request.param]
    done = subprocess.run(
        [*command, "--output", str(output)], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((output / "quick.json").read_text()), (output / "quick.md").read_text()


def test_networks_spike_and_the_setting_is_recorded(quick_run: tuple[dict, str]) -> None:
    setting, text = quick_run
    for result in setting["results"]:
        assert result["spikes"], result
        assert all(count > 0 for count in result["spikes"].values()), result
        assert result["synapses"] > 0
        assert 0 < result["loop"] < result["whole"]
        assert result["memory"] > 1
    assert setting["machine"]["cpu"]
    assert setting["versions"]["brian2"] in text
    assert setting["command"] in text
    networks = [result["network"] for result in setting["results"]]
    assert networks[0] == "cuba" and len(networks) in (1, len(USUAL))
    for network in networks:
        assert f"| {network} | numpy |" in text


def made_up(device: str, repeat: int, loop: float, rate: float = 10.0) -> run.Result:
    """A result as a worker returns it."""
    return {
        "network": "cuba",
        "device": device,
        "repeat": repeat,
        "loop": loop,
        "whole": loop + 5,
        "cold": repeat == 0,
        "spikes": {"spikes": 100},
        "rates": {"spikes": rate},
        "memory": 100.0,
    }


def test_ratios_are_of_neighbouring_runs() -> None:
    results = [
        made_up("genn", 0, 1.0),
        made_up("cpp_standalone", 0, 4.0),
        made_up("genn", 1, 2.0),
        made_up("cpp_standalone", 1, 6.0),
        made_up("genn", 2, 1.0),
        {"network": "cuba", "device": "cpp_standalone", "repeat": 2, "error": "killed"},
    ]
    assert run.pair_ratios(results, "cuba", "genn", "loop") == [4.0, 3.0]
    assert run.pair_ratios(results, "cuba", "cpp_standalone", "loop") == []
    options = run.parse(["--networks", "cuba"])
    row = run.table(results, options).splitlines()[2]
    assert "| 3.5 (3-4) |" in row


def test_failed_device_is_shown() -> None:
    failed = {"network": "cuba", "device": "genn", "repeat": 0, "error": "no compiler"}
    options = run.parse(["--networks", "cuba", "--devices", "genn"])
    rows = run.table([failed], options).splitlines()
    assert rows[2].count("|") == rows[0].count("|")
    assert "failed" in rows[2]


def test_different_rates_are_told() -> None:
    same = [made_up("genn", 0, 1.0, rate=10.0), made_up("cpp_standalone", 0, 1.0, rate=10.4)]
    assert run.rates_differ(same) == []
    other = [made_up("genn", 0, 1.0, rate=10.0), made_up("cpp_standalone", 0, 1.0, rate=13.0)]
    (sentence,) = run.rates_differ(other)
    assert "cuba" in sentence
    assert "13 Hz on cpp_standalone" in sentence


def test_options() -> None:
    cold = run.parse(["--cold"])
    assert cold.networks == ["cobahh"]
    assert run.duration_of("cobahh", cold) == 0.1
    full = run.parse([])
    assert full.networks == USUAL
    assert (full.repeats, run.duration_of("cuba", full)) == (3, 1.0)
    with pytest.raises(SystemExit):
        run.parse(["--devices", "abacus"])
