"""Say of a random number that is only compared what the comparison is: a chance.

``rand() < p`` asks for one bit.  Where nothing else uses the number, the backends draw as few
random words as tell this bit, which for a whole group is a fraction of what the numbers would take.
"""

from __future__ import annotations

from dataclasses import replace

from ..model import expr as ex
from ..model.dtypes import BOOL
from ..model.expr import Expr
from ..model.kernel import Kernel
from ..model.mishap import working_on
from ..model.network import Network, Threshold, Update

#: Comparisons that are true where their first or second operand, the number, is the smaller one.
#: That both are the same has no probability worth a word.
_BELOW = {"lt": 0, "le": 0, "gt": 1, "ge": 1}


def chances(network: Network) -> None:
    """Find the chances in what is done for whole groups, in place."""
    for step in network.steps:
        if isinstance(step, Update | Threshold):
            with working_on(step):
                for kernel in step.kernels():
                    _find_chances(kernel)


def _find_chances(kernel: Kernel) -> None:
    uses = kernel.uses()

    def rule(old: Expr, args: tuple[Expr, ...]) -> Expr:
        if old.op in _BELOW:
            place = _BELOW[old.op]
            number, other = old.args[place], args[1 - place]
            is_rand = number.op == "random" and number.attr.kind == "rand"
            if is_rand and not number.attr.shared and uses[number.serial] == 1:
                site = replace(number.attr, kind="below")
                return ex.make("random", (other,), site, BOOL)
        return ex.make(old.op, args, old.attr, old.dtype) if args else old

    kernel.rewrite(rule)
