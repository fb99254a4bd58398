"""Brian2GeNN 2: run a Brian 2 script fast, on the CPU it has or on a GPU.

Two lines make a Brian 2 script use it::

    import brian2genn
    set_device("genn")
"""

from __future__ import annotations

from typing import Any

from brian2.devices.device import all_devices

from . import preferences  # noqa: F401  (registers them)
from .device import GennDevice
from .runtime.explain import Explanation

__version__ = "2.0.0.dev0"
__all__ = ["explain", "genn_device"]

#: The device; ``set_device("genn")`` activates it.
genn_device = all_devices["genn"] = GennDevice()


def explain(network: Any = None) -> Explanation:
    """Tell which objects of a network were compiled, which Brian ran, and why.

    Parameters
    ----------
    network : Network, optional
        The network; the one that was run last if not given.

    Returns
    -------
    Explanation
        Prints as a table.

    Raises
    ------
    ValueError
        If the network has not been run with the device yet.
    """
    return genn_device.explain(network)
