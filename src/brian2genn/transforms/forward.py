"""What a step of a task writes and a later one reads: a thread keeps it instead of reading it.

A value that a thread has read before is near. One that it has only written is not: it would wait
for the cache of all multiprocessors. Brian's refractoriness is made of such values: the state
update writes ``not_refractory``, the threshold reads it and writes the events, and all that follows
reads these.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.footprint import How, Where, arrays, footprint
from ..model.network import Step


def forwarded(steps: Sequence[Step]) -> dict[str, Step]:
    """The arrays whose elements a thread should keep.

    Parameters
    ----------
    steps : sequence of Step
        Of a task whose threads have an element each, in their order.

    Returns
    -------
    dict
        From the name of an array to the step that writes it for every element.
    """
    read: set[str] = set()
    written: dict[str, Step] = {}
    result: dict[str, Step] = {}
    elsewhere: set[str] = set()
    for step in steps:
        touches = footprint(step)
        reads = arrays((touch for touch in touches if touch.own), How.READ)
        result |= {array: written[array] for array in reads & written.keys()}
        read |= reads
        writes = arrays((touch for touch in touches if touch.where is Where.OWN), How.WRITE)
        written |= {array: step for array in writes if array not in read}
        elsewhere |= arrays(touches, How.ADD)
        elsewhere |= arrays((touch for touch in touches if not touch.own), How.WRITE)
    return {array: step for array, step in result.items() if array not in elsewhere}
