"""Elements of one group that read each other's variables: all of them see the values from before.

A group's equations may refer to its own variables at other elements, by linked variables. What
integrators promise, new values from those of the time step before, does then not depend on the
order of the elements. (Brian's compiled targets take one element after the other, and each sees
what those before it have written; its NumPy target reads before it writes.) So what is read in
another place than it is written comes from a copy, which a step of its own makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..model import expr as ex
from ..model.dtypes import INT64
from ..model.kernel import ELEMENT, Access, Kernel, Store
from ..model.names import Origin
from ..model.network import Update
from .builder import NetworkBuilder
from .kernels import value_dtype


def snapshots(
    builder: NetworkBuilder, kernel: Kernel, label: str, clock: int, more: Iterable[str] = ()
) -> list[Update]:
    """Let a kernel read copies of what it also writes, where it reads it at other elements.

    Parameters
    ----------
    builder : NetworkBuilder
    kernel : Kernel
        Writes each element's own values; it is changed.
    label : str
        Of the object that executes it.
    clock : int
        Number of that object's clock.
    more : iterable of str, optional
        Arrays of which the step writes each element's own value beside the kernel.

    Returns
    -------
    list of Update
        The steps that make the copies, to be executed before the kernel.
    """
    written = {
        access.array
        for access in (kernel.accesses[store.name] for store in kernel.stores)
        if access.index == ELEMENT
    }
    written.update(more)
    steps: dict[str, Update] = {}
    copies: dict[str, str] = {}
    for name in [access.name for access in kernel.loads()]:
        access = kernel.accesses[name]
        if access.index in (None, ELEMENT) or access.array not in written:
            continue
        if access.array not in copies:
            copies[access.array], steps[access.array] = _copy(builder, access, label, clock)
        kernel.accesses[name] = replace(access, array=copies[access.array])
    return list(steps.values())


def _copy(builder: NetworkBuilder, access: Access, label: str, clock: int) -> tuple[str, Update]:
    """An array for the copy of another one, and the step that fills it."""
    variable: Any = builder.bindings.arrays[access.array]
    original = builder.network.arrays[access.array]
    identity = (label, access.array)
    copy = builder.constant_array(
        f"{access.array}_before",
        lambda: np.zeros(int(variable.size), dtype=original.dtype),
        Origin(f"what was '{variable.name}' of", original.owner),
        identity,
    )
    builder.network.arrays[copy] = replace(
        builder.network.arrays[copy], dtype=original.dtype, owner=original.owner
    )
    kernel = Kernel(
        builder.kernel_name(f"{label}_{variable.name}_before_kernel"),
        Origin("values before the", label),
    )
    kernel.accesses = {
        "value": Access("value", access.array, access.dtype),
        "before": Access("before", copy, access.dtype),
    }
    value = ex.make("load", attr="value", dtype=value_dtype(access.dtype))
    kernel.stores = [Store("before", value)]
    parameter = builder.param(f"{copy}_size", INT64, lambda: int(variable.size), (identity, "size"))
    step = Update(
        name=builder.kernel_name(f"{label}_{variable.name}_before"),
        origin=Origin("values before the", label),
        owner=label,
        clock=clock,
        kernel=kernel,
        size=str(parameter.attr),
    )
    return copy, step
