"""Many random networks, in batches, each in a process of its own.

    python -m tests.random_networks.run --networks 2000 --seed 7

prints the seed and what became of every batch. Every network of a batch is run in a fork of that
process: one that dies costs this one network. All networks that die or differ are printed as
scripts, made smaller where time allows, and the batch goes on. ``--first`` goes on with a later
batch of the same seed. Which networks are hostile is drawn from the seed, too; ``--hostile``
changes their share. Four of five batches are compiled without optimisation, which takes a fraction
of the time; the others as the device compiles. ``BRIAN2GENN_TEST_THREADS=3`` lets three threads
share out all work.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.random_networks.strategies import HOSTILE_PERCENT

#: Networks in a batch.
BATCH = 40
#: Every so many batches are compiled as the device compiles.
OPTIMISED = 5


def quick_compiler(folder: Path) -> str | None:
    """A compiler that does not optimise, whatever it is told; none if there is none to wrap."""
    found = os.environ.get("CC") or next(
        (name for name in ("gcc", "cc", "clang") if shutil.which(name)), None
    )
    if found is None:
        return None
    wrapper = folder / "compiler"
    wrapper.write_text(f'#!/bin/sh\nexec {found} "$@" -O0\n')
    wrapper.chmod(0o755)
    return str(wrapper)


def run_batch(seed: int, number: int, size: int, hostile: int, compiler: str | None) -> bool:
    """Run one batch and print what it says; whether all was well."""
    with tempfile.TemporaryDirectory(prefix="brian2genn-property-") as folder:
        environment = {
            **os.environ,
            "MPLBACKEND": "Agg",
            "BRIAN2GENN_CACHE_DIR": folder,
        }
        optimised = compiler is None or number % OPTIMISED == 0
        if not optimised:
            environment["CC"] = compiler
        command = [sys.executable, "-m", "tests.random_networks.property"]
        done = subprocess.run(
            [*command, str(seed * 1_000_003 + number), str(size), str(hostile)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        how = "optimised" if optimised else "quick"
        if done.returncode == 0:
            print(f"batch {number} ({how}): {done.stdout.strip()}", flush=True)
            return True
        report = [f"batch {number} ({how}) FAILED", done.stdout, done.stderr]
        print("\n".join(report), flush=True)
        return False


def main() -> None:
    """Run the batches and say whether all networks agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--first", type=int, default=0, help="the first batch to run")
    parser.add_argument("--hostile", type=int, default=HOSTILE_PERCENT, metavar="PERCENT")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    sizes = [min(BATCH, options.networks - start) for start in range(0, options.networks, BATCH)]
    print(f"seed {options.seed}: {options.networks} networks, {len(sizes)} batches", flush=True)
    with tempfile.TemporaryDirectory(prefix="brian2genn-property-") as folder:
        compiler = quick_compiler(Path(folder))
        with ThreadPoolExecutor(options.processes) as pool:
            numbers = range(options.first, len(sizes))
            results = list(
                pool.map(
                    lambda k: run_batch(options.seed, k, sizes[k], options.hostile, compiler),
                    numbers,
                )
            )
    failed = [k for k, well in zip(numbers, results, strict=True) if not well]
    print(f"seed {options.seed}: {'failed batches: ' + str(failed) if failed else 'all agree'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
