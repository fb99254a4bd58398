"""The processor of this machine as a backend."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...transforms.simplify import simplify
from ...transforms.specialise import specialise
from .program import CpuProgram
from .queue import SpikeQueue


class CpuBackend:
    """Builds programs for this machine's processor; arrays stay where Brian has them."""

    name = "cpu"
    seeded = False

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[str], arguments: CompilerArguments
    ) -> str | None:
        """Nothing is refused."""
        return None

    def build(self, network: Network, *, profile: bool) -> CpuProgram:
        """Compile a network that has been verified.

        Raises
        ------
        ToolchainError, CompileError
            Where there is no compiler, or it refuses the program.
        """
        specialise(network)
        simplify(network)
        return CpuProgram(network)

    def queue(self, source_start: int, source_stop: int) -> SpikeQueue:
        """A spike queue."""
        return SpikeQueue(source_start, source_stop)

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        return nullcontext()

    def before_access(self, variable: Any) -> None:
        """Nothing: there is one copy of every array."""
