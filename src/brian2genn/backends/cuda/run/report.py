"""What the device executes and how much memory that takes, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....codegen.cuda.source import CudaSource
from ....model.names import Names
from ...notes import Note
from ..device.driver import Driver, Module
from ..memory.coherence import DeviceMemory
from ..memory.image import Image
from ..memory.queue import DeviceQueue
from ..memory.recorder import DeviceRecorder

_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Need:
    """Memory for one thing: all of it, and how much of it there is already."""

    kind: str
    what: str
    nbytes: int
    has: int = 0


def mebibytes(nbytes: float) -> str:
    """A size for people."""
    return f"{nbytes / _MEBIBYTE:,.1f} MiB"


def too_little_memory(driver: Driver, needs: Sequence[Need]) -> str:
    """What to say where a network does not fit.

    Parameters
    ----------
    driver : Driver
    needs : sequence of Need
        All that the network needs.
    """
    free, total = driver.memory()
    needed = sum(need.nbytes for need in needs)
    available = free + sum(need.has for need in needs)
    largest = sorted(needs, key=lambda need: need.nbytes, reverse=True)[:3]
    told = ", ".join(f"{need.what} {mebibytes(need.nbytes)}" for need in largest)
    return (
        f"The network does not fit into the GPU's memory. It needs {mebibytes(needed)};"
        f" {mebibytes(available)} of the {mebibytes(total)} of {driver.name} are available."
        f" Most is for {told}. Make the network smaller, record less, use single precision"
        " (prefs.core.default_float_dtype = float32), close other programs that use the GPU, or"
        " use this machine's processor: set_device('genn', backend='cpu')."
    )


def needs_of(
    source: CudaSource,
    memory: DeviceMemory,
    named: Mapping[str, Any],
    images: Mapping[str, Image],
    queues: Sequence[DeviceQueue],
    recorders: Sequence[DeviceRecorder],
    names: Names,
) -> list[Need]:
    """All that a program needs, and what of it is there."""
    needs = []
    for name, thing in named.items():
        array = thing if isinstance(thing, np.ndarray) else memory.raw(thing)
        has = images[name].nbytes if name in images else 0
        needs.append(Need("variables", names.tell(source.origins[name]), array.nbytes, has))
    for name in source.aside or ():
        nbytes = 2 * memory.raw(named[name]).nbytes
        needs.append(Need("additions", f"additions to {names.tell(source.origins[name])}", nbytes))
    for number, queue in enumerate(queues):
        nbytes = 4 * (queue.n_slots + 1) * (queue.source_stop - queue.source_start)
        if queue.arrangement is not None:
            nbytes += queue.arrangement.nbytes()
            if number in source.gathered:
                # stamps; and of every synapse its number, source and delay
                nbytes += 4 * (queue.n_slots + 1) * (queue.source_stop - queue.source_start)
                nbytes += 12 * queue.arrangement.n_synapses
        has = sum(image.nbytes for image in memory.arrangement_so_far(queue).values())
        origin = f"the queue of the {names.tell(source.queue_origins.get(number, 'pathway'))}"
        needs.append(Need("spike queues", origin, nbytes, has))
    for number, recorder in enumerate(recorders):
        origin = f"the rows of the {names.tell(source.recorder_origins[number])}"
        has = recorder.reserved if recorder.address else 0
        needs.append(Need("recorded rows", origin, recorder.reserved, has))
    return needs


def note_on_memory(driver: Driver, needs: Sequence[Need]) -> str:
    """What a network takes of the memory."""
    free, total = driver.memory()
    kinds: dict[str, int] = {}
    for need in needs:
        kinds[need.kind] = kinds.get(need.kind, 0) + need.nbytes
    parts = ", ".join(f"{kind} {mebibytes(nbytes)}" for kind, nbytes in kinds.items())
    return (
        f"The network takes {mebibytes(sum(kinds.values()))} of the GPU's memory"
        f" ({parts or 'nothing'}); {mebibytes(free)} of {mebibytes(total)} are free."
    )


def notes_on_kernels(source: CudaSource, driver: Driver, module: Module, names: Names) -> list[str]:
    """What every kernel does, what it takes of a multiprocessor, and what is done one by one."""
    tasks = {task.number: task for task in source.tasks}
    plural = "" if len(source.loop) == 1 else "s"
    lines = [f"A time step is {len(source.loop)} kernel{plural} on {driver.name}."]
    for kernel in source.kernels:
        if kernel.name in source.late:
            continue
        made = driver.attributes(module.kernel(kernel.name), driver.threads)
        what = "; ".join(", ".join(map(names.tell, tasks[number].what)) for number in kernel.tasks)
        slow = f", {made.local_bytes} bytes of slow memory" if made.local_bytes else ""
        occupancy = made.resident_blocks * driver.threads / driver.most_threads
        lines.append(
            Note(
                f"Kernel {kernel.name}: {made.registers} registers{slow}, occupancy {occupancy:.0%}"
                f" ({made.resident_blocks} blocks of {driver.threads} threads at a time on each of"
                f" {driver.multiprocessors} multiprocessors): {what}."
            )
        )
    if source.late_steps:
        lines.append(
            "At the beginning of the next time step, because that saves a kernel:"
            f" {', '.join(map(names.tell, source.late_steps))}."
        )
    for origin, reason in source.ordered.items():
        told = f"The {names.tell(origin)} is executed by one thread, because {reason}."
        lines.append(Note(told))
    return lines
