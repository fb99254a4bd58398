"""Spike queues that outlive the backend which made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brian2.synapses.synapses import SynapticPathway

from ..backends.interface import Backend


def adopt_queues(objects: Iterable[Any], backend: Backend) -> None:
    """Move what is on its way to synapses to queues of the backend that runs them now.

    Parameters
    ----------
    objects : iterable
        Those of a network.
    backend : Backend
    """
    for obj in objects:
        if isinstance(obj, SynapticPathway) and type(obj.queue) is not backend.queue_type:
            queue = backend.queue(obj.source.start, obj.source.stop)
            queue._restore_from_full_state(obj.queue._full_state())
            obj.queue = queue
