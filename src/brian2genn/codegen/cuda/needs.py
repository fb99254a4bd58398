"""What CUDA text needs to know of steps: registers, places in lists, rows of recorders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...model.expr import walk
from ...model.footprint import footprint
from ...model.kernel import Kernel
from ...model.network import (
    Deliver,
    Push,
    RecordEvents,
    Step,
    Update,
)
from ...transforms.owners import WITH_ROWS, Owners

#: Synapses of a spike that a thread executes side by side.
_MOST_AT_ONCE = 4

#: So many of these blocks a multiprocessor should hold at least where each of them mostly waits for
#: memory: this leaves 40 registers.
CROWD = 12

#: A kernel with more expressions may need more registers than that.
_FEW_EXPRESSIONS = 16

#: One with more of them may need more than 64, with which a multiprocessor holds 1,024 threads.
MANY_EXPRESSIONS = 100


def at_once(step: Deliver, owner: Owners) -> int:
    """Synapses that a thread executes side by side: several that need nothing but their targets."""
    own = {touch.memory.name for touch in footprint(step) if touch.own}
    return 1 if own != {owner.index} or step.kernel.attributes("random") else _MOST_AT_ONCE


def place_if_told(step: Step) -> str:
    """C text: no place in a list is asked for if blocks tell each other of events."""
    return f"TELLS ? b2g_places<int{32 if isinstance(step, Push) else 64}_t>{{0, 0}} : "


def has_rows(step: Step) -> bool:
    """Whether a step adds a row to a recorder when all of its elements are done."""
    return isinstance(step, WITH_ROWS)


def is_crowded(steps: Sequence[Step]) -> bool:
    """Whether steps need few registers but for numbers of distributions without a table.

    These are rare, and would take twice as many registers from all others.
    """
    return (
        any(map(draws, steps))
        and all(isinstance(step, Update | Deliver) for step in steps)
        and all(expressions(k) <= _FEW_EXPRESSIONS for step in steps for k in step.kernels())
    )


def draws(step: Step) -> bool:
    """Whether a step draws numbers that may be of distributions without a table."""
    drawn = {site.kind for kernel in step.kernels() for site in kernel.attributes("random")}
    return bool(drawn & {"poisson", "binomial"})


def expressions(kernel: Kernel) -> int:
    """How many expressions a kernel has, which says something about registers."""
    return len(list(walk(kernel.roots())))


def offsets(step: Step) -> list[int]:
    """For every column of a recorder, the bytes of the columns before it, in an element."""
    columns = getattr(step, "columns", [])
    sizes = [np.dtype(column.dtype).itemsize for column in columns]
    first = [8] if isinstance(step, RecordEvents) else []  # the order of the rows
    sizes = [*first, *sizes]
    return [sum(sizes[:k]) for k in range(len(sizes) + 1)]
