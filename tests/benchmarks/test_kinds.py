"""The kinds of networks run as Brian's runtime runs them; their runner tells what it measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from brian2 import SpikeMonitor, get_device, second, seed, set_device

from benchmarks.kinds import KINDS, __main__, report
from benchmarks.worker import network_of, objects_of
from tests import devices
from tests.semantics.harness import Case, Result, Tolerance, compare, observe

#: Sums of many terms in another order, and some hundred steps of nonlinear equations after that.
TOLERANCE = Tolerance(1e-7, 1e-8)
DETERMINISTIC = [name for name, kind in KINDS.items() if not kind.random]


def simulated(name: str) -> Result:
    """All that can be observed of a small network of one kind."""
    kind = KINDS[name]
    seed(1)
    np.random.seed(1)
    namespace = kind.make(kind.quick_duration, quick=True)
    network_of(namespace).run(kind.quick_duration * second, namespace=namespace)
    objects = objects_of(namespace)
    monitors = [value for value in objects.values() if isinstance(value, SpikeMonitor)]
    return observe(**objects, spikes_of_all=np.array([m.num_spikes for m in monitors]))


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_kind_runs(name: str) -> None:
    result = Case(simulated, {"name": name}).run("genn")
    for label, values in result.items():
        # a neuron that has not spiked yet did so at minus infinity; where nothing is of a rate,
        # nothing is measured
        if values.dtype.kind == "f" and not label.endswith(("lastspike", "lastupdate")):
            assert np.isfinite(values).all(), label
    counts = result["spikes_of_all"]
    assert not counts.size or counts.sum() > 0, "nobody spikes"


@pytest.mark.slow
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_kind_agrees(name: str) -> None:
    case = Case(simulated, {"name": name}, TOLERANCE)
    compare(case.run("runtime"), case.run("genn"), TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_cpp_standalone_takes_kind(name: str, tmp_path: Path) -> None:
    # it knows few values before the run; the compiler is not asked
    kind = KINDS[name]
    devices.reset()
    try:
        set_device("cpp_standalone", directory=str(tmp_path), build_on_run=False)
        namespace = kind.make(kind.quick_duration, quick=True)
        network_of(namespace).run(kind.quick_duration * second, namespace=namespace)
        get_device().build(str(tmp_path), compile=False, run=False, direct_call=False)
        assert (tmp_path / "main.cpp").exists()
    finally:
        devices.reset()


def test_list_is_of_the_field() -> None:
    assert len(KINDS) >= 28
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)
    for kind in KINDS.values():
        assert 0 < kind.quick_duration <= kind.duration, kind.name


def test_files_are_short() -> None:
    for file in Path(report.__file__).parent.glob("*.py"):
        assert len(file.read_text().splitlines()) < 400, file.name


def made_up(device: str, pair: int, loop: float) -> dict:
    """A result as a worker returns it."""
    return {
        "network": "cuba",
        "device": device,
        "repeat": pair,
        "loop": loop,
        "processor": loop / 2,
        "memory": 100.0,
        "rates": {},
    }


def rows(*loops: tuple[float, float, float]) -> list[report.Row]:
    """What is reported of pairs of loops: one thread, two, and cpp_standalone."""
    results = [
        made_up(device, pair, loop)
        for pair, seconds in enumerate(loops)
        for device, loop in zip(__main__.DEVICES, seconds, strict=True)
    ]
    return report.rows_of(results, ["cuba"])


SETTING = {
    "pairs": 3,
    "machine": {"cpu": "made up", "cores": 2, "system": "none", "load_average": 0},
    "versions": {},
    "commit": "abc",
    "command": "python -m benchmarks.kinds",
    "warnings": [],
    "again": 0,
}


def test_misses_are_told() -> None:
    fast, slow = rows((1, 0.5, 4), (1, 0.5, 9), (1, 1, 5)), rows((1, 1, 2))
    assert fast[0].ratio == 5
    assert fast[0].gain == 2
    assert "MISSES" not in report.line(fast[0])
    assert "MISSES" in report.line(slow[0])
    text = report.report([*fast, *slow], SETTING)
    assert "Geometric mean of 2 kinds: 3.16" in text
    assert "Below 2.5: cuba 2.00." in text
    assert "| 5 (4-9) | 5 (4-9) | 8 (5-18) | 2.00 |" in text


def test_failure_is_shown() -> None:
    failed = {"network": "cuba", "device": "genn", "repeat": 0, "error": "no compiler"}
    (row,) = report.rows_of([failed], ["cuba"])
    assert "genn: no compiler" in report.line(row)
    assert "failed: genn" in report.report([row], SETTING)


def test_runs_beside_which_the_machine_was_slow_are_made_again() -> None:
    pace = __main__.Pace()
    pulses = iter([(1.0, 1.1), (1.7, 1.0), (1.0, 1.0), (1.5, 1.5), (1.4, 1.3), (1.6, 1.0), (2, 2)])

    def run() -> dict:
        return {"pulses": next(pulses)}

    assert pace.run(run)["pulses"] == (1.0, 1.1)
    assert pace.run(run)["pulses"] == (1.0, 1.0)
    assert pace.again == 1
    # it stays slow: the best there is
    assert pace.run(run)["pulses"] == (1.4, 1.3)
    assert pace.again == 4
    assert pace.run(lambda: {"error": "none"}) == {"error": "none"}


def test_options() -> None:
    assert __main__.parse([]).pairs == 5
    assert __main__.parse([]).output is not None
    some = __main__.parse(["--only", "^cuba|stdp_one", "--quick"])
    assert (some.kinds, some.pairs, some.output) == (["cuba", "stdp_one"], 1, None)
    with pytest.raises(SystemExit):
        __main__.parse(["--only", "abacus"])
    with pytest.raises(SystemExit):
        __main__.parse(["--only", "("])


@pytest.mark.slow
def test_runner(tmp_path: Path) -> None:
    assert __main__.main(["--only", "^single$", "--quick", "--output", str(tmp_path)]) == 0
    text = (tmp_path / "kinds.md").read_text()
    assert re.search(r"Geometric mean of 1 kinds: \d", text)
    assert (tmp_path / "kinds.json").exists()
