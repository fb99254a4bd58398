"""One run of one kind on one device, in a process of its own; `benchmarks.kinds` starts it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brian2
from brian2 import prefs, set_device

from benchmarks.kinds import KINDS
from benchmarks.worker import peak_memory, simulate, versions


def _genn(threads: int) -> Callable[[str], None]:
    def use(directory: str) -> None:
        import brian2genn

        set_device("genn", backend="cpu", threads=threads)

    return use


def _cpp_standalone(directory: str) -> None:
    """Brian's C++ with its own flags and one thread.

    The project is in one place: what it has compiled for one run is there for the next.
    """
    prefs["devices.cpp_standalone.openmp_threads"] = 0
    # many groups are many files: not all compilers at once
    prefs["devices.cpp_standalone.extra_make_args_unix"] = [f"-j{os.cpu_count()}"]
    project = os.path.join(directory, "project")
    set_device("cpp_standalone", directory=project, build_on_run=True)


def _numpy(directory: str) -> None:
    prefs["codegen.target"] = "numpy"


DEVICES: dict[str, Callable[[str], None]] = {
    "genn": _genn(1),
    "genn_2": _genn(2),
    "cpp_standalone": _cpp_standalone,
    "numpy": _numpy,
}


def measure(
    kind: str, device: str, duration: float, quick: bool, seed: int, directory: str
) -> dict[str, Any]:
    """Make and run a network.

    Parameters
    ----------
    kind, device
        Keys of `KINDS` and `DEVICES`.
    duration
        Biological seconds.
    quick
        Whether to take the small size.
    seed
        For what Brian draws.
    directory
        Where to write projects.

    Returns
    -------
    dict
        What `benchmarks.worker.simulate` returns; ``memory``, ``versions``.
    """
    prefs["logging.console_log_level"] = "ERROR"
    DEVICES[device](directory)
    brian2.seed(seed)
    simulated = simulate(KINDS[kind].make(duration, quick), duration)
    return {
        "network": kind,
        "device": device,
        "duration": duration,
        **simulated,
        "memory": peak_memory(),
        "versions": versions(),
    }


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measure(**json.loads(sys.argv[1]))))
