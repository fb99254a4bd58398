"""Programs of networks that were run before."""

from __future__ import annotations

from collections.abc import Callable

from ..backends.interface import Program
from ..model.compiling import CompilerArguments
from ..model.network import Network

#: How many programs are remembered.
_MOST = 16


class KnownPrograms:
    """The programs of the last networks, by the model that they were made of.

    A network that is run again is translated again, which is quick and takes
    the present values of everything. What comes after (checking, simplifying,
    printing, compiling) depends on the model alone.
    """

    def __init__(self) -> None:
        self._known: list[tuple[Network, Program]] = []

    def find_or_make(self, network: Network, make: Callable[[Network], Program]) -> Program:
        """The program of a network: a known one, not bound to any memory, or a new one.

        Parameters
        ----------
        network : Network
            As translated; passes over it are the business of `make`.
        make : callable
            Makes the program; may change the network.

        Returns
        -------
        Program
        """
        if network.compiler != CompilerArguments():
            # users' functions may read files, which may have changed
            return make(network)
        for number, (known, program) in enumerate(self._known):
            if known == network:
                self._known.append(self._known.pop(number))
                return program.unbound()
        untouched = network.copied()
        program = make(network)
        self._known = [*self._known[1 - _MOST :], (untouched, program.unbound())]
        return program
