"""Keep what all synapses of a neuron have in common once for the neuron.

The trace of a rule of plasticity (``x += 1`` in ``on_pre``, decaying from event to event) is a
synaptic variable in Brian, and has the same value at all synapses of its neuron: nothing but the
neuron's events changes it.  Brian integrates it at a synapse whenever an event arrives there, from
either side, and notes the time.  Where a variable decays in such a way that two steps in time are
as good as one, it can be kept for the neuron, with the time of the neuron's own last event, and be
integrated up to the present when it is used.  What is left at a synapse is what is its own.

Which variables these are is found in the kernels of the pathways alone; that their values are the
same when a run begins, whoever executes the network has to look (`Traces`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT64, INT32, INT64
from ..model.expr import Expr
from ..model.footprint import Touched
from ..model.kernel import ELEMENT, PLACE, RUN, Access, Kernel, Store
from ..model.mishap import working_on
from ..model.network import Array, Deliver, Host, Network, Role
from ..model.traces import TraceEnd, Traces
from .arrangeable import deliveries
from .flows import is_flow

SIDES = ("pre", "post")


def with_traces(network: Network) -> Network | None:
    """A copy of a network in which neurons keep what their synapses have in common.

    Parameters
    ----------
    network : Network
        As it was translated.

    Returns
    -------
    Network or None
        None if there is nothing to keep, or if others than compiled code may look at synapses
        within a time step.
    """
    if network.user_code or network.views or any(isinstance(s, Host) for s in network.steps):
        return None
    copied = network.copied()
    touched = Touched(copied.steps)
    for label, steps in deliveries(copied).items():
        with working_on(steps[0]):
            common = _find(copied, steps, touched)
            if common is not None:
                _Keeper(copied, label, steps, common).keep()
                touched.look(steps)
    return copied if copied.traces else None


@dataclass
class _Common:
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
    """

    side: dict[str, str]
    flows: dict[str, Expr]
    stamp: str
    now: str
    stamp_stays: bool = False
    #: by serial number
    names: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = {flow.serial: name for name, flow in self.flows.items()}

    def leave_out(self, node: Expr) -> bool:
        """Whether a node is the present value of such a variable."""
        return node.serial in self.names


def _find(network: Network, steps: list[Deliver], touched: Touched) -> _Common | None:
    """What the pathways of some synapses leave in common to the synapses of a neuron."""
    kernels = [step.kernel for step in steps]
    if len({step.clock for step in steps}) > 1:
        return None
    if any(kernel.shared_stores or kernel.careful for kernel in kernels):
        return None
    accesses = _accesses(kernels)
    if accesses is None:
        return None
    own = {
        name
        for name, access in accesses.items()
        if access.index == ELEMENT
        and access.dtype == FLOAT64
        and not touched.by_others(access.array, steps)
    }
    of_array = [access.array for access in accesses.values()]
    own = {name for name in own if of_array.count(accesses[name].array) == 1}
    values = {side: [_values(s.kernel) for s in steps if s.side == side] for side in SIDES}
    stored = {side: {name for one in values[side] for name in one} for side in SIDES}
    own &= stored["pre"] | stored["post"]

    times = {
        name
        for name, access in accesses.items()
        if access.index is None and network.arrays[access.array].role is Role.TIME
    }
    stamp = now = ""
    for name in sorted(own & stored["pre"] & stored["post"]):
        written = {one[name] for side in SIDES for one in values[side] if name in one}
        (value,) = written if len(written) == 1 else (None,)
        if value is not None and value.op == "load" and value.attr in times:
            stamp, now = name, value.attr
    side, flows = _candidates(own - {stamp}, values, stamp, now)
    while side:
        common = _Common(side, {name: flows[name] for name in side if name in flows}, stamp, now)
        wrong = _not_common(common, steps, accesses)
        if not wrong:
            common.stamp_stays = any(
                stamp in _raw_loads(_remaining(step.kernel, common), common) for step in steps
            )
            return common
        side = {name: one for name, one in side.items() if name not in wrong}
    return None


