"""How often each expression of a kernel is computed: once per run, per time step, or per element.

A value is computed, and gets a name, where it changes: what follows from parameters once per run,
what is shared by all elements once per time step. So do values that are used several times, and
those of operations that stand alone. All others are written into the expression that uses them.
The printers look this up; they decide nothing of it.
"""

from __future__ import annotations

from collections.abc import Container

from ..model import expr as ex
from ..model.expr import Expr
from ..model.kernel import Computed, Hoisted, Kernel
from ..model.mishap import working_on
from ..model.network import Network
from ..model.setup import SetupStep
from .rates import ELEMENT_RATE, RUN_RATE, STEP_RATE, Rates

#: How many operations are written into one another, at two brackets each. Compilers read
#: expressions by recursion: clang takes 256 brackets, and nobody likes endless lines.
DEEPEST = 64

#: Operations whose values always have a name.
_NAMED = frozenset(("call", "random", "user", "table", "select"))


def hoist(network: Network) -> None:
    """Find out for all kernels of a network how often their expressions are computed."""
    for step in network.steps:
        with working_on(step):
            for kernel in step.kernels():
                kernel.hoisted = _hoisted(kernel, frozenset(), isinstance(step, SetupStep))


def hoisted(
    kernel: Kernel, ahead: frozenset[int] = frozenset(), outputs_first: bool = False
) -> Hoisted:
    """How often the expressions of `kernel` are computed; what `hoist` has found, if it asked this.

    Parameters
    ----------
    kernel : Kernel
    ahead : frozenset of int, optional
        Serial numbers of expressions that are there before all others, computed elsewhere.
    outputs_first : bool, optional
        Whether outputs come before what is stored.
    """
    known = kernel.hoisted
    if known is not None and known.is_of(kernel, ahead, outputs_first):
        return known
    return _hoisted(kernel, ahead, outputs_first)


def home(node: Expr, rate: int, section: int) -> int:
    """How often `node`, which changes at `rate`, is computed for what is computed in `section`.

    Variables that keep their value during a run are read again in every time step.
    """
    if rate > RUN_RATE:
        return rate
    if node.op == "load" and section != RUN_RATE:
        return STEP_RATE
    return RUN_RATE


class Named:
    """Which values get a name because of what they are, wherever they are computed.

    Parameters
    ----------
    kernel : Kernel
    operations : container of str
        Those whose values always have one.
    """

    def __init__(self, kernel: Kernel, operations: Container[str] = _NAMED) -> None:
        self._operations = operations
        self._uses = kernel.uses()
        #: how many operations are written into one another, where that is more than one
        self._depths: dict[int, int] = {}

    def has(self, node: Expr) -> bool:
        """Whether a value is named; its operands have been asked for before."""
        depth = 1 + max((self._depths.get(arg.serial, 0) for arg in node.args), default=0)
        if depth < DEEPEST and self._uses[node.serial] <= 1 and node.op not in self._operations:
            self._depths[node.serial] = depth
            return False
        return True


def _hoisted(kernel: Kernel, ahead: frozenset[int], outputs_first: bool) -> Hoisted:
    hoister = _Hoister(kernel, ahead)
    calls = hoister.calls() if kernel.looks_into_arrays() and not outputs_first else ()
    shared = tuple(hoister.need(store.value, STEP_RATE) for store in kernel.shared_stores)

    def stores() -> tuple[Computed, ...]:
        return tuple(
            one for store in kernel.stores for one in hoister.need(store.value, ELEMENT_RATE)
        )

    def outputs() -> dict[str, tuple[Computed, ...]]:
        return {name: hoister.need(value, ELEMENT_RATE) for name, value in kernel.outputs.items()}

    if outputs_first:
        of_outputs, of_stores = outputs(), stores()
    else:
        of_stores, of_outputs = stores(), outputs()
    return Hoisted(
        tuple(kernel.roots()), ahead, outputs_first, hoister.rates.known,
        calls, shared, of_stores, of_outputs,
    )  # fmt: skip


class _Hoister:
    """Goes through the expressions of a kernel in the order in which they are needed."""

    def __init__(self, kernel: Kernel, ahead: frozenset[int]) -> None:
        self.rates = Rates(kernel)
        self._kernel, self._ahead = kernel, ahead
        self._named = Named(kernel)
        self._found: list[Computed] = []
        self._done: set[tuple[int, int]] = set()

    def calls(self) -> tuple[Computed, ...]:
        """What users' functions that look into arrays need; they are called in their order."""
        calls = [node for node in ex.walk(self._kernel.roots()) if node.op == "user"]
        calls.sort(key=lambda node: (not node.attr.shared, node.attr.call_number))
        return tuple(
            one
            for call in calls
            if not call.attr.stateless
            for one in self.need(call, STEP_RATE if call.attr.shared else ELEMENT_RATE)
        )

    def need(self, node: Expr, section: int) -> tuple[Computed, ...]:
        """What is computed for `node`, as used in `section`, and has not been before."""
        self._found = []
        waiting = [(node, section, False)]
        while waiting:
            node, section, has_operands = waiting.pop()
            place = home(node, self.rates.of(node), section)
            if has_operands:
                if place != section or self._named.has(node):
                    self._add(node, place)
                    self._use(node, place, section)
            elif node.op in ("const", "given"):
                continue
            elif node.op == "param" or (place, node.serial) in self._done:
                self._use(node, place, section)
            elif node.op == "load" or node.serial in self._ahead:
                self._add(node, place)
            else:
                waiting.append((node, section, True))
                waiting.extend((arg, place, False) for arg in reversed(node.args))
        return tuple(self._found)

    def _add(self, node: Expr, rate: int) -> None:
        key = rate, node.serial
        if key not in self._done:
            self._done.add(key)
            self._found.append(Computed(node, rate))

    def _use(self, node: Expr, place: int, section: int) -> None:
        """Constants of a run, and parameters, are read once per time step."""
        if place == RUN_RATE and section != RUN_RATE and node.op != "load":
            self._add(node, STEP_RATE)
