"""Defects of ours are no reason to end a run: Brian can do what our passes cannot."""

from __future__ import annotations

import traceback

from brian2.core.preferences import prefs
from brian2.utils.logger import get_logger

from ...backends.host.toolchain import CompileError, ToolchainError
from ...backends.interface import DeviceError
from ...backends.refusal import RefusedNetwork
from ...frontend.brian_names import NoSuchName
from ...model.mishap import Mishap

logger = get_logger("brian2.devices.genn")

#: What is no defect of a pass: the machine, the user's C++ code, or a backend that refuses.
_NO_MISHAPS = (
    MemoryError, OSError, CompileError, ToolchainError, DeviceError, RefusedNetwork, NoSuchName,
)  # fmt: skip

#: The owner of what a pass was busy with when it was busy with the whole network.
EVERYTHING = ""


def hand_over(name: str, error: Exception) -> str:
    """Decide what becomes of an object where one of our passes has failed.

    This is the one place that takes any exception for what it is: our mistake. Brian warns once of
    each, and with ``prefs.devices.genn.debug`` the exception is raised.

    Parameters
    ----------
    name : str
        The object's; `EVERYTHING` for a whole network.
    error : Exception
        Other than `Unsupported`, which is no failure.

    Returns
    -------
    str
        Why Brian runs it.
    """
    if isinstance(error, Mishap):
        error = error.error
    if isinstance(error, _NO_MISHAPS) or prefs["devices.genn.debug"]:
        raise error
    what = type(error).__name__ + (f": {error}" if str(error) else "")
    reason = f"the compiler has failed ({what})"
    places = traceback.extract_tb(error.__traceback__)[-3:]
    place = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(places))
    whose = "The network" if name == EVERYTHING else f"'{name}'"
    logger.warn(
        f"{whose} is run by Brian, which is right but slower, because {reason}. This is a mistake"
        " in brian2genn. Please report it to its developers, with the script and this place:"
        f" {place}. With prefs.devices.genn.debug = True, it is raised as an error.",
        "mishap",
        once=True,
    )
    return reason
