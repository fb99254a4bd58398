"""A Brian network, object by object in schedule order, as a network model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from brian2.core.base import BrianObject

from ..model.compiling import CompilerArguments
from ..model.network import Host, Network, Step
from .builder import Bindings, NetworkBuilder
from .expressions import Unsupported
from .recorded import RecordedCode
from .steps import StepReader

COMPILED = "compiled"
BY_BRIAN = "Brian"
NOTHING = "-"
REFUSED = "refused"


class Refused(Protocol):
    """One construct of one object that a backend cannot take."""

    @property
    def owner(self) -> str:
        """The name of the object."""

    @property
    def construct(self) -> str:
        """What it has."""

    @property
    def reason(self) -> str:
        """Why that cannot be."""


@dataclass(frozen=True)
class Placement:
    """Where an object of the network runs, and why."""

    name: str
    kind: str
    where: str
    reason: str = ""


@dataclass
class Translation:
    """A network model, what its names stand for, and where every object runs."""

    network: Network
    bindings: Bindings
    placements: list[Placement]
    users: dict[str, tuple[str, ...]]

    def function_users(self) -> list[str]:
        """Sentences: which objects use the C++ functions that users wrote."""
        return function_users(self.users)

    def host_clocks(self) -> list[int]:
        """For every object that Brian runs, the number of its clock."""
        return [step.clock for step in self.network.steps if isinstance(step, Host)]


def function_users(users: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences: which objects (by name) use the C++ functions that users wrote."""
    return [
        f"It contains the C++ function '{name}', used by {', '.join(map(repr, owners))}."
        for name, owners in users.items()
    ]


#: Says why a backend cannot take the steps of an object; None if it can. It is told the text of all
#: users' functions so far, and what that text needs of a compiler.
Refusal = Callable[[Sequence[Step], Sequence[str], CompilerArguments], str | None]

#: Told the name of an object and what went wrong in reading it; returns why Brian runs it, for
#: people, or raises what ends the run.
HandOver = Callable[[str, Exception], str]


def translate(
    objects: Sequence[Any],
    clocks: Iterable[Any],
    refuse: Refusal,
    hand_over: HandOver,
    handed: Mapping[str, str],
) -> Translation:
    """Translate the active objects of a Brian network.

    Parameters
    ----------
    objects : sequence of BrianObject
        In the order of the schedule; code objects must have been recorded.
    clocks : iterable of Brian clocks
        All clocks of the network, also those of inactive objects.
    refuse : callable
        The backend's word on the steps of each object.
    hand_over : callable
        Decides what becomes of an object where reading it fails.
    handed : mapping
        Names of objects that Brian has to run, and why.

    Returns
    -------
    Translation
    """
    builder = NetworkBuilder()
    placements = []
    for obj in objects:
        steps, placement = _translate_object(builder, obj, refuse, hand_over, handed)
        builder.network.steps.extend(steps)
        placements.append(placement)
    for clock in sorted(clocks, key=lambda clock: str(clock.name)):
        builder.clock(clock)
    builder.network.user_code = builder.user_text()
    builder.network.compiler = builder.compiler()
    return Translation(builder.network, builder.bindings, placements, builder.function_users)


def refuse(placements: Sequence[Placement], refusals: Sequence[Refused]) -> list[Placement]:
    """Placements of a network that a backend has refused: nothing of it ran."""
    reasons: dict[str, list[str]] = {}
    for refusal in refusals:
        reasons.setdefault(refusal.owner, []).append(f"{refusal.construct}: {refusal.reason}")
    return [
        replace(place, where=REFUSED, reason="; ".join(reasons[place.name]))
        if place.name in reasons
        else replace(place, where=NOTHING, reason="could be taken")
        for place in placements
    ]


def _translate_object(
    builder: NetworkBuilder,
    obj: Any,
    refuse: Refusal,
    hand_over: HandOver,
    handed: Mapping[str, str],
) -> tuple[list[Step], Placement]:
    kind = type(obj).__name__
    reason = None
    if type(obj).run is not BrianObject.run:
        reason = "is Python code"
    else:
        codes = [getattr(code, "recorded", None) for code in obj.code_objects]
        if not codes:
            return [], Placement(obj.name, kind, NOTHING, "nothing to do in a time step")
        recorded = [code for code in codes if code is not None]
        if len(recorded) < len(codes):
            foreign = obj.code_objects[codes.index(None)]
            reason = f"uses Brian's own {foreign.__class__.__name__}"
        elif obj.name in handed:
            reason = handed[obj.name]
        else:
            try:
                with builder.transaction():
                    steps = _read(builder, obj, recorded, refuse)
                return steps, Placement(obj.name, kind, COMPILED)
            except Unsupported as unsupported:
                reason = str(unsupported)
            except Exception as error:
                reason = hand_over(obj.name, error)
    number = len(builder.bindings.hosts)
    builder.bindings.hosts.append(obj)
    clock = builder.clock(obj.clock)
    step = Host(obj.name, f"{kind} '{obj.name}'", obj.name, clock, number, reason)
    return [step], Placement(obj.name, kind, BY_BRIAN, reason)


def _read(
    builder: NetworkBuilder, obj: Any, recorded: Sequence[RecordedCode], refuse: Refusal
) -> list[Step]:
    """The steps of an object.

    Raises
    ------
    Unsupported
        With the reason why Brian has to run it.
    """
    reader = StepReader(builder, obj)
    read = [reader.read(code) for code in recorded]
    steps = [step for step in read if step is not None]
    reason = refuse(steps, builder.user_text(), builder.user_arguments())
    if reason is not None:
        raise Unsupported(reason)
    return steps
