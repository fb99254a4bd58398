"""However many runs and workers there are, a program is compiled once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from brian2genn.backends.host import toolchain
from tests import devices
from tests.sweeps import functions

pytest.importorskip("joblib", reason="the extra 'sweep' is not installed")
pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from brian2 import *
import brian2genn
from tests.sweeps.functions import neurons

if __name__ == "__main__":
    runs, workers = map(int, sys.argv[1:])
    results = brian2genn.sweep(neurons, {"tau": linspace(5, 20, runs)*ms}, seed=1, workers=workers)
    assert not results.failed, results.failed[0]
    print(len({float(run["rate"]) for run in results}))
"""


def compilations(folder: Path, runs: int, workers: int) -> int:
    """How often a compiler was called with a text to compile, from an empty cache."""
    folder.mkdir()
    (folder / "script.py").write_text(SCRIPT)
    compiler = " ".join(toolchain.find().c)
    wrapper = folder / "compiler"
    wrapper.write_text(
        f'#!/bin/sh\ncase "$*" in *.c*) echo "$*" >> {folder}/calls;; esac\nexec {compiler} "$@"\n'
    )
    wrapper.chmod(0o755)
    source = Path(functions.__file__).parents[2]
    path = os.pathsep.join([str(source), str(source / "src"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "script.py", str(runs), str(workers)],
        cwd=folder, check=True, timeout=900,
        env={
            **os.environ, "PYTHONPATH": path, "CC": str(wrapper),
            "BRIAN2GENN_CACHE_DIR": str(folder / "cache"), **devices.ON_THE_PROCESSOR,
        },
    )  # fmt: skip
    return len((folder / "calls").read_text().splitlines())


def test_a_thousand_runs_compile_once(tmp_path):
    one = compilations(tmp_path / "one", 1, 1)
    assert compilations(tmp_path / "many", 1000, 2) == one


def test_workers_that_start_at_once_compile_once(tmp_path, monkeypatch):
    """Six of them, on however few cores there are."""
    one = compilations(tmp_path / "one", 1, 1)
    share = "import brian2genn.sweeps.resources as r\nr.usable_cores = lambda: 6\n"
    monkeypatch.setattr(sys.modules[__name__], "SCRIPT", share + SCRIPT)
    assert compilations(tmp_path / "many", 12, 6) == one
