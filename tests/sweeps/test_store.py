"""What is in the file of a sweep, and what happens when it is there already."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import threading
import time
from typing import ClassVar

import brian2
import filelock
import numpy as np
import pytest
from brian2 import ms
from brian2.utils.logger import catch_logs

import brian2genn
from brian2genn.sweeps import ChangedFunction, NoStore, fingerprint
from brian2genn.sweeps import store as store_module
from brian2genn.sweeps.store import Store
from tests.sweeps import functions

#: What was called. Of this object nobody can tell what it holds: another value that the function
#: uses would have changed.
Record = threading.local()
Record.calls, Record.fail = [], False


def counted(a, b=1, seed=None):
    Record.calls.append({"a": a, "b": b, "seed": seed})
    if Record.fail and a == 2:
        raise ValueError("not yet")
    return {"value": 10 * a + b, "array": np.arange(a) * ms}


@pytest.fixture(autouse=True)
def nothing_called():
    Record.calls.clear()
    Record.fail = False


@pytest.fixture
def path(tmp_path):
    return tmp_path / "scan.sweep"


def serial(parameters, path, function=counted, **options):
    return brian2genn.sweep(function, parameters, store=path, executor="serial", **options)


def test_nothing_runs_twice(path):
    first = serial({"a": [1, 2]}, path, repeats=2, seed=1)
    assert len(Record.calls) == 4
    again = serial({"a": [1, 2]}, path, repeats=2, seed=1)
    assert len(Record.calls) == 4
    assert [run["value"] for run in again] == [run["value"] for run in first] == [11, 11, 21, 21]
    # without a seed, that of the store
    assert len(serial({"a": [1, 2]}, path, repeats=2)) == 4
    assert len(Record.calls) == 4
    assert sorted(file.name for file in path.parent.iterdir()) == ["scan.sweep"]


def test_what_has_failed_runs_again(path):
    Record.fail = True
    assert len(serial({"a": [1, 2, 3]}, path).failed) == 1
    Record.fail = False
    results = serial({"a": [1, 2, 3]}, path)
    assert [call["a"] for call in Record.calls] == [1, 2, 3, 2]
    assert not results.failed
    assert [run["value"] for run in results] == [11, 21, 31]


def test_a_grid_that_grows(path):
    pytest.importorskip("xarray", reason="the extra 'sweep' is not installed")
    serial({"a": [1, 2], "b": [1]}, path, seed=1)
    with catch_logs(log_level=20) as logs:
        results = serial({"a": [1, 2, 3], "b": [1, 2]}, path, repeats=2, seed=1)
    assert any("has 2 of 12 results" in text for _, _, text in logs)
    assert len(Record.calls) == 12
    assert len(results) == 12
    assert results.array("value").shape == (3, 2, 2)
    fresh = serial({"a": [1, 2, 3], "b": [1, 2]}, path.with_name("other"), repeats=2, seed=1)
    assert [run.seed for run in fresh] == [run.seed for run in results]


def test_a_grid_that_changes_is_said(path):
    serial({"a": [1, 2]}, path, seed=1)
    with catch_logs(log_level=20) as logs:
        results = serial({"a": [5, 2]}, path, seed=1)
    assert any("1 results for other parameters" in text for _, _, text in logs)
    assert [run["value"] for run in results] == [51, 21]
    assert len(Record.calls) == 3
    with catch_logs(log_level=20) as logs:
        serial({"a": [5, 2]}, path, seed=2)
    assert any("the grid has changed" in text for _, _, text in logs)
    assert len(Record.calls) == 5
    # and what was there before is still there
    serial({"a": [1, 2]}, path, seed=1)
    assert len(Record.calls) == 5


def test_a_function_that_changes_is_said(path):
    def first(a):
        return {"value": a}

    def second(a):
        Record.calls.append(a)
        return {"value": -a}

    serial({"a": [1, 2]}, path, first)
    with pytest.raises(ChangedFunction, match=r"second' is not .*first'.*if_changed='anew'"):
        serial({"a": [1, 2]}, path, second)
    kept = serial({"a": [1, 2, 3]}, path, second, if_changed="keep")
    assert [run["value"] for run in kept] == [1, 2, -3]
    serial({"a": [1, 2]}, path, first, if_changed="anew")
    anew = serial({"a": [1, 2, 3]}, path, second, if_changed="anew")
    assert [run["value"] for run in anew] == [-1, -2, -3]


FACTOR = 1


def by_factor(a):
    return FACTOR * a


def indirectly(a):
    return by_factor(a)


def test_what_has_changed_is_named(path, monkeypatch):
    serial({"a": [1]}, path, indirectly)
    with monkeypatch.context() as patch:
        patch.setitem(globals(), "FACTOR", 2)
        with pytest.raises(ChangedFunction, match=r"function: 'FACTOR', which 'indirectly' uses,"):
            serial({"a": [1]}, path, indirectly)
    before = brian2.defaultclock.dt
    brian2.defaultclock.dt = 0.3 * ms
    try:
        with pytest.raises(ChangedFunction, match="function: the default time step, which"):
            serial({"a": [1]}, path, indirectly)
    finally:
        brian2.defaultclock.dt = before


def test_another_python_cannot_tell(path, monkeypatch):
    serial({"a": [1]}, path)
    changed = {**fingerprint.parts_of(counted), fingerprint.ITSELF: "other"}
    monkeypatch.setattr(fingerprint, "parts_of", lambda function: changed)
    with pytest.raises(ChangedFunction, match="'counted' changed since then"):
        serial({"a": [1]}, path)
    monkeypatch.setattr(fingerprint, "PYTHON", "3.99")
    with catch_logs() as logs:
        assert serial({"a": [1]}, path)[0]["value"] == 11
    assert any("it cannot be told" in text for _, _, text in logs)


def test_other_programs_can_read_it(path):
    serial({"a": [2], "b": [5]}, path, seed=1)
    connection = sqlite3.connect(path)
    assert dict(connection.execute("SELECT name, value FROM sweep"))["function"] == "counted"
    assert connection.execute("SELECT number, state FROM runs").fetchall() == [(0, "done")]
    numbers = dict(connection.execute("SELECT name, number FROM entries WHERE number IS NOT NULL"))
    assert numbers == {"a": 2, "b": 5, "value": 25}
    ((unit, data),) = connection.execute("SELECT unit, data FROM entries WHERE name = 'array'")
    assert unit == "s"
    np.testing.assert_allclose(np.load(io.BytesIO(data)), [0, 0.001])


def test_it_can_be_opened_without_the_function(path):
    pytest.importorskip("xarray", reason="the extra 'sweep' is not installed")
    serial({"a": [1, 2]}, path, repeats=2)
    found = brian2genn.load_sweep(path)
    assert found.array("value").shape == (2, 2)
    assert found.parameters == ["a"]
    assert found.names == ["value", "array"]
    with pytest.raises(FileNotFoundError):
        brian2genn.load_sweep(path.with_name("none"))
    assert not path.with_name("none").exists()


def test_what_is_no_store(path):
    path.write_text("some text that somebody needs " * 100)
    with pytest.raises(NoStore, match="not a database"):
        serial({"a": [1]}, path)
    assert path.read_text().startswith("some text")
    other = path.with_name("other")
    sqlite3.connect(other).execute("CREATE TABLE birds (name TEXT)")
    with pytest.raises(NoStore, match="something else"):
        serial({"a": [1]}, other)
    with pytest.raises(NoStore, match="cannot be opened"):
        serial({"a": [1]}, path.parent / "no folder" / "scan")
    with pytest.raises(NoStore, match="cannot be opened"):
        serial({"a": [1]}, path.parent)


def test_a_format_that_is_not_known(path):
    serial({"a": [1]}, path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sweep SET value = '99' WHERE name = 'format'")
    with pytest.raises(NoStore, match="format 99"):
        serial({"a": [1]}, path)


def test_two_sweeps_do_not_share_a_store(path):
    def simulate(a):
        serial({"a": [1]}, path)

    results = serial({"a": [1]}, path, simulate)
    assert "Another process is running a sweep" in results.failed[0].error


def test_the_file_that_locks_goes_while_it_is_locked(path, monkeypatch):
    """Later, it may be that of another process, which would not keep others away any more."""
    happened = []
    release, unlink = filelock.FileLock.release, os.unlink

    def seen_release(self, *arguments, **options):
        happened.append("release")
        return release(self, *arguments, **options)

    def seen_unlink(file, *arguments, **options):
        if str(file).endswith(".lock"):
            happened.append("unlink")
        return unlink(file, *arguments, **options)

    monkeypatch.setattr(filelock.FileLock, "release", seen_release)
    monkeypatch.setattr(store_module.os, "unlink", seen_unlink)
    serial({"a": [1]}, path)
    assert happened.index("unlink") < happened.index("release")
    assert sorted(file.name for file in path.parent.iterdir()) == ["scan.sweep"]


def test_large_values_are_in_pieces(path, monkeypatch):
    monkeypatch.setattr(store_module, "_PIECE", 1000)
    value = np.arange(5000)
    results = serial({"a": [1]}, path, lambda a: value)
    np.testing.assert_array_equal(results[0]["result"], value)
    pieces = sqlite3.connect(path).execute("SELECT count(*) FROM entries WHERE role = 'result'")
    assert pieces.fetchone() == (41,)


def test_a_transaction_is_whole(path):
    """What is written when something goes wrong has never been there."""
    serial({"a": [1, 2]}, path)
    store = Store(path)
    before = store.states()

    class Wrong:
        results: ClassVar[dict] = {"x": None}  # cannot be written
        state, seconds, worker, error, traceback = "failed", 0.0, "", "", ""

    with pytest.raises(AttributeError):
        store.record([(1, Wrong, 1), (2, Wrong, 1)])
    assert store.states() == before
    assert json.loads(store.note("axes")) == ["a", "repeat"]


def test_many_runs_take_a_time_that_grows_with_their_number(path):
    """Runs are looked up in the file, not looked for."""
    results = serial({"a": range(2000)}, path, lambda a: {"value": a})
    began = time.process_time()
    assert sum(run["value"] for run in results) == 1999000
    assert time.process_time() - began < 5


def test_no_room(path):
    """As on a full disk: the sweep ends with the reason, and goes on later."""
    store = Store(path)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]

    def simulate(a):
        return np.zeros(20_000)

    with pytest.MonkeyPatch.context() as patch:
        connect = Store._connect

        def limited(self):
            connection = connect(self)
            connection.execute(f"PRAGMA max_page_count = {pages + 60}")
            return connection

        patch.setattr(Store, "_connect", limited)
        with pytest.raises(NoStore, match=r"full.*the same call goes on"):
            serial({"a": [1, 2, 3]}, path, simulate)
    assert [run.state for run in brian2genn.load_sweep(path)] == ["done", None, None]
    assert not serial({"a": [1, 2, 3]}, path, simulate).failed


def test_names_that_are_no_text(path):
    results = serial({"a": [1]}, path, lambda a: {"\udc80": 1})
    assert "cannot be the name of a result" in results.failed[0].error
    with pytest.raises(ValueError, match="cannot be the name of a parameter"):
        serial({"\udc80": [1]}, path, lambda **names: 1)


def test_text_that_is_no_text(path):
    def simulate(a):
        raise ValueError("\udc80")

    assert serial({"a": [1]}, path, simulate).failed[0].error == "ValueError: ?"


def test_a_result_of_a_class_of_the_script(path):
    results = serial({"a": [1]}, path, lambda a: {"x": functions.NoText("x")})
    assert isinstance(results[0]["x"], functions.NoText)
