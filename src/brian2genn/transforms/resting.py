"""Refractoriness without a look at each neuron: those that rest are listed.

A state update finds out of each neuron whether its refractory period is over: it reads when the
last spike was, and how long the period is, and compares. But a neuron that does not rest goes on
not resting until it spikes, and those that have spiked are listed. So only neurons that rest are
looked at, and all others read a byte.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from ..model import expr as ex
from ..model.dtypes import BOOL
from ..model.expr import Expr
from ..model.footprint import How, arrays, footprint
from ..model.kernel import ELEMENT, Kernel
from ..model.network import Host, Network, Role, Step, Threshold, Update
from .one_pass import is_quick


@dataclass(frozen=True)
class Resting:
    """What takes the place of a state update while it is known which neurons rest.

    Attributes
    ----------
    events : str
        The array that lists the spikes of the last time step.
    not_refractory : str
        The array that says which neurons do not rest.
    look : Kernel
        For neurons that rest: finds out whether they still do. Its output ``over`` says that they
        do not.
    others : Kernel
        All else, for all neurons.
    """

    events: str
    not_refractory: str
    look: Kernel
    others: Kernel


def resting(network: Network) -> dict[str, Resting]:
    """Find the state updates that may list which neurons rest.

    Parameters
    ----------
    network : Network
        Simplified.

    Returns
    -------
    dict
        By the names of the steps.
    """
    if network.user_code or any(isinstance(step, Host) for step in network.steps):
        return {}  # whatever others change, nobody would know
    written = Counter(
        array for step in network.steps for array in arrays(footprint(step), How.WRITE, How.ADD)
    )
    found: dict[str, Resting] = {}
    for step in network.steps:
        if isinstance(step, Update) and not step.part and is_quick(step.kernel):
            threshold = _threshold_of(step, network)
            one = threshold and _resting(step, threshold, network, written)
            if one:
                found[step.name] = one
    return found


def _threshold_of(update: Update, network: Network) -> Threshold | None:
    """The threshold whose spikes make the neurons of a state update rest."""
    stored = {update.kernel.accesses[store.name].array for store in update.kernel.stores}
    found: list[Step] = [
        step
        for step in network.steps[network.steps.index(update) :]
        if isinstance(step, Threshold)
        and step.refractoriness is not None
        and step.refractoriness.not_refractory in stored
        and (step.clock, step.size, step.own) == (update.clock, update.size, update.own)
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], Threshold) else None


def _resting(
    update: Update, threshold: Threshold, network: Network, written: Counter[str]
) -> Resting | None:
    kernel, refractoriness = update.kernel, threshold.refractoriness
    assert refractoriness is not None
    state, last = refractoriness.not_refractory, refractoriness.lastspike
    stores = [store for store in kernel.stores if kernel.accesses[store.name].array == state]
    if len(stores) != 1 or (written[state], written[last]) != (2, 1):
        return None
    (store,) = stores
    access = kernel.accesses[store.name]
    time = network.clocks[update.clock].t
    if access.index != ELEMENT or store.add or access.dtype != BOOL or time is None:
        return None
    if refractoriness.time != time:
        return None
    # spikes change when the last one was, but that neuron is listed
    changing = {array for array in written if array != last}
    if not _Directions(kernel, network, time, changing).stays_true(store.value):
        return None
    value, known = store.value, ex.make("load", attr=store.name, dtype=BOOL)

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        return known if old is value else ex.make(old.op, args, old.attr, old.dtype)

    others = replace(kernel, stores=[one for one in kernel.stores if one is not store])
    others.rewrite(rule)
    look = replace(kernel, stores=[], outputs={"over": value})
    return Resting(threshold.events, state, look, others)


class _Directions:
    """Whether values grow with time: 1, fall: -1, stay: 0, or None if that is not known."""

    def __init__(self, kernel: Kernel, network: Network, time: str, changing: set[str]) -> None:
        self._kernel = kernel
        self._network = network
        self._time = time
        self._changing = changing

    def stays_true(self, condition: Expr) -> bool:
        """Whether a condition that holds once does so from then on."""
        if condition.op in ("and", "or"):
            return all(map(self.stays_true, condition.args))
        if condition.op in ("lt", "le"):
            return self._compare(condition.args[1], condition.args[0])
        return condition.op in ("gt", "ge") and self._compare(*condition.args)

    def _compare(self, larger: Expr, smaller: Expr) -> bool:
        return self._of(larger) in (0, 1) and self._of(smaller) in (0, -1)

    def _of(self, node: Expr) -> int | None:
        if node.op == "load":
            array = self._kernel.accesses[node.attr].array
            if array == self._time:
                return 1
            clocks = (Role.TIME, Role.TIMESTEP)
            changes = array in self._changing or self._network.arrays[array].role in clocks
            return None if changes or self._is_found_by_others(node) else 0
        if node.op in ("random", "user", "table"):
            return None
        of = [self._of(arg) for arg in node.args]
        if all(one == 0 for one in of):
            return 0
        match node.op:
            case "add":
                return _sum(of[0], of[1])
            case "sub":
                return _sum(of[0], _negative(of[1]))
            case "neg":
                return _negative(of[0])
            case "mul" if of[0] == 0 and self._is_positive(node.args[0]):
                return of[1]
            case "mul" | "div" if of[1] == 0 and self._is_positive(node.args[1]):
                return of[0]
            case "cast" if node.dtype != BOOL:
                return of[0]
            case "call" if node.attr in ("trunc", "floor", "ceil"):
                return of[0]
            case "call" if node.attr == "latest" and of[0] == of[2] == 0:
                return of[1]  # the later it is, the later may be what is long enough ago (`latest`)
            case "select" if _is_guard(node) and of[2] == 0:
                return of[1]
        return None

    def _is_found_by_others(self, node: Expr) -> bool:
        """Whether a variable is another neuron's, whose number may change."""
        return self._kernel.accesses[node.attr].index not in (None, ELEMENT)

    def _is_positive(self, node: Expr) -> bool:
        if node.op == "const":
            return bool(node.attr > 0)
        if node.op == "load":
            return self._network.arrays[self._kernel.accesses[node.attr].array].role is Role.DT
        return node.op in ("mul", "div") and all(self._is_positive(arg) for arg in node.args)


def _is_guard(node: Expr) -> bool:
    """Whether ``select(abs(x) < limit, x, otherwise)``: no number of time steps is as large."""
    condition, value, _ = node.args
    return (
        condition.op == "lt"
        and condition.args[0].op == "call"
        and condition.args[0].attr == "abs"
        and condition.args[0].args == (value,)
        and condition.args[1].op == "const"
        and condition.args[1].attr > 2**60
    )


def _negative(one: int | None) -> int | None:
    return None if one is None else -one


def _sum(one: int | None, other: int | None) -> int | None:
    if one is None or other is None or one * other < 0:
        return None
    return one or other
