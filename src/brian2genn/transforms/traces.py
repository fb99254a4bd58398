"""Keep what all synapses of a neuron have in common once for the neuron.

The trace of a rule of plasticity (``x += 1`` in ``on_pre``, decaying from event to event) is a
synaptic variable in Brian, and has the same value at all synapses of its neuron: nothing but the
neuron's events changes it.  Brian integrates it at a synapse whenever an event arrives there, from
either side, and notes the time.  Where a variable decays in such a way that two steps in time are
as good as one, it can be kept for the neuron, with the time of the neuron's own last event, and be
integrated up to the present when it is used.  What is left at a synapse is what is its own.

The same holds for what is integrated in every time step (`continuous`).

Which variables these are is found in the kernels alone (`in_common`); that their values are the
same when a run begins, whoever executes the network has to look (`Traces`).
"""

from __future__ import annotations

from dataclasses import replace

from ..model import expr as ex
from ..model.dtypes import BOOL, FLOAT64, INT32, INT64
from ..model.expr import Expr
from ..model.footprint import Touched
from ..model.kernel import ELEMENT, PLACE, RUN, Access, Kernel, Store
from ..model.mishap import working_on
from ..model.network import Array, Deliver, Host, Network, Param, Role, Step, Sum, Update
from ..model.traces import TraceEnd, Traces
from .arrangeable import deliveries
from .continuous import goes_on, looking_up, of_neurons, used
from .in_common import SIDES, Common, accesses_of, find, of_neuron, remaining, values_of


def with_traces(network: Network, *, events_only: bool = False) -> Network | None:
    """A copy of a network in which neurons keep what their synapses have in common.

    Parameters
    ----------
    network : Network
        As it was translated.
    events_only : bool, optional
        Only what nothing but events changes, and that depends on nothing that synapses have.

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
        going_on = [
            step for step in copied.steps
            if isinstance(step, Update | Sum) and not events_only and goes_on(step, label)
        ]  # fmt: skip
        with working_on(steps[0]):
            common = find(copied, steps, going_on, touched, constants=not events_only)
            if common is not None:
                touched.look(_Keeper(copied, label, steps, going_on, common).keep())
    return copied if copied.traces else None


def traced_networks(network: Network) -> list[Network]:
    """All copies of a network in which neurons keep something, the most first.

    Parameters
    ----------
    network : Network
        As it was translated.
    """
    found = with_traces(network)
    if found is None:
        return []
    ends = [end for one in found.traces for end in one.ends]
    if not any(end.constants or end.size is not None for end in ends):
        return [found]
    less = with_traces(network, events_only=True)
    return [found] if less is None else [found, less]


class _Keeper:
    """Lets neurons keep what their synapses have in common."""

    def __init__(
        self,
        network: Network,
        label: str,
        steps: list[Deliver],
        going_on: list[Update | Sum],
        common: Common,
    ) -> None:
        self._network = network
        self._label = label
        self._steps = steps
        self._going_on = going_on
        self._common = common
        kernels = [step.kernel for step in steps]
        accesses = accesses_of([*kernels, *(k for step in going_on for k in step.kernels())])
        assert accesses is not None
        self._accesses = accesses
        self._results: dict[str, list[str]] = {side: [] for side in SIDES}
        self._places: dict[str, tuple[str, int]] = {}
        #: parameters with the numbers of elements of state updates, by side
        self._sizes: dict[str, str] = {}
        #: the sides of whose neurons the time of the last event is kept
        self._dated = {side for side in SIDES if self._is_dated(side)}

    def _is_dated(self, side: str) -> bool:
        common = self._common
        if common.stamp_stays:
            return any(common.side[name] == side for name in common.flows)
        marked = (s for s in self._steps if s.side == side and common.stamp in values_of(s.kernel))
        return bool(common.flows) and any(True for _ in marked)

    def keep(self) -> list[Step]:
        """Change the pathways' kernels, and note what was done; returns what has changed."""
        for step in self._steps:
            self._divide(step)
        changed: list[Step] = [*self._steps]
        for one in self._going_on:
            place = self._network.steps.index(one)
            new = self._continue(one)
            self._network.steps[place : place + 1] = new
            changed += new
        ends = tuple(self._end(side) for side in SIDES if self._is_kept(side))
        stamp = self._common.stamp
        array = self._accesses[stamp].array if stamp and self._common.flows else None
        kernel = self._values_of_synapses()
        queues = tuple(step.queue for step in self._steps)
        self._network.traces.append(Traces(self._label, ends, array, kernel, queues, self._places))
        return changed

    # -- what is where -----------------------------------------------------------
    def _array(self, name: str, dtype: str, origin: str, role: Role = Role.STATE) -> str:
        if name not in self._network.arrays:
            self._network.arrays[name] = Array(name, dtype, origin, self._label, role)
        return name

    def _key(self, side: str) -> str:
        name = f"{self._label}__key_{side}"
        origin = f"runs of '{self._label}' on the {side} side"
        return self._array(name, "int32", origin, Role.SOURCE if side == "pre" else Role.TARGET)

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
            {
                self._accesses[name].array: self._trace(name)
                for name, one in self._common.constants.items()
                if one == side
            },
            self._sizes.get(side),
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
        values = values_of(step.kernel)
        marks = side in self._dated and common.stamp in values
        stores = [s for s in step.kernel.stores if common.side.get(s.name) == side]
        rest = remaining(step.kernel, common)
        if common.stamp in values and (common.stamp_stays or not common.flows):
            rest += [store for store in step.kernel.stores if store.name == common.stamp]
        kernel = replace(step.kernel, accesses=dict(step.kernel.accesses))
        before = Kernel(f"{kernel.name}_before", kernel.origin)
        before.accesses = {n: a for n, a in kernel.accesses.items() if a.index is None}
        for name, one in (common.side | common.constants).items():
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
        kernel.accesses = used(kernel)
        before.accesses = used(before)
        step.kernel = kernel
        step.before = before if before.stores else None

    def _continue(self, step: Update | Sum) -> list[Step]:
        """What a step that goes through all synapses is now; these come first."""
        kernel, kept = step.kernel, self._common.side
        rest = [store for store in kernel.stores if store.name not in kept]

        def through(own: Kernel, name: str) -> None:
            self._through(own, name, self._trace(name), kept[name], FLOAT64)

        new: list[Step] = []
        if rest or kernel.outputs:
            new.append(replace(step, kernel=looking_up(kernel, rest, kept, through)))
        for side in SIDES:
            names = {s.name: self._trace(s.name) for s in kernel.stores if kept.get(s.name) == side}
            if names and isinstance(step, Update):
                size = self._sizes.setdefault(side, f"{self._label}__runs_{side}")
                self._network.params[size] = Param(size, INT64)
                both = kept | self._common.constants
                reach = {name: self._trace(name) for name, one in both.items() if one == side}
                new.append(of_neurons(step, side, names, reach, size))
        return new

    def _results_for(self, step: Deliver, rest: list[Store], kernel: Kernel) -> dict[Expr, str]:
        """What synapses need to know of the neuron: expressions, and what they are called."""
        is_of_neuron = of_neuron(step.side, self._common, self._accesses)
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
            if is_of_neuron(node):
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
        kernel.accesses = used(kernel)
        return kernel


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
