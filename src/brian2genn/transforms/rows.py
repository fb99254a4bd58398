"""How a state update of synapses is made on a processor.

What it computes of neurons alone, *tables* have.  And where the synapses of a neuron have
neighbours on the other side, as most projections from all to all have, they make a *row*: what the
one neuron has is read once, what the others have lies in memory as the synapses do.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..model import expr as ex
from ..model.dtypes import INT32
from ..model.kernel import ELEMENT, Access, Kernel
from ..model.network import Network, Role, Update
from .sums import changed_arrays
from .tables import QUICK, Table, takes_more, with_tables


@dataclass(frozen=True)
class UpdatePlan:
    """How a state update that reads what neurons have is made.

    Attributes
    ----------
    kernel : Kernel
        That of the synapses, which looks up what tables have.
    tables : list of Table
    same, neighbours : tuple of str
        The arrays of numbers of neurons that are the same in a row, and those that are neighbours;
        both are empty if there can be no rows.
    """

    kernel: Kernel
    tables: list[Table]
    same: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()


def plan_update(step: Update, network: Network) -> UpdatePlan | None:
    """Say how a state update is made; None if it reads nothing by the numbers of neurons.

    Parameters
    ----------
    step : Update
        One that has been simplified.
    network : Network
    """
    kernel = step.kernel
    if kernel.looks_into_arrays() or kernel.shared_stores or step.own:
        return None
    changed = changed_arrays(network)
    indices = _indices(kernel)
    own = all(kernel.accesses[store.name].index == ELEMENT for store in kernel.stores)
    if not indices or not own or not changed.isdisjoint(indices):
        return None
    if any(access.array in kernel.written_arrays() for access in _through(kernel)):
        return None
    roles = {name: network.arrays[name].role for name in indices}
    if not {Role.SOURCE, Role.TARGET}.issuperset(roles.values()):
        return None
    kernel, tables = with_tables(kernel, f"{step.name}_table", changed, takes_more)
    same = tuple(name for name in indices if roles[name] is Role.SOURCE)
    neighbours = tuple(name for name in indices if roles[name] is Role.TARGET)
    # rows are cut anywhere: what is computed in vectors must be what is computed alone
    alike = all(
        node.op not in ("random", "user", "given", "table", "pow")
        and (node.op != "call" or node.attr in QUICK)
        for node in ex.walk(kernel.roots())
    )
    return UpdatePlan(kernel, tables, same, neighbours) if alike else UpdatePlan(kernel, tables)


def _through(kernel: Kernel) -> list[Access]:
    """The accesses to what neurons have."""
    return [access for access in kernel.loads() if kernel.has_index_access(access)]


def _indices(kernel: Kernel) -> list[str]:
    """The arrays of the numbers by which a kernel reads what neurons have."""
    indices = [kernel.accesses[str(access.index)] for access in _through(kernel)]
    plain = all(one.index == ELEMENT and one.dtype == INT32 for one in indices)
    return list(dict.fromkeys(one.array for one in indices)) if plain else []
