"""How sums over synapses are made on a processor.

A sum goes through all synapses in every time step. What it computes of a neuron alone
(``tanh(x_pre)``) it would compute for each of the neuron's synapses: *tables* have it, computed
once for every neuron. And synapses need not be gone through in the order of their numbers, which
adds to another target in memory each time: they can stand *by target*, and several targets are
summed up in registers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import expr as ex
from ..model.footprint import How, Kind, footprint
from ..model.kernel import ELEMENT, Kernel
from ..model.network import Network, Sum
from .tables import Table, takes_long, with_tables


@dataclass(frozen=True)
class SumPlan:
    """How a sum over synapses is made.

    Attributes
    ----------
    kernel : Kernel
        That of the synapses, which looks up what tables have.
    tables : list of Table
    by_target : bool
        Whether synapses may stand by target, with copies of what they have.
    changing : frozenset of str
        The synaptic variables that change during a run: of these there are no copies.
    """

    kernel: Kernel
    tables: list[Table]
    by_target: bool
    changing: frozenset[str] = frozenset()

    def looked_up(self, target: str) -> list[str]:
        """The arrays by whose numbers a synapse looks up values, one for each value.

        Parameters
        ----------
        target : str
            The array with the targets, whose values are at hand.
        """
        accesses = self.kernel.accesses
        loads = [a for a in self.kernel.loads() if self.kernel.has_index_access(a)]
        arrays = [accesses[str(access.index)].array for access in loads]
        return [array for array in arrays if array != target]


def plan_sum(step: Sum, network: Network) -> SumPlan:
    """Say how a sum of `network` is made, which has been simplified."""
    if step.kernel.looks_into_arrays():
        return SumPlan(step.kernel, [], False)
    changed = changed_arrays(network)
    kernel, tables = with_tables(step.kernel, f"{step.name}_table", changed, takes_long)
    own = {access.array for access in kernel.loads() if access.index == ELEMENT}
    return SumPlan(
        kernel, tables, _by_target(kernel, step, changed), frozenset(own.intersection(changed))
    )


def changed_arrays(network: Network) -> set[str]:
    """The arrays that steps of a network write to."""
    return {
        str(touch.memory.name)
        for step in network.steps
        for touch in footprint(step)
        if touch.memory.kind is Kind.ARRAY and touch.how is not How.READ
    }


def _by_target(kernel: Kernel, step: Sum, changed: set[str]) -> bool:
    """Whether a synapse gives the same wherever it stands, and nobody changes who it connects."""
    if kernel.stores or kernel.shared_stores or step.target in kernel.read_arrays():
        return False
    if any(node.op in ("random", "user", "given") for node in ex.walk(kernel.roots())):
        return False
    loads = kernel.loads()
    indices = {kernel.accesses[str(a.index)].array for a in loads if kernel.has_index_access(a)}
    return changed.isdisjoint({step.index, *indices})
