"""The package runs where Python lacks what Linux has: no fork, no signals of POSIX, no /proc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import devices

pytestmark = pytest.mark.skipif(devices.DEVICE != "genn", reason="about this package")

#: What Python on Windows does not have. Taken away after NumPy and Brian have been imported, whose
#: own affair it is. What asks for ``os.name`` stays: pathlib would make paths of Windows.
TAKE_AWAY = """
import os, signal, sys
import concurrent.futures, multiprocessing, multiprocessing.util, subprocess, tempfile
import brian2, filelock, joblib, platformdirs

for name in ("fork", "killpg", "setsid", "getpgid", "sched_getaffinity", "confstr",
             "register_at_fork", "fchmod", "chown", "WIFEXITED",
             "pread", "sysconf", "statvfs", "getloadavg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGALRM", "SIGKILL", "SIGHUP", "setitimer", "alarm", "pthread_kill",
             "pthread_sigmask", "ITIMER_REAL", "sigwait"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("fcntl", "resource", "grp", "pwd", "termios"):
    sys.modules[name] = None
sys.platform = "win32"
"""

RUN = """
import brian2genn
from brian2 import *

def simulate(a):
    cells = NeuronGroup(20, "dv/dt = (a - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
                        method="exact")
    wires = Synapses(cells, cells, on_pre="v += 0.01", delay=1*ms)
    wires.connect(p=0.3)
    spikes = SpikeMonitor(cells)
    run(20*ms)
    return {"n": int(spikes.num_spikes)}

set_device("genn", backend="cpu")
print(simulate(1.5)["n"] > 0)
print(brian2genn.explain())
results = brian2genn.sweep(simulate, {"a": [1.2, 1.5]}, seed=1, executor="serial", store="scan",
                           timeout=60)
print(results, results.failed)
"""


@pytest.mark.slow
def test_what_only_linux_has_is_not_needed(tmp_path):
    source = Path(__file__).parents[2] / "src"
    (tmp_path / "script.py").write_text(TAKE_AWAY + RUN)
    own = {"PYTHONPATH": str(source), "BRIAN2GENN_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, **own},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.startswith("True")
    assert "2 done, 0 failed" in done.stdout
    assert "0 run by Brian" in done.stdout
