"""The processor of this machine as a backend."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...transforms.simplify import simplify
from ...transforms.specialise import specialise
from ..host_memory import HostMemory
from .program import CpuProgram
from .queue import SpikeQueue


class CpuBackend(HostMemory):
    """Builds programs for this machine's processor; arrays stay where Brian has them."""

    name = "cpu"
    seeded = False
    queue_type = SpikeQueue

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
