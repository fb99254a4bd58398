"""A compiled program on the device, whoever runs it."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from typing import Any

from ..device.driver import Module, TuningRules
from .autotuning import Autotuner, LaunchPlan

#: How many graphs are kept; each takes memory of the device.
_MOST_GRAPHS = 32


class Executable:
    """A program on the device, which all networks of one model share.

    There, the addresses that it works with are variables of its own: whoever
    runs it next has to set them if another network had its turn.

    Parameters
    ----------
    build : callable
        Makes it the program of a device: it is called when that is first needed, once.
    rules : TuningRules
        How ways to execute time steps are compared.
    """

    def __init__(self, build: Callable[[], Module], rules: TuningRules) -> None:
        self._build = build
        self.rules = rules
        #: by the number of time steps, and of the blocks of each task; last, what was used last
        self._graphs: OrderedDict[tuple[int, tuple[int, ...]], Any] = OrderedDict()
        #: what was found out about the fastest way, by the sizes of the network
        self.tuners: dict[Any, Autotuner] = {}
        #: the way that runs keep to, for measurements; None if the fastest is to be found
        self.only: LaunchPlan | None = None
        self._user: weakref.ref[Any] | None = None

    @cached_property
    def module(self) -> Module:
        """The program on the device.

        Raises
        ------
        CudaError
            If the compiler refuses it.
        """
        return self._build()

    def graph(self, key: tuple[int, tuple[int, ...]], make: Callable[[], Any]) -> Any:
        """The graph of so many time steps and blocks.

        Parameters
        ----------
        key : tuple
        make : callable
            Makes the graph, if it is not there.
        """
        graph = self._graphs.pop(key, None) or make()
        self._graphs[key] = graph
        if len(self._graphs) > _MOST_GRAPHS:
            self._graphs.popitem(last=False)
        return graph

    def is_used_by(self, program: object) -> bool:
        """Whether `program` was the last one to run."""
        return self._user is not None and self._user() is program

    def taken_by(self, program: object) -> bool:
        """Note that `program` runs; whether another one did before."""
        other = not self.is_used_by(program)
        self._user = weakref.ref(program)
        return other
