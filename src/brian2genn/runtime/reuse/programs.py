"""Programs of networks that were run before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from brian2.core.clocks import Clock

from ...backends.interface import Program
from ...model.compiling import CompilerArguments
from ...model.kernel import Kernel
from ...model.network import Network
from ...transforms.magnitudes import Magnitudes, awkward
from ...transforms.pipeline import SIMPLER, lower

#: How many programs are remembered.
_MOST = 16


@dataclass
class Numbers:
    """The values that a network has for a run.

    Attributes
    ----------
    params : mapping
        Of its parameters.
    steps : mapping
        Of the arrays that hold a clock's time step.
    """

    params: Mapping[str, float]
    steps: Mapping[str, float]

    def awkward(self, network: Network) -> list[int]:
        """The kernels of a simplified network in which constants must not be collected."""
        return [k for k, kernel in enumerate(network.kernels()) if self._is_awkward(kernel)]

    def _is_awkward(self, kernel: Kernel) -> bool:
        def load(name: str) -> float:
            return self.steps.get(kernel.accesses[name].array, math.nan)

        return bool(kernel.collected) and awkward(kernel, Magnitudes(self.params, load))


def steps_of(arrays: Mapping[str, Any]) -> dict[str, float]:
    """The time steps of the clocks that are among the variables of a network."""
    return {
        name: float(variable.owner.dt_)
        for name, variable in arrays.items()
        if getattr(variable, "name", "") == "dt" and isinstance(variable.owner, Clock)
    }


@dataclass
class _Known:
    """A network as translated, simplified, and what came of it."""

    network: Network
    simplified: Network
    program: Program | None = None
    #: the last numbers with which nothing was awkward
    numbers: Numbers | None = None


class KnownPrograms:
    """The programs of the last networks, by the model that they were made of.

    A network that is run again is translated again, which is quick and takes
    the present values of everything. What comes after (checking, simplifying,
    printing, compiling) depends on the model alone. Only where values are so large or small
    that constants must not be collected, the model says so, and is another one.
    """

    def __init__(self) -> None:
        self._known: list[_Known] = []

    def find_or_make(
        self, network: Network, make: Callable[[Network], Program], numbers: Numbers
    ) -> Program:
        """The program of a network: a known one, not bound to any memory, or a new one.

        Parameters
        ----------
        network : Network
            As translated. Kernels are marked that have to be careful.
        make : callable
            Makes the program of a copy, which it may change.
        numbers : Numbers
            The values of the run.

        Returns
        -------
        Program
        """
        known = self._find(network)
        if known.numbers != numbers:
            careful = numbers.awkward(known.simplified)
            for kernel in careful:
                network.kernels()[kernel].careful = True
            if careful:
                return self.find_or_make(network, make, numbers)
            known.numbers = numbers
        if network.compiler != CompilerArguments():
            # users' functions may read files, which may have changed
            return make(network.copied())
        if known.program is None:
            program = make(network.copied())
            known.program = program.unbound()
            return program
        return known.program.unbound()

    def _find(self, network: Network) -> _Known:
        for number, known in enumerate(self._known):
            if known.network == network:
                self._known.append(self._known.pop(number))
                return known
        simplified = network.copied()
        lower(simplified, SIMPLER)
        self._known = [*self._known[1 - _MOST :], _Known(network.copied(), simplified)]
        return self._known[-1]
