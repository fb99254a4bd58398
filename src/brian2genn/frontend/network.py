"""A Brian network, object by object in schedule order, as a network model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from brian2.core.base import BrianObject

from ..model.compiling import CompilerArguments
from ..model.names import Names, Origin
from ..model.network import Host, Network, Step
from ..model.user_code import UserCode
from .brian_names import BrianNames
from .builder import Bindings, NetworkBuilder
from .expressions import Unsupported
from .labels import in_order
from .recorded import RecordedCode
from .steps import StepReader

COMPILED = "compiled"
BY_BRIAN = "Brian"
NOTHING = "-"
REFUSED = "refused"

#: Why an object runs nowhere.
IDLE = "nothing to do in a time step"

#: Why Brian runs a `network_operation`.
PYTHON = "is Python code"


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
    """A network model, what its names stand for, and where every object runs.

    Attributes
    ----------
    network : Network
    bindings : Bindings
    placements : list of Placement
        In the order of the schedule.
    users : dict
        From the users' C++ functions to the objects that call them.
    slots : list
        For every step, its slot in the schedule and its place there.
    ranks : list of int
        For every step, the place of its object among all objects by label.
    """

    network: Network
    bindings: Bindings
    placements: list[Placement]
    users: dict[str, tuple[str, ...]]
    slots: list[tuple[str, int]]
    ranks: list[int]

    def function_users(self) -> list[str]:
        """Sentences: which objects use the C++ functions that users wrote."""
        return function_users(self.users)

    def host_clocks(self) -> list[int]:
        """For every object that Brian runs, the number of its clock."""
        hosts = [step for step in self.network.steps if isinstance(step, Host)]
        return [step.clock for step in sorted(hosts, key=lambda step: step.number)]

    def host_reasons(self) -> list[str]:
        """For every object that Brian runs, why."""
        return [step.reason for step in self.network.steps if isinstance(step, Host)]


def function_users(users: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences: which objects (by name) use the C++ functions that users wrote."""
    return [
        f"It contains the C++ function '{name}', used by {', '.join(map(repr, owners))}."
        for name, owners in users.items()
    ]


#: Says why a backend cannot take the steps of an object; None if it can. It is told the text of all
#: users' functions so far, and what that text needs of a compiler.
Refusal = Callable[[Sequence[Step], Sequence[UserCode], CompilerArguments], str | None]

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
    clocks = in_order(clocks)
    builder = NetworkBuilder(BrianNames([*objects, *clocks], _variables(objects)))
    # not in the order of the schedule, which depends on how far Brian has counted its objects
    by_label = builder.labels.sorted(objects)
    translated = {
        id(obj): _translate_object(builder, obj, refuse, hand_over, handed) for obj in by_label
    }
    rank_of = {id(obj): rank for rank, obj in enumerate(by_label)}
    placements, slots, ranks = [], [], []
    for obj in objects:
        steps, placement = translated[id(obj)]
        placements.append(placement)
        builder.network.steps += steps
        slots += [(obj.when, obj.order)] * len(steps)
        ranks += [rank_of[id(obj)]] * len(steps)
    for clock in clocks:
        builder.clock(clock)
    builder.network.views = builder.views()
    builder.network.user_code = builder.user_text()
    builder.network.compiler = builder.compiler()
    builder.bindings.names = Names(builder.labels.names)
    return Translation(
        builder.network, builder.bindings, placements, builder.function_users, slots, ranks
    )


def _variables(objects: Iterable[Any]) -> list[Any]:
    """The variables and functions that the code of objects uses."""
    recorded = (getattr(code, "recorded", None) for obj in objects for code in obj.code_objects)
    codes = [code for code in recorded if code is not None]
    return [variable for code in codes for variable in code.variables.values()]


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


def left_to_brian(objects: Sequence[Any], reason: str) -> list[Placement]:
    """Placements of a network that Brian has run as a whole."""
    return [
        Placement(obj.name, type(obj).__name__, BY_BRIAN, reason)
        if obj.code_objects or type(obj).run is not BrianObject.run
        else Placement(obj.name, type(obj).__name__, NOTHING, IDLE)
        for obj in objects
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
        reason = PYTHON
    else:
        codes = [getattr(code, "recorded", None) for code in obj.code_objects]
        if not codes:
            return [], Placement(obj.name, kind, NOTHING, IDLE)
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
    label = builder.label(obj)
    step = Host(label, Origin(kind, label), label, clock, number, reason)
    return [step], Placement(obj.name, kind, BY_BRIAN, reason + _advice(obj, reason))


def _advice(obj: Any, reason: str) -> str:
    """Which function of the script it is, and where it is told what to write instead."""
    if reason != PYTHON:
        return ""
    name = getattr(getattr(obj, "function", None), "__name__", "")
    which = f", the function '{name}'" if name else ""
    return f"{which}; what to write instead: docs/howto/slow_networks.md"


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
    steps = [step for code in recorded for step in reader.read(code)]
    reason = refuse(steps, builder.user_text(), builder.user_arguments())
    if reason is not None:
        raise Unsupported(reason)
    return steps
