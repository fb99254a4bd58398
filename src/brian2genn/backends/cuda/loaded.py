"""A compiled program on the device, whoever runs it."""

from __future__ import annotations

import weakref
from typing import Any

from .driver import Module
from .ways import Contest


class Loaded:
    """A program on the device, which all networks of one model share.

    There, the addresses that it works with are variables of its own: whoever
    runs it next has to set them if another network had its turn.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        #: by the number of time steps, and of the blocks of each task
        self.graphs: dict[tuple[int, tuple[int, ...]], Any] = {}
        #: what was found out about the fastest way, by the sizes of the network
        self.contests: dict[Any, Contest] = {}
        self._user: weakref.ref[Any] | None = None

    def is_used_by(self, program: object) -> bool:
        """Whether `program` was the last one to run."""
        return self._user is not None and self._user() is program

    def taken_by(self, program: object) -> bool:
        """Note that `program` runs; whether another one did before."""
        other = not self.is_used_by(program)
        self._user = weakref.ref(program)
        return other
