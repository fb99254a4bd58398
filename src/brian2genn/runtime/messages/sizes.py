"""What the arrays of a network's objects take of memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from weakref import ref

import numpy as np
from brian2.core.variables import ArrayVariable

from ...frontend.labels import own, referent

#: How many objects are named.
_NAMED = 4


class Sizes:
    """Bytes of arrays, by object; as they are when somebody asks.

    Parameters
    ----------
    objects : iterable of BrianObject
        They are not kept alive.
    """

    def __init__(self, objects: Iterable[Any] = ()) -> None:
        self._objects = [ref(referent(obj)) for obj in objects]

    def of_objects(self) -> dict[str, int]:
        """Bytes by the objects' names, the largest first; without those that have no arrays."""
        found: dict[str, int] = {}
        for reference in self._objects:
            obj = reference()
            if obj is not None and (nbytes := _bytes_of(obj)):
                found[obj.name] = found.get(obj.name, 0) + nbytes
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def __str__(self) -> str:
        found = self.of_objects()
        if not found:
            return ""
        largest = [f"{name} {said(nbytes)}" for name, nbytes in list(found.items())[:_NAMED]]
        rest = " and others" if len(found) > _NAMED else ""
        return f"Arrays take {said(sum(found.values()))}: {', '.join(largest)}{rest}."


def said(nbytes: float) -> str:
    """A number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if nbytes < 1000:
            return f"{nbytes:.3g} {unit}"
        nbytes /= 1000
    return f"{nbytes:.3g} GB"


def _bytes_of(obj: Any) -> int:
    """Bytes of the arrays that an object has of its own: those of others it only refers to."""
    arrays = {
        id(variable): variable
        for variable in (own(obj, "variables") or {}).values()
        if isinstance(variable, ArrayVariable) and variable.owner.name == obj.name
    }
    return sum(
        math.prod(size if isinstance(size := variable.size, tuple) else (size,))
        * np.dtype(variable.dtype).itemsize
        for variable in arrays.values()
    )
