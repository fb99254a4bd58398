"""Compute the numbers of a group's elements, in place of reading them.

``i`` is an array in Brian.  In a loop over all elements of a group it is the loop's own variable:
what is looked up by it (a column of a ``TimedArray``) lies beside what the next element looks up.
"""

from __future__ import annotations

from ..model import expr as ex
from ..model.dtypes import INT32, INT64
from ..model.expr import Expr
from ..model.kernel import ELEMENT, Kernel
from ..model.mishap import working_on
from ..model.network import Network, Role, Threshold, Update


def own_numbers(network: Network) -> None:
    """Let updates and thresholds compute the numbers of elements, in place."""
    numbers = {name for name, array in network.arrays.items() if array.role is Role.NUMBER}
    if not numbers:
        return
    for step in network.steps:
        if isinstance(step, Update | Threshold):
            with working_on(step):
                for kernel in step.kernels():
                    _compute_numbers(kernel, numbers)


def _compute_numbers(kernel: Kernel, numbers: set[str]) -> None:
    names = {
        name
        for name, access in kernel.accesses.items()
        if access.array in numbers and access.index == ELEMENT
    }
    if not names & set(kernel.attributes("load")):
        return
    number = ex.make("given", attr=ELEMENT, dtype=INT64)
    small = ex.cast(number, INT32)

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op == "load" and old.attr in names:
            return ex.cast(number, old.dtype)
        if old.op == "cast" and old.dtype == INT64 and args[0] is small:
            return number
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    kernel.rewrite(rule)
    kernel.given = {**kernel.given, ELEMENT: INT64}
