"""Whether a GPU computes what the processor computes: seen on this machine, and remembered.

A wrong number looks like a right one. So before networks run on a GPU, a small one is run on it
and on the processor, and what both have computed is compared.
"""

from __future__ import annotations

import gc
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...codegen.c.program import print_program
from ...transforms.pipeline import FOR_A_PROCESSOR, lower
from ..cache.files import read, write_somewhere
from ..cache.folder import cache_directory
from ..cpu.backend import CpuBackend
from ..cuda.backend import CudaBackend
from ..cuda.device.driver import CudaError, CudaLost, Driver, TuningRules
from ..cuda.device.presence import driver_version
from ..cuda.setup import DeviceSetup
from ..host import toolchain
from .background import InBackground
from .building import SetupTrial
from .comparison import differences
from .execution import Results, build, execute, raw_value
from .network import Trial, make_trial

#: Seconds that a GPU has to execute what takes it some milliseconds.
_PATIENCE = 60.0

#: Sentences that are told; the others follow from what is wrong in these.
_TOLD = 3


class TrialError(Exception):
    """There is no verdict, because a GPU could not execute the trial; the message says why.

    Parameters
    ----------
    reason : str
    is_final : bool, optional
        Whether the GPU cannot be tried again by this process.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class NothingToCompare(Exception):
    """There is no verdict, because the processor could not execute the trial."""


@dataclass(frozen=True)
class Verdict:
    """What came of the comparison.

    Attributes
    ----------
    differences : tuple of str
        What the GPU computed otherwise than the processor; empty if nothing.
    path : Path
        The file that remembers it, and tells what is to be reported.
    """

    differences: tuple[str, ...]
    path: Path

    @property
    def is_right(self) -> bool:
        """Whether networks can run on this GPU."""
        return not self.differences

    def told(self) -> str:
        """The differences as part of a sentence."""
        more = len(self.differences) - _TOLD
        told = "; ".join(self.differences[:_TOLD])
        return f"{told}; and {more} more" if more > 0 else told


def verdict(
    driver: Driver, rules: TuningRules | None = None, patience: float = _PATIENCE
) -> Verdict:
    """Whether a GPU computes what the processor computes; found out once per machine.

    Parameters
    ----------
    driver : Driver
    rules : TuningRules, optional
        How time steps may be executed; usually as the driver says.
    patience : float, optional
        Seconds that the GPU has to execute the trial.

    Raises
    ------
    TrialError
        If the GPU could not execute it.
    NothingToCompare
        If the processor could not.
    """
    rules = rules or driver.rules
    path = _path(driver, rules)
    known = _remembered(path, driver)
    if known is not None:
        return Verdict(known, path)
    began = time.perf_counter()
    found = tuple(_compared(driver, rules, patience))
    # nothing is left of it: not in the GPU's memory, and no expression that a script's next
    # network would share, and order, with it
    gc.collect()
    content = {
        "gpu": driver.identity,
        "ways": [meeting.value for meeting in rules.meetings],
        "driver": driver_version(),
        "differences": list(found),
        "tested": time.strftime("%Y-%m-%d %H:%M:%S"),
        "seconds": round(time.perf_counter() - began, 3),
    }
    text = json.dumps(content, indent=1) + "\n"
    return Verdict(found, write_somewhere(path, text.encode()))


# -- what is remembered ------------------------------------------------------------


def _path(driver: Driver, rules: TuningRules) -> Path:
    """Another file for everything that could make another verdict."""
    ways = ", ".join(meeting.name for meeting in rules.meetings)
    parts = driver.identity, str(driver_version()), _package_digest(), ways
    digest = hashlib.sha256("\n".join(parts).encode())
    return cache_directory() / f"gpu-{digest.hexdigest()[:32]}.json"


@cache
def _package_digest() -> str:
    """Of all that this package consists of: its version, and what programs are made by."""
    package = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in (".py", ".c", ".h", ".j2"):
            digest.update(str(path.relative_to(package)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _remembered(path: Path, driver: Driver) -> tuple[str, ...] | None:
    """The differences that were found before; None if nothing is known, or nothing readable."""
    try:
        content: Any = json.loads(read(path) or b"")
        if content["gpu"] != driver.identity or not isinstance(content["differences"], list):
            return None
        return tuple(str(difference) for difference in content["differences"])
    except (ValueError, TypeError, KeyError):
        return None


# -- how it is found out -------------------------------------------------------------


def _compared(driver: Driver, rules: TuningRules, patience: float) -> Sequence[str]:
    """Execute the trial here and there; what differs."""
    try:
        toolchain.find()
    except toolchain.ToolchainError as error:
        raise NothingToCompare(str(error)) from error
    trial, pieces = make_trial(), SetupTrial()
    host = _compiling(trial, pieces)  # in the background: a compiler is a process of its own
    try:
        # so that all ways to execute time steps have their turns
        backend = CudaBackend(driver, raw_value, rules=replace(rules, steps=3))
        program = build(trial, backend)
        setup = DeviceSetup(driver, backend.memory, setup_from=0)
        pieces.compile_for(driver)

        def on_device() -> tuple[Results, Results]:
            network = execute(trial, backend, program)
            return network, pieces.execute_on(setup, backend.before_access)

        found = InBackground(on_device).result(patience)
    except MemoryError as error:
        free, total = (nbytes / 2**20 for nbytes in driver.memory())
        raise TrialError(
            f"it has no memory left ({free:,.0f} of {total:,.0f} MiB are free)"
        ) from error
    except TimeoutError as error:
        slow = f"it had not finished a few time steps after {patience:g} s"
        raise TrialError(slow, is_final=True) from error
    except CudaError as error:
        raise TrialError(str(error), is_final=isinstance(error, CudaLost)) from error
    except Exception as error:  # whatever it is, a script that asks for no GPU must not end
        raise TrialError(f"{type(error).__name__}: {error}") from error
    try:
        host.result()
        cpu = CpuBackend()
        expected = execute(trial, cpu, build(trial, cpu)), pieces.execute_here()
    except Exception as error:  # as above
        raise NothingToCompare(f"{type(error).__name__}: {error}") from error
    return [
        *differences(expected[0], found[0]),
        *differences(expected[1], found[1], exact=True),
    ]


def _compiling(trial: Trial, pieces: SetupTrial) -> InBackground[None]:
    """Have the C compiler at work, so that what it makes is there when it is needed.

    Texts are printed first: expressions are for one thread at a time.
    """
    network = trial.network.copied()
    lower(network, FOR_A_PROCESSOR)
    text = print_program(network).text
    setup_texts = pieces.texts()

    def compile_all() -> None:
        chain = toolchain.find()
        first = InBackground(lambda: toolchain.compile_library(chain, text, "network"))
        for setup_text in setup_texts:
            toolchain.compile_library(chain.for_setup(), setup_text, "setup")
        first.result()

    return InBackground(compile_all)
