"""Whether a GPU computes what the processor computes: seen on this machine, and remembered.

A wrong number looks like a right one. So before networks run on a GPU, a small one is run on it
and on the processor, and what both have computed is compared.
"""

from __future__ import annotations

import gc
import hashlib
import json
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..cache.files import read, write_somewhere
from ..cache.folder import cache_directory
from ..cuda.device.driver import Driver, TuningRules
from ..cuda.device.presence import driver_version
from .attempt import Attempt

#: Seconds that a GPU has to execute what takes it some milliseconds.
_PATIENCE = 60.0

#: Sentences that are told; the others follow from what is wrong in these.
_TOLD = 3


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


class Trying:
    """A trial that has begun, and will have a verdict.

    Parameters
    ----------
    driver : Driver
    rules : TuningRules, optional
        How time steps may be executed; usually as the driver says.
    """

    def __init__(self, driver: Driver, rules: TuningRules | None = None) -> None:
        self._driver = driver
        self.rules = rules or driver.rules
        self._began = time.perf_counter()
        self._attempt = Attempt(driver, self.rules)

    @property
    def is_in_vain(self) -> bool:
        """Whether it is known already that there will be no verdict."""
        return self._attempt.failure is not None

    def verdict(self, patience: float = _PATIENCE) -> Verdict:
        """Wait until all is compiled, and execute it on both; see `verdict`."""
        found = tuple(self._attempt.differences(patience))
        # nothing is left of it: not in the GPU's memory, and no expression that a script's next
        # network would share
        gc.collect()
        content = {
            "gpu": self._driver.identity,
            "ways": [meeting.value for meeting in self.rules.meetings],
            "driver": driver_version(),
            "differences": list(found),
            "tested": time.strftime("%Y-%m-%d %H:%M:%S"),
            "seconds": round(time.perf_counter() - self._began, 3),
        }
        text = json.dumps(content, indent=1) + "\n"
        path = write_somewhere(_path(self._driver, self.rules), text.encode())
        return Verdict(found, path)


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
    return known(driver, rules) or Trying(driver, rules).verdict(patience)


def known(driver: Driver, rules: TuningRules | None = None) -> Verdict | None:
    """The verdict that was found before, on this machine; None if there is none."""
    path = _path(driver, rules or driver.rules)
    found = _remembered(path, driver)
    return None if found is None else Verdict(found, path)


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
