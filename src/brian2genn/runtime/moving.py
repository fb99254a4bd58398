"""Networks that go on with another backend than the one that they were made for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from brian2.synapses.synapses import SynapticPathway

from ..backends.interface import Backend


def exchange_queues(objects: Iterable[Any], backend: Backend) -> None:
    """Give pathways the spike queues of a backend; what is in flight goes with them."""
    for obj in objects:
        if not isinstance(obj, SynapticPathway) or obj.queue is None:
            continue
        if type(obj.queue) is not backend.queue_type:
            queue = backend.queue(obj.source.start, obj.source.stop)
            queue._restore_from_full_state(obj.queue._full_state())
            obj.queue = queue


def call_around_forks(before: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Have functions called before each fork of this process, and after it in the child."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_child=in_child)
