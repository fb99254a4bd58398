"""Find the steps whose elements several threads can share out, and which of them in one go.

A thread takes a share of the elements of a group through one step after the other.  Where a step
touches other elements than its own it has to wait for all threads, so it begins another stretch.

Synapses are divided by what events at them change: each part has targets of its own, so that no two
threads write to the same place, and every target gets its additions in the same order as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..model import expr as ex
from ..model.footprint import How, Kind, Touch, Where, footprint
from ..model.mishap import working_on
from ..model.network import Deliver, Network, Push, Step, Sum, Threshold, Update
from .scatter import why_ordered
from .stages import Touched, touched_by


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
        A step that is not shared is alone; pushes of the same events are one stretch.
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


def pushes_together(steps: Sequence[Step]) -> list[Step]:
    """Let events of one list go into all queues in one go, where the order of steps allows it.

    Parameters
    ----------
    steps : sequence of Step
        In schedule order, without steps that the host runs.

    Returns
    -------
    list of Step
        A push follows the first one of the same events on the same clock, or is where it was.
    """
    found: list[list[Step]] = []
    #: the pushes of some events, and what the steps after them touch
    open_ones: list[tuple[list[Step], Touched]] = []
    for step in steps:
        touched = touched_by(step)
        mine = [
            one
            for one in open_ones
            if isinstance(step, Push) and are_pushed_together(one[0][0], step)
        ]
        if mine and not touched.clashes(mine[0][1]):
            mine[0][0].append(step)
        else:
            found.append([step])
            open_ones = [one for one in open_ones if one not in mine]
        for pushes, since in open_ones:
            if step not in pushes:
                since.add(touched)
        if isinstance(step, Push) and step is found[-1][0]:
            open_ones.append((found[-1], Touched()))
    return [step for group in found for step in group]


def thresholds_early(steps: Sequence[Step]) -> list[Step]:
    """Let thresholds follow the state updates of their groups, past what does not matter for them.

    Brian updates all groups first. Where these have several clocks, or something is between that
    is not shared out, a threshold would be in another stretch than its group's state update.

    Parameters
    ----------
    steps : sequence of Step
        In schedule order, without steps that the host runs.
    """
    found: list[Step] = []
    touched = {id(step): touched_by(step) for step in steps}
    for step in steps:
        found.insert(_earliest_place(found, step, touched), step)
    return found


def _earliest_place(steps: Sequence[Step], step: Step, touched: Mapping[int, Touched]) -> int:
    """Where in a schedule a threshold may be; the end for all else."""
    if not isinstance(step, Threshold) or why_not_shared(step) is not None:
        return len(steps)
    for place in reversed(range(len(steps))):
        other = steps[place]
        if isinstance(other, Update) and (other.size, other.clock) == (step.size, step.clock):
            break
        if touched[id(step)].clashes(touched[id(other)]):
            return len(steps)
    else:
        return len(steps)
    # behind all that may be in the stretch
    place += 1
    while place < len(steps) and steps[place].clock == step.clock:
        if why_not_shared(steps[place]) is not None:
            break
        place += 1
    return place


def are_pushed_together(one: Step, other: Step) -> bool:
    """Whether two steps of the schedule push the same events at the same times."""
    if not isinstance(one, Push) or not isinstance(other, Push):
        return False
    return (one.events, one.clock, one.own) == (other.events, other.clock, other.own)


def _can_follow(stretch: Sequence[Step], step: Step) -> bool:
    if are_pushed_together(stretch[0], step):
        return not step.own
    if any(why_not_shared(one) is not None for one in (stretch[0], step)):
        return False
    if stretch[0].own != step.own:
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


@dataclass(frozen=True)
class Division:
    """By what the synapses of a pathway are divided among threads.

    Attributes
    ----------
    index : str or None
        The array that has, for every synapse, the place that events at it write to; None if they
        write to the synapses alone.
    target : str or None
        An array that is written to by these places.
    """

    index: str | None
    target: str | None


def division_of(step: Deliver | Sum) -> Division | str:
    """How the synapses of a pathway, or of a sum, are divided; or, for people, why they are not.

    Parameters
    ----------
    step : Deliver or Sum
        One that has been simplified; its additions need not be separated.
    """
    if any(node.op == "user" for node in ex.walk(step.kernel.roots())):
        return "nobody knows whether its functions may be called by several threads"
    touches = [touch for touch in footprint(step, [step.kernel]) if touch.memory.kind is Kind.ARRAY]
    written = [touch for touch in touches if touch.how is not How.READ]
    if not all(touch.own or touch.where is Where.THROUGH for touch in written):
        return "it writes shared variables"
    indices = {touch.index for touch in written if touch.where is Where.THROUGH}
    if len(indices) > 1:
        return "it writes to the neurons on both sides"
    by_array: dict[object, set[tuple[Where, str | None]]] = {}
    for touch in touches:
        by_array.setdefault(touch.memory, set()).add(_place(touch))
    for touch in written:
        if len(by_array[touch.memory]) > 1:
            return "it uses what it changes of other elements"
        if touch.memory.name in indices:
            return "it changes which neurons are its targets"
    through = [touch for touch in written if touch.where is Where.THROUGH]
    if not through:
        return Division(None, None)
    return Division(through[0].index, str(through[0].memory.name))


def divisions_of(network: Network) -> dict[str, Division]:
    """By the names of steps: how synapses are divided among threads, where they are."""
    found = {}
    for step in network.steps:
        if isinstance(step, Deliver | Sum):
            with working_on(step):
                division = division_of(step)
            if isinstance(division, Division):
                found[step.name] = division
    return found


def targets_of(network: Network) -> dict[int, str]:
    """By their queues: the arrays by which the synapses of pathways are divided among threads."""
    divisions = divisions_of(network)
    return {
        step.queue: index
        for step in network.steps
        if isinstance(step, Deliver) and step.name in divisions
        if (index := divisions[step.name].index) is not None
    }


def _place(touch: Touch) -> tuple[Where, str | None]:
    return Where.OWN if touch.own else touch.where, touch.index
