"""Nothing is lost: workers, and the process that calls `sweep`, are killed at any moment.

By default the script of a sweep and its workers are killed 200 times (``BRIAN2GENN_TEST_KILLS``).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import brian2genn
from tests import devices
from tests.sweeps import functions

pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")
pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("BRIAN2GENN_TEST_KILLS", "200"))

SCRIPT = """
import os, sys, time
from pathlib import Path
import numpy as np
import brian2genn

def simulate(a, seed):
    # each line is a run that has begun
    with open("begun", "a") as file:
        file.write(f"{a} {os.getpid()}\\n")
    time.sleep(float(sys.argv[2]))
    return {"value": np.random.rand(1000), "process": os.getpid()}

if __name__ == "__main__":
    Path("started").write_text(str(os.getpid()))
    results = brian2genn.sweep(simulate, {"a": range(int(sys.argv[1]))}, seed=1, store="scan")
    print(repr(results))
"""


def start(folder: Path, runs: int, seconds: float = 0.05) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(SCRIPT)
    for name in ("begun", "started"):
        (folder / name).unlink(missing_ok=True)
    source = Path(functions.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "script.py", str(runs), str(seconds)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{source / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
            **devices.ON_THE_PROCESSOR,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def done(folder: Path) -> dict[int, bytes]:
    """What is in the store, by the number of the run; the file must be whole."""
    if not (folder / "scan").exists():
        return {}
    connection = sqlite3.connect(folder / "scan")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
        return {}
    rows = connection.execute(
        "SELECT runs.number, entries.data FROM runs JOIN entries ON entries.run = runs.id"
        " WHERE entries.role = 'result' AND entries.name = 'value'"
    ).fetchall()
    states = connection.execute("SELECT count(*) FROM runs WHERE state = 'done'").fetchone()
    assert states == (len(rows),)
    connection.close()
    return {number: bytes(data) for number, data in rows}


def begun(folder: Path) -> int:
    """How many runs have begun since the script was started."""
    file = folder / "begun"
    return file.read_text().count("\n") if file.exists() else 0


def workers(folder: Path) -> set[int]:
    file = folder / "begun"
    lines = file.read_text().splitlines() if file.exists() else []
    return {int(line.split()[1]) for line in lines if len(line.split()) == 2}


def is_there(process: int) -> bool:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def ends(processes: set[int], seconds: float = 60) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if not any(map(is_there, processes)):
            return True
        time.sleep(0.1)
    return False


def test_nothing_is_lost(tmp_path):
    """Half of the victims are workers, of which a sweep must not take notice, but of one run."""
    chance = random.Random(2)
    runs = 40 * max(KILLS, 5)
    kept: dict[int, bytes] = {}
    kills = 0
    while kills < KILLS:
        process = start(tmp_path, runs)
        began, enough = time.monotonic(), chance.randrange(40)
        while begun(tmp_path) <= enough and process.poll() is None:
            assert time.monotonic() - began < 600
            time.sleep(0.02)
        for _ in range(chance.randrange(6)):  # first some workers
            time.sleep(chance.random())
            there = [number for number in workers(tmp_path) if is_there(number)]
            if there:
                os.kill(chance.choice(there), signal.SIGKILL)
                kills += 1
        time.sleep(2 * chance.random())
        assert process.poll() is None, process.communicate()[0]
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        process.communicate()
        kills += 1
        assert ends(workers(tmp_path)), "workers outlive the process that started them"
        now = done(tmp_path)
        assert kept.items() <= now.items(), "a result was lost, or is another one now"
        kept = now
        print(f"{kills} kills, {len(kept)} results")
    assert kept
    process = start(tmp_path, len(kept) + 20)
    told, _ = process.communicate(timeout=600)
    assert process.returncode == 0, told
    final = done(tmp_path)
    assert kept.items() <= final.items()
    # and they are what they would be without all that
    found = brian2genn.load_sweep(tmp_path / "scan")
    for run in list(found)[:: max(len(found) // 50, 1)]:
        if run.state == "done":
            np.random.seed(run.seed)
            np.testing.assert_array_equal(run["value"], np.random.rand(1000))


def test_ctrl_c_ends_everything(tmp_path):
    process = start(tmp_path, 10_000)
    while not workers(tmp_path) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "SweepInterrupted" in told
    assert "'scan', and the same call goes on there" in told
    assert ends(workers(tmp_path))
    assert len(done(tmp_path)) > 5


def test_two_times_ctrl_c_is_one(tmp_path):
    """As ``timeout -s INT`` does, to all processes of a group."""
    process = start(tmp_path, 4, seconds=300)
    while not workers(tmp_path) and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.001)
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 20
    assert "SweepInterrupted" in told
    for wrong in ("CalledProcessError", "Failed to kill", "Exception in thread", "leaked"):
        assert wrong not in told, told
    assert ends(workers(tmp_path), seconds=5)
