"""Where the time of a run went."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...backends.host import waiting


@dataclass
class Times:
    """Seconds of one run, for people.

    Attributes
    ----------
    preparing : float
        From the beginning of ``run`` to the first time step, without compiling.
    compiling : float
        In compilers, or waiting for another process that compiles the same.
    loop : float
        The time steps.
    fetching : float
        Putting what was recorded into Brian's arrays; grows whenever somebody asks for it.
    of_objects : dict
        What single objects took in the loop, by their names: of all when profiling, otherwise of
        those that Brian runs.
    """

    preparing: float = 0.0
    compiling: float = 0.0
    loop: float = 0.0
    fetching: float = 0.0
    of_objects: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"Last run: {self.preparing:.3g} s preparing, {self.compiling:.3g} s compiling,"
            f" {self.loop:.3g} s in the loop, {self.fetching:.3g} s fetching what was recorded."
        )

    @contextmanager
    def fetch(self) -> Iterator[None]:
        """Within this, what was recorded is fetched."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.fetching += time.perf_counter() - began


class Preparation:
    """The time before the first time step, from now on."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._compiled = waiting.seconds()

    def end(self) -> Times:
        """What it was, when the first time step begins."""
        compiling = waiting.seconds() - self._compiled
        return Times(max(0.0, time.perf_counter() - self._began - compiling), compiling)
