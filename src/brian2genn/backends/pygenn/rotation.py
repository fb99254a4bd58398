"""Brian's time step as GeNN's: which steps GeNN executes one time step later, and whether it may.

GeNN delivers first the spikes of the last time step, then runs the code of the neurons. So its
time step k is what of Brian's step k - 1 comes from the delivery of spikes on, and then what of
Brian's step k comes before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.footprint import How, arrays, footprint
from ...model.kernel import ELEMENT
from ...model.network import (
    Deliver,
    EmitSpikes,
    Host,
    Network,
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Step,
    Sum,
    Threshold,
    Update,
)
from ...transforms.scatter import addend
from ..refusal import Refusal
from .instance import Instance


@dataclass
class Rotation:
    """The steps of a network by when GeNN executes them.

    Attributes
    ----------
    before : list of Step
        In the time step that Brian has them in.
    after : list of Step
        One time step later, from the first delivery of spikes on.
    late : list of Step
        Updates and monitors of synapses: in `before`, but executed one time step later, ahead of
        the delivery.
    early : list of OnEvents
        Resets that come after the delivery in Brian, but have nothing to do with it; GeNN executes
        them in Brian's time step, because a summed variable needs their result.
    """

    before: list[Step]
    after: list[Step]
    late: list[Step] = field(default_factory=list)
    early: list[OnEvents] = field(default_factory=list)

    @classmethod
    def of(cls, network: Network) -> Rotation:
        """Cut the schedule where spikes are delivered, or at the first reset."""
        steps = network.steps
        cut = next(
            (k for k, step in enumerate(steps) if isinstance(step, Push | Deliver)),
            next((k for k, step in enumerate(steps) if isinstance(step, OnEvents)), len(steps)),
        )
        return cls(steps[:cut], steps[cut:])

    def advance_resets(self) -> None:
        """Find resets that summed variables need, and that may come before the delivery."""
        summed = {array for s in self.before if isinstance(s, Sum) for array in read(s)}
        rest: list[Step] = []
        for step in self.after:
            conflict = any(
                written(step) & (read(other) | written(other) | added(other))
                or read(step) & written(other)
                for other in [*self.late, *rest, *(d for d in self.after if isinstance(d, Deliver))]
                if other is not step and not isinstance(other, Host | Push)
            )
            if isinstance(step, OnEvents) and written(step) & summed and not conflict:
                self.early.append(step)
            else:
                rest.append(step)
        self.after = rest

    def pending(self) -> list[Step]:
        """What remains to be done of Brian's time step after GeNN's."""
        return [*self.late, *self.after]


def written(step: Step) -> set[str]:
    """The arrays that a step changes."""
    return arrays(footprint(step), How.WRITE, How.ADD)


def read(step: Step) -> set[str]:
    """The arrays whose values a step uses."""
    return arrays(footprint(step), How.READ)


def added(step: Step) -> set[str]:
    """The arrays that a delivery adds to."""
    return arrays(footprint(step), How.ADD)


def _adds_only(step: Step, array: str) -> bool:
    """Whether a step of neurons does nothing with an array but add to it."""
    for kernel in step.kernels():
        own = {n for n, access in kernel.accesses.items() if access.array == array}
        for store in kernel.stores:
            if store.name in own and kernel.accesses[store.name].index == ELEMENT:
                if addend(store.value, store.name) is None:
                    return False
            elif own & set(kernel.attributes("load")):
                return False
    return isinstance(step, Update)


def check_order(instance: Instance, rotation: Rotation) -> list[Refusal]:
    """What of a schedule GeNN's order of things would change."""
    refusals = []

    def refuse(step: Step, construct: str, reason: str) -> None:
        refusals.append(Refusal(instance.names.of(step.owner), construct, reason))

    late = set(map(id, rotation.late))
    for number, step in enumerate(rotation.after):
        earlier = rotation.after[:number]
        if isinstance(step, Threshold | EmitSpikes | Sum):
            refuse(step, "its place in the schedule", "it comes after spikes are delivered")
        if not isinstance(step, Deliver):
            continue
        for other in earlier:
            if isinstance(other, Host | Push):
                continue
            if isinstance(other, Deliver):
                common = added(other) & read(step)
                if common:
                    refuse(
                        step,
                        f"it uses {_names(instance, common)}",
                        _ADDED.format(instance.names.of(other.owner)),
                    )
                continue
            touched = (written(other) & (read(step) | added(step))) | (read(other) & added(step))
            touched = {a for a in touched if a in read(step) or not _adds_only(other, a)}
            if touched:
                refuse(
                    step,
                    f"it uses {_names(instance, touched)}",
                    f"'{instance.names.of(other.owner)}' comes before it and uses it; GeNN delivers"
                    " spikes first",
                )
    for number, step in enumerate(rotation.before):
        if isinstance(step, OnEvents | RecordEvents | RecordRate) and any(
            isinstance(other, Threshold | EmitSpikes) and other.events == step.events
            for other in rotation.before[number + 1 :]
        ):
            refuse(step, "its place in the schedule", "it comes before the events of a time step")
        if id(step) in late:
            for other in rotation.before[number + 1 :]:
                # what Brian or a monitor of synapses does is done outside of GeNN, in Brian's order
                if isinstance(other, Host | RecordState) or id(other) in late:
                    continue
                common = (written(other) & (read(step) | written(step))) | (
                    read(other) & written(step)
                )
                if common:
                    refuse(
                        step,
                        f"it uses {_names(instance, common)}",
                        f"'{instance.names.of(other.owner)}' comes after it and uses that too; GeNN"
                        " updates synapses after neurons",
                    )
        if isinstance(step, Sum):
            used = read(step) - {step.index}
            for other in [*rotation.after, *rotation.before[:number]]:
                common = written(other) & used
                if isinstance(other, Deliver) and other.side == "pre":
                    # GeNN adds the difference that a spike makes
                    common = {a for a in common if instance.group_of(a) != other.synapses}
                if common and id(other) not in late:
                    refuse(
                        step,
                        f"it uses {_names(instance, common)}",
                        f"'{instance.names.of(other.owner)}' changes that after GeNN has summed",
                    )
    return refusals


_ADDED = "'{}' comes before it and adds to that; GeNN adds when all spikes have been delivered"


def _names(instance: Instance, arrays: set[str]) -> str:
    return ", ".join(sorted(instance.names.tell(instance.network.arrays[a].origin) for a in arrays))
