"""The processor of this machine as a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...model.user_code import UserCode
from ...transforms.pipeline import FOR_A_PROCESSOR, lower
from ..host.memory import HostMemory
from ..host.queue import SpikeQueue
from ..host.threads import threads_for, why_so_many
from .program import CpuProgram


class CpuBackend(HostMemory):
    """Builds programs for this machine's processor; arrays stay where Brian has them.

    Parameters
    ----------
    threads : callable, optional
        Says before each run how many threads it may use; None for as many as there are cores.
    share_always : bool, optional
        Share out among threads whatever can be, whether it pays or not.
    """

    name = "cpu"
    seeded = False
    queue_type = SpikeQueue

    def __init__(
        self, threads: Callable[[], int | None] = lambda: None, share_always: bool = False
    ) -> None:
        self._asked = threads
        self._share_always = share_always

    def _threads(self) -> int:
        return threads_for(self._asked())

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[UserCode], arguments: CompilerArguments
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
        lower(network, FOR_A_PROCESSOR)
        return CpuProgram(
            network, self._threads, lambda: why_so_many(self._asked()), self._share_always
        )

    def queue(self, source_start: int, source_stop: int) -> SpikeQueue:
        """A spike queue."""
        return SpikeQueue(source_start, source_stop)
