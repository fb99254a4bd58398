"""Find the steps whose elements several threads can share out, and which of them in one go.

A thread takes a share of the elements of a group through one step after the other.  Where a step
touches other elements than its own it has to wait for all threads, so it begins another stretch.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..model import expr as ex
from ..model.mishap import working_on
from ..model.network import Step, Threshold, Update
from .scatter import why_ordered
from .stages import touched_by


def why_not_shared(step: Step) -> str | None:
    """Why the elements of a step stay on one thread, for people; None if they need not.

    Parameters
    ----------
    step : Step
        One that has been simplified.
    """
    if not isinstance(step, Update | Threshold):
        return "it has no loop over the elements of a group"
    kernel = step.kernel
    if kernel.shared_stores:
        return "it writes shared variables"
    for node in ex.walk(kernel.roots()):
        if node.op == "user":
            # Brian takes functions to be stateless unless told otherwise; C++ may differ
            return f"nobody knows whether '{node.attr.name}' may be called by several threads"
    return why_ordered(kernel)


def stretches(steps: Sequence[Step]) -> list[list[Step]]:
    """Cut steps in schedule order into stretches that threads go through without waiting.

    Parameters
    ----------
    steps : sequence of Step
        Without steps that the host runs.

    Returns
    -------
    list of list of Step
        A step that is not shared is alone.
    """
    found: list[list[Step]] = []
    for step in steps:
        with working_on(step):
            follows = bool(found) and _can_follow(found[-1], step)
        if follows:
            found[-1].append(step)
        else:
            found.append([step])
    return found


def _can_follow(stretch: Sequence[Step], step: Step) -> bool:
    if any(why_not_shared(one) is not None for one in (stretch[0], step)):
        return False
    return stretch[0].clock == step.clock and not any(_wait(other, step) for other in stretch)


def _wait(one: Step, other: Step) -> bool:
    """Whether all elements of one step must be done before the first of the other."""
    assert isinstance(one, Update | Threshold)
    assert isinstance(other, Update | Threshold)
    mine, its = touched_by(one), touched_by(other)
    if one.size == other.size:
        return mine.clashes(its) and mine.clashes_beyond_own(its)
    return mine.clashes(its)
