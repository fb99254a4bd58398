"""What synapses do in every time step, where neurons keep variables for them.

A variable that is integrated in every time step (``(clock-driven)``), and that the events of one
neuron change, is the same at all synapses of this neuron, as the trace of a rule of plasticity is
(`traces`).  Its state update has as many elements then as there are neurons, not synapses; sums
over synapses look it up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from ..model import expr as ex
from ..model.dtypes import FLOAT64
from ..model.expr import Expr
from ..model.footprint import Touched
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.network import Step, Sum, Update

#: What the values of a variable of neurons may not be made of.
_OWN = frozenset(("random", "user", "given", "table"))


def goes_on(step: Update | Sum, label: str) -> bool:
    """Whether a step computes something for all synapses of a group, each for itself."""
    kernel = step.kernel
    plain = step.domain == label and not (
        kernel.shared_stores or kernel.careful or kernel.given or kernel.numbered
    )
    return plain and all(kernel.accesses[store.name].index == ELEMENT for store in kernel.stores)


def values_in(steps: Iterable[Step]) -> list[dict[str, Expr]]:
    """By name, what state updates give the variables of synapses."""
    return [
        {store.name: store.value for store in step.kernel.stores}
        for step in steps
        if isinstance(step, Update)
    ]


def constants_of(touched: Touched, accesses: Iterable[Access]) -> set[str]:
    """The names of what synapses have of their own and no step changes."""
    listed = list(accesses)
    of_array = [access.array for access in listed]
    return {
        access.name
        for access in listed
        if access.index == ELEMENT
        and access.dtype == FLOAT64
        and not touched.is_changed(access.array)
        and of_array.count(access.array) == 1
    }


def of_neurons(
    step: Update, side: str, kept: dict[str, str], reach: dict[str, str], size: str
) -> Update:
    """A state update that integrates what neurons of one side keep.

    Parameters
    ----------
    step : Update
        That of the synapses.
    side : str
        That of the neurons.
    kept : dict
        From its variables to the arrays that neurons have in their place: those that it integrates.
    reach : dict
        The same, for all that it may read.
    size : str
        The parameter with the number of elements.
    """
    old = step.kernel
    kernel = Kernel(f"{old.name}_{side}", old.origin)
    kernel.accesses = {
        name: access for name, access in old.accesses.items() if access.index is None
    }
    kernel.accesses |= {name: Access(name, array, FLOAT64) for name, array in reach.items()}
    kernel.stores = [store for store in old.stores if store.name in kept]
    kernel.accesses = used(kernel)
    name = f"{step.name}_{side}"
    return replace(step, name=name, kernel=kernel, size=size, domain=f"{step.domain}__{side}")


def looking_up(
    kernel: Kernel, stores: list[Store], kept: Iterable[str], through: Callable[[Kernel, str], None]
) -> Kernel:
    """The kernel of synapses with these stores, which reads of neurons what these keep.

    Parameters
    ----------
    kernel : Kernel
    stores : list of Store
    kept : iterable of str
        The variables that neurons keep.
    through : callable
        Gives a kernel the access to such a variable.
    """
    new = replace(kernel, accesses=dict(kernel.accesses), stores=stores)
    loaded = set(new.attributes("load"))
    for name in kept:
        if name in loaded:
            through(new, name)
    new.accesses = used(new)
    return new


def used(kernel: Kernel) -> dict[str, Access]:
    """The accesses that a kernel makes use of."""
    names = {access.name for access in kernel.loads()}
    names |= {store.name for store in kernel.stores}
    return {name: access for name, access in kernel.accesses.items() if name in names}


def loads_of(values: Iterable[Expr]) -> set[str]:
    """The names of all that is read for some values."""
    return {node.attr for node in ex.walk(list(values)) if node.op == "load"}
