"""Collecting garbage before and after a run, where that can show anything."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from brian2.core.base import BrianObject
from brian2.core.magic import MagicNetwork
from brian2.core.network import Network

from ..frontend.labels import own


class GarbageCollection:
    """What Brian does before each run, so that it warns of objects that nobody holds.

    A collection takes longer than a short run. Only objects that were never part
    of a network are warned of; where there are none, and none were made since
    the last collection, it is left out.
    """

    def __init__(self) -> None:
        self._known: set[Any] = set()
        self._outside: set[Any] = set()

    def collect_if_useful(self, net: Any) -> None:
        """Collect garbage, unless nothing could come of it.

        Parameters
        ----------
        net : Network
            What is about to run: its objects are held.
        """
        objects = BrianObject.__instances__()
        if objects <= self._known and not self._any_unused(net):
            return
        gc.collect()
        # weak references: what they stood for may be gone
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
        held = {id(obj) for obj in objects}
        net.objects.clear()
        outside = {
            reference
            for reference in list(BrianObject.__instances__())
            if (obj := reference()) is not None and id(obj) not in held
        }
        obj = None  # holds none of them
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
            and type(obj).__del__ is BrianObject.__del__  # subgroups come and go in silence
        ]
        if not unused:
            return False
        held = {id(obj) for obj in net.sorted_objects}
        return any(id(obj) not in held for obj in unused)
