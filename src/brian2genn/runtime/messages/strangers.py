"""Objects that were made under one device and are used under another."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

from brian2.devices.device import all_devices


class OwnArrays(WeakKeyDictionary[Any, Any]):
    """The arrays of a device, by variable; those of another device's variables are not there.

    Attributes
    ----------
    keeper : str
        The name of the device.
    """

    keeper: str

    def __getitem__(self, variable: Any) -> Any:
        try:
            return self.data[ref(variable)]  # type: ignore[attr-defined]  # of the base class
        except KeyError:
            raise RuntimeError(_explanation(variable, self.keeper)) from None


def explain_strangers(device: Any, name: str) -> None:
    """Let a device say what is wrong with variables of another one; Brian has a bare `KeyError`.

    Parameters
    ----------
    device : RuntimeDevice
    name : str
        What scripts call it.
    """
    device.arrays.__class__ = OwnArrays
    device.arrays.keeper = name


def _explanation(variable: Any, keeper: str) -> str:
    owner = getattr(variable.owner, "name", None)
    what = f"'{variable.name}'" + (f" of '{owner}'" if owner else "")
    device = getattr(variable, "device", None)
    names = [name for name, known in all_devices.items() if known is device]
    made = names[0] if names else type(device).__name__
    return (
        f"{what} was made under the device '{made}', but '{keeper}' is the active one,"
        " which does not have its values."
        f" Call set_device('{keeper}') before any object of the network is made, or"
        f" set_device('{made}') before it is used."
    )
