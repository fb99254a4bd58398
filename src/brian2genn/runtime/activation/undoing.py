"""An activation that fails leaves the device that was active before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from brian2.devices import device_module as brian_devices

#: What an activation changes in a device.
_CHANGED = ("build_on_run", "build_options", "_maximum_run_time")


def called_by_set_device(activation: FrameType) -> bool:
    """Whether ``set_device`` has called the device's ``activate``, and nobody else.

    Brian makes a device the active one before it asks it, and does not tell it who asks.

    Parameters
    ----------
    activation : frame
        Of ``activate``.
    """
    inner = activation.f_back
    outer = inner and inner.f_back
    return (
        inner is not None
        and outer is not None
        and inner.f_code is brian_devices._do_set_device.__code__
        and outer.f_code is brian_devices.set_device.__code__
    )


@contextmanager
def undone_if_it_fails(device: Any, activation: FrameType) -> Iterator[None]:
    """Within ``activate`` of a device: what it raises leaves everything as it was.

    The device keeps its former options, and the device that was active before ``set_device`` is
    the active one again.

    Parameters
    ----------
    device : Device
    activation : frame
        Of ``activate``.
    """
    from_set_device = called_by_set_device(activation)
    before = {name: device.__dict__[name] for name in _CHANGED if name in device.__dict__}
    try:
        yield
    except BaseException:
        for name in _CHANGED:
            device.__dict__.pop(name, None)
        device.__dict__.update(before)
        if from_set_device and brian_devices.previous_devices:
            brian_devices.active_device = brian_devices.previous_devices.pop()[0]
        raise
