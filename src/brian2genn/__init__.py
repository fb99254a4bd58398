"""Brian2GeNN 2: run a Brian 2 script fast, on the CPU it has or on a GPU.

Two lines make a Brian 2 script use it::

    import brian2genn
    set_device("genn")

Arguments of ``set_device("genn", ...)``:

- ``backend``: ``"auto"`` (a GPU if there is one that computes right, else the processor),
  ``"cpu"``, ``"cuda"``, ``"pygenn"``
- ``threads``: how many a network may use on the processor; results are the same with any number
- ``mpi``: whether the processes that MPI has started run each network together; by default, if
  there are several
- ``deterministic``: whether sums on a GPU come out the same, bit by bit, in every run
- ``profile``: whether runs are profiled that do not say so themselves
- ``build_on_run``: ``False`` lets ``device.run(run_args=...)`` repeat what the script has run
- ``genn_backend``, ``genn_preferences``: for ``backend="pygenn"``

Preferences, under ``prefs.devices.genn``: ``cpu_threads``, ``cache_size``, ``progress``,
``inherit``, ``debug``; all others are of Brian2GeNN 1, and without effect.

``python -m brian2genn`` tells what is on this machine, and what would be chosen.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brian2.devices.device import all_devices

from . import preferences  # noqa: F401  (registers them)
from .device import GennDevice
from .frontend.compatibility import local_namespace
from .runtime.activation.foreign import accept_preferences
from .runtime.activation.inheritance import take_over
from .runtime.activation.legacy import example_run
from .runtime.memory.pickling import watch_forks
from .runtime.messages.explain import Explanation
from .runtime.messages.uncaught import watch_uncaught
from .runtime.ranks.synapses import as_they_are

if TYPE_CHECKING:
    from .sweeps import load_sweep, sweep

__version__ = "2.0.0.dev0"
__all__ = ["example_run", "explain", "export_genn", "genn_device", "load_sweep", "local", "sweep"]

#: The device; ``set_device("genn")`` activates it.
genn_device = all_devices["genn"] = GennDevice()
watch_forks(genn_device)
take_over()
accept_preferences()
watch_uncaught()


def __getattr__(name: str) -> Any:
    """Import what most scripts do without only when it is asked for."""
    if name not in ("load_sweep", "sweep"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from . import sweeps

    globals()[name] = getattr(sweeps, name)
    return globals()[name]


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


def local() -> AbstractContextManager[None]:
    """Let synapses be read as this process has them, where several run a network together.

    Within ``with brian2genn.local():``, ``S.i[:]``, ``S.w[:]`` and ``S.w["w > 0.5"]`` have the
    values of the synapses that this process has, in their order among all. Nothing is sent, so that
    each process may do it when it likes to. Synapses cannot be set there. In one process, these are
    all synapses.

    Returns
    -------
    context manager
    """
    return as_they_are()


def export_genn(network: Any, directory: str | Path, namespace: Any = None) -> Path:
    """Write a network as a script for GeNN's Python interface, and its data.

    The script is for people who want to go on in GeNN: it needs ``pygenn`` and NumPy, and no Brian.
    Nothing is run, and GeNN need not be installed.

    Parameters
    ----------
    network : Network
        Made under the device ``genn``, with any backend.
    directory : str or Path
        Where ``model.py`` and ``data.npz`` go; it is made if need be.
    namespace : dict, optional
        What names in equations stand for; by default what they stand for where this is called.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    RefusedNetwork
        With all that GeNN cannot do; nothing has been written then.
    """
    from .runtime.export import export_network

    if namespace is None:
        namespace = local_namespace(1)
    return export_network(network, Path(directory), namespace, genn_device.seed_for_genn())
