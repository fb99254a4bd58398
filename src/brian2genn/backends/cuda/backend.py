"""An NVIDIA GPU as a backend."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ...codegen.cuda.small import print_user_functions
from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...model.user_code import UserCode
from ...transforms.pipeline import FOR_A_GPU, lower
from ..interface import RawValue
from .device.driver import Driver, TuningRules
from .memory.coherence import DeviceMemory
from .memory.queue import DeviceQueue
from .run.options import Execution
from .run.program import CudaProgram
from .setup import DeviceSetup


class CudaBackend:
    """Builds programs for a GPU; arrays are copied when one side is stale.

    Parameters
    ----------
    driver : Driver
    raw : callable
        From a Brian variable to its array, without looking at the device.
    deterministic : bool, optional
        Whether sums have the same order in every run.
    rules : TuningRules, optional
        How ways to execute time steps are compared; usually as the driver says.
    setup_from : int, optional
        Elements from which set-up code is executed on the device; None for as many as are worth it.
    compiles_ahead : bool, optional
        Whether programs are compiled in the background, until the device needs them.
    execution : Execution, optional
        What somebody wants who looks at how time steps are executed.
    """

    name = "cuda"
    has_own_memory = True
    needs_c_compiler = False
    queue_type = DeviceQueue

    def __init__(
        self,
        driver: Driver,
        raw: RawValue,
        *,
        deterministic: bool = False,
        rules: TuningRules | None = None,
        setup_from: int | None = None,
        compiles_ahead: bool = False,
        execution: Execution | None = None,
    ) -> None:
        self.driver = driver
        self._compiles_ahead = compiles_ahead
        self.deterministic = deterministic
        self.rules = rules or driver.rules
        self._execution = execution or Execution()
        self.memory = DeviceMemory(driver, raw)
        self._setup = DeviceSetup(driver, self.memory, setup_from)

    def await_verdict(self, is_right: Callable[[], bool]) -> None:
        """Compute nothing until `admit`, but compile ahead.

        Parameters
        ----------
        is_right : callable
            Waits for the verdict, and says whether the device may be used. It is for set-up code
            that is worth waiting for; who wants to run a network asks for himself.
        """
        self._compiles_ahead = self.memory.is_closed = True
        self._setup.is_right = is_right

    def admit(self) -> None:
        """Use the device from now on: it computes right."""
        self._compiles_ahead = self.memory.is_closed = False
        self._setup.is_right = None

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[UserCode], arguments: CompilerArguments
    ) -> str | None:
        """Why these steps cannot be compiled: users' C++ functions may be for a CPU only."""
        functions = {
            function.name: function
            for step in steps
            for kernel in step.kernels()
            for function in kernel.attributes("user")
        }
        for name, function in functions.items():
            if function.looks:
                return (
                    f"the C++ function '{name}' looks into arrays (brian::...), which is compiled"
                    " for a CPU only: set_device('genn', backend='cpu')"
                )
            if not function.stateless and (not function.draws or _keeps(user_code)):
                return f"the C++ function '{name}' has a state, which a GPU's threads cannot share"
            if function.draws and not function.vectorised:
                return f"the C++ function '{name}' draws numbers without saying for which element"
        if functions and arguments != CompilerArguments():
            return "its C++ functions need headers or libraries, which a GPU does not have"
        if functions and not self.driver.compiles(print_user_functions(user_code)):
            names = ", ".join(map(repr, functions))
            return f"the CUDA compiler does not take its C++ functions ({names})"
        return None

    def build(self, network: Network, *, profile: bool) -> CudaProgram:
        """Compile a network that has been verified.

        Raises
        ------
        CudaError
            If the compiler refuses the program; later, if it is compiled ahead.
        """
        lower(network, FOR_A_GPU)
        if self._compiles_ahead:
            self.memory.check.compile_ahead()
        program = CudaProgram(
            network,
            self.driver,
            self.memory,
            profile=profile,
            deterministic=self.deterministic,
            rules=self.rules,
            ahead=self._compiles_ahead,
            execution=self._execution,
        )
        if self._execution.on_program is not None:
            self._execution.on_program(network, program)
        return program

    def queue(self, source_start: int, source_stop: int) -> DeviceQueue:
        """A spike queue."""
        return DeviceQueue(source_start, source_stop)

    def setup(self) -> DeviceSetup:
        """What executes set-up code on the device."""
        return self._setup

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        return self.memory.only_reading()

    def before_access(self, variable: Any) -> None:
        """Make the host's array of a variable current; whoever asks may write to it."""
        self.memory.before_access(variable)

    def valid(self, variables: Sequence[Any]) -> list[bool]:
        """Which variables are known to have finite values of a usual size."""
        return self.memory.valid(variables)

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now."""
        self.memory.exchange_kept()

    def make_host_current(self) -> None:
        """Make all of the host's arrays current: whoever goes on has nothing else."""
        self.memory.update_host()


def _keeps(user_code: Sequence[UserCode]) -> bool:
    """Whether users' functions seem to keep something from one call to the next."""
    bodies = (code.text.partition("{")[2] for code in user_code)
    return any(re.search(r"\b(static|thread_local)\b", body) for body in bodies)
