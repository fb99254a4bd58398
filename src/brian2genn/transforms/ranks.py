"""Share a network out among several processes (ranks): who executes what, and what must travel.

Arrays of neurons are whole on every rank. A step over a group that is *divided* is executed for the
rank's own elements; one over synapses that are, for those that the rank has; every other step, for
all elements on every rank. Then arrays that the first two kinds have written are current for a
rank's own elements only, until an `Exchange`, which is put in front of the first step that needs
the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..model.footprint import How, Kind, Touch, Where, footprint
from ..model.mishap import working_on
from ..model.network import (
    Array,
    Collect,
    Deliver,
    Exchange,
    Host,
    Network,
    OnEvents,
    Push,
    Receive,
    RecordEvents,
    RecordRate,
    RecordState,
    Role,
    Step,
    Sum,
    Threshold,
    Update,
)


@dataclass(frozen=True)
class Side:
    """How synapses are divided: by the rank of the neuron on one side.

    Attributes
    ----------
    role : Role
        Of the array with these neurons' numbers: `Role.TARGET` or `Role.SOURCE`.
    group : str
        The label of the whole group that they belong to.
    """

    role: Role
    group: str


@dataclass(frozen=True)
class Divided:
    """What of a network is divided among ranks, by labels."""

    groups: frozenset[str] = frozenset()
    synapses: Mapping[str, Side] = field(default_factory=dict)


@dataclass(frozen=True)
class Impossible:
    """A step that would not do on several ranks what it does on one."""

    owner: str
    what: str
    reason: str


@dataclass
class Plan:
    """What came of sharing out a network.

    Attributes
    ----------
    impossible : list of Impossible
        If there are any, the network is as it was.
    own : dict
        The arrays that are current for a rank's own elements only when a time step ends, and whose
        elements these are: the label of a group, or, for what a monitor counts, the label of the
        monitor.
    collect : Collect or None
        What exchanges spikes that are not needed at once.
    exchanged : list of Exchange
    needed_by : list of list of str
        For each of these, the origins of the steps that it is for.
    """

    impossible: list[Impossible] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)
    collect: Collect | None = None
    exchanged: list[Exchange] = field(default_factory=list)
    needed_by: list[list[str]] = field(default_factory=list)


#: Steps over a group that each rank can do for elements of its own.
_BY_ELEMENT = (Update, Threshold, OnEvents, RecordEvents, RecordRate, RecordState)


class _Needs:
    """What a step needs to be current for all elements, and what it leaves current for own ones.

    `sides` says of the queues whose events they have.
    """

    def __init__(
        self, step: Step, network: Network, divided: Divided, sides: Mapping[int, str]
    ) -> None:
        self.step = step
        self._sides = sides
        self._arrays = network.arrays
        self._divided = divided
        self.whole: dict[str, None] = {}
        self.leaves: dict[str, str] = {}
        self.impossible: str | None = None
        if any(kernel.looks_into_arrays() for kernel in step.kernels()):
            self.impossible = "a C++ function of it looks into other arrays of the network"
            self.is_own, self.part, self.touches = False, None, []
            return
        self.touches = [touch for touch in footprint(step) if touch.memory.kind is Kind.ARRAY]
        #: of a step for a part of a group; see `Step.part`
        self.part = self._part_of_a_group()
        self.is_own = self.part is not None or (
            isinstance(step, _BY_ELEMENT) and step.domain in divided.groups
        )
        side = divided.synapses.get(_synapses_of(step))
        if side is not None:
            self._of_synapses(side)
            return
        held = [t for t in self.touches if self._array(t).owner in divided.synapses]
        if self.part is not None:
            self._of_own_part()
        elif self.is_own and self._can_be_own():
            self._of_own_elements()
        else:
            self.is_own = False
            self.whole = dict.fromkeys(_name(touch) for touch in self.touches)
        # what belongs to synapses as a whole (numbers for neurons, shared values) is whole
        if any(touch.own or touch.where is Where.ANYWHERE for touch in held):
            if isinstance(step, RecordState) and step.domain in divided.synapses:
                return
            self.impossible = "it uses variables of synapses, of which each process has a part"

    def _array(self, touch: Touch) -> Array:
        return self._arrays[_name(touch)]

    def _part_of_a_group(self) -> tuple[str, str] | None:
        """If it writes to nothing but a part of a divided group: see `Step.part`."""
        step = self.step
        if not isinstance(step, Update) or step.domain or _has_a_state(step):
            return None
        places = {a.array for a in step.kernel.accesses.values() if a.consecutive}
        written = [touch for touch in self.touches if touch.how is not How.READ]
        if len(places) != 1 or not written:
            return None
        for touch in written:
            through = touch.where is Where.THROUGH and touch.index in places
            if not through or self._array(touch).owner not in self._divided.groups:
                return None
        if len({self._array(touch).owner for touch in written}) > 1:
            return None
        return places.pop(), _name(written[0])

    def _of_own_part(self) -> None:
        """Elements beside the rank's own ones are computed, too, and are those of nobody."""
        assert self.part is not None
        for touch in self.touches:
            name, is_part = _name(touch), touch.index == self.part[0]
            if touch.how is not How.READ:
                self.leaves[name] = self._array(touch).owner
            elif not is_part:
                self.whole[name] = None

    def _can_be_own(self) -> bool:
        """Whether a step over a divided group writes to nothing but its own elements."""
        if _has_a_state(self.step) or _is_without_times(self.step):
            return False
        counted = getattr(self.step, "count", None)
        return all(
            touch.how is How.READ
            or touch.where is Where.SHARED
            or _name(touch) == counted
            or (touch.own and self._array(touch).owner == self.step.domain)
            for touch in self.touches
        )

    def _of_own_elements(self) -> None:
        step = self.step
        for touch in self.touches:
            name, array = _name(touch), self._array(touch)
            if touch.how is not How.READ and touch.where is not Where.SHARED:
                self.leaves[name] = array.owner
            elif not (touch.own and array.owner == step.domain):
                self.whole[name] = None

    def _of_synapses(self, side: Side) -> None:
        step, synapses = self.step, _synapses_of(self.step)
        if isinstance(step, Host):
            self.impossible = (
                f"Brian runs it ({step.reason}), and each process has a part of it only"
            )
            return
        if _has_a_state(step):
            self.impossible = "it calls a function that has a state, which each process would have"
            return
        if isinstance(step, Push):
            if (self._sides[step.queue] == "pre") != (side.role is Role.SOURCE):
                self.whole[step.events] = None
            return
        if not isinstance(step, Deliver | Sum | Update):
            self.impossible = "a step of this kind cannot be done for a part of the synapses"
            return
        for touch in self.touches:
            self._of_synapse(touch, side, synapses)
        both = sorted(self.whole.keys() & self.leaves.keys())
        if both and self.impossible is None:
            array = self._arrays[both[0]]
            what = f"'{getattr(array.origin, 'what', array.origin)}'".strip("'")
            self.impossible = (
                f"it reads values of neurons of other processes ({what} '{array.owner}') that it"
                " changes in the same time step: in which order, is known to one process only"
            )

    def _of_synapse(self, touch: Touch, side: Side, synapses: str) -> None:
        name, array = _name(touch), self._array(touch)
        writes = touch.how is not How.READ
        if array.owner == synapses and touch.own:
            return
        if touch.where is Where.THROUGH:
            index = self._arrays[str(touch.index)]
            along = index.owner == synapses and index.role is side.role
            if along and array.owner in (side.group, synapses):
                if writes:
                    self.leaves[name] = array.owner
                return
        if not writes:
            self.whole[name] = None
            return
        what = f"'{getattr(array.origin, 'what', array.origin)}'".strip("'")
        if touch.where is Where.SHARED:
            self.impossible = f"it changes a value shared by all synapses ({what} '{array.owner}')"
        else:
            here = "post" if side.role is Role.TARGET else "pre"
            self.impossible = (
                f"it writes to neurons of another process ({what} '{array.owner}'): these synapses"
                f" were divided by their {here}synaptic neurons when they were made"
            )


