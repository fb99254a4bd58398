"""What differs between the versions of Brian that are supported."""

from __future__ import annotations

from typing import Any

from brian2.core import clocks
from brian2.core.namespace import get_local_namespace
from brian2.core.preferences import prefs
from brian2.memory.dynamicarray import DynamicArray
from brian2.synapses.synapses import SynapticPathway


def local_namespace(level: int) -> dict[str, Any]:
    """The names around the frame `level` above the caller's."""
    namespace: dict[str, Any] = get_local_namespace(level=level + 1)
    return namespace


def wants_garbage_collection() -> bool:
    """Whether a run begins with a collection, to warn of objects nobody holds.

    Up to Brian 2.10 always; since 2.11 only where those warnings are enabled.
    """
    try:
        return bool(prefs["logging.warn_for_unused_objects"])
    except KeyError:
        return True


def restores_delays() -> bool:
    """Whether ``store`` and ``restore`` keep synaptic delays: not in Brian 2.9."""
    return "delay" in SynapticPathway._full_state.__code__.co_consts


#: The class of all clocks: up to Brian 2.9 there is one kind.
BaseClock: type = getattr(clocks, "BaseClock", clocks.Clock)


def brian_dynamic_array(shape: tuple[int, ...], dtype: Any) -> Any:
    """A dynamic array of Brian's, filled with zeros.

    Since Brian 2.10, a C++ object that Brian's Cython code reaches by ``get_capsule``. NumPy arrays
    of its memory are valid only as long as it lives and keeps its size.
    """
    return DynamicArray(shape, dtype=dtype)
