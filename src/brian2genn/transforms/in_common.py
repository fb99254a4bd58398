"""Find what the pathways of some synapses leave in common to the synapses of a neuron."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..model import expr as ex
from ..model.dtypes import FLOAT64
from ..model.expr import Expr
from ..model.footprint import Touched
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.network import Deliver, Network, Role, Sum, Update
from .continuous import constants_of, loads_of, values_in
from .flows import is_flow

SIDES = ("pre", "post")


@dataclass
class Common:
    """What the synapses of a neuron have in common; variables by their names in the kernels.

    Attributes
    ----------
    side : dict
        From a variable to the side of its neuron.
    flows : dict
        From a variable to its value at the present, where that depends on `stamp`.
    stamp, now : str
        The variable with the time of the synapse's last event, and the one with the present time;
        empty if there is none, or if that is in common, too.
    stamp_stays : bool
        Whether the synapses need it all the same.
    constants : dict
        From what never changes, and has to be the same for the synapses of a neuron, to a side.
    """

    side: dict[str, str]
    flows: dict[str, Expr]
    stamp: str
    now: str
    stamp_stays: bool = False
    constants: dict[str, str] = field(default_factory=dict)
    #: by serial number
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {flow.serial: name for name, flow in self.flows.items()}

    def leave_out(self, node: Expr) -> bool:
        """Whether a node is the present value of such a variable."""
        return node.serial in self.names


def find(
    network: Network,
    steps: list[Deliver],
    going_on: list[Update | Sum],
    touched: Touched,
    *,
    constants: bool,
) -> Common | None:
    """What the pathways of some synapses leave in common to the synapses of a neuron.

    Parameters
    ----------
    network : Network
    steps : list of Deliver
        All pathways of the synapses.
    going_on : list of Update or Sum
        What is done for all of the synapses in every time step.
    touched : Touched
        What the steps of the network touch.
    constants : bool
        Whether it may depend on constants of the synapses.
    """
    kernels = [step.kernel for step in steps]
    continuous = [step.kernel for step in going_on]
    if len({step.clock for step in steps}) > 1:
        return None
    if any(kernel.shared_stores or kernel.careful for kernel in kernels):
        return None
    accesses = accesses_of([*kernels, *continuous])
    if accesses is None:
        return None
    own = {
        name
        for name, access in accesses.items()
        if access.index == ELEMENT
        and access.dtype == FLOAT64
        and not touched.by_others(access.array, [*steps, *going_on])
    }
    of_array = [access.array for access in accesses.values()]
    own = {name for name in own if of_array.count(accesses[name].array) == 1}
    values = {side: [values_of(s.kernel) for s in steps if s.side == side] for side in SIDES}
    stored = {side: {name for one in values[side] for name in one} for side in SIDES}
    integrated = {name for one in values_in(going_on) for name in one}
    own &= stored["pre"] | stored["post"] | integrated
    seen = {access.name for kernel in continuous for access in kernel.loads()} | integrated

    times = {
        name
        for name, access in accesses.items()
        if access.index is None and network.arrays[access.array].role is Role.TIME
    }
    stamp = now = ""
    for name in sorted(own & stored["pre"] & stored["post"] - seen):
        written = {one[name] for side in SIDES for one in values[side] if name in one}
        (value,) = written if len(written) == 1 else (None,)
        if value is not None and value.op == "load" and value.attr in times:
            stamp, now = name, value.attr
    side, flows = _candidates(own - {stamp}, values, stamp, now)
    side = {name: one for name, one in side.items() if name not in flows or name not in seen}
    first = steps[0].side
    side |= dict.fromkeys(sorted(own & integrated - stored["pre"] - stored["post"]), first)
    same = dict.fromkeys(constants_of(touched, accesses.values()) if constants else (), first)
    while side:
        common = Common(side, {name: flows[name] for name in side if name in flows}, stamp, now)
        common.constants = same
        wrong = _not_common(common, steps, accesses)
        wrong |= _not_integrated(common, values_in(going_on), accesses)
        if not wrong:
            common.constants = _needed(common, [s.kernel for s in steps], continuous)
            common.stamp_stays = any(
                stamp in raw_loads(remaining(step.kernel, common), common) for step in steps
            )
            return common
        side = {name: one for name, one in side.items() if name not in wrong}
    return None


def accesses_of(kernels: Iterable[Kernel]) -> dict[str, Access] | None:
    """By name; None if one name means two things."""
    merged: dict[str, Access] = {}
    for kernel in kernels:
        for name, access in kernel.accesses.items():
            if merged.setdefault(name, access) != access:
                return None
    return merged


def values_of(kernel: Kernel) -> dict[str, Expr]:
    """By name, what a kernel gives variables."""
    return {store.name: store.value for store in kernel.stores}


def _candidates(
    names: Iterable[str], values: dict[str, list[dict[str, Expr]]], stamp: str, now: str
) -> tuple[dict[str, str], dict[str, Expr]]:
    """The side that each variable might belong to, and how it gets to the present."""
    sides: dict[str, str] = {}
    flows: dict[str, Expr] = {}
    for name in sorted(names):
        for side, other in (SIDES, SIDES[::-1]):
            there = list(dict.fromkeys(one[name] for one in values[other] if name in one))
            if not there and any(name in one for one in values[side]):
                sides[name] = side
                break
            if stamp and len(there) == 1 and is_flow(there[0], name, stamp, now):
                sides[name], flows[name] = side, there[0]
                break
    return sides, flows


def _not_common(common: Common, steps: Iterable[Deliver], accesses: dict[str, Access]) -> set[str]:
    """The variables that do not belong to a neuron after all."""
    wrong: set[str] = set()
    for step in steps:
        values = values_of(step.kernel)
        is_of_neuron = of_neuron(step.side, common, accesses)
        for name, side in common.side.items():
            flow = common.flows.get(name)
            if flow is not None and (name in values) != (common.stamp in values):
                wrong.add(name)
            if name in values and side == step.side and not is_of_neuron(values[name]):
                wrong.add(name)
        wrong |= raw_loads(remaining(step.kernel, common), common) & common.flows.keys()
    return wrong


def _not_integrated(
    common: Common, updates: list[dict[str, Expr]], accesses: dict[str, Access]
) -> set[str]:
    """The variables that depend on more than their neuron when they are integrated."""
    return {
        name
        for values in updates
        for name, side in common.side.items()
        if name in values and not of_neuron(side, common, accesses)(values[name])
    }


def _needed(common: Common, *kernels: list[Kernel]) -> dict[str, str]:
    """The constants that variables depend on."""
    values = [s.value for some in kernels for kernel in some for s in kernel.stores
              if s.name in common.side]  # fmt: skip
    read = loads_of(values)
    return {name: side for name, side in sorted(common.constants.items()) if name in read}


def of_neuron(side: str, common: Common, accesses: dict[str, Access]) -> Callable[[Expr], bool]:
    """Says whether a value is the same for all synapses of the neuron on one side."""
    known: dict[int, bool] = {}

    def leaf(node: Expr) -> bool:
        if node.op in ("random", "user", "given", "table"):
            return False
        if node.op != "load" or accesses[node.attr].index is None:
            return True
        if common.constants.get(node.attr) == side:
            return True
        return common.side.get(node.attr) == side and node.attr not in common.flows

    def holds(root: Expr) -> bool:
        for node in ex.walk([root], lambda one: one.serial in known):
            if node.serial in common.names:
                known[node.serial] = common.side[common.names[node.serial]] == side
            else:
                known[node.serial] = leaf(node) and all(known[arg.serial] for arg in node.args)
        return known[root.serial]

    return holds


def remaining(kernel: Kernel, common: Common) -> list[Store]:
    """What is left to do at each synapse; its stamp stands apart."""
    left_out = common.side.keys() | {common.stamp}
    return [store for store in kernel.stores if store.name not in left_out]


def raw_loads(stores: Iterable[Store], common: Common) -> set[str]:
    """The variables that are read as they are, beside their present values."""
    nodes = ex.walk([store.value for store in stores], common.leave_out)
    return {node.attr for node in nodes if node.op == "load"}