def _has_a_state(step: Step) -> bool:
    """Whether a function that it calls may give other results when others call it, too."""
    functions = [f for kernel in step.kernels() for f in kernel.attributes("user")]
    return any(not f.stateless or f.draws or f.vectorised for f in functions)


def _is_without_times(step: Step) -> bool:
    """Whether it records rows of which nobody could tell later in which order they came."""
    if not isinstance(step, RecordEvents) or not step.columns:
        return False
    return all(column.name != "t" for column in step.columns)


def _name(touch: Touch) -> str:
    return str(touch.memory.name)


def _synapses_of(step: Step) -> str:
    """The label of the synapses that a step goes through, if it may be any."""
    return "" if isinstance(step, RecordState) else step.domain


def share_out(
    network: Network, divided: Divided, shortest: Mapping[int, int] | None = None
) -> Plan:
    """Let each of several processes do its part of a network, in place.

    Parameters
    ----------
    network : Network
        As translated and settled.
    divided : Divided
        What of it is divided.
    shortest : mapping, optional
        From the numbers of queues to their shortest delays, in time steps, over all ranks.

    Returns
    -------
    Plan
    """
    sides = {step.queue: step.side for step in network.steps if isinstance(step, Deliver)}
    needs = []
    for step in network.steps:
        with working_on(step):
            needs.append(_Needs(step, network, divided, sides))
    plan = Plan(
        [Impossible(n.step.owner, n.step.origin, n.impossible) for n in needs if n.impossible]
    )
    if plan.impossible:
        return plan
    counts = {n.step.count for n in needs if isinstance(n.step, RecordEvents) and n.is_own}
    for need in needs:
        need.step.own, need.step.part = need.is_own, need.part
        if counts & need.whole.keys():
            reason = "it uses what a monitor counts, of which each process has a part"
            plan.impossible.append(Impossible(need.step.owner, need.step.origin, reason))
    if plan.impossible:
        return plan
    lists = {step.events for step in network.steps if isinstance(step, Threshold)}
    one_clock = len(network.clocks) == 1
    plan.collect = _collect(needs, lists, shortest or {})
    before = _at_the_beginning(needs, divided.groups, one_clock)
    steps: list[Step] = []
    current = _Currency(dict(before), divided.groups, one_clock)
    for need in needs:
        missing = current.missing(need)
        if missing:
            exchange = _exchange(need.step, missing, lists, len(plan.exchanged))
            plan.exchanged.append(exchange)
            plan.needed_by.append([need.step.origin])
            steps.append(exchange)
        elif plan.needed_by and need.whole:
            _note_use(plan, need)
        current.after(need)
        steps.append(need.step)
    plan.own = dict(current.own)
    if plan.collect is not None:
        _receive_later(plan.collect, steps)
        steps.append(plan.collect)
    network.steps = steps
    return plan


