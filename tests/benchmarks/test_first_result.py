"""The table of times until the result: every goal is in it, and what misses it is marked."""

import pytest

from benchmarks import first_result
from benchmarks.around import TASKS
from benchmarks.scripts import SCRIPTS


@pytest.fixture
def seconds(monkeypatch):
    """What is measured of names and devices; of all others, one second."""
    known: dict[tuple[str, str], tuple[float, float] | None] = {}
    monkeypatch.setattr(
        first_result, "in_a_process",
        lambda name, device, cache, options: known.get((name, device), (1.0, 1.0)),
    )  # fmt: skip
    return known


def rows_of(*arguments: str) -> list[str]:
    options = first_result.parse(arguments)
    return [*first_result.scripts_table(options), *first_result.tasks_table(options)]


def test_all_is_measured(seconds):
    rows = rows_of("--rounds", "1", "--synapses", "2e5", "--pairs", "1e6")
    assert len(rows) == len(SCRIPTS) + len(TASKS) + 4
    assert any("326 `Synapses`, 2e+05 synapses" in row for row in rows)
    assert any("1e+06 pairs" in row for row in rows)


def test_goals_that_are_missed_are_marked(seconds):
    seconds["cuba", "genn"] = 0.2, 2.0
    seconds["cuba", "numpy"] = 0.1, 1.0
    *_, row = rows_of("--only", "cuba", "--rounds", "2")
    warm, cold, numpy, cython = (row.split("|")[k] for k in (3, 5, 6, 7))
    assert warm.strip() == "0.25"
    assert cold.strip() == "1.2"
    assert "0.5 times **missed**" in numpy
    assert "0.5 times **missed**" in cython
    seconds["operation", "genn"], seconds["operation", "cython"] = (2.0, 2.0), (9.0, 9.0)
    assert "4.5 times **missed**" in rows_of("--only", "operation")[-1]
    seconds["operation", "cython"] = 10.0, 10.0
    assert "missed" not in rows_of("--only", "operation")[-1]


def test_what_fails_misses_its_goals(seconds):
    seconds["stdp", "genn"] = None
    seconds["importing", "genn"] = None
    row, other = (rows_of("--only", name)[-1] for name in ("stdp", "importing"))
    assert row.count("**missed**") == 4
    assert "failed" in other and "**missed**" in other


def test_the_spread_is_told():
    assert first_result.shown([3.0, 1.0, None, 2.0]) == ("2 (1-3)", 2.0)
