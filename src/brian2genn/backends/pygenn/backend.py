"""A real GeNN as a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ...model.compiling import CompilerArguments
from ...model.network import Network, Step
from ...model.user_code import UserCode
from ..host.memory import HostMemory
from ..interface import RawValue
from .exchange import GennMemory
from .layout import Layout
from .program import PygennProgram
from .queue import GennQueue
from .replay import LiveModel, check_backend, find_pygenn

#: How many GeNN models stay loaded.
_MOST = 4


class PygennBackend(HostMemory):
    """Hands networks to GeNN.

    Parameters
    ----------
    raw : callable
        From a Brian variable to its array, without looking at GeNN.
    genn_backend : str, optional
        GeNN's own backend; its first one by default.
    preferences : mapping, optional
        GeNN's preferences for it.

    Raises
    ------
    GennUnavailable
        If there is no ``pygenn``, or it has no such backend.
    """

    name = "pygenn"
    has_own_memory = False
    needs_c_compiler = True
    queue_type = GennQueue

    def __init__(
        self,
        raw: RawValue,
        genn_backend: str | None = None,
        preferences: Mapping[str, Any] | None = None,
    ) -> None:
        self.genn_backend = check_backend(find_pygenn(), genn_backend)
        self._preferences = dict(preferences or {})
        self._models: dict[str, LiveModel] = {}
        self._memory = GennMemory(raw)

    def refuse(
        self, steps: Sequence[Step], user_code: Sequence[UserCode], arguments: CompilerArguments
    ) -> str | None:
        """Nothing for Brian to run: what GeNN cannot take is said for the whole network."""
        return None

    def build(self, network: Network, *, profile: bool) -> PygennProgram:
        """A program for the network; GeNN builds when sizes and delays are known."""
        return PygennProgram(network, self.model, self._memory)

    def model(self, layout: Layout, values: Mapping[tuple[str, str], np.ndarray]) -> LiveModel:
        """A GeNN model: one that is loaded already, or a new one."""
        name = layout.description.name
        live = self._models.pop(name, None)
        if live is None or (layout.reseeds and not live.reload()):
            live = LiveModel(layout, values, self.genn_backend, self._preferences)
        self._models[name] = live
        while len(self._models) > _MOST:
            oldest = next(iter(self._models))
            del self._models[oldest]
        return live

    def queue(self, source_start: int, source_stop: int) -> GennQueue:
        """A spike queue."""
        return GennQueue(source_start, source_stop)

    def only_reading(self) -> AbstractContextManager[None]:
        """Within this, nobody writes to the arrays that are asked for."""
        return self._memory.only_reading()

    def before_access(self, variable: Any) -> None:
        """Make a variable's array current; whoever asks may write to it."""
        self._memory.before_access(variable)

    def exchange_kept(self) -> None:
        """Make current the arrays that a script has kept; it may read and write them now."""
        self._memory.exchange_kept()

    def make_host_current(self) -> None:
        """Make all of the host's arrays current: whoever goes on has nothing else."""
        self._memory.make_host_current()
