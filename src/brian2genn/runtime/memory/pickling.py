"""Copies and pickles: of the device a handle, of what belongs to it what others need of it.

Nearly everything in Brian holds the device. A copy of the device itself would have nothing to
run on: who opens a pickle gets the device of that process. So a variable takes its values along.
"""

from __future__ import annotations

import copyreg
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import all_devices

#: The name of a device that Brian does not know by any.
_DEFAULT = "genn"

#: Whether pickles are opened as copies, also of what this process was forked with.
_are_copies = False

#: The variables that this process has inherited, by the process that had them and their identity
#: there.
_inherited: WeakValueDictionary[tuple[int, int], ArrayVariable] = WeakValueDictionary()


class Handle:
    """A device of which there is one in each process; copies and pickles stand for that one."""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        names = [name for name, device in all_devices.items() if device is self]
        return open_device, (names[0] if names else _DEFAULT,)


def open_device(name: str) -> Any:
    """The device of this process."""
    importlib.import_module(__name__.partition(".")[0])  # makes it known to Brian
    return all_devices[name]


def _is_ours(device: Any) -> bool:
    return issubclass(type(device), Handle)  # isinstance would ask the device what it wants to be


# -- variables --------------------------------------------------------------------
def _reduce_variable(variable: ArrayVariable) -> Any:
    device = variable.device
    if not _is_ours(device):
        return copyreg.__newobj__, (type(variable),), _state_of(variable)  # type: ignore[attr-defined]
    values = np.array(device.get_value(variable))
    origin = os.getpid(), id(variable)
    arguments = type(variable), device, values, variable.size, variable.dtype, origin
    return open_variable, (*arguments, variable.name), _state_of(variable)


def _state_of(variable: ArrayVariable) -> dict[str, Any]:
    """What Brian makes of a variable; also if its group is gone, as of others of a device's."""
    try:
        state: dict[str, Any] = variable.__getstate__()
    except ReferenceError:
        state = {**vars(variable), "owner": None}
    return state


def open_variable(
    kind: type[ArrayVariable],
    device: Any,
    values: np.ndarray,
    size: Any,
    dtype: Any,
    origin: tuple[int, int],
    name: str,
) -> ArrayVariable:
    """A variable with these values; its other attributes follow.

    In a process that was forked from the one that made the pickle (a worker of a pool), the
    variable itself, if the process has it: what is run there is to be seen through it.
    """
    known = _inherited.get(origin)
    is_known = known is not None and known.name == name and origin[0] != os.getpid()
    if is_known and not _are_copies:
        # pickle asks an object for this before it gives it attributes
        vars(known)["__setstate__"] = lambda state: vars(known).pop("__setstate__")
        return known
    variable = object.__new__(kind)
    # what the device looks at when it makes an array
    vars(variable).update(size=size, dtype=dtype, owner=None, ndim=np.ndim(values))
    device.add_array(variable)
    if isinstance(variable, DynamicArrayVariable):
        device.resize(variable, values.shape if values.ndim > 1 else len(values))
    device.fill_with_array(variable, values)
    return variable


@contextmanager
def as_copies() -> Iterator[None]:
    """Within this, a pickle is opened as something of its own, whatever this process has."""
    global _are_copies
    before, _are_copies = _are_copies, True
    try:
        yield
    finally:
        _are_copies = before


for _kind in (ArrayVariable, DynamicArrayVariable):
    copyreg.pickle(_kind, _reduce_variable)


def inherit_variables(device: Any) -> None:
    """Note, in a process that was forked, which variables it has from the one before."""
    before = os.getppid()
    for variable in list(device.arrays):
        _inherited[before, id(variable)] = variable


def watch_forks(device: Any) -> None:
    """Have forked processes know their variables."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: inherit_variables(device))


# -- what is made anew --------------------------------------------------------------
class ForgottenCode:
    """In place of a code object: Brian makes the code anew before the next run."""

    def __init__(self, name: str, template_name: str) -> None:
        self.name, self.template_name = name, template_name

    def __call__(self, **kwds: Any) -> None:
        raise RuntimeError(
            f"The code '{self.name}' is not part of a copy or a pickle. It is made anew when the"
            " network is run."
        )


class MadeAnew:
    """Code objects whose copies and pickles remember the name only."""

    name: str
    template_name: str = ""

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return ForgottenCode, (self.name, self.template_name)


def nothing() -> None:
    """What opens a pickle of something that only has a meaning where it was made."""
