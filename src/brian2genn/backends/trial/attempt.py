"""The trial of a GPU, in two parts: what it needs is compiled while a script goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ...codegen.c.program import print_program
from ...transforms.pipeline import FOR_A_PROCESSOR, lower
from ..background import InBackground
from ..cpu.backend import CpuBackend
from ..cpu.program import compiled
from ..cuda.backend import CudaBackend
from ..cuda.device.driver import CudaError, CudaLost, Driver, TuningRules
from ..cuda.run.program import CudaProgram
from ..cuda.setup import DeviceSetup
from ..host import toolchain
from ..host.waiting import waiting
from .building import SetupTrial
from .comparison import differences
from .execution import Results, copy_of, execute, raw_value
from .network import Trial, make_simple_trial, make_trial


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


@dataclass
class _Begun:
    """What is compiled, and what it works with."""

    trials: list[Trial]
    pieces: SetupTrial
    gpu: CudaBackend
    programs: list[CudaProgram]
    #: the processor's side
    host: InBackground[None]


class Attempt:
    """A trial that has begun: compilers are at work, of both sides at once.

    Parameters
    ----------
    driver : Driver
    rules : TuningRules
        How time steps may be executed.
    """

    def __init__(self, driver: Driver, rules: TuningRules) -> None:
        self._driver = driver
        self.rules = rules
        self._begun: _Begun | None = None
        self._found: list[str] | None = None
        #: why nothing will come of it, as far as that is known
        self.failure: TrialError | NothingToCompare | None = None
        try:
            self._begun = self._begin()
        except (TrialError, NothingToCompare) as failure:
            self.failure = failure

    def differences(self, patience: float) -> list[str]:
        """Execute it here and there, when all is compiled; what differs.

        Parameters
        ----------
        patience : float
            Seconds that the GPU has.

        Raises
        ------
        TrialError
            If the GPU could not execute it.
        NothingToCompare
            If the processor could not.
        """
        if self.failure is not None:
            raise self.failure
        if self._found is None:
            assert self._begun is not None
            begun, self._begun = self._begun, None  # nothing is left of it afterwards
            try:
                expected = _on_processor(begun)
                found = self._on_gpu(begun, patience)
            except (TrialError, NothingToCompare) as failure:
                self.failure = failure
                raise
            *networks, pieces = zip(expected, found, strict=True)
            self._found = [line for both in networks for line in differences(*both)]
            self._found += differences(*pieces, exact=True)
        return self._found

    def _begin(self) -> _Begun:
        """Print all texts here, as expressions are for one thread at a time; have them compiled.

        The GPU's program comes first: it takes the longest.
        """
        finding = InBackground(toolchain.find, comes_to_an_end=True)
        trials, pieces = [make_trial(), make_simple_trial()], SetupTrial()
        # so that all ways to execute time steps have their turns
        rules = replace(self.rules, steps=3)
        try:
            gpu = CudaBackend(self._driver, raw_value, rules=rules, compiles_ahead=True)
            programs = [gpu.build(copy_of(trial), profile=False) for trial in trials]
            pieces.compile_ahead(self._driver)
        except Exception as error:
            raise self._error(error) from error
        try:
            finding.result()
        except toolchain.ToolchainError as error:
            raise NothingToCompare(str(error)) from error
        return _Begun(trials, pieces, gpu, programs, _compiling(trials, pieces))

    def _on_gpu(self, begun: _Begun, patience: float) -> list[Results]:
        pieces, gpu = begun.pieces, begun.gpu
        try:
            for program in begun.programs:
                program.load()
            setup = DeviceSetup(self._driver, gpu.memory, setup_from=0)
            pieces.compile_for(self._driver)

            def execute_all() -> list[Results]:
                both = zip(begun.trials, begun.programs, strict=True)
                networks = [execute(trial, gpu, program) for trial, program in both]
                return [*networks, pieces.execute_on(setup, gpu.before_access)]

            return InBackground(execute_all).result(patience)
        except TimeoutError as error:
            slow = f"it had not finished a few time steps after {patience:g} s"
            raise TrialError(slow, is_final=True) from error
        except Exception as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> TrialError:
        """What has gone wrong; whatever it is, a script that asks for no GPU must not end."""
        if isinstance(error, MemoryError):
            free, total = (nbytes / 2**20 for nbytes in self._driver.memory())
            return TrialError(f"it has no memory left ({free:,.0f} of {total:,.0f} MiB are free)")
        if isinstance(error, CudaError):
            return TrialError(str(error), is_final=isinstance(error, CudaLost))
        return TrialError(f"{type(error).__name__}: {error}")


def _on_processor(begun: _Begun) -> list[Results]:
    try:
        with waiting():
            begun.host.result()
        cpu = CpuBackend(chain=_chain())
        networks = [
            execute(trial, cpu, cpu.build(copy_of(trial), profile=False)) for trial in begun.trials
        ]
        return [*networks, begun.pieces.execute_here()]
    except Exception as error:  # whatever it is: as above
        raise NothingToCompare(f"{type(error).__name__}: {error}") from error


def _chain() -> toolchain.Toolchain:
    """What the network is compiled by for the processor."""
    return toolchain.find().for_short_runs()


def _compiling(trials: Sequence[Trial], pieces: SetupTrial) -> InBackground[None]:
    """Have the C compiler at work, so that what it makes is there when it is needed."""
    sources = []
    for trial in trials:
        network = trial.network.copied()
        lower(network, FOR_A_PROCESSOR)
        sources.append(print_program(network))
    setup_texts: Sequence[str] = pieces.texts()

    def compile_all() -> None:
        first = [
            InBackground(partial(compiled, source, _chain()), comes_to_an_end=True)
            for source in sources
        ]
        for setup_text in setup_texts:
            toolchain.compile_library(toolchain.find().for_setup(), setup_text, "setup")
        for one in first:
            one.result()

    return InBackground(compile_all, comes_to_an_end=True)
