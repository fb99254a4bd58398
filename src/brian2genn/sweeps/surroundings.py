"""What a run finds around it: the device, Brian's preferences, the default time step.

It is what the process has that calls `sweep`, and each run finds the same, whatever the one before
has left.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import brian2
import numpy as np
from brian2.core.preferences import prefs
from brian2.devices import device_module as brian_devices
from brian2.devices.device import RuntimeDevice, all_devices, set_device

from .extras import cloudpickle

#: What people see of a process, which is its own affair.
_NOT_CARRIED = ("logging.", "devices.genn.progress")


class NoSweepWith(ValueError):
    """A device that workers cannot have."""


@dataclass(frozen=True)
class Surroundings:
    """What a run finds around it.

    Attributes
    ----------
    device : str
        Its name.
    build_on_run : bool
    options : dict
        Arguments of ``set_device``.
    preferences : dict
        Those that can be sent to another process.
    time_step : float
        Of the default clock, in seconds.
    """

    device: str
    build_on_run: bool
    options: Mapping[str, Any]
    preferences: Mapping[str, Any]
    time_step: float

    def restore(self) -> None:
        """Put everything back to what it is to be."""
        active = brian_devices.active_device
        if not isinstance(active, RuntimeDevice):
            active.reinit()  # it builds one script, and knows the objects of the last run
        kept = prefs.prefs
        for name, value in self.preferences.items():
            if name not in kept or not _is_same(kept[name], value):
                prefs[name] = value
        wanted = all_devices[self.device]
        if (
            active is not wanted
            or getattr(active, "build_options", {}) != self.options
            or getattr(active, "build_on_run", True) != self.build_on_run
        ):
            set_device(self.device, build_on_run=self.build_on_run, **self.options)
            del brian_devices.previous_devices[:-8]
        clock = brian2.defaultclock
        if float(clock.dt_) != self.time_step:
            clock.dt = self.time_step * brian2.second

    def marks(self) -> dict[str, str]:
        """What results depend on, of all this, by what people call it.

        The backend and the number of threads change last digits only.
        """
        return {
            "the device": self.device,
            "the default time step": repr(self.time_step),
            "the precision": str(np.dtype(self.preferences["core.default_float_dtype"])),
        }


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def capture() -> Surroundings:
    """What this process has.

    A process that has never chosen a device does not have one that it could hand on: its sweeps run
    on ``genn``.

    Raises
    ------
    NoSweepWith
        If a device is active that compiles a whole script.
    """
    device = brian_devices.active_device
    name = next((name for name, known in all_devices.items() if known is device), "")
    if not isinstance(device, RuntimeDevice) or not name:
        raise NoSweepWith(
            f"A sweep cannot run with the device '{name or device}', which builds one program for"
            " one script. Call set_device('genn') or set_device('runtime') before, or"
            f" set_device('{name}', ...) in the function."
        )
    if name == "runtime" and not brian_devices.previous_devices:
        name, device = "genn", None
    options = dict(getattr(device, "build_options", {}))
    build_on_run = bool(getattr(device, "build_on_run", True))
    time_step = float(brian_devices.active_device.defaultclock.dt_)
    return Surroundings(name, build_on_run, options, _preferences(), time_step)


def _preferences() -> dict[str, Any]:
    """Preferences that another process can have, too."""
    can_be_sent = {}
    pickle = cloudpickle()
    for name, value in prefs.prefs.items():
        if name.startswith(_NOT_CARRIED):
            continue
        try:
            pickle.dumps(value)
        except Exception:
            continue
        can_be_sent[name] = value
    return can_be_sent


def seed_everything(seed: int) -> None:
    """Seed Brian, NumPy and Python."""
    brian2.seed(seed)
    random.seed(seed)


@contextmanager
def put_back() -> Iterator[None]:
    """Put everything back at the end to what it is now: for runs in this process."""
    device = brian_devices.active_device
    name = next(name for name, known in all_devices.items() if known is device)
    before = Surroundings(
        name,
        bool(getattr(device, "build_on_run", True)),
        dict(getattr(device, "build_options", {})),
        dict(prefs.prefs),
        float(device.defaultclock.dt_),
    )
    former = list(brian_devices.previous_devices)
    numbers, python_numbers = device.get_random_state(), random.getstate()
    try:
        yield
    finally:
        before.restore()
        brian_devices.previous_devices[:] = former
        device.set_random_state(numbers)
        random.setstate(python_numbers)
