"""Collecting garbage before and after a run, where that can show anything."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from brian2.core.base import BrianObject
from brian2.core.magic import MagicNetwork
from brian2.core.network import Network

from ...frontend.labels import own


class GarbageCollection:
    """What Brian does before each run, so that it warns of objects that nobody holds.

    A collection takes longer than a short run. Only objects that were never part
    of a network are warned of; where there are none, it is left out, unless it
    could give memory back: that of objects that the network does not hold.
    """

    def __init__(self) -> None:
        #: objects that were there before the last run
        self._known: set[Any] = set()
        #: objects that outlived a collection before, and after a run, of which they were no part
        self._left_out: set[Any] = set()
        self._outside: set[Any] = set()

    def collect_if_useful(self, net: Any) -> None:
        """Collect garbage, unless nothing could come of it.

        Parameters
        ----------
        net : Network
            What is about to run: its objects are held.
        """
        objects = BrianObject.__instances__()
        any_unused = self._any_unused(net)
        if objects <= self._known and not any_unused:
            return
        left_out = {
            reference for reference in _others(net.sorted_objects) if _is_missed(reference())
        }
        if any_unused or not left_out <= self._left_out:
            gc.collect()
            # weak references: what they stood for may be gone
            self._left_out = {reference for reference in left_out if reference() is not None}
        self._known = set(objects)

    def after_run(
        self, net: Any, objects: Sequence[Any], finish: Callable[[], None] | None = None
    ) -> None:
        """``net.after_run()``, without a collection that would find nothing.

        After each `run` of all that it finds, Brian collects garbage. That can only free objects
        that were not part of this run and have not outlived such a collection before.

        Parameters
        ----------
        net : Network
        objects : sequence
            All objects of the network.
        finish : callable, optional
            Does for the objects what ``Network.after_run`` does.
        """
        if type(net) is not MagicNetwork:
            (finish or net.after_run)()
            return
        (finish or partial(Network.after_run, net))()
        net.objects.clear()
        outside = _others(objects)
        if not outside <= self._outside:
            gc.collect()
            self._outside = {reference for reference in outside if reference() is not None}

    @staticmethod
    def _any_unused(net: Any) -> bool:
        """Whether there is an object that Brian would warn of if it went away."""
        unused = [
            obj
            for reference in list(BrianObject.__instances__())
            if (obj := reference()) is not None
            and vars(obj).get("_network", "") is None
            and own(obj, "group") is None
            and _is_missed(obj)
        ]
        if not unused:
            return False
        held = {id(obj) for obj in net.sorted_objects}
        return any(id(obj) not in held for obj in unused)


def _others(objects: Sequence[Any]) -> set[Any]:
    """References to all objects of Brian but these."""
    held = {id(obj) for obj in objects}
    return {
        reference
        for reference in list(BrianObject.__instances__())
        if (obj := reference()) is not None and id(obj) not in held
    }


def _is_missed(obj: Any) -> bool:
    """Whether Brian may warn of an object that goes: parts of groups come and go in silence."""
    return getattr(type(obj), "__del__", None) is BrianObject.__del__


@cache
def set_imports_aside() -> None:
    """Spare collections what a script has imported.

    These are hundreds of thousands of objects that stay. To look at all of them takes 0.1 s and
    more, twice for each network that is made anew. What is set aside is never collected: so this
    happens once, when the device is chosen first, and only if nothing of Brian's is there yet.
    """
    if not any(reference() is not None for reference in list(BrianObject.__instances__())):
        gc.freeze()
