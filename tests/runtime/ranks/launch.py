"""Runs a script in several processes that MPI starts, or in one."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests import devices

MPIRUN = shutil.which(
    "mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
_MISSING = [
    f"{name} is not installed (make test-mpi installs it)"
    for name, found in (("mpi4py", find_spec("mpi4py")), ("mpirun", MPIRUN))
    if not found
]
needs_mpi = pytest.mark.skipif(bool(_MISSING), reason="; ".join(_MISSING))

#: What comes before every script, and behind it.
BEGIN = """
import os, sys
import numpy as np
from brian2 import *
import brian2genn
from brian2genn.runtime.ranks import world
world.GRAIN = int(os.environ["GRAIN"])
rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0))
results = {}
set_device("genn", backend="cpu")
"""
END = """
np.savez(f"rank{rank}.npz", **results)
"""


@dataclass
class Done:
    """What came of a script: exit status, all that was written, and the results of each rank."""

    status: int
    text: str
    results: list[dict[str, np.ndarray]]


def launch(script: str, folder: Path, ranks: int = 1, grain: int = 8, seconds: int = 240) -> Done:
    """Run a script in so many processes.

    Parameters
    ----------
    script : str
        Puts arrays into `results`; `rank` is the number of the process.
    folder : Path
        An empty one.
    ranks : int, optional
        With 1, there is no MPI.
    grain : int, optional
        At multiples of how many elements groups are cut.
    seconds : int, optional
        Whoever hangs is ended after these.
    """
    (folder / "script.py").write_text(BEGIN + script + END)
    source = Path(__file__).parents[3]
    path = os.pathsep.join([str(source), str(source / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "GRAIN": str(grain),
        **devices.ON_THE_PROCESSOR,
    }
    environment["OMPI_MCA_mpi_yield_when_idle"] = "1"
    command = [sys.executable, "script.py"]
    if ranks > 1:
        options = ["-n", str(ranks), "--allow-run-as-root", "--oversubscribe"]
        command = [str(MPIRUN), *options, *command]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds
    )
    files = sorted(folder.glob("rank*.npz"))
    return Done(done.returncode, done.stdout + done.stderr, [dict(np.load(f)) for f in files])


def compare(script: str, folder: Path, ranks: int, grain: int = 8) -> list[str]:
    """What is not the same, bit by bit, in so many processes and in one; each rank has all."""
    (folder / "one").mkdir()
    (folder / "several").mkdir()
    alone = launch(script, folder / "one")
    together = launch(script, folder / "several", ranks, grain)
    assert alone.status == 0, alone.text
    assert together.status == 0, together.text
    assert len(together.results) == ranks
    (expected,) = alone.results
    return [
        f"{name} of process {rank}"
        for rank, found in enumerate(together.results)
        for name, value in expected.items()
        if not np.array_equal(found[name], value, equal_nan=value.dtype.kind == "f")
    ]