def _accesses(kernels: Iterable[Kernel]) -> dict[str, Access] | None:
    """By name; None if one name means two things."""
    merged: dict[str, Access] = {}
    for kernel in kernels:
        for name, access in kernel.accesses.items():
            if merged.setdefault(name, access) != access:
                return None
    return merged


def _values(kernel: Kernel) -> dict[str, Expr]:
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


def _not_common(common: _Common, steps: Iterable[Deliver], accesses: dict[str, Access]) -> set[str]:
    """The variables that do not belong to a neuron after all."""
    wrong: set[str] = set()
    for step in steps:
        values = _values(step.kernel)
        of_neuron = _of_neuron(step, common, accesses)
        for name, side in common.side.items():
            flow = common.flows.get(name)
            if flow is not None and (name in values) != (common.stamp in values):
                wrong.add(name)
            if name in values and side == step.side and not of_neuron(values[name]):
                wrong.add(name)
        wrong |= _raw_loads(_remaining(step.kernel, common), common) & common.flows.keys()
    return wrong


def _of_neuron(
    step: Deliver, common: _Common, accesses: dict[str, Access]
) -> Callable[[Expr], bool]:
    """Says whether a value is the same for all synapses of the neuron that an event is of."""
    known: dict[int, bool] = {}

    def leaf(node: Expr) -> bool:
        if node.op in ("random", "user", "given", "table"):
            return False
        if node.op != "load" or accesses[node.attr].index is None:
            return True
        return common.side.get(node.attr) == step.side and node.attr not in common.flows

    def of_neuron(root: Expr) -> bool:
        for node in ex.walk([root], lambda one: one.serial in known):
            if node.serial in common.names:
                known[node.serial] = common.side[common.names[node.serial]] == step.side
            else:
                known[node.serial] = leaf(node) and all(known[arg.serial] for arg in node.args)
        return known[root.serial]

    return of_neuron


def _remaining(kernel: Kernel, common: _Common) -> list[Store]:
    """What is left to do at each synapse; its stamp stands apart."""
    left_out = common.side.keys() | {common.stamp}
    return [store for store in kernel.stores if store.name not in left_out]


def _raw_loads(stores: Iterable[Store], common: _Common) -> set[str]:
    """The variables that are read as they are, beside their present values."""
    nodes = ex.walk([store.value for store in stores], common.leave_out)
    return {node.attr for node in nodes if node.op == "load"}


