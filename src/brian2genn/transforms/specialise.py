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
from ..model.mishap import working_on
from ..model.network import Network
from .rates import ELEMENT_RATE, Rates

_NONE: frozenset[int] = frozenset()

#: Stands for all sets of several sources: which they are, makes no difference.
_SEVERAL = frozenset((-1, -2))


def specialise(network: Network) -> None:
    """Specialise every kernel of `network` in place."""
    for step in network.steps:
        with working_on(step):
            for kernel in step.kernels():
                specialise_kernel(kernel)


def specialise_kernel(kernel: Kernel) -> None:
    """Specialise the expressions of one kernel in place."""
    known = _Known()
    kernel.rewrite(known.rule)
    kernel.rewrite(_Chooser(kernel, known).rule)


class _Known:
    """What expressions become where a condition is known.

    It is remembered: each of many statements with one condition begins with what the one before
    it has made.
    """

    def __init__(self) -> None:
        #: for a condition (its serial number) and its value: what became of every expression
        self._made: dict[tuple[int, bool], dict[int, Expr]] = {}

    def rule(self, old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op != "select":
            return ex.make(old.op, args, old.attr, old.dtype)
        condition, yes, no = args
        return ex.select(
            condition,
            self.assume(yes, condition, value=True),
            self.assume(no, condition, value=False),
        )

    def assume(self, expression: Expr, condition: Expr, *, value: bool) -> Expr:
        """`expression` with `condition` replaced by a constant."""
        made = self._made.setdefault((condition.serial, value), {condition.serial: ex.const(value)})

        def stays_or_is_known(node: Expr) -> bool:
            # what was made before the condition was does not contain it
            return node.serial < condition.serial or node.serial in made

        for old in ex.walk([expression], stays_or_is_known):
            args = [made.get(arg.serial, arg) for arg in old.args]
            if old.op == "random" or not args:
                made[old.serial] = old
            elif old.op == "cast":
                made[old.serial] = ex.cast(args[0], old.dtype)
            elif old.op == "select":
                made[old.serial] = ex.select(*args)
            else:
                made[old.serial] = ex.make(old.op, args, old.attr, old.dtype)
        return made.get(expression.serial, expression)


class _Chooser:
    """Turns a value that depends on one condition into a choice of two."""

    def __init__(self, kernel: Kernel, known: _Known) -> None:
        self._rates = Rates(kernel)
        self._known = known
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
                    self._known.assume(node, condition, value=True),
                    self._known.assume(node, condition, value=False),
                )
        return node

    def _sources_of(self, node: Expr) -> frozenset[int]:
        known = self._sources
        if node.serial not in known:
            for below in ex.walk([node], lambda one: one.serial in known):
                known[below.serial] = self._from_operands(below)
        return known[node.serial]

    def _from_operands(self, node: Expr) -> frozenset[int]:
        if self._rates.of(node) != ELEMENT_RATE:
            return _NONE
        if node.dtype == BOOL or not node.args:
            self._nodes[node.serial] = node
            return frozenset((node.serial,))
        if node.op in ("random", "user", "table"):
            return _SEVERAL
        sources = _NONE.union(*(self._sources[arg.serial] for arg in node.args))
        return sources if len(sources) < 2 else _SEVERAL
