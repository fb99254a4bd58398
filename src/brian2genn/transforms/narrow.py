"""Tell of a connection pattern which partners a row cannot have, without looking at each.

With ``connect(condition="abs(i - j) < 10")``, few of the pairs of neurons matter. What is known of
the condition over a whole range of partners (``transforms/intervals.py``) tells whether it can hold
for one of them; where it cannot, the range is passed over. What is left is looked at as before, and
random numbers belong to their pairs, so the synapses are the same.
"""

from __future__ import annotations

from ..model import expr as ex
from ..model.dtypes import INT64
from ..model.expr import Expr
from ..model.kernel import Kernel
from ..model.mishap import working_on
from ..model.network import Network, Role
from ..model.setup import CONDITION, HIGHEST, LOWEST, POSSIBLE, Connect, Iteration
from .intervals import TRUE, Intervals, Range

#: Operations of a test from which on it costs more than it can save.
_MOST = 300


def narrow(network: Network) -> None:
    """Let patterns with a condition on both neurons say where it can hold, in place."""
    numbers = {name for name, array in network.arrays.items() if array.role is Role.NUMBER}
    for step in network.steps:
        if isinstance(step, Connect):
            with working_on(step):
                possible = _possible(network, step, numbers)
                if possible is not None:
                    _tell(step.kernel, step.limits()[-1], possible)


def _possible(network: Network, step: Connect, numbers: set[str]) -> Expr | None:
    """Whether the condition can hold for partners between two; None if that says nothing."""
    kernel = step.kernel
    if step.condition_on_row or CONDITION not in kernel.outputs or not _is_plain(step):
        return None
    lowest, highest = (ex.make("given", attr=name, dtype=INT64) for name in (LOWEST, HIGHEST))
    dtype = network.params[step.partner_offset].dtype
    offset = ex.cast(ex.make("param", attr=step.partner_offset, dtype=dtype), INT64)
    partners = Range(lowest, highest)
    in_group = Range(ex.binary("add", lowest, offset), ex.binary("add", highest, offset))
    ranges = {step.inner: partners, step.partner: partners, step.raw_partner: in_group}
    possible = Intervals(kernel, ranges, numbers).may_hold(kernel.outputs[CONDITION])
    nodes = list(ex.walk([possible]))
    # what depends on neither neuron holds for all pairs, or makes no synapse at all
    if possible is TRUE or len(nodes) > _MOST or not any(_is_of_neurons(n, kernel) for n in nodes):
        return None
    return possible


def _is_of_neurons(node: Expr, kernel: Kernel) -> bool:
    if node.op == "load":
        return kernel.accesses[node.attr].index is not None
    return node.op == "given"


def _is_plain(step: Connect) -> bool:
    """Whether all partners of a range are gone through in order, and nothing but that is done."""
    outputs = step.kernel.outputs
    partner = outputs[step.partner]
    return (
        # a sample takes less than to look for ranges
        step.iteration is Iteration.RANGE
        and (partner.op, partner.attr) == ("given", step.inner)
        and outputs["_iter_low"] is ex.const(0, outputs["_iter_low"].dtype)
        and outputs["_iter_step"] is ex.const(1, outputs["_iter_step"].dtype)
        # users' functions may have a state, and be wrong about indices
        and not step.kernel.attributes("user")
    )


def _tell(kernel: Kernel, after: str, possible: Expr) -> None:
    """Add an output, behind the limits of the iteration."""
    outputs: dict[str, Expr] = {}
    for name, value in kernel.outputs.items():
        outputs[name] = value
        if name == after:
            outputs[POSSIBLE] = possible
    kernel.outputs = outputs
    kernel.given = {**kernel.given, LOWEST: INT64, HIGHEST: INT64}