class _Keeper:
    """Lets neurons keep what their synapses have in common."""

    def __init__(self, network: Network, label: str, steps: list[Deliver], common: _Common) -> None:
        self._network = network
        self._label = label
        self._steps = steps
        self._common = common
        accesses = _accesses([step.kernel for step in steps])
        assert accesses is not None
        self._accesses = accesses
        self._results: dict[str, list[str]] = {side: [] for side in SIDES}
        self._places: dict[str, tuple[str, int]] = {}
        #: the sides of whose neurons the time of the last event is kept
        self._dated = {side for side in SIDES if self._is_dated(side)}

    def _is_dated(self, side: str) -> bool:
        common = self._common
        if common.stamp_stays:
            return any(common.side[name] == side for name in common.flows)
        marked = (s for s in self._steps if s.side == side and common.stamp in _values(s.kernel))
        return bool(common.flows) and any(True for _ in marked)

    def keep(self) -> None:
        """Change the pathways' kernels, and note what was done."""
        for step in self._steps:
            self._divide(step)
        ends = tuple(self._end(side) for side in SIDES if self._is_kept(side))
        stamp = self._common.stamp
        array = self._accesses[stamp].array if stamp and self._common.flows else None
        kernel = self._values_of_synapses()
        queues = tuple(step.queue for step in self._steps)
        self._network.traces.append(Traces(self._label, ends, array, kernel, queues, self._places))

    # -- what is where -----------------------------------------------------------
    def _array(self, name: str, dtype: str, origin: str) -> str:
        if name not in self._network.arrays:
            self._network.arrays[name] = Array(name, dtype, origin, self._label)
        return name

    def _key(self, side: str) -> str:
        name = f"{self._label}__key_{side}"
        return self._array(name, "int32", f"runs of '{self._label}' on the {side} side")

    def _since(self, side: str) -> str:
        name = f"{self._label}__since_{side}"
        return self._array(name, FLOAT64, f"last events of '{self._label}' on the {side} side")

    def _trace(self, name: str) -> str:
        array = self._accesses[name].array
        return self._array(f"{array}_trace", FLOAT64, f"'{name}' of '{self._label}' by neuron")

    def _is_kept(self, side: str) -> bool:
        return side in self._dated or side in self._common.side.values()

    def _end(self, side: str) -> TraceEnd:
        names = sorted(name for name, one in self._common.side.items() if one == side)
        return TraceEnd(
            side,
            tuple(step.queue for step in self._steps if step.side == side),
            self._key(side),
            self._since(side) if side in self._dated else None,
            {self._accesses[name].array: self._trace(name) for name in names},
            tuple(self._results[side]),
        )

    def _through(
        self, kernel: Kernel, name: str, array: str, side: str, dtype: str, queue: int | None = None
    ) -> Expr:
        """Read an element of a run on one side, from a kernel whose elements are synapses.

        These are delivered by a queue, or taken as they come.
        """
        key = Access(f"_key_{side}", self._key(side), "int32")
        if queue is not None:
            placed = self._array(
                f"{key.array}_in_{queue}", "int32", f"{self._network.arrays[key.array].origin}"
            )
            self._places[placed] = side, queue
            kernel.given = {**kernel.given, PLACE: INT64}
            key = replace(key, array=placed, index=PLACE)
        kernel.accesses[key.name] = key
        kernel.accesses[name] = Access(name, array, dtype, f"_key_{side}")
        return ex.make("load", attr=name, dtype=dtype)

    # -- pathways ------------------------------------------------------------------
    def _divide(self, step: Deliver) -> None:
        """Separate what is done for a neuron from what is done at its synapses."""
        common, side = self._common, step.side
        values = _values(step.kernel)
        marks = side in self._dated and common.stamp in values
        stores = [s for s in step.kernel.stores if common.side.get(s.name) == side]
        rest = _remaining(step.kernel, common)
        if common.stamp in values and (common.stamp_stays or not common.flows):
            rest += [store for store in step.kernel.stores if store.name == common.stamp]
        kernel = replace(step.kernel, accesses=dict(step.kernel.accesses))
        before = Kernel(f"{kernel.name}_before", kernel.origin)
        before.accesses = {n: a for n, a in kernel.accesses.items() if a.index is None}
        for name, one in common.side.items():
            if one == side:
                before.accesses[name] = Access(name, self._trace(name), FLOAT64)
        if marks or any(common.side[name] == side for name in common.flows):
            before.accesses["_since"] = Access("_since", self._since(side), FLOAT64)
        in_before = self._present_values(ex.make("load", attr="_since"), side)
        results = self._results_for(step, rest, kernel)
        for name in (name for name in results.values()):
            before.accesses[name] = replace(kernel.accesses[name], index=ELEMENT)
        nodes = [*(store.value for store in stores), *results]
        new = ex.rebuild(nodes, _replacing(in_before))
        before.stores = [Store(s.name, new[s.value.serial]) for s in stores]
        before.stores += [Store(name, new[node.serial]) for node, name in results.items()]
        if marks:
            before.stores.append(Store("_since", values[common.stamp]))
        kernel.stores = self._at_synapses(kernel, rest, step, results)
        kernel.accesses = _used(kernel)
        before.accesses = _used(before)
        step.kernel = kernel
        step.before = before if before.stores else None

    def _results_for(self, step: Deliver, rest: list[Store], kernel: Kernel) -> dict[Expr, str]:
        """What synapses need to know of the neuron: expressions, and what they are called."""
        of_neuron = _of_neuron(step, self._common, self._accesses)
        kept = self._common.names
        involved: set[int] = set()
        roots = [store.value for store in rest]
        for node in ex.walk(roots):
            raw = node.op == "load" and node.attr in self._common.side
            if (
                node.serial in kept
                or (raw and node.attr not in self._common.flows)
                or any(arg.serial in involved for arg in node.args)
            ):
                involved.add(node.serial)
        found: dict[Expr, str] = {}
        waiting, seen = list(reversed(roots)), set[int]()
        while waiting:
            node = waiting.pop()
            if node.serial in seen or node.serial not in involved:
                continue
            seen.add(node.serial)
            if of_neuron(node):
                found[node] = self._result(step, len(found), node.dtype, kernel)
            else:
                waiting.extend(reversed(node.args))
        return found

    def _result(self, step: Deliver, number: int, dtype: str, kernel: Kernel) -> str:
        side = step.side
        array = f"{self._label}__result_{side}_{number}_{dtype}"
        self._array(array, dtype, f"results of '{self._label}' on the {side} side")
        if array not in self._results[side]:
            self._results[side].append(array)
        name = f"_result_{side}_{number}"
        kernel.accesses[name] = Access(name, array, dtype, RUN)
        kernel.given = {**kernel.given, RUN: INT32}
        return name

    def _present_values(self, since: Expr, side: str) -> dict[int, Expr]:
        """What the present values of a side's variables are, with this as the last event."""
        stamp = self._common.stamp
        return {
            flow.serial: _substitute(flow, {stamp: since})
            for name, flow in self._common.flows.items()
            if self._common.side[name] == side
        }

    def _at_synapses(
        self, kernel: Kernel, rest: list[Store], step: Deliver, results: dict[Expr, str]
    ) -> list[Store]:
        """What each synapse does; it reads from both neurons what they keep."""
        side = step.side
        replaced = {
            node.serial: ex.make("load", attr=name, dtype=node.dtype)
            for node, name in results.items()
        }
        other = SIDES[1 - SIDES.index(side)]
        for name, one in self._common.side.items():
            if one == other:
                self._through(kernel, name, self._trace(name), other, FLOAT64, step.queue)
        if any(self._common.side[name] == other for name in self._common.flows):
            since = self._through(kernel, "_since", self._since(other), other, FLOAT64, step.queue)
            replaced |= self._present_values(since, other)
        new = ex.rebuild([store.value for store in rest], _replacing(replaced))
        return [Store(store.name, new[store.value.serial]) for store in rest]

    # -- what Brian sees ---------------------------------------------------------
    def _values_of_synapses(self) -> Kernel:
        """The kernel that gives the synapses' variables their values."""
        common = self._common
        kernel = Kernel(f"{self._label}_traces", f"variables of '{self._label}'")
        since = {
            side: self._through(kernel, f"_since_{side}", self._since(side), side, FLOAT64)
            for side in SIDES
            if side in self._dated
        }
        stamp = self._accesses[common.stamp] if common.stamp else None
        now = ex.make("load", attr=common.stamp)
        if stamp is not None and common.flows:
            kernel.accesses[stamp.name] = stamp
            if not common.stamp_stays:
                times = list(since.values())
                now = times[0]
                for time in times[1:]:
                    now = ex.select(ex.make("gt", (now, time), dtype=BOOL), now, time)
                kernel.stores.append(Store(stamp.name, now))
        for name, side in sorted(common.side.items()):
            kernel.accesses[name] = self._accesses[name]
            value = self._through(kernel, f"_trace_{name}", self._trace(name), side, FLOAT64)
            if name in common.flows:
                loads = {name: value, common.stamp: since[side], common.now: now}
                value = _substitute(common.flows[name], loads)
            kernel.stores.append(Store(name, value))
        kernel.accesses = _used(kernel)
        return kernel


def _used(kernel: Kernel) -> dict[str, Access]:
    """The accesses that a kernel makes use of."""
    used = {access.name for access in kernel.loads()}
    used |= {store.name for store in kernel.stores}
    return {name: access for name, access in kernel.accesses.items() if name in used}


def _replacing(replaced: dict[int, Expr]) -> ex.Rule:
    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.serial in replaced:
            return replaced[old.serial]
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    return rule


def _substitute(node: Expr, loads: dict[str, Expr]) -> Expr:
    """An expression with other values in place of variables."""

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op == "load" and old.attr in loads:
            return loads[old.attr]
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    return ex.rebuild([node], rule)[node.serial]
