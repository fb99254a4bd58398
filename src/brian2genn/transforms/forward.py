"""What a step of a task writes and a later one reads: a thread keeps it instead of reading it.

A value that a thread has read before is near. One that it has only written is not: it would wait
for the cache of all multiprocessors. Brian's refractoriness is made of such values: the state
update writes ``not_refractory``, the threshold reads it and writes the events, and all that follows
reads these.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model.kernel import ELEMENT
from ..model.network import OnEvents, Push, RecordEvents, RecordRate, Step, Threshold, Update


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
    for step in steps:
        reads = {
            access.array
            for kernel in step.kernels()
            for access in kernel.loads()
            if access.index == ELEMENT
        }
        if isinstance(step, OnEvents | Push | RecordEvents | RecordRate):
            reads.add(step.events)
        result |= {array: written[array] for array in reads & written.keys()}
        read |= reads
        if isinstance(step, Update):
            stores = [
                step.kernel.accesses[store.name].array
                for store in step.kernel.stores
                if step.kernel.accesses[store.name].index == ELEMENT and not store.add
            ]
            written |= {array: step for array in stores if array not in read}
        if isinstance(step, Threshold) and step.events not in read:
            written[step.events] = step
    added = {
        kernel.accesses[store.name].array
        for step in steps
        for kernel in step.kernels()
        for store in kernel.stores
        if store.add or kernel.accesses[store.name].index != ELEMENT
    }
    return {array: step for array, step in result.items() if array not in added}
