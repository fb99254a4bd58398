"""A compiled program on the device, whoever runs it."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from ..device.driver import Module, TuningRules
from .autotuning import Autotuner
from .options import Execution

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
    execution : Execution, optional
        What somebody who looks at that wants of it.
    """

    def __init__(
        self,
        build: Callable[[], Module],
        rules: TuningRules,
        execution: Execution | None = None,
    ) -> None:
        self._build = build
        self.rules = rules
        #: by the number of time steps, and of the blocks of each task; last, what was used last
        self._graphs: OrderedDict[tuple[int, tuple[int, ...]], Any] = OrderedDict()
        #: what was found out about the fastest way, by the sizes of the network
        self.tuners: dict[Any, Autotuner] = {}
        self.execution = execution or Execution()
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

    @contextmanager
    def replaced(self, module: Module) -> Iterator[None]:
        """Within this, another program, which works on the same, is executed in its place."""
        usual = self.module
        self._use(module)
        try:
            yield
        finally:
            self._use(usual)

    def _use(self, module: Module) -> None:
        self.__dict__["module"] = module
        self._graphs.clear()
        self._user = None  # so that it is told anew where everything is

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

    def user(self) -> Any:
        """The program that was the last one to run; None if there is none."""
        return None if self._user is None else self._user()

    def is_used_by(self, program: object) -> bool:
        """Whether `program` was the last one to run."""
        return self.user() is program

    def taken_by(self, program: object) -> bool:
        """Note that `program` runs; whether another one did before."""
        other = not self.is_used_by(program)
        self._user = weakref.ref(program)
        return other
