"""Use what is known where a condition holds.

Brian writes ``unless refractory`` as a factor ``int(not_refractory)`` in the
equations *and* as a condition of the assignment.  Where the assignment takes
place, the factor is 1: ``c ? f(c) : g(c)`` becomes ``c ? f(true) : g(false)``.
What then depends on nothing but one condition is computed for both of its
values ahead of the elements and only chosen for each.
"""

from __future__ import annotations

from ..model import expr as ex
from ..model.dtypes import BOOL
from ..model.expr import Expr
from ..model.kernel import Kernel
from ..model.network import Network
from .rates import ELEMENT_RATE, Rates

_NONE: frozenset[int] = frozenset()


def specialise(network: Network) -> None:
    """Specialise every kernel of `network` in place."""
    for kernel in network.kernels():
        specialise_kernel(kernel)


def specialise_kernel(kernel: Kernel) -> None:
    """Specialise the expressions of one kernel in place."""
    kernel.rewrite(_know_condition)
    kernel.rewrite(_Chooser(kernel).rule)


def _know_condition(old: Expr, args: tuple[Expr, ...]) -> Expr:
    if old.op != "select":
        return ex.make(old.op, args, old.attr, old.dtype)
    condition, yes, no = args
    return ex.select(
        condition, _assume(yes, condition, value=True), _assume(no, condition, value=False)
    )


def _assume(expression: Expr, condition: Expr, *, value: bool) -> Expr:
    """`expression` with `condition` replaced by a constant."""

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old is condition:
            return ex.const(value)
        if old.op == "random" or not args:
            return old
        if old.op == "cast":
            return ex.cast(args[0], old.dtype)
        if old.op == "select":
            return ex.select(*args)
        return ex.make(old.op, args, old.attr, old.dtype)

    return ex.rebuild([expression], rule)[expression.serial]


class _Chooser:
    """Turns a value that depends on one condition into a choice of two."""

    def __init__(self, kernel: Kernel) -> None:
        self._rates = Rates(kernel)
        #: for every node, the element-wise conditions or other things it depends on
        self._sources: dict[int, frozenset[int]] = {}
        self._nodes: dict[int, Expr] = {}

    def rule(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        node = ex.make(old.op, args, old.attr, old.dtype)
        sources = self._sources_of(node)
        if len(sources) == 1 and node.dtype != BOOL and node.op not in ("select", "cast"):
            condition = self._nodes[next(iter(sources))]
            if condition.dtype == BOOL:
                node = ex.select(
                    condition,
                    _assume(node, condition, value=True),
                    _assume(node, condition, value=False),
                )
        return node

    def _sources_of(self, node: Expr) -> frozenset[int]:
        known = self._sources.get(node.serial)
        if known is None:
            if self._rates.of(node) != ELEMENT_RATE:
                known = _NONE
            elif node.dtype == BOOL or not node.args:
                known = frozenset((node.serial,))
                self._nodes[node.serial] = node
            elif node.op in ("random", "user", "table"):
                known = frozenset((node.serial, -1))
            else:
                known = _NONE.union(*(self._sources_of(arg) for arg in node.args))
            self._sources[node.serial] = known
        return known
