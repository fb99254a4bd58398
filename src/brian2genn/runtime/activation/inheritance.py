"""Workers that a process starts run on its device, with its arguments, without a line in them.

The process says so in an environment variable; the module ``_brian2genn_inherit`` reads it in
workers. Forked processes have the device as they have everything.
"""

from __future__ import annotations

import json
import os
import sys
from functools import wraps
from typing import Any

from brian2.core.preferences import prefs
from brian2.devices.device import Device, all_devices, set_device
from brian2.utils.logger import get_logger

from ...preferences import told_to_inherit

logger = get_logger("brian2.devices.genn")

#: Holds the arguments of ``set_device`` for workers; not there if they have nothing to inherit.
VARIABLE = "BRIAN2GENN_INHERIT"

#: The arguments with which the device is active now; None while another device is.
_active: dict[str, Any] | None = None


def hand_down(arguments: dict[str, Any]) -> None:
    """Let workers that are started from now on run on the device, too.

    Parameters
    ----------
    arguments : dict
        Those of ``set_device``.
    """
    global _active
    _active = arguments
    _tell(prefs["devices.genn.inherit"])


def _tell(wanted: bool) -> None:
    if _active is None or not wanted:
        os.environ.pop(VARIABLE, None)
        return
    try:
        told = json.dumps(_active, default=_plain)
    except TypeError as error:
        os.environ.pop(VARIABLE, None)
        logger.warn(
            "Processes that this one starts do not inherit the device: its arguments"
            f" ({', '.join(_active)}) cannot be handed on ({error}). Call set_device('genn', ...)"
            " in the function that they run.",
            "not_inherited",
            once=True,
        )
        return
    if os.environ.get(VARIABLE) != told:
        os.environ[VARIABLE] = told
        _look_for_workers()


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} is neither a number nor a text")


def _look_for_workers() -> None:
    """Say that workers which are there already keep the device that they have."""
    processes = sys.modules.get("multiprocessing.process")
    children = processes.active_children() if processes else ()
    # those of a sweep are told otherwise, with each run
    there_are = sum(VARIABLE not in (getattr(child, "env", None) or {}) for child in children)
    if there_are:
        logger.info(
            f"{there_are} worker processes were started before the device 'genn' was chosen with"
            " these arguments; they keep what they have. Processes that start from now on inherit"
            " it.",
            "workers_before",
            once=True,
        )


def take_over() -> None:
    """Choose the device of the process that has started this one, if it is to; say so."""
    watcher, told = sys.modules.get("_brian2genn_inherit"), os.environ.get(VARIABLE)
    if not told or watcher is None or not watcher.is_heir or not prefs["devices.genn.inherit"]:
        return
    arguments = json.loads(told)
    with_arguments = "".join(f", {name}={value!r}" for name, value in arguments.items())
    call = f'set_device("genn"{with_arguments})'
    try:
        set_device("genn", **arguments)
    except Exception as error:
        error.add_note(
            f"This process called {call}, as the one that has started it did."
            " prefs.devices.genn.inherit = False there keeps it from that."
        )
        raise
    logger.info(
        f"This worker process (number {os.getpid()}) inherits the device of the one that has"
        f" started it: {call}.",
        "inherited",
        once=True,
    )


def _forget_when_left() -> None:
    """Hear of it when another device becomes the active one: Brian tells only that one."""
    activate = Device.activate

    @wraps(activate)
    def heard(self: Any, *args: Any, **kwargs: Any) -> Any:
        global _active
        if self is not all_devices.get("genn"):
            _active = None
            _tell(False)
        return activate(self, *args, **kwargs)

    Device.activate = heard


_forget_when_left()
told_to_inherit.append(_tell)
