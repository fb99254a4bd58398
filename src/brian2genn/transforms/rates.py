"""How often a value changes: never during a run, every step, or every element."""

from __future__ import annotations

from ..model.expr import Expr, walk
from ..model.kernel import Kernel

#: Constant in the source text, during a run, during a time step, or not at all.
CONST_RATE, RUN_RATE, STEP_RATE, ELEMENT_RATE = range(4)

#: Shared variables that keep their value during a run.
RUN_CONSTANT_LOADS = frozenset(("dt", "_source_dt", "_clock_dt"))


class Rates:
    """The rates of a kernel's expressions, remembered.

    Parameters
    ----------
    kernel : Kernel
        Its accesses tell which loads are shared by all elements.

    Attributes
    ----------
    known : dict of int to int
        The rates found so far, by the serial numbers of expressions.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.known: dict[int, int] = {}

    def of(self, node: Expr) -> int:
        """The rate of `node`, one of the constants of this module."""
        known = self.known
        if node.serial not in known:
            for below in walk([node], lambda one: one.serial in known):
                rates = [known[arg.serial] for arg in below.args]
                known[below.serial] = max([self._leaf(below), *rates])
        return known[node.serial]

    def _leaf(self, node: Expr) -> int:
        match node.op:
            case "const":
                return CONST_RATE
            case "param":
                return RUN_RATE
            case "load":
                access = self._kernel.accesses[node.attr]
                if access.index is not None:
                    return ELEMENT_RATE
                constant = node.attr in RUN_CONSTANT_LOADS
                constant = constant and access.array not in self._kernel.written_arrays()
                return RUN_RATE if constant else STEP_RATE
            case "given":
                return ELEMENT_RATE
            case "random":
                return STEP_RATE if node.attr.shared else ELEMENT_RATE
            case "user":
                if node.attr.shared:
                    return STEP_RATE
                pure = node.attr.stateless and not node.attr.vectorised
                return RUN_RATE if pure else ELEMENT_RATE
            case "table":
                return STEP_RATE
        return CONST_RATE