def _receive_later(collect: Collect, steps: list[Step]) -> None:
    """Let spikes travel until the next time step wants any of them, if Brian has no turn there."""
    if any(isinstance(step, Host) for step in steps):
        return
    queues = set(collect.queues.values())
    wanted = (
        place
        for place, step in enumerate(steps)
        if isinstance(step, Deliver) and step.queue in queues
    )
    place = next(wanted, None)
    if place is None:
        return
    collect.goes_on = True
    steps.insert(
        place,
        Receive(
            name="b2g_receive_spikes",
            origin=collect.origin,
            owner=collect.owner,
            clock=collect.clock,
            queues=dict(collect.queues),
        ),
    )


def _collect(needs: list[_Needs], lists: set[str], shortest: Mapping[int, int]) -> Collect | None:
    """Take out the steps that put events into queues where all of a list have a delay."""
    late: dict[str, list[_Needs]] = {}
    clocks: dict[object, int] = {}
    for need in needs:
        if isinstance(need.step, Threshold):
            clocks[need.step.events] = need.step.clock
        elif isinstance(need.step, Deliver):
            clocks[need.step.queue] = need.step.clock
    clock: int | None = None
    for name in sorted(lists):
        users = [need for need in needs if name in need.whole]
        used = {clocks[name], *(need.step.clock for need in users)}
        used |= {clocks[need.step.queue] for need in users if isinstance(need.step, Push)}
        if (
            users
            and used == {clocks[name] if clock is None else clock}
            and all(
                isinstance(need.step, Push) and shortest.get(need.step.queue, 0) > 0
                for need in users
            )
        ):
            late[name], clock = users, clocks[name]
    if not late:
        return None
    waiting = [need for users in late.values() for need in users]
    needs[:] = [need for need in needs if need not in waiting]
    taken = [
        (str(place), need.step.queue)
        for place, users in enumerate(late.values())
        for need in users
        if isinstance(need.step, Push)
    ]
    return Collect(
        name="b2g_collect_spikes",
        origin="exchange of spikes between processes",
        owner=waiting[0].step.owner,
        clock=waiting[0].step.clock,
        lists={str(place): name for place, name in enumerate(late)},
        queues={str(k): queue for k, (_, queue) in enumerate(taken)},
        takes={str(k): place for k, (place, _) in enumerate(taken)},
    )


