"""The processor of this machine as a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...model.user_code import UserCode
from ...model.verify import verify
from ...transforms.arrangeable import arrangeable
from ...transforms.pipeline import FOR_A_PROCESSOR, lower
from ...transforms.traces import traced_networks
from ..host.memory import HostMemory
from ..host.queue import SpikeQueue
from ..host.threads import threads_for, why_so_many
from ..host.toolchain import Toolchain
from ..interface import Together
from .fitted import FittedProgram
from .options import USUAL, Options
from .program import CpuProgram


class CpuBackend(HostMemory):
    """Builds programs for this machine's processor; arrays stay where Brian has them.

    Parameters
    ----------
    threads : callable, optional
        Says before each run how many threads it may use; None for as many as there are cores.
    options : Options, optional
    chain : Toolchain, optional
        The compiler and its flags, if they are not the usual ones.
    """

    name = "cpu"
    has_own_memory = False
    needs_c_compiler = True
    queue_type = SpikeQueue

    def __init__(
        self,
        threads: Callable[[], int | None] = lambda: None,
        options: Options = USUAL,
        chain: Toolchain | None = None,
    ) -> None:
        self._chain = chain
        self._asked = threads
        self._options = options
        #: programs whose synapses' arrays are not current
        self._live: list[FittedProgram] = []
        #: the processes that run networks together, if there are several
        self.together: Together | None = None

    def _threads(self) -> int:
        return threads_for(self._asked())

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[UserCode], arguments: CompilerArguments
    ) -> str | None:
        """Nothing is refused."""
        return None

    def before_access(self, variable: Any) -> None:
        """Make the array of a variable current; whoever asks may write to it."""
        for program in self._live:
            program.show(variable)

    def build(self, network: Network, *, profile: bool) -> CpuProgram | FittedProgram:
        """Compile a network that has been verified.

        Raises
        ------
        ToolchainError, CompileError
            Where there is no compiler, or it refuses the program.
        """
        traced, arrangements = traced_networks(network), arrangeable(network)
        for one in traced:
            verify(one)
        for one in (network, *traced):
            lower(one, FOR_A_PROCESSOR)
        if not traced and not arrangements:
            return self._program(network)
        return FittedProgram(
            network,
            traced,
            arrangements,
            self._program,
            self._threads,
            self._options.fitted_from,
            self._live,
            self.together,
        )

    def _program(self, network: Network) -> CpuProgram:
        return CpuProgram(
            network,
            self._threads,
            lambda: why_so_many(self._asked()),
            self._options,
            together=self.together,
            chain=self._chain,
        )

    def queue(self, source_start: int, source_stop: int) -> SpikeQueue:
        """A spike queue."""
        return SpikeQueue(source_start, source_stop)
