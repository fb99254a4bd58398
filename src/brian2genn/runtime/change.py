"""What objects take along when another backend runs them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from brian2.synapses.synapses import SynapticPathway
from brian2.utils.logger import get_logger

from ..backends.cuda.driver import CudaError
from ..backends.interface import Backend

logger = get_logger("brian2.devices.genn")


def leave(backend: Backend) -> None:
    """Bring home the values that objects have in a backend; says so where they are lost."""
    try:
        backend.leave()
    except CudaError as error:
        logger.warn(
            f"{error}\nVariables that were on the GPU have the values now that this machine's"
            " processor saw last: set them anew, or make the network anew.",
            "lost_values",
        )


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