def _note_use(plan: Plan, need: _Needs) -> None:
    for exchange, users in zip(plan.exchanged, plan.needed_by, strict=True):
        if need.whole.keys() & {*exchange.lists.values(), *exchange.values.values()}:
            users.append(need.step.origin)


class _Currency:
    """Which arrays are current for a rank's own elements only, as steps go by.

    Parameters
    ----------
    own : dict
        Those that are, at first, and whose elements.
    groups : collection of str
        The labels of groups that are divided.
    one_clock : bool
        Whether all steps are executed in every time step. Otherwise an exchange is for steps of the
        clock that it has itself, which may be executed without others.
    """

    def __init__(self, own: dict[str, str], groups: Collection[str], one_clock: bool) -> None:
        self.own = own
        self._groups = groups
        self._one_clock = one_clock
        #: with several clocks: those for whose steps an array has been exchanged
        self._fresh: dict[str, set[int]] = {}

    def missing(self, need: _Needs) -> list[str]:
        """What has to be exchanged before a step; notes that it is."""
        clock = need.step.clock
        # monitors are put together by whoever looks at them
        wanted: Iterable[str] = self._of_groups() if isinstance(need.step, Host) else need.whole
        missing = [
            name for name in wanted if name in self.own and clock not in self._fresh.get(name, ())
        ]
        for name in missing:
            if self._one_clock:
                del self.own[name]
            else:
                self._fresh.setdefault(name, set()).add(clock)
        return missing

    def _of_groups(self) -> list[str]:
        return [name for name, owner in self.own.items() if owner in self._groups]

    def after(self, need: _Needs) -> None:
        """A step has been executed."""
        for name, owner in need.leaves.items():
            self.own[name] = owner
            self._fresh.pop(name, None)


def _at_the_beginning(
    needs: Sequence[_Needs], groups: Collection[str], one_clock: bool
) -> dict[str, str]:
    """What is current for own elements only when a time step begins that is not the first."""
    before: dict[str, str] = {}
    while True:
        current = _Currency(dict(before), groups, one_clock)
        for need in needs:
            current.missing(need)
            current.after(need)
        if current.own.keys() <= before.keys():
            return before
        before |= current.own


def _exchange(step: Step, missing: Sequence[str], lists: set[str], number: int) -> Exchange:
    return Exchange(
        name=f"b2g_exchange_{number}",
        origin=f"exchange between processes {number}",
        owner=step.owner,
        clock=step.clock,
        lists={f"list {k}": name for k, name in enumerate(missing) if name in lists},
        values={f"array {k}": name for k, name in enumerate(missing) if name not in lists},
        number=number,
    )
