"""What became of networks and of set-up code, kept until somebody wants it explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from brian2.groups.group import Group

from ...frontend.network import Placement
from .explain import Explanations, SetupLog, SetupPlacement
from .sizes import Sizes


class NetworkLog:
    """Keeps where the objects of networks run.

    Parameters
    ----------
    where : callable
        Says where networks run and why, in sentences.
    """

    def __init__(self, where: Callable[[], str]) -> None:
        self.explanations = Explanations()
        self.setup = SetupLog()
        self._where = where

    def remember(
        self,
        net: Any,
        placements: list[Placement],
        setup: Sequence[Counter[SetupPlacement]] | None = None,
        sizes: Sizes | None = None,
    ) -> None:
        """Keep where the objects of a network run, for `explain`."""
        if setup is None:
            setup = self.setup_of(net.sorted_objects)
        if sizes is None:
            sizes = Sizes(net.sorted_objects)
        self.explanations.keep(net, placements, setup, [self._where()], sizes)

    def setup_of(self, objects: Iterable[Any]) -> list[Counter[SetupPlacement]]:
        """What set-up code of groups was executed; kept up to date."""
        return [self.setup.of(obj) for obj in objects if isinstance(obj, Group)]

    def clear(self) -> None:
        """Forget what was noted."""
        self.explanations.clear()
        self.setup.clear()
