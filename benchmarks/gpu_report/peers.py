"""Build peers' programs where there is no GPU: ``python -m benchmarks.gpu_report.peers --build F``.

They are compiled for compute capability 9.0, one after the other. GeNN asks for a GPU before it
generates anything: it is shown a stand-in.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu_report.parts import (
    COMPARED,
    COMPARED_SECONDS,
    QUICK_SECONDS,
    cores,
    cuda_toolkit,
)
from benchmarks.gpu_report.programs import program
from benchmarks.run import ROOT

#: By peer: the task that builds, and the backend.
_PEERS = {
    "GeNN": ("build_genn", "pygenn"),
    "Brian2CUDA": ("build_brian2cuda", "brian2cuda"),
}


def stand_in(folder: Path, cuda_path: str) -> dict[str, str]:
    """Compile the stand-in for CUDA; what has to be in the environment of who uses it."""
    library = folder / "libcuda.so.1"
    subprocess.run(
        [
            "gcc", "-O1", "-Wall", "-shared", "-fPIC", f"-Wl,-soname,{library.name}",
            f"-I{cuda_path}/include", str(Path(__file__).with_name("standin.c")),
            "-o", str(library),
        ], check=True,
    )  # fmt: skip
    return {"LD_PRELOAD": str(library), "LD_LIBRARY_PATH": str(folder)}


def build(
    folder: Path, peer: str, network: str, *, quick: bool, processes: int, cuda_path: str
) -> bool:
    """Build a peer's program for a network.

    Returns
    -------
    bool
        Whether it could be.
    """
    task, backend = _PEERS[peer]
    archive = program(folder, peer, network).absolute()
    job = {
        "task": task, "network": network, "backend": backend, "quick": quick,
        "duration": QUICK_SECONDS if quick else COMPARED_SECONDS[network],
        "processes": processes, "archive": str(archive),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="peers_") as scratch:
        environment = os.environ | {
            "CUDA_PATH": cuda_path,
            "BRIAN2GENN_CACHE_DIR": f"{scratch}/cache",
        }
        if peer == "GeNN":
            environment |= stand_in(Path(scratch), cuda_path)
        found = Path(scratch) / "result.json"
        command = [sys.executable, "-m", "benchmarks.gpu_report.worker", json.dumps(job)]
        done = subprocess.run([*command, str(found)], cwd=ROOT, env=environment)
    return done.returncode == 0 and archive.exists()


def main(arguments: Sequence[str] | None = None) -> int:
    """Build what is wanted; the exit status is 1 if something could not be built."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_report.peers",
        description="Build peers' programs for the report's --prebuilt; no GPU is needed.",
    )
    parser.add_argument("--build", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="of names as 'cobahh GeNN', 'stdp_large Brian2CUDA'")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--processes", type=int, default=len(cores()), help="that compile at once")
    options = parser.parse_args(arguments)
    cuda_path = cuda_toolkit()
    if not cuda_path:
        parser.error("there is no CUDA toolkit: CUDA_PATH says where one is")
    failed = []
    for name in COMPARED:
        for peer in _PEERS:
            if not re.search(options.only, f"{name} {peer}"):
                continue
            began = time.perf_counter()
            built = build(
                options.build, peer, name, quick=options.quick, processes=options.processes,
                cuda_path=cuda_path,
            )  # fmt: skip
            told = "built" if built else "not built"
            print(f"{name} {peer}: {told}, {time.perf_counter() - began:.0f} s", flush=True)
            failed += [] if built else [name]
    size = sum(file.stat().st_size for file in options.build.glob("*.tar.xz"))
    print(f"{options.build}: {size / 1e6:.1f} MB")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
